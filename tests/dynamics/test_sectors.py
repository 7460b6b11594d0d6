"""Adaptive bases against converged fixed hierarchies, and one symmetry against another."""

from functools import cache

import numpy as np
import pytest

from smallpolaron.analysis.differences import differentiate
from smallpolaron.dynamics.correlation import current_sectors
from smallpolaron.dynamics.population_runs import population_sector
from smallpolaron.hierarchy.limits import Limits, Truncation
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from tests.dynamics.cases import (
    CHAIN,
    DISORDERED,
    EVEN_MIRROR,
    EXPANSION,
    MIRROR,
    correlate,
    distance,
    fixed,
    populate,
    ring,
)

DEPTH = Truncation(10, weights=(1.0, 2.0))
BY_DEPTH = 3e-5
"""What the fixed hierarchies err by, relative (depth 14 against 10)."""

MODELS = {
    "ring of 3": ring(3),
    "ring of 4": ring(4),
    "chain": CHAIN,
    "mirrored chain": MIRROR,
    "even mirrored chain": EVEN_MIRROR,
    "disordered ring": DISORDERED,
}
model_of = pytest.mark.parametrize("name", MODELS)


@cache
def whole(name):
    rule = DEPTH if MODELS[name].n_sites < 4 else Truncation(8, weights=(1.0, 2.0))
    return fixed(MODELS[name], EXPANSION, rule, 90.0, tolerance=1e-9)


@cache
def adaptive(name, target=1e-3, symmetry="auto", real_part_only=False):
    return correlate(MODELS[name], target, symmetry=symmetry, real_part_only=real_part_only)


@pytest.mark.parametrize("target", [1e-2, 1e-3])
@model_of
def test_correlation_is_that_of_the_fixed_hierarchy(name, target):
    ours, theirs = adaptive(name, target), whole(name)
    np.testing.assert_array_equal(ours.time_fs, theirs.time_fs)
    allowed = ours.errors.total_C + BY_DEPTH
    assert allowed < target + BY_DEPTH
    assert distance(ours.C_JJ, theirs.C_JJ) < allowed
    # the imaginary part is no small change that the bound could hide
    assert np.abs(theirs.C_JJ.imag).max() > 0.2 * abs(theirs.C_JJ[0])
    assert distance(ours.dC_JJ, theirs.dC_JJ) < target
    assert distance(ours.d2C_JJ, theirs.d2C_JJ) < 2 * target
    for order in (1, 2):
        differenced = differentiate(theirs.d2C_JJ, 2.0, order)
        higher = ours.higher[order - 1]
        # each derivative magnifies what the basis leaves out
        allowed_here = 30**order * target
        assert np.abs(higher - differenced)[4:-4].max() < allowed_here * np.abs(differenced).max()
    np.testing.assert_allclose(ours.density_matrix, theirs.density_matrix, atol=0.1 * target)
    assert ours.hopping_energy == pytest.approx(theirs.hopping_energy, rel=0.1 * target)
    assert ours.flux_stiffness == pytest.approx(theirs.flux_stiffness, rel=3 * target, abs=1e-9)
    assert ours.record.capped == 0
    assert not ours.record.growth_detected


def test_stiffness_is_there_to_be_compared():
    assert whole("ring of 3").flux_stiffness < -1e-3
    assert whole("ring of 4").flux_stiffness > 1e-4


@pytest.mark.parametrize("target", [1e-2, 1e-3])
@model_of
def test_without_symmetry(name, target):
    ours, plain = adaptive(name, target), adaptive(name, target, "none")
    allowed = ours.errors.total_C + plain.errors.total_C
    assert distance(ours.C_JJ, plain.C_JJ) < allowed
    assert (
        abs(ours.D_resolvent - plain.D_resolvent)
        < max(abs(r.errors.total_D - r.errors.D["finite_time"]) for r in (ours, plain))
        + target * abs(plain.D_time)
        + ours.resolvent_error
        + plain.resolvent_error
    )
    has_any = name not in ("chain", "disordered ring")
    # some estimates miss the target and thresholds are tightened
    if ours.record.growth_threshold == plain.record.growth_threshold:
        assert (ours.record.n_unknowns < 0.7 * plain.record.n_unknowns) == has_any


@pytest.mark.parametrize("symmetry", ["auto", "none"])
@model_of
def test_hermitian_part_alone_gives_the_real_part(name, symmetry):
    full = adaptive(name, 1e-3, symmetry)
    half = adaptive(name, 1e-3, symmetry, real_part_only=True)
    allowed = full.errors.total_C + half.errors.total_C
    assert distance(half.C_JJ, full.C_JJ.real) < allowed
    assert distance(half.dC_JJ, full.dC_JJ.real) < 1e-3
    assert distance(half.d2C_JJ, full.d2C_JJ.real) < 2e-3
    np.testing.assert_array_equal(half.C_JJ.imag, 0)
    assert half.D_time == pytest.approx(full.D_time, abs=1e-3 * np.abs(full.D_time))
    assert half.D_resolvent == pytest.approx(full.D_resolvent, rel=1e-3)
    assert half.record.n_unknowns < 0.75 * full.record.n_unknowns


def test_translation_is_what_auto_uses_on_a_ring():
    ours = adaptive("ring of 3", 1e-3, "translation")
    np.testing.assert_array_equal(ours.C_JJ, adaptive("ring of 3").C_JJ)
    even, odd = current_sectors(MIRROR, "auto", False)
    assert (even.parity, odd.parity, even.mirror) == (1, -1, 2)


