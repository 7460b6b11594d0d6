"""The spreading job on walks whose rate settles from two sides, as after two initialisations."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from smallpolaron.cli import main
from smallpolaron.derive.spreading_job import spreading_result
from smallpolaron.results.store import Result, read_result, write_result
from smallpolaron.study.plan import Plan, write_plan
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.support.problems import StoreError
from tests.derive.walks import STUDY, RealArray, walk

SETTINGS = AnalysisConfig()
RATE, DECAY = 0.004, 100.0
EXCESS = {"franck_condon": 1.5, "marcus": -0.8}
"""Hopping rate RATE (1 + excess exp(-t/DECAY)) after each initialisation."""


def number(result: Result, name: str) -> float:
    return float(result.variables[name].data)


def array(result: Result, name: str) -> NDArray[Any]:
    return np.asarray(result.variables[name].data)


def population(start: str = "franck_condon", n: int = 41, **more: Any) -> Result:
    """Populations of such a walk."""
    t = np.arange(0.0, 2001.0, 2.0)

    def modes(values: RealArray) -> list[RealArray]:
        e = EXCESS[start] * np.exp(-t[:, None] / DECAY)
        clock, speed = RATE * (t[:, None] + DECAY * (EXCESS[start] - e)), RATE * (1 + e)
        waves = np.exp(values * clock)
        turn = values * -RATE * e / DECAY + (values * speed) ** 2
        return [waves, values * speed * waves, turn * waves]

    return walk(t, modes, start=start, n=n, **more)


def meeting(percent: float) -> float:
    one, two = EXCESS.values()
    share = percent / 100
    return DECAY * math.log((2 * abs(one - two) - share * (one + two)) / (2 * share))


def test_both_initialisations(tmp_path: Path) -> None:
    result = spreading_result(population(), population("marcus"), SETTINGS)
    assert number(result, "tau_P_fs") == pytest.approx(meeting(1.0), abs=2)
    tolerances = array(result, "tolerance_percent")
    expected = [meeting(percent) for percent in tolerances]
    np.testing.assert_allclose(array(result, "tau_P_tolerance_fs"), expected, atol=2)
    assert number(result, "plateau_D") == pytest.approx(25 * RATE, rel=0.01)
    assert number(result, "plateau_from_fs") == number(result, "relaxation/to_fs")
    assert number(result, "diffusive/to_fs") == 2000
    # MSD runs ahead for ever by what the faster beginning has given.
    ahead = 2 * 25 * RATE * EXCESS["franck_condon"] * DECAY
    assert number(result, "plateau_intercept") == pytest.approx(ahead, rel=0.02)
    last = array(result, "alpha")[-1]
    assert last == pytest.approx(1 - ahead / array(result, "msd")[-1], rel=1e-3)
    assert math.isnan(number(result, "tau_R_fs"))
    assert math.isnan(number(result, "ballistic/from_fs"))
    assert result.notes["partner"] == "marcus"
    assert "until the record ends" in result.notes["tau_R_fs"]
    assert "below 1 from" in result.notes["relaxation"]
    path = tmp_path / "a.h5"
    write_result(path, result)
    read = read_result(path, kind="spreading")
    assert set(read.variables) == set(result.variables)
    assert read.notes == result.notes
    assert read.variables["boundary_filling"].dims == ("time", "boundary")


def test_one_run_alone_has_no_tau_P() -> None:
    result = spreading_result(population("marcus"), None, SETTINGS)
    assert math.isnan(number(result, "tau_P_fs"))
    assert np.isnan(array(result, "tau_P_tolerance_fs")).all()
    assert result.notes["partner"] == "none"
    assert "there is only one run" in result.notes["tau_P_fs"]
    assert number(result, "plateau_D") == pytest.approx(25 * RATE, rel=0.02)


def test_a_short_chain_shows_its_ends() -> None:
    run = population("marcus", n=8, topology="chain", site=2)
    result = spreading_result(run, None, SETTINGS)
    assert array(result, "boundary_site").tolist() == [0, 7]
    assert array(result, "boundary_distance").tolist() == [10.0, 25.0]
    assert 0 < number(result, "tau_near_fs") < number(result, "tau_R_fs") < 400
    assert number(result, "finite_size/from_fs") == number(result, "tau_R_fs")
    assert np.all(np.diff(array(result, "tau_R_tolerance_fs")) > 0)
    loss, slope = array(result, "slope_loss"), array(result, "dmsd_dt")
    rate = RATE * (1 + EXCESS["marcus"] * np.exp(-array(result, "time_fs") / DECAY))
    np.testing.assert_allclose(slope, 50 * rate * (1 - loss), atol=1e-10)
    assert math.isnan(number(result, "plateau_D"))
    assert "record up to tau_R" in result.notes["plateau"]


def test_a_deep_site_holds_more_in_equilibrium() -> None:
    """Boltzmann factors of the site energies: 200 cm^-1 at 300 K."""
    deep = population(n=4, topology="chain", site=0, energies="[0, 0, 0, -200]")
    filling = array(spreading_result(deep, None, SETTINGS), "boundary_filling")
    P = np.real(array(deep, "populations"))[:, [0, 3]]
    factor = math.exp(200 / 208.51)
    np.testing.assert_allclose(filling, P * (3 + factor) / [1, factor], rtol=1e-4)


def test_partners_that_do_not_fit_are_refused() -> None:
    with pytest.raises(StoreError, match="both population files have start marcus"):
        spreading_result(population("marcus"), population("marcus"), SETTINGS)
    with pytest.raises(StoreError, match="differ in model"):
        spreading_result(population(), population("marcus", n=40), SETTINGS)
    with pytest.raises(StoreError, match="differ in start_site: 0 and 5"):
        spreading_result(population(), population("marcus", site=5), SETTINGS)


def test_a_run_or_partner_that_grew_gives_a_file_without_numbers(tmp_path: Path) -> None:
    usual = spreading_result(population(), None, SETTINGS)
    for i, pair in enumerate(((True, False), (False, True))):
        runs = (population(start, grew=g) for start, g in zip(EXCESS, pair, strict=True))
        result = spreading_result(*runs, SETTINGS)
        assert result.flagged
        assert "the state grew" in result.notes["reason"]
        assert set(result.variables) == set(usual.variables)
        assert np.isnan([v.data for v in result.variables.values() if v.dims == ()]).all()
        assert np.isnan(array(result, "alpha")).all()
        write_result(tmp_path / f"{i}.h5", result)


def test_a_run_of_one_time_gives_the_reason() -> None:
    run = population()
    cut = {k: replace(v, data=np.asarray(v.data)[:1]) for k, v in run.variables.items()}
    result = spreading_result(replace(run, variables=cut), None, SETTINGS)
    assert "time_fs has 1 points" in result.notes["reason"]


def test_the_criterion_of_the_study_is_used() -> None:
    runs = population(), population("marcus")
    wide, narrow = (
        spreading_result(*runs, AnalysisConfig(band_percent=percent)) for percent in (10.0, 0.5)
    )
    assert number(wide, "tau_P_fs") == pytest.approx(meeting(10.0), abs=2)
    assert number(narrow, "tau_P_fs") == pytest.approx(meeting(0.5), abs=2)


def test_the_command_writes_the_file(plan_of: Callable[[str], Plan], tmp_path: Path) -> None:
    plan, new = tmp_path / "plan.json", tmp_path / "new.h5"
    write_plan(
        plan, plan_of(STUDY.format(n=41, topology="ring", energies="0", site=0, duration=2000))
    )
    files = []
    for start in EXCESS:
        files.append(str(tmp_path / f"{start}.h5"))
        write_result(files[-1], population(start))
    common = ["spreading", "--plan", str(plan), "--population", files[0], "--output", str(new)]
    assert main([*common, "--partner", files[1]]) == 0
    assert read_result(new, kind="spreading").notes["partner"] == "marcus"
    assert main([*common, "--partner", files[0], "--overwrite"]) == 2
    assert main([*common, "--overwrite"]) == 0
    assert read_result(new, kind="spreading").notes["partner"] == "none"
