"""What a run or an analysis returns: arrays by name, gates, a summary, a picture, a file."""

from __future__ import annotations

import html
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.gates import Gate
from smallpolaron.api.values import Value, pretty
from smallpolaron.results.store import Result, point_content, write_result

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

    from smallpolaron.figures.runs import Run


class Outcome:
    """A result; every variable of its file is an attribute: ``run.time_fs``, ``kernel.K``.

    Names with a slash are items: ``run["errors/D/total"]``. docs/results.md describes them all.

    Attributes:
        stored: what a file holds: variables, parameters, gates, provenance, notes.
    """

    title: ClassVar[str] = "Result"
    values: ClassVar[tuple[tuple[str, str, str], ...]] = ()
    """What the summary shows: words, variable, variable of its error (may be empty)."""
    shown_notes: ClassVar[Mapping[str, str]] = {"reason": "reason", "verdict": "verdict"}
    """Notes that it shows, and how it calls them."""

    def __init__(self, stored: Result) -> None:
        """Wrap a result."""
        self.stored = stored

    @property
    def kind(self) -> str:
        """Kind of the result, as in its file."""
        return self.stored.kind

    @property
    def gates(self) -> tuple[Gate, ...]:
        """Quality gates with value, bound and verdict."""
        return self.stored.gates

    @property
    def flagged(self) -> bool:
        """Whether a gate failed: the numbers should not be trusted before it is understood."""
        return self.stored.flagged

    @property
    def failed_gates(self) -> list[str]:
        """Names of the gates that failed."""
        return self.stored.failed_gates

    @property
    def parameters(self) -> dict[str, Any]:
        """Resolved parameters in sections; energies in cm^-1."""
        return dict(self.stored.parameters)

    @property
    def seconds(self) -> float:
        """Wall time of the computation, s."""
        return float(self.stored.provenance.get("wall_seconds", np.nan))

    def __getitem__(self, name: str) -> Any:
        """Return a variable: an array, or a plain number.

        Raises:
            KeyError: the result has none of that name; the message lists those it has.
        """
        if name not in self.stored.variables:
            names = ", ".join(sorted(self.stored.variables))
            raise KeyError(f"a result of kind {self.kind} has no {name!r}; it has {names}")
        data = np.asarray(self.stored.variables[name].data)
        return data if data.ndim else data.item()

    def __getattr__(self, name: str) -> Any:
        """Return a variable."""
        if name.startswith("_") or name == "stored" or name not in self.stored.variables:
            raise AttributeError(f"{type(self).__name__} has no {name!r}")
        return self[name]

    def __dir__(self) -> list[str]:
        """Return all names, variables among them."""
        plain = [name for name in self.stored.variables if "/" not in name]
        return sorted({*super().__dir__(), *plain})

    def __reduce__(self) -> tuple[type[Outcome], tuple[Result]]:
        """Let pickle make it from what it wraps."""
        return type(self), (self.stored,)

    def value(self, name: str, error: str = "") -> Value:
        """Return a scalar with its error and unit.

        Args:
            name: of the variable.
            error: variable that holds its error; empty for ``<name>_error`` if there is one.
        """
        error = error or f"{name}_error"
        uncertainty = self[error] if error in self.stored.variables else np.nan
        number = np.real(self[name])
        return Value(float(number), float(np.real(uncertainty)), self.stored.variables[name].units)

    def errors(self, quantity: str = "D") -> dict[str, float]:
        """Return the estimated error of a quantity by source, and their sum as "total".

        Args:
            quantity: D, or what the run is of, such as "C_JJ" or "populations" (empty if the run
                estimates no errors of it).
        """
        start = f"errors/{quantity}/"
        return {
            name.removeprefix(start): float(self[name])
            for name, variable in self.stored.variables.items()
            if name.startswith(start) and not variable.dims
        }

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield the summary: words and what they stand for."""
        yield "system", system_text(self.parameters)
        for place, (words, name, error) in enumerate(self.values):
            if name in self.stored.variables and (place == 0 or np.isfinite(np.real(self[name]))):
                yield words, str(self.value(name, error))
        if self.gates:
            failed = ", ".join(self.failed_gates)
            passed = sum(gate.passed for gate in self.gates)
            yield (
                "gates",
                f"{passed} of {len(self.gates)} passed" + (f"; FAILED: {failed}" if failed else ""),
            )
        for gate in self.gates:
            if not gate.passed:
                yield gate.name, f"{gate.value:.2g}, allowed {gate.bound:.2g}: {gate.meaning}"
        size = self.stored.variables.get("convergence/n_unknowns")
        if size is not None:
            # what is derived from a run takes no time that anybody asks for
            yield "basis", f"{int(np.real(size.data))} elements"
            yield "computed in", duration_text(self.seconds)
        for name, words in self.shown_notes.items():
            if name in self.stored.notes:
                yield words, self.stored.notes[name]

    def __repr__(self) -> str:
        """Return the summary as text."""
        rows = list(self.lines())
        width = max(len(words) for words, _ in rows)
        body = "\n".join(f"  {words:<{width}}  {text}" for words, text in rows)
        return f"{self.title}\n{body}"

    def _repr_html_(self) -> str:
        """Return the summary for a notebook."""
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(words)}</th>"
            f"<td style='text-align:left'>{html.escape(text)}</td></tr>"
            for words, text in self.lines()
        )
        return f"<table><caption>{html.escape(self.title)}</caption>{rows}</table>"

    def to_dataframe(self, axis: str | None = None) -> pd.DataFrame:
        """Return all series along one axis as a table.

        Args:
            axis: name of the dimension; None for time, or the first there is.

        Returns:
            One row per entry; matrices have a column per entry of their other dimensions.

        Raises:
            KeyError: no variable has that dimension.
        """
        import pandas as pd

        variables = self.stored.variables
        axes = list(dict.fromkeys(v.dims[0] for v in variables.values() if v.dims))
        axis = axis or ("time" if "time" in axes else axes[0] if axes else "")
        if axis not in axes:
            raise KeyError(f"axis = {axis!r}; this result has {', '.join(axes) or 'scalars only'}")
        columns: dict[str, NDArray[Any]] = {}
        for name, variable in variables.items():
            if variable.dims[:1] == (axis,):
                data = np.asarray(variable.data)
                flat = data.reshape(len(data), -1)
                for place in range(flat.shape[1]):
                    columns[name if data.ndim == 1 else f"{name}_{place}"] = flat[:, place]
        index = _coordinate(columns, axis)
        table = pd.DataFrame(columns)
        return table.set_index(index) if index else table

    def to_xarray(self) -> xr.Dataset:
        """Return everything as a dataset with units, descriptions and coordinates."""
        import xarray as xr

        variables = {}
        for name, variable in self.stored.variables.items():
            label = name.replace("/", "_")
            notes = {"units": variable.units, "description": variable.description}
            variables[label] = xr.Variable(variable.dims, np.asarray(variable.data), notes)
        found = xr.Dataset(variables, attrs={"kind": self.kind, "flagged": int(self.flagged)})
        for dim in found.dims:
            name = _coordinate(found.data_vars, str(dim))
            if name and found[name].dims == (dim,):
                found = found.rename({name: dim}) if name != dim else found
                found = found.set_coords(dim)
        return found.assign_attrs(
            {
                key: self.stored.parameters[key]
                for key in ("study", "point", "start")
                if key in self.stored.parameters
            }
        )

    def save(self, path: str | Path | None = None, *, overwrite: bool = False) -> Path:
        """Write the result file that a study would write; read_result reads it.

        Args:
            path: the file; None for ``<point>.h5`` here.
            overwrite: replace a file that is there.

        Returns:
            The file. Under mpiexec the first rank writes it.

        Raises:
            StoreError: the file exists.
        """
        target = Path(path) if path is not None else Path(f"{self.stored.parameters['point']}.h5")
        if rank() == 0:
            write_result(target, self.stored, overwrite=overwrite)
        return target

    def plot(self) -> Figure:
        """Draw the figure that a study draws of this result (needs matplotlib)."""
        need_matplotlib()
        return self._draw()

    def _draw(self) -> Figure:
        from smallpolaron.figures import style

        table = self.to_dataframe()
        figure = style.new_figure()
        axes = figure.subplots()
        for name in table.columns:
            axes.plot(table.index, np.real(table[name]), label=name)
        place = self.stored.variables.get(str(table.index.name))
        unit = f" ({pretty(place.units)})" if place is not None else ""
        axes.set_xlabel(f"{table.index.name}{unit}")
        axes.legend()
        return figure

    def _runs(self) -> list[Run]:
        """Return the result as figures take it."""
        from smallpolaron.figures.runs import runs_of

        return runs_of([(self.kind, self.stored)])


def need_matplotlib() -> None:
    """Refuse to draw where matplotlib is not installed, and say how to get it."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        message = 'plot() needs matplotlib: pip install "smallpolaron[figures]"'
        raise ImportError(message) from error


