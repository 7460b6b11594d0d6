"""The tiny study that is tortured, and what its jobs give when nothing disturbs them."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from smallpolaron.planning.study import load_plan
from smallpolaron.results.store import Result, read_result
from smallpolaron.study.plan import read_plan, write_plan
from tests.torture.processes import MARK, start

ROOT: Final = Path(__file__).resolve().parents[2]

STUDY: Final = """\
study: torture
accuracy: 1e-3
model: {n_sites: 4}
bath: {eta_cm: 200, gamma_cm: 50, terms: 1}
propagation: {duration_fs: 100}
resources: {checkpoint_minutes: 1e-4}
grid:
  - model.temperature_K: [300, 200]
"""
"""Two points; a job takes seconds and writes checkpoints all the time."""

_SLOWER: Final = 30.0
_LEAST_PATIENCE_S: Final = 120.0
"""A command hangs when it takes longer than this, and so many times what it took undisturbed."""


class NotPrepared(RuntimeError):
    """The undisturbed run failed; the message says how."""


@dataclass
class Bench:
    """What all trials have in common.

    Attributes:
        folder: where everything is written.
        program: how the command line of the package is started.
        seconds: how long things take undisturbed: "job on 1", "job on 2", "workflow".
        starting_s: how much of this passes before they report anything.
        files: the files they write: "job on 1", "job on 2", "bystander", "mobility".
    """

    folder: Path
    program: tuple[str, ...] = (sys.executable, "-m", "smallpolaron")
    seconds: dict[str, float] = field(default_factory=dict)
    starting_s: dict[str, float] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Write the study and its plan."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.study.write_text(STUDY)
        write_plan(self.plan, load_plan(self.study))
        self.points = tuple(point.id for point in read_plan(self.plan).points)

    @property
    def study(self) -> Path:
        """The study file."""
        return self.folder / "study.yaml"

    @property
    def plan(self) -> Path:
        """The plan of the study."""
        return self.folder / "plan.json"

    @property
    def workflow(self) -> Path:
        """Folder of the undisturbed run of the workflow."""
        return self.folder / "workflow"

    def result(self, what: str) -> Result:
        """Return a result of the undisturbed run."""
        return read_result(self.files[what])

    def patience_s(self, what: str) -> float:
        """Return how long to wait before something counts as hanging, s."""
        return max(_LEAST_PATIENCE_S, _SLOWER * self.seconds[what])

    def correlation(self, output: Path, ranks: int = 1, point: int = 0) -> list[str]:
        """Return the command of an MPI job."""
        beside = Path(sys.executable).with_name("mpiexec")
        mpiexec = [str(beside) if beside.exists() else "mpiexec", "-n", str(ranks)]
        order = ["correlation", "--plan", str(self.plan), "--point", self.points[point]]
        return [
            *(mpiexec if ranks > 1 else []),
            *(*self.program, *order, "--ranks", str(ranks), "--output", str(output)),
        ]

    def mobility(self, correlation: Path, output: Path) -> list[str]:
        """Return the command of a step that reads a result."""
        order = ["mobility", "--plan", str(self.plan), "--correlation", str(correlation)]
        return [*self.program, *order, "--output", str(output)]

    def verify(self, results: Path) -> list[str]:
        """Return the command that checks result files."""
        return [*self.program, "verify", str(results)]

    def snakemake(self, folder: Path, *more: str) -> list[str]:
        """Return the command of the workflow, up to the mobility of both points."""
        profile = ["--profile", "profiles/local", "--cores", "2"]
        study = ["--configfile", str(self.study), "--directory", str(folder)]
        targets = [f"results/torture/mobility/{point}.h5" for point in self.points]
        return [sys.executable, "-m", "snakemake", *profile, *study, *(more or targets)]

    def environment(self, mark: str) -> dict[str, str]:
        """Return what the commands of a trial find in their environment."""
        return {
            MARK: mark,
            "PYTHONPATH": f"{ROOT / 'src'}",
            "PYTHONUNBUFFERED": "",  # the default: what is printed is kept back for a while
            "OMP_NUM_THREADS": "1",
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }

    def prepare(self, levels: set[str]) -> None:
        """Run undisturbed what the trials of these levels (job, ranks, workflow) need."""
        output = self.folder / "bystander" / f"{self.points[1]}.h5"
        self._take("bystander", self.correlation(output, point=1), output)
        for ranks in (1, *((2,) if "ranks" in levels else ())):
            output = self.folder / f"ranks-{ranks}" / f"{self.points[0]}.h5"
            self._take(f"job on {ranks}", self.correlation(output, ranks), output)
        output = self.folder / "mobility" / f"{self.points[0]}.h5"
        self._take("mobility", self.mobility(self.files["job on 1"], output), output)
        if "workflow" in levels:
            self.workflow.mkdir()
            self._take("workflow", self.snakemake(self.workflow), self.workflow)

    def _take(self, what: str, command: list[str], output: Path) -> None:
        """Run a command to its end and keep what it wrote and how long it took."""
        log = self.folder / f"{what.replace(' ', '-')}.log"
        began = time.monotonic()
        process = start(what, command, log, self.environment(f"{self.folder}/"), ROOT)
        while not (process.over or log.stat().st_size):
            time.sleep(0.01)
        self.starting_s[what] = time.monotonic() - began
        if process.popen.wait() != 0 or not output.exists():
            raise NotPrepared(f"{what} failed undisturbed:\n{log.read_text(errors='replace')}")
        self.seconds[what] = time.monotonic() - began
        self.files[what] = output

    def workflow_results(self, folder: Path) -> Mapping[Path, Result]:
        """Return what a run of the workflow in a folder must give."""
        return {
            folder / path.relative_to(self.workflow): read_result(path)
            for path in sorted(self.workflow.rglob("*.h5"))
        }

    def finished_workflow(self, folder: Path) -> None:
        """Make a folder in which the workflow has run."""
        shutil.copytree(self.workflow, folder, symlinks=True, dirs_exist_ok=True)
