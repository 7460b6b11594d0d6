"""The mobility tensor of a lattice as a result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from smallpolaron.api.outcome import Outcome, system_text
from smallpolaron.api.values import Value
from smallpolaron.derive.derive import MU
from smallpolaron.results.store import Result
from smallpolaron.study.resolved.lattice import DIRECTIONS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from smallpolaron.api.outcomes import CurrentCorrelation

FloatArray = NDArray[np.float64]
_AXES = "xyz"


class MobilityTensor(Outcome):
    """Symmetric tensors of diffusion and mobility in Cartesian axes.

    Beside what every result has, shape (3, 3) each: ``D`` by linear solve and ``D_error``,
    angstrom^2/fs; ``D_time`` from time integrals; ``mobility`` = e D / k_B T and
    ``mobility_error``, cm^2/(V s).

    Attributes:
        runs: the current correlation functions it was computed from, by direction; none where it
            was read from a file.
    """

    title = "Mobility tensor"

    def __init__(
        self, stored: Result, runs: Mapping[tuple[float, ...], CurrentCorrelation] | None = None
    ) -> None:
        """Wrap a result of kind tensor."""
        super().__init__(stored)
        self.runs = dict(runs or {})

    def __reduce__(self) -> Any:
        """Let pickle make it from what it wraps."""
        return type(self), (self.stored, self.runs)

    @property
    def principal(self) -> tuple[FloatArray, FloatArray]:
        """Principal mobilities, cm^2/(V s), largest first, shape (3,), and their axes as rows."""
        return self["principal_mobility"], self["principal_axes"]

    def along(self, direction: str | Sequence[float]) -> Value:
        """Return the mobility along a direction, as Model.direction."""
        way = _unit(direction)
        error = float(np.abs(way) @ self["mobility_error"] @ np.abs(way))
        return Value(float(way @ self["mobility"] @ way), error, MU)

    def to_dataframe(self, axis: str | None = None) -> pd.DataFrame:
        """Return one row per component: mobility, D, their errors, D from time integrals.

        Args:
            axis: of other tables, as with every result; "run" lists the directions computed.
        """
        import pandas as pd

        if axis is not None:
            return super().to_dataframe(axis)
        names = ("mobility", "mobility_error", "D", "D_error", "D_time")
        return pd.DataFrame(
            {
                f"{_AXES[i]}{_AXES[j]}": {name: self[name][i, j] for name in names}
                for i in range(3)
                for j in range(i, 3)
            }
        ).T

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield the summary: components that are not zero by symmetry, and principal axes."""
        _, *others = super().lines()
        given = self.parameters
        lattice = {**given["lattice"], "direction": None}
        yield "system", system_text({**given, "lattice": lattice})
        mobility, error = self["mobility"], self["mobility_error"]
        for i in range(3):
            for j in range(i, 3):
                if mobility[i, j] or error[i, j]:
                    value = Value(mobility[i, j], error[i, j], MU)
                    yield f"mobility {_AXES[i]}{_AXES[j]}", str(value)
        for number, (value, axis) in enumerate(zip(*self.principal, strict=True), start=1):
            way = ", ".join(f"{each:.3g}" for each in axis)
            yield f"principal axis {number}", f"{value:.4g} along ({way})"
        yield from others

    def value(self, name: str, error: str = "") -> Value:
        """Return a component with its error: ``value("mobility xy")``, ``value("D zz")``.

        Raises:
            KeyError: no such component.
        """
        quantity, _, component = name.partition(" ")
        if quantity not in ("mobility", "D") or len(component) != 2 or set(component) - set(_AXES):
            raise KeyError(f"{name!r}; components are 'mobility xx' to 'mobility zz', 'D xx', …")
        at = tuple(_AXES.index(letter) for letter in component)
        errors = self[error or f"{quantity}_error"]
        units = self.stored.variables[quantity].units
        return Value(float(self[quantity][at]), float(errors[at]), units)

    def _draw(self) -> Figure:
        """Draw the mobility along every direction in the planes of the axes."""
        from smallpolaron.figures import style

        angle = np.linspace(0, 2 * np.pi, 181)
        figure = style.new_figure()
        axes = figure.subplots()
        for i, j in ((0, 1), (0, 2), (1, 2)):
            ways = np.zeros((len(angle), 3))
            ways[:, i], ways[:, j] = np.cos(angle), np.sin(angle)
            size = np.einsum("ai,ij,aj->a", ways, self["mobility"], ways)
            if np.any(size):
                label = f"{_AXES[i]}{_AXES[j]} plane"
                axes.plot(size * np.cos(angle), size * np.sin(angle), label=label)
        axes.set_aspect("equal")
        axes.set(xlabel="mobility / cm² V⁻¹ s⁻¹, first axis", ylabel="second axis")
        axes.legend()
        return figure


def _unit(direction: str | Sequence[float]) -> FloatArray:
    way = np.zeros(3)
    given = DIRECTIONS[direction] if isinstance(direction, str) else direction
    way[: len(given)] = given
    return way / np.linalg.norm(way)
