import numpy as np
import pytest

from smallpolaron.model.holstein import HolsteinModel


def test_current_is_the_velocity_on_a_chain():
    model = HolsteinModel(5, "chain", (0.01, -0.02, 0.03, 0.015), (0.0, 0.1, -0.2, 0.05, 0.0), 4.0)
    x = np.diag(model.lattice_constant_A * np.arange(5))
    h = model.hamiltonian
    np.testing.assert_allclose(model.current, 1j * (h @ x - x @ h), atol=1e-15)


def test_current_of_a_ring_is_the_band_velocity():
    n, v, a = 6, 0.02, 5.0
    model = HolsteinModel(n, "ring", v, lattice_constant_A=a)
    for m in range(n):
        k = 2 * np.pi * m / n
        wave = np.exp(1j * k * np.arange(n)) / np.sqrt(n)
        np.testing.assert_allclose(model.current @ wave, -2 * a * v * np.sin(k) * wave, atol=1e-15)


def test_flux_turns_hopping_and_its_derivative_is_the_current():
    model = HolsteinModel(4, "ring", 0.02, flux=0.3)
    step = 1e-5
    shifted = [HolsteinModel(4, "ring", 0.02, flux=0.3 + s).hamiltonian for s in (step, -step)]
    derivative = (shifted[0] - shifted[1]) / (2 * step)
    np.testing.assert_allclose(derivative, -model.current / model.lattice_constant_A, atol=1e-11)
    np.testing.assert_allclose(model.hamiltonian, model.hamiltonian.conj().T)


@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_winding_of_a_free_carrier(n):
    # exact: thermal mean of the squared current against the f-sum rule without winding
    model = HolsteinModel(n, "ring", 0.004)
    k = 2 * np.pi * np.arange(n) / n
    weight = np.exp(-model.beta * 2 * 0.004 * np.cos(k))
    squared = np.sum(weight * (2 * 0.004 * np.sin(k)) ** 2)
    rule = -np.sum(weight * 2 * 0.004 * np.cos(k)) / model.beta
    assert model.free_winding == pytest.approx(abs(squared / rule - 1), rel=0.05)
    assert HolsteinModel(n, "chain", 0.004).free_winding == 0


def test_displacements():
    ring = HolsteinModel(6, "ring", 0.02, lattice_constant_A=2.0)
    np.testing.assert_allclose(ring.displacements_A(1), [-2, 0, 2, 4, 6, -4])
    chain = HolsteinModel(4, "chain", 0.02, lattice_constant_A=2.0)
    np.testing.assert_allclose(chain.displacements_A(3), [-6, -4, -2, 0])


def test_translation_invariance():
    assert HolsteinModel(4, "ring", 0.02).is_translation_invariant
    assert not HolsteinModel(4, "chain", 0.02).is_translation_invariant
    assert not HolsteinModel(4, "ring", 0.02, (0, 0, 0.1, 0)).is_translation_invariant
    assert not HolsteinModel(4, "ring", (0.02, 0.02, 0.02, 0.01)).is_translation_invariant


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n_sites": 2}, "at least 3"),
        ({"topology": "star"}, "topology"),
        ({"hopping": (0.1, 0.2)}, "hopping has 2 values"),
        ({"hopping": float("nan")}, "hopping"),
        ({"site_energies": (0.0,)}, "site_energies"),
        ({"lattice_constant_A": 0.0}, "lattice_constant_A"),
        ({"temperature_K": -1.0}, "temperature_K"),
        ({"topology": "chain", "flux": 0.1}, "flux"),
    ],
)
def test_bad_models_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        HolsteinModel(**({"n_sites": 4, "topology": "ring", "hopping": 0.02} | arguments))
