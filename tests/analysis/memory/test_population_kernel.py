"""Population kernels of random walks with exponential memory, solved in closed form."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose

from smallpolaron.analysis.memory.cutoff import settling_times
from smallpolaron.analysis.memory.matrix_kernel import matrix_memory_kernel
from smallpolaron.analysis.memory.population_kernel import (
    missing_starts,
    population_D,
    ring_kernel,
    site_kernel,
    start_matrix,
)
from tests.analysis.truncated_dynamics import truncated_slope

SPACING = 5.0
TIME = np.arange(401.0)


def hops(n, ring, forward=None):
    """Generator of a nearest-neighbour walk; forward rates per bond, backward ones differ."""
    right = np.ones(n) if forward is None else np.asarray(forward)
    left = right if forward is None else right[::-1] * 0.7
    generator = np.zeros((n, n))
    for bond in range(n if ring else n - 1):
        i, j = bond, (bond + 1) % n
        generator[j, i] += right[bond]
        generator[i, j] += left[bond]
    return generator - np.diag(generator.sum(axis=0))


@dataclass(frozen=True)
class Walk:
    """dU/dt = strength times the integral of exp(-rate s) L U(t - s) ds, from U(0) = 1.

    Attributes:
        generator: L.
        strength: fs^-2.
        rate: decay rate of the memory, fs^-1.
    """

    generator: np.ndarray
    strength: float = 4e-4
    rate: float = 0.06

    def kernel(self, time):
        return -self.strength * np.exp(-self.rate * time)[:, None, None] * self.generator

    def starts(self, time):
        """U, dU and d2U by the two modes of u'' + rate u' = strength l u for every l of L."""
        values, vectors = np.linalg.eig(self.generator)
        root = np.sqrt(self.rate**2 / 4 + self.strength * values + 0j)
        modes = np.array([-self.rate / 2 + root, -self.rate / 2 - root])
        shares = np.array([-modes[1], modes[0]]) / (modes[0] - modes[1])
        shares = np.where(np.abs(values) < 1e-12, [[1.0], [0.0]], shares)
        waves = np.exp(modes[:, :, None] * time)
        inverse = np.linalg.inv(vectors)
        return [
            np.einsum(
                "ak,skt,kb->tab", vectors, (shares * modes**p)[:, :, None] * waves, inverse
            ).real
            for p in range(3)
        ]


@pytest.mark.parametrize(("n", "start"), [(7, 2), (8, 0)])
def test_ring_kernel_of_a_walk_with_exponential_memory(n, start):
    walk = Walk(hops(n, ring=True))
    found = ring_kernel(TIME, *(U[:, :, start] for U in walk.starts(TIME)), start, SPACING)
    scale = walk.strength
    assert_allclose(found.K, walk.kernel(TIME)[:, :, start], rtol=0, atol=1e-7 * scale)
    assert np.max(np.abs(found.drift)) < 1e-15
    D = SPACING**2 * walk.strength / walk.rate
    assert_allclose(population_D(found), D * (1 - np.exp(-walk.rate * TIME)), atol=1e-7 * D)
    # D comes within 1 % when exp(-rate tau) has fallen to 1/100.
    settled = settling_times(TIME, population_D(found)).percent
    assert settled.time_fs == pytest.approx(np.log(100.0) / walk.rate, abs=1.0)


def test_circulant_and_matrix_route_agree():
    n, start = 6, 4
    walk = Walk(hops(n, ring=True))
    series = walk.starts(TIME)
    short = ring_kernel(TIME, *(U[:, :, start] for U in series), start, SPACING)
    steps = (np.arange(n) - start + 2) % n - 2
    full = site_kernel(TIME, *series, start, SPACING * steps)
    assert_allclose(short.K, full.K, rtol=0, atol=1e-12 * walk.strength)
    assert_allclose(population_D(short), population_D(full), rtol=0, atol=1e-10)
    slopes = [truncated_slope(kernel, 30.0, 500.0)[1] for kernel in (short, full)]
    assert_allclose(slopes[0], slopes[1], rtol=0, atol=1e-11)


def test_disordered_chain_needs_and_gets_the_whole_matrix():
    n, start = 5, 1
    walk = Walk(hops(n, ring=False, forward=[0.8, 1.3, 0.4, 1.1, 9.0]))
    distances = SPACING * (np.arange(n) - start)
    found = site_kernel(TIME, *walk.starts(TIME), start, distances)
    exact = walk.kernel(TIME)
    assert np.max(np.abs(exact[0] - exact[0].T)) > 0.1 * walk.strength
    assert_allclose(found.equation.K, exact, rtol=0, atol=1e-7 * walk.strength)
    assert_allclose(found.K, exact[:, :, start], rtol=0, atol=1e-7 * walk.strength)
    rates = walk.strength / walk.rate * walk.generator[:, start]
    assert_allclose(population_D(found)[-1], 0.5 * rates @ distances**2, rtol=1e-6)


