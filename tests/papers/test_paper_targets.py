"""Every figure of a paper is a target with its own price; changed studies leave the paper alone."""

from __future__ import annotations

import re

import pytest

from tests.workflow.conftest import ROOT, Run

MORI = ("--configfile", str(ROOT / "config" / "mori2024.yaml"))
JOB = re.compile(r"(?:autocorrelation|Populations) of (\S+(?: from \w+)?)")


def priced(text: str) -> int:
    """Return how many MPI jobs a dry run says are to be computed."""
    found = re.search(r"(\d+) MPI jobs to compute", text)
    assert found is not None, text
    return int(found[1])


def test_a_dry_run_prices_the_target_alone(snakemake: Run) -> None:
    for target in ("mori_fig2", "mori_inverse"):
        done = snakemake(target, "-n", *MORI)
        assert f"Target {target}:" in done.stderr
        assert priced(done.stderr) == len(set(JOB.findall(done.stdout))) > 0
    assert priced(snakemake("mori2024", "-n", "--quiet", "rules", *MORI).stderr) == 83


@pytest.mark.parametrize("paper", ["mori2024", "anomalous2024"])
def test_the_bill_lists_every_target(snakemake: Run, paper: str) -> None:
    done = snakemake("cost", "--cores", "1", "--configfile", str(ROOT / "config" / f"{paper}.yaml"))
    prices = {
        target: (float(hours), int(jobs))
        for hours, jobs, target in re.findall(r"([\d.]+) \(.+\) +(\d+)  (\w+)$", done.stdout, re.M)
    }
    rules = snakemake("--list-rules", "--configfile", str(ROOT / "config" / f"{paper}.yaml")).stdout
    start = paper.rstrip("0123456789")
    assert set(prices) == set(re.findall(rf"^({start}_\w+|{paper})\b", rules, re.M))
    assert len(prices) == {"mori2024": 11, "anomalous2024": 13}[paper]
    assert all(hours > 0 and jobs > 0 for hours, jobs in prices.values())
    assert prices[paper] == max(prices.values())
    assert min(jobs for _, jobs in prices.values()) < prices[paper][1]


@pytest.mark.parametrize(
    ("changes", "own"),
    [
        ([], True),
        (["resources={max_ranks: 2}"], True),
        (["study=warm", "temperature_K=250"], True),  # a folder of its own in any case
        (["temperature_K=250"], False),
        (["analysis={band_percent: 2}"], False),
    ],
)
def test_a_changed_study_does_not_draw_over_the_paper(
    snakemake: Run, changes: list[str], own: bool
) -> None:
    done = snakemake("mori_fig4", "-n", *MORI, *(["--config", *changes] if changes else []))
    folders = set(re.findall(r"results/\w+/(paper[\w-]*)/fig4\.pdf", done.stdout))
    assert len(folders) == 1
    assert (folders == {"paper"}) == own
    assert ("figures go to" in done.stderr) != own
