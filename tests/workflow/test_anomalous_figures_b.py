"""Figures 4 and S2 to S4, regimes and page of the anomalous transport paper, from invented runs."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import synthetic
from conftest import Study

from smallpolaron.analysis.gates import make_gate
from smallpolaron.model.units import paper_units
from smallpolaron.studies.figures import (
    anomalous_fig4,
    anomalous_fig_s2,
    anomalous_fig_s3,
    anomalous_fig_s4,
    anomalous_regimes,
    anomalous_targets,
    paper,
    style,
)
from smallpolaron.studies.figures.pairs import pairs
from smallpolaron.studies.figures.paper_page import Target, comparison
from smallpolaron.studies.figures.runs import Run
from smallpolaron.studies.mobility_job import mobility_result
from smallpolaron.studies.plan import write_plan
from smallpolaron.studies.spreading_job import spreading_result
from smallpolaron.studies.store import Result, Variable, read_result, write_result
from smallpolaron.studies.study import plan_document
from smallpolaron.studies.yamlfile import parse_yaml

STUDY = """\
study: small
model: {topology: ring}
bath: {terms: 0, eta_over_v: 6.46, gamma_over_v: 0.82}
propagation: {duration_fs: 600, sample_fs: 5}
grid:
  - {name: chains_current, model.topology: [chain], model.n_sites: [20]}
  - name: long_current
    model.topology: [chain]
    model.n_sites: [20]
    propagation.duration_fs: [6000]
    propagation.sample_fs: [20]
  - name: chains
    protocols: [marcus, franck_condon]
    model.topology: [chain]
    model.n_sites: [8, 20]
    propagation.duration_fs: [2500]
    propagation.sample_fs: [25]
  - name: wall
    protocols: [marcus, franck_condon]
    model.topology: [chain]
    model.n_sites: [20]
    start_site: [0]
    propagation.duration_fs: [2500]
    propagation.sample_fs: [25]
  - {name: rings_current, model.n_sites: [4, 6, 8]}
  - {name: weak_current, bath.eta_over_v: [0.6], bath.gamma_over_v: [0.5], model.n_sites: [4, 6]}
  - name: rings
    protocols: [marcus, franck_condon]
    model.n_sites: [20]
    bath.eta_over_v: [0.6, 6.46]
    bath.gamma_over_v: [0.5, 0.82]
    propagation.duration_fs: [2500]
    propagation.sample_fs: [25]
  - name: infinite
    protocols: [current, marcus, franck_condon]
    model.topology: [infinite]
    bath.eta_over_v: [0.6, 6.46]
    bath.gamma_over_v: [0.82]
