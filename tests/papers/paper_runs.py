"""Tests that the studies of both papers share: all figures, then nothing, then the one deleted."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from smallpolaron.planning.study import plan_document
from smallpolaron.study.plan import Plan, write_plan
from smallpolaron.study.yamlfile import parse_yaml
from tests.results.columns import assert_errors_beside
from tests.workflow import synthetic
from tests.workflow.conftest import Run


@dataclass(frozen=True)
class PaperRun:
    """The study of a paper in a folder of its own, all of whose jobs have invented results.

    Attributes:
        snakemake: runs Snakemake in that folder.
        target: the paper.
        configuration: the study file.
        plan: its plan.
        folder: where the figures go.
    """

    snakemake: Run
    target: str
    configuration: Path
    plan: Plan
    folder: Path

    def make(self, *options: str) -> str:
        """Ask for the paper; returns what Snakemake said."""
        chosen = ("--cores", "2", "--configfile", str(self.configuration))
        done = self.snakemake(self.target, *chosen, "--rerun-triggers", "mtime", *options)
        return done.stdout + done.stderr

    def stamps(self) -> dict[str, int]:
        """Time of the last change of every file of the paper."""
        return {path.name: path.stat().st_mtime_ns for path in self.folder.iterdir()}


def paper_run(snakemake: Run, tmp_path: Path, target: str, study: str) -> PaperRun:
    """Invent the results of a study."""
    configuration = tmp_path / "study.yaml"
    configuration.write_text(study, encoding="utf-8")
    plan_file = tmp_path / "run" / "results" / "small" / "plan.json"
    plan = plan_document(parse_yaml(study, "study.yaml"))
    write_plan(plan_file, plan)
    synthetic.write_all(plan_file)
    return PaperRun(snakemake, target, configuration, plan, plan_file.parent / "paper")


def assert_figures_and_page(folder: Path, names: tuple[str, ...]) -> str:
    """Check every figure with its numbers and caption; returns the page.

    It begins with one of them and shows them all further down.
    """
    for name in names:
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        with (folder / f"{name}.csv").open(encoding="utf-8") as stream:
            table = csv.DictReader(stream)
            assert_errors_beside(table.fieldnames or ())
            assert list(table)
        caption = (folder / f"{name}.txt").read_text(encoding="utf-8")
        assert "Method: HEOM" in caption
        assert "lagged" in caption or "No point is flagged" in caption
    page = (folder / "index.html").read_text(encoding="utf-8")
    first, *others = re.findall(r'<img src="(\w+).png"', page)
    assert first in names
    assert others == list(names)
    return page


def assert_only_the_deleted_is_made(run: PaperRun, name: str) -> None:
    """Check that a finished paper has nothing to do, and that a figure lost is all that is made."""
    before = run.stamps()
    assert "Nothing to be done" in run.make()
    assert run.stamps() == before
    (run.folder / f"{name}.png").unlink()
    run.make()
    after = run.stamps()
    changed = {each for each in after if after[each] != before[each]}
    assert changed == {f"{name}.{kind}" for kind in ("pdf", "png", "csv", "txt")}
