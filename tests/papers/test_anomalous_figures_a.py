"""Figures 1 to 3, S1 and S5 of the anomalous transport paper, from invented results."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from papers.anomalous2024 import fig2, rings
from papers.shared import figure as paper
from smallpolaron.analysis.gates import Gate
from smallpolaron.derive.mobility_job import mobility_result
from smallpolaron.figures import style
from smallpolaron.model.units import paper_units
from smallpolaron.planning.study import plan_document
from smallpolaron.results.store import Result, read_result, write_result
from smallpolaron.study.plan import write_plan
from smallpolaron.study.yamlfile import parse_yaml
from tests.results.columns import assert_errors_beside
from tests.workflow import synthetic
from tests.workflow.conftest import Study

STUDY = """\
study: small
model: {topology: chain}
bath: {terms: 0, eta_cm: 323, gamma_cm: 41}
propagation: {duration_fs: 900, sample_fs: 3}
grid:
  - {name: chains_current, model.n_sites: [8, 12]}
  - {name: chains_current, model.n_sites: [6], hierarchy.depth: [3]}
  - {name: long_current, model.n_sites: [12], propagation.duration_fs: [3000]}
  - name: chains
    protocols: [marcus, franck_condon]
    model.n_sites: [8, 20, 40]
    propagation.duration_fs: [3500]
    propagation.sample_fs: [10]
  - name: wall
    protocols: [marcus, franck_condon]
    model.n_sites: [20]
    start_site: [0, 1]
    propagation.duration_fs: [3500]
    propagation.sample_fs: [10]
  - {name: rings_current, model.topology: [ring], model.n_sites: [4, 5, 6, 8]}
  - {name: rings_current, model.topology: [ring], model.n_sites: [3], hierarchy.depth: [3]}
  - {name: infinite, model.topology: [infinite], model.n_sites: [21]}
"""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Render figures once, coarsely: for tests that look at tables and captions."""

    def save(figure: Figure, path: Path) -> None:
        if path.suffix == ".png":
            figure.savefig(path, dpi=40)

    monkeypatch.setattr(style, "save", save)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Study:
    plan = plan_document(parse_yaml(STUDY, "study.yaml"))
    found = Study(tmp_path_factory.mktemp("small"), plan)
    write_plan(found.plan_file, plan)
    synthetic.write_all(found.plan_file)
    for point in plan.with_protocol("current"):
        source = read_result(found.folder / "correlation" / f"{point.id}.h5")
        path = found.folder / "mobility" / f"{point.id}.h5"
        write_result(path, mobility_result(source, plan.analysis))
    synthetic.spread_all(found.plan_file)
    return found


def _files(study: Study, kind: str, block: str) -> list[str]:
    """Return the files of one kind for the points of a block."""
    points = [point for point in study.plan.points if point.group == block]
    found = [path for p in points for path in sorted((study.folder / kind).glob(f"{p.id}*"))]
    assert found
    return [str(path) for path in found]


def _draw(
    folder: Path, name: str, inputs: dict[str, Sequence[str]], *more: str
) -> tuple[list[dict[str, str]], str]:
    """Run the main of a figure; return its table and its caption."""
    stem = folder / name
    arguments = [word for key, files in inputs.items() for word in (f"--{key}", *files)]
    module = importlib.import_module(f"papers.anomalous2024.{name}")
    module.main([*arguments, *more, "--stem", str(stem)])
    assert stem.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    with stem.with_suffix(".csv").open(encoding="utf-8") as stream:
        table = csv.DictReader(stream)
        assert_errors_beside(table.fieldnames or ())
        return list(table), stem.with_suffix(".txt").read_text("utf-8")


def _column(rows: list[dict[str, str]], name: str, **wanted: str) -> list[float]:
    chosen = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    return [float(row[name]) for row in chosen]


def _values(file: str, name: str) -> np.ndarray:
    return np.asarray(read_result(file).variables[name].data)


def _fig1(study: Study) -> dict[str, Sequence[str]]:
    return {
        "mobility": _files(study, "mobility", "chains_current"),
        "long": _files(study, "mobility", "long_current"),
        "reference": _files(study, "mobility", "infinite"),
        "spreading": _files(study, "spreading", "chains"),
    }


