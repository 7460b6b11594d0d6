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
from smallpolaron.analysis.declared import quantity
from smallpolaron.derive.derive import D_UNIT
from smallpolaron.study.parameters import Parameters
from smallpolaron.support.numbers import with_error

Method = Literal["green_kubo", "einstein_relaxed", "einstein_unrelaxed"]
Lattice = Literal["ring", "chain", "infinite"]
Outcome = Literal["reference", "converged", "not_converged", "cannot_converge", "undecided"]
Key = tuple[Lattice, Method]

METHODS: Final[tuple[Method, ...]] = get_args(Method)
LATTICES: Final[tuple[Lattice, ...]] = get_args(Lattice)
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)


@dataclass(frozen=True)
class Integral:
    """Running integral of Re C_JJ of an open chain.

    Attributes:
        time_fs: times, fs, (times,).
        D_A2_fs: integral from zero to every time, angstrom^2/fs, (times,).
        flagged: whether a quality gate failed that is not about the end of the record alone.
    """

    time_fs: FloatArray
    D_A2_fs: FloatArray
    flagged: bool


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one run says of D; a flagged one does not count as evidence.

    Attributes:
        point: name of the run.
        reason: why there is no D; empty if there is one.
        integral: of Green-Kubo on an open chain; None elsewhere.
        parameters: resolved parameters of the run.
    """

    point: str
    method: Method
    lattice: Lattice
    n_sites: int = quantity("1", "Number of sites; of the infinite lattice its window.")
    D: float = quantity(
        *(D_UNIT, "Settled integral of C_JJ, or diffusive plateau; NaN without one."),
        title="D_A2_fs",
    )
    D_error: float = quantity(
        *(D_UNIT, "Its own error: of the run; of a plateau its flatness and that of its slope."),
        title="D_error_A2_fs",
    )
    needed_fs: float = quantity(
        "fs", "When the integral has settled, or the plateau lasted for long enough."
    )
    record_fs: float = quantity("fs", "Length of the run.")
    core_seconds: float = quantity("s", "Wall time of the job times its ranks.", title="core_s")
    memory_MB: float = quantity("MB", "Largest memory of one rank.")
    products: float = quantity("1", "Products of the generator with a state.")
    basis_size: float = quantity("1", "Elements of the largest state.")
    flagged: bool = quantity("1", "Whether a quality gate failed.")
    reason: str
    integral: Integral | None = None
    parameters: Parameters | None = None

    @property
    def key(self) -> Key:
        """Lattice and method."""
        return self.lattice, self.method

    @property
    def point_parameters(self) -> Parameters:
        """The parameters, of evidence that was gathered from files."""
        assert self.parameters is not None
        return self.parameters

    @property
    def usable(self) -> bool:
        """Whether it gives a number that can be trusted."""
        return self.D > 0.0 and not self.flagged

    @property
    def size(self) -> str:
        """The size in words."""
        window = self.lattice == "infinite"
        return f"a window of {self.n_sites} sites" if window else f"N = {self.n_sites}"


@dataclass(frozen=True, kw_only=True)
class Finding(Evidence):
    """A run against the reference; agrees is None if it is flagged, or there is no reference."""

    deviation: float = quantity(
        "%", "Deviation of D from the reference.", title="deviation_percent"
    )
    deviation_error: float = quantity(
        *("%", "Own error and that of the reference, over the reference."),
        title="deviation_error_percent",
    )
    agrees: bool | None = quantity("1", "1 within the tolerance, 0 not, -1 no evidence.")
    certain: bool = quantity("1", "Whether the errors leave no doubt about that.")


@dataclass(frozen=True)
class Fall:
    """How the integral of C_JJ of an open chain returns to zero.

    Attributes:
        n_sites: size of the chain.
        flagged: whether the run failed a quality gate that is not about its end alone.
        inside_fs: last time at which it is within the tolerance of the reference, fs; NaN if never.
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

    findings: tuple[Finding, ...]
    outcome: Outcome
    first: Evidence | None = None
    only_itself: bool = False
    fall: Fall | None = None
    factor: float = math.nan

    @property
    def lattice(self) -> Lattice:
        """Ring, open chain or infinite lattice."""
        return self.findings[0].lattice

    @property
    def method(self) -> Method:
        """How D was found."""
        return self.findings[0].method

    @property
    def name(self) -> str:
        """Method and lattice in words."""
        return f"{METHOD_WORDS[self.method]} on the {LATTICE_WORDS[self.lattice]}"

    @property
    def n_sites(self) -> int | None:
        """Size of its first run."""
        return self.first.n_sites if self.first else None

    @property
    def core_seconds(self) -> float:
        """Cost of its first run; NaN where it is not known."""
        return self.first.core_seconds if self.first else math.nan

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
    reference = find_reference(evidence)
    groups: dict[Key, dict[int, Finding]] = {}
    for each in sorted(evidence, key=_order):
        group = groups.setdefault(each.key, {})
        if each.n_sites in group:
            raise ValueError(
                f"{group[each.n_sites].point} and {each.point} are both {each.method} on a "
                f"{each.lattice} of {each.n_sites} sites: keep the run that is to be believed"
            )
        group[each.n_sites] = _compare(each, reference, percent)
    findings = [tuple(group.values()) for group in groups.values()]
    confirmed = any(
        _judge(group, reference, False, percent).outcome == "converged"
        for group in findings
        if reference is None or group[0].key != reference.key
    )
    series = tuple(_judge(group, reference, confirmed, percent) for group in findings)
    return SystemVerdict(percent, reference, confirmed, _priced(series, confirmed))


