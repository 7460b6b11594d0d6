"""Verdicts on methods from invented evidence whose verdict is known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.optimize import brentq

from papers.anomalous2024.verdict.judge import (
    Evidence,
    Integral,
    Lattice,
    Method,
    Series,
    SystemVerdict,
    describe_reference,
    describe_series,
    describe_verdict,
    reach_verdict,
)

NAN = math.nan
D = 0.05


def run(
    lattice: Lattice,
    method: Method,
    n_sites: int,
    share: float = 1.0,
    *,
    error: float = 1e-4,
    seconds: float = 10.0,
    flagged: bool = False,
) -> Evidence:
    """Return a run whose D is this share of the true one; NaN: it has none."""
    found = math.isfinite(share)
    return Evidence(
        point=f"{lattice}{n_sites}{method}",
        method=method,
        lattice=lattice,
        n_sites=n_sites,
        D=share * D,
        D_error=error * D if found else NAN,
        needed_fs=300.0 if found else NAN,
        record_fs=1000.0,
        core_seconds=seconds,
        memory_MB=100.0,
        products=1000.0,
        basis_size=5000.0,
        flagged=flagged,
        reason="" if found else "D(t) is nowhere flat",
    )


def sizes(
    lattice: Lattice, method: Method, shares: dict[int, float], flagged: Sequence[int] = ()
) -> list[Evidence]:
    """Return one run per size; larger ones cost more."""
    return [
        run(lattice, method, n, share, flagged=n in flagged, seconds=float(n))
        for n, share in shares.items()
    ]


INFINITE = run("infinite", "green_kubo", 41, seconds=50.0)


def the_series(verdict: SystemVerdict, lattice: Lattice, method: Method) -> Series:
    (found,) = (s for s in verdict.series if (s.lattice, s.method) == (lattice, method))
    return found


def judge(evidence: Sequence[Evidence], percent: float = 1.0) -> SystemVerdict:
    return reach_verdict(evidence, percent=percent)


@pytest.mark.parametrize(
    ("shares", "flagged", "outcome", "n_sites"),
    [
        ({4: 0.96, 6: 0.985, 8: 1.005, 10: 1.0}, (), "converged", 8),
        ({10: 1.0, 4: 0.96, 8: 1.005, 6: 0.985}, (), "converged", 8),  # in any order
        ({4: 1.0, 6: 1.02, 8: 1.0, 10: 0.995}, (), "converged", 8),  # agrees by chance at 4
        ({4: 1.0, 6: 1.0, 8: 0.98}, (), "not_converged", None),  # the largest does not agree
        ({4: 0.96, 6: 1.0, 8: 1.4, 10: 1.0}, (8,), "converged", 6),  # flagged: no evidence
        ({4: 0.96, 6: 1.0, 8: 1.0}, (6,), "converged", 8),
        ({4: 1.0, 6: 1.0}, (4, 6), "undecided", None),
        ({4: 1.0, 6: NAN, 8: 1.0}, (), "converged", 8),
        ({4: 1.0, 6: 1.0, 8: NAN}, (), "not_converged", None),  # no plateau on the largest
        ({20: 1.0}, (), "converged", 20),
    ],
)
@pytest.mark.parametrize("method", ["green_kubo", "einstein_relaxed", "einstein_unrelaxed"])
def test_from_which_size_on(
    method: Method,
    shares: dict[int, float],
    flagged: tuple[int, ...],
    outcome: str,
    n_sites: int | None,
) -> None:
    verdict = judge([INFINITE, *sizes("ring", method, shares, flagged)])
    found = the_series(verdict, "ring", method)
    assert (found.outcome, found.n_sites) == (outcome, n_sites)
    assert found.core_seconds == pytest.approx(
        n_sites or NAN, nan_ok=True
    )  # what it costs at that size
    assert verdict.confirmed is (outcome == "converged")
    assert len(found.findings) == len(shares)


def test_the_tolerance_is_one_and_errors_are_stated_but_not_added() -> None:
    evidence = [INFINITE, run("ring", "green_kubo", 6, 0.985, error=0.02)]
    narrow = the_series(judge(evidence, 1.0), "ring", "green_kubo").findings[0]
    wide = the_series(judge(evidence, 2.0), "ring", "green_kubo").findings[0]
    assert narrow.agrees is False
    assert wide.agrees is True
    for finding in (narrow, wide):
        assert finding.deviation == pytest.approx(-1.5)
        assert finding.deviation_error == pytest.approx(2.01)  # own and that of the reference
        assert not finding.certain
    words = describe_series(the_series(judge(evidence, 2.0), "ring", "green_kubo"))
    assert "1.5 % off at most; errors of up to 2 % leave room for doubt" in words
    fine = judge([INFINITE, run("ring", "green_kubo", 6, 0.985)], 1.0)
    assert the_series(fine, "ring", "green_kubo").findings[0].certain


@pytest.mark.parametrize("error", [NAN, math.inf])
def test_an_unknown_error_leaves_doubt(error: float) -> None:
    verdict = judge([INFINITE, run("ring", "green_kubo", 6, error=error)])
    finding = the_series(verdict, "ring", "green_kubo").findings[0]
    assert finding.agrees is True
    assert not finding.certain


def test_the_reference_is_taken_in_a_fixed_order() -> None:
    rings = sizes("ring", "green_kubo", {6: 0.99, 10: 1.0, 12: 1.3}, flagged=(12,))
    relaxed = run("infinite", "einstein_relaxed", 41, 1.002, error=1e-2)
    unrelaxed = run("infinite", "einstein_unrelaxed", 41, 1.003, error=1e-3)
    bad = run("infinite", "green_kubo", 41, flagged=True)
    chain = run("chain", "green_kubo", 40)
    for evidence, point in (
        ([*rings, relaxed, unrelaxed, INFINITE], INFINITE.point),
        ([*rings, relaxed, unrelaxed, bad], unrelaxed.point),  # the smaller error
        ([*rings, relaxed, bad], relaxed.point),
        ([*rings, chain, bad], rings[1].point),  # the largest that is not flagged
    ):
        reference = judge(evidence).reference
        assert reference is not None
        assert reference.point == point
        assert str(reference.n_sites) in describe_reference(judge(evidence))


@pytest.mark.parametrize("share", [NAN, 0.0, -1.0])
def test_without_a_reference_nothing_is_decided(share: float) -> None:
    evidence = [
        run("infinite", "green_kubo", 41, share),
        *sizes("ring", "einstein_relaxed", {10: 1.0, 20: 1.0}),
    ]
    verdict = judge(evidence)
    assert verdict.reference is None
    assert {series.outcome for series in verdict.series} == {"undecided"}
    assert verdict.ranking == []
    assert describe_reference(verdict).startswith("none: ")
    assert "no reference" in describe_series(verdict.series[0])


def test_a_method_is_never_converged_against_itself_alone() -> None:
    rings = sizes("ring", "green_kubo", {6: 1.0, 8: 1.0, 10: 1.0})
    alone = judge(rings)
    assert alone.reference is rings[-1]
    assert the_series(alone, "ring", "green_kubo").outcome == "undecided"
    assert "itself" not in describe_verdict(alone)
    assert "own largest size alone" in describe_series(alone.series[0])
    # the integral of an open chain is no witness, nor is a size that agrees by chance
    witnesses = [
        run("chain", "green_kubo", 20),
        *sizes("ring", "einstein_relaxed", {10: 1.0, 20: 0.9}),
    ]
    still = judge([*rings, *witnesses])
    assert not still.confirmed
    assert the_series(still, "ring", "green_kubo").outcome == "undecided"
    confirmed = judge([*rings, *sizes("ring", "einstein_relaxed", {10: 0.9, 20: 1.0})])
    assert the_series(confirmed, "ring", "green_kubo").n_sites == 6


def test_the_cheapest_and_by_what_factor() -> None:
    evidence = [
        INFINITE,  # 50 core s
        *sizes("ring", "green_kubo", {4: 0.9, 8: 1.0, 10: 1.0}),
        *sizes("ring", "einstein_relaxed", {20: 0.9, 24: 1.0}),
        *sizes("chain", "einstein_relaxed", {20: 1.0}),
        *sizes("chain", "einstein_unrelaxed", {20: 0.9, 40: 0.98}),
    ]
    verdict = judge(evidence)
    ranked = [(r.lattice, r.method, r.factor) for r in verdict.ranking]
    assert ranked == [("ring", "green_kubo", 1.0), ("chain", "einstein_relaxed", 2.5)]
    words = describe_verdict(verdict)
    assert words.split("; ")[0] == "Green-Kubo on the ring, N = 8: 8 core s, 1 times the least"
    assert "2.5 times the least" in words
    assert "Einstein, unrelaxed start: no converged D" in words
    rings = describe_series(the_series(verdict, "ring", "green_kubo"))
    assert rings == "converged from N = 8, 0 % off at most"
    assert "-2 % off" in describe_series(the_series(verdict, "chain", "einstein_unrelaxed"))


def test_the_reference_itself_is_ranked_once_it_is_confirmed() -> None:
    wrong = run("ring", "einstein_relaxed", 20, 0.9)
    assert judge([INFINITE, wrong]).ranking == []
    right = run("infinite", "einstein_relaxed", 41, seconds=500.0)
    ranking = judge([INFINITE, wrong, right]).ranking
    assert [(r.outcome, r.factor) for r in ranking] == [("reference", 1), ("converged", 10)]


def test_what_has_no_cost_is_not_ranked() -> None:
    verdict = judge([INFINITE, run("ring", "einstein_relaxed", 20, seconds=NAN)])
    assert [each.method for each in verdict.ranking] == ["green_kubo"]
    only = judge(
        [
            run("infinite", "green_kubo", 41, seconds=NAN),
            run("ring", "einstein_relaxed", 20, seconds=NAN),
        ]
    )
    assert only.ranking == []


def walk(time_fs: float | np.ndarray, n_sites: int) -> np.ndarray:
    """Integral of C_JJ of a classical walk on an open chain over that on an endless one.

    It is half the slope of the mean-squared displacement in equilibrium, from the eigenvalues of
    the master equation with a hopping rate of 0.002/fs.
    """
    hops = np.eye(n_sites, k=1) + np.eye(n_sites, k=-1)
    rates, vectors = np.linalg.eigh(0.002 * (hops - np.diag(hops.sum(axis=0))))
    position = np.arange(n_sites) @ vectors
    weights = -rates * position**2 / n_sites
    return weights @ np.exp(np.multiply.outer(rates, time_fs)) / 0.002


def chain(n_sites: int, end_fs: float, flagged: bool = False) -> Evidence:
    time = np.arange(0.0, end_fs + 1)
    found = run("chain", "green_kubo", n_sites, NAN, flagged=True)
    values = dict(vars(found))
    share = walk(time, n_sites)
    values |= {"integral": Integral(time, D * share, flagged), "record_fs": end_fs}
    return Evidence(**values)


def test_the_integral_of_an_open_chain_never_converges_and_its_fall_is_measured() -> None:
    chains = [chain(20, 1000.0), chain(60, 6000.0), chain(80, 6000.0)]
    evidence = [INFINITE, *chains, chain(40, 9000.0, flagged=True)]
    found = the_series(judge(evidence, 2.5), "chain", "green_kubo")
    assert found.outcome == "cannot_converge"
    assert found.n_sites is None
    fall = found.fall
    assert fall is not None
    assert (fall.n_sites, fall.end_fs) == (80, 6000.0)  # of the longest not flagged
    left = brentq(lambda t: float(walk(t, 80)) - 0.975, 10.0, 6000.0)
    assert fall.inside_fs == math.floor(left)
    assert fall.end_percent == pytest.approx(100 * walk(6000.0, 80))
    words = describe_series(found)
    assert "cannot converge" in words
    assert f"until {fall.inside_fs:g} fs" in words
    assert "at 6000 fs" in words
    flagged = the_series(judge([INFINITE, evidence[-1]]), "chain", "green_kubo")
    assert "N = 40 (flagged)" in describe_series(flagged)


def test_a_chain_without_reference_or_numbers_cannot_converge_either() -> None:
    alone = the_series(judge([chain(20, 100.0)]), "chain", "green_kubo")
    settled = the_series(judge([INFINITE, run("chain", "green_kubo", 20)]), "chain", "green_kubo")
    for found in (alone, settled):
        assert found.outcome == "cannot_converge"
        assert found.fall is None
        assert describe_series(found) == "cannot converge"


def test_what_is_refused() -> None:
    twice = [INFINITE, run("ring", "green_kubo", 6), run("ring", "green_kubo", 6, 1.1)]
    with pytest.raises(ValueError, match="ring of 6 sites: keep the run"):
        judge(twice)
    with pytest.raises(ValueError, match="percent"):
        judge([INFINITE], 0.0)