@pytest.mark.usefixtures("quick")
def test_fig1_holds_the_integrals_and_slopes_of_the_files(small: Study, tmp_path: Path) -> None:
    inputs = _fig1(small)
    rows, text = _draw(tmp_path, "fig1", inputs, "--band-percent", "1.5")
    for file in (*inputs["mobility"], *inputs["long"]):
        here = {"point": Path(file).stem, "curve": "integral of Re C_JJ"}
        np.testing.assert_allclose(_column(rows, "A2_fs", **here), _values(file, "D_running"))
    for file in inputs["spreading"]:
        here = {"point": Path(file).stem, "curve": "dMSD/dt"}
        slope = _values(file, "dmsd_dt")
        np.testing.assert_allclose(_column(rows, "A2_fs", **here), slope, rtol=1e-10)
        half = [paper_units(x / 2) for x in slope]
        np.testing.assert_allclose(_column(rows, "paper_units", **here), half, rtol=1e-10)
    flags = {(row["point"], row["flagged"]) for row in rows}
    assert {point for point, flag in flags if flag == "true"} == {
        point for point, _ in flags if "depth~3" in point
    }
    assert "(frontier weight)" in text.partition("Flagged points: ")[2]
    assert "exactly 0" in text
    assert "tolerance ± 1.5 %" in text


@pytest.mark.usefixtures("quick")
def test_fig2_draws_the_site_at_the_wall_and_tabulates_both(small: Study, tmp_path: Path) -> None:
    files = [*_files(small, "spreading", "chains"), *_files(small, "spreading", "wall")]
    files = [file for file in files if "n_sites~8_" not in file]
    rows, text = _draw(tmp_path, "fig2", {"spreading": files}, "--band-percent", "1")
    assert {row["start_site"] for row in rows} == {"0", "1", "10", "20"}
    for file in files:
        point = Path(file).stem
        np.testing.assert_allclose(
            _column(rows, "alpha", point=point), _values(file, "alpha"), rtol=1e-10
        )
        assert set(_column(rows, "tau_R_fs", point=point)) == {float(_values(file, "tau_R_fs"))}
    assert "One tolerance, 1 %" in text
    middle, wall, beside = fig2.places(paper.read([Path(file) for file in files]))
    assert [run.n_sites for run in middle.runs] == [20, 20, 40, 40]
    assert {run.parameter("start_site") for run in wall.runs} == {0}
    assert {run.parameter("start_site") for run in beside.runs} == {1}
    upper = fig2.draw(middle, wall, 1.0).axes[1]
    curves = [line.get_ydata() for line in upper.get_lines()]
    drawn = [_values(file, "dmsd_dt") for file in files if "start_site~0" in file]
    assert len(drawn) == 2
    for slope in drawn:
        assert any(np.array_equal(slope, curve) for curve in curves)


@pytest.mark.parametrize(
    ("block", "missing"), [("wall", "in the middle"), ("chains", "at the wall")]
)
def test_fig2_names_the_missing_run_and_its_block(
    small: Study, tmp_path: Path, block: str, missing: str
) -> None:
    with pytest.raises(ValueError, match=missing) as error:
        _draw(
            tmp_path,
            "fig2",
            {"spreading": _files(small, "spreading", block)},
            "--band-percent",
            "1",
        )
    other = {"wall": "chains", "chains": "wall"}[block]
    assert f"add it to the block '{other}'" in str(error.value)


def _rings(study: Study) -> dict[str, Sequence[str]]:
    return {
        "rings": _files(study, "mobility", "rings_current"),
        "infinite": _files(study, "mobility", "infinite"),
    }


def test_rings_stand_against_the_infinite_one_and_the_printed_number(
    small: Study, tmp_path: Path
) -> None:
    inputs = _rings(small)
    rows, text = _draw(tmp_path, "rings", inputs, "--band-paper-units", "0.003")
    assert (tmp_path / "rings.pdf").read_bytes().startswith(b"%PDF")
    assert "n_sites~3__topology~ring__depth~3" in text.partition("Flagged points: ")[2]
    (infinite,) = inputs["infinite"]
    for file in inputs["rings"]:
        point = Path(file).stem
        running = _column(rows, "D_running_paper_units", point=point)
        expected = [paper_units(D) for D in _values(file, "D_running")]
        np.testing.assert_allclose(running, expected, rtol=1e-10)
        difference = paper_units(float(_values(file, "D") - _values(infinite, "D")))
        found = set(_column(rows, "difference_paper_units", point=point))
        assert list(found) == [pytest.approx(difference, rel=1e-9)]
    assert {row["printed_paper_units"] for row in rows} == {"0.337"}
    assert "± 0.003 paper units" in text
    assert "Dashed, printed: 0.337" in text