def test_truncated_dynamics_reproduces_the_slope_when_the_cutoff_covers_the_kernel():
    walk, start = Walk(hops(7, ring=True)), 3
    P, dP, d2P = (U[:, :, start] for U in walk.starts(np.arange(701.0)))
    kernel = ring_kernel(TIME, P[:401], dP[:401], d2P[:401], start, SPACING)
    time, slope = truncated_slope(kernel, 350.0, 700.0)
    exact = 0.5 * dP @ (SPACING * (np.arange(7) - start)) ** 2
    assert_allclose(time, np.arange(701.0))
    assert_allclose(slope, exact, rtol=0, atol=1e-6 * np.max(exact))
    _, cut = truncated_slope(kernel, 20.0, 700.0)
    assert np.max(np.abs(cut - exact)) > 0.02 * np.max(exact)


def test_slope_on_a_large_ring_meets_D_of_the_cut_kernel():
    """Before the carrier meets its image the truncated slope is that of the endless lattice."""
    walk = Walk(hops(41, ring=True))
    kernel = ring_kernel(TIME, *(U[:, :, 0] for U in walk.starts(TIME)), 0, SPACING)
    for cutoff in (20.0, 60.0, 300.0):
        _, slope = truncated_slope(kernel, cutoff, 400.0)
        D = population_D(kernel)[round(cutoff)]
        assert_allclose(slope[350], D, rtol=1e-5)


def test_a_walk_without_memory_is_all_drift():
    generator = 0.02 * hops(6, ring=True)
    values, vectors = np.linalg.eigh(generator)
    series = [
        (np.exp(np.outer(TIME, values)) * values**p * vectors[2]) @ vectors.T for p in range(3)
    ]
    found = ring_kernel(TIME, *series, 2, SPACING)
    assert_allclose(found.drift, generator[:, 2], rtol=0, atol=1e-15)
    assert np.max(np.abs(found.K)) < 1e-12
    assert_allclose(population_D(found), 0.02 * SPACING**2, rtol=1e-9)


def test_mirror_images_stand_in_for_missing_starts():
    n = 5
    U = Walk(hops(n, ring=False)).starts(TIME)[0]
    given = {site: U[:, :, site] for site in (0, 3, 2)}
    assert missing_starts(given, n, mirrored=True) == []
    assert_allclose(start_matrix(given, n, mirrored=True), U, rtol=0, atol=1e-13)
    assert missing_starts(given, n, mirrored=False) == [1, 4]
    assert missing_starts([0, 4], n, mirrored=True) == [1, 2]
    with pytest.raises(ValueError, match=r"no run starts on the sites \[1, 4\]"):
        start_matrix(given, n, mirrored=False)
    with pytest.raises(ValueError, match="give all on the same times"):
        start_matrix(given | {2: U[:9, :, 2]}, n, mirrored=True)


def test_wave_numbers_are_solved_as_scalars():
    n = 8
    P, dP, d2P = (U[:, :, 0] for U in Walk(hops(n, ring=True)).starts(TIME))
    found = ring_kernel(TIME, P, dP, d2P, 0, SPACING)
    wave = np.cos(2 * np.pi * 3 / n * np.arange(n))
    alone = matrix_memory_kernel(TIME, *((x @ wave)[:, None, None] for x in (P, dP, d2P)))
    assert found.equation.K.shape == (TIME.size, n // 2 + 1, 1, 1)
    assert_allclose(found.equation.K[:, 3], alone.K, rtol=0, atol=1e-17)


def test_refusals():
    walk = Walk(hops(5, ring=True))
    P, dP, d2P = (U[:, :, 1] for U in walk.starts(TIME))
    with pytest.raises(ValueError, match=r"populations\[0, 2\] = .*: must be 1; name the start"):
        ring_kernel(TIME, P, dP, d2P, 2, SPACING)
    with pytest.raises(ValueError, match="start = 5: must be a site from 0 to 4"):
        ring_kernel(TIME, P, dP, d2P, 5, SPACING)
    with pytest.raises(ValueError, match=r"dpopulations has shape \(401, 4\)"):
        ring_kernel(TIME, P, dP[:, :4], d2P, 1, SPACING)
    skewed = Walk(hops(5, ring=True, forward=[0.8, 1.3, 0.4, 1.1, 2.0])).starts(TIME)
    with pytest.raises(ValueError, match="homogeneous ring"):
        ring_kernel(TIME, *(U[:, :, 1] for U in skewed), 1, SPACING)
    with pytest.raises(ValueError, match=r"distances_A has shape \(4,\)"):
        site_kernel(TIME, *walk.starts(TIME), 1, np.arange(4))
