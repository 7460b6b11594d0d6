"""Drude-Smith and its rivals fitted to a measured conductivity: page, numbers and picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

import smallpolaron
from smallpolaron.analysis.fits.measured_conductivity import (
    MeasuredFits,
    MeasuredModel,
    fit_measured,
)
from smallpolaron.analysis.fits.model_fits import Estimate
from smallpolaron.derive.tables import write_table
from smallpolaron.model.units import RAD_FS_PER_THZ
from smallpolaron.own_data.conductivity_table import ConductivityTable, read_conductivity
from smallpolaron.own_data.table_summary import keep_what_is_there, markdown_table, number_text
from smallpolaron.support.files import file_digest, shown_name, write_text
from smallpolaron.tables.names import refuse

SUMMARY: Final = "summary.md"
MODELS: Final = "models.csv"
CURVES: Final = "curves.csv"
PICTURE: Final = "fit.svg"
MODEL_COLUMNS: Final = (
    *("rank", "model", "quantity", "value", "error", "low_95", "high_95", "unit", "at_limit"),
    *("delta_bic", "delta_aicc", "chi2", "points", "probability"),
)


def fit_table(
    path: Path,
    folder: Path,
    columns: Sequence[str] | None = None,
    conjugate: bool = False,
    overwrite: bool = False,
) -> tuple[ConductivityTable, MeasuredFits]:
    """Read a conductivity, fit all models within its window, and write what was found.

    Raises:
        TableError: the table cannot be used.
        StoreError: results are there and must not be replaced.
    """
    keep_what_is_there(path, folder, (SUMMARY, MODELS, CURVES, PICTURE), overwrite)
    table = read_conductivity(path, columns, conjugate=conjugate)
    try:
        fits = fit_measured(table.omega, table.sigma, table.noise)
    except ValueError as error:
        raise refuse(path, str(error), "give more of the spectrum") from error
    write_table(folder / MODELS, MODEL_COLUMNS, model_rows(fits, table.unit))
    names, rows = curve_rows(table, fits)
    write_table(folder / CURVES, names, rows)
    from smallpolaron.figures.style import save
    from smallpolaron.own_data.measured_fit import draw  # matplotlib takes a second

    save(draw(table, fits), folder / PICTURE)
    write_text(folder / SUMMARY, "\n".join(_page(path, table, fits)) + "\n")
    return table, fits


def quantities(one: MeasuredModel, unit: str) -> Iterator[tuple[str, Estimate, str]]:
    """Yield name, value with errors and unit of everything a fit gives, the useful ones first."""
    units = {"tau_fs": "fs", "sigma_0": unit, "sigma_dc": unit}
    for name, found in one.derived.items():
        yield name, found, units[name]
    for parameter in one.fit.model.parameters:
        yield parameter.name, one.fit.estimates[parameter.name], parameter.units


def model_rows(fits: MeasuredFits, unit: str) -> Iterator[dict[str, object]]:
    """Yield one row per model and quantity, best model first."""
    for rank, one in enumerate(fits.models, 1):
        for name, found, its_unit in quantities(one, unit):
            yield {
                "rank": rank,
                "model": one.fit.model.name,
                "quantity": name,
                "value": found.value,
                "error": found.error,
                "low_95": found.low,
                "high_95": found.high,
                "unit": its_unit or "as given",
                "at_limit": found.at_limit,
                "delta_bic": one.ranked.delta_bic,
                "delta_aicc": one.ranked.delta_aicc,
                "chi2": one.chi2,
                "points": one.fit.target.values.size,
                "probability": one.probability,
            }


def curve_rows(
    table: ConductivityTable, fits: MeasuredFits
) -> tuple[list[str], Iterator[dict[str, object]]]:
    """Return names and rows of data and fitted curves, as drawn."""
    columns = {
        "frequency_THz": table.omega / RAD_FS_PER_THZ,
        "sigma_real": table.sigma.real,
        "sigma_imag": table.sigma.imag,
        "error": table.noise.error,
    }
    for one in fits.models:
        curve = fits.scale * one.fit.frequency(table.omega)
        columns[f"{one.fit.model.name}_real"] = curve.real
        columns[f"{one.fit.model.name}_imag"] = curve.imag
    values = np.stack(list(columns.values()), axis=1).tolist()
    return list(columns), (dict(zip(columns, row, strict=True)) for row in values)


def ranking(fits: MeasuredFits, unit: str) -> Iterator[str]:
    """Yield one line per model: its rank, how well it fits, and its main numbers."""
    for rank, one in enumerate(fits.models, 1):
        numbers = [f"c = {one.fit.estimates['c'].text}"] if "c" in one.fit.estimates else []
        numbers.append(f"τ = {one.derived['tau_fs'].text} fs")
        for name, sign in (("sigma_0", "σ₀"), ("sigma_dc", "σ(0)")):
            numbers.append(f"{sign} = {one.derived[name].text} {unit}".rstrip())
        size = one.chi2 / one.fit.target.values.size
        yield (
            f"{rank}. {one.fit.model.title}: BIC +{one.ranked.delta_bic:.3g}, "
            f"χ²/n = {size:.3g}; {', '.join(numbers)}"
        )


def _page(path: Path, table: ConductivityTable, fits: MeasuredFits) -> Iterator[str]:
    first, last = table.omega[0] / RAD_FS_PER_THZ, table.omega[-1] / RAD_FS_PER_THZ
    yield from (f"# Fit of the conductivity in {shown_name(path)}", "", fits.text, "")
    yield from (f"![data and models]({PICTURE})", "", "## The table", "")
    unit = table.unit or "not given"
    yield f"- {table.omega.size} frequencies from {first:.4g} to {last:.4g} THz; unit {unit}"
    yield from (f"- {text}" for text in table.remarks)
    yield f"- SHA-256 {file_digest(path)}; smallpolaron {smallpolaron.__version__}"
    yield from ("", "## The models, best first", "")
    yield from ranking(fits, table.unit)
    yield ""
    yield (
        "BIC is above that of the best model; differences above 10 are decisive. χ²/n is near 1 "
        "where a model describes the data to their errors. τ = 1/k; σ₀ = amplitude·τ, the Drude "
        "conductivity of all carriers; σ(0), at rest, is extrapolated from the window."
    )
    for one in fits.models:
        yield from ("", f"### {one.fit.model.title}", "")
        head = ("quantity", "value", "standard error", "95 % interval", "unit")
        yield from markdown_table(head, _cells(one, table.unit))


def _cells(one: MeasuredModel, unit: str) -> Iterator[tuple[str, ...]]:
    for name, found, its_unit in quantities(one, unit):
        error = "at a limit" if found.at_limit else number_text(found.error, 2)
        low, high = number_text(found.low, 4), number_text(found.high, 4)
        interval = low if low == high else f"{low} to {high}"
        yield name, number_text(found.value), error, interval, its_unit


def messages(table: ConductivityTable, fits: MeasuredFits) -> Sequence[str]:
    """Return what to say first: remarks, ranking and verdict."""
    return [*table.remarks, *ranking(fits, table.unit), fits.text]
