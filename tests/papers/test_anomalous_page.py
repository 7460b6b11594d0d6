"""The page of the anomalous transport paper: printed and computed numbers, from invented runs."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from papers.anomalous2024 import targets
from papers.shared import figure as paper
from papers.shared.page import Target, comparison
from smallpolaron.analysis.gates import Gate
from smallpolaron.derive.spreading_job import spreading_result
from smallpolaron.figures.runs import Run
from smallpolaron.model.units import paper_units
from smallpolaron.results.store import read_result, write_result
from smallpolaron.support.numbers import with_error
from tests.papers.anomalous_study import PERCENT, STARTS, Files, draw, table
from tests.workflow import synthetic
from tests.workflow.conftest import Study


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
    module = importlib.import_module("papers.anomalous2024.page")
    arguments += ["--captions", str(caption), "--band-paper-units", "0.002", *PERCENT]
    module.main([*arguments, "--numbers", str(numbers), "--page", str(page)])
    return table(numbers), page.read_text("utf-8")


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
    error = paper_units(float(largest.variables["D_error"].data))
    assert with_error(D, error) in text

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
    found = list(targets.chain_times(paper.read([Path(path) for path in paths])))
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
    tau_P = next(targets.chain_times(runs))
    e = np.exp(-550 / 300)
    assert tau_P.remark == f"the printed time belongs to {100 * e / (2 + e / 2):.2g} %"


def test_runs_without_numbers_are_drawn_and_listed_as_such(
    anomalous: Study, files: Files, tmp_path: Path
) -> None:
    both = []
    for path in files("population", "chains", STARTS, 20):
        result = read_result(path)
        grown = Gate("stability", 1.0, 0.0, "the state grew")
        both.append(replace(result, gates=(*result.gates, grown)))
    bad = []
    for result, partner in (both, both[::-1]):
        path = tmp_path / f"{result.parameters['point']}__{result.parameters['start']}.h5"
        write_result(path, spreading_result(result, partner, anomalous.plan.analysis))
        bad.append(str(path))
    reason = read_result(bad[0]).notes["reason"]
    current = files("mobility", "infinite")
    arguments = ["--spreading", *bad, "--infinite", *bad, "--mobility", *current, *PERCENT]
    for name, words in (("fig4", arguments), ("fig_s2", [*arguments[:3]])):
        words = [*words, *(PERCENT if name == "fig_s2" else [])]
        _, caption = draw(name, words, tmp_path)
        assert reason in caption
    rows, _ = _page(files, tmp_path, chains=bad)
    times = [row for row in rows if row["quantity"].startswith("tau_")]
    assert {row["computed"] for row in times} == {"nan"}
    assert all(reason.endswith(row["remark"].rpartition("; ")[2]) for row in times)


def test_a_statement_without_a_printed_number_has_a_dash() -> None:
    nan = float("nan")
    known = Target("Fig. 1", "x", "s", 2.0, 3.0, 0.25, "fs", remark="read")
    stated = Target("Fig. 2", "y", "s", nan, 0.5, nan, "1", remark="told")
    text = comparison([known, stated])
    assert "<td>2</td>" in text
    assert "<td>50</td>" in text
    assert text.count("<td>–</td>") == 2
    assert "nan" not in text
