"""The plan of a study: every point with its resolved parameters, as one JSON file.

Jobs read their point from the plan, so what was validated is what is computed. A plan whose
parameters do not match their hash, or that belongs to other numerics, is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, get_args

from smallpolaron import NUMERICS_VERSION
from smallpolaron.study.ladder_section import LadderConfig
from smallpolaron.study.parameters import point_hash
from smallpolaron.study.sections import NAME_PATTERN, AnalysisConfig, Protocol, ResourcesConfig
from smallpolaron.support.canonical import Parameters
from smallpolaron.support.files import read_json, write_text
from smallpolaron.support.problems import show
from smallpolaron.support.unavailable import cannot_read, is_unavailable, patiently

SCHEMA = "smallpolaron-plan"
SCHEMA_VERSION = 4
HASH_DIGITS = 8
ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~+-]{0,199}")
LARGEST_FILE: Final = 1 << 29
"""Bytes of a plan at most."""


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
        parameters: resolved parameters in sections; see parameters.resolve.
        derived: what helps to read them; see parameters.derived.
        protocols: what to compute.
    """

    id: str
    hash: str
    block: int | None
    group: str | None
    axes: Mapping[str, str]
    parameters: Parameters
    derived: Parameters
    protocols: tuple[Protocol, ...]

    @property
    def populations(self) -> tuple[Protocol, ...]:
        """The population protocols of the point."""
        return tuple(p for p in self.protocols if p != "current")

    def content(self) -> dict[str, Any]:
        """Return the point as plain data."""
        return {
            "id": self.id,
            "hash": self.hash,
            "block": self.block,
            "group": self.group,
            "axes": dict(self.axes),
            "parameters": self.parameters,
            "derived": self.derived,
            "protocols": list(self.protocols),
        }


