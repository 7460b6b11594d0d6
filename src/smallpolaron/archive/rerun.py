"""Make a result again from what its own file says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smallpolaron import NUMERICS_VERSION
from smallpolaron.results.kinds import KINDS, POINTS_NOTE, derived
from smallpolaron.results.store import Result, read_result
from smallpolaron.runs.inputs import read_input
from smallpolaron.study.ladder_section import LadderConfig
from smallpolaron.study.plan import HASH_DIGITS, Plan, Point, read_plan, write_plan
from smallpolaron.study.sections import AnalysisConfig, ResourcesConfig
from smallpolaron.support.problems import StoreError, show

RUNS: Final = ("correlation", "population", "displacement")
"""Kinds that are computed from parameters alone."""

_SECTIONS: Final = (
    *("model", "bath", "accuracy", "hierarchy", "adaptive", "propagation"),
    "start_site",
)
"""What resolve.resolve returns."""

NO_LIMIT: Final = 10**12
"""Unknowns: what has been computed once was within the limits of its study."""


@dataclass(frozen=True)
class Rerun:
    """A result, its second making, and what may explain that they differ."""

    old: Result
    new: Result
    warnings: tuple[str, ...] = ()


def rerun(
    file: Path,
    output: Path,
    scratch: Path,
    *,
    sources: Sequence[Path] = (),
    plan: Path | None = None,
    ranks: int | None = None,
) -> Rerun:
    """Make a result again; the job is started as the workflow does it, with a plan of one point.

    Args:
        file: the result.
        output: file to write.
        scratch: folder for what the job needs.
        sources: files that it was derived from; () for those beside it.
        plan: plan of its study; None for the one beside it.
        ranks: MPI ranks of a run; None for as many as then.

    Raises:
        StoreError: the file is damaged or not of a kind that can be made again, an option does not
            apply to it, what it was made from is not there, or the job failed.
        PlanError: the plan cannot be used.
    """
    old = read_input(file)
    _require_known(file, old)
    _require_fitting_options(file, old, len(sources), {"--ranks": ranks, "--plan": plan})
    plan_path, warnings = scratch / "plan.json", list[str]()
    if old.kind in MANY:
        plan_path = _study_plan(file, plan, "is made from the files beside the plan of its study")
        command = many_command(old, plan_path)
    elif old.kind in RUNS:
        write_plan(plan_path, _plan(old, AnalysisConfig()))
        command = _run(old, ranks)
    else:
        write_plan(plan_path, _plan(old, _criteria(old, file, plan)))
        command, warnings = _derivation(old, file, list(sources))
    program = [sys.executable, "-m", "smallpolaron"]
    if old.kind in RUNS:
        program = [*program[:2], "smallpolaron.launch", "-n", command[-1], *program]
    done = subprocess.run(
        [*program, *command, "--plan", str(plan_path), "--output", str(output)],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StoreError(f"{file}: its job failed again: {done.stderr.strip()}")
    return Rerun(old, read_result(output, kind=old.kind), tuple(warnings))


def _require_known(file: Path, old: Result) -> None:
    """Refuse what was made from a table, or of a point that this version does not understand."""
    if old.kind in MANY:
        return
    if old.kind == "verdict":
        raise StoreError(f"{file}: made from a whole study; make it again by: snakemake verdict")
    if "propagation" not in old.parameters or old.kind not in (*RUNS, *derived()):
        raise StoreError(
            f"{file}: made from a table of numbers (kind {old.kind}), which it does not hold; make "
            "it again by the command that made it"
        )
    missing = [name for name in _SECTIONS if name not in old.parameters]
    if missing:
        version = show(old.provenance.get("package_version"))
        raise StoreError(
            f"{file}: its parameters lack {', '.join(missing)}: smallpolaron {version} at commit "
            f"{show(old.provenance.get('git_commit'))} wrote it, before there was such a choice; "
            "make it again with that version"
        )


def _require_fitting_options(
    file: Path, old: Result, n_sources: int, options: Mapping[str, object]
) -> None:
    """Refuse options that would change nothing."""
    most = KINDS[old.kind].most_sources
    if n_sources > most:
        beside = " but those beside the plan" if old.kind in MANY else ""
        raise StoreError(
            f"{file}: is of kind {old.kind}, which is made from {most or 'no'} other "
            f"file{'s' * (most != 1)}{beside}; {n_sources} given with --source: leave out "
            f"{n_sources - most}"
        )
    idle = "--plan" if old.kind in RUNS else "--ranks"
    if options[idle] is not None:
        raise StoreError(
            f"{file}: {idle} {options[idle]} does not apply to kind {old.kind}; leave it out"
        )


def _plan(result: Result, criteria: AnalysisConfig) -> Plan:
    point = _point(result)
    return Plan(
        study=str(result.parameters["study"]),
        paper=None,
        numerics_version=NUMERICS_VERSION,
        points=(point,),
        ladders=(),
        ensembles=(),
        ladder=LadderConfig(),
        analysis=criteria,
        resources=ResourcesConfig(max_unknowns=NO_LIMIT),
    )


def _point(result: Result) -> Point:
    """Return the point of a result; other numerics give it another name."""
    stored, parameters = result.parameters, result.resolved
    digest = parameters.hash
    return Point(
        id=stored["point"][:-HASH_DIGITS] + digest[:HASH_DIGITS],
        hash=digest,
        block=None,
        group=None,
        axes={},
        parameters=parameters,
        derived=dict(stored["derived"]),
        protocols=(stored.get("start", "current"),),
    )


def _run(old: Result, ranks: int | None) -> list[str]:
    start = old.parameters.get("start")
    command = ["population", "--start", str(start)] if start else ["correlation"]
    count = old.provenance["ranks"] if ranks is None else ranks
    return [*command, "--point", _point(old).id, "--ranks", str(count)]


def _derivation(old: Result, file: Path, sources: list[Path]) -> tuple[list[str], list[str]]:
    """Return the words that derive a result again, and whether its sources have changed."""
    kind = KINDS[old.kind]
    folder = file.resolve().parent.parent / kind.source
    own, points = [file.name], old.notes.get(POINTS_NOTE)
    if points is not None:
        own = [file.name.replace(old.parameters["point"], point) for point in points.split(", ")]
    files = sources or [folder / name for name in own]
    command, partner = [kind.command], old.notes.get("partner", "none")
    if old.kind == "spreading" and partner != "none":
        beside = folder / file.name.replace(f"__{old.parameters['start']}", f"__{partner}")
        files.append(files.pop() if len(files) > 1 else beside)
        command += ["--partner", str(files[-1])]
    if old.kind == "population_kernel":
        command += ["--start-site", str(old.parameters["start_site"])]
    for path in files:
        if not path.is_file():
            raise StoreError(f"{path}: no such file, but needed; name it with --source")
    if "--partner" in command:
        files.pop()
    names, recorded = ", ".join(path.name for path in files), old.provenance.get("source")
    is_same = any(read_result(path).provenance == recorded for path in files)
    changed = f"source: {names} is of another run than the file this was made from"
    return [*command, f"--{kind.source}", *map(str, files)], [] if is_same else [changed]


def _criteria(old: Result, file: Path, plan: Path | None) -> AnalysisConfig:
    """Return the criteria of the analysis: those in the file, else those of the plan."""
    if recorded := old.provenance.get("analysis"):
        return AnalysisConfig.model_validate(recorded)
    reason = "does not hold the criteria of its analysis"
    return read_plan(_study_plan(file, plan, reason)).analysis


def _study_plan(file: Path, plan: Path | None, reason: str) -> Path:
    """Return the plan of the study a result belongs to."""
    path = plan or file.resolve().parent.parent / "plan.json"
    if not path.is_file():
        raise StoreError(
            f"{file}: {reason}, and there is no {path}; name the plan of the study with --plan"
        )
    return path


MANY: Final = ("ladder", "ensemble")
"""Kinds that are made from the files beside the plan of a study."""


def many_command(old: Result, plan_path: Path) -> list[str]:
    """Return the words, after the program, that make such a result again; but for plan and output.

    Raises:
        PlanError: the plan of a ladder cannot be read or has no such ladder.
        StoreError: the ladder had other sizes, or what it was made from is not there.
    """
    name = str(old.parameters["point"])
    if old.kind == "ensemble":
        start = str(old.parameters.get("start", "current"))
        return ["ensemble", "--name", name, "--protocol", start]
    return ["ladder", "--name", name, *_ladder_files(old, name, plan_path)]


def _ladder_files(old: Result, name: str, plan_path: Path) -> list[str]:
    ladder = read_plan(plan_path).ladder_named(name)
    points = dict(zip(ladder.sizes, ladder.rungs, strict=True))
    sizes = [int(n) for n in old.array("n_sites")]
    if other := [n for n in sizes if n not in points]:
        raise StoreError(f"{plan_path}: its ladder {ladder.name} has no size {other[0]}")

    def mobility(point: str) -> str:
        path = plan_path.parent / "mobility" / f"{point}.h5"
        if not path.is_file():
            raise StoreError(f"{path}: no such file, but needed; run the workflow")
        return str(path)

    ring = ["--infinite-ring", mobility(ladder.check)] if ladder.check else []
    return ["--mobility", *(mobility(points[n].id) for n in sizes), *ring]
