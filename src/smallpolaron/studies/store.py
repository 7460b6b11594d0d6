"""Result files: one HDF5 file per job, self-describing, written whole or not at all.

Layout (docs/results.md): named datasets with ``units`` and ``description`` attributes and
dimension scales, and the groups ``parameters``, ``provenance``, ``quality`` and ``notes``. A
checksum over all of it is stored in the file, another one over its bytes behind its end (seal.py);
both are compared whenever the file is read.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.gates import Gate
from smallpolaron.studies import attributes
from smallpolaron.studies.digest import content_digest
from smallpolaron.studies.seal import seal, seal_state
from smallpolaron.studies.textfile import temporary_name, to_disk

SCHEMA = "smallpolaron-result"
SCHEMA_VERSION = 2
OLDEST_READABLE = 1
"""Version 1 is version 2 without checksums: ``content_sha256`` and the seal."""
KINDS = (
    "correlation",
    "population",
    "displacement",
    "kernel",
    "mobility",
    "drude_smith",
    "ladder",
    "augmented",
    "population_kernel",
    "spreading",
    "inverse",
    "moments",
    "conductivity_models",
    "ensemble",
    "verdict",
)
_GROUPS = ("parameters", "provenance", "quality", "notes")
_INDEX_MARK = "index_of_dimension"
_DIGEST = "content_sha256"
_BLOCK = 1 << 16
"""Bytes by which the memory of a file being made grows."""
_DAMAGE = (OSError, KeyError, RuntimeError, ValueError, TypeError, ArithmeticError, MemoryError)
"""What h5py and NumPy raise on files with flipped bits or a missing end."""


class StoreError(ValueError):
    """A result file that cannot be written or read; the message says why and what to do."""


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

    @property
    def flagged(self) -> bool:
        """True when a quality gate failed."""
        return any(not gate.passed for gate in self.gates)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over everything the result holds; the same before and after storage."""
        texts = {
            "kind": self.kind,
            "variables": {
                name: {"dims": v.dims, "units": v.units, "description": v.description}
                for name, v in self.variables.items()
            },
            "parameters": self.parameters,
            "gates": {gate.name: asdict(gate) for gate in self.gates},
            "provenance": self.provenance,
            "notes": self.notes,
        }
        return content_digest(
            texts, {name: np.asarray(v.data) for name, v in self.variables.items()}
        )


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
    _attach_scales(file, result.variables)
    attributes.write_mapping(file.create_group("parameters"), result.parameters)
    attributes.write_mapping(file.create_group("provenance"), result.provenance)
    attributes.write_mapping(file.create_group("notes"), result.notes)
    quality = file.create_group("quality", track_order=True)
    for gate in result.gates:
        content = {"value": gate.value, "bound": gate.bound, "passed": gate.passed}
        attributes.write_mapping(
            quality.create_group(gate.name), content | {"meaning": gate.meaning}
        )
    file.attrs[_DIGEST] = result.digest


def _coordinate(dim: str, variables: Mapping[str, Variable]) -> str | None:
    """Return the variable that gives the values along a dimension: ``time_fs`` for ``time``."""
    for name, variable in variables.items():
        last = name.rpartition("/")[2]
        if variable.dims == (dim,) and (last == dim or last.startswith(dim + "_")):
            return name
    return None


def _index_name(dim: str, variables: Mapping[str, Variable]) -> str:
    """Return the name of an index: in the innermost group of all variables of its dimension.

    At the root it would hide variables of that name in groups from readers such as xarray.
    """
    users = [f"/{name}" for name, each in variables.items() if dim in each.dims]
    return posixpath.join(posixpath.commonpath(map(posixpath.dirname, users)), dim)


def _attach_scales(file: h5py.File, variables: Mapping[str, Variable]) -> None:
    dims = {
        dim: np.shape(variable.data)[axis]
        for variable in variables.values()
        for axis, dim in enumerate(variable.dims)
    }
    scales = {}
    for dim, length in dims.items():
        name = _coordinate(dim, variables)
        if name is None:
            name = _index_name(dim, variables)
            index = file.create_dataset(name, data=np.arange(length))
            index.attrs["units"] = "1"
            index.attrs["description"] = f"Index of the dimension {dim}, from 0."
            index.attrs[_INDEX_MARK] = dim
        file[name].make_scale(dim)
        scales[dim] = file[name]
    for name, variable in variables.items():
        for axis, dim in enumerate(variable.dims):
            file[name].dims[axis].label = dim
            if file[name] != scales[dim]:
                file[name].dims[axis].attach_scale(scales[dim])


