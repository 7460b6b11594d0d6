"""Every figure draws what the files say, and shows flagged runs as flagged."""

from __future__ import annotations

import csv
import importlib
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from papers.shared.comparison import matching
from smallpolaron import cli
from smallpolaron.analysis.gates import Gate
from smallpolaron.api.answers import read_answers, study_answers
from smallpolaron.derive.kernel_job import kernel_result
from smallpolaron.derive.mobility_job import mobility_result
from smallpolaron.derive.study_results import read_study_results
from smallpolaron.figures import finite_size, style, zoom
from smallpolaron.figures.quality import write_quality
from smallpolaron.figures.runs import read_runs, read_study, reference, remarks
from smallpolaron.figures.systems import group, numerics
from smallpolaron.planning.status import _record
from smallpolaron.planning.study import plan_document
from smallpolaron.results import store
from smallpolaron.results.store import read_result, write_result
from smallpolaron.study.plan import write_plan
from smallpolaron.study.yamlfile import parse_yaml
from tests.results.columns import assert_errors_beside
from tests.workflow import synthetic
from tests.workflow.conftest import Study

BAND = ["--band-paper-units", "0.002"]
FIGURES = {
    "current": (["correlation", "mobility"], []),
    "memory_kernel": (["kernel"], []),
    "cutoff": (["kernel", "mobility"], BAND),
    "finite_size": (["mobility"], [*BAND, "--band-percent", "1"]),
    "drude_smith": (["drude_smith", "mobility"], []),
    "conductivity": (["mobility"], []),
}
PRINTED_SYSTEM, OTHER_SYSTEM = 100.0, 323.0


def _draw(name: str, arguments: list[str], folder: Path) -> list[dict[str, str]]:
    """Run the main of a figure; check that it wrote an SVG; return its table."""
    picture, numbers = folder / f"{name}.svg", folder / f"{name}.csv"
    module = importlib.import_module(f"smallpolaron.figures.{name}")
    module.main([*arguments, "--figure", str(picture), "--numbers", str(numbers)])
    assert ET.parse(picture).getroot().tag.endswith("svg")
    with numbers.open(encoding="utf-8") as stream:
        table = csv.DictReader(stream)
        assert_errors_beside(table.fieldnames or ())
        return list(table)


def _arguments(study: Study, name: str, eta_cm: float) -> list[str]:
    kinds, more = FIGURES[name]
    found = list(more)
    for kind in kinds:
        found += [f"--{kind.replace('_', '-')}", *study.files(kind, eta_cm)]
    return found


@pytest.mark.parametrize("eta_cm", [PRINTED_SYSTEM, OTHER_SYSTEM])
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_names_every_run_and_its_flag(
    study: Study, tmp_path: Path, name: str, eta_cm: float
) -> None:
    rows = _draw(name, _arguments(study, name, eta_cm), tmp_path)
    flags = {row["point"]: row["flagged"] for row in rows}
    shallow = {point: ("true" if "depth~3" in point else "false") for point in study.points(eta_cm)}
    assert flags == shallow


