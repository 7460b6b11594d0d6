"""The torture test can fail: a job that loses, falsifies, hangs or is silent is found out.

The job is a shell script that misbehaves; the faults, the trial and the judge are the real ones.
"""

from __future__ import annotations

import csv
import random
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smallpolaron.derive.mobility_job import mobility_result
from smallpolaron.results.store import Result, Variable, write_result
from smallpolaron.study.plan import read_plan
from smallpolaron.study.sections import AnalysisConfig
from tests.torture import __main__ as command
from tests.torture import bench as bench_module
from tests.torture import disk_faults, file_faults, signal_faults, trial
from tests.torture.bench import Bench
from tests.torture.damage import flip, truncate
from tests.torture.faults import FAULTS, shares
from tests.torture.judge import Outcome, unclear
from tests.torture.processes import Run, marked
from tests.torture.report import Conditions, Record, render
from tests.torture.trial import Trial
from tests.workflow import synthetic

GOOD = 'sleep 0.2; cp "$GOOD" "$out"'
SLOW = 'echo begun; sleep 2; cp "$GOOD" "$out"'
TRACEBACK = r"""
    printf 'Traceback (most recent call last):\n  File "/x/smallpolaron/y.py"\nerror: z\n'
    exit 2"""

SCRIPT = """\
order=$1
for word; do out=$word; done
case $order in
    verify) echo "$VERIFIED"; exit "$FOUND" ;;
    mobility) %(mobility)s ;;
    correlation) %(job)s ;;
esac
"""


def falsified(result: Result) -> Result:
    """Change one number by one unit in the last place."""
    C = result.variables["C_JJ"]
    data = np.array(C.data)
    data[7] = np.nextafter(data[7].real, 1.0) + 1j * data[7].imag
    return replace(
        result,
        variables={**result.variables, "C_JJ": Variable(data, C.dims, C.units, C.description)},
    )


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Return a bench with invented results whose program is a script, see `script`."""
    made = Bench(tmp_path / "bench", program=("sh", str(tmp_path / "program.sh")))
    points = [read_plan(made.plan).point(name) for name in made.points]
    mine, other = (synthetic.correlation(point, "torture") for point in points)
    mobility = mobility_result(mine, AnalysisConfig())
    for name, result in (
        ("job on 1", mine),
        ("bystander", other),
        ("mobility", mobility),
        ("false", falsified(mine)),
        ("again", replace(other, provenance={**other.provenance, "date_utc": "later"})),
    ):
        point = result.parameters["point"]
        made.files[name] = made.folder / name / f"{point}.h5"
        made.seconds[name], made.starting_s[name] = 0.2, 0.1
        write_result(made.files[name], result)
        monkeypatch.setenv(name.split()[0].upper(), str(made.files[name]))
    monkeypatch.setenv("GOOD", str(made.files["job on 1"]))
    return made


def script(bench: Bench, job: str = GOOD, mobility: str = "exit 0") -> None:
    Path(bench.program[1]).write_text(SCRIPT % {"job": job, "mobility": mobility})


def once(action: str) -> str:
    """Return a job that does something in its first run and is good afterwards."""
    first = f'if [ ! -e "$once" ]; then touch "$once"; {action}; fi'
    return f'once=$(dirname "$out")/.once; {first}; {GOOD}'


def outcome(bench: Bench, fault: Callable[[Trial], None]) -> tuple[str, str]:
    one = Trial(bench, bench.folder.parent / "trial", random.Random(5))
    verdict = one.suffer(fault)
    assert marked(one.mark) == []
    return verdict.outcome, verdict.reason


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what takes more than a second hang."""
    monkeypatch.setattr(bench_module, "_LEAST_PATIENCE_S", 1.0)
    monkeypatch.setattr(bench_module, "_SLOWER", 1.0)
    monkeypatch.setattr(trial, "_GRACE_S", 0.3)


def nothing(one: Trial) -> None:
    one.begin()
    one.finish()


NEIGHBOUR = '"$(dirname "$out")/$(basename "$BYSTANDER")"'


