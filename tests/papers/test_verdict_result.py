"""The verdict of a study, from invented result files whose verdict is known."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from papers.anomalous2024.verdict import figure
from papers.anomalous2024.verdict.judge import LATTICES, METHODS, OUTCOMES, Lattice, Method
from papers.anomalous2024.verdict.table import main
from smallpolaron.analysis.gates import Gate
from smallpolaron.figures.runs import read_runs
from smallpolaron.model.units import paper_units
from smallpolaron.results.store import Result, Variable, read_result, write_result
from smallpolaron.runs.point_run import stored_parameters
from smallpolaron.study.physical_system import physics, system_name
from smallpolaron.study.plan import Plan, PlanError, Point, write_plan
from smallpolaron.support.problems import StoreError
from tests.results.completed import completed

PlanOf = Callable[[str], Plan]
NAN = math.nan
D = 0.05
STUDY = """\
study: test
bath: {gamma_cm: 50}
propagation: {duration_fs: 1000}
grid:
  - {name: infinite, model.topology: [infinite], bath.eta_cm: [100, 200]}
  - {model.topology: [ring], model.n_sites: [4, 6, 8], bath.eta_cm: [100]}
  - {model.topology: [ring], model.n_sites: [6], bath.eta_over_v: [2], accuracy: [1e-4]}
  - model.topology: [ring]
    model.n_sites: [20]
    bath.eta_cm: [100]
    protocols: [marcus, franck_condon]
  - model.topology: [chain]
    model.n_sites: [20]
    start_site: [0, 10]
    bath.eta_cm: [100]
    protocols: [marcus]
  - model.topology: [chain]
    model.n_sites: [10]
    bath.eta_cm: [100]
    propagation.duration_fs: [1000, 8000]
  - model.topology: [chain]
    model.n_sites: [2]
    model.hopping_cm: [30]
    bath.eta_cm: [100]
