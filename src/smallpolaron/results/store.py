"""Result files: one HDF5 file per job, self-describing, written whole or not at all.

Layout (docs/results.md): named datasets with ``units`` and ``description`` attributes and
dimension scales, and the groups ``parameters``, ``provenance``, ``quality`` and ``notes``. A
checksum of its bytes, the seal (support/files.py), follows its end; it is compared whenever the
file is read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from smallpolaron.analysis.gates import Gate
from smallpolaron.results.dimension_scales import INDEX_MARK, attach_scales
from smallpolaron.results.kinds import KINDS
from smallpolaron.results.older_versions import renamed
from smallpolaron.study.parameters import Parameters
from smallpolaron.study.resolved.base import first_fault
from smallpolaron.support import attributes
from smallpolaron.support.attributes import Unfit, datasets, read_value
from smallpolaron.support.files import seal, seal_state, temporary_name, to_disk
from smallpolaron.support.problems import StoreError, show
from smallpolaron.support.unavailable import Unreadable, cannot_read, is_unavailable, patiently

SCHEMA = "smallpolaron-result"
SCHEMA_VERSION = 3
OLDEST_READABLE = 1
"""Version 2 is version 3 with the names in older_versions.py; version 1 has no seal."""
BESIDE_PARAMETERS: Final = ("derived", "study", "point", "start")
"""What a result file holds among the parameters and the hash of a point leaves out."""
_GROUPS = ("parameters", "provenance", "quality", "notes")
_BLOCK = 1 << 16
"""Bytes by which the memory of a file being made grows."""
_DAMAGE = (
    *(OSError, KeyError, RuntimeError, ValueError, TypeError, ArithmeticError, MemoryError),
    AttributeError,
)
"""What h5py and NumPy raise on files with flipped bits or a missing end."""


@dataclass(frozen=True)
class Variable:
    """One named array of a result.

    Attributes:
        data: array or scalar; real, complex, whole or boolean numbers; texts as bytes.
        dims: one dimension name per axis; () for a scalar.
        units: units as text; "1" for dimensionless.
        description: one sentence.
    """

    data: NDArray[Any] | float | complex | int | bool
    dims: tuple[str, ...]
    units: str
    description: str


@dataclass(frozen=True)
class Result:
    """Everything one job found.

    Attributes:
        kind: one of KINDS.
        variables: by name; a slash in a name makes a group.
        parameters: resolved parameters, in sections.
        gates: quality gates with value, bound and verdict.
        provenance: what is needed to make the result again.
        notes: sentences for the reader, such as the verdict of a fit or why a number is missing.
    """

    kind: str
    variables: Mapping[str, Variable]
    parameters: Mapping[str, Any]
    gates: tuple[Gate, ...]
    provenance: Mapping[str, Any]
    notes: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def resolved(self) -> Parameters:
        """The parameters of the point that the result is of.

        Raises:
            StoreError: it is of none, or they are not those of a point.
        """
        try:
            return Parameters.model_validate(point_content(self.parameters))
        except ValidationError as error:
            where = getattr(self.parameters, "where", "parameters/")
            advice = getattr(self.parameters, "advice", "give the result of a point")
            raise StoreError(f"{where}{first_fault(error)}; {advice}") from error

    def array(self, name: str) -> NDArray[Any]:
        """Return the data of a variable.

        Raises:
            KeyError: there is none of that name; the message lists those there are.
            StoreError: a file that was read has none.
        """
        if name not in self.variables and not isinstance(self.variables, Held):
            known = ", ".join(sorted(self.variables))
            point = f"{self.parameters['point']}: " if "point" in self.parameters else ""
            raise KeyError(f"{point}a result of kind {self.kind} has no {name!r}; it has {known}")
        return np.asarray(self.variables[name].data)

    def number(self, name: str) -> float:
        """Return the real part of a scalar."""
        return float(self.array(name).real)

    @property
    def flagged(self) -> bool:
        """True when a quality gate failed."""
        return bool(self.failed_gates)

    @property
    def failed_gates(self) -> list[str]:
        """Names of the quality gates that failed."""
        return [gate.name for gate in self.gates if not gate.passed]


def point_content(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a point from those in its result file, as plain data."""
    return {key: value for key, value in stored.items() if key not in BESIDE_PARAMETERS}


