"""Results that studies share: what one has computed another takes, if both ask for it.

They lie in a folder under the hash of everything that decides their numbers; a file is taken only
with an unbroken checksum and the same parameters.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from smallpolaron.results.store import Result, read_result, write_result
from smallpolaron.runs.inputs import faults
from smallpolaron.runs.point_run import kind_of, stored_parameters
from smallpolaron.study.plan import Point
from smallpolaron.study.sections import Protocol
from smallpolaron.support.files import NotWritable, seal_state
from smallpolaron.support.problems import StoreError


def path_of(folder: Path, point: Point, protocol: Protocol) -> Path:
    """Return where the result of a job is shared."""
    start = "" if protocol == "current" else f"__{protocol}"
    return folder.expanduser() / kind_of(point, protocol) / f"{point.hash}{start}.h5"


def take(folder: Path, point: Point, study: str, protocol: Protocol) -> tuple[Result | None, str]:
    """Return the result of a job as that of a study, and what is to be said about it.

    Args:
        folder: where results are shared.
        point: what is asked for.
        study: name of the study that asks.
        protocol: current, or how a population run starts.

    Returns:
        None if there is no such result, or none to be trusted.
    """
    path = path_of(folder, point, protocol)
    if not path.exists():
        return None, ""
    try:
        found = read_result(path, kind=kind_of(point, protocol))
        wrong = faults(path, found)
        if seal_state(path) != "intact":
            wrong.append("it has no checksum")
        if found.resolved != point.parameters:
            wrong.append("it has other parameters")
    except (StoreError, OSError) as error:
        wrong = [str(error)]
    if wrong:
        return None, f"{path}: not taken, the point is computed: {'; '.join(wrong)}"
    origin = {name: found.parameters[name] for name in ("study", "point")}
    start = {} if protocol == "current" else {"start": protocol}
    taken = replace(
        found,
        variables=dict(found.variables),
        parameters=stored_parameters(point, study, **start),
        provenance={**found.provenance, "taken_from": origin},
    )
    return taken, f"taken from study {origin['study']}, point {origin['point']}: {path}"


def give(folder: Path, point: Point, protocol: Protocol, result: Result) -> str:
    """Share a result; return what is to be said about it: nothing, or why it is not shared."""
    path = path_of(folder, point, protocol)
    if path.exists():
        return ""
    try:
        write_result(path, result)
    except (StoreError, NotWritable) as error:
        return "" if path.exists() else f"the result is not shared: {error}"
    return ""
