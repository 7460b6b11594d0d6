"""Analysis jobs and tables on synthetic runs, among them runs that give no numbers."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import erf

from smallpolaron.derive.derive import correlation as correlation_of
from smallpolaron.derive.drude_smith_job import drude_smith_result
from smallpolaron.derive.kernel_job import kernel_result
from smallpolaron.derive.mobility_job import MOST_FREQUENCIES, mobility_result
from smallpolaron.derive.result_tables import FINITE_SIZE_COLUMNS, finite_size_rows
from smallpolaron.derive.tables import QUALITY_COLUMNS, quality_rows, write_table
from smallpolaron.model.units import CM_TO_RAD_FS, mobility_cm2, paper_units
from smallpolaron.results.quality import unusable
from smallpolaron.results.store import Result, Variable, read_result, write_result
from smallpolaron.study.sections import AnalysisConfig

Make = Callable[..., Result]
SETTINGS = AnalysisConfig()


def number(result: Result, name: str) -> float:
    return float(result.variables[name].data)


def test_mobility_of_a_known_function(correlation: Make, tmp_path: Path) -> None:
    result = mobility_result(correlation(), SETTINGS)
    D = 4e-3 * math.sqrt(math.pi / 1e-3) / 2 * erf(400 * math.sqrt(1e-3))
    assert number(result, "D") == pytest.approx(D, rel=1e-9)
    assert number(result, "D_paper") == pytest.approx(paper_units(D), rel=1e-9)
    assert number(result, "mobility") == pytest.approx(mobility_cm2(D, 300.0), rel=1e-9)
    write_result(tmp_path / "a.h5", result)
    read_result(tmp_path / "a.h5", kind="mobility")


def with_errors(source: Result, **errors: float) -> Result:
    """Return a run that solved for D and estimates its errors, as adaptive hierarchies do."""
    values = {f"errors/D/{name}": value for name, value in errors.items()} | {"resolvent/D": 0.1}
    unit = "angstrom^2 fs^-1"
    return replace(
        source,
        variables={
            **source.variables,
            **{name: Variable(value, (), unit, "x") for name, value in values.items()},
        },
    )


def test_the_error_is_that_from_all_sources(correlation: Make) -> None:
    source = with_errors(correlation(), total=0.03, finite_time=0.01)
    result = mobility_result(source, SETTINGS)
    assert number(result, "D_error") == 0.03
    assert number(result, "D_paper_error") == paper_units(0.03)
    assert number(result, "mobility_error") == mobility_cm2(0.03, 300.0)
    assert number(result, "D_error_record") < 1e-6
    assert number(result, "D_resolvent_error") == pytest.approx(0.02)
    assert number(result, "mobility_resolvent_error") == pytest.approx(mobility_cm2(0.02, 300.0))
    assert "D_error" not in result.notes
    kernel = kernel_result(source, SETTINGS)
    assert number(kernel, "D_kernel_error") == pytest.approx(0.03, rel=1e-3)


def test_a_failed_linear_solve_leaves_the_end_of_the_record_in_the_error(correlation: Make) -> None:
    cut = correlation(duration_fs=60.0)
    found = mobility_result(with_errors(cut, total=0.03, finite_time=math.nan), SETTINGS)
    record = number(found, "D_error_record")
    assert record > 1e-3
    assert number(found, "D_error") == pytest.approx(0.03 + record)


def test_without_estimates_there_is_no_error_but_a_part_of_it(correlation: Make) -> None:
    result = mobility_result(correlation(), SETTINGS)
    for name in ("D_error", "D_paper_error", "mobility_error", "D_resolvent_error"):
        assert math.isnan(number(result, name))
    assert math.isfinite(number(result, "D_error_record"))
    assert result.notes["D_error"].startswith("not estimated")
    assert math.isnan(number(kernel_result(correlation(), SETTINGS), "D_kernel_error"))


def test_frequencies_are_symmetric_bounded_and_hold_zero(correlation: Make) -> None:
    omega = np.asarray(mobility_result(correlation(), SETTINGS).variables["omega"].data)
    assert len(omega) <= MOST_FREQUENCIES
    assert np.array_equal(omega, -omega[::-1])
    assert omega[len(omega) // 2] == 0
    assert 0.9 < omega[-1] / (4000 * CM_TO_RAD_FS) <= 1
    narrow = AnalysisConfig(frequency_max_cm=500.0)
    few = np.asarray(mobility_result(correlation(), narrow).variables["omega"].data)
    assert few[-1] <= 500 * CM_TO_RAD_FS
    assert len(few) < len(omega)


def test_ac_mobility_meets_dc_mobility(correlation: Make) -> None:
    result = mobility_result(correlation(), SETTINGS)
    sigma = np.asarray(result.variables["mobility_ac"].data)
    assert sigma[len(sigma) // 2].real == pytest.approx(number(result, "mobility"), rel=1e-6)


def test_kernel_gives_back_the_diffusion_constant(correlation: Make, tmp_path: Path) -> None:
    source = correlation()
    result = kernel_result(source, SETTINGS)
    direct = number(mobility_result(source, SETTINGS), "D")
    assert number(result, "D_kernel") == pytest.approx(direct, rel=1e-6)
    assert 0 < number(result, "t_eq_percent_fs") < 400
    assert "±1 %" in result.notes["t_eq_percent_fs"]
    write_result(tmp_path / "a.h5", result)


def test_criteria_of_the_study_are_used(correlation: Make) -> None:
    wide = kernel_result(correlation(), AnalysisConfig(band_percent=20.0))
    narrow = kernel_result(correlation(), AnalysisConfig(band_percent=0.1))
    assert number(wide, "t_eq_percent_fs") < number(narrow, "t_eq_percent_fs")


def test_drude_smith_reports_range_and_verdict(correlation: Make, tmp_path: Path) -> None:
    mobility = mobility_result(correlation(), SETTINGS)
    result = drude_smith_result(mobility, AnalysisConfig(drude_smith_range_fs=(0.0, 200.0)))
    assert number(result, "fit_to_fs") == 200
    assert "Drude" in result.notes["verdict"]
    write_result(tmp_path / "a.h5", result)


def test_parameters_gates_and_provenance_are_carried_over(correlation: Make) -> None:
    source = correlation()
    for result in (
        kernel_result(source, SETTINGS),
        mobility_result(source, SETTINGS),
        drude_smith_result(mobility_result(source, SETTINGS), SETTINGS),
    ):
        assert result.parameters == source.parameters
        assert repr(result.gates) == repr(source.gates)
        assert result.flagged == source.flagged
        assert result.provenance["configuration_hash"] == source.provenance["configuration_hash"]
        assert result.provenance["source"]


def numbers_of(result: Result) -> list[float]:
    return [
        abs(complex(variable.data))
        for name, variable in result.variables.items()
        if variable.dims == () and name not in ("growing_modes",)
    ]


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"grew": True}, "the state grew"), ({"duration_fs": 10.0}, "time_fs")],
    ids=["growing", "too short"],
)
def test_unusable_runs_give_files_without_numbers(
    options: dict[str, float], reason: str, correlation: Make, tmp_path: Path
) -> None:
    source = correlation(**options)
    assert source.flagged
    mobility = mobility_result(source, SETTINGS)
    for result in (
        kernel_result(source, SETTINGS),
        mobility,
        drude_smith_result(mobility, SETTINGS),
    ):
        assert reason in result.notes["reason"]
        assert result.flagged
        assert all(math.isnan(value) for value in numbers_of(result))
        path = tmp_path / f"{result.kind}.h5"
        write_result(path, result)
        usual = {"kernel": kernel_result, "mobility": mobility_result}.get(result.kind)
        if usual:
            assert set(read_result(path).variables) == set(usual(correlation(), SETTINGS).variables)


def test_a_run_of_one_sample_survives(correlation: Make) -> None:
    result = mobility_result(correlation(duration_fs=0.0, grew=True), SETTINGS)
    assert math.isnan(number(result, "D"))


def test_unmeasurable_gates_fail_with_the_reason(correlation: Make) -> None:
    gates = {gate.name: gate for gate in correlation(duration_fs=10.0).gates}
    assert not gates["long_time_decay"].passed
    assert math.isnan(gates["long_time_decay"].value)
    assert "could not be measured" in gates["long_time_decay"].meaning
    assert gates["trace"].passed


def test_only_growth_makes_a_run_unusable(correlation: Make) -> None:
    assert unusable(correlation(grew=True).gates)
    assert not unusable(correlation(duration_fs=10.0).gates)


def mobility_file(make: Make, n: int, D: float, *, depth: int = 3, flagged: bool = False) -> Result:
    base = mobility_result(make(n_sites=n), SETTINGS)
    variables = dict(base.variables)
    for name, value in (("D", D), ("D_paper", paper_units(D)), ("mobility", 10 * D)):
        variables[name] = replace(variables[name], data=value)
    gates = tuple(replace(g, value=0.0, bound=1.0) for g in base.gates)
    if flagged:
        gates = (replace(gates[0], value=2.0), *gates[1:])
    hierarchy = base.parameters["hierarchy"] | {"depth": depth}
    parameters = base.parameters | {"hierarchy": hierarchy, "point": f"{n}-{depth}-{flagged}"}
    return replace(base, variables=variables, gates=gates, parameters=parameters)


def test_finite_size_table(correlation: Make, tmp_path: Path) -> None:
    results = [
        mobility_file(correlation, 6, 0.1000),
        mobility_file(correlation, 3, 0.1300),
        mobility_file(correlation, 5, 0.1002),
        mobility_file(correlation, 4, 0.1100),
    ]
    rows = finite_size_rows(results, SETTINGS)
    assert [row["n_sites"] for row in rows] == [3, 4, 5, 6]
    assert {row["first_converged_percent"] for row in rows} == {5}
    assert rows[0]["difference_percent"] == pytest.approx(30.0)
    write_table(tmp_path / "t.csv", FINITE_SIZE_COLUMNS, rows)
    with (tmp_path / "t.csv").open() as file:
        read = list(csv.DictReader(file))
    assert [float(row["D_A2_fs"]) for row in read] == [0.13, 0.11, 0.1002, 0.1]


def test_flagged_and_shallow_runs_do_not_count(correlation: Make) -> None:
    results = [
        mobility_file(correlation, 4, 0.1001),
        mobility_file(correlation, 5, 0.1000),
        mobility_file(correlation, 5, 0.0500, depth=2),
        mobility_file(correlation, 6, 0.9, flagged=True),
        mobility_file(correlation, 4, 0.7, depth=9, flagged=True),
    ]
    rows = {str(row["point"]): row for row in finite_size_rows(results, SETTINGS)}
    assert {key for key, row in rows.items() if row["used"]} == {
        "4-3-False",
        "5-3-False",
        "6-3-True",
    }
    assert {row["first_converged_percent"] for row in rows.values()} == {4}
    assert all("N = 5" in str(row["reference"]) for row in rows.values())


def test_points_without_numbers_stay_in_the_table(correlation: Make) -> None:
    good = mobility_file(correlation, 4, 0.1)
    bad = mobility_result(correlation(n_sites=5, grew=True), SETTINGS)
    rows = finite_size_rows([bad, good], SETTINGS)
    assert [row["n_sites"] for row in rows] == [4, 5]
    assert math.isnan(float(str(rows[1]["D_A2_fs"])))
    assert "the state grew" in str(rows[1]["remark"])
    only_bad = finite_size_rows([bad], SETTINGS)
    assert only_bad[0]["first_converged_band"] is None


def test_quality_table_holds_every_gate(correlation: Make, tmp_path: Path) -> None:
    results = [correlation(), correlation(duration_fs=10.0)]
    rows = quality_rows(results)
    assert len(rows) == sum(len(r.gates) for r in results)
    write_table(tmp_path / "q.csv", QUALITY_COLUMNS, rows)
    with (tmp_path / "q.csv").open() as file:
        read = list(csv.DictReader(file))
    assert {row["passed"] for row in read} == {"true", "false"}
    assert any(row["value"] == "nan" for row in read)


def test_series_needs_its_variables(correlation: Make) -> None:
    source = correlation()
    incomplete = replace(source, variables={"time_fs": source.variables["time_fs"]})
    with pytest.raises(KeyError):
        correlation_of(incomplete)