def rank() -> int:
    """Return the number of this process under mpiexec; 0 where there is one only."""
    parallel = sys.modules.get("smallpolaron.parallel")
    return int(parallel.MPI.COMM_WORLD.rank) if parallel else 0


def duration_text(seconds: float) -> str:
    """Return a time as people say it: 0.16 s, 75 s, 20 min, 3.2 h."""
    for unit, size in (("s", 1.0), ("min", 60.0)):
        if not seconds >= 99.0 * size:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds / 3600.0:.1f} h"


def system_text(parameters: Mapping[str, Any]) -> str:
    """Return the system that a result is of, in words."""
    if "bath" not in parameters:
        table = parameters.get("table", {})
        return str(table.get("file", parameters.get("point", "several systems")))
    from smallpolaron.study.parameters import Parameters
    from smallpolaron.study.physical_system import lattice_text

    point = Parameters.model_validate(point_content(parameters))
    v = point.model.hopping_cm
    hopping = f"v = {v:g} cm⁻¹" if isinstance(v, float) else "v differs from bond to bond"
    temperature = f"{point.model.temperature_K:g} K"
    return f"{lattice_text(point)}, {hopping}, {temperature}; {point.bath.description}"


def _coordinate(names: Any, axis: str) -> str:
    """Return the variable that holds the places along an axis; empty without one."""
    return next((name for name in (axis, f"{axis}_fs", f"{axis}_percent") if name in names), "")
