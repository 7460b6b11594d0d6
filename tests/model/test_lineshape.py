import numpy as np
import pytest

from smallpolaron.model.baths.bath import DebyeBath
from smallpolaron.model.baths.lineshape import lineshape
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS, beta
from tests.model.golden_rule import golden_rule_rate

T = 300.0


def test_lineshape_agrees_with_frequency_quadrature():
    bath, b = DebyeBath(200 * CM_TO_RAD_FS, 60 * CM_TO_RAD_FS), beta(T)
    # trapezoid rule on a logarithmic grid; beyond its end only a term linear in t is left
    w = np.exp(np.linspace(np.log(1e-9), np.log(100.0), 1_000_001))
    weight = bath.spectral_density(w) / (np.pi * w)
    for t in (3.0, 40.0, 200.0):
        re = np.trapezoid(weight / np.tanh(b * w / 2) * 2 * np.sin(w * t / 2) ** 2, np.log(w))
        im = np.trapezoid(weight * (np.sin(w * t) - w * t), np.log(w))
        im -= t * bath.eta / np.pi * (np.pi / 2 - np.arctan(w[-1] / bath.gamma))
        assert lineshape(bath, t, T) == pytest.approx(complex(re, im), rel=1e-5)


def test_rate_tends_to_marcus_for_a_slow_classical_bath():
    # gamma -> 0 and k_BT large: v^2 sqrt(pi beta / lambda_total) exp(-beta lambda_total / 4),
    # with both sites' baths reorganising
    v, lam = 20 * CM_TO_RAD_FS, 300 * CM_TO_RAD_FS
    temperature = 1500.0
    model = HolsteinModel(6, "ring", v, temperature_K=temperature)
    bath = DebyeBath(2 * lam, 0.5 * CM_TO_RAD_FS)
    b, total = beta(temperature), 2 * lam
    marcus = v**2 * np.sqrt(np.pi * b / total) * np.exp(-b * total / 4)
    assert golden_rule_rate(model, bath) == pytest.approx(marcus, rel=0.02)


def test_rate_needs_equal_sites():
    bath = DebyeBath(0.05, 0.01)
    with pytest.raises(ValueError, match="equal"):
        golden_rule_rate(HolsteinModel(3, "chain", (0.01, 0.02)), bath)
