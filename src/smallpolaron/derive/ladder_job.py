"""Ladder files: what all sizes of a finite-size ladder say together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from smallpolaron.analysis.extrapolation import SizeFit, SizeLimit, extrapolate
from smallpolaron.analysis.gates import Gate
from smallpolaron.derive.derive import D_UNIT, MU, NAN, PAPER_UNIT, Notes
from smallpolaron.model.units import mobility_cm2, paper_units
from smallpolaron.planning.climb import Rung, Tolerance, Verdict, judge, largest_share
from smallpolaron.results.provenance import Stopwatch, collect
from smallpolaron.results.quantity import Quantity, Table, variables
from smallpolaron.results.store import Result
from smallpolaron.study.plan import Ladder, Plan, PlanError
from smallpolaron.study.sections import CONVERGED

_STANDARD_ERRORS: Final = 1.96
"""Half width of a 95 % interval in standard errors."""

_CURVE_BEYOND: Final = 1.5
"""The fitted curve is stored up to so many times the largest size."""

_N, _CURVE = ("n_sites",), ("curve_n_sites",)
QUANTITIES: Final[Table] = {
    "n_sites": Quantity("1", "Number of sites.", _N, int, "finite"),
    "D": Quantity(D_UNIT, "Diffusion constant.", _N, kept="there"),
    "D_error": Quantity(D_UNIT, "Its estimated error.", _N, kept="there"),
    "change": Quantity(D_UNIT, "Change of D from the usable size before.", _N),
    "usable": Quantity("1", "Whether the run passed its quality gates.", _N, bool),
    "fitted": Quantity("1", "Whether the size was extrapolated.", _N, bool),
    "curve_n_sites": Quantity("1", "Number of sites.", _CURVE, int),
    "curve_D": Quantity(D_UNIT, "Diffusion constant of the fitted form.", _CURVE),
    "converged_n_sites": Quantity(
        "1", "Number of sites at which D converged; NaN if it did not.", kept="there"
    ),
    "D_infinity": Quantity(
        D_UNIT, "Diffusion constant extrapolated to infinitely many sites.", kept="there"
    ),
    "D_infinity_error": Quantity(D_UNIT, "Half width of its 95 % interval."),
    "D_infinity_paper": Quantity(PAPER_UNIT, "D_infinity in the unit of the reference papers."),
    "D_infinity_paper_error": Quantity(PAPER_UNIT, "Half width of its 95 % interval."),
    "mobility_infinity": Quantity(MU, "DC mobility from D_infinity."),
    "mobility_infinity_error": Quantity(MU, "Half width of its 95 % interval."),
    "fit_amplitude": Quantity(D_UNIT, "B of the chosen form, D + B q^N or D + B/N."),
    "fit_factor": Quantity("1", "q of the exponential form; NaN for the inverse form."),
    "D_infinite_ring": Quantity(D_UNIT, "D of the infinite ring; NaN if it is not computed."),
    "D_infinite_ring_error": Quantity(D_UNIT, "Its estimated error."),
    "infinite_ring_usable": Quantity(
        "1", "Whether its run passed its quality gates; NaN without one."
    ),
}


def verdict_of(plan: Plan, ladder: Ladder, mobilities: Sequence[Result]) -> Verdict:
    """Return what the first sizes of a ladder say.

    Raises:
        PlanError: the results are not those of the first sizes.
    """
    names = [str(result.parameters.get("point")) for result in mobilities]
    wanted = [point.id for point in ladder.rungs[: len(names)]]
    if not names or names != wanted:
        raise PlanError(
            f"ladder {ladder.name}: mobility results of {', '.join(names) or 'no point'}; needed "
            f"are those of its first sizes in order, {', '.join(p.id for p in ladder.rungs)}"
        )
    return judge(list(map(Rung.of, mobilities)), ladder.sizes, Tolerance.of(plan.ladder))


def ladder_result(
    plan: Plan, ladder: Ladder, mobilities: Sequence[Result], check: Result | None
) -> Result:
    """Return convergence with the number of sites and the extrapolation of a finished ladder.

    Raises:
        PlanError: the results are not those of the first sizes.
    """
    watch = Stopwatch()
    verdict = verdict_of(plan, ladder, mobilities)
    rungs = list(map(Rung.of, mobilities))
    usable = [rung for rung in rungs if rung.usable]
    limit, form = _limit(usable)
    ring = None if check is None else Rung.of(check)
    parameters = dict(mobilities[0].parameters)
    parameters["model"] = {**parameters["model"], "n_sites": CONVERGED}
    values: dict[str, Any] = {"converged_n_sites": float(verdict.n_sites or NAN)}
    if limit:
        T = float(parameters["model"]["temperature_K"])
        for end, D in (("", limit.D_A2_fs), ("_error", limit.error_A2_fs)):
            values[f"D_infinity{end}"] = D
            values[f"D_infinity_paper{end}"] = paper_units(D)
            values[f"mobility_infinity{end}"] = mobility_cm2(D, T)
        values |= {
            "fit_amplitude": limit.chosen.amplitude_A2_fs,
            "fit_factor": limit.chosen.factor,
        }
    if ring:
        values |= {
            "D_infinite_ring": ring.D_A2_fs,
            "D_infinite_ring_error": ring.error_A2_fs,
            "infinite_ring_usable": float(ring.usable),
        }
    return Result(
        kind="ladder",
        variables=variables(QUANTITIES, _sizes(rungs, limit) | _curve(limit) | values),
        parameters={**parameters, "point": ladder.name},
        gates=_gates(largest_share(usable, Tolerance.of(plan.ladder)), limit, ring),
        provenance=collect(ladder.hash, watch, source=mobilities[-1].provenance),
        notes={"outcome": verdict.outcome, "verdict": verdict.text, **form, **_errors(mobilities)},
    )


def _errors(mobilities: Sequence[Result]) -> Notes:
    """Say so where the errors are those of the end of the record alone."""
    if any(math.isfinite(each.number("D_error")) for each in mobilities):
        return {}
    return {"errors": "errors are of the end of the record only, the runs estimate no others"}


def _limit(usable: Sequence[Rung]) -> tuple[SizeLimit | None, Notes]:
    """Return the extrapolation with its form in words, or no extrapolation and the reason."""
    try:
        limit = extrapolate(
            [rung.n_sites for rung in usable],
            [rung.D_A2_fs for rung in usable],
            [rung.error_A2_fs for rung in usable],
        )
    except ValueError as error:
        return None, {"reason": str(error)}
    other = "excluded by the residuals" if limit.other.excluded else "not excluded"
    text = f"{_described(limit.chosen)}; the {limit.other.form} form is {other}"
    if not limit.explained:
        text += "; the errors of the runs do not explain the residuals and were scaled up"
    return limit, {"form": text}


def _described(fit: SizeFit) -> str:
    if fit.form == "inverse":
        return "D + B/N"
    return f"D + B q^N with q = {fit.factor:.2g}, a decay length of {fit.length_sites:.2g} sites"


def _sizes(rungs: Sequence[Rung], limit: SizeLimit | None) -> dict[str, Any]:
    used = () if limit is None else limit.n_sites
    columns: dict[str, list[Any]] = {
        "n_sites": [r.n_sites for r in rungs],
        "D": [r.D_A2_fs for r in rungs],
        "D_error": [r.error_A2_fs for r in rungs],
        "change": _changes(rungs),
        "usable": [r.usable for r in rungs],
        "fitted": [r.n_sites in used for r in rungs],
    }
    return {name: np.array(column) for name, column in columns.items()}


def _changes(rungs: Sequence[Rung]) -> list[float]:
    changes, before = [], NAN
    for rung in rungs:
        changes.append(rung.D_A2_fs - before if rung.usable else NAN)
        before = rung.D_A2_fs if rung.usable else before
    return changes


def _curve(limit: SizeLimit | None) -> dict[str, Any]:
    if limit is None:
        return {"curve_n_sites": np.arange(0), "curve_D": np.empty(0)}
    n = np.arange(limit.n_sites[0], int(_CURVE_BEYOND * limit.n_sites[-1]) + 1)
    return {"curve_n_sites": n, "curve_D": limit.chosen.curve(n)}


def _gates(share: float, limit: SizeLimit | None, ring: Rung | None) -> tuple[Gate, ...]:
    text = "larger of the last two changes of D with the number of sites, over the tolerance"
    gates = [Gate("size_convergence", share, 1.0, text)]
    if ring is not None:
        text = "difference between extrapolation and infinite ring, over both 95 % errors"
        apart = NAN
        if limit is not None and ring.usable:
            allowed = math.hypot(limit.error_A2_fs, _STANDARD_ERRORS * ring.error_A2_fs)
            apart = abs(limit.D_A2_fs - ring.D_A2_fs) / allowed
        gates.append(Gate("infinite_ring_agreement", apart, 1.0, text))
    return tuple(gates)
