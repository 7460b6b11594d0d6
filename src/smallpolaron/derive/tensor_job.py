"""Tensor files: the mobility tensor of a lattice, from runs along as many directions as it needs.

D is symmetric; model.tensor_symmetry says how many e.D.e determine it, and in which directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.derive.derive import D_UNIT, MU, Notes, derive, require_one_system, worst_gates
from smallpolaron.model.lattice_model import LatticeModel
from smallpolaron.model.tensor_symmetry import TensorForm, tensor_form
from smallpolaron.model.units import mobility_cm2
from smallpolaron.results.kinds import POINTS_NOTE
from smallpolaron.results.quantity import Quantity, Table
from smallpolaron.results.store import Result
from smallpolaron.study.parameters import Parameters, model_of
from smallpolaron.study.plan import Point
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.support.problems import StoreError

_MATRIX: Final = ("axis", "column")
_OWN: Final = ("lattice", "point", "study", "derived")
"""Parameters in which the files of one system may differ; of the lattice only its direction."""

QUANTITIES: Final[Table] = {
    "direction": Quantity("1", "Directions e of the runs.", ("run", "axis"), kept="finite"),
    "D_along": Quantity(D_UNIT, "e.D.e by linear solve, e of length 1.", ("run",), kept="there"),
    "D_along_error": Quantity(D_UNIT, "Its estimated error.", ("run",), kept="there"),
    "D": Quantity(D_UNIT, "Diffusion tensor by linear solve.", _MATRIX, kept="there"),
    "D_error": Quantity(D_UNIT, "Its estimated error.", _MATRIX, kept="there"),
    "D_time": Quantity(D_UNIT, "The same from time integrals.", _MATRIX),
    "mobility": Quantity(MU, "Mobility tensor e D / k_B T.", _MATRIX, kept="there"),
    "mobility_error": Quantity(MU, "Its estimated error.", _MATRIX, kept="there"),
    "principal_mobility": Quantity(
        MU, "Principal mobilities, the largest first.", ("principal",), kept="there"
    ),
    "principal_axes": Quantity("1", "Their axes, as rows.", ("principal", "axis"), kept="there"),
}


def points_needed(points: Sequence[Point], point: Point) -> list[Point]:
    """Return the points from whose mobilities the tensor of a point is made, itself first.

    Raises:
        StoreError: the study does not have the directions that the tensor needs.
    """
    system = _system(point.parameters)
    alike = [
        each
        for each in points
        if "current" in each.protocols and _system(each.parameters) == system and each != point
    ]
    chosen = [point, *alike]
    try:
        form_of(point.parameters).require([direction_of(each.parameters) for each in chosen])
    except ValueError as error:
        raise StoreError(f"{point.id}: {error}; write lattice.direction: tensor") from None
    return chosen


def first_of_each(points: Sequence[Point]) -> list[Point]:
    """Return the points after which the tensors of a study are named: one of each lattice.

    Tensors are of lattices whose direction is on the grid; a member of an ensemble has none.
    """
    found: dict[str, Point] = {}
    for point in points:
        varied = "lattice.direction" in point.axes and point.parameters.disorder is None
        if not varied or "current" not in point.protocols:
            continue
        first = found.setdefault(str(_system(point.parameters)), point)
        if first is not point:
            continue
        try:
            points_needed(points, point)
        except StoreError:
            del found[str(_system(point.parameters))]
    return list(found.values())


def tensor_result(sources: Sequence[Result], _settings: AnalysisConfig) -> Result:
    """Return the tensors of mobility results of one lattice along several directions.

    Raises:
        StoreError: they are not of one lattice, or leave a component open.
    """
    first = sources[0]
    for source in sources:
        require_one_system(first, source, _OWN)
        if _system(source.resolved).lattice != _system(first.resolved).lattice:
            raise StoreError("mobility files of several lattices; give those of one")
    form = form_of(first.resolved)
    directions = [direction_of(source.resolved) for source in sources]
    try:
        form.require(directions)
    except ValueError as error:
        raise StoreError(str(error)) from None
    found = derive(
        "tensor",
        replace(first, gates=worst_gates(sources)),
        QUANTITIES,
        lambda: _tensor(form, directions, sources),
        {"direction": np.array(directions)},
        **dict.fromkeys(("axis", "column", "principal"), 3),
    )
    names = ", ".join(str(source.parameters["point"]) for source in sources)
    return replace(found, notes={**found.notes, POINTS_NOTE: names})


def _tensor(
    form: TensorForm, directions: Sequence[Sequence[float]], sources: Sequence[Result]
) -> tuple[dict[str, Any], Notes]:
    read = {
        name: np.array([source.number(name) for source in sources])
        for name in ("D_resolvent", "D_resolvent_error", "D", "D_error")
    }
    D, D_error = form.solve(directions, read["D_resolvent"], read["D_resolvent_error"])
    unit = mobility_cm2(1.0, sources[0].resolved.model.temperature_K)
    values, axes = principal(unit * D)
    return {
        "direction": np.array(directions),
        "D_along": read["D_resolvent"],
        "D_along_error": read["D_resolvent_error"],
        "D": D,
        "D_error": D_error,
        "D_time": form.solve(directions, read["D"], read["D_error"])[0],
        "mobility": unit * D,
        "mobility_error": unit * D_error,
        "principal_mobility": values,
        "principal_axes": axes,
    }, {}


def principal(
    tensor: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return eigenvalues, the largest first, and eigenvectors as rows, their largest entry > 0."""
    values, axes = np.linalg.eigh(tensor)
    axes = axes.T[::-1]
    largest = np.argmax(np.abs(axes), axis=1)[:, None]
    axes = axes * np.sign(np.take_along_axis(axes, largest, axis=1))
    return values[::-1], axes + 0.0  # no negative zeros


def form_of(parameters: Parameters) -> TensorForm:
    """Return the tensors that the symmetry of a lattice allows.

    Raises:
        StoreError: a ring or chain, which has none.
    """
    model = model_of(parameters)
    if not isinstance(model, LatticeModel):
        raise StoreError("a ring or chain has no mobility tensor; use its mobility")
    return tensor_form(model)


def direction_of(parameters: Parameters) -> tuple[float, ...]:
    """Return the direction of a point on a lattice."""
    assert parameters.lattice is not None
    assert parameters.lattice.direction is not None
    return parameters.lattice.direction


def _system(parameters: Parameters) -> Parameters:
    return parameters.changed(lattice={"direction": None}) if parameters.lattice else parameters
