"""Jobs for memory kernels with more than one variable, on synthetic runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from smallpolaron.cli import main
from smallpolaron.derive.augmented_job import augmented_result, exact_derivatives
from smallpolaron.derive.kernel_job import kernel_result
from smallpolaron.derive.population_kernel_job import population_kernel_result
from smallpolaron.results.store import Result, Variable, read_result, write_result
from smallpolaron.study.plan import Plan, write_plan
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.support.problems import StoreError
from tests.derive.walks import STUDY, RealArray, walk

Make = Callable[..., Result]
SETTINGS = AnalysisConfig()
STRENGTH, RATE = 4e-4, 0.06
"""Memory of the synthetic walk: strength exp(-rate t) times the generator of a walk."""


def number(result: Result, name: str) -> float:
    return float(result.variables[name].data)


def array(result: Result, name: str) -> NDArray[Any]:
    return np.asarray(result.variables[name].data)


CHAIN = np.array([[0.02j, -0.06, 0], [0.06, -0.03 + 0.01j, -0.05], [0, 0.05, -0.1]])
"""Generator of a current that feeds one hidden variable after the other, all damped."""


def smooth(source: Result, order: int) -> Result:
    """Replace C by a sum of three exponentials with exact derivatives up to an order."""
    t = array(source, "time_fs")
    modes, vectors = np.linalg.eig(CHAIN)
    shares = 4e-3 * vectors[0] * np.linalg.inv(vectors)[:, 0]
    variables = {"time_fs": source.variables["time_fs"]}
    for p in range(order + 1):
        name = {0: "C_JJ", 1: "dC_JJ"}.get(p, f"d{p}C_JJ")
        values = np.exp(np.outer(t, modes)) @ (shares * modes**p)
        variables[name] = Variable(values, ("time",), f"angstrom^2 fs^-{2 + p}", "C.")
    return replace(source, variables=variables)


def population(n: int = 6, **more: Any) -> Result:
    """Populations of a walk with exponential memory."""
    t = np.arange(401.0)

    def modes(values: RealArray) -> list[RealArray]:
        root = np.sqrt(RATE**2 / 4 + STRENGTH * values + 0j)
        rates = np.array([root, -root]) - RATE / 2
        shares = np.array([-rates[1], rates[0]]) / (rates[0] - rates[1])
        waves = np.exp(rates[:, :, None] * t)
        return [np.einsum("skt,sk->tk", waves, shares * rates**p).real for p in range(3)]

    return walk(t, modes, n=n, **more)


def test_augmented_job_stores_every_projector_and_source(correlation: Make, tmp_path: Path) -> None:
    source = smooth(correlation(), 6)
    result = augmented_result(source, SETTINGS)
    usual = kernel_result(source, SETTINGS)
    for name in ("J", "J_dJ", "J_dJ_d2J"):
        for kind in ("exact", "differences"):
            if name == "J_dJ_d2J" and kind == "differences":
                continue
            assert number(result, f"{name}/{kind}/D_kernel") == pytest.approx(
                number(usual, "D_kernel"), rel=1e-5
            )
            assert "±1 %" in result.notes[f"{name}/{kind}/tau_K_percent_fs"]
    for quantity in ("tau_K_band_fs", "tau_K_percent_fs"):
        assert number(result, f"J/exact/{quantity}") == number(usual, quantity)
    assert number(result, "t_eq_band_fs") == number(usual, "t_eq_band_fs")
    np.testing.assert_allclose(array(result, "J/exact/K"), array(usual, "K"), atol=1e-15)
    # Three variables span the three modes: no memory is left.
    K = array(result, "J_dJ_d2J/exact/K")
    assert abs(K[0]) < 1e-9 * abs(array(result, "J_dJ/exact/K")[0])
    assert number(result, "J_dJ_d2J/exact/tau_K_percent_fs") == 0.0
    path = tmp_path / "a.h5"
    write_result(path, result)
    read = read_result(path, kind="augmented")
    assert set(read.variables) == set(result.variables)
    assert read.notes == result.notes


def test_missing_derivatives_are_told_and_do_not_stop_the_rest(correlation: Make) -> None:
    few = augmented_result(smooth(correlation(), 2), SETTINGS)
    assert number(few, "J/exact/D_kernel") > 0
    for name in ("J_dJ", "J_dJ_d2J"):
        assert math.isnan(number(few, f"{name}/exact/D_kernel"))
        assert np.isnan(array(few, f"{name}/exact/D_cutoff")).all()
        assert "recompute the correlation function" in few.notes[f"{name}/exact/reason"]
    assert number(few, "J_dJ/differences/D_kernel") > 0
    assert "reason" not in few.notes
    enough = augmented_result(smooth(correlation(), 3), SETTINGS)
    whole = number(enough, "J_dJ/exact/D_kernel")
    assert whole == pytest.approx(number(enough, "J/exact/D_kernel"), rel=1e-6)


def test_a_gap_in_the_derivatives_ends_them(correlation: Make) -> None:
    source = smooth(correlation(), 6)
    variables = {k: v for k, v in source.variables.items() if k != "d4C_JJ"}
    assert len(exact_derivatives(source)) == 7
    assert len(exact_derivatives(replace(source, variables=variables))) == 4


def test_a_kernel_that_grows_is_told_with_the_norm_behind_it(correlation: Make) -> None:
    source = correlation()
    poles, shares = -np.array([0.2, 0.03, 0.17]), 4e-3 * np.array([-0.9, 0.1, 1.8])
    waves = np.exp(np.outer(array(source, "time_fs"), poles))
    variables = dict(source.variables)
    for p, name in enumerate(("C_JJ", "dC_JJ", "d2C_JJ", "d3C_JJ", "d4C_JJ")):
        variables[name] = Variable(waves @ (shares * poles**p) + 0j, ("time",), "1", "C.")
    result = augmented_result(replace(source, variables=variables), SETTINGS)
    assert number(result, "J/exact/D_kernel") > 0
    assert math.isnan(number(result, "J_dJ/exact/tau_K_band_fs"))
    reason = result.notes["J_dJ/exact/reason"]
    assert "it grows with time" in reason
    assert "negative (-6.44e-05)" in reason


def test_population_kernel_of_a_ring(tmp_path: Path) -> None:
    result = population_kernel_result([population(n=6, site=0)], SETTINGS)
    K, t = array(result, "K"), array(result, "time_fs")
    assert K.shape == (401, 4)
    memory = STRENGTH * np.exp(-RATE * t)
    expected = np.outer(memory, [2, -1, 0, 0])
    np.testing.assert_allclose(K, expected, rtol=0, atol=1e-6 * STRENGTH)
    D = 25 * STRENGTH / RATE
    assert number(result, "D_kernel") == pytest.approx(D, rel=1e-6)
    assert number(result, "tau_K_percent_fs") == pytest.approx(math.log(100) / RATE, abs=1)
    assert not result.variables["has_plateau"].data
    assert "2 is needed" in result.notes["plateau"]
    assert math.isnan(number(result, "plateau_D"))
    path = tmp_path / "a.h5"
    write_result(path, result)
    assert set(read_result(path, kind="population_kernel").variables) == set(result.variables)


def test_a_long_ring_has_a_plateau_at_D() -> None:
    result = population_kernel_result([population(n=41, site=7)], SETTINGS)
    D = 25 * STRENGTH / RATE
    assert result.variables["has_plateau"].data
    assert number(result, "plateau_D") == pytest.approx(D, rel=0.02)
    assert number(result, "plateau_D_flatness") < 0.1 * D
    assert number(result, "plateau_from_fs") < number(result, "plateau_to_fs") == 400
    assert array(result, "D_slope")[-1] == pytest.approx(D, rel=1e-3)


def test_half_the_starts_of_a_mirrored_chain_are_enough() -> None:
    some = [population(n=5, topology="chain", site=site) for site in (0, 3, 2)]
    every = [population(n=5, topology="chain", site=site) for site in range(5)]
    half, full = (population_kernel_result(runs, SETTINGS) for runs in (some, every))
    np.testing.assert_allclose(array(half, "K"), array(full, "K"), rtol=0, atol=1e-12)
    # Seen from the middle site: it feeds its two neighbours.
    expected = STRENGTH * np.array([0, -1, 2, -1, 0])
    np.testing.assert_allclose(array(half, "K")[0], expected, rtol=0, atol=1e-6 * STRENGTH)
    assert half.notes["starts"] == "runs from the sites 0, 2, 3"
    assert half.parameters["start_site"] == 2


@pytest.mark.parametrize(
    ("energies", "sites", "message"),
    [
        ("0", (0, 2), r"starts on the sites \[1\]"),
        ("[0, 0, 50, 0, 0]", (0, 4), r"starts on the sites \[1, 2\]"),
        ("[0, 10, 20, 30, 40]", (0, 1, 2), r"starts on the sites \[3, 4\]"),
        ("0", (0, 1, 1, 2), "two population files start on site 1"),
    ],
)
def test_missing_and_double_starts_are_refused(
    energies: str, sites: Sequence[int], message: str
) -> None:
    runs = [population(n=5, topology="chain", site=s, energies=energies) for s in sites]
    with pytest.raises(StoreError, match=message):
        population_kernel_result(runs, SETTINGS)


def test_runs_of_different_systems_are_refused() -> None:
    chain = [population(n=5, topology="chain", site=site) for site in range(3)]
    other = population(n=5, topology="chain", site=1, start="franck_condon")
    with pytest.raises(StoreError, match="differ in start: marcus and franck_condon"):
        population_kernel_result([chain[0], other, chain[2]], SETTINGS)
    longer = population(n=6, topology="chain", site=1)
    with pytest.raises(StoreError, match="differ in model"):
        population_kernel_result([chain[0], longer, chain[2]], SETTINGS)
    with pytest.raises(StoreError, match="a homogeneous ring needs one population file"):
        population_kernel_result([population(site=0), population(site=1)], SETTINGS)


def test_runs_that_cannot_be_used_give_files_without_numbers(
    correlation: Make, tmp_path: Path
) -> None:
    chain = [population(n=3, topology="chain", site=site, grew=site == 0) for site in range(2)]
    results = [
        population_kernel_result([population(grew=True)], SETTINGS),
        population_kernel_result(chain, SETTINGS),
        augmented_result(correlation(grew=True), SETTINGS),
        augmented_result(correlation(duration_fs=0.0, grew=True), SETTINGS),
    ]
    for i, result in enumerate(results):
        assert result.flagged
        assert "the state grew" in result.notes["reason"]
        numbers = [v.data for k, v in result.variables.items() if v.dims == () and "has_" not in k]
        assert numbers
        assert np.isnan(numbers).all()
        write_result(tmp_path / f"{i}.h5", result)
    usual = population_kernel_result([population()], SETTINGS)
    assert set(results[0].variables) == set(usual.variables)
    assert set(results[2].variables) == set(augmented_result(correlation(), SETTINGS).variables)


def test_too_short_a_run_gives_the_reason(correlation: Make) -> None:
    run = population()
    cut = {k: replace(v, data=np.asarray(v.data)[:5]) for k, v in run.variables.items()}
    result = population_kernel_result([replace(run, variables=cut)], SETTINGS)
    assert "store more points" in result.notes["reason"]
    assert "time_fs" in augmented_result(correlation(duration_fs=5.0), SETTINGS).notes["reason"]


def test_criteria_of_the_study_are_used(correlation: Make) -> None:
    wide, narrow = AnalysisConfig(band_percent=20.0), AnalysisConfig(band_percent=0.1)
    for make, name in (
        (lambda s: population_kernel_result([population()], s), "tau_K_percent_fs"),
        (lambda s: augmented_result(smooth(correlation(), 2), s), "J/exact/tau_K_percent_fs"),
    ):
        assert number(make(wide), name) < number(make(narrow), name)


def test_commands_write_the_files(
    correlation: Make, plan_of: Callable[[str], Plan], tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    write_plan(
        plan, plan_of(STUDY.format(n=4, topology="chain", energies="0", site=0, duration=400))
    )
    files = []
    for site in (0, 1):
        files.append(str(tmp_path / f"p{site}.h5"))
        write_result(files[-1], population(n=4, topology="chain", site=site))
    write_result(tmp_path / "c.h5", smooth(correlation(), 4))
    common = ["--plan", str(plan), "--output"]
    new = tmp_path / "new.h5"
    assert main(["population-kernel", *common, str(new), "--population", *files]) == 0
    assert read_result(new, kind="population_kernel").parameters["start_site"] == 1
    other = str(tmp_path / "other.h5")
    assert main(["population-kernel", *common, other, "--population", files[0]]) == 2
    assert main(["augmented", *common, other, "--correlation", str(tmp_path / "c.h5")]) == 0
    assert number(read_result(other, kind="augmented"), "J_dJ/exact/D_kernel") > 0
