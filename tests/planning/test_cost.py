"""The cost model: what it learns, how far it is right, what it does with evidence, and budgets."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from math import exp, log
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cost import __main__ as cost_tools
from benchmarks.cost.calibrate import calibrate
from benchmarks.cost.check import QUANTITIES, compare, leave_systems_out
from benchmarks.cost.check_report import report
from benchmarks.cost.regression import fit
from smallpolaron.cli import main
from smallpolaron.cost.evidence import correction, finished, job_of
from smallpolaron.cost.features import features
from smallpolaron.cost.model import CostModel, CostModelError, core_speed, read_model, write_model
from smallpolaron.cost.prediction import Range, core_seconds, memory_MB, predict, tightenings
from smallpolaron.cost.records import JobRecord, read_records
from smallpolaron.planning.bill import COLUMNS, all_jobs, bill, bill_lines, overdraft
from smallpolaron.results.store import Result, write_result
from smallpolaron.study.parameters import Parameters
from smallpolaron.study.plan import Plan
from smallpolaron.support.problems import StoreError
from tests.results.completed import completed

STUDY = """\
study: test
accuracy: 1e-3
model: {n_sites: 10}
bath: {eta_over_v: 4, gamma_over_v: 1}
propagation: {duration_fs: 600}
"""


@pytest.fixture(scope="module")
def records() -> list[JobRecord]:
    """Jobs of both paper studies and of the calibration as they ran.

    The smallest of every system and start, of currents also the largest.
    """
    path = Path(__file__).with_name("cost_jobs.json")
    return [
        JobRecord(**item | {"parameters": Parameters.model_validate(item["parameters"])})
        for item in json.loads(path.read_text(encoding="utf-8"))
    ]


@pytest.fixture(scope="module")
def model(records: list[JobRecord]) -> CostModel:
    return calibrate(records, speed=1.0)


@pytest.fixture
def point(plan_of: Callable[[str], Plan]) -> Callable[..., Parameters]:
    def make(**changes: str) -> Parameters:
        text = STUDY
        for old, new in changes.items():
            key = old.replace("__", ": ")
            assert key in text
            text = text.replace(key, new)
        return plan_of(text).points[0].parameters

    return make


def test_fit_recovers_a_power_law_in_spite_of_jobs_that_compiled() -> None:
    rng = np.random.default_rng(2)
    x = rng.uniform(-1, 1, 60)
    logs = 3 + 2 * x + rng.normal(0, 0.1, 60)
    logs[7] += 4
    found = fit(("1", "x"), [{"1": 1.0, "x": v} for v in x], logs, list(range(60)))
    assert found.coefficients == pytest.approx((3, 2), abs=0.1)
    assert found.spread == pytest.approx(0.1, rel=0.3)
    assert found.deviation({"1": 1.0, "x": 20.0}) > 2 * found.deviation({"1": 1.0, "x": 0.0})


def test_fit_needs_two_systems() -> None:
    with pytest.raises(ValueError, match="two systems"):
        fit(("1",), [{"1": 1.0}] * 3, np.zeros(3), ["a"] * 3)


def test_systems_left_out_are_estimated_within_a_factor_of_two(records: list[JobRecord]) -> None:
    found = leave_systems_out(records)
    assert len(found) == len(records)
    for quantity in QUANTITIES:
        known = [near for each in found if (near := each.near(quantity)) is not None]
        assert len(known) > 0.9 * len(found)
        assert np.mean(known) >= 0.8, quantity
    for quantity in ("labels", "core_seconds"):
        assert np.mean([each.inside(quantity) for each in found]) >= 0.85, quantity


def test_systems_left_out_are_unknown_to_their_estimates(records: list[JobRecord]) -> None:
    chosen = next(r for r in records if r.protocol == "current")
    false = replace(chosen, labels=1000 * chosen.labels, products=9 * chosen.products)
    others = [record for record in records if record is not chosen]
    truth, lie = (leave_systems_out([record, *others])[0] for record in (chosen, false))
    assert lie.expected == truth.expected


def test_report_holds_every_job_and_says_what_was_shown(
    records: list[JobRecord], model: CostModel
) -> None:
    unseen = [replace(record, memory_MB=None) for record in records]
    found = compare(model, unseen)
    text = report("the command", ("mori2024", "more"), found, found)
    assert "Written by `the command`" in text
    assert "mori2024, more" in text
    assert all(text.count(record.name) >= 1 for record in records)
    first = found[0]
    true, ratio = first.record.products, first.ratio("products")
    assert f"{first.expected['products'].expected:,.0f} / {true:,.0f} = {ratio:.2f}" in text
    assert " / unknown |" in text


def test_sizes_of_files_and_memory_are_near(records: list[JobRecord], model: CostModel) -> None:
    for record in records:
        job = job_of(record)
        size = predict(model, job).file_bytes
        assert size.expected == pytest.approx(record.file_bytes, rel=0.35)
        if record.memory_MB is not None:
            known = memory_MB(
                job.family,
                model.family(job.family),
                job.samples,
                Range(record.labels),
                record.ranks,
            )
            assert 0.5 < known.expected / record.memory_MB < 2


def test_ranks_share_labels_and_each_start_the_program(
    point: Callable[..., Parameters], model: CostModel
) -> None:
    job = features(point(), "current")
    family, labels = model.family("current"), Range(1e7, 1.5)
    one, two = (
        memory_MB(job.family, family, job.samples, labels, ranks).expected for ranks in (1, 2)
    )
    assert two - family.base_MB == pytest.approx((one - family.base_MB) / 2)
    seconds = [core_seconds(model, Range(50.0, 2.0), ranks) for ranks in (1, 2)]
    assert seconds[1].expected - seconds[0].expected == pytest.approx(model.start_s)
    assert seconds[0].high == pytest.approx(100 + 1.5 * model.start_s)


@pytest.mark.parametrize(
    "harder",
    [
        {"accuracy__1e-3": "accuracy: 2e-4"},
        {"gamma_over_v__1": "gamma_over_v: 0.5"},
        {"duration_fs__600": "duration_fs: 3000"},
        {"n_sites__10": "n_sites: 10, topology: chain"},
    ],
)
def test_harder_jobs_take_more(
    harder: dict[str, str], point: Callable[..., Parameters], model: CostModel
) -> None:
    easy, hard = (predict(model, features(p, "current")) for p in (point(), point(**harder)))
    assert hard.work_s.expected > easy.work_s.expected
    if "duration_fs__600" not in harder:
        assert hard.labels.expected > easy.labels.expected


def test_nothing_is_certain_far_from_the_calibration(
    point: Callable[..., Parameters], model: CostModel
) -> None:
    near = predict(model, features(point(), "current"))
    far = predict(model, features(point(eta_over_v__4="eta_over_v: 400"), "current"))
    assert far.labels.factor > 2 * near.labels.factor
    assert near.labels.low < near.labels.expected < near.labels.high


def test_estimates_of_what_no_computer_can_do_are_numbers(plan_of: Callable[[str], Plan]) -> None:
    plan = plan_of(
        "study: far\nmodel: {topology: infinite, temperature_K: 1000}\nprotocols: [marcus]\n"
        "bath: {kind: brownian, eta_cm: 100, gamma_cm: 50, frequency_cm: 1e-9, terms: 0}\n"
        "propagation: {duration_fs: 1e6, sample_fs: 100}\n"
    )
    (item,) = bill(plan, all_jobs(plan))
    assert 0 < item.need.core_hours.low < item.need.core_hours.high < 1e40
    assert item.need.labels.expected >= 1


def test_thresholds_too_loose_for_the_accuracy_are_tightened(
    point: Callable[..., Parameters], model: CostModel
) -> None:
    job = features(point(), "marcus")
    family = model.family("population")
    steps = [tightenings(family, replace(job, threshold=g))[0] for g in (1e-7, 1e-4, 1e-3, 0.3)]
    assert steps[0] < 0.1
    assert steps == sorted(steps)
    assert steps[-1] > 3.9
    # whoever asks for too little at first ends with the basis that the accuracy needs
    loose = predict(model, job.tightened(-2)).labels.expected
    assert loose == pytest.approx(predict(model, job).labels.expected, rel=0.5)
    assert job.tightened(2).threshold == pytest.approx(job.threshold / 9)


def test_finished_jobs_correct_similar_ones_only(
    records: list[JobRecord], model: CostModel
) -> None:
    chosen = next(r for r in records if r.protocol == "current")
    job = job_of(chosen)
    expected = exp(model.family("current").fits["labels"].at(job.values)) * job.copies
    larger = replace(chosen, labels=3 * expected)
    known = finished(model, [larger])
    same = correction(model, known, job)
    assert log(2) < same.shift < log(3)
    assert same.deviation < 0.7 * correction(model, [], job).deviation
    distant = replace(job, system=tuple(value + 5 for value in job.system))
    assert abs(correction(model, known, distant).shift) < same.shift / 2
    other = features(chosen.parameters, "marcus")
    assert correction(model, known, other).shift == 0.0


def test_model_file_round_trip(model: CostModel, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    write_model(path, model)
    assert read_model(path) == model
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(CostModelError, match="make it again"):
        read_model(tmp_path / "broken.json")


def test_shipped_model_knows_all_families() -> None:
    shipped = read_model()
    assert set(shipped.families) == {"current", "population", "displacement"}
    assert shipped.machine
    assert shipped.speed > 0


def test_unknown_family_says_what_to_do(model: CostModel, point: Callable[..., Parameters]) -> None:
    only = replace(model, families={"current": model.families["current"]})
    with pytest.raises(CostModelError, match="calibrate"):
        predict(only, features(point(), "marcus"))


def test_bill_lists_totals_and_the_most_expensive(plan_of: Callable[[str], Plan]) -> None:
    text = STUDY.replace(", gamma_over_v: 1", "")
    plan = plan_of(text + "grid:\n  - {bath.gamma_over_v: [0.5, 1, 2]}\n")
    items = bill(plan, all_jobs(plan))
    hours = [item.need.core_hours.expected for item in items]
    assert hours == sorted(hours, reverse=True)
    text = list(bill_lines("test", items))
    assert text[0].startswith("study test: 3 MPI jobs, ")
    assert any(line.split()[:1] == ["total"] for line in text)
    assert "gamma_over_v~0.5" in text[-3]


def test_twice_the_speed_takes_half_the_time(plan_of: Callable[[str], Plan]) -> None:
    plan = plan_of(STUDY)
    slow, fast = (bill(plan, all_jobs(plan), speed=s)[0].need.core_hours for s in (1.0, 2.0))
    assert slow.expected == pytest.approx(2 * fast.expected)
    chosen = plan_of(STUDY + "resources: {core_speed: 2}\n")
    assert bill(chosen, all_jobs(chosen))[0].need.core_hours == fast


def test_budget_refuses_with_what_dominates(plan_of: Callable[[str], Plan]) -> None:
    plan = plan_of(STUDY)
    items = bill(plan, all_jobs(plan))
    assert overdraft(items, 1e6) is None
    refusal = overdraft(items, 1e-6)
    assert refusal is not None
    assert "budget of 1e-06" in refusal
    assert plan.points[0].id in refusal


def test_budget_of_a_study_is_a_fault_of_its_configuration(
    faults_of: Callable[[str], list[str]], plan_of: Callable[[str], Plan]
) -> None:
    (fault,) = faults_of(STUDY + "resources: {max_core_hours: 1e-6}\n")
    assert fault.startswith("study.yaml:6: resources.max_core_hours = 1e-06: is too little")
    assert "core-hours, more than the budget" in fault
    assert "raise the budget" in fault
    assert plan_of(STUDY + "resources: {max_core_hours: 1000}\n").points


@pytest.mark.parametrize("value", ["0", "-1", "many", ".inf"])
@pytest.mark.parametrize("key", ["max_core_hours", "core_speed"])
def test_wrong_limits_are_refused(
    key: str, value: str, faults_of: Callable[[str], list[str]]
) -> None:
    (fault,) = faults_of(STUDY + f"resources: {{{key}: {value}}}\n")
    assert f"resources.{key}" in fault


def test_command_prints_writes_and_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("study.yaml").write_text(STUDY + "resources: {core_speed: 1}\n")
    assert main(["cost", "study.yaml", "--table", "cost.csv", "--budget", "1000"]) == 0
    assert "study test: 1 MPI jobs" in capsys.readouterr().out
    with Path("cost.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert float(rows[0]["labels"]) > 1000
    assert main(["cost", "study.yaml", "--budget", "1e-6"]) == 2
    assert "more than the budget of 1e-06; " in capsys.readouterr().err


def test_command_shows_what_a_study_beyond_its_own_budget_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("study.yaml").write_text(STUDY + "resources: {core_speed: 1, max_core_hours: 1e-6}\n")
    assert main(["cost", "study.yaml"]) == 2
    seen = capsys.readouterr()
    assert "study test: 1 MPI jobs" in seen.out
    assert "more than the budget of 1e-06; " in seen.err
    assert "raise the budget" in seen.err
    assert main(["cost", "study.yaml", "--budget", "1000"]) == 0
    assert main(["validate", "study.yaml"]) == 2
    assert "more than the budget" in capsys.readouterr().err


def _finished_job(correlation: Callable[..., Result], parameters: Parameters) -> Result:
    made = correlation()
    scalar = {"n_unknowns": 5000, "growth_threshold": 1e-4, "products_production": 700}
    template = made.variables["time_fs"]
    variables = {
        **made.variables,
        **{
            f"convergence/{name}": replace(template, data=value, dims=(), units="1")
            for name, value in scalar.items()
        },
        "errors/C/frontier": replace(template, data=3e-4, dims=(), units="1"),
    }
    stored = {**parameters.content(), "study": "test", "point": "p", "derived": {}}
    provenance = {
        **made.provenance,
        "configuration_hash": parameters.hash,
        "core_seconds": 40.0,
        "cpu_model": "a chip",
        "ranks": 2,
    }
    return replace(made, variables=variables, parameters=stored, provenance=provenance)


def test_records_tell_what_jobs_took(
    correlation: Callable[..., Result], point: Callable[..., Parameters], tmp_path: Path
) -> None:
    result = _finished_job(correlation, point())
    path = tmp_path / "correlation" / "p.h5"
    path.parent.mkdir()
    write_result(path, result)
    (record,) = read_records([tmp_path])
    assert (record.labels, record.products, record.ranks) == (5000, 700, 2)
    assert (record.core_seconds, record.memory_MB, record.machine) == (40.0, None, "a chip")
    assert record.tightenings == 1  # from 0.3 accuracy = 3e-4 to 1e-4
    own = {**result.provenance, "cpu_seconds": 25.0, "peak_memory_MB": 333.0}
    write_result(path, replace(result, provenance=own), overwrite=True)
    (record,) = read_records([tmp_path])
    assert (record.core_seconds, record.memory_MB) == (25.0, 333.0)


def test_folders_without_jobs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no finished job"):
        read_records([tmp_path])
    with pytest.raises(StoreError, match="holds no finished job"):
        cost_tools.main(["calibrate", str(tmp_path)])


def test_a_study_whose_finished_jobs_are_all_fixed_has_a_bill(
    correlation: Callable[..., Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("study.yaml").write_text(
        "study: test\nmodel: {n_sites: 3}\nbath: {eta_cm: 100, gamma_cm: 50, terms: 0}\n"
        "hierarchy: {depth: 3}\npropagation: {duration_fs: 100}\n"
    )
    write_result(tmp_path / "results" / "test" / "correlation" / "p.h5", completed(correlation()))
    assert main(["cost", "study.yaml"]) == 0
    assert "study test: 1 MPI jobs" in capsys.readouterr().out


def test_speed_is_that_of_sparse_products() -> None:
    assert 1e6 < core_speed(0.05) < 1e11
