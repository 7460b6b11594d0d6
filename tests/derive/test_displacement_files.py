"""Displacement files of the infinite lattice: spreading, tables, figures."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smallpolaron.analysis.gates import Gate
from smallpolaron.cli import main
from smallpolaron.derive.spreading_job import spreading_result
from smallpolaron.figures import displacement as figure
from smallpolaron.results.store import Result, Variable, read_result, write_result
from smallpolaron.runs.point_run import stored_parameters
from smallpolaron.study.plan import Plan, write_plan
from smallpolaron.study.sections import AnalysisConfig
from tests.derive.test_spreading_job import DECAY, EXCESS, RATE, array, meeting, number

Make = Callable[..., Result]
SETTINGS = AnalysisConfig()

STUDY = """\
study: test
model: {n_sites: 41, topology: infinite}
bath: {eta_cm: 100, gamma_cm: 50}
propagation: {duration_fs: 2000}
protocols: [franck_condon, marcus]
"""


@pytest.fixture
def displacement(plan_of: Callable[[str], Plan]) -> Make:
    """Make a displacement result of the same walk on the infinite lattice."""

    def make(start: str, grew: bool = False) -> Result:
        point = plan_of(STUDY).points[0]
        t = np.arange(0.0, 2001.0, 2.0)
        e = EXCESS[start] * np.exp(-t / DECAY)
        curves = {
            "time_fs": (t, "fs"),
            "msd": (50 * RATE * (t + DECAY * (EXCESS[start] - e)), "angstrom^2"),
            "dmsd_dt": (50 * RATE * (1 + e), "angstrom^2 fs^-1"),
            "d2msd_dt2": (-50 * RATE * e / DECAY, "angstrom^2 fs^-2"),
        }
        return Result(
            "displacement",
            {name: Variable(data, ("time",), unit, name) for name, (data, unit) in curves.items()},
            stored_parameters(point, "test", start=start),
            (Gate("stability", float(grew), 0.0, "whether the state grew"),),
            {"configuration_hash": point.hash, "ranks": 1},
        )

    return make


@pytest.fixture
def plan_file(plan_of: Callable[[str], Plan], tmp_path: Path) -> str:
    path = tmp_path / "plan.json"
    write_plan(path, plan_of(STUDY))
    return str(path)


def test_the_infinite_lattice_has_no_boundary(
    displacement: Make, plan_file: str, tmp_path: Path
) -> None:
    paths = {start: tmp_path / f"{start}.h5" for start in EXCESS}
    for start, path in paths.items():
        write_result(path, displacement(start))
    output = tmp_path / "spreading.h5"
    files = ["--population", str(paths["marcus"]), "--partner", str(paths["franck_condon"])]
    assert main(["spreading", "--plan", plan_file, *files, "--output", str(output)]) == 0
    result = read_result(output, kind="spreading")
    source = displacement("marcus")
    for name in ("msd", "dmsd_dt", "d2msd_dt2"):
        np.testing.assert_array_equal(array(result, name), array(source, name))
    assert number(result, "tau_P_fs") == pytest.approx(meeting(1.0), abs=2)
    assert number(result, "plateau_D") == pytest.approx(25 * RATE, rel=0.01)
    assert number(result, "D_end") == pytest.approx(25 * RATE, rel=1e-6)
    assert number(result, "diffusive/to_fs") == 2000
    for name in ("tau_R_fs", "tau_near_fs"):
        assert math.isnan(number(result, name))
        assert "the lattice is infinite" in result.notes[name]
    assert np.isnan(array(result, "tau_R_tolerance_fs")).all()
    assert not np.any(array(result, "slope_loss"))
    assert not [name for name in result.variables if name.startswith("boundary")]


def test_an_unstable_displacement_gives_no_numbers(displacement: Make) -> None:
    result = spreading_result(displacement("marcus", grew=True), None, SETTINGS)
    whole = spreading_result(displacement("marcus"), None, SETTINGS)
    assert result.variables.keys() == whole.variables.keys()
    assert math.isnan(number(result, "D_end"))
    assert "unstable" in result.notes["reason"]


def test_a_displacement_has_no_memory_kernel(
    displacement: Make, plan_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.h5"
    write_result(path, displacement("marcus"))
    call = ["population-kernel", "--plan", plan_file, "--population", str(path)]
    assert main([*call, "--output", str(tmp_path / "k.h5")]) == 2
    assert "kind 'displacement', needed is 'population'" in capsys.readouterr().err


def test_tables_and_figures_take_them(displacement: Make, plan_file: str, tmp_path: Path) -> None:
    folder = tmp_path / "population"
    folder.mkdir()
    files = []
    for start in EXCESS:
        result = displacement(start)
        files.append(str(folder / f"{result.parameters['point']}__{start}.h5"))
        write_result(files[-1], result)
    tables = ["tables", "--plan", plan_file, "--output-folder", str(tmp_path / "tables")]
    assert main([*tables, "--figures-folder", str(tmp_path)]) == 0
    with (tmp_path / "tables" / "quality.csv").open() as stream:
        assert {(row["kind"], row["start"]) for row in csv.DictReader(stream)} == {
            ("displacement", start) for start in EXCESS
        }
    with (tmp_path / "tables" / "points.csv").open() as stream:
        assert {row["symmetry"] for row in csv.DictReader(stream)} == {"translation"}
    page = (tmp_path / "quality.html").read_text(encoding="utf-8")
    assert "Runs of the displacement on the infinite lattice" in page
    drawn, numbers = tmp_path / "d.svg", tmp_path / "d.csv"
    figure.main(["--population", *files, "--figure", str(drawn), "--numbers", str(numbers)])
    with numbers.open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["start"] == "marcus"]
    slope = array(displacement("marcus"), "dmsd_dt")
    np.testing.assert_allclose([float(row["dmsd_dt_A2_fs"]) for row in rows], slope, rtol=1e-9)
