"""Equilibrium against non-equilibrium: which method gives D, from which size on, at what cost.

Green-Kubo integrates the current autocorrelation function in equilibrium; Einstein takes half the
slope of the mean-squared displacement of a carrier that starts on one site, its lattice relaxed or
not. Both must give the diffusion constant of the infinite lattice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

import numpy as np

from smallpolaron.analysis._checks import FloatArray, positive
from smallpolaron.study.parameters import Parameters

Method = Literal["green_kubo", "einstein_relaxed", "einstein_unrelaxed"]
Lattice = Literal["ring", "chain", "infinite"]
Outcome = Literal["reference", "converged", "not_converged", "cannot_converge", "undecided"]

METHODS: Final[tuple[Method, ...]] = get_args(Method)
LATTICES: Final[tuple[Lattice, ...]] = get_args(Lattice)
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)


@dataclass(frozen=True)
class Cost:
    """What a run has cost; NaN where it is not known.

    Attributes:
        core_seconds: wall time of the whole job times its ranks, s.
        memory_MB: largest memory of one rank, MB (10^6 bytes).
        products: products of the generator with a state.
        basis_size: elements of its largest state.
    """

    core_seconds: float
    memory_MB: float
    products: float
    basis_size: float


@dataclass(frozen=True)
class Integral:
    """Running integral of Re C_JJ.

    Attributes:
        time_fs: times, fs, (times,).
        D_A2_fs: integral from zero to every time, angstrom^2/fs, (times,).
        flagged: whether a quality gate failed that is not about the end of the record alone.
    """

    time_fs: FloatArray
    D_A2_fs: FloatArray
    flagged: bool


@dataclass(frozen=True)
class Evidence:
    """What one run says of D.

    Attributes:
        point: name of the run.
        method: how D was found.
        lattice: ring, open chain or infinite lattice.
        n_sites: number of sites; of an infinite lattice its window.
        D_A2_fs: settled integral, or diffusive plateau, angstrom^2/fs; NaN without one.
        error_A2_fs: its own error, angstrom^2/fs; NaN if it is not known.
        needed_fs: time after which D was known, fs: when the integral had settled, or when the
            plateau had lasted for long enough to count; NaN without D.
        record_fs: length of the run, fs.
        cost: what the run has cost.
        flagged: whether a quality gate failed: then the run does not count as evidence.
        reason: why there is no D; empty if there is one.
        integral: the running integral, for Green-Kubo on an open chain; None elsewhere.
        parameters: resolved parameters of the run.
    """

    point: str
    method: Method
    lattice: Lattice
    n_sites: int
    D_A2_fs: float
    error_A2_fs: float
    needed_fs: float
    record_fs: float
    cost: Cost
    flagged: bool
    reason: str
    integral: Integral | None = None
    parameters: Parameters | None = None

    @property
    def point_parameters(self) -> Parameters:
        """The parameters, of evidence that was gathered from files."""
        assert self.parameters is not None
        return self.parameters

    @property
    def usable(self) -> bool:
        """Whether it gives a number that can be trusted."""
        return self.D_A2_fs > 0.0 and not self.flagged


@dataclass(frozen=True)
class Finding:
    """A run against the reference.

    Attributes:
        evidence: the run.
        deviation_percent: of its D from the reference, signed; NaN without one of both.
        error_percent: own error and that of the reference, together, of the reference.
        agrees: whether the deviation is within the tolerance; None if the run is flagged, or there
            is no reference.
        certain: whether the errors leave no doubt about that.
    """

    evidence: Evidence
    deviation_percent: float
    error_percent: float
    agrees: bool | None
    certain: bool


@dataclass(frozen=True)
class Fall:
    """How the integral of C_JJ of an open chain returns to zero.

    Attributes:
        n_sites: size of the chain.
        flagged: whether the run failed a quality gate that is not about its end alone.
        inside_fs: last time at which the integral is within the tolerance of the reference, fs;
            NaN if it never is.
        end_fs: end of the record, fs.
        end_percent: the integral there over the reference, in percent.
    """

    n_sites: int
    flagged: bool
    inside_fs: float
    end_fs: float
    end_percent: float


@dataclass(frozen=True)
class Series:
    """One method on one kind of lattice, over all sizes.

    Attributes:
        method: how D was found.
        lattice: ring, open chain or infinite lattice.
        findings: its runs, by increasing size.
        outcome: reference: the others are compared with it. converged: from n_sites on every size
            agrees. cannot_converge: no size can. undecided: there is no evidence for either.
        first: run of the smallest size from which on all that are computed agree; a reference
            itself; None otherwise.
        only_itself: undecided, because it has nothing to agree with but its own largest size.
        fall: how the integral falls, where it cannot converge and that was seen.
        factor: core seconds of its first run over those of the cheapest method; NaN if another
            lattice is cheaper for the method, or it gives no D.
    """

    method: Method
    lattice: Lattice
    findings: tuple[Finding, ...]
    outcome: Outcome
    first: Evidence | None = None
    only_itself: bool = False
    fall: Fall | None = None
    factor: float = math.nan

    @property
    def n_sites(self) -> int | None:
        """Size of its first run."""
        return self.first.n_sites if self.first else None

    @property
    def core_seconds(self) -> float:
        """Cost of its first run; NaN where it is not known."""
        return self.first.cost.core_seconds if self.first else math.nan

    @property
    def counted(self) -> tuple[Finding, ...]:
        """The runs that are evidence."""
        return tuple(finding for finding in self.findings if finding.agrees is not None)


@dataclass(frozen=True)
class SystemVerdict:
    """All methods for one physical system.

    Attributes:
        percent: tolerance of every comparison, percent.
        reference: the run that the others are compared with; None if there is none.
        confirmed: whether another method, or lattice, converges to the reference.
        series: every method on every lattice there is evidence of.
    """

    percent: float
    reference: Evidence | None
    confirmed: bool
    series: tuple[Series, ...]

    @property
    def ranking(self) -> list[Series]:
        """The cheapest way to D by every method that has converged, the cheapest first."""
        ranked = (series for series in self.series if not math.isnan(series.factor))
        return sorted(ranked, key=lambda series: series.factor)


def reach_verdict(evidence: Sequence[Evidence], *, percent: float) -> SystemVerdict:
    """Compare all methods for one physical system.

    The reference is Green-Kubo on the infinite lattice; if there is none the Einstein D with the
    smaller error on the infinite lattice; if there is none Green-Kubo on the largest ring. In the
    last case Green-Kubo on rings counts as converged only if another method converges to it, too.

    Args:
        evidence: one run per method, lattice and size.
        percent: largest deviation from the reference that counts as agreement, in percent. Own
            errors are stated and not added: a rough run must not agree more easily.

    Raises:
        ValueError: a size appears twice, or the tolerance is not above zero.

    Source:
        Question of the anomalous paper: do equilibrium and non-equilibrium transport agree?
    """
    positive("percent", percent)
    _check_single(evidence)
    reference = find_reference(evidence)
    groups: dict[tuple[Lattice, Method], list[Finding]] = {}
    for each in sorted(evidence, key=_order):
        groups.setdefault(_key(each), []).append(_compare(each, reference, percent))
    own = None if reference is None else _key(reference)
    confirmed = any(
        _judge(tuple(group), reference, False, percent).outcome == "converged"
        for key, group in groups.items()
        if key != own
    )
    series = tuple(_judge(tuple(g), reference, confirmed, percent) for g in groups.values())
    return SystemVerdict(percent, reference, confirmed, _priced(series, confirmed))


def find_reference(evidence: Sequence[Evidence]) -> Evidence | None:
    """Return the run that all others are compared with, by the order of reach_verdict."""
    usable = [each for each in evidence if each.usable]
    infinite = [each for each in usable if each.lattice == "infinite"]
    current = [each for each in infinite if each.method == "green_kubo"]
    if current:
        return max(current, key=lambda each: each.n_sites)
    if infinite:
        return min(infinite, key=lambda each: np.nan_to_num(each.error_A2_fs, nan=np.inf))
    rings = [each for each in usable if _key(each) == ("ring", "green_kubo")]
    return max(rings, key=lambda each: each.n_sites, default=None)


def _key(evidence: Evidence) -> tuple[Lattice, Method]:
    return evidence.lattice, evidence.method


def _order(evidence: Evidence) -> tuple[int, int, int]:
    lattice, method = _key(evidence)
    return LATTICES.index(lattice), METHODS.index(method), evidence.n_sites


def _check_single(evidence: Sequence[Evidence]) -> None:
    seen: dict[tuple[Lattice, Method, int], str] = {}
    for each in evidence:
        key = (*_key(each), each.n_sites)
        if key in seen:
            raise ValueError(
                f"{seen[key]} and {each.point} are both {each.method} on a {each.lattice} of "
                f"{each.n_sites} sites: keep the run that is to be believed"
            )
        seen[key] = each.point


def _compare(evidence: Evidence, reference: Evidence | None, percent: float) -> Finding:
    nan = float("nan")
    if reference is None:
        return Finding(evidence, nan, nan, None, False)
    unit = 100.0 / abs(reference.D_A2_fs)
    deviation = unit * (evidence.D_A2_fs - reference.D_A2_fs)
    own = 0.0 if evidence is reference else evidence.error_A2_fs
    error = unit * (own + reference.error_A2_fs)
    if evidence.flagged:
        return Finding(evidence, deviation, error, None, False)
    agrees = bool(abs(deviation) <= percent)  # not without a number
    return Finding(evidence, deviation, error, agrees, bool(error < abs(abs(deviation) - percent)))


def _judge(
    findings: tuple[Finding, ...], reference: Evidence | None, confirmed: bool, percent: float
) -> Series:
    """Judge all sizes of a method on a lattice, increasing."""
    lattice, method = _key(findings[0].evidence)
    if (lattice, method) == ("chain", "green_kubo"):
        # J = dX/dt and X is bounded: the integral over all times is zero
        fall = _fall(findings, reference, percent)
        return Series(method, lattice, findings, "cannot_converge", fall=fall)
    own = reference is not None and _key(reference) == (lattice, method)
    if own and reference is not None and lattice == "infinite":
        return Series(method, lattice, findings, "reference", reference)
    counted = [finding for finding in findings if finding.agrees is not None]
    if not counted:
        return Series(method, lattice, findings, "undecided")
    first = _first_of_the_agreeing(counted)
    if first is None:
        return Series(method, lattice, findings, "not_converged")
    if own and not confirmed:
        return Series(method, lattice, findings, "undecided", only_itself=True)
    return Series(method, lattice, findings, "converged", first)


def _first_of_the_agreeing(findings: Sequence[Finding]) -> Evidence | None:
    """Return the smallest size from which on all agree."""
    first: Evidence | None = None
    for finding in findings:
        first = (first or finding.evidence) if finding.agrees else None
    return first


def _fall(findings: Sequence[Finding], reference: Evidence | None, percent: float) -> Fall | None:
    """Measure how far the integral falls in the longest record, of the largest chain among equals.

    A record that is not flagged comes first.
    """
    found = [(each.n_sites, each.integral) for each in (f.evidence for f in findings)]
    seen = [(n_sites, integral) for n_sites, integral in found if integral is not None]
    if reference is None or not seen:
        return None
    n_sites, longest = max(
        seen, key=lambda pair: (not pair[1].flagged, pair[1].time_fs[-1], pair[0])
    )
    time, share = longest.time_fs, longest.D_A2_fs / reference.D_A2_fs
    inside = np.flatnonzero(np.abs(share - 1.0) <= percent / 100.0)
    last = float(time[inside[-1]]) if inside.size else float("nan")
    return Fall(n_sites, longest.flagged, last, float(time[-1]), 100.0 * float(share[-1]))


def _priced(series: tuple[Series, ...], confirmed: bool) -> tuple[Series, ...]:
    """Give the cheapest series of every method that finds D its cost over the least of all."""
    allowed = {"converged", "reference"} if confirmed else {"converged"}
    best: dict[Method, Series] = {}
    for each in series:
        known = each.outcome in allowed and math.isfinite(each.core_seconds)
        other = best.get(each.method)
        if known and (other is None or each.core_seconds < other.core_seconds):
            best[each.method] = each
    least = min((each.core_seconds for each in best.values()), default=math.nan)
    return tuple(
        replace(each, factor=each.core_seconds / least) if best.get(each.method) is each else each
        for each in series
    )


METHOD_WORDS: Final[dict[Method, str]] = {
    "green_kubo": "Green-Kubo",
    "einstein_relaxed": "Einstein, relaxed start",
    "einstein_unrelaxed": "Einstein, unrelaxed start",
}
LATTICE_WORDS: Final[dict[Lattice, str]] = {
    "ring": "ring",
    "chain": "open chain",
    "infinite": "infinite lattice",
}


def describe_reference(verdict: SystemVerdict) -> str:
    """Return what the methods of a system are compared with, and what confirms it."""
    reference = verdict.reference
    if reference is None:
        return (
            "none: no run on the infinite lattice and no current on a ring gives a number and "
            "passes its quality gates"
        )
    text = (
        f"{name(reference.method, reference.lattice)}, {size(reference)}, "
        f"D = {reference.D_A2_fs:.4g} ± {reference.error_A2_fs:.1g} Å²/fs"
    )
    return text if verdict.confirmed else f"{text}; no other method or lattice converges to it"


def describe_series(series: Series) -> str:
    """Return the outcome of a method on a lattice."""
    if series.outcome == "cannot_converge":
        return _cannot(series.fall)
    if series.outcome == "reference":
        return "reference"
    if series.outcome == "undecided":
        return _undecided(series)
    counted = series.counted
    last = counted[-1]
    if series.outcome == "not_converged":
        return f"not converged up to {size(last.evidence)}: {_why_not(last)}"
    text = f"converged from {_n(series.lattice, series.n_sites or 0)}"
    if series.lattice != "infinite" and series.n_sites == counted[0].evidence.n_sites:
        text += ", the smallest that counts"
    agreeing = [f for f in counted if f.evidence.n_sites >= (series.n_sites or 0)]
    text += f", {max(abs(f.deviation_percent) for f in agreeing):.2g} % off at most"
    doubtful = [f.error_percent for f in agreeing if not f.certain]
    if doubtful:
        text += f"; errors of up to {max(doubtful):.2g} % leave room for doubt"
    return text


def describe_verdict(verdict: SystemVerdict) -> str:
    """Return which method is cheapest, by what factor, and which ones do not converge."""
    if not verdict.ranking:
        known = any(series.outcome == "converged" for series in verdict.series)
        return "What has converged does not say its cost." if known else "No method has converged."
    first, *others = verdict.ranking
    text = f"Cheapest: {_ranked(first)}, {_seconds(first)}."
    for each in others:
        text += f" {_ranked(each)}: {each.factor:.3g} times as much ({_seconds(each)})."
    ranked = {each.method for each in verdict.ranking}
    missing = dict.fromkeys(s.method for s in verdict.series if s.method not in ranked)
    for method in missing:
        text += f" {METHOD_WORDS[method]}: nowhere converged."
    return text


def name(method: Method, lattice: Lattice) -> str:
    """Return what a method on a lattice is called."""
    return f"{METHOD_WORDS[method]} on the {LATTICE_WORDS[lattice]}"


def size(evidence: Evidence) -> str:
    """Return what the size of a run is called."""
    return _n(evidence.lattice, evidence.n_sites)


def _n(lattice: Lattice, n_sites: int) -> str:
    return f"a window of {n_sites} sites" if lattice == "infinite" else f"N = {n_sites}"


def _cannot(fall: Fall | None) -> str:
    text = (
        "cannot converge: the current is the time derivative of a position that an open chain "
        "bounds, so the integral over all times is exactly 0"
    )
    if fall is None:
        return text
    flagged = " (flagged)" if fall.flagged else ""
    text += f"; measured at N = {fall.n_sites}{flagged}: the integral "
    if np.isfinite(fall.inside_fs):
        text += f"is within the tolerance of the reference for the last time at {fall.inside_fs:g} "
        text += "fs, and "
    else:
        text += "is never within the tolerance of the reference, and "
    return text + f"at {fall.end_fs:g} fs {fall.end_percent:.3g} % of it"


def _undecided(series: Series) -> str:
    if series.only_itself:
        return (
            "undecided: compared with its own largest size alone; compute the infinite lattice, or "
            "another method"
        )
    if all(finding.evidence.flagged for finding in series.findings):
        return "undecided: every run is flagged"
    return "undecided: no reference"


def _why_not(finding: Finding) -> str:
    if not finding.evidence.usable:
        return f"no number, {finding.evidence.reason}"
    text = f"{finding.deviation_percent:+.2g} % off"
    return text if finding.certain else f"{text}, with errors of {finding.error_percent:.2g} %"


def _ranked(series: Series) -> str:
    return f"{name(series.method, series.lattice)}, {_n(series.lattice, series.n_sites or 0)}"


def _seconds(series: Series) -> str:
    return f"{series.core_seconds:.3g} core s"
