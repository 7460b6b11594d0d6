"""The report renders, whatever happened to the cases, and says what was measured."""

import json
import re
import subprocess
import sys

import pytest

from benchmarks import random_points, run
from benchmarks.harness import CaseFailed, Measured
from benchmarks.machine import cpu_model
from benchmarks.markdown import bound, number, table


def test_numbers():
    wanted = {0.00123456: "0.00123", 12.3456: "12.3", 1234.5: "1,234", 2.5e-5: "2.50e-05"}
    assert {value: number(value) for value in wanted} == wanted
    assert [number(v) for v in (None, True, 12345, "x", 0.0)] == ["–", "yes", "12,345", "x", "0"]


def test_bounds_that_could_not_be_measured_are_not_met():
    assert bound("a", 1.0, "<=", 1.0)["met"]
    assert not bound("a", 2.0, "<=", 1.0)["met"]
    assert bound("a", 2.0, ">=", 1.0)["met"]
    assert not bound("a", None, "<=", 1.0)["met"]
    assert not bound("a", float("nan"), ">=", 1.0)["met"]


def test_tables_are_rectangular():
    lines = table(("a", "b"), [("x", 1.0), ("y", None)]).splitlines()
    assert {line.count("|") for line in lines} == {3}
    assert lines[1] == "| :-- | --: |"


def test_processor_name():
    text = "processor : 0\nmodel name\t: Some CPU\ncpu family : 6\nmodel : 85\n\nprocessor : 1\n"
    assert cpu_model(text) == "Some CPU (family 6, model 85)"


def test_random_points_are_inside_and_always_the_same():
    chosen = random_points.points(20)
    assert chosen == random_points.points(20)
    for p in chosen:
        assert 0.3 <= p["eta_cm"] / 50 <= 7
        assert 0.29 <= p["gamma_cm"] / 50 <= 4
        assert 150 <= p["temperature_K"] <= 400
        assert 4 <= p["n_sites"] <= 12
        assert 300 <= random_points.duration_fs(p) <= 3000


MACHINE = {
    "date": "2000-01-01 00:00 UTC",
    "cpu": "Some CPU",
    "cores": 2,
    "last_level_cache_mb": 32.0,
    "ram_gb": 16.0,
    "kernel": "Linux",
    "python": "3.11",
    "mpi": "MPI",
    "versions": {"numpy": "2"},
    "commit": "abc",
    "load_before": 0.1,
}
COST = {"wall_s": 2.0, "core_s": 2.0, "peak_mb": 200.0}
CORRELATION = {
    "D": 0.345,
    "D_resolvent": 0.344,
    "D_error": 0.001,
    "D_errors": {"frontier": 1e-3, "bath_terms": None},
    "C_end": 1e-4,
    "terms": 2,
    "labels": 20_000,
    "labels_equilibrium": 500,
    "entries": 100_000,
    "products": 500,
    "compute_s": 1.0,
}
POPULATION = {"errors": {"frontier": 1e-3}, "trace_error": 0.0, **CORRELATION}
RANK = {"labels": 50, "entries": 400, "ghosts": 9, "imports_mb": 100.0, "ready_mb": 120.0}
QUTIP = {"D": 0.89, "ados": 100, "unknowns": 3600}
FMO = {"populations": [[1.0, 0.0], [0.9, 0.1]], "unknowns": 300}
PRODUCT = {
    "labels": 1000,
    "entries": 8000,
    "compact_bytes": 100_000,
    "aij_bytes": 200_000,
    "compact_s": 1e-4,
    "aij_s": 2e-4,
    "triad_bytes_per_s": 1e10,
    "triad_same_size_bytes_per_s": 2e10,
    "difference": 1e-16,
}
PROPAGATION = {"vectors": 2, "error": 1e-5, "products_per_fs": 2.0, "step_fs": 5.0, "seconds": 1.0}
PARTS = {
    "seconds": 60.0,
    "before_first_step_s": 0.2,
    "asked_s": 0.01,
    "labels": 100,
    "products": 500,
}
BOX = {"real": [-0.1, 0.0], "imaginary": 0.4}


