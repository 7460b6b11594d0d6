"""The mobility tensor of a lattice: runs along the directions that symmetry leaves open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from smallpolaron.api.arguments import explained
from smallpolaron.api.energies import ModelError
from smallpolaron.api.model import Model
from smallpolaron.api.outcomes import CurrentCorrelation
from smallpolaron.api.runs import current_correlation
from smallpolaron.api.values import Value
from smallpolaron.model.lattice_model import LatticeModel
from smallpolaron.model.tensor_symmetry import tensor_form
from smallpolaron.model.units import mobility_cm2
from smallpolaron.study.lattice_section import DIRECTIONS
from smallpolaron.study.parameters import Given, model_of
from smallpolaron.support.problems import MISSING, Problem

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
_AXES = "xyz"


@dataclass(frozen=True)
class MobilityTensor:
    """Symmetric tensors of diffusion and mobility in Cartesian axes.

    Attributes:
        D: diffusion tensor, by linear solve, angstrom^2/fs, shape (3, 3).
        D_error: its estimated error.
        D_time: the same from time integrals.
        mobility: e D / k_B T, cm^2/(V s), shape (3, 3).
        mobility_error: its estimated error.
        runs: the current correlation functions it is made of, by direction.
    """

    D: FloatArray
    D_error: FloatArray
    D_time: FloatArray
    mobility: FloatArray
    mobility_error: FloatArray
    runs: Mapping[tuple[float, ...], CurrentCorrelation]

    @property
    def flagged(self) -> bool:
        """Whether a run failed a quality gate."""
        return any(run.flagged for run in self.runs.values())

    @property
    def principal(self) -> tuple[FloatArray, FloatArray]:
        """Principal mobilities, cm^2/(V s), largest first, shape (3,), and their axes as rows."""
        values, axes = np.linalg.eigh(self.mobility)
        axes = axes.T[::-1]
        largest = np.argmax(np.abs(axes), axis=1)[:, None]
        return values[::-1], axes * np.sign(np.take_along_axis(axes, largest, axis=1))

    def along(self, direction: str | Sequence[float]) -> Value:
        """Return the mobility along a direction, as Model.direction."""
        way = _unit(direction)
        error = float(np.abs(way) @ self.mobility_error @ np.abs(way))
        return Value(float(way @ self.mobility @ way), error, "cm^2 V^-1 s^-1")

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per component: mobility, D, their errors, D from time integrals."""
        import pandas as pd

        names = ("mobility", "mobility_error", "D", "D_error", "D_time")
        return pd.DataFrame(
            {
                f"{_AXES[i]}{_AXES[j]}": {name: getattr(self, name)[i, j] for name in names}
                for i in range(3)
                for j in range(i, 3)
            }
        ).T

    def save(self, folder: str | Path, *, overwrite: bool = False) -> list[Path]:
        """Write the result file of every run into a folder; mobility_tensor reads them again."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        return [
            run.save(Path(folder) / f"{run.parameters['point']}.h5", overwrite=overwrite)
            for run in self.runs.values()
        ]

    def __repr__(self) -> str:
        """Return the tensor, its principal axes and the quality of its runs as text."""
        rows = [
            f"  {_AXES[i]}{_AXES[j]}  "
            f"{Value(self.mobility[i, j], self.mobility_error[i, j], 'cm^2 V^-1 s^-1')}"
            for i in range(3)
            for j in range(i, 3)
            if self.mobility[i, j] or self.mobility_error[i, j]
        ]
        values, axes = self.principal
        main = [
            f"  {value:.4g} along ({', '.join(f'{a:.3g}' for a in axis)})"
            for value, axis in zip(values, axes, strict=True)
        ]
        failed = {gate for run in self.runs.values() for gate in run.failed_gates}
        quality = f"  gates failed: {', '.join(sorted(failed))}" if failed else "  all gates passed"
        return "\n".join(["Mobility tensor", *rows, "Principal axes", *main, quality])


@explained
def mobility_tensor(
    source: Model | Sequence[CurrentCorrelation],
    duration_fs: float | None = None,
    *,
    directions: Sequence[str | Sequence[float]] = (),
    **numerics: Any,
) -> MobilityTensor:
    """Compute the mobility tensor (collective under mpiexec).

    e.D.e is computed for as many directions e as symmetry leaves open, one run each; the tensor
    follows from these. Only its symmetric part is told: without a magnetic field it has no other.

    Args:
        source: the model, on a lattice of any dimension; or runs of one model along several
            directions, such as those read from files.
        duration_fs: length of the records, fs; of a model.
        directions: directions in place of those that symmetry suggests.
        **numerics: as current_correlation.

    Raises:
        ModelError: wrong input.
        ValueError: the directions leave a component open; runs are of several systems.
        LimitReached, NotConverged, PropagationFailed: as current_correlation.
    """
    if isinstance(source, Model):
        if duration_fs is None:
            problem = Problem("duration_fs", MISSING, "must be given: the length of the records")
            raise ModelError("mobility_tensor", [problem])
        numbers = {"propagation": {"duration_fs": duration_fs}}
        lattice = _lattice(source.point("current", numbers).parameters)
        ways = directions or tensor_form(lattice).directions
        runs = [
            current_correlation(source.replace(direction=way), duration_fs, **numerics)
            for way in ways
        ]
    else:
        runs = list(source)
    return _assembled(runs)


def _lattice(parameters: Given) -> LatticeModel:
    model = model_of(parameters)
    if not isinstance(model, LatticeModel):
        problem = Problem("lattice", "a chain", "has no tensor", "use mobility()")
        raise ModelError("Model", [problem])
    return model


def _assembled(runs: Sequence[CurrentCorrelation]) -> MobilityTensor:
    """Return the tensor of runs along several directions."""
    if not runs:
        raise ValueError("no runs: a cluster, or a lattice that ends everywhere, has no mobility")
    systems = {str(_system(run.parameters)) for run in runs}
    if len(systems) > 1:
        raise ValueError("the runs differ in more than lattice.direction; give runs of one model")
    form = tensor_form(_lattice(runs[0].parameters))
    ways = [tuple(run.parameters["lattice"]["direction"]) for run in runs]
    found = [run.mobility() for run in runs]
    along, error, time, time_error = (
        np.array([float(each[name]) for each in found])
        for name in ("D_resolvent", "D_resolvent_error", "D", "D_error")
    )
    D, D_error = form.solve(ways, along, error)
    unit = mobility_cm2(1.0, runs[0].parameters["model"]["temperature_K"])
    return MobilityTensor(
        D=D,
        D_error=D_error,
        D_time=form.solve(ways, time, time_error)[0],
        mobility=unit * D,
        mobility_error=unit * D_error,
        runs=dict(zip(ways, runs, strict=True)),
    )


def _system(parameters: Given) -> dict[str, Any]:
    lattice = {**parameters["lattice"], "direction": None}
    kept = ("model", "bath", "accuracy", "propagation")
    return {"lattice": lattice} | {key: parameters[key] for key in kept}


def _unit(direction: str | Sequence[float]) -> FloatArray:
    way = np.zeros(3)
    given = DIRECTIONS[direction] if isinstance(direction, str) else direction
    way[: len(given)] = given
    return way / np.linalg.norm(way)
