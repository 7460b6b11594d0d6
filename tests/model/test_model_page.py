"""What docs/model.md says of units, signs and reorganisation energies, against the code."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.constants import physical_constants

from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS, KB_CM, KB_RAD_FS
from tests.model.golden_rule import golden_rule_rate

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
CM_PER_MEV = physical_constants["electron volt-inverse meter relationship"][0] * 1e-5


def test_the_conversion_factors() -> None:
    assert f"1 meV = {CM_PER_MEV:.4f} cm⁻¹" in PAGE
    assert f"1 THz = {1e12 / 2.99792458e10:.3f} cm⁻¹" in PAGE
    assert f"1 cm⁻¹ = {CM_TO_RAD_FS:.4e} rad/fs".replace("e-04", "e-4") in PAGE
    assert f"{300 * KB_CM:.2f} cm⁻¹ =\n{300 * KB_CM / CM_PER_MEV:.3f} meV" in PAGE
    assert PAGE.count(f"{1 / CM_TO_RAD_FS:.1f}") == 2
    factors = {part.split()[0] for part in PAGE.split("`eta_cm` = ")[1:]}
    assert factors == {"2", "8.0655", "Δ²"}


def test_eta_is_the_reorganisation_energy_of_a_pair() -> None:
    """Marcus' rate with lambda_M = eta at high temperature and for a slow bath."""
    eta, v, T = 1000 * CM_TO_RAD_FS, 10 * CM_TO_RAD_FS, 3000.0
    bath = DebyeBath(eta, 10 * CM_TO_RAD_FS)
    assert bath.reorganisation_energy == eta / 2
    kT = KB_RAD_FS * T
    marcus = v**2 * math.sqrt(math.pi / (eta * kT)) * math.exp(-eta / (4 * kT))
    model = HolsteinModel(3, "ring", v, temperature_K=T)
    assert golden_rule_rate(model, bath) == pytest.approx(marcus, rel=5e-3)


@pytest.mark.parametrize(
    ("bath", "density"),
    [
        (DebyeBath(0.02, 0.01), lambda w: 0.02 * 0.01 * w / (w**2 + 0.01**2)),
        (
            BrownianBath(0.02, 0.01, 0.03),
            lambda w: 0.02 * 0.01 * 0.03**2 * w / ((0.03**2 - w**2) ** 2 + (0.01 * w) ** 2),
        ),
    ],
    ids=["debye", "brownian"],
)
def test_correlation_function_of_the_bath(bath: DebyeBath | BrownianBath, density) -> None:  # type: ignore[no-untyped-def]
    beta = 1 / (KB_RAD_FS * 300.0)
    w = np.linspace(1e-7, 60.0, 6_000_001)
    full = expand(bath, 300.0, scheme="matsubara", terms=2000, terminator=False)
    for t in (40.0, 90.0):
        found = np.sum(full.coefficients * np.exp(-full.rates * t))
        J = density(w)
        real = np.trapezoid(J / np.tanh(beta * w / 2) * np.cos(w * t), w) / np.pi
        imaginary = -np.trapezoid(J * np.sin(w * t), w) / np.pi
        assert found == pytest.approx(real + 1j * imaginary, abs=1e-3 * abs(full.coefficients[0]))


def test_the_sign_of_the_hopping() -> None:
    v = 0.01
    for n in (4, 5):
        model = HolsteinModel(n, "ring", v)
        k = 2 * np.pi * np.arange(n) / n
        found = np.linalg.eigvalsh(model.hamiltonian)
        np.testing.assert_allclose(found, np.sort(2 * v * np.cos(k)), atol=1e-15)
        other = np.linalg.eigvalsh(HolsteinModel(n, "ring", -v).hamiltonian)
        assert np.allclose(found, other) == (n % 2 == 0)
    chain = [np.linalg.eigvalsh(HolsteinModel(5, "chain", s * v).hamiltonian) for s in (1, -1)]
    np.testing.assert_allclose(*chain, atol=1e-15)


def test_the_pages_lead_to_it() -> None:
    for page, link in (("README.md", "docs/model.md"), ("docs/configuration.md", "(model.md)")):
        assert link in (ROOT / page).read_text(encoding="utf-8")
