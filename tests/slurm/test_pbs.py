"""The profile for PBS with commands that stand in for qsub and qstat."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from smallpolaron.results.store import read_result

ROOT = Path(__file__).resolve().parents[2]
PROFILE = ROOT / "profiles" / "pbs"

# Runs correlation functions; populations are killed, as PBS does when their time is over.
QSUB = """\
#!/bin/sh
for script; do :; done
echo "$*" >> "$FAKE_PBS/asked"
if grep -q '"rule": "population"' "$script"; then
    echo 271 > "$FAKE_PBS/$$.server"
else
    (sh "$script" > "$FAKE_PBS/output" 2>&1; echo $? > "$FAKE_PBS/$$.server") &
fi > /dev/null
echo $$.server
"""
QSTAT = """\
#!/bin/sh
[ "$1 $2" = "-x -f" ] || exit 2
echo "Job Id: $3"
echo "    Job_Name = smallpolaron"
[ -f "$FAKE_PBS/$3" ] || { echo "    job_state = R"; exit; }
echo "    job_state = F"
echo "    Exit_status = $(cat "$FAKE_PBS/$3")"
"""


def _commands(folder: Path, **scripts: str) -> str:
    """Make commands, and return the PATH that finds them first."""
    folder.mkdir()
    for name, text in scripts.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    return str(folder)


@pytest.mark.slow
def test_jobs_run_and_a_killed_one_asks_for_more(
    snakemake: Callable[..., object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", _commands(tmp_path / "bin", qsub=QSUB, qstat=QSTAT), prepend=":")
    study = ["--configfile", str(ROOT / "config" / "tiny.yaml"), "--until"]
    study += ["correlation", "population", "--config"]
    changes = ['protocols=["current", "marcus"]', "grid=[{model.n_sites: [3]}]"]
    fake = tmp_path / "server"
    fake.mkdir()
    run = ["--profile", str(PROFILE), *study, *changes]
    snakemake(tmp_path / "run", *run, status=1, env={"FAKE_PBS": str(fake)})

    results = tmp_path / "run" / "results" / "tiny"
    (found,) = (results / "correlation").iterdir()
    assert read_result(found).provenance["ranks"] == 2
    assert not (results / "population").exists() or not list((results / "population").iterdir())

    asked = (fake / "asked").read_text(encoding="utf-8").splitlines()
    numbers = [
        tuple(map(int, re.search(r"mem=(\d+)mb -l walltime=(\d+):00 ", line).groups()))
        for line in asked
    ]
    assert all("-l select=2:ncpus=1:mpiprocs=1:" in line for line in asked)
    memory, minutes = zip(*sorted(numbers, key=lambda pair: pair[1]), strict=True)
    assert minutes == tuple(minutes[0] * times for times in (1, 1, 2, 3))  # both jobs, at first
    rise = memory[3] - memory[2]
    assert rise > 300
    assert memory[2] - rise in memory[:2]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("    job_state = Q", "running"),
        ("    job_state = F\n    Exit_status = 0", "success"),
        ("    job_state = F\n    Exit_status = 1", "failed"),
        ("    job_state = F\n    Exit_status = -29", "failed"),
        ("qstat: Unknown Job Id 7.server", "success"),  # Snakemake then looks for the result
        ("pbs_server is busy: connection refused", "running"),
    ],
)
def test_states_of_a_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, status: str
) -> None:
    qstat = f"#!/bin/sh\ncat >&2 <<X\n{answer}\nX\n"
    monkeypatch.setenv("PATH", _commands(tmp_path / "bin", qstat=qstat), prepend=":")
    command = [str(PROFILE / "status.sh"), "7.server"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{status}\n"