def write_result(path: str | Path, result: Result, *, overwrite: bool = False) -> None:
    """Write a result in one step: the file appears complete or not at all.

    Args:
        path: file to write; its folder is made if needed.
        result: what to write.
        overwrite: replace a file that is there.

    Raises:
        StoreError: the file exists and overwrite is False, or the result is inconsistent.
        NotWritable: no space, no permission or the like.
    """
    path = Path(path)
    check_result(result)
    if path.exists() and not overwrite:
        raise StoreError(f"{path}: the file exists; remove it or pass overwrite (--overwrite)")
    image = _image(result)
    with temporary_name(path) as temporary:
        temporary.write_bytes(image)
        seal(temporary)
        to_disk(temporary)
        if overwrite:
            os.replace(temporary, path)
        else:
            _publish(temporary, path)
        to_disk(path.parent)


def _image(result: Result) -> bytes:
    """Return the bytes of the HDF5 file.

    They are made in memory: HDF5 that meets a full disk tries to write again when the process ends.
    """
    with h5py.File(
        "image", "w", driver="core", backing_store=False, block_size=_BLOCK, track_order=True
    ) as file:
        _fill(file, result)
        file.flush()
        image: bytes = file.id.get_file_image()
    return image


def _publish(temporary: Path, path: Path) -> None:
    """Give the file its name without replacing one that another job wrote meanwhile."""
    try:
        os.link(temporary, path)
    except FileExistsError as error:
        raise StoreError(f"{path}: another job wrote this file meanwhile; it is kept") from error
    except OSError:  # no hard links on this file system
        os.replace(temporary, path)


def check_result(result: Result) -> None:
    """Check kind, names, shapes and lengths of dimensions.

    Raises:
        StoreError: the result is inconsistent.
    """
    if result.kind not in KINDS:
        raise StoreError(f"kind = {result.kind!r}: must be one of {', '.join(KINDS)}")
    lengths: dict[str, int] = {}
    for name, variable in result.variables.items():
        if name.partition("/")[0] in _GROUPS:
            raise StoreError(f"variable {name!r}: the name of a group; choose another")
        shape = np.shape(variable.data)
        if len(shape) != len(variable.dims):
            raise StoreError(f"variable {name!r}: shape {shape} but dimensions {variable.dims}")
        for dim, length in zip(variable.dims, shape, strict=True):
            if lengths.setdefault(dim, length) != length:
                raise StoreError(
                    f"variable {name!r}: dimension {dim!r} has length {length}, elsewhere "
                    f"{lengths[dim]}"
                )


def _fill(file: h5py.File, result: Result) -> None:
    file.attrs["schema"] = SCHEMA
    file.attrs["schema_version"] = SCHEMA_VERSION
    file.attrs["kind"] = result.kind
    file.attrs["flagged"] = result.flagged
    for name, variable in result.variables.items():
        dataset = file.create_dataset(name, data=np.asarray(variable.data))
        dataset.attrs["units"] = variable.units
        dataset.attrs["description"] = variable.description
        dataset.attrs["dims"] = list(variable.dims) if variable.dims else h5py.Empty("S1")
    attach_scales(file, result.variables)
    attributes.write_mapping(file.create_group("parameters"), result.parameters)
    attributes.write_mapping(file.create_group("provenance"), result.provenance)
    attributes.write_mapping(file.create_group("notes"), result.notes)
    quality = file.create_group("quality", track_order=True)
    for gate in result.gates:
        content = {"value": gate.value, "bound": gate.bound, "passed": gate.passed}
        attributes.write_mapping(
            quality.create_group(gate.name), content | {"meaning": gate.meaning}
        )


def read_result(path: str | Path, *, kind: str | None = None) -> Result:
    """Read a result file.

    Args:
        path: file to read.
        kind: refuse a file of another kind.

    Returns:
        Result, its variables by the names of this version; asking its variables, parameters or
        provenance for what the file lacks is a StoreError.

    Raises:
        Unreadable: it cannot be read now.
        StoreError: no such file, truncated, changed since it was written, not written by this
            program, of a schema version it does not read, of another kind, or with something in
            it that no result file holds.
    """
    path = Path(path)
    with _opened(path, kind) as file:
        result = _load(path, file)
        if read_value(file, "schema_version") < SCHEMA_VERSION:
            variables = renamed(result.kind, result.variables, result.parameters)
            result = replace(result, variables=Held(path, "", variables, _OLDER))
    return result


@contextmanager
def _opened(path: Path, kind: str | None) -> Iterator[h5py.File]:
    """Open a result file to read; what fails within because of damage is a StoreError."""
    try:
        with patiently(lambda: _open(path)) as file:
            _check_root(path, file, kind)
            yield file
    except StoreError:
        raise
    except Unfit as error:
        raise StoreError(
            f"{path}: damaged, or not as this program writes it: {error}; delete it and run its "
            "job again"
        ) from error
    except _DAMAGE as error:
        if is_unavailable(error):
            raise Unreadable(cannot_read(path, error)) from error
        reason = " ".join(str(error).split()) or type(error).__name__
        raise StoreError(
            f"{path}: truncated, damaged or not an HDF5 file ({reason}); name a result "
            "file, or, if it is one, delete it and run its job again"
        ) from error


