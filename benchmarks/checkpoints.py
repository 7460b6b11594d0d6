"""Section: what checkpoints cost, and what it costs to go on from one."""

import random
import tempfile
from statistics import median
from typing import Final

from benchmarks.harness import CaseFailed, Data, Harness
from benchmarks.markdown import bound, number, paragraph, section, table

TITLE: Final = "Checkpoints"

_DEFAULT_S: Final = 900.0
"""What resources.checkpoint_minutes is unless a study says otherwise."""
_INTERVALS: Final = {"none": None, "15 min": _DEFAULT_S, "as often as allowed": 0.0}
_JOB: Final[Data] = {
    "config": "anomalous2024.yaml",
    "axes": {"model.n_sites": "20", "bath.eta_over_v": "6.46", "bath.gamma_over_v": "0.5"},
    "start": "franck_condon",
}
_SMALL: Final[Data] = {
    "config": "anomalous2024.yaml",
    "axes": {"model.n_sites": "20", "bath.eta_over_v": "2", "bath.gamma_over_v": "2"},
    "start": "franck_condon",
}
_ROUNDS: Final = 3
_SEED: Final = 20260824
_EARLIEST, _LATEST = 0.1, 0.8
"""When a job is stopped, relative to its length."""


def measure(harness: Harness) -> Data:
    """Run a job of a study with and without checkpoints; stop it at random times and go on."""
    job, rounds = (_SMALL, 1) if harness.quick else (_JOB, _ROUNDS)
    chosen = random.Random(_SEED)
    data: Data = {"job": job, "rounds": [_round(harness, job, i, chosen) for i in range(rounds)]}
    return {**data, "bounds": _bounds(data)}


def _round(harness: Harness, job: Data, index: int, chosen: random.Random) -> Data:
    """One run of each kind, in turn, so that what else the machine does falls on all of them."""
    names = list(_INTERVALS)
    shift = index % len(names)
    done = {name: _whole(harness, job, name) for name in names[shift:] + names[:shift]}
    after_s = done["15 min"]["seconds"] * chosen.uniform(_EARLIEST, _LATEST)
    return {**done, "stopped": _stopped(harness, job, after_s)}


def _whole(harness: Harness, job: Data, name: str) -> Data:
    with tempfile.TemporaryDirectory() as folder:
        return _run(harness, job, _INTERVALS[name], folder)


def _stopped(harness: Harness, job: Data, after_s: float) -> Data:
    """A job that gets a signal, and the same job again."""
    with tempfile.TemporaryDirectory() as folder:
        first = _run(harness, job, _DEFAULT_S, folder, stop_after_s=after_s)
        if first["finished"]:
            raise CaseFailed(f"the job was over before it could be stopped after {after_s:.0f} s")
        return {"first": first, "second": _run(harness, job, _DEFAULT_S, folder)}


def _run(harness: Harness, job: Data, interval_s: float | None, folder: str, **more: float) -> Data:
    found = harness.run(
        "checkpoints:population", **job, interval_s=interval_s, folder=folder, **more
    )
    return {**found.result, **found.cost}


def _overheads(data: Data, name: str) -> list[float]:
    """Processor time beyond that of the run without checkpoints in the same round, relative."""
    return [each[name]["cpu_seconds"] / each["none"]["cpu_seconds"] - 1 for each in data["rounds"]]


def _share(data: Data, name: str) -> float:
    """Time for asking whether to write and for writing over that of the run, the largest."""
    return max(
        (run["asked_s"] + sum(one["seconds"] for one in run["written"])) / run["seconds"]
        for run in (each[name] for each in data["rounds"])
    )


def _written(data: Data) -> list[Data]:
    """All that the runs wrote that wrote as often as they may."""
    return [one for each in data["rounds"] for one in each["as often as allowed"]["written"]]


def _resumption(done: Data) -> Data:
    """What the interruption of a round cost.

    Returns:
        Processor time of the first part, of the second, what was left (s); extra: both parts less
        the whole, relative to what was left; wall time for writing, processor time before the
        first new step (s), and their sum relative to the processor time that was left.
    """
    first, second = done["stopped"]["first"], done["stopped"]["second"]
    whole = done["15 min"]["cpu_seconds"]
    left = whole - first["cpu_seconds"]
    writing, reading = first["written"][-1]["seconds"], second["before_first_step_s"]
    return {
        "first_s": first["cpu_seconds"],
        "second_s": second["cpu_seconds"],
        "left_s": left,
        "extra": (first["cpu_seconds"] + second["cpu_seconds"] - whole) / left,
        "writing_s": writing,
        "reading_s": reading,
        "direct": (writing + reading) / (second["cpu_seconds"] - reading),
    }


