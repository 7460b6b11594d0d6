"""The current of a walk between two walls, against its master equation and its limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from smallpolaron.analysis.spreading.confined_walk import confined_walk

N, A, D = 7, 4.0, 0.05


def _position_correlation(time: float) -> float:
    """Return <X(t) X(0)> in equilibrium by the matrix exponential of the master equation."""
    hops = np.eye(N, k=1) + np.eye(N, k=-1)
    generator = D / A**2 * (hops - np.diag(hops.sum(axis=0)))
    x = A * np.arange(N)
    return float(x @ expm(generator * time) @ x / N)


@pytest.mark.parametrize("time", [30.0, 400.0, 3000.0])
def test_integral_and_current_are_derivatives_of_the_position_correlation(time: float) -> None:
    found = confined_walk([time], N, A, D)
    h = 1.0
    before, now, after = (_position_correlation(t) for t in (time - h, time, time + h))
    assert found.D_running[0] == pytest.approx(-(after - before) / (2 * h), rel=1e-4)
    assert found.C[0] == pytest.approx(-(after - 2 * now + before) / h**2, rel=1e-4)


def test_the_integral_starts_at_D_but_for_the_walls_and_vanishes() -> None:
    found = confined_walk([0.0, 1e6], N, A, D)
    assert found.D_running[0] == pytest.approx(D * (1 - 1 / N), rel=1e-12)
    assert abs(found.D_running[1]) < 1e-12


def test_a_long_chain_is_the_continuum_at_first_and_in_the_end() -> None:
    n = 400
    length, early = n * A, 2.0e5
    found = confined_walk([early], n, A, D)
    assert found.C[0] == pytest.approx(-2 * D**1.5 / (length * np.sqrt(np.pi * early)), rel=2e-3)
    assert found.slowest_fs == pytest.approx(length**2 / (np.pi**2 * D), rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (([0.0], 1, A, D), "n_sites"),
        (([-1.0], N, A, D), "time_fs"),
        (([0.0], N, 0.0, D), "lattice_constant_A"),
        (([0.0], N, A, -D), "D_A2_fs"),
    ],
)
def test_impossible_walks_are_refused(
    arguments: tuple[list[float], int, float, float], name: str
) -> None:
    with pytest.raises(ValueError, match=name):
        confined_walk(*arguments)
