"""The runs a figure draws: result files read once, ordered by ring size, with their labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from smallpolaron.analysis.finite_size import FiniteSizeTable, finite_size_table
from smallpolaron.figures import style
from smallpolaron.model.units import mobility_cm2, paper_units
from smallpolaron.results.kinds import KINDS
from smallpolaron.results.store import Result, read_result
from smallpolaron.study.parameters import Parameters
from smallpolaron.study.plan import Plan
from smallpolaron.support import numbers
from smallpolaron.support.canonical import lookup

_ENGINES = (("accuracy", "accuracy {}"), ("hierarchy.depth", "depth {}"))
"""What says how a run chose its hierarchy; each run has one of the two."""

_TELLING = (
    ("bath.terms", "K = {}"),
    ("bath.decomposition", "{}"),
    ("bath.terminator", "terminator {}"),
    ("hierarchy.max_excited_sites", "≤ {} excited sites"),
    ("hierarchy.weights", "weights {}"),
    ("adaptive.growth", "growth {}"),
    ("adaptive.pruning", "pruning {}"),
    ("propagation.tolerance", "tolerance {}"),
    ("propagation.duration_fs", "{} fs"),
)
"""Parameters that may differ between two runs of one system, and how a legend says so."""


@dataclass(frozen=True)
class Run:
    """One point of a study with its result file.

    Attributes:
        point: identifier of the point, the file's name without its ending.
        result: content of the file.
        label: what a legend calls it, such as ``N = 6``.
    """

    point: str
    result: Result
    label: str

    @property
    def flagged(self) -> bool:
        """True when a quality gate failed."""
        return self.result.flagged

    @property
    def failed_gates(self) -> list[str]:
        """Names of the quality gates that failed, in words."""
        return [name.replace("_", " ") for name in self.result.failed_gates]

    @property
    def reason(self) -> str:
        """Why the analysis gave no numbers for this run; empty when it did."""
        return self.result.notes.get("reason", "")

    @property
    def is_table(self) -> bool:
        """True when it is the analysis of a table of numbers, which has no model."""
        return is_table(self.result.parameters)

    @property
    def is_absolute(self) -> bool:
        """False when only the shape of C_JJ is known, so that there is no mobility."""
        return bool(self.result.parameters.get("table", {}).get("is_absolute", True))

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return int(self.parameter("model.n_sites"))

    @property
    def size(self) -> int:
        """Number of sites by which runs are ordered; 0 for a table."""
        return 0 if self.is_table else self.n_sites

    @property
    def infinite(self) -> bool:
        """True for an infinite ring, whose number of sites is that of its window."""
        return self.result.resolved.is_infinite

    @property
    def temperature_K(self) -> float:
        """Temperature in K."""
        return float(self.parameter("model.temperature_K"))

    def parameter(self, key: str) -> Any:
        """Return the resolved parameter of a dotted key."""
        return lookup(self.result.parameters, key)

    def array(self, name: str) -> NDArray[Any]:
        """Return the data of one variable."""
        return self.result.array(name)

    def number(self, name: str) -> float:
        """Return one real scalar variable; NaN when the analysis could not determine it."""
        return self.result.number(name)

    def mobility(self, D_A2_fs: float) -> float:
        """Return the mobility in cm^2/(V s) of a diffusion constant in angstrom^2/fs."""
        return mobility_cm2(1.0, self.temperature_K) * D_A2_fs

    def units(self, name: str) -> str:
        """Return the units of a variable as a label shows them."""
        text = self.result.variables[name].units.replace("angstrom", "Å")
        return re.sub(r"\^(-?\d+)", r"$^{\1}$", text)

    def legend(self) -> str:
        """Return the label, with a word when the run is flagged."""
        return f"{self.label} (flagged)" if self.flagged else self.label

    def identity(self) -> dict[str, object]:
        """Return the first columns of every table of plotted numbers."""
        n_sites = "" if self.is_table else self.n_sites
        return {"point": self.point, "n_sites": n_sites, "flagged": self.flagged}


def rows_of(fixed: Mapping[str, object], columns: Mapping[str, Any]) -> Iterator[style.Row]:
    """Yield one row per value of some columns of one length, beside what holds for all of them."""
    arrays = (np.asarray(column).tolist() for column in columns.values())
    for values in zip(*arrays, strict=True):
        yield {**fixed, **dict(zip(columns, values, strict=True))}


def is_table(parameters: Mapping[str, Any]) -> bool:
    """Whether parameters are those of the analysis of a table of numbers."""
    return "table" in parameters


PAPER_UNIT_A2_FS = 1.0 / paper_units(1.0)
"""Diffusion constant in angstrom^2/fs of one paper unit, that is of 1 bohr^2/fs, two-sided."""


def _differing(results: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return what legends must say: all that differs, but nothing that follows from accuracy."""
    parameters = [p for p in results if not is_table(p)]
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for p in parameters:
        groups.setdefault(repr(p["accuracy"]), []).append(p)
    several = len({repr([lookup(p, key) for key, _ in _ENGINES]) for p in parameters}) > 1
    found = list(_ENGINES) if several else []
    for key, words in _TELLING:
        if any(len({repr(lookup(p, key)) for p in group}) > 1 for group in groups.values()):
            found.append((key, words))
    return found


