"""The plan of a study: every point with its resolved parameters, as one JSON file.

Jobs read their point from the plan, so what was validated is what is computed. A plan whose
parameters do not match their hash, or that belongs to other numerics, is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from smallpolaron import NUMERICS_VERSION
from smallpolaron.study.ladder_section import LadderConfig
from smallpolaron.study.parameters import Parameters
from smallpolaron.study.resolved.base import first_fault
from smallpolaron.study.sections import NAME_PATTERN, AnalysisConfig, Protocol, ResourcesConfig
from smallpolaron.support.files import read_json, write_text
from smallpolaron.support.problems import show
from smallpolaron.support.unavailable import cannot_read, is_unavailable, patiently

SCHEMA = "smallpolaron-plan"
SCHEMA_VERSION = 4
HASH_DIGITS = 8
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._~+-]{0,199}$"
"""Names of points, ladders and ensembles, which become part of paths."""
LARGEST_FILE: Final = 1 << 29
"""Bytes of a plan at most."""

T = TypeVar("T")

_CONFIG = ConfigDict(extra="forbid")
_Id = Annotated[str, Field(pattern=ID_PATTERN)]
_Name = Annotated[str, Field(pattern=NAME_PATTERN)]
_Protocols = Annotated[tuple[Protocol, ...], Field(min_length=1)]


class PlanError(ValueError):
    """A plan file that cannot be used, or a point it does not hold."""


@dataclass(frozen=True)
class Point:
    """One parameter set of a study.

    Attributes:
        id: name used in paths: readable grid values, "-", first digits of the hash.
        hash: SHA-256 over the parameters and the version of the numerics.
        block: index of the grid block; None without a grid.
        group: name of the grid block; None if it has none.
        axes: the grid values as text, by dotted key.
        parameters: resolved parameters in sections; see resolve.resolve.
        derived: what helps to read them; see parameters.derived.
        protocols: what to compute.
    """

    id: _Id
    hash: str
    block: int | None
    group: str | None
    axes: dict[str, str]
    parameters: Parameters
    derived: dict[str, int | float | None]
    protocols: _Protocols

    __pydantic_config__ = _CONFIG

    @property
    def populations(self) -> tuple[Protocol, ...]:
        """The population protocols of the point."""
        return tuple(p for p in self.protocols if p != "current")


@dataclass(frozen=True)
class Ladder:
    """Points that differ in size only, computed one after another until D has converged.

    Attributes:
        name: name used in paths, made like that of a point.
        hash: SHA-256 over the parameters without the number of sites.
        rungs: one point per size, increasing.
        check: id of the point of the infinite ring; None for none.
    """

    name: _Id
    hash: str
    rungs: Annotated[tuple[Point, ...], Field(min_length=1)]
    check: _Id | None

    __pydantic_config__ = _CONFIG

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of sites."""
        return tuple(rung.parameters.n_sites for rung in self.rungs)


@dataclass(frozen=True)
class Ensemble:
    """Points that differ in their draw of static disorder only.

    Attributes:
        name: name used in paths, made like that of a point.
        hash: SHA-256 over the parameters.
        group: name of the grid block; None if it has none.
        parameters: resolved parameters without disorder, with what is drawn in ``disorder``.
        members: ids of the points, in the order of their draws.
        protocols: what is computed for each of them.
    """

    name: _Id
    hash: str
    group: str | None
    parameters: Parameters
    members: tuple[_Id, ...]
    protocols: _Protocols

    __pydantic_config__ = _CONFIG

    @property
    def run_names(self) -> dict[str, Protocol]:
        """Names of its result files, with what each of them averages."""
        ends = {p: "" if p == "current" else f"__{p}" for p in self.protocols}
        return {f"{self.name}{ends[protocol]}": protocol for protocol in self.protocols}