def _open(path: Path) -> h5py.File:
    """Open what is a file whose bytes match its seal, if it has one."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if is_unavailable(error):
            raise
        raise StoreError(f"{path}: no such file; run the job that makes it") from error
    if not stat.S_ISREG(mode):
        raise StoreError(f"{path}: not a regular file; name a result file (HDF5)")
    if seal_state(path) == "broken":
        raise StoreError(
            f"{path}: damaged, it is not what was written (checksums differ); restore it from a "
            "copy, or delete it and run its job again"
        )
    # a file appears whole and is never written to: it needs no lock, which some disks do not have
    return h5py.File(path, "r", locking=False)


def read_record(path: Path) -> Result:
    """Read what a result file says about itself; its seal is compared.

    Returns:
        The result without variables, notes and sections of parameters; it takes a third of the time
        of the whole one.

    Raises:
        StoreError: as read_result.
    """
    with _opened(path, None) as file:
        parameters = file["parameters"]
        return Result(
            kind=read_value(file, "kind"),
            variables={},
            parameters={key: read_value(parameters, key) for key in parameters.attrs},
            gates=_gates(file["quality"]),
            provenance=attributes.read_mapping(file["provenance"]),
        )


def _gates(group: h5py.Group) -> tuple[Gate, ...]:
    """Return the quality gates, one per subgroup; Unfit if one lacks an attribute."""
    return tuple(
        Gate(
            name,
            float(read_value(each, "value")),
            float(read_value(each, "bound")),
            read_value(each, "meaning"),
        )
        for name, each in group.items()
    )


def _check_root(path: Path, file: h5py.File, kind: str | None) -> None:
    if "schema" not in file.attrs or read_value(file, "schema") != SCHEMA:
        raise StoreError(f"{path}: an HDF5 file, but not a result of this program; name one")
    version = read_value(file, "schema_version")
    if type(version) is not int or not OLDEST_READABLE <= version <= SCHEMA_VERSION:
        newer = type(version) is int and version > SCHEMA_VERSION
        advice = (
            "update smallpolaron"
            if newer
            else "delete it and run its job again, or read it with the version that wrote it"
        )
        raise StoreError(
            f"{path}: schema version {show(version)}; this program reads {OLDEST_READABLE} to "
            f"{SCHEMA_VERSION}; {advice}"
        )
    found = read_value(file, "kind")
    if not isinstance(found, str) or found not in KINDS:
        raise Unfit(f"attribute kind = {show(found)}; must be one of {', '.join(KINDS)}")
    if kind is not None and found != kind:
        raise StoreError(f"{path}: holds a result of kind '{found}', needed is '{kind}'; name one")


class Held(dict[str, Any]):
    """What a file holds by name; asking for what it lacks is a StoreError that names both."""

    def __init__(self, path: Path, place: str, content: Mapping[str, Any], advice: str) -> None:
        """Wrap the content of a place in a file, and what is nested in it."""
        self.where, self.advice = f"{path}: {place}", advice
        super().__init__(
            {
                key: Held(path, f"{place}{key}/", value, advice)
                if isinstance(value, dict)
                else value
                for key, value in content.items()
            }
        )

    def __missing__(self, name: str) -> Any:
        """Refuse to go on without."""
        raise StoreError(f"{self.where}{name} is missing, but needed; {self.advice}")


_OLDER: Final = "older versions did not write it: delete the file and run its job again"
_OF_A_TABLE: Final = (
    "the file is the analysis of a table of numbers, which has no model: give results of points"
)


def _load(path: Path, file: h5py.File) -> Result:
    found = {
        name: item
        for name, item in datasets(file, beside=_GROUPS).items()
        if INDEX_MARK not in item.attrs
    }
    groups = {n: attributes.read_mapping(file[n]) for n in ("parameters", "provenance", "notes")}
    advice = _OF_A_TABLE if "table" in groups["parameters"] else _OLDER
    return Result(
        kind=read_value(file, "kind"),
        variables=Held(path, "", {name: _variable(item) for name, item in found.items()}, advice),
        parameters=Held(path, "parameters/", groups["parameters"], advice),
        gates=_gates(file["quality"]),
        provenance=Held(path, "provenance/", groups["provenance"], advice),
        notes=groups["notes"],
    )


def _variable(item: h5py.Dataset) -> Variable:
    dims, units, text = (read_value(item, key) for key in ("dims", "units", "description"))
    return Variable(item[()], tuple(dims), units, text)