def read_result(path: str | Path, *, kind: str | None = None) -> Result:
    """Read a result file.

    Args:
        path: file to read.
        kind: refuse a file of another kind.

    Raises:
        StoreError: no such file, truncated, changed since it was written, not written by this
            program, of a schema version it does not read, or of another kind.
    """
    path = Path(path)
    with _opened(path, kind) as file:
        result, written = _load(file), file.attrs.get(_DIGEST)
        version = int(file.attrs["schema_version"])
    if version > 1 and result.digest != written:
        raise _changed(path)
    return result


@contextmanager
def _opened(path: Path, kind: str | None) -> Iterator[h5py.File]:
    """Open a result file to read; what fails within because of damage is a StoreError."""
    if not path.is_file():
        raise StoreError(f"{path}: no such file; run the job that makes it")
    if seal_state(path) == "broken":
        raise _changed(path)
    try:
        with h5py.File(path, "r") as file:
            _check_root(path, file, kind)
            yield file
    except StoreError:
        raise
    except _DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise StoreError(
            f"{path}: truncated, damaged or not an HDF5 file ({reason}); delete it and run its "
            "job again"
        ) from error


@dataclass(frozen=True)
class Record:
    """What a result file says about itself, without its numbers.

    Attributes:
        gates: quality gates.
        provenance: where it comes from.
    """

    gates: tuple[Gate, ...]
    provenance: Mapping[str, Any]


def read_record(path: Path) -> Record:
    """Read the gates and the provenance of a result file; its seal is compared.

    Raises:
        StoreError: as read_result.
    """
    with _opened(path, None) as file:
        return Record(_gates(file), attributes.read_mapping(file["provenance"]))


def _changed(path: Path) -> StoreError:
    return StoreError(
        f"{path}: damaged, it is not what was written (checksums differ); restore it from a copy, "
        "or delete it and run its job again"
    )


def _check_root(path: Path, file: h5py.File, kind: str | None) -> None:
    if file.attrs.get("schema") != SCHEMA:
        raise StoreError(f"{path}: an HDF5 file, but not a result of this program")
    version = int(file.attrs.get("schema_version", 0))
    if not OLDEST_READABLE <= version <= SCHEMA_VERSION:
        advice = (
            "update smallpolaron"
            if version > SCHEMA_VERSION
            else "delete it and run its job again, or read it with the version that wrote it"
        )
        raise StoreError(
            f"{path}: schema version {version}; this program reads {OLDEST_READABLE} to "
            f"{SCHEMA_VERSION}; {advice}"
        )
    found = str(file.attrs.get("kind"))
    if kind is not None and found != kind:
        raise StoreError(f"{path}: holds a result of kind '{found}', needed is '{kind}'")


def _load(file: h5py.File) -> Result:
    variables: dict[str, Variable] = {}

    def visit(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset) and _INDEX_MARK not in item.attrs:
            dims = item.attrs["dims"]
            variables[name] = Variable(
                data=item[()],
                dims=() if isinstance(dims, h5py.Empty) else tuple(map(str, dims)),
                units=str(item.attrs["units"]),
                description=str(item.attrs["description"]),
            )

    file.visititems(visit)
    return Result(
        kind=str(file.attrs["kind"]),
        variables=variables,
        parameters=attributes.read_mapping(file["parameters"]),
        gates=_gates(file),
        provenance=attributes.read_mapping(file["provenance"]),
        notes=attributes.read_mapping(file["notes"]),
    )


def _gates(file: h5py.File) -> tuple[Gate, ...]:
    contents = {name: attributes.read_mapping(group) for name, group in file["quality"].items()}
    return tuple(
        Gate(name, found["value"], found["bound"], found["passed"], found["meaning"])
        for name, found in contents.items()
    )
