"""What came out of the analysis of a table: a page to read (Markdown) and its curves (CSV)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from smallpolaron.model.units import mobility_cm2
from smallpolaron.own_data.correlation_table import CorrelationTable
from smallpolaron.results.store import Result
from smallpolaron.support.files import write_text
from smallpolaron.support.problems import StoreError

Results = Mapping[str, Result]

COORDINATES: Final = {"time": ("time_fs", "cutoff_fs"), "omega": ("omega",)}
"""Variables that hold the values along each axis of the curves."""

DECIMALS: Final = 10
"""Decimals, of fs or rad/fs, to which values along an axis count as equal."""

LARGEST_CHANGE: Final = 0.05
"""Relative change of D by time step or route from which on the page warns."""

LARGEST_NOISE: Final = 0.1
"""Rounding noise of K over the largest |K| from which on the page warns."""

NOISE_GAIN: Final = 10.0
"""Finite differences of order 8 amplify rounding by about this over step^2 (measured: half)."""

ONE_SIDED: Final = 5
"""Times whose differences are one-sided, or that the start of the inversion couples to them."""

_PROJECTED: Final = {"J_dJ": "dJ/dt", "J_dJ_d2J": "dJ/dt and d2J/dt2"}
_TIMES: Final = {
    "tau_K_percent_fs": "kernel cutoff time, relative band",
    "tau_K_band_fs": "kernel cutoff time, absolute band",
    "t_eq_percent_fs": "settling time of the integral, relative band",
    "t_eq_band_fs": "settling time of the integral, absolute band",
}


def keep_what_is_there(table: Path, folder: Path, names: Sequence[str], overwrite: bool) -> None:
    """Refuse to write files into a folder over a table, or over results unless allowed.

    Raises:
        StoreError: the folder is a file, holds the table under one of the names, or has results.
    """
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder}: exists and is not a directory; choose another name")
    if table.resolve() in [(folder / name).resolve() for name in names]:
        raise StoreError(f"{table}: would be replaced by its own results; choose a folder")
    found = [name for name in names if (folder / name).exists()]
    if found and not overwrite:
        raise StoreError(
            f"{folder}: {', '.join(found)} exist; choose another folder or pass --overwrite"
        )


def write_curves(path: Path, results: Results, axis: str) -> None:
    """Write all curves along an axis in columns named ``kind/name [unit]``.

    Curves on different grids share the rows of both; a cell without a value is nan.
    """
    series, unit = {}, ""
    for kind, result in results.items():
        for name in COORDINATES[axis]:
            if name not in result.variables:
                continue
            coordinate = result.variables[name]
            unit = unit or coordinate.units
            grid = np.round(np.asarray(coordinate.data, np.float64), DECIMALS)
            for key, variable in result.variables.items():
                if variable.dims != coordinate.dims or key == name:
                    continue
                data = np.asarray(variable.data)
                parts = {"": data}
                if np.iscomplexobj(data):
                    parts = {" real": data.real, " imag": data.imag}
                for part, values in parts.items():
                    title = f"{kind}/{key}{part} [{variable.units}]"
                    series[title] = pd.Series(values, grid)
    write_text(path, pd.DataFrame(series).to_csv(index_label=f"{axis} [{unit}]", na_rep="nan"))


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table in Markdown."""
    for cells in (head, len(head) * ["---"], *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def write_summary(
    path: Path,
    name: str,
    table: CorrelationTable,
    results: Results,
    skipped: Sequence[str] = (),
    pictures: Sequence[str] = (),
) -> None:
    """Write the page: input, main numbers with errors, warnings, checks and all numbers."""
    left_out = [*_warnings(table, results), *(f"{kind} was skipped as asked." for kind in skipped)]
    lines = [
        f"# Analysis of {name}",
        "",
        *_input(table),
        "",
        "## Main numbers",
        "",
        *markdown_table(("quantity", "value", "error", "unit"), _main(table, results)),
        *(line for text in _verdicts(results) for line in ("", text)),
        "",
        "## Warnings and what was left out",
        "",
        *([f"- {text}" for text in left_out] or ["None."]),
        "",
        "## Checks of C(t)",
        "",
        *_checks(results["correlation"]),
        "",
        "## Figures",
        "",
        *(f"![{picture.partition('.')[0]}]({picture})" for picture in pictures),
        "",
        "## All numbers",
        "",
        "The files hold more, in groups: their variables with a slash in the name.",
        *(line for result in results.values() for line in _numbers(result)),
    ]
    write_text(path, "\n".join(lines) + "\n")


def _input(table: CorrelationTable) -> Iterator[str]:
    t = table.time_fs
    yield f"- {t.size} times, {t[1]:g} fs apart, to {t[-1]:g} fs; {table.temperature_K:g} K"
    if table.kind == "quantum":
        yield "- quantum: C is complex, C(-t) = C(t)*; Kubo transform taken from its real part"
    else:
        yield "- classical: C is real and stands in for the Kubo transform, without correction"
    if not table.is_absolute:
        yield "- unit of C not given or arbitrary: C/C(0) was analysed; no D and no mobility"
    given = [name for name in ("dC", "d2C") if getattr(table, name) is not None]
    text = f"derivatives given: {', '.join(given)}" if given else "derivatives by differences"
    yield f"- {text}; rounding of the stored C: {table.rounding:.1g} C(0)"
    yield from (f"- {remark}" for remark in table.remarks)


def _integral_rounding(table: CorrelationTable) -> float:
    """Return how far independent rounding of all values moves the integral of C, unit of C fs."""
    spread = table.rounding * float(table.C[0].real) / math.sqrt(3.0)
    return spread * float(table.time_fs[1]) * math.sqrt(table.time_fs.size)


def _main(table: CorrelationTable, results: Results) -> Iterator[tuple[str, str, str, str]]:
    """Yield quantity, value, error and unit of the main numbers."""
    mobility, kernel = results["mobility"], results["kernel"]
    moved = _integral_rounding(table)
    if table.is_absolute:
        end, unit = mobility.number("D_error_record"), mobility_cm2(1.0, table.temperature_K)
        for name, factor in (("D", 1.0), ("mobility", unit)):
            words = f"± {factor * moved:.1g} (rounding)"
            if not end < 1e-3 * moved:
                words = f"± {number_text(factor * end, 2)} (end of the record), {words}"
            yield _row(mobility, name, {"D": "diffusion constant D"}.get(name, name), words)
        moves = abs(kernel.number("D_kernel")) * kernel.number("step_check_D_change")
        step = f"± {moves:.1g} (time step)"
        yield _row(kernel, "D_kernel", "D from the whole memory kernel", step)
    else:
        last = float(mobility.array("D_running")[-1])
        yield ("integral of Re C/C(0)", number_text(last), f"± {moved:.1g} (rounding)", "fs")
    for name, words in _times(table).items():
        variable = kernel.variables[name]
        step = "" if math.isnan(kernel.number(name)) else f"-{table.time_fs[1]:g} to 0 (time step)"
        yield words, number_text(variable.data), step, variable.units
    for words, group in _augmented(results):
        value = results["augmented"].variables[f"{group}/tau_K_percent_fs"].data
        name = f"kernel cutoff time with {words} in the projector, relative band"
        yield name, number_text(value), "", "fs"
    if "drude_smith" in results:
        for name in ("c", "k"):
            error = number_text(results["drude_smith"].number(f"{name}_error"), 2)
            words = f"± {error} (standard error)"
            yield _row(results["drude_smith"], name, f"Drude–Smith {name}", words)
    if "moments" in results and "reason" not in results["moments"].notes:
        limit = results["moments"].number("limit_used")
        words = f"mean frequency of the kernel, up to {limit:g} rad/fs"
        yield _row(results["moments"], "mean", words)
        yield _row(results["moments"], "variance", "variance of that frequency")


def _verdicts(results: Results) -> list[str]:
    kinds = [kind for kind in ("drude_smith", "conductivity_models") if kind in results]
    return [results[k].notes["verdict"] for k in kinds if "verdict" in results[k].notes]


def _times(table: CorrelationTable) -> dict[str, str]:
    """Return the settling times that have a meaning: an absolute band needs an absolute C."""
    return {n: words for n, words in _TIMES.items() if table.is_absolute or "_band" not in n}


def _augmented(results: Results) -> Iterator[tuple[str, str]]:
    """Yield each larger projector in words, and its group: exact derivatives where they suffice."""
    if "augmented" in results:
        for name, words in _PROJECTED.items():
            is_exact = f"{name}/exact/reason" not in results["augmented"].notes
            yield words, f"{name}/{'exact' if is_exact else 'differences'}"


def _row(result: Result, name: str, words: str, error: str = "") -> tuple[str, str, str, str]:
    variable = result.variables[name]
    mark = f"{words} (FLAGGED)" if result.flagged else words
    return mark, number_text(variable.data), error, variable.units


def number_text(value: Any, digits: int = 6) -> str:
    """Return a number as text; NaN stands for none, infinity for an open value."""
    number = float(np.real(value))
    return (
        f"{number:.{digits}g}"
        if math.isfinite(number)
        else ("none" if math.isnan(number) else "open")
    )


def _warnings(table: CorrelationTable, results: Results) -> Iterator[str]:
    if results["correlation"].flagged:
        failed = results["correlation"].failed_gates
        yield f"C(t) fails the checks {', '.join(failed)}: all numbers are doubtful; see below."
    for kind, result in results.items():
        if "reason" in result.notes:
            yield f"{kind} has no numbers: {result.notes['reason']}."
    kernel = results["kernel"]
    for name in _times(table):
        if name in kernel.notes and math.isnan(kernel.number(name)):
            yield f"no {name}: {kernel.notes[name]}."
    if not table.is_absolute:
        yield f"{results['mobility'].notes['scale']}."
    for words, group in _augmented(results):
        name, notes = f"{group}/tau_K_percent_fs", results["augmented"].notes
        if math.isnan(results["augmented"].number(name)) and "reason" not in notes:
            reason = notes.get(f"{group}/reason", notes.get(name))
            yield f"no cutoff time with {words} in the projector: {reason}."
    yield from _kernel_warnings(table, kernel, results["mobility"])


def _kernel_warnings(table: CorrelationTable, kernel: Result, mobility: Result) -> Iterator[str]:
    change = kernel.number("step_check_D_change")
    if change > LARGEST_CHANGE:
        yield (
            f"D from the kernel changes by {change:.2g} (relative) when every second time is "
            "dropped: the kernel is not resolved, or noisy; sample more finely or exactly."
        )
    D_kernel, D = kernel.number("D_kernel"), mobility.number("D")
    if abs(D_kernel - D) > LARGEST_CHANGE * abs(D):
        yield f"D from the kernel, {D_kernel:.4g}, is not that of the integral, {D:.4g}."
    largest = float(np.max(np.abs(kernel.array("K")[ONE_SIDED:])))
    noise = NOISE_GAIN * table.rounding / float(table.time_fs[1]) ** 2
    if table.dC is None and noise > LARGEST_NOISE * largest:
        yield (
            f"rounding of the table moves K by about {noise:.1g} fs^-2, ten times as much in its "
            f"first four values; later it reaches {largest:.1g} fs^-2: store more digits, or the "
            "derivatives of C."
        )


def _checks(source: Result) -> Iterator[str]:
    verdict = {True: "passed", False: "FAILED"}
    rows = (
        (gate.name, f"{gate.value:.3g}", f"{gate.bound:g}", verdict[gate.passed], gate.meaning)
        for gate in source.gates
    )
    return markdown_table(("check", "value", "bound", "verdict", "meaning"), rows)


def _numbers(result: Result) -> Iterator[str]:
    scalars = {n: v for n, v in result.variables.items() if not v.dims and "/" not in n}
    if not scalars and not result.notes:
        return
    yield ""
    yield f"### {result.kind}"
    if scalars:
        yield ""
        rows = ((n, number_text(v.data), v.units, v.description) for n, v in scalars.items())
        yield from markdown_table(("name", "value", "unit", "meaning"), rows)
    notes = [f"- {name}: {text}" for name, text in result.notes.items() if "/" not in name]
    yield from ["", *notes] if notes else []
