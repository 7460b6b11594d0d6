"""The report: fault x count x outcome, as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from smallpolaron.support.files import write_text
from tests.torture.faults import FAULTS
from tests.torture.judge import BAD, GOOD, Outcome

_COLUMNS: Final[tuple[Outcome, ...]] = (*GOOD, *BAD)

_INTRODUCTION: Final = Path(__file__).with_name("introduction.md")


@dataclass(frozen=True)
class Record:
    """One trial in the report.

    Attributes:
        fault: name of the fault.
        number: number of the trial among those of its fault; with the seed it makes it again.
        detail: what was done.
        outcome: what became of it.
        reason: why, if bad or skipped.
        draws: how often its moments were drawn until the fault came in time.
        runs: commands that were started in the last draw.
        seconds: how long it took.
    """

    fault: str
    number: int
    detail: str
    outcome: Outcome
    reason: str
    draws: int
    runs: int
    seconds: float


@dataclass(frozen=True)
class Conditions:
    """Where and how the trials were run.

    Attributes:
        seed: what decided every random choice.
        facts: lines for the report: machine, versions, date, length.
        undisturbed_s: how long job and workflow took undisturbed.
    """

    seed: int
    facts: Sequence[tuple[str, str]]
    undisturbed_s: dict[str, float]


def write_report(page: Path, folder: Path, conditions: Conditions, records: list[Record]) -> None:
    """Write the page, and every trial as CSV and JSON."""
    write_text(page, render(conditions, records))
    content = {"conditions": asdict(conditions), "trials": [asdict(each) for each in records]}
    write_text(folder / "trials.json", json.dumps(content, indent=1) + "\n")
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(Record.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, records))
    write_text(folder / "trials.csv", stream.getvalue())


def render(conditions: Conditions, records: list[Record]) -> str:
    """Return the page."""
    bad = [each for each in records if each.outcome in BAD]
    skipped = Counter(each.reason for each in records if each.outcome == "skipped")
    count = len(records) - sum(skipped.values())
    verdict = ", ".join(f"{_number(records, each)} x {each}" for each in BAD)
    parts = [_INTRODUCTION.read_text(), f"## {count} faults\n\n**{count} faults: {verdict}.**\n"]
    parts += [f"{number} skipped: {reason}.\n" for reason, number in skipped.items()]
    if redrawn := sum(each.draws - 1 for each in records):
        parts.append(f"{redrawn} times a fault came too late; its moment was drawn again.\n")
    parts += [_table(records), _facts(conditions)]
    if bad:
        parts.append("## What went wrong\n\n" + "\n".join(_line(each) for each in bad) + "\n")
    return "\n".join(parts)


def _number(records: Sequence[Record], outcome: Outcome, fault: str | None = None) -> int:
    return sum(r.outcome == outcome and fault in (None, r.fault) for r in records)


def _table(records: Sequence[Record]) -> str:
    """Return the table fault x count x outcome; zeros are left blank, except in the sums."""
    columns = [c for c in _COLUMNS if c in GOOD or c != "broken trial" or _number(records, c)]
    lines = [
        "| fault | what | trials | " + " | ".join(columns) + " |",
        "|---|---|" + "---:|" * (1 + len(columns)),
    ]
    for fault in FAULTS:
        trials = [r for r in records if r.fault == fault.name and r.outcome != "skipped"]
        if trials:
            cells = [str(_number(trials, each) or "") for each in columns]
            lines.append(f"| {fault.name} | {fault.does} | {len(trials)} | {' | '.join(cells)} |")
    counted = [r for r in records if r.outcome != "skipped"]
    sums = " | ".join(str(_number(counted, each)) for each in columns)
    lines.append(f"| all | | {len(counted)} | {sums} |")
    return "\n".join(lines) + "\n"


def _facts(conditions: Conditions) -> str:
    undisturbed = ", ".join(f"{name} {s:.1f} s" for name, s in conditions.undisturbed_s.items())
    rows = [("seed", str(conditions.seed)), *conditions.facts, ("undisturbed", undisturbed)]
    return (
        "\n".join(["| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in rows)]) + "\n"
    )


def _line(each: Record) -> str:
    reason = " ".join(each.reason.split())
    return f"- {each.fault}, trial {each.number} ({each.detail}): {each.outcome}: {reason}"