def _words(parameters: Mapping[str, Any], telling: Sequence[tuple[str, str]]) -> list[str]:
    words = []
    for key, text in telling:
        value = lookup(parameters, key)
        if value is None and key == "hierarchy.max_excited_sites":
            value = "N"  # without a cut any number of the N sites may be excited
        if value is not None:
            words.append(text.format(value))
    return words


def engine_label(parameters: Mapping[str, Any]) -> str:
    """Return how a run chose its hierarchy, such as ``accuracy 0.001`` or ``depth 12``."""
    return ", ".join(_words(parameters, _ENGINES))


def size_label(parameters: Parameters) -> str:
    """Return what a legend says of the size of a system, such as ``N = 6``, and of its draw."""
    n_sites, disorder = parameters.model.n_sites, parameters.disorder
    drawn = "" if disorder is None or disorder.member is None else f", member {disorder.member}"
    return f"N = ∞ (window {n_sites})" if parameters.is_infinite else f"N = {n_sites}{drawn}"


def read_runs(paths: Sequence[Path]) -> list[Run]:
    """Read result files of one physical system, ordered by size and then by what else differs.

    Returns:
        The runs; the label names N and every numerical parameter that is not the same in all.
    """
    results = [(path.stem, read_result(path)) for path in paths]
    if len({result.kind for _, result in results}) > 1:
        raise ValueError(
            "result files of different kinds in one list: " + ", ".join(map(str, paths))
        )
    return runs_of(results)


def one_run(path: Path, kind: str) -> Run:
    """Return a result file as a run that goes by the name of the file."""
    return Run(path.stem, read_result(path, kind=kind), path.stem)


def runs_of(results: Sequence[tuple[str, Result]]) -> list[Run]:
    """Return results of one kind as runs, ordered and labelled as by read_runs.

    Args:
        results: name of the point, or of the kind where a folder holds one point; and its result.
    """
    telling = _differing(result.parameters for _, result in results)
    runs = []
    for name, result in results:
        point = str(result.parameters["point"]) if name == result.kind else name
        if is_table(result.parameters):
            words = [str(result.parameters["table"]["file"])]
        else:
            words = [size_label(result.resolved), *_words(result.parameters, telling)]
        runs.append(Run(point, result, ", ".join(words)))
    return sorted(runs, key=lambda run: (run.size, run.point))


def read_study(plan: Plan, folder: Path, read: Callable[[Path], Result] = read_result) -> list[Run]:
    """Read the results of a study: per run one, with all variables and gates.

    Analysis files repeat the gates of the file they come from and may add their own; each gate
    counts once.

    Args:
        plan: the part of the study that there is.
        folder: folder of its results.
        read: what reads a file; a record is enough for the gates.
    """
    runs = []
    for point in plan.points:
        label, parameters = size_label(point.parameters), point.parameters.content()
        files = {
            f"{point.id}__{start}": [folder / "population" / f"{point.id}__{start}.h5"]
            for start in point.populations
        }
        if "current" in point.protocols:
            current = [folder / kind / f"{point.id}.h5" for kind in _CURRENT_KINDS]
            files = {point.id: current} | files
        for name, paths in files.items():
            found = _together([read(path) for path in paths])
            whole = replace(found, parameters={**parameters, **found.parameters})
            runs.append(Run(name, whole, label))
    return runs


_CURRENT_KINDS = tuple(name for name, kind in KINDS.items() if kind.of_study)