@pytest.mark.parametrize(
    ("job", "expected", "reason"),
    [
        (GOOD, "right at once", ""),
        ('cp "$FALSE" "$out"', "wrong result", "C_JJ has other numbers"),
        ('cp "$BYSTANDER" "$out"', "wrong result", "other"),
        (f'{GOOD}; truncate -s -500 "$out"', "wrong result", "damaged"),
        (f'{GOOD}; cp "$GOOD" "$out.h5"', "wrong result", "nobody asked for it"),
        (f"{GOOD}; rm {NEIGHBOUR}", "lost result", "has vanished"),
        (f'{GOOD}; cp "$AGAIN" {NEIGHBOUR}', "lost result", "has been changed"),
        ("exit 0", "lost result", "not there in the end"),
        ("sleep 60", "hang", "did not end"),
        (f"(sleep 60 >/dev/null 2>&1 &) ; {GOOD}", "hang", "processes"),
        (once("exit 3"), "unclear message", "status 3 without a clear message: (silent)"),
        (once("echo no idea; exit 1"), "unclear message", "no idea"),
        (once("kill -SEGV $$"), "unclear message", "status -11"),
        (once(TRACEBACK), "unclear message", "traceback"),
        (once("echo 'stopped by SIGTERM; what was reached is in x'; exit 75"), "right, begun", ""),
        (f"echo 'resumed at'; {once('kill -9 $$')}", "unclear message", "status -9"),
    ],
)
def test_what_a_job_does_is_found_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, job: str, expected: str, reason: str
) -> None:
    if expected == "hang":
        impatient(monkeypatch)
    script(bench, job)
    found = outcome(bench, nothing)
    assert found[0].startswith(expected), found
    assert reason in found[1], found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_that_was_sent_explains_the_end(bench: Bench, number: signal.Signals) -> None:
    script(bench, f"echo begun; sleep 1; {GOOD}")
    assert outcome(bench, signal_faults.signalled(number)) == ("right, begun anew", "")


def test_a_job_that_ignores_its_time_limit_hangs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch)
    script(bench, f"trap '' USR1; sleep 30; {GOOD}")
    assert outcome(bench, signal_faults.time_limit(signal.SIGUSR1))[0] == "hang"


def test_a_failed_write_must_be_explained(bench: Bench) -> None:
    script(bench, once("ulimit -f 1; cp $GOOD $out.tmp; rm $out.tmp; exit 1"))
    assert outcome(bench, disk_faults.limited)[0] == "unclear message"


@pytest.mark.parametrize(
    ("mobility", "verified", "expected"),
    [
        ('echo "error: damaged: $4 $5"; exit 2', "named", "message, then right"),
        ('cp "$MOBILITY" "$out"', "named", "message, then right"),
        ('cp "$FALSE" "$out"', "named", "wrong result"),
        ("echo error; exit 2", "named", "unclear message"),
        ('echo "error: damaged: $4 $5"; exit 2', "", "unclear message"),
    ],
)
@pytest.mark.parametrize("damage", [flip, truncate])
def test_damage_must_be_named_and_never_used(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    damage: file_faults.Damage,
    mobility: str,
    verified: str,
    expected: str,
) -> None:
    output = (
        bench.folder.parent / "trial/disk/results/torture/correlation" / f"{bench.points[0]}.h5"
    )
    monkeypatch.setenv("VERIFIED", str(output) if verified else "all is well")
    monkeypatch.setenv("FOUND", "1")
    there = 'if [ -e "$out" ]; then echo "the file exists"; exit 2; fi'
    script(bench, f"{there}; {GOOD}", f'mkdir -p "$(dirname "$out")"; {mobility}')
    assert outcome(bench, file_faults.result(damage))[0] == expected


