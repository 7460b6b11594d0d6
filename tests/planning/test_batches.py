"""Batches: what is dealt out to them, and what one process makes of it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from math import ceil
from pathlib import Path

import pytest

from smallpolaron.cli.batch import make_batch
from smallpolaron.planning.batches import (
    CRITERIA,
    MOST_ALONE,
    STEP_S,
    Batch,
    Drawing,
    Step,
    Work,
    form,
    form_stages,
    read_batches,
    write_batches,
)
from smallpolaron.planning.outlook import outlook_text
from smallpolaron.study.plan import Plan
from smallpolaron.support.signals import StopRequest

GRID = """\
study: grid
model: {n_sites: 3}
bath: {eta_cm: 100, gamma_cm: 50, terms: 0}
hierarchy: {depth: 1}
propagation: {duration_fs: 20}
resources: {batch_minutes: MINUTES}
protocols: [current, marcus]
grid:
  - model.temperature_K: [TEMPERATURES]
"""


def grid(plan_of: Callable[[str], Plan], count: int, minutes: float = 10.0) -> Plan:
    temperatures = ", ".join(str(200 + i) for i in range(count))
    return plan_of(GRID.replace("TEMPERATURES", temperatures).replace("MINUTES", str(minutes)))


def steps_of(batches: dict[str, Batch]) -> list[Step]:
    return [step for batch in batches.values() for step in batch.steps]


def write(path: str | Path, text: str = "", seconds: float = 0.0) -> None:
    """Write a file that is dated so long after the epoch."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")
    os.utime(path, (seconds, seconds))


def make(step: Step, seconds: float = 9.0) -> None:
    """Leave what a batch leaves of a step."""
    write(step.output, seconds=seconds)
    write(step.log, step.said + "\n", seconds)


def test_every_small_job_is_in_one_batch(tmp_path: Path, plan_of: Callable[[str], Plan]) -> None:
    study = grid(plan_of, 40)
    runs = form_stages(study, tmp_path, [], at_least=3)["runs"]
    outputs = [step.output for step in steps_of(runs)]
    assert len(runs) == 3
    assert len(outputs) == len(set(outputs)) == 40 * 5
    sizes = [len(batch.steps) for batch in runs.values()]
    assert max(sizes) - min(sizes) <= 5
    # a dry run says that they are not as many jobs
    text = outlook_text(study, tmp_path, 40, 1, 0, {}, runs.values())
    assert "80 of them are small: 3 batches" in text
    assert "batches" not in outlook_text(study, tmp_path, 40, 1, 0, {})
    # what is derived follows in the same batch
    for batch in runs.values():
        seen: set[str] = {str(tmp_path / CRITERIA)}
        for step in batch.steps:
            assert seen.issuperset(step.sources)
            seen.add(step.output)


def test_batches_are_as_long_as_asked_for_without_starts(
    tmp_path: Path, plan_of: Callable[[str], Plan]
) -> None:
    minutes = 0.2  # twice a job with its start
    runs = form_stages(grid(plan_of, 80, minutes), tmp_path, [], 1)["runs"]
    assert len(runs) == ceil(STEP_S * len(steps_of(runs)) / (60.0 * minutes))