def _together(results: Sequence[Result]) -> Result:
    variables = {name: v for result in results for name, v in result.variables.items()}
    gates = {gate.name: gate for result in reversed(results) for gate in result.gates}
    first = [gate.name for result in results for gate in result.gates]
    return replace(
        results[0],
        variables=variables,
        gates=tuple(gates[name] for name in dict.fromkeys(first)),
    )


def reference(runs: Sequence[Run]) -> Run:
    """Return the run a single-run figure shows: the largest that is not flagged, else the largest.

    Among runs of one size the most accurate is taken; a run without numbers comes last.
    """
    return max(
        runs,
        key=lambda run: (
            not run.reason,
            not run.flagged,
            run.size,
            (False, 0.0) if run.is_table else run.result.resolved.confidence,
        ),
    )


def size_table(
    runs: Sequence[Run],
    reference_D_A2_fs: float | None = None,
    D: Callable[[Run], float] = lambda run: run.number("D"),
    **bands: float,
) -> FiniteSizeTable:
    """Return D of runs of one system against their sizes, see finite_size_table."""
    return finite_size_table(
        [run.n_sites for run in runs],
        [D(run) for run in runs],
        [run.flagged for run in runs],
        runs[0].temperature_K,
        reference_D_A2_fs,
        **bands,
    )


def family(runs: Sequence[Run]) -> Iterator[tuple[Run, dict[str, Any]]]:
    """Yield runs of increasing size with their looks, and their names if there is room for them."""
    looks = style.line_styles([run.flagged for run in runs])
    for i, (run, look) in enumerate(zip(runs, looks, strict=True)):
        yield run, look | {"label": run.legend() if style.named(i, len(runs)) else None}


def complex_panels(
    figure: Figure, runs: Sequence[Run], curve: Callable[[Run], tuple[Any, Any]]
) -> Sequence[Axes]:
    """Draw real (left) and imaginary (right) part of a curve of every run, and return the axes."""
    panels: Sequence[Axes] = figure.subplots(1, 2, sharex=True)
    for run, look in family(runs):
        x, y = curve(run)
        for axes, part in zip(panels, (y.real, y.imag), strict=True):
            axes.plot(x, part, **look)
    for axes in panels:
        axes.axhline(0, color=style.GREY, linewidth=0.8)
    return panels


def remarks(runs: Sequence[Run]) -> list[str]:
    """Return the labels of the runs that are flagged or gave no numbers, with the causes."""
    texts = []
    for run in runs:
        causes = [*run.failed_gates, *(["no numbers"] if run.reason else [])]
        if causes:
            texts.append(f"{run.label} ({', '.join(causes)})")
    return texts


def error_of(run: Run, name: str) -> float:
    """Return the variable ``<name>_error`` of a run; NaN where there is none."""
    error = f"{name}_error"
    return run.number(error) if error in run.result.variables else float("nan")


def with_error(run: Run, name: str) -> str:
    """Return a number of a run as text with its error, such as ``0.3373 ± 0.0021``."""
    value, error = run.number(name), error_of(run, name)
    if not np.isfinite(error):
        return f"{value:.4g} (error not estimated)"
    return numbers.with_error(value, error)


def window(times: NDArray[Any], curves: Sequence[NDArray[Any]], level: float = 0.01) -> float:
    """Return the time until which something is to be seen: 1.3 times the last value above level.

    Args:
        times: shape (n,), fs.
        curves: each of shape (n,).
        level: share of each curve's largest modulus.
    """
    last = 0.0
    for curve in curves:
        size = np.nan_to_num(np.abs(curve))
        above = np.flatnonzero(size > level * size.max())
        if above.size:
            last = max(last, float(times[above[-1]]))
    return min(float(times[-1]), max(1.3 * last, float(times[min(1, times.size - 1)])))


def log_samples(times: NDArray[Any], first_fs: float, count: int = 300) -> NDArray[np.int64]:
    """Return indices of samples that are about evenly spaced on a logarithmic axis.

    Args:
        times: evenly spaced times from zero, shape (n,), fs.
        first_fs: where the axis begins, above zero.
        count: how many at most; no sample is taken twice.
    """
    wanted = np.geomspace(first_fs, max(float(times[-1]), first_fs), count)
    return np.unique(np.searchsorted(times, wanted).clip(0, times.size - 1))