"""


def result(kind: str, point: Point, numbers: dict[str, Any], **more: Any) -> Result:
    """Return a result with these numbers; arrays are over time."""
    variables = {
        key: Variable(value, ("time",) if np.ndim(value) else (), "1", "Number.")
        for key, value in numbers.items()
    }
    start = {"start": more["start"]} if "start" in more else {}
    return Result(
        kind=kind,
        variables=variables,
        parameters={**point.parameters.content(), "point": point.id, "study": "test", **start},
        gates=(
            Gate("stability", float(more.get("grew", False)), 0.0, "growth"),
            Gate("settled", float(more.get("open", False)), 0.5, "end"),
        ),
        provenance=more.get("provenance", {}),
        notes=more.get("notes", {}),
    )


@dataclass
class Folder:
    """A folder of results in the making."""

    path: Path
    plan: Plan

    def points(self, topology: str, n_sites: int, **values: Any) -> list[Point]:
        """Return points by what they are."""

        def fits(point: Point) -> bool:
            p = point.parameters.content()
            flat = {**p["model"], **p["bath"], **p["propagation"], **p}
            wanted = {"topology": topology, "n_sites": n_sites, **values}
            return all(flat[key] == value for key, value in wanted.items())

        return [point for point in self.plan.points if fits(point)]

    def current(self, point: Point, share: Any, *, seconds: float = 1.0, **more: Any) -> None:
        """Write the files of a current; share: D over the true one, or the running integral."""
        time = np.arange(0.0, point.parameters.propagation.duration_fs + 1, 10.0)
        running = share if np.ndim(share) else share * -np.expm1(-time / 50)
        numbers = {"time_fs": time, "D_running": D * running}
        numbers |= {"D": D * running[-1], "D_error": 1e-5, "D_error_record": 1e-6}
        cost = {"n_unknowns": 500, "products_equilibrium": 100, "products_production": 900}
        source = {f"convergence/{key}": value for key, value in cost.items()}
        source |= {"resolvent/products": 11, "resolvent/n_unknowns": 700}
        provenance = {"core_seconds": seconds, "peak_memory_MB": 200.0}
        self._write("mobility", point.id, result("mobility", point, numbers, **more))
        run = result("correlation", point, source, provenance=provenance, **more)
        self._write("correlation", point.id, run)

    def spread(self, point: Point, start: str, share: float, **more: Any) -> None:
        """Write the files of a spreading carrier; NaN: it has no plateau."""
        numbers = {
            "time_fs": np.arange(0.0, 3001.0),
            "plateau_D": D * share,
            "plateau_D_flatness": 1e-4,
            "plateau_from_fs": 400.0 + 0.0 * share,
            "plateau_to_fs": 2000.0 + 0.0 * share,
        }
        notes = {"plateau": "rule; nowhere flat" if math.isnan(share) else "rule"}
        name = f"{point.id}__{start}"
        found = result("spreading", point, numbers, start=start, notes=notes, **more)
        self._write("spreading", name, found)
        provenance = {"core_seconds": more.get("seconds", 30.0)}
        source = {"convergence/products_production": 4000, "convergence/n_unknowns": 9000}
        if "slope_error" in more:
            source["errors/dmsd_dt/total"] = more["slope_error"]  # of the mean slope
            source |= {"time_fs": numbers["time_fs"], "msd": 2 * D * numbers["time_fs"]}
        run = result("population", point, source, start=start, provenance=provenance)
        self._write("population", name, run)

    def _write(self, kind: str, name: str, content: Result) -> None:
        write_result(self.path / kind / f"{name}.h5", completed(content), overwrite=True)

    def command(self, *more: str) -> None:
        names = {"output": "verdict.h5", "table": "verdict.csv", "page": "verdict.html"}
        files = [
            text for key, name in names.items() for text in (f"--{key}", str(self.path / name))
        ]
        main(["--plan", str(self.path / "plan.json"), *files, *more])

    def rows(self) -> list[dict[str, str]]:
        with (self.path / "verdict.csv").open(encoding="utf-8") as stream:
            return list(csv.DictReader(stream))


def filled(path: Path, plan: Plan) -> Folder:
    """Fill a folder with the plan of STUDY and results of all kinds that count."""
    found = Folder(path, plan)
    write_plan(path / "plan.json", plan)
    for point in found.plan.points:
        if point.parameters.model.topology == "infinite":
            found.current(point, 1.0, seconds=40.0)
    shares = {4: 0.9, 6: 0.95, 8: 1.001}
    for n_sites, share in shares.items():
        (point, *_) = found.points("ring", n_sites, accuracy=1e-3)
        found.current(point, share, seconds=float(n_sites))
    found.current(found.points("ring", 6, accuracy=1e-4)[0], 0.998, seconds=60.0)
    (ring,) = found.points("ring", 20)
    found.spread(ring, "marcus", 0.995, slope_error=6e-4)
    found.spread(ring, "franck_condon", NAN, seconds=90.0)
    found.spread(found.points("chain", 20, start_site=0)[0], "marcus", 1.0)
    found.spread(found.points("chain", 20, start_site=10)[0], "marcus", 0.93)
    time = np.arange(0.0, 8001.0, 10.0)
    fall = -np.expm1(-time / 50) * np.exp(-time / 4000)
    for duration in (1000.0, 8000.0):
        (point,) = found.points("chain", 10, duration_fs=duration)
        found.current(point, fall[time <= duration], open=True)
    found.current(found.points("chain", 2)[0], 1.0)
    return found


@pytest.fixture
def folder(plan_of: PlanOf, tmp_path: Path) -> Folder:
    return filled(tmp_path, plan_of(STUDY))


def test_the_verdict_file(folder: Folder) -> None:
    folder.command()
    found = read_result(folder.path / "verdict.h5", kind="verdict")
    assert not found.flagged
    names = found.parameters["system_names"]
    assert len(names) == 3  # eta of 100 and 200, and another hopping
    eta = found.variables["systems/eta_cm"].data
    np.testing.assert_array_equal(eta, [100, 100, 200])
    np.testing.assert_array_equal(found.variables["systems/hopping_cm"].data, [30, 50, 50])
    np.testing.assert_allclose(found.variables["systems/reference_D"].data[1:], D, rtol=1e-6)
    np.testing.assert_array_equal(found.variables["systems/confirmed"].data, [0, 1, 0])
    assert found.parameters["systems"][names[1]]["bath"]["gamma_cm"] == 50

    def column(key: str) -> list[Any]:
        return list(np.asarray(found.variables[f"series/{key}"].data))

    outcomes = {
        (LATTICES[lattice], METHODS[method]): (OUTCOMES[code], n_sites, factor)
        for system, lattice, method, code, n_sites, factor in zip(
            *map(column, ("system", "lattice", "method", "outcome", "n_sites", "cost_factor")),
            strict=True,
        )
        if system == 1
    }
    expected = {
        ("ring", "green_kubo"): ("converged", 6, NAN),  # the more accurate of two rings of 6
        ("ring", "einstein_relaxed"): ("converged", 20, 1.0),
        ("ring", "einstein_unrelaxed"): ("not_converged", NAN, NAN),
        ("chain", "green_kubo"): ("cannot_converge", NAN, NAN),
        ("chain", "einstein_relaxed"): ("not_converged", NAN, NAN),  # from the middle
        ("infinite", "green_kubo"): ("reference", 41, 40 / 30),
    }
    assert outcomes.keys() == expected.keys()
    for key, (outcome, *numbers) in expected.items():
        assert outcomes[key][0] == outcome
        assert outcomes[key][1:] == pytest.approx(numbers, nan_ok=True)
    verdict, series = (found.notes[f"{names[1]}/{key}"] for key in ("verdict", "series"))
    assert "Einstein, relaxed start on the ring, N = 20: 30 core s, 1 times" in verdict
    assert "a window of 41 sites: 40 core s, 1.33 times" in verdict
    assert "at N = 10 it" in series  # not flagged: only the end of the record fails
    assert f"at 8000 fs {100 * math.exp(-2):.3g} % of the reference" in series
    with pytest.raises(StoreError, match="exists"):
        folder.command()


def test_the_table_has_a_row_per_run_that_counts(folder: Folder) -> None:
    folder.current(folder.points("ring", 8)[0], 1.3, grew=True)
    folder.command()
    rows = {
        (row["topology"], row["method"], row["n_sites"]): row
        for row in folder.rows()
        if row["eta_cm"] == "100.0" and row["hopping_cm"] == "50.0"
    }
    assert len(rows) == 8
    six = rows["ring", "green_kubo", "6"]
    assert six["accuracy"] == "0.0001"
    assert float(six["D_A2_fs"]) == pytest.approx(0.998 * D)
    assert float(six["D_paper"]) == pytest.approx(paper_units(0.998 * D))
    assert float(six["deviation_percent"]) == pytest.approx(-0.2)
    assert float(six["deviation_error_percent"]) == pytest.approx(100 * 2e-5 / D)
    assert (six["agrees"], six["certain"], six["outcome"]) == ("true", "true", "converged")
    assert [float(six[key]) for key in ("core_s", "memory_MB", "products", "basis_size")] == [
        60,
        200,
        1011,
        700,
    ]
    assert float(six["needed_fs"]) == 240  # 1 - exp(-t/50) within 1 % of its end
    assert float(six["reference_D_A2_fs"]) == pytest.approx(D)
    bad = rows["ring", "green_kubo", "8"]
    assert (bad["flagged"], bad["agrees"], six["converged_n_sites"]) == ("true", "", "6")
    good, none = (rows["ring", f"einstein_{start}", "20"] for start in ("relaxed", "unrelaxed"))
    assert (float(good["needed_fs"]), good["memory_MB"]) == (800, "nan")  # twice its beginning
    # flatness, and 6e-4 of D, half the mean slope
    assert float(good["D_error_A2_fs"]) == pytest.approx(1.3e-4)
    assert (none["agrees"], none["D_A2_fs"], none["remark"]) == ("false", "nan", "nowhere flat")
    assert float(rows["chain", "einstein_relaxed", "20"]["deviation_percent"]) == pytest.approx(-7)
    chain = rows["chain", "green_kubo", "10"]
    assert (chain["record_fs"], chain["outcome"]) == ("8000.0", "cannot converge")
    assert "however long" in chain["remark"]  # and not: propagate for longer
    page = (folder.path / "verdict.html").read_text(encoding="utf-8")
    assert page.count("<h2>") == 3
    assert "η = 200 cm⁻¹" in page
    assert "γ = 50 cm⁻¹; v = 50 cm⁻¹, 300 K" in page
    assert "nowhere flat" in page
    assert page.count('<tr class="fail">') == 2  # the ring of 8 and the chain of 10


def test_systems_differ_in_physics_only(plan_of: PlanOf) -> None:
    points = plan_of(STUDY).points
    names = {system_name(point.parameters) for point in points}
    assert len(names) == 3
    one = points[0].parameters
    stored = stored_parameters(points[0], "s", start="marcus")
    assert system_name(Result("spreading", {}, stored, (), {}).resolved) == system_name(one)
    assert "n_sites" not in physics(one)["model"]
    for section, key in (("model", "temperature_K"), ("bath", "gamma_cm")):
        other = one.changed(**{section: {key: 77.0}})
        assert system_name(other) != system_name(one)


def test_lattices_of_different_sites_are_left_out(plan_of: PlanOf, tmp_path: Path) -> None:
    text = "study: t\nbath: {eta_cm: 100, gamma_cm: 50}\npropagation: {duration_fs: 100}\n"
    text += "model: {n_sites: 3, topology: chain, site_energies_cm: [0, 10, 0]}\n"
    folder = Folder(tmp_path, plan_of(text))
    write_plan(tmp_path / "plan.json", folder.plan)
    with pytest.raises(PlanError, match="the same hopping, energy"):
        folder.command()


def test_a_missing_or_wrong_file_is_named(folder: Folder) -> None:
    (point,) = folder.points("ring", 8)
    path = folder.path / "mobility" / f"{point.id}.h5"
    path.rename(path.with_suffix(".bak"))
    with pytest.raises(StoreError, match=re.escape(str(path))):
        folder.command()
    (folder.path / "correlation" / path.name).rename(path)
    with pytest.raises(StoreError, match=re.escape(point.id)):
        folder.command()
    assert not (folder.path / "verdict.csv").exists()


def test_the_figure_shows_sizes_and_costs(folder: Folder, tmp_path: Path) -> None:
    folder.command()
    points = [p for p in folder.plan.points if p.group == "infinite"]
    files = [str(tmp_path / "mobility" / f"{point.id}.h5") for point in points]
    stem = tmp_path / "figure"
    arguments = ["--mobility", *files, "--verdict", str(tmp_path / "verdict.h5")]
    figure.main([*arguments, "--band-percent", "1", "--stem", str(stem)])
    with stem.with_suffix(".csv").open(encoding="utf-8") as stream:
        two, four = csv.DictReader(stream)  # eta/v
    assert (two["eta_over_v"], four["eta_over_v"]) == ("2", "4")
    assert (two["green_kubo_ring_n_sites"], two["einstein_relaxed_ring_n_sites"]) == ("6", "20")
    assert two["einstein_unrelaxed_ring_outcome"] == "not converged"
    assert two["green_kubo_chain_outcome"] == "cannot converge"
    assert float(two["green_kubo_core_s"]) == 40
    assert float(two["einstein_relaxed_over_green_kubo"]) == pytest.approx(0.75)
    assert four["green_kubo_ring_outcome"] == "not computed"
    assert (four["green_kubo_infinite_outcome"], four["green_kubo_core_s"]) == ("reference", "nan")
    assert stem.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    assert "Method: HEOM" in stem.with_suffix(".txt").read_text(encoding="utf-8")
    # where there is no size
    verdicts = figure.read_verdicts(tmp_path / "verdict.h5")
    (run,) = read_runs([Path(files[0])])
    cases: list[tuple[Lattice, Method, str]] = [
        ("chain", "green_kubo", "never"),
        ("ring", "einstein_unrelaxed", "> 20"),
        ("chain", "einstein_unrelaxed", "–"),
    ]
    for lattice, method, words in cases:
        assert figure.instead_of_size(verdicts, lattice, method, run) == words