def test_the_first_size_in_the_band_is_ringed_and_flagged_ones_are_hollow(small: Study) -> None:
    runs = paper.read([Path(file) for file in _rings(small)["rings"]])
    infinite = paper.read([Path(file) for file in _rings(small)["infinite"]])
    found = rings.sizes(runs, infinite, 0.02)
    inside = [
        run.n_sites
        for run in runs
        if not run.flagged and abs(paper_units(run.number("D") - infinite[0].number("D"))) <= 0.02
    ]
    assert found.table.band.n_sites == inside[0]
    right = rings.draw(found).axes[1]
    lines = {str(line.get_label()): line for line in right.get_lines()}
    ring = lines[f"in the band from N = {inside[0]} on"]
    assert list(ring.get_xdata()) == [inside[0]]
    hollow = [line for line in right.get_lines() if line.get_color() == style.VERMILION]
    assert [list(line.get_xdata()) for line in hollow if line.get_marker() == "o"] == [[3]]


def test_rings_of_another_bath_are_refused(small: Study, tmp_path: Path) -> None:
    files, infinite = (_rings(small)[key] for key in ("rings", "infinite"))
    other = read_result(files[0])
    bath = other.parameters["bath"] | {"eta_cm": 99.0}
    _store(tmp_path / "weak.h5", other, other.parameters | {"bath": bath})
    inputs = {"rings": [*files, str(tmp_path / "weak.h5")], "infinite": infinite}
    with pytest.raises(ValueError, match="give runs of one bath"):
        _draw(tmp_path, "rings", inputs, "--band-paper-units", "0.002")


def test_a_ring_without_numbers_is_named_and_an_infinite_one_is_refused(
    small: Study, tmp_path: Path
) -> None:
    files, infinite = (_rings(small)[key] for key in ("rings", "infinite"))
    silent = {}
    for file in (files[0], infinite[0]):
        source = read_result(file.replace("/mobility/", "/correlation/"))
        grown = replace(source, gates=(Gate("stability", 1.0, 0.0, "the state grew"),))
        silent[file] = tmp_path / Path(file).name
        write_result(silent[file], mobility_result(grown, small.plan.analysis))
    some = paper.read([silent[files[0]], *(Path(file) for file in files[1:])])
    found = rings.sizes(some, paper.read([Path(infinite[0])]), 0.002)
    assert len(found.table.rows) == len(files) - 1
    assert "not on every ring" in rings.text(found)
    rings.draw(found)
    with pytest.raises(ValueError, match="no infinite ring has a diffusion constant"):
        rings.sizes(some, paper.read([silent[infinite[0]]]), 0.002)


def _store(path: Path, result: Result, parameters: dict[str, object]) -> None:
    write_result(
        path,
        Result(result.kind, result.variables, parameters, result.gates, result.provenance),
    )


@pytest.mark.usefixtures("quick")
def test_tails_are_those_of_the_files_beside_those_of_a_walk(small: Study, tmp_path: Path) -> None:
    inputs = {
        "correlation": _files(small, "correlation", "chains_current"),
        "long": _files(small, "correlation", "long_current"),
        "reference": _files(small, "mobility", "infinite"),
    }
    rows, text = _draw(tmp_path, "fig_s1", inputs)
    for file in (*inputs["correlation"], *inputs["long"]):
        here = {"point": Path(file).stem}
        C = _values(file, "C_JJ")
        np.testing.assert_allclose(_column(rows, "re_C_JJ_A2_fs2", **here), C.real, rtol=1e-10)
        np.testing.assert_allclose(_column(rows, "im_C_JJ_A2_fs2", **here), C.imag, rtol=1e-10)
        assert max(_column(rows, "walk_A2_fs2", **here)) < 0
    assert {row["record"] for row in rows} == {"chains", "long"}
    assert "exactly 0" in text
