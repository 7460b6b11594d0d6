"""Whether result files are what was written: their seals, checksums, content and names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from smallpolaron.results.store import StoreError, Unreadable, read_result
from smallpolaron.runs.inspection import faults
from smallpolaron.study.plan import PlanError, read_plan
from smallpolaron.support.files import file_digest, read_bytes, seal_state, write_text
from smallpolaron.support.unavailable import cannot_read, is_unavailable, patiently

State = Literal[
    "ok",
    "no checksum",
    "changed",
    "outdated",
    "damaged",
    "inconsistent",
    "missing",
    "unreadable",
]

CHECKSUMS: Final = "checksums.sha256"
"""Recorded checksums of a study, in the folder of its results; sha256sum -c reads it as well."""
RESULT_SUFFIX: Final = ".h5"

_LARGEST_RECORD: Final = 100_000_000
_SOUND: Final = ("ok", "no checksum")
_ADVICE: Final[Mapping[State, str]] = {
    "ok": "",
    "no checksum": "compare with a rerun; record it with --write",
    "changed": "compare with a rerun, then record it with --write; or restore it from a copy",
    "damaged": "restore it from a copy, or delete it and run its job again",
    "inconsistent": "delete it and run its job again; if that does not help, report it",
    "outdated": "run the study again; if it stays as it is, delete it before",
    "unreadable": "nothing is known against it: do not delete it",
    "missing": "restore it from a copy, or run its job again and record it with --write",
}


@dataclass(frozen=True)
class Finding:
    """What was found about one file.

    Attributes:
        path: the file.
        state: ok; no checksum (nothing is wrong, but no checksum proves it); changed (sound, but
            not the file that was recorded); damaged; inconsistent; missing;
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
        paths: result files, or folders with all files below them. A folder's checksums.sha256 is
            compared, if there is one.

    Raises:
        StoreError: no such file or folder, or no result files, or an unreadable record.
    """
    found: list[Finding] = []
    for path in paths:
        if path.is_dir():
            found += _verify_folder(path)
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


def _verify_folder(folder: Path) -> list[Finding]:
    recorded = read_checksums(folder)
    files = {path.relative_to(folder).as_posix(): path for path in result_files(folder)}
    criteria = _criteria(folder)
    found = [verify_file(path, recorded.get(name), criteria) for name, path in files.items()]
    absent = [name for name in recorded if name not in files]
    return found + [Finding(folder / name, "missing", f"is in {CHECKSUMS}") for name in absent]


def _criteria(folder: Path) -> Mapping[str, Any]:
    """Return the criteria of the analysis that the plan of a study has; none without a plan."""
    if not (folder / "plan.json").exists():
        return {}
    try:
        return read_plan(folder / "plan.json").analysis.model_dump()
    except PlanError:  # of another version, say; the next run writes it again
        return {}


def verify_file(
    path: Path, recorded: str | None = None, criteria: Mapping[str, Any] | None = None
) -> Finding:
    """Return what is found about one result file.

    Args:
        path: the file.
        recorded: its checksum in a record (SHA-256, hex), if it is in one.
        criteria: those by which it should have been analysed, if it was.
    """
    try:
        if not path.is_file():
            return Finding(path, "damaged", "not a file, or a link to nowhere")
        return patiently(lambda: _verify_readable(path, recorded, criteria or {}))
    except OSError as error:
        if is_unavailable(error):
            return _unreadable(path, cannot_read(path, error))
        return Finding(path, "damaged", f"cannot be read ({error.strerror or error})")


def _unreadable(path: Path, message: str) -> Finding:
    return Finding(path, "unreadable", message.removeprefix(f"{path}: "))


def _verify_readable(path: Path, recorded: str | None, criteria: Mapping[str, Any]) -> Finding:
    seal = seal_state(path)
    if seal == "broken":
        return Finding(path, "damaged", "its bytes are not those that were written")
    same = recorded is None or file_digest(path) == recorded
    if seal == "none" and not same:
        return Finding(path, "damaged", f"it has no seal and is not the file in {CHECKSUMS}")
    finding = _inspect(path, criteria)
    if finding.state == "ok" and not same:
        return Finding(path, "changed", f"sealed, but not the file in {CHECKSUMS}")
    if finding.state == "ok" and seal == "none" and recorded is None:
        return Finding(path, "no checksum", "nothing wrong was found")
    return finding


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


def read_checksums(folder: Path) -> dict[str, str]:
    """Return the recorded checksums of a folder by relative path; none without a record.

    Raises:
        StoreError: the record is damaged.
    """
    path = folder / CHECKSUMS
    if not path.is_file():
        return {}
    recorded = {}
    try:
        text = read_bytes(path, _LARGEST_RECORD).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        if is_unavailable(error):
            raise Unreadable(cannot_read(path, error)) from error
        raise StoreError(
            f"{path}: cannot read the record ({error}); restore it from a copy, or delete it and "
            "record again with --write"
        ) from error
    for number, line in enumerate(text.splitlines(), start=1):
        match = re.fullmatch(r"([0-9a-f]{64})  (.+)", line)
        if match is None:
            raise StoreError(
                f"{path}:{number}: not 'checksum  file'; restore it from a copy, or delete it and "
                "record again with --write"
            )
        recorded[match[2]] = match[1]
    return recorded


def write_checksums(folder: Path, findings: Iterable[Finding]) -> Path:
    """Record the checksums of the files of a folder that are there; return the record."""
    lines = [
        f"{file_digest(each.path)}  {each.path.relative_to(folder).as_posix()}\n"
        for each in findings
        if each.state != "missing"
    ]
    write_text(folder / CHECKSUMS, "".join(lines))
    return folder / CHECKSUMS
