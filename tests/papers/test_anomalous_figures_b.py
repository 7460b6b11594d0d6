"""Figures 4 and S2 to S4 and the regimes of the anomalous transport paper, from invented runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from papers.anomalous2024 import fig4, fig_s2, fig_s3, fig_s4, regimes
from papers.anomalous2024.curves import pairs
from papers.shared import figure as paper
from smallpolaron.figures import style
from smallpolaron.figures.runs import Run
from smallpolaron.results.store import Result, Variable, read_result
from tests.papers.anomalous_study import PERCENT, STARTS, Files, column, draw, flagged, table


def _fig4(files: Files) -> list[str]:
    return [
        *("--spreading", *files("spreading", "rings", STARTS)),
        *("--infinite", *files("spreading", "infinite", STARTS)),
        *("--mobility", *files("mobility", "infinite")),
    ]


def test_fig4_holds_the_files(files: Files, tmp_path: Path) -> None:
    rows, caption = draw("fig4", [*_fig4(files), *PERCENT], tmp_path)
    for block in ("rings", "infinite"):
        path = files("spreading", block, ("franck_condon",))[0]
        source = read_result(path).variables
        mine = [row for row in rows if row["point"] == Path(path).stem]
        at = np.searchsorted(np.asarray(source["time_fs"].data), column(mine, "time_fs"))
        for name, heading in (("dmsd_dt", "dmsd_dt_A2_fs"), ("alpha", "alpha")):
            expected = np.asarray(source[name].data)[at]
            np.testing.assert_allclose(column(mine, heading), expected, rtol=1e-10)
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
    bad = [flagged(path, tmp_path) for path in files("spreading", "rings", STARTS)[:2]]
    rings = paper.read([Path(p) for p in [*bad, *files("spreading", "rings", STARTS)[2:]]])
    infinite = paper.read([Path(path) for path in files("spreading", "infinite", STARTS)])
    current = paper.read([Path(path) for path in files("mobility", "infinite")])
    figure = fig4.draw(fig4.panels(rings, infinite, current))
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
        draw("fig_s3", arguments, tmp_path)


def test_fig_s2_holds_the_files_and_says_why_there_is_no_maximum(
    files: Files, tmp_path: Path
) -> None:
    paths = files("spreading", "chains", STARTS)
    bad = flagged(paths[0], tmp_path)
    rows, caption = draw("fig_s2", ["--spreading", bad, *paths[1:], *PERCENT], tmp_path)
    for path in paths:
        variables = read_result(path).variables
        row, *curve = [row for row in rows if row["point"] == Path(path).stem]
        for name in ("alpha_peak", "alpha_longtime", "alpha_longtime_spread", "tau_R_fs"):
            np.testing.assert_allclose(float(row[name]), variables[name].data, rtol=1e-10)
        at = np.searchsorted(np.asarray(variables["time_fs"].data), column(curve, "time_fs"))
        np.testing.assert_allclose(column(curve, "alpha"), variables["alpha"].data[at], rtol=1e-10)
    # alpha of a walk falls from 1: no maximum, but a mean before the end is reached
    assert {row["alpha_peak"] for row in rows if row["remark"]} == {"nan"}
    assert any("alpha falls until" in row["remark"] for row in rows)
    assert f"Flagged points: {Path(bad).stem} (trace)" in caption


def test_fig_s2_marks_a_flagged_point(files: Files, tmp_path: Path) -> None:
    paths = files("spreading", "chains", STARTS)
    runs = paper.read([Path(flagged(paths[0], tmp_path)), *map(Path, paths[1:])])
    by_size = fig_s2.draw(runs).axes[3]
    hollow = [line for line in by_size.get_lines() if line.get_markerfacecolor() == "none"]
    assert [list(line.get_xdata()) for line in hollow] == [[1 / 8]]
    assert hollow[0].get_markeredgecolor() == style.VERMILION


def test_fig_s3_holds_both_densities_and_their_difference(files: Files, tmp_path: Path) -> None:
    paths = files("population", "chains", STARTS, 20)
    rows, caption = draw("fig_s3", ["--population", *paths], tmp_path)
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
    scale = fig_s3.draw(pair).axes[2].collections[0].norm
    assert scale.vmin == -scale.vmax
    with pytest.raises(ValueError, match="several points: give those of one"):
        draw("fig_s3", ["--population", *files("population", "chains", STARTS)], tmp_path)


def test_fig_s4_has_the_equilibrium_of_the_chain(files: Files, tmp_path: Path) -> None:
    populations = ["--population", *files("population", "wall", STARTS)]
    states = files("correlation", "chains_current")
    rows, caption = draw("fig_s4", [*populations, "--correlation", *states], tmp_path)
    settled = np.real(read_result(states[0]).variables["equilibrium/density_matrix"].data)
    for row in rows[:: len(rows) // 50]:
        assert float(row["equilibrium"]) == settled[int(row["site"]), int(row["site"])]
    assert "Start on site 0 with equilibration, sites at 2500 fs" in caption
    rings = ["--correlation", *files("correlation", "weak_current")]
    with pytest.raises(
        ValueError, match=r"no correlation file of a chain of 20 sites with .*6\.46"
    ):
        draw("fig_s4", [*populations, *rings], tmp_path)


def test_fig_s4_tells_from_which_side_a_site_comes() -> None:
    P = np.array([[0.9, 0.1, 0, 0, 0, 0], [0.35, 0.25, 0.14, 0.15, 0.1095, 0.0005]])
    dP = np.array([[0, 0, 0, 0, 0, 0], [-1e-3, 1e-4, 6e-4, -1e-5, 3e-4, 1e-6]])
    axes = ("time", "site")
    variables = {
        "populations": Variable(P + 0j, axes, "1", "P."),
        "dpopulations": Variable(dP + 0j, axes, "fs^-1", "dP."),
    }
    run = Run("x", Result("population", variables, {}, (), {}), "N = 6")
    assert fig_s4.approach(run, np.full(6, 1 / 6)) == {
        "above and falling": [0],
        "above and still rising": [1],
        "below and rising": [2, 4],
        "below and falling": [3],
        "not reached (below 0.001)": [5],
    }


def test_regimes_have_no_gaps_and_keep_their_statements(files: Files, tmp_path: Path) -> None:
    paths = [*files("spreading", "rings", STARTS), *files("spreading", "wall", STARTS)]
    bad = flagged(paths[0], tmp_path)
    numbers, page = tmp_path / "regimes.csv", tmp_path / "regimes.html"
    regimes.main(["--spreading", bad, *paths[1:], "--numbers", str(numbers), "--page", str(page)])
    rows = table(numbers)
    assert {row["point"] for row in rows} == {Path(path).stem for path in paths}
    for path in paths:
        mine = [row for row in rows if row["point"] == Path(path).stem]
        source = read_result(path)
        assert column(mine, "from_fs") == [0.0, *column(mine, "to_fs")[:-1]]
        assert float(mine[-1]["to_fs"]) == 2500
        assert all(row["statement"] == source.notes[row["regime"]] for row in mine)
        plateau = float(source.variables["plateau_D"].data)
        assert float(mine[0]["plateau_D_A2_fs"]) == pytest.approx(plateau, nan_ok=True)
    text = page.read_text("utf-8")
    assert f"Regimes of {len(paths)} runs of populations" in text
    assert "1 are flagged" in text
    mine = [row for row in rows if row["point"] == Path(bad).stem]
    assert text.count('<tr class="fail">') == len(mine)
