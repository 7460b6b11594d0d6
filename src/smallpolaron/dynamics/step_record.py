"""How a propagation on an adaptive basis went: what its result tells besides its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smallpolaron.dynamics.trajectory import Trajectory


@dataclass(frozen=True)
class StepRecord:
    """How a run went; of several that make one, the series are those of the largest basis.

    Attributes:
        step_time_fs: beginning of every step and the end of the last, fs.
        norm: norm of the state at those times; of a displacement see DisplacementGenerator.
        basis_size: labels at those times.
        outside_flow: amplitude kept outside the basis, relative to the norm, at those times.
        frontier_weight: of a fixed hierarchy the share of the norm on the outermost ADOs, then;
            else empty.
        n_nonzeros: entries of the largest generator.
        products: products with L, of all runs; of a displacement each of state and moment.
        growth_threshold: relative amplitude above which labels were taken in.
        growth_detected: the state grew: unstable, no number can be taken from it.
        capped: largest relative amplitude kept out by a limit (occupation, window).
    """

    step_time_fs: NDArray[np.float64]
    norm: NDArray[np.float64]
    basis_size: NDArray[np.int64]
    outside_flow: NDArray[np.float64]
    frontier_weight: NDArray[np.float64]
    n_nonzeros: int
    products: int
    growth_threshold: float
    growth_detected: bool
    capped: float

    @property
    def n_unknowns(self) -> int:
        """Labels of the largest basis."""
        return int(np.max(self.basis_size))

    @property
    def is_fixed(self) -> bool:
        """Whether the hierarchy was a fixed one."""
        return len(self.frontier_weight) > 0

    @classmethod
    def of(cls, runs: Sequence[Trajectory], growth_threshold: float) -> "StepRecord":
        """Return the record of one run, or of several that make one."""
        largest = max(runs, key=lambda run: max(run.basis_size))
        return cls(
            step_time_fs=np.array(largest.step_time_fs),
            norm=np.array(largest.norm),
            basis_size=np.array(largest.basis_size),
            outside_flow=np.array(largest.outside_flow),
            frontier_weight=np.array(largest.frontier_weight),
            n_nonzeros=largest.n_nonzeros,
            products=sum(run.products for run in runs),
            growth_threshold=growth_threshold,
            growth_detected=any(run.growth_detected for run in runs),
            capped=max(run.capped for run in runs),
        )
