"""Verdicts of equilibrium against non-equilibrium in words."""

from typing import Final

import numpy as np

from papers.anomalous2024.verdict.judge import (
    Evidence,
    Fall,
    Finding,
    Lattice,
    Method,
    Ranked,
    Series,
    SystemVerdict,
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
    text = f"Cheapest: {_ranked(first)}, {_seconds(first)} core s."
    for each in others:
        text += f" {_ranked(each)}: {each.factor:.3g} times as much ({_seconds(each)} core s)."
    ranked = {each.series.method for each in verdict.ranking}
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


def _ranked(ranked: Ranked) -> str:
    series = ranked.series
    return f"{name(series.method, series.lattice)}, {_n(series.lattice, series.n_sites or 0)}"


def _seconds(ranked: Ranked) -> str:
    assert ranked.series.cost is not None  # what is ranked has a cost
    return f"{ranked.series.cost.core_seconds:.3g}"