@dataclass(frozen=True)
class Ladder:
    """Points that differ in size only, computed one after another until D has converged.

    Attributes:
        name: name used in paths, made like that of a point.
        hash: SHA-256 over the parameters without the number of sites.
        rungs: one point per size, increasing.
        check: id of the point of the infinite ring; None for none.
    """

    name: str
    hash: str
    rungs: tuple[Point, ...]
    check: str | None

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of sites."""
        return tuple(rung.parameters["model"]["n_sites"] for rung in self.rungs)


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

    name: str
    hash: str
    group: str | None
    parameters: Parameters
    members: tuple[str, ...]
    protocols: tuple[Protocol, ...]

    @property
    def run_names(self) -> dict[str, Protocol]:
        """Names of its result files, with what each of them averages."""
        ends = {p: "" if p == "current" else f"__{p}" for p in self.protocols}
        return {f"{self.name}{ends[protocol]}": protocol for protocol in self.protocols}

    def content(self) -> dict[str, Any]:
        """Return the ensemble as plain data."""
        return {**asdict(self), "members": list(self.members), "protocols": list(self.protocols)}


@dataclass(frozen=True)
class Plan:
    """All points of a study with the settings of its analysis and jobs.

    Attributes:
        study: name of the study.
        paper: paper whose figures it regenerates.
        numerics_version: version of the numerics.
        points: points that are computed in any case.
        ladders: sizes that are computed as far as needed.
        ensembles: which of the points are members of a disordered ensemble.
        ladder: settings of the ladders.
        analysis: criteria of the analysis.
        resources: limits for the jobs.
    """

    study: str
    paper: str | None
    numerics_version: int
    points: tuple[Point, ...]
    ladders: tuple[Ladder, ...]
    ensembles: tuple[Ensemble, ...]
    ladder: LadderConfig
    analysis: AnalysisConfig
    resources: ResourcesConfig

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
        for ladder in self.ladders:
            if ladder.name == name:
                return ladder
        names = ", ".join(ladder.name for ladder in self.ladders) or "none"
        raise PlanError(f"the plan of study '{self.study}' has no ladder {name!r}; it has {names}")

    def ensemble_named(self, name: str) -> Ensemble:
        """Return the ensemble of this name.

        Raises:
            PlanError: there is none.
        """
        for ensemble in self.ensembles:
            if ensemble.name == name:
                return ensemble
        names = ", ".join(ensemble.name for ensemble in self.ensembles) or "none"
        raise PlanError(
            f"the plan of study '{self.study}' has no ensemble {name!r}; it has {names}"
        )

    def point(self, point_id: str) -> Point:
        """Return the point of this id.

        Raises:
            PlanError: there is none.
        """
        candidates = (*self.points, *self.rungs)
        for point in candidates:
            if point.id == point_id:
                return point
        from smallpolaron.study.key_names import nearest  # takes a while to import

        guess = nearest(point_id, [p.id for p in candidates])
        hint = f"; the nearest is '{guess}'" if guess else ""
        raise PlanError(
            f"the plan of study '{self.study}' has no point {point_id!r}{hint}; "
            "write the plan anew from the configuration"
        )

    def with_protocol(self, protocol: Protocol) -> list[Point]:
        """Return the points that ask for a protocol."""
        return [point for point in self.points if protocol in point.protocols]

    def content(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "numerics_version": self.numerics_version,
            "study": self.study,
            "paper": self.paper,
            "analysis": self.analysis.model_dump(),
            "resources": self.resources.model_dump(),
            "points": [point.content() for point in self.points],
            "ladder": self.ladder.model_dump(mode="json"),
            "ladders": [
                {
                    "name": ladder.name,
                    "hash": ladder.hash,
                    "rungs": [rung.content() for rung in ladder.rungs],
                    "check": ladder.check,
                }
                for ladder in self.ladders
            ],
            "ensembles": [ensemble.content() for ensemble in self.ensembles],
        }


def plan_json(plan: Plan) -> str:
    """Return a plan as the text of its file."""
    return json.dumps(plan.content(), indent=1, allow_nan=False) + "\n"


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
    advice = "write it anew: python -m smallpolaron plan --config CONFIG --output PLAN"
    try:
        data = patiently(lambda: read_json(path, LARGEST_FILE))
    except OSError as error:
        if is_unavailable(error):
            raise PlanError(cannot_read(path, error)) from error
        raise PlanError(f"{path}: cannot read the plan ({error.strerror}); {advice}") from error
    except ValueError as error:
        raise PlanError(f"{path}: not a complete JSON file ({error}); {advice}") from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise PlanError(f"{path}: not a plan (schema must be '{SCHEMA}'); {advice}")
    if data.get("schema_version") != SCHEMA_VERSION:
        raise PlanError(
            f"{path}: schema_version = {show(data.get('schema_version'))}, this program reads "
            f"{SCHEMA_VERSION}; {advice}"
        )
    if data.get("numerics_version") != NUMERICS_VERSION:
        raise PlanError(
            f"{path}: written for numerics version {show(data.get('numerics_version'))}, this "
            f"program has {NUMERICS_VERSION}; {advice}"
        )
    try:
        return _parse(data)
    except _DAMAGE as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise PlanError(f"{path}: damaged plan ({reason[:_LONGEST_REASON]}); {advice}") from error


_DAMAGE: Final = (AttributeError, KeyError, TypeError, ValueError, ArithmeticError, RecursionError)
_LONGEST_REASON: Final = 500


def _parse(data: Mapping[str, Any]) -> Plan:
    study = _text(data, "study")
    if not re.fullmatch(NAME_PATTERN, study):
        raise ValueError(f"study = {show(study)} is no name of a study")
    return Plan(
        study=study,
        paper=_paper(data["paper"]),
        numerics_version=int(data["numerics_version"]),
        points=tuple(_parse_point(item) for item in data["points"]),
        ladders=tuple(_parse_ladder(item) for item in data["ladders"]),
        ensembles=tuple(_parse_ensemble(item) for item in data["ensembles"]),
        ladder=LadderConfig.model_validate(data["ladder"]),
        analysis=AnalysisConfig.model_validate(data["analysis"]),
        resources=ResourcesConfig.model_validate(data["resources"]),
    )


def _parse_ladder(data: Mapping[str, Any]) -> Ladder:
    rungs = tuple(_parse_point(item) for item in data["rungs"])
    if not rungs:
        raise ValueError(f"ladder {show(data['name'])} has no sizes")
    return Ladder(
        name=_id(data["name"]),
        hash=_text(data, "hash"),
        rungs=rungs,
        check=None if data["check"] is None else _id(data["check"]),
    )


def _parse_ensemble(data: Mapping[str, Any]) -> Ensemble:
    ensemble = Ensemble(
        name=_id(data["name"]),
        hash=_text(data, "hash"),
        group=data["group"],
        parameters=dict(data["parameters"]),
        members=tuple(map(_id, data["members"])),
        protocols=_protocols(data, "name"),
    )
    _check_hash(ensemble.name, ensemble.hash, ensemble.parameters)
    return ensemble


def _protocols(data: Mapping[str, Any], called: str) -> tuple[Protocol, ...]:
    protocols = tuple(data["protocols"])
    if not protocols or not set(protocols) <= set(get_args(Protocol)):
        raise TypeError(f"protocols of {data[called]} are {show(protocols)}")
    return protocols


def _parse_point(data: Mapping[str, Any]) -> Point:
    point_id = _id(data["id"])
    if not isinstance(data["parameters"], dict) or not isinstance(data["derived"], dict):
        raise TypeError(f"parameters of {point_id} are not a mapping")
    _check_hash(point_id, _text(data, "hash"), data["parameters"])
    return Point(
        id=point_id,
        hash=_text(data, "hash"),
        block=data["block"],
        group=data["group"],
        axes=dict(data["axes"]),
        parameters=data["parameters"],
        derived=data["derived"],
        protocols=_protocols(data, "id"),
    )


def _id(value: Any) -> str:
    """Return the name of a point, ladder or ensemble, which becomes part of paths."""
    if not isinstance(value, str) or not ID_PATTERN.fullmatch(value):
        raise TypeError(f"id {show(value)} holds characters outside A-Z a-z 0-9 . _ ~ + -")
    return value


def _check_hash(name: str, found: str, parameters: Parameters) -> None:
    """Refuse parameters that are not those that were planned."""
    digest = point_hash(parameters)
    if digest != found or not name.endswith("-" + digest[:HASH_DIGITS]):
        raise ValueError(
            f"{name}: its parameters do not match its hash (plan says {show(found[:HASH_DIGITS])}, "
            f"parameters give {digest[:HASH_DIGITS]}): edited, or written by another version"
        )


def _paper(value: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and re.match(NAME_PATTERN, value)):
        raise TypeError(f"paper = {value!r} is not the name of a paper")
    return value


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} = {show(value)} is not text")
    return value