def find_reference(evidence: Sequence[Evidence]) -> Evidence | None:
    """Return the run that all others are compared with, by the order of reach_verdict."""
    usable = [each for each in evidence if each.usable]
    infinite = [each for each in usable if each.lattice == "infinite"]
    current = [each for each in infinite if each.method == "green_kubo"]
    if infinite and not current:
        return min(infinite, key=lambda each: np.nan_to_num(each.D_error, nan=np.inf))
    rings = [each for each in usable if each.key == ("ring", "green_kubo")]
    return max(current or rings, key=lambda each: each.n_sites, default=None)


def _order(evidence: Evidence) -> tuple[int, int, int]:
    return LATTICES.index(evidence.lattice), METHODS.index(evidence.method), evidence.n_sites


def _compare(evidence: Evidence, reference: Evidence | None, percent: float) -> Finding:
    deviation = error = math.nan
    agrees, certain = None, False
    if reference is not None:
        unit = 100.0 / abs(reference.D)
        deviation = unit * (evidence.D - reference.D)
        own = 0.0 if evidence is reference else evidence.D_error
        error = unit * (own + reference.D_error)
        if not evidence.flagged:
            agrees = bool(abs(deviation) <= percent)  # not without a number
            certain = bool(error < abs(abs(deviation) - percent))
    return Finding(
        **vars(evidence),
        deviation=deviation,
        deviation_error=error,
        agrees=agrees,
        certain=certain,
    )


def _judge(
    findings: tuple[Finding, ...], reference: Evidence | None, confirmed: bool, percent: float
) -> Series:
    """Judge all sizes of a method on a lattice, increasing."""
    key = findings[0].key
    if key == ("chain", "green_kubo"):
        # J = dX/dt and X is bounded: the integral over all times is zero
        return Series(findings, "cannot_converge", fall=_fall(findings, reference, percent))
    own = reference is not None and reference.key == key
    if own and key[0] == "infinite":
        return Series(findings, "reference", reference)
    counted = [finding for finding in findings if finding.agrees is not None]
    if not counted:
        return Series(findings, "undecided")
    first: Evidence | None = None
    for finding in counted:  # the smallest size from which on all agree
        first = (first or finding) if finding.agrees else None
    if first is None:
        return Series(findings, "not_converged")
    if own and not confirmed:
        return Series(findings, "undecided", only_itself=True)
    return Series(findings, "converged", first)


def _fall(findings: Sequence[Finding], reference: Evidence | None, percent: float) -> Fall | None:
    """Measure how far the integral falls in the longest record, of the largest chain among equals.

    A record that is not flagged comes first.
    """
    seen = [(each.n_sites, each.integral) for each in findings if each.integral is not None]
    if reference is None or not seen:
        return None
    n_sites, longest = max(
        seen, key=lambda pair: (not pair[1].flagged, pair[1].time_fs[-1], pair[0])
    )
    time, share = longest.time_fs, longest.D_A2_fs / reference.D
    inside = np.flatnonzero(np.abs(share - 1.0) <= percent / 100.0)
    last = float(time[inside[-1]]) if inside.size else math.nan
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
    run = verdict.reference
    if run is None:
        return "none: no usable run on the infinite lattice, and no current on a ring"
    where = f"{METHOD_WORDS[run.method]} on the {LATTICE_WORDS[run.lattice]}, {run.size}"
    text = f"{where}, D = {with_error(run.D, run.D_error)} Å²/fs"
    return text if verdict.confirmed else f"{text}; no other method or lattice converges to it"


def describe_series(series: Series) -> str:
    """Return the outcome of a method on a lattice, with what it rests on."""
    outcome, counted = series.outcome.replace("_", " "), series.counted
    if series.fall is not None:
        fall = series.fall
        flagged = " (flagged)" if fall.flagged else ""
        return (
            f"{outcome}: on an open chain the integral falls to 0; at N = {fall.n_sites}{flagged} "
            f"it is within the tolerance until {fall.inside_fs:g} fs, and at {fall.end_fs:g} fs "
            f"{fall.end_percent:.3g} % of the reference"
        )
    if series.only_itself:
        return f"{outcome}: compared with its own largest size alone; compute the infinite lattice"
    if series.outcome == "undecided":
        bad = all(finding.flagged for finding in series.findings)
        return f"{outcome}: {'every run is flagged' if bad else 'no reference'}"
    if series.outcome == "not_converged":
        last = counted[-1]
        why = f"{last.deviation:+.2g} % off" if last.usable else f"no number, {last.reason}"
        return f"{outcome} up to {last.size}: {why}"
    if series.outcome != "converged" or series.first is None:
        return outcome
    agreeing = [f for f in counted if f.n_sites >= series.first.n_sites]
    text = f"converged from {series.first.size}"
    text += f", {max(abs(f.deviation) for f in agreeing):.2g} % off at most"
    doubtful = [f.deviation_error for f in agreeing if not f.certain]
    if doubtful:
        text += f"; errors of up to {max(doubtful):.2g} % leave room for doubt"
    return text


def describe_verdict(verdict: SystemVerdict) -> str:
    """Return which methods give D, the cheapest first, and which do not converge."""
    texts = [
        f"{each.name}, {each.first.size}: {each.core_seconds:.3g} core s, {each.factor:.3g} times "
        "the least"
        for each in verdict.ranking
        if each.first
    ]
    ranked = {each.method for each in verdict.ranking}
    without = dict.fromkeys(s.method for s in verdict.series if s.method not in ranked)
    texts += [f"{METHOD_WORDS[method]}: no converged D with a known cost" for method in without]
    return "; ".join(texts)
