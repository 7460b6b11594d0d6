"""The whole analysis of one correlation function that somebody else computed."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from smallpolaron.analysis import gates
from smallpolaron.analysis.gates import Gate
from smallpolaron.analysis.hermite import make_series
from smallpolaron.analysis.kubo import spectra
from smallpolaron.derive.derive import MU, NAN, PAPER_UNIT
from smallpolaron.model.units import mobility_cm2
from smallpolaron.own_data.correlation_table import CorrelationTable, read_correlation_table
from smallpolaron.own_data.correlation_table import Kind as TableKind
from smallpolaron.own_data.table_summary import keep_what_is_there, write_curves, write_summary
from smallpolaron.results.kinds import TABLE_KINDS
from smallpolaron.results.provenance import Stopwatch, collect
from smallpolaron.results.store import SCHEMA, Result, Variable, write_result
from smallpolaron.runs.inputs import read_input
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.support.attributes import Unfit, read_value
from smallpolaron.support.files import file_digest, shown_name

SUMMARY: Final = "summary.md"
CURVES: Final = {"time": "curves.csv", "omega": "spectra.csv"}
"""File of the curves along each axis."""
FIGURES: Final = {
    "current": ("correlation", "mobility"),
    "memory_kernel": ("kernel",),
    "cutoff": ("kernel", "mobility"),
    "conductivity": ("mobility",),
    "drude_smith": ("drude_smith", "mobility"),
}
"""Pictures, the same as those of a computed system, each in a file of its name; and from what."""


def analyse_table(
    path: Path,
    folder: Path,
    settings: AnalysisConfig,
    *,
    temperature_K: float | None = None,
    kind: TableKind = "quantum",
    unit: str | None = None,
    columns: tuple[str, ...] | None = None,
    skip: tuple[str, ...] = (),
    overwrite: bool = False,
) -> dict[str, Result]:
    """Read a table, derive everything from it, and write results, curves and a summary.

    Args:
        path: file with C(t), see docs/own-data.md.
        folder: folder for the results.
        settings: criteria of the analysis.
        temperature_K: temperature in K; None if the file holds it.
        kind: quantum (complex C) or classical (real C).
        unit: unit of C where the file does not say it.
        columns: names of the columns, where the file has none.
        skip: kinds of results, of OPTIONAL, to leave out.
        overwrite: replace results that are there.

    Returns:
        The results by kind, as written to ``<kind>.h5`` in the output folder.

    Raises:
        TableError: the table cannot be analysed; holds every problem found.
        StoreError: a file is there already and must not be replaced, or an own result file is
            damaged or of another kind.
    """
    kinds = ("correlation", *(each.name for each in TABLE_KINDS))
    names = [*(f"{name}.h5" for name in kinds), *(f"{name}.svg" for name in FIGURES)]
    keep_what_is_there(path, folder, [*names, *CURVES.values(), SUMMARY], overwrite)
    source, table = correlation_of_table(path, temperature_K, kind, unit, columns)
    results = {"correlation": source}
    for each in TABLE_KINDS:
        if each.name not in skip:
            results[each.name] = each.derive(results[each.source], settings)
    if not table.is_absolute:
        results = {name: without_scale(result) for name, result in results.items()}
    for name, result in results.items():
        write_result(folder / f"{name}.h5", result, overwrite=overwrite)
    for name in skip:  # one that is there belongs to another table
        (folder / f"{name}.h5").unlink(missing_ok=True)
    for axis, name in CURVES.items():
        write_curves(folder / name, results, axis)
    drawn = draw_figures(folder, results, settings.band_paper_units)
    write_summary(folder / SUMMARY, shown_name(path), table, results, skip, drawn)
    return results


def draw_figures(folder: Path, results: Mapping[str, Result], band: float) -> list[str]:
    """Draw FIGURES as far as their results are there.

    Args:
        folder: folder for the pictures; those that are not drawn are removed from it.
        results: by kind.
        band: half width of the band of convergence, paper units.

    Returns:
        The files that were written.
    """
    # matplotlib takes a second to import: only where pictures are drawn
    from smallpolaron.figures import style
    from smallpolaron.figures.runs import runs_of

    written = []
    for name, kinds in FIGURES.items():
        path = folder / f"{name}.svg"
        if not results.keys() >= set(kinds):
            path.unlink(missing_ok=True)
            continue
        runs = [runs_of([(kind, results[kind])]) for kind in kinds]
        draw = importlib.import_module(f"smallpolaron.figures.{name}").draw
        style.save(draw(*runs, *([band] if name == "cutoff" else [])), path)
        written.append(path.name)
    return written


def correlation_of_table(
    path: Path,
    temperature_K: float | None = None,
    kind: TableKind = "quantum",
    unit: str | None = None,
    columns: tuple[str, ...] | None = None,
) -> tuple[Result, CorrelationTable]:
    """Return the table as a correlation result; an own one as it is, with gates and errors.

    Raises:
        TableError: the table cannot be analysed; holds every problem found.
        StoreError: an own result file that is damaged or of another kind.
    """
    own = read_input(path, ("correlation",)) if _is_own(path) else None
    watch = Stopwatch()
    table = read_correlation_table(path, temperature_K, kind=kind, unit=unit, columns=columns)
    return own or _as_result(table, path, watch), table


def _is_own(path: Path) -> bool:
    if not (path.is_file() and h5py.is_hdf5(path)):
        return False
    try:
        with h5py.File(path, "r", locking=False) as file:
            return bool(read_value(file, "schema") == SCHEMA)
    except (OSError, Unfit):
        return False


def _as_result(table: CorrelationTable, path: Path, watch: Stopwatch) -> Result:
    texts = ("C(t) of the table.", "Its first derivative.", "Its second derivative.")
    variables = {"time_fs": Variable(table.time_fs, ("time",), "fs", "Time.")}
    for order, (text, data) in enumerate(zip(texts, (table.C, table.dC, table.d2C), strict=True)):
        if data is not None:
            name = ("C_JJ", "dC_JJ", "d2C_JJ")[order]
            variables[name] = Variable(data, ("time",), f"angstrom^2 fs^-{order + 2}", text)
    digest = file_digest(path)
    return Result(
        kind="correlation",
        variables=variables,
        parameters={
            "point": Path(shown_name(path)).stem,
            "model": {"temperature_K": table.temperature_K},
            "table": {
                "file": shown_name(path),
                "sha256": digest,
                "kind": table.kind,
                "is_absolute": table.is_absolute,
                "rounding": table.rounding,
            },
        },
        gates=_gates(table),
        provenance=collect(digest, watch),
        notes={"table": "; ".join(table.remarks)} if table.remarks else {},
    )


def _gates(table: CorrelationTable) -> tuple[Gate, ...]:
    """Return the gates that a correlation function of unknown origin can be put to."""
    found = [gates.cauchy_schwarz(table.C), gates.long_time_decay(table.C)]
    if table.kind == "quantum":
        series = make_series(table.time_fs, table.C, table.dC, table.d2C)
        spectrum = spectra(series, table.temperature_K)
        found += [
            gates.real_at_zero(table.C),
            gates.detailed_balance(spectrum.omega, spectrum.full, table.temperature_K),
        ]
    return tuple(found)


SCALE_NOTE: Final = (
    "C is given in arbitrary units: it was divided by C(0), so that there is no D and no mobility; "
    "what is proportional to C is in units of C(0). For D, state the unit (--unit)"
)
BAND_NOTE: Final = "a band of fixed width needs C in angstrom^2/fs^2"

_AREA: Final = re.compile(r"angstrom\^2 fs\^-(\d+)")


def without_scale(result: Result) -> Result:
    """Return a result of C/C(0) in units of C(0).

    Curves proportional to C are kept: angstrom^2 fs^-2 becomes C(0), angstrom^2 fs^-1 becomes
    C(0) fs, which is also what remains of a frequency-resolved mobility. Diffusion constants,
    mobilities and times that depend on a band of absolute width become NaN.
    """
    unit_of_mobility = mobility_cm2(1.0, float(result.parameters["model"]["temperature_K"]))
    variables = {
        name: _relative(name, variable, unit_of_mobility)
        for name, variable in result.variables.items()
    }
    notes = {key: BAND_NOTE if _needs_band(key) else text for key, text in result.notes.items()}
    return replace(result, variables=variables, notes=notes | {"scale": SCALE_NOTE})


def _needs_band(name: str) -> bool:
    return "_band" in name


def _relative(name: str, variable: Variable, unit_of_mobility: float) -> Variable:
    is_number = not variable.dims
    has_scale = variable.units in (MU, PAPER_UNIT) or _AREA.fullmatch(variable.units)
    if is_number and (has_scale or _needs_band(name)):
        return replace(variable, data=NAN)
    if variable.units == MU:
        return replace(variable, data=np.asarray(variable.data) / unit_of_mobility, units="C(0) fs")
    area = _AREA.fullmatch(variable.units)
    if area is None:
        return variable
    power = 2 - int(area[1])
    return replace(variable, units={0: "C(0)", 1: "C(0) fs"}.get(power, f"C(0) fs^{power}"))
