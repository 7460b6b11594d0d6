"""The job of conductivity models on synthetic runs, among them one that gives no numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smallpolaron.analysis.fits.conductivity_models import DRUDE_LORENTZ, DRUDE_SMITH, MODELS
from smallpolaron.derive.conductivity_models_job import (
    FREQUENCIES,
    LARGEST_CM,
    WINDOW_THZ,
    conductivity_models_result,
)
from smallpolaron.derive.mobility_job import mobility_result
from smallpolaron.model.units import mobility_cm2
from smallpolaron.results.store import Result, Variable, read_result, write_result
from smallpolaron.study.sections import AnalysisConfig

Make = Callable[..., Result]
SETTINGS = AnalysisConfig()
KINDS = ("time", "frequency", "window")
C0 = 4e-3


def number(result: Result, name: str) -> float:
    return float(result.variables[name].data)


def array(result: Result, name: str) -> np.ndarray:
    return np.asarray(result.variables[name].data)


@pytest.fixture(scope="module")
def of_curve() -> Callable[..., Result]:
    """Make a mobility result from a curve C_kubo."""

    def make(source: Result, curve: np.ndarray) -> Result:
        t = np.arange(0.0, curve.size)
        variables = {
            "time_fs": Variable(t, ("time",), "fs", "Time."),
            "C_kubo": Variable(C0 * curve, ("time",), "angstrom^2 fs^-2", "Kubo transform."),
        }
        return replace(source, kind="mobility", variables=variables)

    return make


def test_drude_smith_is_trusted_where_it_is_exact(correlation: Make, of_curve: Make) -> None:
    t = np.arange(0.0, 801.0)
    source = of_curve(correlation(), DRUDE_SMITH.time(t, (0.02, -0.55)))
    result = conductivity_models_result(source, SETTINGS)
    assert number(result, "trusted") == 1.0
    assert number(result, "class") == 2.0
    assert number(result, "beaten") == 0.0
    assert "may be trusted" in result.notes["verdict"]
    for kind in KINDS:
        assert number(result, f"drude_smith/{kind}/c") == pytest.approx(-0.55, abs=5e-3)
        assert number(result, f"drude_smith/{kind}/k") == pytest.approx(0.02, rel=5e-3)
        assert number(result, f"drude_smith/{kind}/dc_ratio") == pytest.approx(1.0, abs=5e-3)
    assert number(result, "drude_smith/window/amplitude") == pytest.approx(1.0, abs=0.01)


def test_a_resonance_is_not_trusted_and_its_model_is_found(
    correlation: Make, of_curve: Make
) -> None:
    t = np.arange(0.0, 801.0)
    values = (0.015, 0.06, 0.02, 0.5)
    source = of_curve(correlation(), DRUDE_LORENTZ.time(t, values))
    result = conductivity_models_result(source, SETTINGS)
    assert number(result, "trusted") == 0.0
    assert number(result, "class") == 0.0
    assert result.notes["ranking_time"].startswith("Drude–Lorentz (+0,")
    found = [number(result, f"drude_lorentz/time/{p.name}") for p in DRUDE_LORENTZ.parameters]
    assert found == pytest.approx(values, rel=1e-3)


def test_curves_and_units_are_those_of_the_mobility(correlation: Make) -> None:
    mobility = mobility_result(correlation(), SETTINGS)
    result = conductivity_models_result(mobility, SETTINGS)
    omega, sigma = array(result, "omega"), array(result, "mobility_ac")
    assert omega.size == FREQUENCIES
    assert omega[-1] == pytest.approx(LARGEST_CM * 2e-5 * math.pi * 2.99792458)
    stored, exact = array(mobility, "omega"), array(mobility, "mobility_ac")
    inside = (stored >= 0.0) & (stored <= omega[-1])
    for part in (np.real, np.imag):
        again = np.interp(stored[inside], omega, part(sigma))
        np.testing.assert_allclose(again, part(exact[inside]), atol=1e-3 * np.abs(exact).max())
    scale = mobility_cm2(array(mobility, "C_kubo")[0], 300.0)
    rate = number(result, "drude/frequency/k")
    np.testing.assert_allclose(array(result, "drude/frequency/fit"), scale / (rate - 1j * omega))
    left = array(result, "curve") - array(result, "drude_smith/time/fit")
    assert number(result, "drude_smith/time/residual_max") == pytest.approx(np.abs(left).max())
    low, high = (2e-3 * math.pi * bound for bound in WINDOW_THZ)
    assert low <= number(result, "window_from") < low + omega[1]
    assert high - omega[1] < number(result, "window_to") <= high
    assert result.variables["drude_smith/window/fit"].units == "cm^2 V^-1 s^-1"
    assert result.variables["drude_smith/window/k"].units == "fs^-1"
    expect_the_same_without_numbers(result, correlation(grew=True))


def expect_the_same_without_numbers(good: Result, grew: Result) -> None:
    bad = conductivity_models_result(mobility_result(grew, SETTINGS), SETTINGS)
    assert "the state grew" in bad.notes["reason"]
    assert set(bad.variables) == set(good.variables)
    for name, variable in good.variables.items():
        other = bad.variables[name]
        assert (other.units, other.dims) == (variable.units, variable.dims)
    scalars = [v for v in bad.variables.values() if v.dims == ()]
    assert all(math.isnan(float(v.data)) for v in scalars)
    assert len(scalars) > 100
    for model in MODELS:
        for kind in KINDS:
            assert np.isnan(array(bad, f"{model.name}/{kind}/fit")).all()
            assert not np.isnan(array(good, f"{model.name}/{kind}/fit")).any()


def test_the_range_of_the_study_is_used(correlation: Make, of_curve: Make) -> None:
    t = np.arange(0.0, 801.0)
    curve = DRUDE_SMITH.time(t, (0.02, -0.55))
    curve[1:100] += 0.3 * np.exp(-(((t[1:100] - 50.0) / 10.0) ** 2))
    source = of_curve(correlation(), curve)
    late = conductivity_models_result(source, AnalysisConfig(drude_smith_range_fs=(100.0, 800.0)))
    assert number(late, "drude_smith/time/residual_max") < 1e-3
    assert number(late, "drude_smith/time/residual_max_at") >= 100.0
    assert np.abs(array(late, "curve") - array(late, "drude_smith/time/fit")).max() > 0.2


def test_the_file_is_written_and_read(correlation: Make, tmp_path: Path) -> None:
    result = conductivity_models_result(mobility_result(correlation(grew=True), SETTINGS), SETTINGS)
    write_result(tmp_path / "a.h5", result)
    read = read_result(tmp_path / "a.h5", kind="conductivity_models")
    assert set(read.variables) == set(result.variables)
    assert read.variables["drude_smith/time/k"].units == "fs^-1"
