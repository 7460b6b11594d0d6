"""Make a result again from what its own file says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from smallpolaron import NUMERICS_VERSION
from smallpolaron.results.kinds import KINDS, POINTS_NOTE, derived
from smallpolaron.results.store import Result, StoreError, read_result
from smallpolaron.runs.inputs import read_input
from smallpolaron.study.ladder_section import LadderConfig
from smallpolaron.study.plan import HASH_DIGITS, Plan, Point, read_plan, write_plan
from smallpolaron.study.sections import POPULATION_PROTOCOLS, AnalysisConfig, ResourcesConfig
from smallpolaron.support.problems import show

RUNS: Final = ("correlation", "population", "displacement")
"""Kinds that are computed from parameters alone."""

MOST_RANKS: Final = 4096
"""A file that says more could ask for more than a machine bears."""

_SECTIONS: Final = (
    *("model", "bath", "accuracy", "hierarchy", "adaptive", "propagation"),
    "start_site",
)
"""What resolve.resolve returns."""

NO_LIMIT: Final = 10**12
"""Unknowns: what has been computed once was within the limits of its study."""


@dataclass(frozen=True)
class RerunRequest:
    """What is to be made again, and how."""

    file: Path
    output: Path
    scratch: Path
    sources: tuple[Path, ...] = ()
    plan: Path | None = None
    ranks: int | None = None


@dataclass(frozen=True)
class Rerun:
    """A result and its second making."""

    old: Result
    new: Result
    warnings: tuple[str, ...] = ()


def rerun(request: RerunRequest) -> Rerun:
    """Make a result again.

    The job is started as the workflow does it, with a plan of one point.

    Raises:
        StoreError: the file is damaged or not of a kind that can be made again, an option does not
            apply to it, what it was made from is not there, or the job failed.
        PlanError: the plan cannot be used.
    """
    old = read_input(request.file)
    _require_known(request.file, old)
    _require_fitting_options(old, request)
    plan_path = request.scratch / "plan.json"
    warnings: tuple[str, ...] = ()
    if old.kind in MANY:
        plan_path = _study_plan(request, "is made from the files beside the plan of its study")
        command = [*_program(), *many_command(old, plan_path)]
    elif old.kind in RUNS:
        write_plan(plan_path, _plan(old, AnalysisConfig()))
        command = _run(old, request.ranks)
    else:
        write_plan(plan_path, _plan(old, _criteria(old, request)))
        sources, partner = _sources(old, request)
        command = _derivation(old, sources, partner)
        warnings = _other_source(old, sources)
    done = subprocess.run(
        [*command, "--plan", str(plan_path), "--output", str(request.output)],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StoreError(f"{request.file}: its job failed again: {done.stderr.strip()}")
    return Rerun(old, read_result(request.output, kind=old.kind), warnings)


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


def _require_fitting_options(old: Result, request: RerunRequest) -> None:
    """Refuse options that would change nothing."""
    most = KINDS[old.kind].most_sources
    if len(request.sources) > most:
        beside = " but those beside the plan" if old.kind in MANY else ""
        raise StoreError(
            f"{request.file}: is of kind {old.kind}, which is made from {most or 'no'} other "
            f"file{'s' * (most != 1)}{beside}; {len(request.sources)} given with --source: leave "
            f"out {len(request.sources) - most}"
        )
    for option, given, applies in (
        ("--ranks", request.ranks, old.kind in RUNS),
        ("--plan", request.plan, old.kind not in RUNS),
    ):
        if given is not None and not applies:
            raise StoreError(
                f"{request.file}: {option} {given} does not apply to kind {old.kind}; leave it out"
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
    count = _ranks(old.provenance["ranks"] if ranks is None else ranks)
    start = old.parameters.get("start")
    command = ["population", "--start", str(start)] if start else ["correlation"]
    launcher = [sys.executable, "-m", "smallpolaron.launch", "-n", str(count)]
    point = _point(old).id
    return [*launcher, *_program(), *command, "--point", point, "--ranks", str(count)]


def _ranks(wanted: Any) -> int:
    if type(wanted) is not int or not 1 <= wanted <= MOST_RANKS:
        raise StoreError(
            f"ranks = {show(wanted)} (--ranks, or provenance/ranks of the file); must be a whole "
            f"number from 1 to {MOST_RANKS}; give --ranks"
        )
    return wanted


def _program() -> list[str]:
    return [sys.executable, "-m", "smallpolaron"]


def _sources(old: Result, request: RerunRequest) -> tuple[list[Path], Path | None]:
    """Return the files a result was derived from, and the other initialisation, if it was used."""
    folder = request.file.resolve().parent.parent / KINDS[old.kind].source
    sources, partner = list(request.sources) or _beside(folder, request.file, old), None
    if old.kind == "spreading" and old.notes.get("partner", "none") != "none":
        if old.notes["partner"] not in POPULATION_PROTOCOLS:
            raise StoreError(
                f"{request.file}: notes/partner = {show(old.notes['partner'])}; must be one of "
                f"{', '.join(POPULATION_PROTOCOLS)} or none; name the files with --source"
            )
        own, other = f"__{old.parameters['start']}", f"__{old.notes['partner']}"
        beside = folder / request.file.name.replace(own, other)
        partner = sources.pop() if len(sources) > 1 else beside
    for path in filter(None, (*sources, partner)):
        if not path.is_file():
            raise StoreError(f"{path}: no such file, but needed; name it with --source")
    return sources, partner


def _beside(folder: Path, file: Path, old: Result) -> list[Path]:
    """Return the files in a folder that a result was derived from: one, or several."""
    points = old.notes.get(POINTS_NOTE)
    if points is None:
        return [folder / file.name]
    return [folder / file.name.replace(old.parameters["point"], p) for p in points.split(", ")]


def _derivation(old: Result, sources: Sequence[Path], partner: Path | None) -> list[str]:
    with_partner = ["--partner", str(partner)] if partner else []
    command = [*_program(), KINDS[old.kind].command, *with_partner]
    if old.kind == "population_kernel":
        command += ["--start-site", str(old.parameters["start_site"])]
    return [*command, f"--{KINDS[old.kind].source}", *map(str, sources)]


def _other_source(old: Result, sources: Sequence[Path]) -> tuple[str, ...]:
    recorded = old.provenance.get("source")
    if any(read_result(path).provenance == recorded for path in sources):
        return ()
    names = ", ".join(path.name for path in sources)
    return (f"source: {names} is of another run than the file this was made from",)


def _criteria(old: Result, request: RerunRequest) -> AnalysisConfig:
    """Return the criteria of the analysis: those in the file, else those of the plan."""
    recorded: Mapping[str, Any] | None = old.provenance.get("analysis")
    if recorded is not None:
        try:
            return AnalysisConfig.model_validate(recorded)
        except ValidationError as error:
            reason = " ".join(str(error).split())
            raise StoreError(
                f"{request.file}: provenance/analysis holds no criteria ({reason}); name the plan "
                "of the study with --plan"
            ) from error
    reason = "does not hold the criteria of its analysis"
    return read_plan(_study_plan(request, reason)).analysis


def _study_plan(request: RerunRequest, reason: str) -> Path:
    """Return the plan of the study a result belongs to."""
    path = request.plan or request.file.resolve().parent.parent / "plan.json"
    if not path.is_file():
        raise StoreError(
            f"{request.file}: {reason}, and there is no {path}; name the plan of the study with "
            "--plan"
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
    sizes = [int(n) for n in np.asarray(old.variables["n_sites"].data)]
    if other := [n for n in sizes if n not in points]:
        raise StoreError(f"{plan_path}: its ladder {ladder.name} has no size {other[0]}")

    def mobility(point: str) -> str:
        path = plan_path.parent / "mobility" / f"{point}.h5"
        if not path.is_file():
            raise StoreError(f"{path}: no such file, but needed; run the workflow")
        return str(path)

    ring = ["--infinite-ring", mobility(ladder.check)] if ladder.check else []
    return ["--mobility", *(mobility(points[n].id) for n in sizes), *ring]