def test_infinite_ring_is_a_large_ring():
    large = correlate(ring(13))
    close, wide = (correlate(ring(n), infinite=True) for n in (5, 11))
    assert distance(wide.C_JJ, large.C_JJ) < wide.errors.total_C + large.errors.total_C
    assert wide.window >= 11
    assert wide.D_resolvent == pytest.approx(large.D_resolvent, rel=1e-3)
    assert wide.hopping_energy == pytest.approx(large.hopping_energy, rel=1e-5)
    assert np.trace(wide.density_matrix) == pytest.approx(1)
    assert wide.flux_stiffness == 0
    # a window that the carrier leaves is widened
    assert close.window > 5
    assert distance(close.C_JJ, large.C_JJ) < close.errors.total_C + large.errors.total_C
    assert close.errors.total_C < 1e-3


def test_large_rings_cost_the_same():
    small, large = correlate(ring(9), 1e-2), correlate(ring(20), 1e-2)
    assert large.record.n_unknowns < 1.1 * small.record.n_unknowns
    assert distance(large.C_JJ, small.C_JJ) < large.errors.total_C + small.errors.total_C


@pytest.mark.parametrize(
    ("model", "more", "message"),
    [
        (CHAIN, {"symmetry": "translation"}, "equal hoppings"),
        (DISORDERED, {"infinite": True}, "equal hoppings"),
        (ring(5), {"infinite": True, "symmetry": "none"}, "translation symmetry"),
        (ring(4), {"infinite": True}, "odd number of sites"),
        (ring(4), {"symmetry": "mirror"}, "allowed: 'auto', 'translation', 'none'"),
        (HolsteinModel(3, "ring", 0.0), {}, "hopping = 0"),
        (ring(4), {"duration_fs": 1.0, "sample_fs": 2.0}, "sample_fs <= duration_fs"),
        (ring(4), {"sample_fs": 0.0}, "0 < sample_fs"),
    ],
)
def test_wrong_requests_for_a_correlation(model, more, message):
    with pytest.raises(ValueError, match=message):
        correlate(model, **more)


# -- populations ---------------------------------------------------------------------------------

STARTS = {"franck_condon": "franck_condon", "marcus": "marcus"}
PLACES = {
    "ring of 3": (ring(3), 1),
    "ring of 4": (ring(4), 3),
    "chain": (CHAIN, 1),
    "disordered ring": (DISORDERED, 2),
    "mirrored chain, centre": (MIRROR, 1),
    "mirrored chain, wall": (MIRROR, 0),
}
place_of = pytest.mark.parametrize("place", PLACES)
start_of = pytest.mark.parametrize("start", STARTS)


@start_of
@place_of
def test_populations_are_those_of_the_fixed_hierarchy(place, start):
    model, site = PLACES[place]
    rule = DEPTH if model.n_sites < 4 else Truncation(7, weights=(1.0, 2.0))
    tight, limits = Accuracy(1e-5, tolerance=1e-9), Limits(truncation=rule)
    theirs = populate(model, start, site, accuracy=tight, limits=limits, symmetry="none")
    ours = populate(model, start, site)
    allowed = ours.total_error + BY_DEPTH
    assert allowed < 1e-3
    assert np.abs(ours.populations - theirs.populations).max() < allowed
    assert distance(ours.dpopulations, theirs.dpopulations) < 2e-3
    assert distance(ours.d2populations, theirs.d2populations) < 1e-2
    np.testing.assert_allclose(ours.density_matrix_final, theirs.density_matrix_final, atol=1e-3)
    assert np.abs(theirs.density_matrix_final.imag).max() > 0.01
    assert ours.trace_error < 1e-9
    assert ours.record.capped == 0


@start_of
@pytest.mark.parametrize("place", ["ring of 3", "ring of 4"])
def test_populations_momentum_by_momentum(place, start):
    model, site = PLACES[place]
    runs = {s: populate(model, start, site, symmetry=s) for s in ("auto", "momentum", "none")}
    for other in ("momentum", "none"):
        ours, theirs = runs["auto"], runs[other]
        allowed = ours.total_error + theirs.total_error
        assert np.abs(ours.populations - theirs.populations).max() < allowed
        assert distance(ours.dpopulations, theirs.dpopulations) < 2e-3
        assert distance(ours.d2populations, theirs.d2populations) < 1e-2
        np.testing.assert_allclose(
            ours.density_matrix_final, theirs.density_matrix_final, atol=1e-3
        )
    assert runs["auto"].record.n_unknowns < 0.4 * runs["none"].record.n_unknowns


def test_reflection_is_used_where_the_start_has_it():
    n = [population_sector(MIRROR, site, "auto").parity for site in range(3)]
    assert n == [0, 1, 0]
    assert population_sector(EVEN_MIRROR, 1, "auto").parity == 0
    assert population_sector(ring(4), 3, "auto").mirror == 2
    assert population_sector(HolsteinModel(3, "ring", CM, flux=0.2), 0, "auto").parity == 0


@pytest.mark.parametrize(
    ("model", "site", "more", "message"),
    [
        (CHAIN, 0, {"symmetry": "momentum"}, "'momentum' needs a ring"),
        (ring(3), 0, {"symmetry": "translation"}, "allowed: 'auto', 'momentum', 'none'"),
        (CHAIN, 3, {}, "site = 3; allowed: 0 to 2"),
        (CHAIN, 0, {"start": "cold"}, "'franck_condon', 'marcus'"),
        (CHAIN, 0, {"duration_fs": -1.0}, "sample_fs <= duration_fs"),
    ],
)
def test_wrong_requests_for_populations(model, site, more, message):
    with pytest.raises(ValueError, match=message):
        populate(model, **({"start": "marcus", "site": site} | more))