def _bounds(data: Data) -> list[Data]:
    costs = [_resumption(each) for each in data["rounds"]]
    slowest = max((one["seconds"] for one in _written(data)), default=None)
    share = None if slowest is None else slowest / _DEFAULT_S
    return [
        bound("checkpoints every 15 min: asking, of the run", _share(data, "15 min"), "<=", 0.02),
        bound("slowest checkpoint over 15 min", share, "<=", 0.02),
        bound(
            "checkpoints as often as allowed: asking and writing, of the run",
            _share(data, "as often as allowed"),
            "<=",
            0.02,
        ),
        bound(
            "going on: writing and reading, of the core-s left",
            max(each["direct"] for each in costs),
            "<=",
            0.05,
        ),
        bound(
            "going on: core-s beyond one run, of those left, median",
            median(each["extra"] for each in costs),
            "<=",
            0.05,
        ),
    ]


def render(data: Data) -> str:
    """The section's text."""
    axes, written = data["job"]["axes"], _written(data)
    whole = data["rounds"][0]["15 min"]
    starting = [
        each[name]["core_s"] - each[name]["cpu_seconds"]
        for each in data["rounds"]
        for name in _INTERVALS
    ]
    seconds, sizes = [one["seconds"] for one in written], [one["bytes"] / 1e6 for one in written]
    overhead = table(
        (
            "checkpoints",
            "core-s (median)",
            "wall s (median)",
            "core-s beyond none",
            "lowest",
            "highest",
            "asking and writing, of the wall time",
        ),
        [
            (
                name,
                median(each[name]["cpu_seconds"] for each in data["rounds"]),
                median(each[name]["seconds"] for each in data["rounds"]),
                _percent(median(_overheads(data, name))),
                _percent(min(_overheads(data, name))),
                _percent(max(_overheads(data, name))),
                _percent(_share(data, name)),
            )
            for name in _INTERVALS
        ],
    )
    costs = [_resumption(each) for each in data["rounds"]]
    resuming = table(
        (
            "first part, core-s",
            "second part, core-s",
            "left, core-s",
            "beyond one run, of those left",
            "writing, s",
            "before the first new step, core-s",
            "both, of those left",
        ),
        [
            (
                each["first_s"],
                each["second_s"],
                each["left_s"],
                _percent(each["extra"]),
                each["writing_s"],
                each["reading_s"],
                _percent(each["direct"]),
            )
            for each in costs
        ],
    )
    return section(
        paragraph(
            f"Populations of a ring of {axes['model.n_sites']} sites,",
            f"η/v = {axes['bath.eta_over_v']}, γ/v = {axes['bath.gamma_over_v']}, Franck-Condon",
            f"start, from `config/{data['job']['config']}`: {number(whole['labels'])} labels, all",
            "runs that the job makes for its error estimate, one rank. Times are those of the",
            "computation. Every start of the job costs",
            f"{number(median(starting))} core-s besides: interpreter, imports, MPI, reading and",
            "expanding the whole study, loading of compiled code.",
        ),
        overhead,
        paragraph(
            f"{len(written)} times something was written by the runs that write as often as",
            "allowed (the time between two is at least a hundred times what writing took):",
            f"{number(median(sizes))} MB (at most {number(max(sizes))}) in",
            f"{number(median(seconds))} s (at most {number(max(seconds))}), every file flushed to",
            f"the disk. At 15 min between two that is {_percent(max(seconds) / _DEFAULT_S)} of the",
            "run at most.",
        )
        if written
        else "No run was long enough to write one.",
        "**Stopped by SIGUSR1 at random times, and run again**",
        resuming,
        paragraph(
            "One line per round. Beyond one run: core-s of both parts less those of the run with",
            "checkpoints every 15 min of the round, which differ from run to run by what the table",
            "above shows. Writing and what comes before the first step that the first part had not",
            "taken are measured directly.",
        ),
    )


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"
