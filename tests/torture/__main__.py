"""Runs the torture test: python -m tests.torture [--seed N] [--count N] [--only FAULT ...]."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from smallpolaron.results.provenance import code_state, cpu_model
from tests.torture.bench import ROOT, Bench
from tests.torture.disks import Missed, Skipped
from tests.torture.faults import FAULTS, Fault, shares
from tests.torture.judge import BAD, Verdict
from tests.torture.processes import kill_all
from tests.torture.report import Conditions, Record, write_report
from tests.torture.trial import Trial

COUNT: Final = 230
MOST_DRAWS: Final = 10
PAGE: Final = ROOT / "docs" / "torture.md"
SCRATCH: Final = ROOT / "results" / "torture"


@dataclass(frozen=True)
class Order:
    """One trial that is to be run."""

    fault: Fault
    number: int
    seed: int

    def run(self, bench: Bench, folder: Path) -> Record:
        """Run it, drawing its moments again while the fault comes too late to disturb anything.

        What it wrote is kept only if it went wrong.
        """
        rng = random.Random(f"{self.seed} {self.fault.name} {self.number}")
        began = time.monotonic()
        draws, missed = 0, True
        while missed and draws < MOST_DRAWS:
            draws += 1
            trial = Trial(bench, folder / f"{self.fault.name}-{self.number}", rng)
            verdict, missed = self._suffered(trial)
            if verdict.outcome not in BAD:
                shutil.rmtree(trial.folder)
        return Record(
            fault=self.fault.name,
            number=self.number,
            detail=trial.detail,
            outcome=verdict.outcome,
            reason=verdict.reason,
            draws=draws,
            runs=len(trial.seen.runs),
            seconds=round(time.monotonic() - began, 2),
        )

    def _suffered(self, trial: Trial) -> tuple[Verdict, bool]:
        """Return the verdict on one draw, and whether its fault missed."""
        try:
            return trial.suffer(self.fault.make), False
        except Missed as reason:
            return Verdict("skipped", str(reason)), True
        except Skipped as reason:
            return Verdict("skipped", str(reason)), False
        except Exception:  # one broken trial must not cost the others
            return Verdict("broken trial", traceback.format_exc()), False


def main(arguments: Sequence[str]) -> int:
    """Run the trials and write the report; return 1 if one of them ended badly."""
    options = _parse(arguments)
    faults = tuple(f for f in FAULTS if not options.only or f.name in options.only)
    orders = _orders(faults, options)
    whole = not options.only and options.number is None and options.minutes is None
    page = PAGE if whole and options.count >= COUNT else SCRATCH / "torture.md"
    folder = Path(tempfile.mkdtemp(prefix="smallpolaron-torture-", dir=options.folder))
    print(f"{len(orders)} trials of {len(faults)} faults, seed {options.seed}, in {folder}")
    began = time.monotonic()
    bench = Bench(folder / "bench")
    bench.prepare({fault.level for fault in faults})
    records: list[Record] = []

    def one(order: Order) -> None:
        if options.minutes is None or time.monotonic() - began < 60.0 * options.minutes:
            record = order.run(bench, folder)
            records.append(record)
            _tell(record, len(records), len(orders))

    with ThreadPoolExecutor(options.workers) as pool, _ending_all(pool, folder):
        list(pool.map(one, orders))
    records.sort(key=lambda each: ([f.name for f in FAULTS].index(each.fault), each.number))
    minutes = (time.monotonic() - began) / 60.0
    conditions = Conditions(options.seed, _facts(minutes, options.workers), bench.seconds)
    write_report(page, SCRATCH, conditions, records)
    bad = [each for each in records if each.outcome in BAD]
    print(f"{len(records)} trials, {len(bad)} bad; report: {page}")
    if bad:
        print(f"what the bad ones wrote is in {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if bad else 0


@contextmanager
def _ending_all(pool: ThreadPoolExecutor, folder: Path) -> Iterator[None]:
    """End what runs in a folder, and start nothing more, when this program is to end."""

    def end(*_: object) -> None:
        pool.shutdown(wait=False, cancel_futures=True)
        kill_all(f"{folder}/")
        raise SystemExit("ended before all trials were run; there is no report")

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    names = [fault.name for fault in FAULTS]
    parser.add_argument("--seed", type=int, default=1, help="decides every random choice")
    parser.add_argument("--count", type=int, default=COUNT, help=f"trials in all ({COUNT})")
    parser.add_argument("--only", nargs="+", choices=names, metavar="FAULT", help=", ".join(names))
    parser.add_argument("--number", type=int, help="only the trial of this number of every fault")
    parser.add_argument("--minutes", type=float, help="start no trial after this time")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="side by side")
    parser.add_argument("--folder", type=Path, help="where to work (default: the system's)")
    return parser.parse_args(arguments)


def _orders(faults: tuple[Fault, ...], options: argparse.Namespace) -> list[Order]:
    """Return the trials in a random order, so that those of a run cut short are of all kinds."""
    if options.number is not None:
        return [Order(fault, options.number, options.seed) for fault in faults]
    counts = shares(faults, options.count)
    orders = [
        Order(fault, number, options.seed)
        for fault, count in zip(faults, counts, strict=True)
        for number in range(count)
    ]
    random.Random(options.seed).shuffle(orders)
    return orders


def _tell(record: Record, done: int, total: int) -> None:
    reason = f": {record.reason}" if record.reason else ""
    name = f"{record.fault} {record.number}"
    print(
        f"{done:>4}/{total}  {name:<28} {record.outcome:<20} {record.seconds:6.1f} s  "
        f"{record.detail}{reason}",
        flush=True,
    )


def _facts(minutes: float, workers: int) -> list[tuple[str, str]]:
    state = code_state()
    dirty = " with changes" if state["git_dirty"] else ""
    return [
        ("date", datetime.now(UTC).date().isoformat()),
        ("processor", f"{cpu_model()}, {os.cpu_count()} cores"),
        ("commit", f"{state['git_commit']}{dirty}"),
        ("length", f"{minutes:.0f} min, {workers} trials side by side"),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
