"""What became of a trial: the right result, or what is wrong. Strict: what is not right is bad."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import numpy as np

from smallpolaron.archive.verify import result_files, verify
from smallpolaron.results.store import Result, read_result
from smallpolaron.support.files import file_digest
from smallpolaron.support.problems import StoreError
from tests.torture.processes import Run

Outcome = Literal[
    "right at once",
    "right, resumed",
    "right, begun anew",
    "message, then right",
    "skipped",
    "unclear message",
    "lost result",
    "wrong result",
    "hang",
    "broken trial",
]
GOOD: Final[tuple[Outcome, ...]] = (
    "right at once",
    "right, resumed",
    "right, begun anew",
    "message, then right",
)
BAD: Final[tuple[Outcome, ...]] = (
    "unclear message",
    "lost result",
    "wrong result",
    "hang",
    "broken trial",
)

_TRACEBACK: Final = "Traceback (most recent call last)"
_OUR_FRAME: Final = re.compile(r'File "[^"]*/smallpolaron/')


@dataclass
class Evidence:
    """What was seen in a trial.

    Attributes:
        results: folder of the results.
        wanted: the results that must be there in the end, by file.
        finished: checksums of the result files that were finished when the fault came; they must
            not change.
        runs: all commands.
        must_say: texts that some command must have printed, such as the name of a damaged file.
        left_over: processes that did not end by themselves.
    """

    results: Path
    wanted: Mapping[Path, Result]
    finished: dict[Path, str] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    must_say: list[str] = field(default_factory=list)
    left_over: Sequence[int] = ()


@dataclass(frozen=True)
class Verdict:
    """The outcome of a trial, and why if it is a bad one."""

    outcome: Outcome
    reason: str = ""


def checksums(files: Sequence[Path]) -> dict[Path, str]:
    """Return the checksums of files."""
    return {path: file_digest(path) for path in files}


def judge(seen: Evidence) -> Verdict:
    """Return the verdict; of several faults the worst."""
    if reason := _hang(seen):
        return Verdict("hang", reason)
    if reason := _wrong(seen):
        return Verdict("wrong result", reason)
    if reason := _lost(seen):
        return Verdict("lost result", reason)
    if reason := next(filter(None, map(unclear, seen.runs)), "") or _unsaid(seen):
        return Verdict("unclear message", reason)
    return Verdict(_good(seen.runs))


def _hang(seen: Evidence) -> str:
    for run in seen.runs:
        if run.status is None:
            return f"{run.name} did not end"
    return f"processes {seen.left_over} did not end" if seen.left_over else ""


def _wrong(seen: Evidence) -> str:
    """Look for files under the name of a result that are not the wanted ones."""
    for path in result_files(seen.results):
        if path in seen.wanted:
            if reason := difference(path, seen.wanted[path]):
                return reason
        elif path not in seen.finished:
            return f"{path}: taken for a result, but nobody asked for it"
    for finding in verify([seen.results]) if result_files(seen.results) else []:
        if finding.state != "ok":
            return f"{finding.path}: {finding.state}: {finding.detail}"
    return ""


def difference(path: Path, wanted: Result) -> str:
    """Return how a result file differs from what it should be, in any bit of any variable."""
    try:
        found = read_result(path, kind=wanted.kind)
    except StoreError as error:
        return str(error)
    if set(found.variables) != set(wanted.variables):
        return f"{path}: other variables than in the undisturbed run"
    for name, variable in wanted.variables.items():
        mine, other = np.asarray(found.variables[name].data), np.asarray(variable.data)
        if mine.dtype != other.dtype or mine.shape != other.shape:
            return f"{path}: {name} has another type or shape than in the undisturbed run"
        if mine.tobytes() != other.tobytes():
            return f"{path}: {name} has other numbers than in the undisturbed run"
    same = found.parameters == wanted.parameters and repr(found.gates) == repr(wanted.gates)
    return "" if same else f"{path}: other parameters or quality gates than undisturbed"


def _lost(seen: Evidence) -> str:
    for path in seen.wanted:
        if not path.is_file():
            return f"{path}: not there in the end"
    for path, digest in seen.finished.items():
        if not path.is_file():
            return f"{path}: was finished and has vanished"
        if file_digest(path) != digest:
            return f"{path}: was finished and has been changed"
    return ""


def unclear(run: Run) -> str:
    """Return why a user could not tell from a failed command what happened; empty if he could.

    A traceback through this package is never clear. One of Snakemake alone is, if the message
    names the reason.
    """
    if run.status == 0:
        return ""
    if _TRACEBACK in run.said and _OUR_FRAME.search(run.said):
        return f"{run.name}: traceback (status {run.status}): {_end(run.said)}"
    if run.killed or (run.clear and re.search(run.clear, run.said)):
        return ""
    return f"{run.name}: status {run.status} without a clear message: {_end(run.said)}"


def _unsaid(seen: Evidence) -> str:
    said = "\n".join(run.said for run in seen.runs)
    return next((f"nobody named {text!r}" for text in seen.must_say if text not in said), "")


def _end(said: str) -> str:
    return " | ".join(said.strip().splitlines()[-3:]) or "(silent)"


def _good(runs: Sequence[Run]) -> Outcome:
    disturbed = runs[:-1] if runs[-1].killed else runs  # the last one: when all was written
    failed = [run for run in disturbed if run.status != 0]
    if not failed:
        return "right at once"
    if any("resumed at" in run.said for run in runs):
        return "right, resumed"
    if all(run.killed or "stopped by SIG" in run.said for run in failed):
        return "right, begun anew"
    return "message, then right"
