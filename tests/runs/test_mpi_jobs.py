"""The MPI jobs as the workflow starts them: right ranks, one writer, no hanging on errors."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import smallpolaron
from smallpolaron.cli import main
from smallpolaron.results.store import read_result
from smallpolaron.study.plan import Plan, read_plan

TINY = Path(__file__).parents[2] / "config" / "tiny.yaml"
PATIENCE_S = 240


def _launcher() -> str:
    beside = Path(sys.executable).parent / "mpiexec"
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None:
        pytest.fail("no mpiexec beside Python or on PATH; run 'make setup'")
    return found


def run(*arguments: str, ranks: int = 2, code: str = "") -> subprocess.CompletedProcess[str]:
    what = ["-c", code, *arguments] if code else ["-m", "smallpolaron", *arguments]
    return subprocess.run(
        [_launcher(), "-n", str(ranks), sys.executable, *what],
        env=os.environ
        | {
            "PYTHONPATH": str(Path(smallpolaron.__file__).parents[1]),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


@pytest.fixture(scope="module")
def plan_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study") / "plan.json"
    assert main(["plan", "--config", str(TINY), "--output", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def plan(plan_path: Path) -> Plan:
    return read_plan(plan_path)


def order(plan_path: Path, point: str, output: Path, ranks: int = 2) -> list[str]:
    named = {"plan": plan_path, "point": point, "ranks": ranks, "output": output}
    return [text for key, value in named.items() for text in (f"--{key}", str(value))]


def test_correlation_on_two_ranks(plan_path: Path, plan: Plan, tmp_path: Path) -> None:
    point, output = plan.points[0], tmp_path / "new" / "c.h5"
    done = run("correlation", *order(plan_path, point.id, output))
    assert done.returncode == 0, done.stderr
    result = read_result(output, kind="correlation")
    assert [p.name for p in output.parent.iterdir()] == ["c.h5"]
    assert result.parameters["point"] == point.id
    assert result.resolved.hierarchy == point.parameters.hierarchy
    assert result.provenance["ranks"] == 2
    assert result.provenance["configuration_hash"] == point.hash
    assert result.provenance["petsc_scalar"] == "complex128"
    assert result.flagged
    assert "frontier_weight" in done.stderr
    times = np.asarray(result.variables["time_fs"].data)
    assert times[-1] == point.parameters.propagation.duration_fs


def test_population_conserves_the_carrier(plan_path: Path, plan: Plan, tmp_path: Path) -> None:
    output = tmp_path / "p.h5"
    named = order(plan_path, plan.points[0].id, output, ranks=1)
    assert main(["population", *named, "--start", "marcus"]) == 0
    result = read_result(output, kind="population")
    populations = np.asarray(result.variables["populations"].data)
    assert populations.dtype == np.float64
    assert result.parameters["start"] == "marcus"
    np.testing.assert_allclose(populations.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(populations[0], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(populations[:, 1], populations[:, 2], atol=1e-6)


def test_wrong_number_of_ranks_is_refused(plan_path: Path, plan: Plan, tmp_path: Path) -> None:
    output = tmp_path / "c.h5"
    done = run("correlation", *order(plan_path, plan.points[0].id, output, ranks=3))
    assert done.returncode != 0
    assert "3 MPI ranks but the communicator has 2" in done.stderr
    assert not output.exists()


def test_unknown_point_is_one_line_from_one_rank(plan_path: Path, tmp_path: Path) -> None:
    done = run("correlation", *order(plan_path, "n~3-00000000", tmp_path / "c.h5"))
    assert done.returncode == 2
    assert done.stderr.count("has no point") == 1
    assert "Traceback" not in done.stderr


def test_protocol_that_the_point_lacks(
    valid: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study, plan_path = tmp_path / "s.yaml", tmp_path / "plan.json"
    study.write_text(valid)
    main(["plan", "--config", str(study), "--output", str(plan_path)])
    named = order(plan_path, read_plan(plan_path).points[0].id, tmp_path / "p", ranks=1)
    assert main(["population", *named, "--start", "marcus"]) == 2
    assert "does not ask for the protocol marcus; it asks for current" in capfd.readouterr().err


def test_existing_result_is_kept_before_any_work(
    plan_path: Path, plan: Plan, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "c.h5"
    output.write_text("precious")
    assert main(["correlation", *order(plan_path, plan.points[0].id, output, ranks=1)]) == 2
    said = capfd.readouterr().err
    assert "the file exists" in said
    assert "unknowns" not in said
    assert output.read_text() == "precious"


ADAPTIVE = """\
study: adaptive
accuracy: 0.02
model: {n_sites: 4}
bath: {eta_cm: 100, gamma_cm: 50, terms: 1}
propagation: {duration_fs: 60}
"""


def _planned(text: str, folder: Path) -> tuple[Path, str]:
    study, plan_path = folder / "s.yaml", folder / "plan.json"
    study.write_text(text)
    assert main(["plan", "--config", str(study), "--output", str(plan_path)]) == 0
    return plan_path, read_plan(plan_path).points[0].id


def test_adaptive_correlation_is_the_same_on_one_and_two_ranks(tmp_path: Path) -> None:
    plan_path, point = _planned(ADAPTIVE, tmp_path)
    found = []
    for ranks in (1, 2):
        output = tmp_path / f"c{ranks}.h5"
        done = run("correlation", *order(plan_path, point, output, ranks), ranks=ranks)
        assert done.returncode == 0, done.stderr
        result = read_result(output, kind="correlation")
        assert result.provenance["ranks"] == ranks
        found.append(np.asarray(result.variables["C_JJ"].data))
    assert float(np.max(np.abs(found[1] - found[0]))) < 1e-6 * abs(found[0][0])


def test_limit_reached_ends_all_ranks_with_one_line(tmp_path: Path) -> None:
    text = ADAPTIVE + "resources: {max_unknowns: 150}\n"
    plan_path, point = _planned(text, tmp_path)
    done = run("correlation", *order(plan_path, point, tmp_path / "c.h5"))
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("error: ") == 1
    assert "150 are allowed" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "c.h5").exists()


FAIL_ON_ONE_RANK = """
import sys
from mpi4py import MPI
from smallpolaron.runs import engine_runs
from smallpolaron.cli import main

honest = engine_runs.compute_correlation

def fail_on_last(*arguments, **options):
    if MPI.COMM_WORLD.rank == MPI.COMM_WORLD.size - 1:
        raise MemoryError("only here")
    return honest(*arguments, **options)

engine_runs.compute_correlation = fail_on_last
sys.exit(main(["correlation", *sys.argv[1:]]))
"""


def test_failure_of_one_rank_ends_all(plan_path: Path, plan: Plan, tmp_path: Path) -> None:
    output = tmp_path / "c.h5"
    done = run(*order(plan_path, plan.points[0].id, output), code=FAIL_ON_ONE_RANK)
    assert done.returncode != 0
    assert "rank 1 of 2 failed" in done.stderr
    assert "MemoryError: only here" in done.stderr
    assert not output.exists()


def test_failure_to_write_is_a_failure(
    plan_path: Path, plan: Plan, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    output = tmp_path / "file" / "c.h5"
    assert main(["correlation", *order(plan_path, plan.points[0].id, output, ranks=1)]) == 2
    assert f"error: {output}: cannot be written" in capfd.readouterr().err