def test_equal_numbers_give_equal_files(study: Study, tmp_path: Path) -> None:
    arguments = _arguments(study, "current", OTHER_SYSTEM)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        _draw("current", arguments, tmp_path / folder)
    first, second = (tmp_path / folder / "current.svg" for folder in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_settings_of_the_user_do_not_enter(study: Study, tmp_path: Path) -> None:
    settings = "text.usetex: True\nfont.family: cursive\naxes.facecolor: black\nbackend: TkAgg\n"
    settings += "axes.formatter.use_locale: True\nsavefig.bbox: tight\nsavefig.facecolor: red\n"
    (tmp_path / "matplotlibrc").write_text(settings, encoding="utf-8")
    notebook = {"MPLBACKEND": "module://of_a_notebook.backend_inline"}
    pictures = {}
    for name, more in (
        ("plain", {"MATPLOTLIBRC": os.devnull}),
        ("own", {"MATPLOTLIBRC": str(tmp_path / "matplotlibrc"), **notebook}),
    ):
        picture, numbers = tmp_path / f"{name}.svg", tmp_path / f"{name}.csv"
        command = [sys.executable, "-m", "smallpolaron.figures", "current"]
        command += [*_arguments(study, "current", OTHER_SYSTEM), "--figure", str(picture)]
        env = {**os.environ, **more}
        subprocess.run([*command, "--numbers", str(numbers)], env=env, check=True)
        pictures[name] = picture.read_bytes()
    assert pictures["own"] == pictures["plain"]


def test_table_of_the_current_holds_the_file(study: Study, tmp_path: Path) -> None:
    rows = _draw("current", _arguments(study, "current", OTHER_SYSTEM), tmp_path)
    file = read_result(study.files("correlation", OTHER_SYSTEM)[0])
    C = np.array([complex(float(r["re_C_JJ_A2_fs2"]), float(r["im_C_JJ_A2_fs2"])) for r in rows])
    np.testing.assert_allclose(C, file.variables["C_JJ"].data, rtol=1e-10, atol=1e-20)


def test_displacement_starts_at_zero_and_saturates(study: Study, tmp_path: Path) -> None:
    files = sorted(str(path) for path in (study.folder / "population").glob("*.h5"))
    rows = _draw("displacement", ["--population", *files], tmp_path)
    for start in ("franck_condon", "marcus"):
        msd = [float(row["msd_A2"]) for row in rows if row["start"] == start]
        # a ring of 4: distances 0, 1, 2, 1 lattice constants of 5 angstrom, equally likely
        assert msd[0] == pytest.approx(0, abs=1e-12)
        assert msd[-1] == pytest.approx((0 + 25 + 100 + 25) / 4, rel=1e-3)


def test_finite_size_leaves_the_flagged_run_out(study: Study) -> None:
    runs = read_runs([Path(path) for path in study.files("mobility", PRINTED_SYSTEM)])
    series = finite_size.series_of(runs, 0.002, 1.0)
    assert [run.n_sites for run in series[0].runs] == [4, 5, 6]
    assert [row.flagged for row in series[1].table.rows] == [True]
    axes = finite_size.draw(runs, series, 0.002).axes[0]
    lines = {str(found.get_label()): found.lines[0] for found in axes.containers}
    hollow = lines["depth 3 (flagged)"]
    assert hollow.get_markerfacecolor() == "none"
    assert hollow.get_linestyle() == "None"
    assert list(lines["depth 10"].get_xdata()) == [4, 5, 6]


def test_flagged_runs_are_named_with_the_gate_and_never_the_reference(study: Study) -> None:
    runs = read_runs([Path(path) for path in study.files("mobility", PRINTED_SYSTEM)])
    assert remarks(runs) == ["N = 4, depth 3 (frontier weight)"]
    assert reference(runs).label == "N = 6, depth 10"
    assert reference([run for run in runs if run.n_sites == 4]).label == "N = 4, depth 10"
    looks = style.line_styles([False, True, False])
    assert looks[0]["linestyle"] == looks[2]["linestyle"] == "-"
    assert looks[1]["linestyle"] != "-"
    assert looks[1]["color"] == style.VERMILION


MIXED = """\
study: mixed
model: {topology: ring}
bath: {terms: 0, eta_over_v: 2, gamma_over_v: 1}
propagation: {duration_fs: 600}
grid:
  - {model.n_sites: [4, 5]}
  - {model.n_sites: [5], accuracy: [1e-4]}
  - {model.n_sites: [5], hierarchy.depth: [10]}
  - {model.topology: [infinite], model.n_sites: [21]}
"""


@pytest.fixture
def mixed(tmp_path: Path) -> Study:
    plan = plan_document(parse_yaml(MIXED, "study.yaml"))
    found = Study(tmp_path / "mixed", plan)
    write_plan(found.plan_file, plan)
    synthetic.write_all(found.plan_file)
    synthetic.analyse_all(found.plan_file)
    return found


def test_adaptive_runs_are_labelled_by_accuracy(mixed: Study) -> None:
    files = [mixed.folder / "mobility" / f"{point.id}.h5" for point in mixed.plan.points]
    runs = read_runs(files[:4])
    assert [run.label for run in runs if run.n_sites == 4] == ["N = 4, accuracy 0.001"]
    assert {run.label for run in runs if run.n_sites == 5} == {
        "N = 5, accuracy 0.001",
        "N = 5, accuracy 0.0001",
        "N = 5, depth 10",
    }
    assert reference(runs).label == "N = 5, accuracy 0.0001"
    assert [run.label for run in read_runs(files[:2])] == ["N = 4", "N = 5"]
    assert [run.label for run in read_runs(files[4:])] == ["N = ∞ (window 21)"]
    series = finite_size.series_of(runs, 0.002, 1.0)
    assert series[0].name == "accuracy 0.001"
    bars = finite_size.draw(runs, series, 0.002).axes[0].containers[0].lines[2][0].get_segments()
    run = series[0].runs[0]
    height = bars[0][1][1] - bars[0][0][1]
    assert height == pytest.approx(2 * run.mobility(0.0021))
    for name in ("finite_size", "cutoff"):
        _draw(name, [*_of_kinds(mixed, name, files[4:]), *FIGURES[name][1]], mixed.folder)


def _of_kinds(study: Study, name: str, files: list[Path]) -> list[str]:
    found = []
    for kind in FIGURES[name][0]:
        found += [f"--{kind}", *(str(study.folder / kind / path.name) for path in files)]
    return found


def test_captions_say_how_the_hierarchy_was_chosen(mixed: Study) -> None:
    parameters = [point.parameters for point in mixed.plan.points[:4]]
    text = numerics(parameters)
    assert "adaptive hierarchy with accuracy 0.0001, 0.001 and hierarchy depth 10, " in text
    assert numerics(parameters[3:]).startswith("hierarchy depth 10, ")
    infinite = group([("x", mixed.plan.points[4].parameters)])[0]
    assert infinite.title.startswith("infinite ring, ")
    assert infinite.description.startswith("Infinite ring, ")


def test_comparison_names_accuracy_and_infinite_size(mixed: Study) -> None:
    comparison = importlib.import_module("papers.shared.comparison")
    text = "".join(comparison.page(read_study(mixed.plan, mixed.folder))[1])
    assert "accuracy 0.0001" in text
    assert "depth 10" in text
    assert "∞" in text


def test_a_run_without_numbers_is_drawn_as_such(study: Study, tmp_path: Path) -> None:
    source = read_result(study.files("correlation", OTHER_SYSTEM)[0])
    grown = Gate("stability", 1.0, 0.0, "the state grew")
    bad = replace(source, gates=(grown,))
    point = study.points(OTHER_SYSTEM)[0]
    files = {}
    for kind, result in {
        "correlation": bad,
        "mobility": mobility_result(bad, study.plan.analysis),
        "kernel": kernel_result(bad, study.plan.analysis),
    }.items():
        files[kind] = str(tmp_path / kind / f"{point}.h5")
        write_result(files[kind], result)
    for name in ("current", "memory_kernel", "cutoff", "finite_size", "conductivity"):
        kinds, more = FIGURES[name]
        arguments = list(more)
        for kind in kinds:
            arguments += [f"--{kind}", files[kind]]
        _draw(name, arguments, tmp_path)
    runs = read_runs([Path(files["mobility"])])
    assert remarks(runs) == ["N = 4 (stability, no numbers)"]


def test_quality_page_shows_every_gate_and_the_failed_one(study: Study, tmp_path: Path) -> None:
    write_quality(read_study_results(study.folder), tmp_path)
    text = (tmp_path / "quality.html").read_text(encoding="utf-8")
    assert "6 of 7 runs pass every quality gate" in text
    assert text.count("✗ flagged") == 1
    assert text.count("✓ trusted") == 6
    with (tmp_path / "quality.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    failed = [row for row in rows if row["passed"] == "false"]
    assert [(row["gate"], "depth~3" in row["point"]) for row in failed] == [
        ("frontier_weight", True)
    ]
    runs = read_study(study.plan, study.folder)
    assert len(rows) == sum(len(run.result.gates) for run in runs)


def test_what_is_about_all_results_reads_each_once(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: Counter[str] = Counter()
    opening = store._open

    def counting(path: Path) -> Any:
        opened[f"{path.parent.name}/{path.stem}"] += 1
        return opening(path)

    monkeypatch.setattr("smallpolaron.results.store._open", counting)
    _record.cache_clear()
    tables = ["tables", "--plan", str(study.plan_file), "--output-folder", str(tmp_path)]
    assert cli.main([*tables, "--figures-folder", str(tmp_path)]) == 0
    assert len(opened) == len(list(study.folder.glob("*/*.h5")))
    # whether a mobility can be shown is known before any is read for its numbers
    assert {name for name, count in opened.items() if count > 1} == {
        f"mobility/{point.id}" for point in study.plan.with_protocol("current")
    }
    assert max(opened.values()) == 2
    # as text: errors that are not known are NaN
    assert repr(read_answers(tmp_path / "answers.json")) == repr(study_answers(study.folder))


def test_a_mobility_is_an_answer_before_the_rest_of_the_analysis(
    study: Study, tmp_path: Path
) -> None:
    whole = study_answers(study.folder)
    part = tmp_path / study.folder.name
    shutil.copytree(study.folder, part, ignore=shutil.ignore_patterns("kernel", "drude_smith"))
    found = study_answers(part)
    assert {repr(each) for each in found.systems} == {repr(each) for each in whole.systems}
    assert set(found.missing) == set(whole.missing)


def test_nothing_is_read_for_which_no_paper_printed_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_document(parse_yaml(MIXED.replace("eta_over_v: 2", "eta_over_v: 3"), "study.yaml"))
    write_plan(tmp_path / "plan.json", plan)
    synthetic.write_all(tmp_path / "plan.json")
    monkeypatch.setattr("smallpolaron.results.store._open", None)
    _record.cache_clear()
    comparison = importlib.import_module("papers.shared.comparison")
    files = {name: str(tmp_path / name) for name in ("plan.json", "c.html", "c.csv")}
    comparison.main(
        ["--plan", files["plan.json"], "--figure", files["c.html"], "--numbers", files["c.csv"]]
    )
    assert "No paper printed a number" in (tmp_path / "c.html").read_text(encoding="utf-8")


def test_printed_numbers_stand_beside_ours_with_both_sizes(study: Study, tmp_path: Path) -> None:
    comparison = importlib.import_module("papers.shared.comparison")
    page, numbers = tmp_path / "c.html", tmp_path / "c.csv"
    comparison.main(
        ["--plan", str(study.plan_file), "--figure", str(page), "--numbers", str(numbers)]
    )
    with numbers.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    found = {(row["quantity"], row["n_sites"], row["printed_n_sites"]) for row in rows}
    assert ("c", "6", "6") in found
    assert ("D_paper", "4", "15") in found
    D = read_result(study.files("mobility", OTHER_SYSTEM)[0]).variables["D_paper"].data
    row = next(row for row in rows if row["quantity"] == "D_paper")
    assert float(row["computed"]) == pytest.approx(float(D))
    assert float(row["difference_percent"]) == pytest.approx(100 * (float(D) / 0.337 - 1))


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("model", "topology", "chain"),
        ("model", "hopping_cm", 60.0),
        ("model", "hopping_cm", [50.0, 50.0, 40.0]),
        ("model", "temperature_K", 200.0),
        ("model", "lattice_constant_A", 4.0),
        ("bath", "eta_cm", 110.0),
        ("bath", "gamma_cm", 41.0),
    ],
)
def test_printed_numbers_hold_for_one_system_only(
    study: Study, section: str, key: str, value: object
) -> None:
    parameters = study.plan.points[0].parameters
    assert {p.quantity for p in matching(parameters)} == {"c", "k"}
    changed = parameters.changed(**{section: {key: value}})
    assert matching(changed) == []


def test_systems_group_sizes_and_depths_but_not_physics(study: Study) -> None:
    points = [(p.id, p.parameters) for p in study.plan.points]
    systems = group(points)
    assert [len(system.points) for system in systems] == [4, 2]
    assert len({system.name for system in systems}) == 2
    identifier, parameters = points[0]
    colder = parameters.changed(model={"temperature_K": 200.0})
    assert len(group([(identifier, parameters), ("other", colder)])) == 2
    assert group(points[:1])[0].name == systems[0].name


def test_synthetic_results_pass_the_gates_they_should(study: Study) -> None:
    point = study.plan.points[0]
    failed = [gate.name for gate in synthetic.correlation(point, "x").gates if not gate.passed]
    assert failed == []


def test_curves_to_zoom_into_are_those_of_the_figures(study: Study, tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    zoom.main(["--plan", str(study.plan_file), "--figure", str(tmp_path / "zoom.html")])
    page = (tmp_path / "zoom.html").read_text(encoding="utf-8")
    systems = group([(p.id, p.parameters) for p in study.plan.with_protocol("current")])
    assert page.count("Plotly.newPlot(") == 3 * len(systems)
    assert len(page) < 8e6  # one copy of the library
    assert not re.search(r'<(script|link)[^>]+(src|href)="http', page)
    runs = read_runs([*map(Path, study.files("kernel", PRINTED_SYSTEM))])
    plotted, first = zoom.plot(runs, zoom.SHOWN[1]), runs[0]
    np.testing.assert_allclose(plotted.data[0].y, first.array("K").real, rtol=1e-6)
    np.testing.assert_allclose(plotted.data[1].y, first.array("K").imag, rtol=1e-6)


def test_without_plotly_the_page_says_so(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)
    zoom.main(["--plan", str(study.plan_file), "--figure", str(tmp_path / "zoom.html")])
    page = (tmp_path / "zoom.html").read_text(encoding="utf-8")
    assert "Plotly.newPlot(" not in page
    assert "smallpolaron[workflow]" in page