@dataclass(frozen=True)
class Plan:
    """All points of a study with the settings of its analysis and jobs.

    Attributes:
        numerics_version: version of the numerics.
        study: name of the study.
        paper: paper whose figures it regenerates.
        analysis: criteria of the analysis.
        resources: limits for the jobs.
        points: points that are computed in any case.
        ladder: settings of the ladders.
        ladders: sizes that are computed as far as needed.
        ensembles: which of the points are members of a disordered ensemble.
    """

    numerics_version: int
    study: _Name
    paper: _Name | None
    analysis: AnalysisConfig
    resources: ResourcesConfig
    points: tuple[Point, ...]
    ladder: LadderConfig
    ladders: tuple[Ladder, ...]
    ensembles: tuple[Ensemble, ...]

    __pydantic_config__ = _CONFIG

    @property
    def rungs(self) -> tuple[Point, ...]:
        """The points of all ladders that are not points of their own, each once."""
        known = {point.id for point in self.points}
        rungs = {rung.id: rung for ladder in self.ladders for rung in ladder.rungs}
        return tuple(rung for name, rung in rungs.items() if name not in known)

    def ladder_named(self, name: str) -> Ladder:
        """Return the ladder of this name.

        Raises:
            PlanError: there is none.
        """
        return self._named("ladder", {ladder.name: ladder for ladder in self.ladders}, name)

    def ensemble_named(self, name: str) -> Ensemble:
        """Return the ensemble of this name.

        Raises:
            PlanError: there is none.
        """
        return self._named("ensemble", {each.name: each for each in self.ensembles}, name)

    def point(self, name: str) -> Point:
        """Return the point of this id.

        Raises:
            PlanError: there is none.
        """
        return self._named("point", {p.id: p for p in (*self.points, *self.rungs)}, name)

    def _named(self, what: str, known: dict[str, T], name: str) -> T:
        if name in known:
            return known[name]
        from smallpolaron.support.key_names import nearest  # takes a while to import

        guess = nearest(name, known)
        hint = f"; the nearest is '{guess}'" if guess else ""
        raise PlanError(
            f"the plan of study '{self.study}' has no {what} {name!r}{hint}; it has {len(known)}; "
            "correct the name, or write the plan again from the configuration"
        )

    def with_protocol(self, protocol: Protocol) -> list[Point]:
        """Return the points that ask for a protocol."""
        return [point for point in self.points if protocol in point.protocols]


def plan_json(plan: Plan) -> str:
    """Return a plan as the text of its file."""
    header = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION}
    content = header | _PLAN.dump_python(plan, mode="json")
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def write_plan(path: Path, plan: Plan) -> None:
    """Write a plan, replacing the file in one step."""
    write_text(path, plan_json(plan))


def read_plan(path: Path) -> Plan:
    """Read a plan and check its layout, its version and the hashes of its points.

    Raises:
        PlanError: the file cannot be used; the message says why and what to do.
    """
    try:
        found = path.stat()
    except OSError:  # said below
        return _read_plan(path)
    return _known_plan(path, found.st_ino, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=1)
def _known_plan(path: Path, *_: int) -> Plan:
    """Read each version of a plan once: a batch of jobs takes all its points from one."""
    return _read_plan(path)


def _read_plan(path: Path) -> Plan:
    try:
        data = patiently(lambda: read_json(path, LARGEST_FILE))
    except OSError as error:
        if is_unavailable(error):
            raise PlanError(cannot_read(path, error)) from error
        raise _refused(path, f"cannot read the plan ({error.strerror})") from error
    except ValueError as error:
        raise _refused(path, f"not a complete JSON file ({error})") from error
    if not isinstance(data, dict) or data.pop("schema", None) != SCHEMA:
        raise _refused(path, f"not a plan (schema must be '{SCHEMA}')")
    for key, mine in (("schema_version", SCHEMA_VERSION), ("numerics_version", NUMERICS_VERSION)):
        if data.get(key) != mine:
            raise _refused(path, f"{key} = {show(data.get(key))}, this program reads {mine}")
    del data["schema_version"]
    try:
        plan = _PLAN.validate_python(data)
        _check_hashes(plan)
    except ValidationError as error:
        raise _refused(path, f"damaged plan ({first_fault(error)})") from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise _refused(path, f"damaged plan ({error})") from error
    return plan


def _refused(path: Path, reason: str) -> PlanError:
    advice = "write it again: python -m smallpolaron plan --config CONFIG --output PLAN"
    return PlanError(f"{path}: {reason}; {advice}")


_PLAN: Final = TypeAdapter(Plan)


def _check_hashes(plan: Plan) -> None:
    """Refuse parameters that are not those that were planned."""
    rungs = (rung for ladder in plan.ladders for rung in ladder.rungs)
    named: Iterable[tuple[str, Point | Ensemble]] = (
        *((point.id, point) for point in (*plan.points, *rungs)),
        *((ensemble.name, ensemble) for ensemble in plan.ensembles),
    )
    for name, each in named:
        digest = each.parameters.hash
        if digest != each.hash or not name.endswith("-" + digest[:HASH_DIGITS]):
            raise ValueError(
                f"{name}: its parameters do not match its hash (plan says "
                f"{show(each.hash[:HASH_DIGITS])}, parameters give {digest[:HASH_DIGITS]}): "
                "edited, or written by another version"
            )