"""
STARTS = ("marcus", "franck_condon")
PERCENT = ["--band-percent", "1"]
Files = Callable[..., list[str]]


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


@pytest.fixture(scope="module")
def files(small: Study) -> Files:
    """Return the files of one kind of a block: by the current, or from some starts."""

    def found(kind: str, block: str, starts: Sequence[str] = (), n_sites: int = 0) -> list[str]:
        points = [
            point
            for point in small.plan.points
            if point.group == block
            and (not n_sites or point.parameters["model"]["n_sites"] == n_sites)
        ]
        endings = [f"__{start}" for start in starts] or [""]
        return [
            str(small.folder / kind / f"{point.id}{ending}.h5")
            for point in points
            for ending in endings
        ]

    return found


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _draw(name: str, arguments: Sequence[str], folder: Path) -> tuple[list[dict[str, str]], str]:
    """Draw a figure; return its table and its caption."""
    module = importlib.import_module(f"smallpolaron.studies.figures.{name}")
    stem = folder / name
    module.main([*arguments, "--stem", str(stem)])
    assert stem.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    assert stem.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    return _table(stem.with_suffix(".csv")), stem.with_suffix(".txt").read_text("utf-8")


def _column(rows: Sequence[dict[str, str]], name: str) -> list[float]:
    return [float(row[name]) for row in rows]


def _flagged(path: str, folder: Path) -> str:
    """Write a copy of a result that fails a gate, under its name."""
    result = read_result(path)
    failed = make_gate("trace", 1.0, 0.1, "the trace drifted")
    copy = folder / Path(path).name
    write_result(copy, replace(result, gates=(*result.gates, failed)))
    return str(copy)


def _fig4(files: Files) -> list[str]:
    return [
        *("--spreading", *files("spreading", "rings", STARTS)),
        *("--infinite", *files("spreading", "infinite", STARTS)),
        *("--mobility", *files("mobility", "infinite")),
    ]


def test_fig4_holds_the_files(files: Files, tmp_path: Path) -> None:
    rows, caption = _draw("anomalous_fig4", [*_fig4(files), *PERCENT], tmp_path)
    for block in ("rings", "infinite"):
        path = files("spreading", block, ("franck_condon",))[0]
        source = read_result(path).variables
        mine = [row for row in rows if row["point"] == Path(path).stem]
        at = np.searchsorted(np.asarray(source["time_fs"].data), _column(mine, "time_fs"))
        for name, column in (("dmsd_dt", "dmsd_dt_A2_fs"), ("alpha", "alpha")):
            expected = np.asarray(source[name].data)[at]
            np.testing.assert_allclose(_column(mine, column), expected, rtol=1e-10)
    by_bath = {(row["eta_over_v"], row["gamma_over_v"]): row for row in rows}
    for path in files("mobility", "infinite"):
        result = read_result(path)
        eta = f"{result.parameters['bath']['eta_cm'] / 50:g}"
        row = by_bath[eta, "0.82"]
        assert float(row["D_green_kubo_A2_fs"]) == pytest.approx(result.variables["D"].data)
    assert by_bath["6.46", "0.5"]["D_green_kubo_A2_fs"] == "nan"
    assert "Tolerance of all rules: 1 %" in caption
    assert "No point is flagged" in caption


def test_fig4_coupling_falls_and_the_bath_gets_faster(files: Files, tmp_path: Path) -> None:
    bad = [_flagged(path, tmp_path) for path in files("spreading", "rings", STARTS)[:2]]
    rings = paper.read([Path(p) for p in [*bad, *files("spreading", "rings", STARTS)[2:]]])
    infinite = paper.read([Path(path) for path in files("spreading", "infinite", STARTS)])
    current = paper.read([Path(path) for path in files("mobility", "infinite")])
    figure = anomalous_fig4.draw(anomalous_fig4.panels(rings, infinite, current))
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    values = [("6.46", "0.5"), ("6.46", "0.82"), ("0.6", "0.5"), ("0.6", "0.82")]
    for title, (eta, gamma) in zip(titles, values, strict=True):
        assert f"= {eta}," in title
        assert f"= {gamma}" in title
    # the two flagged runs are those of the first point: weak coupling, slow bath
    assert [title.endswith("(flagged)") for title in titles] == [False, False, True, False]
    upper = next(axes for axes in figure.axes if axes.get_title() == titles[2])
    crossed = [line.get_label() for line in upper.get_lines() if line.get_marker() == "x"]
    assert crossed == [f"N = 20, {name} equilibration" for name in ("with", "without")]


def test_a_start_that_is_missing_is_told(files: Files, tmp_path: Path) -> None:
    arguments = ["--population", *files("population", "chains", ("franck_condon",), 20)]
    with pytest.raises(ValueError, match=r"no run with start marcus.*protocols of its block"):
        _draw("anomalous_fig_s3", arguments, tmp_path)


def test_fig_s2_holds_the_files_and_says_why_there_is_no_maximum(
    files: Files, tmp_path: Path
) -> None:
    paths = files("spreading", "chains", STARTS)
    bad = _flagged(paths[0], tmp_path)
    rows, caption = _draw("anomalous_fig_s2", ["--spreading", bad, *paths[1:], *PERCENT], tmp_path)
    for path in paths:
        variables = read_result(path).variables
        row, *curve = [row for row in rows if row["point"] == Path(path).stem]
        for name in ("alpha_peak", "alpha_longtime", "alpha_longtime_spread", "tau_R_fs"):
            np.testing.assert_allclose(float(row[name]), variables[name].data, rtol=1e-10)
        at = np.searchsorted(np.asarray(variables["time_fs"].data), _column(curve, "time_fs"))
        np.testing.assert_allclose(_column(curve, "alpha"), variables["alpha"].data[at], rtol=1e-10)
    # alpha of a walk falls from 1: no maximum, but a mean before the end is reached
    assert {row["alpha_peak"] for row in rows if row["remark"]} == {"nan"}
    assert "alpha falls until" in caption
    assert f"Flagged points: {Path(bad).stem} (trace)" in caption


def test_fig_s2_marks_a_flagged_point(files: Files, tmp_path: Path) -> None:
    paths = files("spreading", "chains", STARTS)
    runs = paper.read([Path(_flagged(paths[0], tmp_path)), *map(Path, paths[1:])])
    by_size = anomalous_fig_s2.draw(runs).axes[3]
    hollow = [line for line in by_size.get_lines() if line.get_markerfacecolor() == "none"]
    assert [list(line.get_xdata()) for line in hollow] == [[1 / 8]]
    assert hollow[0].get_markeredgecolor() == style.VERMILION


def test_fig_s3_holds_both_densities_and_their_difference(files: Files, tmp_path: Path) -> None:
    paths = files("population", "chains", STARTS, 20)
    rows, caption = _draw("anomalous_fig_s3", ["--population", *paths], tmp_path)
    relaxed, unrelaxed = (read_result(path).variables for path in paths)
    time = np.asarray(relaxed["time_fs"].data)
    for row in rows[:: len(rows) // 50]:
        at = int(np.searchsorted(time, float(row["time_fs"])))
        site = int(row["site"])
        one, other = (v["populations"].data[at, site] for v in (relaxed, unrelaxed))
        assert float(row["P_with_equilibration"]) == pytest.approx(one, rel=1e-9)
        assert float(row["P_without_equilibration"]) == pytest.approx(other, rel=1e-9)
        assert float(row["difference"]) == pytest.approx(one - other, abs=1e-12)
        assert int(row["distance_in_sites"]) == site - 10
    assert "is at most" in caption
    pair = pairs(paper.read([Path(path) for path in paths]))[0]
    scale = anomalous_fig_s3.draw(pair).axes[2].collections[0].norm
    assert scale.vmin == -scale.vmax
    with pytest.raises(ValueError, match="several points: give those of one"):
        _draw(
            "anomalous_fig_s3", ["--population", *files("population", "chains", STARTS)], tmp_path
        )


def test_fig_s4_has_the_equilibrium_of_the_chain(files: Files, tmp_path: Path) -> None:
    populations = ["--population", *files("population", "wall", STARTS)]
    states = files("correlation", "chains_current")
    rows, caption = _draw("anomalous_fig_s4", [*populations, "--correlation", *states], tmp_path)
    settled = np.real(read_result(states[0]).variables["equilibrium/density_matrix"].data)
    for row in rows[:: len(rows) // 50]:
        assert float(row["equilibrium"]) == settled[int(row["site"]), int(row["site"])]
    assert "Start on site 0 with equilibration, sites at 2500 fs" in caption
    rings = ["--correlation", *files("correlation", "weak_current")]
    with pytest.raises(
        ValueError, match=r"no correlation file of a chain of 20 sites with .*6\.46"
    ):
        _draw("anomalous_fig_s4", [*populations, *rings], tmp_path)


def test_fig_s4_tells_from_which_side_a_site_comes() -> None:
    P = np.array([[0.9, 0.1, 0, 0, 0, 0], [0.35, 0.25, 0.14, 0.15, 0.1095, 0.0005]])
    dP = np.array([[0, 0, 0, 0, 0, 0], [-1e-3, 1e-4, 6e-4, -1e-5, 3e-4, 1e-6]])
    axes = ("time", "site")
    variables = {
        "populations": Variable(P + 0j, axes, "1", "P."),
        "dpopulations": Variable(dP + 0j, axes, "fs^-1", "dP."),
    }
    run = Run("x", Result("population", variables, {}, (), {}), "N = 6")
    assert anomalous_fig_s4.approach(run, np.full(6, 1 / 6)) == {
        "above and falling": [0],
        "above and still rising": [1],
        "below and rising": [2, 4],
        "below and falling": [3],
        "not reached (below 0.001)": [5],
    }


def test_regimes_have_no_gaps_and_keep_their_statements(files: Files, tmp_path: Path) -> None:
    paths = [*files("spreading", "rings", STARTS), *files("spreading", "wall", STARTS)]
    bad = _flagged(paths[0], tmp_path)
    numbers, page = tmp_path / "regimes.csv", tmp_path / "regimes.html"
    anomalous_regimes.main(
        ["--spreading", bad, *paths[1:], "--numbers", str(numbers), "--page", str(page)]
    )
    rows = _table(numbers)
    assert {row["point"] for row in rows} == {Path(path).stem for path in paths}
    for path in paths:
        mine = [row for row in rows if row["point"] == Path(path).stem]
        source = read_result(path)
        assert _column(mine, "from_fs") == [0.0, *_column(mine, "to_fs")[:-1]]
        assert float(mine[-1]["to_fs"]) == 2500
        assert all(row["statement"] == source.notes[row["regime"]] for row in mine)
        plateau = float(source.variables["plateau_D"].data)
        assert float(mine[0]["plateau_D_A2_fs"]) == pytest.approx(plateau, nan_ok=True)
    text = page.read_text("utf-8")
    assert f"Regimes of {len(paths)} runs of populations" in text
    assert "1 are flagged" in text
    assert text.count("(flagged)") == 1


def _page(files: Files, folder: Path, **given: list[str]) -> tuple[list[dict[str, str]], str]:
    inputs = {
        "rings": files("mobility", "rings_current"),
        "weak": files("mobility", "weak_current"),
        "long": files("mobility", "long_current"),
        "infinite": files("mobility", "infinite"),
        "chains": files("spreading", "chains", STARTS),
        "wall": files("spreading", "wall", STARTS),
        "einstein": files("spreading", "infinite", STARTS),
    } | given
    caption = folder / "fig4.txt"
    caption.write_text("What is drawn.\nAnd how.", encoding="utf-8")
    numbers, page = folder / "comparison.csv", folder / "index.html"
    arguments = [word for name, paths in inputs.items() for word in (f"--{name}", *paths)]
    module = importlib.import_module("smallpolaron.studies.figures.anomalous_page")
    arguments += ["--captions", str(caption), "--band-paper-units", "0.002", *PERCENT]
    module.main([*arguments, "--numbers", str(numbers), "--page", str(page)])
    return _table(numbers), page.read_text("utf-8")


def test_page_shows_printed_and_computed_numbers(files: Files, tmp_path: Path) -> None:
    rows, text = _page(files, tmp_path)
    for shown in ("0.337", "1.862", "550", "1600", "1.05", "700", 'src="fig4.png"', "And how."):
        assert shown in text
    by_quantity = {(row["quantity"], row["system"]): row for row in rows}
    largest = read_result(files("mobility", "rings_current")[-1])
    row = by_quantity["integral of C_JJ (paper units)", "ring, N = 8, η/v = 6.46, γ/v = 0.82"]
    D = paper_units(float(largest.variables["D"].data))
    assert float(row["computed"]) == pytest.approx(D)
    assert float(row["difference_percent"]) == pytest.approx(100 * (D / 0.337 - 1))
    assert f"{D:.4g}" in text

    for path in files("spreading", "chains", STARTS, 20):
        result = read_result(path)
        name = "with" if result.parameters["start"] == "marcus" else "without"
        system = f"chain, N = 20, η/v = 6.46, γ/v = 0.82, {name} equilibration"
        for i, percent in enumerate((1, 2, 5, 10)):
            row = by_quantity[f"tau_R, far end filled to {percent} %", system]
            time = float(result.variables["tau_R_tolerance_fs"].data[i])
            assert float(row["computed"]) == pytest.approx(time, nan_ok=True)
            assert float(row["printed"]) == 1600


def test_page_reads_the_long_integral_until_the_record_ends(files: Files, tmp_path: Path) -> None:
    rows, _ = _page(files, tmp_path)
    variables = read_result(files("mobility", "long_current")[0]).variables
    time, D = (np.asarray(variables[name].data) for name in ("time_fs", "D_running"))
    long = [row for row in rows if row["quantity"].startswith("integral of C_JJ up to")]
    for row, at in zip(long[:2], (1000.0, 5000.0), strict=True):
        expected = np.interp(at, time, D) / D.max()
        assert float(row["computed"]) == pytest.approx(expected, rel=1e-9)
        assert row["printed"] == "nan"
    assert [row["computed"] for row in long[2:]] == ["nan", "nan"]
    assert long[-1]["remark"] == "the record ends at 6000 fs"


def test_page_compares_einstein_with_green_kubo(files: Files, tmp_path: Path) -> None:
    """Half the slope of the walk on the infinite lattice is its rate times a^2, exactly."""
    inside, outside = [], []
    for path in files("mobility", "infinite"):
        result = read_result(path)
        D = synthetic.RATES["marcus"] * 25 / 1.004
        variables = result.variables | {"D": replace(result.variables["D"], data=D)}
        write_result(tmp_path / Path(path).name, replace(result, variables=variables))
        inside.append(str(tmp_path / Path(path).name))
    rows, text = _page(files, tmp_path, infinite=inside)
    compared = [row for row in rows if row["quantity"] == "D by Einstein against Green–Kubo"]
    for row in compared:
        ratio = 1.0 if "with equilibration" in row["system"] else 1.5
        assert float(row["computed"]) == pytest.approx(100 * (1.004 * ratio - 1))
        outside.append(row["flagged"])
        assert ("NOT within" in row["remark"]) == (ratio != 1.0)
    assert sorted(outside) == ["false", "false", "true", "true"]
    assert "Einstein against Green–Kubo" in text


def test_the_printed_tau_R_belongs_to_a_filling_of_the_far_end(files: Files) -> None:
    paths = files("spreading", "chains", STARTS, 20)
    found = list(anomalous_targets.chain_times(paper.read([Path(path) for path in paths])))
    tau_P = [target.remark for target in found if "slopes" in target.quantity]
    assert tau_P == 4 * ["the printed time lies after tau_R"]
    for path, name in zip(paths, (", with", ", without"), strict=True):
        result = read_result(path.replace("/spreading/", "/population/"))
        P = np.asarray(result.variables["populations"].data)
        at = int(np.searchsorted(np.asarray(result.variables["time_fs"].data), 1600.0))
        mine = [target for target in found if target.system.endswith(f"{name} equilibration")]
        tau_R = [target.remark for target in mine if "filled" in target.quantity]
        # the carrier starts on site 10 of 0 to 19: site 0 is the far end
        assert tau_R == 4 * [f"the printed time belongs to {100 * 20 * P[at, 0]:.2g} %"]


def test_the_printed_tau_P_belongs_to_a_difference_of_slopes(files: Files) -> None:
    runs = []
    for path in files("spreading", "chains", STARTS, 20):
        result = read_result(path)
        time = np.asarray(result.variables["time_fs"].data)
        excess = np.exp(-time / 300) * (result.parameters["start"] == "marcus")
        changed = {"dmsd_dt": 2.0 + excess, "tau_R_fs": 1500.0}
        variables = {n: replace(result.variables[n], data=d) for n, d in changed.items()}
        variables = {**result.variables, **variables}
        runs.append(Run(Path(path).stem, replace(result, variables=variables), "N = 20"))
    tau_P = next(anomalous_targets.chain_times(runs))
    e = np.exp(-550 / 300)
    assert tau_P.remark == f"the printed time belongs to {100 * e / (2 + e / 2):.2g} %"


def test_runs_without_numbers_are_drawn_and_listed_as_such(
    small: Study, files: Files, tmp_path: Path
) -> None:
    both = []
    for path in files("population", "chains", STARTS, 20):
        result = read_result(path)
        grown = make_gate("stability", 1.0, 0.0, "the state grew")
        both.append(replace(result, gates=(*result.gates, grown)))
    bad = []
    for result, partner in (both, both[::-1]):
        path = tmp_path / f"{result.parameters['point']}__{result.parameters['start']}.h5"
        write_result(path, spreading_result(result, partner, small.plan.analysis))
        bad.append(str(path))
    reason = read_result(bad[0]).notes["reason"]
    current = files("mobility", "infinite")
    arguments = ["--spreading", *bad, "--infinite", *bad, "--mobility", *current, *PERCENT]
    for name, words in (("anomalous_fig4", arguments), ("anomalous_fig_s2", [*arguments[:3]])):
        words = [*words, *(PERCENT if name == "anomalous_fig_s2" else [])]
        _, caption = _draw(name, words, tmp_path)
        assert reason in caption
    rows, _ = _page(files, tmp_path, chains=bad)
    times = [row for row in rows if row["quantity"].startswith("tau_")]
    assert {row["computed"] for row in times} == {"nan"}
    assert all(reason.endswith(row["remark"].rpartition("; ")[2]) for row in times)


def test_a_statement_without_a_printed_number_has_a_dash() -> None:
    nan = float("nan")
    known = Target("Fig. 1", "x", "s", 2.0, 3.0, 0.25, "fs")
    stated = Target("Fig. 2", "y", "s", nan, 0.5, nan, "1")
    text = comparison([known, stated])
    assert "<td>2</td>" in text
    assert "<td>+50.0 %</td>" in text
    assert text.count('<td class="none">–</td>') == 2
    assert "nan" not in text
