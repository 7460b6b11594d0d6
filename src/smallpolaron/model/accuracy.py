"""The accuracy asked for, and everything that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

SOURCES = ("basis", "time_step", "bath_terms", "window", "finite_time")
"""Where errors come from: elements that are not in the basis, the propagator's steps, the finite
number of bath exponentials, the window on an infinite lattice, the end of the record."""

SMALLEST, LARGEST = 1e-6, 0.1
"""Accuracies that may be asked for."""

GROWTH_PER_ACCURACY = 0.3
PRUNING = 0.1
TOLERANCE_PER_ACCURACY = 1e-3
BATH_ERROR_PER_ACCURACY = 0.3
LARGEST_BATH_ERROR = 0.05
"""What follows from an accuracy; see Accuracy."""

COARSER = 3.0
"""Ratio of the thresholds of two runs whose difference estimates the error of the finer one."""

REFINEMENTS = 4
"""Most times the thresholds are tightened, by COARSER."""

SLOPE_GROWTH = 1 / 3
"""Threshold of growth of a mean-squared displacement over the one given: a slope shows more of what
is left out than populations do. Of 13 runs (eta/v 0.6 to 6.46, gamma/v 0.5 to 2, target 2e-3) ten
met the target at once, three after one tightening."""


@dataclass(frozen=True)
class Accuracy:
    """The accuracy asked for, with expert settings; None derives a setting from the target.

    Attributes:
        target: largest error of C_JJ(t) relative to C_JJ(0), or of populations; 1e-6 to 0.1.
        growth: an element enters the basis when its amplitude would exceed this share of the norm
            of the initial state; default 0.3 target.
        pruning: it leaves when its amplitude is below this fraction of growth, and it would not
            enter again; default 0.1.
        tolerance: local error of a time step per fs, relative to the norm of the state; default
            1e-3 target.
        stationary: largest |L rho| / |rho| of an equilibrium, 1/fs.
        kept_out: amplitude kept out by a limit of the basis, relative to the initial state, beyond
            which a propagation is given up; default: never.

    Raises:
        ValueError: a value outside its range.
    """

    target: float = 1e-3
    growth: float | None = None
    pruning: float | None = None
    tolerance: float | None = None
    stationary: float = 1e-7
    kept_out: float = np.inf

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        if not SMALLEST <= self.target <= LARGEST:
            raise ValueError(f"accuracy = {self.target}; allowed: {SMALLEST:g} to {LARGEST:g}")
        positive = {"growth": self.growth, "tolerance": self.tolerance}
        for name, value in (positive | {"stationary": self.stationary}).items():
            if value is not None and not 0 < value < 1:
                raise ValueError(f"{name} = {value}; a number between 0 and 1 is needed")
        if self.pruning is not None and not 0 <= self.pruning <= 1:
            raise ValueError(f"pruning = {self.pruning}; allowed: 0 (never) to 1")

    @property
    def growth_threshold(self) -> float:
        """Amplitude relative to the norm of the initial state above which an element enters."""
        return self.growth if self.growth is not None else GROWTH_PER_ACCURACY * self.target

    @property
    def pruning_fraction(self) -> float:
        """Fraction of the growth threshold below which an element leaves."""
        return self.pruning if self.pruning is not None else PRUNING

    @property
    def step_tolerance(self) -> float:
        """Local error of a time step per fs, relative to the norm of the state."""
        return (
            self.tolerance if self.tolerance is not None else TOLERANCE_PER_ACCURACY * self.target
        )

    @property
    def solver_tolerance(self) -> float:
        """Residual of linear solvers, relative."""
        return 1e-2 * self.target

    @property
    def bath_error_bound(self) -> float:
        """Largest error of the bath's lineshape function, dimensionless.

        C_JJ was found to err by 1 to 2 times the lineshape function (relative to its start), on
        rings with eta/v from 0.4 to 6, gamma/v from 0.8 to 4, 150 to 400 K.
        """
        return min(BATH_ERROR_PER_ACCURACY * self.target, LARGEST_BATH_ERROR)


@dataclass(frozen=True)
class ErrorBudget:
    """Estimated errors by source; see SOURCES.

    Attributes:
        C: of C_JJ(t), largest over time, relative to C_JJ(0). Its "finite_time" is the size of
            C_JJ where the record ends: an error of whoever takes it to be zero from there on.
        D: of the integral of C_JJ over the record as an estimate of the diffusion constant,
            angstrom^2/fs.
    """

    C: Mapping[str, float]
    D: Mapping[str, float]

    @property
    def total_C(self) -> float:
        """Sum over the sources that were estimated, without the end of the record."""
        return float(np.nansum([v for k, v in self.C.items() if k != "finite_time"]))

    @property
    def total_D(self) -> float:
        """Sum over the sources that were estimated, angstrom^2/fs."""
        return float(np.nansum(list(self.D.values())))