def test_signals_that_were_not_sent_are_no_excuse() -> None:
    def run(status: int, said: str = "", *sent: signal.Signals) -> Run:
        return Run("job", status, said, frozenset(sent), "stopped")

    assert not unclear(run(0))
    assert not unclear(run(-9, "", signal.SIGKILL))
    assert not unclear(run(137, "", signal.SIGKILL))
    assert not unclear(run(75, "stopped"))
    assert unclear(run(-15, "", signal.SIGKILL))
    assert unclear(run(1, "", signal.SIGKILL))
    assert unclear(run(75, "ended"))
    traceback = 'Traceback (most recent call last):\n  File "/p/{}/x.py"\nstopped'
    assert unclear(run(1, traceback.format("smallpolaron")))
    assert not unclear(run(1, traceback.format("snakemake")))


def test_damage_is_one_bit_or_a_shorter_file(tmp_path: Path) -> None:
    path, rng = tmp_path / "f", random.Random(1)
    content = bytes(range(256))
    for _ in range(100):
        path.write_bytes(content)
        flip(path, rng)
        changed = path.read_bytes()
        bits = [bin(a ^ b).count("1") for a, b in zip(content, changed, strict=True)]
        assert sum(bits) == 1
        path.write_bytes(content)
        truncate(path, rng)
        assert path.stat().st_size < 256
        assert content.startswith(path.read_bytes())


@pytest.mark.parametrize("count", [28, 100, 230, 1000])
def test_shares_follow_the_weights_and_sum_up(count: int) -> None:
    found = shares(FAULTS, count)
    assert sum(found) == count
    assert min(found) >= 1
    heaviest = max(range(len(FAULTS)), key=lambda i: FAULTS[i].weight)
    assert found[heaviest] == max(found)
    with pytest.raises(ValueError, match="too few"):
        shares(FAULTS, len(FAULTS) - 1)


def test_the_report_counts_every_outcome() -> None:
    ends: list[Outcome] = ["right at once", "right, resumed", "hang", "skipped", "lost result"]
    records = [
        Record("job-sigkill", number, "", end, "why" if number > 1 else "", number + 1, 2, 1.0)
        for number, end in enumerate(ends)
    ]
    page = render(Conditions(7, [], {}), records)
    assert "**4 faults: 0 x unclear message, 1 x lost result, 0 x wrong result, 1 x hang" in page
    assert "1 skipped: why." in page
    assert "10 times a fault came too late" in page
    row = next(line for line in page.splitlines() if line.startswith("| job-sigkill |"))
    assert [cell.strip() for cell in row.split("|")[3:-1]] == [
        "4",
        "1",
        "1",
        "",
        "",
        "",
        "1",
        "",
        "1",
    ]
    assert "- job-sigkill, trial 2 (): hang: why" in page


@pytest.mark.parametrize(
    ("job", "status", "outcome"),
    [
        (SLOW, 0, "right, begun anew"),
        (SLOW.replace("GOOD", "FALSE"), 1, "wrong result"),
        ('cp "$GOOD" "$out"', 0, "skipped"),
        ("exit 3", 1, "broken trial"),
    ],
)
def test_the_exit_status_and_what_is_kept(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    job: str,
    status: int,
    outcome: str,
) -> None:
    script(bench, job)
    if "sleep" not in job:  # it ends at once: let all moments that are drawn come seconds later
        bench.seconds["job on 1"], bench.starting_s["job on 1"] = 200.0, 100.0
    monkeypatch.setattr(command, "Bench", lambda folder: bench)
    monkeypatch.setattr(Bench, "prepare", lambda self, levels: None)
    monkeypatch.setattr(command, "SCRATCH", tmp_path / "scratch")
    work = tmp_path / "work"
    work.mkdir()
    arguments = ["--only", "job-sigkill", "--count", "2", "--folder", str(work)]
    assert command.main(arguments) == status
    with (tmp_path / "scratch" / "trials.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [(row["fault"], row["number"]) for row in table] == [("job-sigkill", n) for n in "01"]
    assert {row["outcome"] for row in table} == {outcome}
    assert outcome != "skipped" or {row["draws"] for row in table} == {"10"}
    kept = [path.name for path in work.rglob("job-sigkill-*")]
    assert sorted(kept) == (["job-sigkill-0", "job-sigkill-1"] if status else [])
    shutil.rmtree(work)
