"""Whether result files are what was written: their seals, content and names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from smallpolaron.results.store import read_result
from smallpolaron.runs.inputs import faults
from smallpolaron.study.plan import PlanError, read_plan
from smallpolaron.support.files import seal_state
from smallpolaron.support.problems import StoreError
from smallpolaron.support.unavailable import Unreadable, cannot_read, is_unavailable, patiently

State = Literal["ok", "no checksum", "outdated", "damaged", "inconsistent", "unreadable"]

RESULT_SUFFIX: Final = ".h5"

_SOUND: Final = ("ok", "no checksum")
_ADVICE: Final[Mapping[State, str]] = {
    "ok": "",
    "no checksum": "compare with a rerun",
    "damaged": "restore it from a copy, or delete it and run its job again",
    "inconsistent": "delete it and run its job again; if that does not help, report it",
    "outdated": "run the study again; if it stays as it is, delete it before",
    "unreadable": "nothing is known against it: do not delete it",
}


@dataclass(frozen=True)
class Finding:
    """What was found about one file.

    Attributes:
        path: the file.
        state: ok; no checksum (nothing is wrong, but no checksum proves it); damaged; inconsistent;
            outdated (sound, but analysed by other criteria than the plan beside it has);
            unreadable (it cannot be read now).
        detail: what is wrong, in words; empty if nothing is.
    """

    path: Path
    state: State
    detail: str = ""

    @property
    def sound(self) -> bool:
        """Whether the file may be used."""
        return self.state in _SOUND

    @property
    def advice(self) -> str:
        """What to do about it; empty if nothing."""
        return _ADVICE[self.state]


def verify(paths: Sequence[Path]) -> list[Finding]:
    """Return what is found about result files, in the order of folders and names.

    Args:
        paths: result files, or folders with all files below them.

    Raises:
        StoreError: no such file or folder, or no result files.
    """
    found: list[Finding] = []
    for path in paths:
        if path.is_dir():
            criteria = _criteria(path)
            found += [verify_file(each, criteria) for each in result_files(path)]
        elif path.is_file():
            found.append(verify_file(path))
        else:
            raise StoreError(f"{path}: no such file or folder")
    if not found:
        raise StoreError(f"{', '.join(map(str, paths))}: no result files (*.h5)")
    return found


def result_files(folder: Path) -> list[Path]:
    """Return the result files below a folder, sorted; not those that a job is writing.

    Raises:
        StoreError: a folder cannot be read now.
    """
    unreadable: list[OSError] = []
    found = [
        Path(parent, name)
        for parent, folders, names in os.walk(folder, onerror=unreadable.append)
        for name in (*folders, *names)
        if name.endswith(RESULT_SUFFIX) and not name.startswith(".")
    ]
    for error in unreadable:
        raise Unreadable(cannot_read(error.filename, error)) from error
    return sorted(found)


def _criteria(folder: Path) -> Mapping[str, Any]:
    """Return the criteria of the analysis that the plan of a study has; none without a plan."""
    if not (folder / "plan.json").exists():
        return {}
    try:
        return read_plan(folder / "plan.json").analysis.model_dump()
    except PlanError:  # of another version, say; the next run writes it again
        return {}


def verify_file(path: Path, criteria: Mapping[str, Any] | None = None) -> Finding:
    """Return what is found about one result file.

    Args:
        path: the file.
        criteria: those by which it should have been analysed, if it was.
    """
    try:
        if not path.is_file():
            return Finding(path, "damaged", "not a file, or a link to nowhere")
        seal = patiently(lambda: seal_state(path))
    except OSError as error:
        if is_unavailable(error):
            return _unreadable(path, cannot_read(path, error))
        return Finding(path, "damaged", f"cannot be read ({error.strerror or error})")
    if seal == "broken":
        return Finding(path, "damaged", "its bytes are not those that were written")
    finding = _inspect(path, criteria or {})
    if finding.state == "ok" and seal == "none":
        return Finding(path, "no checksum", "nothing wrong was found")
    return finding


def _unreadable(path: Path, message: str) -> Finding:
    return Finding(path, "unreadable", message.removeprefix(f"{path}: "))


def _inspect(path: Path, criteria: Mapping[str, Any]) -> Finding:
    try:
        result = read_result(path)
    except Unreadable as error:
        return _unreadable(path, str(error))
    except StoreError as error:
        return Finding(path, "damaged", str(error).removeprefix(f"{path}: "))
    found = faults(path, result)
    other = "" if found else _departure(result.provenance.get("analysis", {}), criteria)
    if other:
        return Finding(path, "outdated", other)
    return Finding(path, "inconsistent" if found else "ok", "; ".join(found))


def _departure(used: Mapping[str, Any], planned: Mapping[str, Any]) -> str:
    """Return where a result was analysed by other criteria than planned; empty if nowhere."""
    return "; ".join(
        f"analysed with {name} = {used[name]}, the plan has {planned[name]}"
        for name in planned.keys() & used.keys()
        if used[name] != planned[name]
    )
