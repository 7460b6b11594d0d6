"""What a scheduler is asked for: which jobs, and how often."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

Run = Callable[..., subprocess.CompletedProcess[str]]

ROOT = Path(__file__).resolve().parents[2]
MPI_RULES = {"correlation", "population"}

STUDY = """\
study: large
accuracy: 0.01
propagation: {duration_fs: 600}
grid:
  - bath.eta_over_v: [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]
    bath.gamma_over_v: [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75]
    model.n_sites: [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
"""


def _rules() -> list[tuple[str, str]]:
    """Return file and text of every rule; those made in a loop have one text."""
    found = []
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        text = path.read_text(encoding="utf-8")
        parts = re.split(r"^\s*(?:rule|checkpoint)(?: \w+)?:$", text, flags=re.M)
        found += [(path.name, rule) for rule in parts[1:]]
    return found


def test_every_command_but_runs_and_batches_runs_where_snakemake_runs() -> None:
    commands = [(file, text) for file, text in _rules() if _has(text, "(shell|run|script):")]
    assert len(commands) > 10
    elsewhere = [file for file, text in commands if not _has(text, "localrule: True")]
    assert elsewhere == ["batches.smk", "dynamics.smk"]


@pytest.mark.parametrize("scheduler", ["slurm", "pbs"])
def test_profiles_repeat_a_failed_job_and_rules_do_not(scheduler: str) -> None:
    # given in both places, the numbers multiply
    assert not [file for file, text in _rules() if _has(text, "retries:.*")]
    profile = (ROOT / "profiles" / scheduler / "config.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(profile)["retries"] == 2


def _has(rule: str, line: str) -> bool:
    return re.search(rf"^ +{line}$", rule, re.MULTILINE) is not None


@pytest.mark.slow
def test_a_thousand_points_are_a_few_jobs(snakemake: Run, tmp_path: Path) -> None:
    study = tmp_path / "large.yaml"
    study.write_text(STUDY, encoding="utf-8")
    done = snakemake(tmp_path, "-n", "--profile", "slurm", "--configfile", str(study))
    counts = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout, re.M))
    total = int(counts.pop("total"))
    assert sum(map(int, counts.values())) == total
    assert 0 < int(counts["batch"]) < 1000
    # what is too large for a batch is a job of its own
    assert int(counts.get("correlation", 0)) < 1000
    assert total <= 1500
