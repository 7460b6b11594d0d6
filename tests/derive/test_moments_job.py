"""Moments of the memory kernel: against those of the exact derivatives, and their files."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smallpolaron.analysis.hermite import make_series
from smallpolaron.analysis.kubo import kubo_transform
from smallpolaron.analysis.memory.kernel_moments import kernel_moments
from smallpolaron.cli import main
from smallpolaron.derive.mobility_job import mobility_result
from smallpolaron.derive.moments_job import moments_result
from smallpolaron.results.store import Result, read_result, write_result
from smallpolaron.study.plan import Plan, write_plan
from smallpolaron.study.sections import AnalysisConfig
from tests.analysis.truncated_dynamics import kernel_spectrum, moments_of_series

Make = Callable[..., Result]
PlanOf = Callable[[str], Plan]
SETTINGS = AnalysisConfig()


def number(result: Result, name: str) -> float:
    return float(np.real(result.variables[name].data))


def test_moments_are_those_of_the_exact_derivatives(correlation: Make, tmp_path: Path) -> None:
    source = correlation()
    result = moments_result(mobility_result(source, SETTINGS), SETTINGS)
    data = {name: variable.data for name, variable in source.variables.items()}
    kubo = kubo_transform(
        make_series(data["time_fs"], data["C_JJ"], data["dC_JJ"], data["d2C_JJ"]), 300.0
    )
    slope = np.where(kubo.time_fs == 0.0, 0.0, kubo.first)
    found = moments_of_series(kubo.time_fs, kubo.values, [0.4], slope, kubo.second)
    assert number(result, "limit_used") == 0.4
    for name in ("mean", "variance", "norm", "skewness", "kurtosis"):
        assert number(result, name) == pytest.approx(float(getattr(found, name)[0]), rel=1e-5)
    omega = np.asarray(result.variables["omega"].data)
    K = kernel_spectrum(kubo.time_fs, kubo.values, omega, slope, kubo.second).real
    shape = np.asarray(result.variables["kernel_spectrum"].data)
    assert shape == pytest.approx(K / found.norm[0], rel=1e-6, abs=1e-6 * shape.max())
    limits = list(np.asarray(result.variables["limit"].data))
    assert limits[0] == 0.1
    assert limits[-1] <= omega[-1]
    index = limits.index(0.6)
    again = kernel_moments(omega, shape, [0.6])
    assert result.variables["mean_limit"].data[index] == pytest.approx(again.mean[0])
    assert result.variables["variance_limit"].data[index] == pytest.approx(again.variance[0])
    assert f"up to 0.60 rad/fs: mean {again.mean[0]:.4g}" in result.notes["limit"]
    write_result(tmp_path / "moments.h5", result)


def test_moments_without_numbers_say_why(correlation: Make, tmp_path: Path) -> None:
    usual = moments_result(mobility_result(correlation(), SETTINGS), SETTINGS)
    narrow = AnalysisConfig(frequency_max_cm=1000.0)
    few = moments_result(mobility_result(correlation(), narrow), narrow)
    assert "raise analysis.frequency_max_cm = 1000" in few.notes["reason"]
    grown = moments_result(mobility_result(correlation(grew=True), SETTINGS), SETTINGS)
    assert "the state grew" in grown.notes["reason"]
    for index, result in enumerate((few, grown)):
        assert math.isnan(number(result, "mean"))
        assert set(result.variables) == set(usual.variables)
        write_result(tmp_path / f"{index}.h5", result)


def test_moments_command(correlation: Make, tmp_path: Path, valid: str, plan_of: PlanOf) -> None:
    plan, mobility, output = (tmp_path / name for name in ("plan.json", "mobility.h5", "m.h5"))
    write_plan(plan, plan_of(valid))
    write_result(mobility, mobility_result(correlation(), SETTINGS))
    arguments = ["moments", "--plan", str(plan), "--mobility", str(mobility)]
    assert main([*arguments, "--output", str(output)]) == 0
    assert 0.0 < number(read_result(output, kind="moments"), "mean") < 0.4
