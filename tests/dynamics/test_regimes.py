"""Points that once failed: wide bands, rates near poles."""

import numpy as np
import pytest
from mpi4py import MPI

from smallpolaron.dynamics.correlation import compute_correlation
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from smallpolaron.model.units import KB_CM
from tests.dynamics.cases import silent


def run(model, bath, target, duration_fs, infinite=False):
    """C_JJ as a study computes it: the bath terms follow from the accuracy."""
    T, accuracy = model.temperature_K, Accuracy(target)
    found = compute_correlation(
        model,
        expand(bath, T, error_bound=accuracy.bath_error_bound, span=model.span),
        accuracy,
        duration_fs=duration_fs,
        more_terms=lambda terms: expand(bath, T, terms=terms),
        infinite=infinite,
        comm=MPI.COMM_SELF,
        report=silent,
    )
    assert found.advice == ""
    assert found.errors.total_C < target
    return found


def test_a_rate_just_below_the_first_matsubara_frequency():
    # 2 pi k_B T is 336.3 cm^-1; neighbours at 290 and 400 cm^-1 have 0.465 and 0.638
    model = HolsteinModel(3, "ring", 50 * CM, temperature_K=77.0)
    found = run(model, DebyeBath(200 * CM, 336 * CM), 1e-2, 150.0)
    assert found.D_resolvent == pytest.approx(0.5356, abs=0.03)


def test_one_rate_of_a_vibration_near_a_pole_lies_between_its_neighbours():
    model = HolsteinModel(3, "ring", 50 * CM)
    D = [
        run(model, BrownianBath(200 * CM, 1710 * CM, frequency * CM), 3e-3, 200.0).D_time
        for frequency in (700.0, 723.9, 750.0)
    ]
    np.testing.assert_allclose(D, [0.1437, 0.1479, 0.1527], atol=7e-4)


@pytest.mark.slow
def test_a_wide_band_is_a_band():
    # v = 83 meV at room temperature, against the Boltzmann equation with golden-rule rates
    T, v, bath = 300.0, 669 * CM, DebyeBath(200 * CM, 50 * CM)
    found = run(HolsteinModel(41, "ring", v), bath, 3e-2, 300.0, infinite=True)
    beta = 1 / (KB_CM * T * CM)
    k = np.linspace(-np.pi, np.pi, 2001)[:-1]
    energy, velocity = -2 * v * np.cos(k), 10 * v * np.sin(k)
    share = np.exp(-beta * energy) / np.sum(np.exp(-beta * energy))
    lost = energy[:, None] - energy
    lost[lost == 0] = 1e-9
    spectrum = bath.spectral_density(lost) * (1 / np.tanh(beta * lost / 2) + 1)
    boltzmann = float(np.sum(share * velocity**2 / spectrum.mean(axis=1)))
    # second order in the coupling is right to a tenth here; C(0) tells how warm the carrier is
    assert found.D_time == pytest.approx(boltzmann, rel=0.12)
    assert found.C_JJ[0].real == pytest.approx(float(np.sum(share * velocity**2)), rel=0.15)
    assert found.hopping_energy == pytest.approx(float(np.sum(share * energy)), rel=0.05)


def test_critical_damping_lies_between_its_neighbours():
    # 200 and 400 cm^-1 are expanded in exponentials, which nearly cancel at 300 cm^-1
    model, damping = HolsteinModel(3, "ring", 50 * CM), [200.0, 225.0, 300.0, 365.0, 400.0]
    baths = [BrownianBath(200 * CM, each * CM, 150 * CM) for each in damping]
    found = [run(model, bath, 3e-3, 300.0) for bath in baths]
    D = [each.D_time for each in found]
    around = np.polyfit(damping[:2] + damping[3:], D[:2] + D[3:], 3)
    assert D[2] == pytest.approx(np.polyval(around, 300.0), rel=1e-2)
    assert found[2].record.n_unknowns < 5_000