def test_few_jobs_and_large_ones_are_left_alone(
    tmp_path: Path, plan_of: Callable[[str], Plan]
) -> None:
    few = form_stages(grid(plan_of, MOST_ALONE // 2), tmp_path, [], 2)
    assert few == {"runs": {}, "figures": {}}
    assert form_stages(grid(plan_of, 40, minutes=1e-4), tmp_path, [], 2)["runs"] == {}
    assert form_stages(grid(plan_of, 40, minutes=0), tmp_path, [], 2) == {}


def test_a_grown_grid_has_batches_of_what_is_missing(
    tmp_path: Path, plan_of: Callable[[str], Plan]
) -> None:
    first = steps_of(form_stages(grid(plan_of, 40), tmp_path, [], 2)["runs"])
    write(tmp_path / CRITERIA, seconds=5)
    for step in first:
        make(step)
    assert form_stages(grid(plan_of, 40), tmp_path, [], 2)["runs"] == {}
    grown = steps_of(form_stages(grid(plan_of, 65), tmp_path, [], 2)["runs"])
    assert len(grown) == 25 * 5
    assert not {step.output for step in first} & {step.output for step in grown}


def test_new_criteria_make_derived_results_again(
    tmp_path: Path, plan_of: Callable[[str], Plan]
) -> None:
    write(tmp_path / CRITERIA, seconds=5)
    for step in steps_of(form_stages(grid(plan_of, 40), tmp_path, [], 2)["runs"]):
        make(step)
    write(tmp_path / CRITERIA, seconds=99)
    again = steps_of(form_stages(grid(plan_of, 40), tmp_path, [], 2)["runs"])
    due = {Path(step.output).parent.name for step in again if not step.is_current}
    assert due == {"mobility", "kernel", "drude_smith"}


def test_figures_follow_what_they_are_drawn_from(
    tmp_path: Path, plan_of: Callable[[str], Plan]
) -> None:
    study = grid(plan_of, 40)
    points = [str(tmp_path / "mobility" / f"{point.id}.h5") for point in study.points]
    drawings = [
        Drawing("conductivity", f"system-{i}", "", {"mobility": [path]})
        for i, path in enumerate([*points, "made by hand"])
    ]
    stages = form_stages(study, tmp_path, drawings, 2)
    assert {step.sources for step in steps_of(stages["figures"])} == {(path,) for path in points}
    write(tmp_path / CRITERIA, seconds=5)
    for step in steps_of(stages["runs"]):
        make(step)
    for step in steps_of(stages["figures"]):
        make(step, 10)
    assert form_stages(study, tmp_path, drawings, 2)["figures"] == {}
    # another point in one picture: its batch made it, so that a batch makes it again
    wider = [Drawing("conductivity", "system-0", "", {"mobility": points[:2]})]
    (step,) = steps_of(form_stages(study, tmp_path, [*wider, *drawings[1:]], 2)["figures"])
    assert step.sources == tuple(points[:2])


def test_batches_survive_their_file(tmp_path: Path, plan_of: Callable[[str], Plan]) -> None:
    stages = form_stages(grid(plan_of, 40), tmp_path, [], 2)
    write(tmp_path / "records" / "old.json")
    write_batches(tmp_path / "batches.json", stages, tmp_path / "records")
    assert list((tmp_path / "records").iterdir()) == []
    assert read_batches(tmp_path / "batches.json") == stages
    assert read_batches(tmp_path / "none.json") == {}


@pytest.fixture
def steps(tmp_path: Path) -> list[Step]:
    def step(name: str, *sources: str) -> Step:
        paths = tuple(str(tmp_path / source) for source in sources)
        return Step((name,), str(tmp_path / name), str(tmp_path / "logs" / name), paths)

    return [step("a"), step("a2", "a"), step("b"), step("b2", "b"), step("c")]


def test_a_step_that_fails_fails_alone(
    tmp_path: Path, steps: list[Step], capfd: pytest.CaptureFixture[str]
) -> None:
    def run(words: list[str]) -> int:
        print("this is", *words)
        if words == ["a"]:
            raise ValueError("no such luck")
        Path(tmp_path, words[0]).touch()
        return 0

    record = tmp_path / "record.json"
    with capfd.disabled():
        assert make_batch(steps, run, StopRequest(), record) == 0
    status = json.loads(record.read_text(encoding="utf-8"))["status"]
    assert {Path(name).name: code for name, code in status.items()} == {
        **{"a": 1, "a2": 1},
        **{"b": 0, "b2": 0, "c": 0},
    }
    assert "no such luck" in (tmp_path / "logs" / "a").read_text(encoding="utf-8")
    assert "this is b2" in (tmp_path / "logs" / "b2").read_text(encoding="utf-8")


def test_what_may_have_killed_a_batch_comes_last(tmp_path: Path, steps: list[Step]) -> None:
    made: list[str] = []

    def run(words: list[str]) -> int:
        made.append(words[0])
        Path(tmp_path, words[0]).touch()
        return 0

    write(steps[0].log)  # begun, without an end
    make(steps[2])
    assert make_batch(steps, run, StopRequest(), tmp_path / "record.json") == 0
    assert made == ["b2", "c", "a", "a2"]


def test_a_batch_stops_when_asked(tmp_path: Path, steps: list[Step]) -> None:
    request = StopRequest()

    def run(words: list[str]) -> int:
        Path(tmp_path, words[0]).touch()
        request(signal.SIGTERM)
        return 0

    assert make_batch(steps, run, request, tmp_path / "record.json") == 75
    assert steps[0].is_current
    assert not (tmp_path / "record.json").exists()
    assert make_batch(steps[:1], run, StopRequest(), tmp_path / "record.json") == 0


def test_nothing_is_formed_of_nothing() -> None:
    assert form([Work((), 1.0, 1.0, 1)], 10.0, 2) == {}
