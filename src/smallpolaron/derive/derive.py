"""What every analysis job shares: it derives one result from another.

A run from which no number may be taken (it grew, or is too short) still gives a file, with NaN
and the reason in its notes, so that one bad point never stops a study.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.gates import Gate
from smallpolaron.analysis.hermite import Series, make_series
from smallpolaron.analysis.memory.cutoff import SettlingTimes
from smallpolaron.analysis.spreading.plateau import Plateau
from smallpolaron.results.kinds import Kind
from smallpolaron.results.provenance import Stopwatch, collect
from smallpolaron.results.quality import unusable
from smallpolaron.results.quantity import Quantity, Table, missing, variables
from smallpolaron.results.store import Result
from smallpolaron.runs.inputs import read_input
from smallpolaron.study.plan import read_plan
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.support.problems import StoreError

Notes = dict[str, str]
NAN: Final = float("nan")
MU: Final = "cm^2 V^-1 s^-1"
D_UNIT: Final = "angstrom^2 fs^-1"
PAPER_UNIT: Final = "2 D / bohr^2, fs^-1"


def correlation(source: Result) -> Series:
    """Return the correlation function of a result, with its exact derivatives as far as stored."""
    first, second = (
        None if (variable := source.variables.get(name)) is None else variable.data
        for name in ("dC_JJ", "d2C_JJ")
    )
    times, values = source.array("time_fs"), source.array("C_JJ")
    return make_series(times, values, first, second, name="C_JJ")


def kubo(source: Result) -> Series:
    """Return the Kubo transform that a mobility result holds; its derivatives are differences."""
    return make_series(source.array("time_fs"), source.array("C_kubo"), name="C_kubo")


def temperature(source: Result) -> float:
    """Return the temperature of a result, K."""
    return float(source.parameters["model"]["temperature_K"])


def derive(
    kind: str,
    source: Result,
    table: Table,
    analysis: Callable[[], tuple[Mapping[str, Any], Notes]],
    axes: Mapping[str, NDArray[Any]],
    **sizes: int,
) -> Result:
    """Apply an analysis to a result.

    Args:
        kind: kind of the new result.
        source: the result analysed; its parameters and gates are carried over.
        table: quantities of the new kind.
        analysis: returns their values and notes; a ValueError means that it cannot be done.
        axes: coordinates of a run that gives no numbers; see quantity.missing.
        sizes: lengths of its dimensions that have no coordinate.
    """
    watch = Stopwatch()
    reason = source.notes.get("reason") or unusable(source.gates)
    values: Mapping[str, Any] = {}
    notes: Notes = {}
    if not reason:
        try:
            values, notes = analysis()
        except ValueError as error:
            reason = str(error)
    if reason:
        notes = {"reason": reason}
    digest = str(source.provenance.get("configuration_hash", ""))
    return Result(
        kind=kind,
        variables=missing(table, axes, **sizes) if reason else variables(table, values),
        parameters=source.parameters,
        gates=source.gates,
        provenance=collect(digest, watch, source=source.provenance),
        notes=notes,
    )


def errors_of_D(source: Result, record_A2_fs: float) -> tuple[float, float]:
    """Return the estimated error of D from all sources, and what of it is the end of the record.

    Args:
        source: correlation result.
        record_A2_fs: what the record by itself leaves open at its end, angstrom^2/fs; it counts
            where the run could not solve for what comes after the record.

    Returns:
        Both in angstrom^2/fs; NaN where the run does not estimate its errors (fixed hierarchies,
        tables of numbers).
    """
    if "errors/D/total" not in source.variables:
        return NAN, NAN
    total, end = (source.number(f"errors/D/{name}") for name in ("total", "finite_time"))
    if np.isnan(end):  # then it is not in the total either
        return total + record_A2_fs, record_A2_fs
    return total, end


def derive_kind(
    kind: Kind,
    plan: Path,
    paths: Sequence[Path],
    partner: Path | None = None,
    start_site: int | None = None,
) -> Result:
    """Return a result of a kind from files, by the criteria of a plan.

    Args:
        kind: a kind that is derived from another one.
        plan: plan of the study.
        paths: files of its source; one, unless it takes many.
        partner: file of the other initialisation, for a kind that takes one.
        start_site: start from which all is seen, for a kind that takes one file per start.

    Raises:
        StoreError: a file cannot be used.
        PlanError: the plan cannot be used.
    """
    settings = read_plan(plan).analysis
    kinds = [name for name in (kind.source, kind.or_source) if name]
    sources = [read_input(path, kinds, of_a_point=kind.files != "one") for path in paths]
    if kind.files == "partner":
        other = read_input(partner, (sources[0].kind,), of_a_point=True) if partner else None
        result = kind.derive(sources[0], other, settings)
    elif kind.files == "starts":
        result = kind.derive(sources, settings, start_site)
    elif kind.files == "directions":
        result = kind.derive(sources, settings)
    else:
        result = kind.derive(sources[0], settings)
    return with_criteria(result, settings)


def with_criteria(result: Result, settings: AnalysisConfig) -> Result:
    """Return a result that says by which criteria it was analysed, so that it can be made again."""
    return replace(result, provenance={**result.provenance, "analysis": settings.model_dump()})


def settling(name: str, what: str) -> Table:
    """Return the quantities of two settling times: by the absolute and the relative band."""
    return {
        f"{name}_{criterion}_fs": Quantity("fs", f"{what} stays in the {band} band.")
        for criterion, band in (("band", "absolute"), ("percent", "relative"))
    }


TAU_K: Final = settling("tau_K", "Kernel cutoff after which D")
T_EQ: Final = settling("t_eq", "Time after which the running integral")


PLATEAU: Final[Table] = {
    "plateau_D": Quantity(
        D_UNIT, "Half the slope on the diffusive plateau; NaN without one.", kept="there"
    ),
    "plateau_D_flatness": Quantity(
        D_UNIT, "Largest deviation from it on the plateau.", kept="there"
    ),
    "plateau_from_fs": Quantity("fs", "First time on the plateau."),
    "plateau_to_fs": Quantity("fs", "Last time on the plateau."),
}


def plateau_values(found: Plateau) -> dict[str, float]:
    """Return the numbers of a plateau."""
    values = (found.D_A2_fs, found.flatness_A2_fs, found.from_fs, found.to_fs)
    return dict(zip(PLATEAU, values, strict=True))


def bands(settings: AnalysisConfig) -> dict[str, float]:
    """Return the widths of both bands, as settling_times takes them."""
    return settings.model_dump(include={"band_paper_units", "band_percent"})


def note_settling(values: dict[str, Any], notes: Notes, name: str, times: SettlingTimes) -> None:
    """Take both settling times over, each with its criterion and what limits it."""
    for criterion, found in (("band", times.band), ("percent", times.percent)):
        values[f"{name}_{criterion}_fs"] = found.time_fs
        reason = f"; {found.reason}" if found.reason else ""
        notes[f"{name}_{criterion}_fs"] = found.criterion + reason


def require_one_system(first: Result, other: Result, own: Collection[str]) -> None:
    """Refuse two results that are not of one system.

    Raises:
        StoreError: they differ in another one.
    """
    one, two = first.parameters, other.parameters
    for key in sorted((one.keys() | two.keys()) - set(own)):
        if one.get(key) != two.get(key):
            raise StoreError(
                f"{first.kind} files of points {one.get('point')} and {two.get('point')} differ "
                f"in {key}: {one.get(key)} and {two.get(key)}; give files that agree in it"
            )


def worst_gates(sources: Sequence[Result]) -> tuple[Gate, ...]:
    """Return every gate of some results once, failed if it failed in any."""
    worst: dict[str, Gate] = {}
    for source in sources:
        for gate in source.gates:
            if gate.name not in worst or worst[gate.name].passed:
                worst[gate.name] = gate
    return tuple(worst.values())