class Synthetic:
    """A harness whose cases answer at once."""

    quick = False

    def __init__(self, failing=""):
        self.failing = failing

    def run(self, case, *, ranks=1, timeout_s=0.0, **arguments):
        if case == self.failing:
            raise CaseFailed(f"{case}: exit 1\nout of luck")
        rank = {**RANK, "peak_mb": 200.0 / ranks}
        written = {"seconds": 0.02, "bytes": 3_000_000}
        answers = {
            "checkpoints:population": {
                **PARTS,
                "cpu_seconds": 20.0 if "stop_after_s" in arguments else 59.0,
                "written": [written] if arguments.get("interval_s") is not None else [],
                "finished": "stop_after_s" not in arguments,
            },
            "adaptive:correlation": CORRELATION,
            "adaptive:population": POPULATION,
            "fixed:correlation": {**QUTIP, "products": 100},
            "qutip_ring:correlation": QUTIP,
            "fmo:peer": FMO,
            "fmo:ours": FMO,
            "product:compare": PRODUCT,
            "stream:on_all_ranks": {"bytes_per_s": 1e10},
            "ranks:products": {
                "labels": 100,
                "best_s": 1.0 / ranks,
                "median_s": 1.0 / ranks,
                "norm": 1.0,
                "dot": [1.0, 2.0],
                "ranks": [rank] * ranks,
            },
            "ranks:growing": {
                "labels": 100,
                "seconds": 2.0 / ranks,
                "ranks": [{"ready_mb": 120.0, "peak_mb": 200.0}] * ranks,
            },
            "ranks:partitions": {
                "labels": 100,
                "entries": 800,
                "ados": 20,
                "network": {"entries_per_s": 1e8, "latency_s": 2e-6, "bytes_per_s": 1e10},
                "partitions": [
                    {
                        "ranks": count,
                        "balance": 1.0,
                        "halo_share": 0.1,
                        "halo_bytes": 160,
                        "messages_mean": 1.0,
                        "messages_largest": 1,
                        "product_s": 1.0 / count,
                    }
                    for count in (1, 2)
                ],
            },
            "propagators:compare": {
                "labels": 100,
                "entries": 800,
                "engine_products_per_fs": 3.0,
                "spectrum": {
                    "field_of_values": BOX,
                    "ritz": {**BOX, "values": 80},
                    "largest_damping": 0.1,
                },
                "rows": [
                    {"method": "Taylor", **PROPAGATION},
                    {"method": "PETSc", **PROPAGATION, "products_per_fs": None, "seconds": None},
                ],
            },
            "equilibrium:compare": {
                "labels": 100,
                "solve": {"residual": 1e-9, "products": 100},
                "solve_known": {"residual": 1e-9, "products": 50},
                "propagation": {"residual": 1e-9, "products": 1000, "time_fs": 2000.0},
                "difference": 1e-6,
            },
        }
        return Measured(answers.get(case, {}), 2.0, 2.0, 200.0, [])

    def attempt(self, case, **arguments):
        try:
            return self.run(case, **arguments)
        except CaseFailed as error:
            return str(error)

    def attempt_all(self, case, many, workers):
        return [self.attempt(case, **arguments) for arguments in many]


def report(failing=""):
    sections = {
        name: {"seconds": 60.0, **run._measure(module, Synthetic(failing))}
        for name, module in run.SECTIONS.items()
    }
    return {"quick": False, "machine": MACHINE, "sections": sections}


def test_the_report_renders():
    found = json.loads(json.dumps(report(), allow_nan=False))
    text = run.render(found)
    assert "did not run" not in text
    for module in run.SECTIONS.values():
        assert f"## {module.TITLE}\n" in text
    assert text.count("| Some CPU |") == 1
    # every row of a table has as many cells as its head
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1, block
    statements = {b["what"]: b["met"] for s in found["sections"].values() for b in s["bounds"]}
    assert statements["current: whole job"]
    assert statements["speed of 2 ranks over 1"]
    assert not statements["labels of the basis"]


@pytest.mark.parametrize(
    "case",
    ["adaptive:correlation", "adaptive:population", "qutip_ring:correlation", "product:compare"],
)
def test_the_report_renders_when_cases_fail(case, capsys):
    text = run.render(json.loads(json.dumps(report(case), allow_nan=False)))
    assert "out of luck" in text or "failed" in text
    alone = ("product:compare", "qutip_ring:correlation")
    assert "did not run" not in text or case in alone
    capsys.readouterr()


def test_partial_runs_stay_away_from_the_committed_report(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "COMMITTED", tmp_path / "committed")
    monkeypatch.setattr(run, "SCRATCH", tmp_path / "scratch")
    monkeypatch.setattr(run, "Harness", lambda _quick, _say: Synthetic())
    assert run.main(["--only", "equilibrium"]) == 0
    assert (tmp_path / "scratch" / "report.md").exists()
    assert not (tmp_path / "committed").exists()
    assert run.main([]) == 0
    assert set(json.loads((tmp_path / "committed" / "report.json").read_text())["sections"]) == set(
        run.SECTIONS
    )
    (tmp_path / "committed" / "report.md").unlink()
    assert run.main(["--render"]) == 0
    assert "# Benchmarks" in (tmp_path / "committed" / "report.md").read_text()
    capsys.readouterr()


def test_sections_stay_light():
    """Their process must not be larger than the children whose memory it measures."""
    code = (
        "import sys; import benchmarks.run; "
        "print([m for m in ('numpy', 'numba') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=run.ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
