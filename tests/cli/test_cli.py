"""The command line: what it prints, what it writes, how it ends."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import smallpolaron
from smallpolaron.cli import main
from smallpolaron.derive.mobility_job import mobility_result
from smallpolaron.derive.tables import POINT_COLUMNS, point_rows, write_table
from smallpolaron.results.store import Result, read_result, write_result
from smallpolaron.study.plan import read_plan
from smallpolaron.study.sections import AnalysisConfig

ROOT = Path(__file__).parents[2]
TINY = ROOT / "config" / "tiny.yaml"


@pytest.fixture
def study(tmp_path: Path, valid: str) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(valid + "grid: [{model.n_sites: [3, 4]}]\n")
    return path


@pytest.fixture
def plan(study: Path) -> Path:
    path = study.parent / "results" / "plan.json"
    assert main(["plan", "--config", str(study), "--output", str(path)]) == 0
    return path


def test_validate_prints_the_plan(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(study)]) == 0
    out, err = capsys.readouterr()
    assert not err
    assert "study test: 2 points, 2 MPI jobs" in out
    rows = [line.split() for line in out.splitlines()[2:]]
    assert sorted((row[0], row[-2]) for row in rows) == [("140", "current"), ("60", "current")]


def test_values_may_be_set_on_the_command_line(
    study: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    new = tmp_path / "plan.json"
    values = ["--set", "model.temperature_K=250", "gamma_cm=60"]
    assert main(["plan", "--config", str(study), "--output", str(new), *values]) == 0
    points = [point.parameters for point in read_plan(new).points]
    assert [(p.model.temperature_K, p.bath.gamma_cm) for p in points] == [(250, 60)] * 2
    assert main(["validate", str(study), "--set", "model.temperature_K=cold"]) == 2
    assert "model.temperature_K = 'cold'" in capsys.readouterr().err


def test_validate_prints_every_fault_and_ends_with_2(
    tmp_path: Path, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(study.read_text().replace("depth: 3", "depth: 0").replace("eta_cm", "eta_ccm"))
    assert main(["validate", str(bad), str(study)]) == 2
    out, err = capsys.readouterr()
    assert "study test" in out
    lines = err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"{bad}:") for line in lines)


def test_plan_of_a_bad_study_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.yaml").write_text("study: x\n")
    output = tmp_path / "plan.json"
    assert main(["plan", "--config", str(tmp_path / "bad.yaml"), "--output", str(output)]) == 2
    assert not output.exists()
    assert "model is not given" in capsys.readouterr().err


def test_points_table(plan: Path) -> None:
    output = plan.parent / "points.csv"
    write_table(output, POINT_COLUMNS, point_rows(read_plan(plan)))
    with output.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["point"] for row in rows] == [p.id for p in read_plan(plan).points]
    assert [row["unknowns"] for row in rows] == ["60", "140"]
    assert rows[0]["eta_over_v"] == "2.0"


def test_analysis_chain(
    plan: Path, correlation: Callable[..., Result], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, common = plan.parent, ["--plan", str(plan)]
    source = folder / "c.h5"
    write_result(source, correlation())
    for command, kind, given in (
        ("kernel", "correlation", "c"),
        ("mobility", "correlation", "c"),
        ("drude-smith", "mobility", "mobility"),
    ):
        files = [
            f"--{kind}",
            str(folder / f"{given}.h5"),
            "--output",
            str(folder / f"{command}.h5"),
        ]
        assert main([command, *common, *files]) == 0
        assert read_result(folder / f"{command}.h5").kind == command.replace("-", "_")
    again = ["--correlation", str(source), "--output", str(folder / "kernel.h5")]
    assert main(["kernel", *common, *again]) == 2
    assert "the file exists" in capsys.readouterr().err
    assert main(["kernel", *common, *again, "--overwrite"]) == 0
    wrong = ["--correlation", str(folder / "mobility.h5"), "--output", str(folder / "x.h5")]
    assert main(["kernel", *common, *wrong]) == 2
    assert "kind 'mobility', needed is 'correlation'" in capsys.readouterr().err


def test_unusable_run_is_said_and_ends_well(
    plan: Path, correlation: Callable[..., Result], capsys: pytest.CaptureFixture[str]
) -> None:
    source, output = plan.parent / "c.h5", plan.parent / "m.h5"
    write_result(source, correlation(grew=True))
    arguments = ["--plan", str(plan), "--correlation", str(source), "--output", str(output)]
    assert main(["mobility", *arguments]) == 0
    assert "no numbers: the state grew" in capsys.readouterr().err
    assert read_result(output).flagged


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["correlation"],
        ["correlation", "--plan", "p", "--point", "x", "--output", "o", "--ranks", "0"],
        ["correlation", "--plan", "p", "--point", "x", "--output", "o", "--ranks", "two"],
        ["population", "--plan", "p", "--point", "x", "--output", "o", "--ranks", "2"],
        ["kernel", "--plan", "p", "--mobility", "x", "--output", "o"],
        ["validate", "config/tiny.yaml", "--set", "model.temperature_K"],
    ],
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err.lower()


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(Path(smallpolaron.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )


def test_planning_needs_neither_mpi_nor_petsc_nor_compilation() -> None:
    code = (
        "import sys; from smallpolaron.cli import main;"
        f"assert main(['validate', {str(TINY)!r}]) == 0;"
        "heavy = {'mpi4py', 'petsc4py', 'numba', 'matplotlib', 'pandas'} & set(sys.modules);"
        "print(sorted(heavy), file=sys.stderr); sys.exit(bool(heavy))"
    )
    done = _python(code)
    assert done.returncode == 0, done.stderr


def test_ranks_are_the_only_parallelism() -> None:
    code = (
        "import os; os.environ['OPENBLAS_NUM_THREADS'] = '2';"
        "from smallpolaron.cli import main; main(['validate', 'none.yaml']);"
        "print(os.environ['OPENBLAS_NUM_THREADS'], os.environ['OMP_NUM_THREADS'])"
    )
    assert _python(code).stdout.splitlines()[-1] == "1 1"


def test_reader_that_stops_early_is_no_error(study: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "smallpolaron", "validate", str(study)],
        env=os.environ | {"PYTHONPATH": str(Path(smallpolaron.__file__).parents[1])},
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_module_runs() -> None:
    done = _python("import runpy, sys; sys.argv[1:] = ['--version']; runpy.run_module('smallpolaron', run_name='__main__')")  # fmt: skip # noqa: E501
    assert done.stdout.strip() == smallpolaron.__version__


def test_tables_say_which_results_are_missing(plan: Path) -> None:
    folder = plan.parent / "tables"
    assert main(["tables", "--plan", str(plan), "--output-folder", str(folder)]) == 0
    with (folder / "points.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert rows
    assert {row["missing"] for row in rows} == {"waiting"}


def test_plan_json_is_stable(study: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        main(["plan", "--config", str(study), "--output", str(tmp_path / name)])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    json.loads((tmp_path / "a").read_text())


def test_show_says_the_number_and_what_to_distrust(
    correlation: Callable[..., Result], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = []
    for name, duration_fs in (("long", 400.0), ("short", 20.0)):
        result = mobility_result(correlation(duration_fs), AnalysisConfig())
        write_result(path := tmp_path / f"{name}.h5", result)
        names.append(str(path))
    assert main(["show", *names]) == 0
    long, short = capsys.readouterr().out.split("\n\n")
    assert long.startswith(names[0])
    assert "  do not use\n" in short
    assert "0.1121 Å² fs⁻¹" in long
    assert "long_time_decay" not in long
    assert "FAILED: long_time_decay" in short
    assert re.search(r"^  long_time_decay +0\.\d+, allowed 0\.0\d+: \w+", short, re.MULTILINE)
