"""Spreading of carriers and walkers known in closed form."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import ive

from smallpolaron.analysis.spreading.spreading import find_boundary, spreading
from tests.analysis.spreading.spreading_cases import (
    SPACING,
    clock,
    displacements,
    free_carrier,
    memory,
    steady,
    walker,
)

TIME = np.arange(0.0, 1001.0, 2.0)
RATE = 0.004


def test_a_free_carrier_is_ballistic():
    time, v = np.arange(0.0, 801.0, 4.0), 0.0094
    run = free_carrier(time, 61, 28, v)
    speed = 2 * (v * SPACING) ** 2
    assert_allclose(run.msd_A2, speed * time**2, rtol=1e-9, atol=1e-12)
    assert_allclose(run.dmsd, 2 * speed * time, rtol=1e-9, atol=1e-12)
    assert_allclose(run.d2msd, 2 * speed, rtol=1e-8)
    assert_allclose(run.alpha, 2.0, rtol=1e-9)


@pytest.mark.parametrize(
    ("n", "topology", "start"),
    [(8, "ring", 3), (9, "ring", 0), (9, "chain", 4), (8, "chain", 2), (7, "chain", 0)],
)
def test_the_boundary_takes_its_share_of_the_slope_of_a_walk(n, topology, start):
    run = walker(TIME, n, topology, start, steady(RATE))
    free = 2 * RATE * SPACING**2
    assert_allclose(run.dmsd, free * (1 - run.loss), rtol=0, atol=1e-12 * free)
    assert run.loss[-1] > 0.3
    later = walker(np.array([0.0, 1e5]), n, topology, start, steady(RATE))
    assert_allclose(later.loss[-1], 1.0)
    assert_allclose(later.filling[-1], 1.0)
    assert_allclose(later.msd_A2[-1], np.mean(displacements(n, topology, start) ** 2))
    assert abs(later.dmsd[-1]) < 1e-12 * free


def test_an_unbounded_walk_has_alpha_one_until_the_end_is_felt():
    run = walker(TIME, 41, "chain", 20, steady(RATE))
    early = run.loss < 1e-6
    assert early.sum() > 50
    assert_allclose(run.alpha[early], 1.0, atol=1e-6)
    assert run.alpha[0] == 1.0
    small = walker(TIME, 9, "chain", 4, steady(RATE))
    assert small.alpha[-1] < 0.5


def test_a_walk_from_the_end_of_a_half_line_is_superdiffusive():
    time = np.arange(0.0, 40001.0, 50.0)
    run = walker(time, 140, "chain", 0, steady(RATE))
    z = 2 * RATE * time
    first = ive(0, z) + ive(1, z)
    assert_allclose(run.filling[:, 0] / 140, first, rtol=1e-9)
    assert_allclose(run.dmsd, RATE * SPACING**2 * (2 - first), rtol=1e-9)
    assert np.all(run.alpha[1:] > 1.0)
    late = time > 20000
    wall = np.sqrt(np.pi * RATE * time[late])
    assert_allclose(run.alpha[late] - 1, 0.5 / wall, rtol=0.05)


def test_memory_turns_ballistic_motion_into_diffusion():
    strength, decay = 1e-4, 0.03
    run = walker(TIME, 41, "ring", 7, memory(strength, decay))
    x = decay * TIME
    D = SPACING**2 * strength / decay
    assert_allclose(run.dmsd, 2 * D * (1 - np.exp(-x)), rtol=1e-6, atol=1e-12)
    assert_allclose(run.d2msd, 2 * D * decay * np.exp(-x), rtol=1e-6, atol=2e-8)
    exact = x[1:] * (1 - np.exp(-x[1:])) / (x[1:] - 1 + np.exp(-x[1:]))
    assert_allclose(run.alpha[1:], exact, rtol=1e-6)
    assert run.alpha[0] == 2.0
    assert run.alpha[1] == pytest.approx(2.0, abs=0.03)


def test_alpha_is_the_logarithmic_slope():
    """On a clock that runs unevenly, against differences of a finer record."""
    theta = clock(lambda t: (RATE * t**2 / 100, RATE * t / 50, RATE / 50 + 0 * t))
    time = np.linspace(0.0, 1000.0, 5001)
    run = walker(time, 12, "chain", 3, theta)
    slope = np.gradient(np.log(run.msd_A2[1:]), np.log(time[1:]))
    assert_allclose(run.alpha[100:-1], slope[99:-1], atol=2e-3)
    assert run.alpha.min() < 1.0 < run.alpha.max()


def test_boundaries():
    even = find_boundary(displacements(8, "ring", 2), "ring")
    assert even.sites.tolist() == [6]
    assert (even.distances_A.tolist(), even.weights.tolist()) == ([20.0], [8.0])
    odd = find_boundary(displacements(9, "ring", 2), "ring")
    assert odd.sites.tolist() == [6, 7]
    assert odd.weights.tolist() == [4.5, 4.5]
    chain = find_boundary(displacements(6, "chain", 1), "chain")
    assert chain.distances_A.tolist() == [5.0, 20.0]
    assert chain.weights.tolist() == [1.5, 4.5]


def test_near_and_far_end():
    run = walker(TIME, 8, "chain", 2, steady(RATE))
    assert_allclose(run.near_filling, run.filling[:, 0])
    assert_allclose(run.far_filling, run.filling[:, 1])
    assert run.near_filling[100] > 5 * run.far_filling[100]
    ring = walker(TIME, 9, "ring", 2, steady(RATE))
    assert_allclose(ring.near_filling, ring.filling.mean(axis=1))
    assert_allclose(ring.near_filling, ring.far_filling)


def test_given_equilibrium_populations():
    run = walker(TIME, 5, "chain", 0, steady(RATE))
    P = np.zeros((3, 5))
    P[:, 0], P[:, 4] = [1.0, 0.7, 0.5], [0.0, 0.3, 0.5]
    expected = np.array([0.1, 0.2, 0.1, 0.2, 0.4])
    steps = displacements(5, "chain", 0)
    found = spreading([0, 1, 2], P, 0 * P, 0 * P, steps, "chain", expected)
    assert_allclose(found.filling[2], [5.0, 1.25])
    assert_allclose(found.loss, P[:, [0, 4]] @ [0.5, 4.5] / (0.1 * 0.5 + 0.4 * 4.5))
    assert run.filling[0, 0] == pytest.approx(5.0)


def test_a_carrier_that_does_not_move_has_no_alpha():
    P = np.tile([0.0, 1.0, 0.0, 0.0], (5, 1))
    run = spreading(np.arange(5.0), P, 0 * P, 0 * P, displacements(4, "ring", 1), "ring")
    assert np.isnan(run.alpha).all()
    assert not run.msd_A2.any()


def test_refusals():
    P = np.tile([0.0, 1.0, 0.0, 0.0], (5, 1))
    steps = displacements(4, "ring", 1)
    time = np.arange(5.0)
    with pytest.raises(ValueError, match="the carrier must start on one site"):
        spreading(time, P, 0 * P, 0 * P, displacements(4, "ring", 2), "ring")
    with pytest.raises(ValueError, match=r"d2populations has shape \(5, 3\)"):
        spreading(time, P, P, P[:, :3], steps, "ring")
    with pytest.raises(ValueError, match="dpopulations: some values are not finite"):
        spreading(time, P, P * np.nan, P, steps, "ring")
    with pytest.raises(ValueError, match="give 4 populations above 0"):
        spreading(time, P, P, P, steps, "ring", [0.5, 0.5, 0, 0])
    with pytest.raises(ValueError, match="give one for each of two or more sites"):
        find_boundary([0.0], "chain")
