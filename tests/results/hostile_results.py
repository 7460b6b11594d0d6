"""Ways in which a result file may be wrong, each with what a refusal must say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from smallpolaron.results.store import SCHEMA_VERSION

Change = Callable[[h5py.File], object]


def _attribute(place: str, name: str, value: object) -> Change:
    def change(file: h5py.File) -> None:
        file[place].attrs[name] = value

    return change


def _without(place: str, name: str) -> Change:
    return lambda file: file[place].attrs.__delitem__(name)


def _replaced(name: str, data: Any, **options: Any) -> Change:
    """Put other data in the place of a dataset, with its attributes."""

    def change(file: h5py.File) -> None:
        attributes = {key: file[name].attrs[key] for key in ("units", "description", "dims")}
        del file[name]
        values = data(file) if callable(data) else data
        given = {} if values is None else {"data": values}
        dataset = file.create_dataset(name, **options, **given)
        for key, value in attributes.items():
            dataset.attrs[key] = value

    return change


def _group_for_dataset(file: h5py.File) -> None:
    del file["C_JJ"]
    file.create_group("C_JJ")


def _dataset_for_group(name: str) -> Change:
    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = np.zeros(3)

    return change


def _objects(kind: np.dtype[Any], fill: object) -> Change:
    def values(_: h5py.File) -> Any:
        found = np.empty(401, dtype=kind)
        found[:] = [fill] * 401
        return found

    return _replaced("C_JJ", values, dtype=kind)


def _references(file: h5py.File) -> None:
    found = np.array([file["time_fs"].ref] * 401, dtype=h5py.ref_dtype)
    _replaced("C_JJ", found, dtype=h5py.ref_dtype)(file)


def _set_value(name: str, index: int, value: object) -> Change:
    def change(file: h5py.File) -> None:
        file[name][index] = value

    return change


def _hole(file: h5py.File) -> None:
    file["C_JJ"][7] = np.nan


TIMES = np.arange(401.0)
LINES = np.ones(401, complex)

CHANGES: dict[str, tuple[Change, str]] = {
    # what the file says it is
    "no schema": (_without("/", "schema"), "not a result of this program"),
    "other schema": (_attribute("/", "schema", "x"), "not a result of this program"),
    "schemas": (_attribute("/", "schema", ["x", "y"]), "not a result of this program"),
    "numbered schema": (_attribute("/", "schema", 7), "not a result of this program"),
    "future version": (
        _attribute("/", "schema_version", SCHEMA_VERSION + 1),
        f"schema version {SCHEMA_VERSION + 1}; this program",
    ),
    "far future": (_attribute("/", "schema_version", 10**18), "update smallpolaron"),
    "version 0": (_attribute("/", "schema_version", 0), "schema version 0; this program reads"),
    "negative version": (_attribute("/", "schema_version", -1), "schema version -1"),
    "version 1.5": (_attribute("/", "schema_version", 1.5), "schema version 1.5"),
    "version in words": (_attribute("/", "schema_version", "2"), "schema version '2'"),
    "versions": (_attribute("/", "schema_version", [1, 2]), "schema version [1, 2]"),
    "no version": (_without("/", "schema_version"), "attribute schema_version is missing"),
    "no kind": (_without("/", "kind"), "attribute kind is missing"),
    "unknown kind": (_attribute("/", "kind", "../x"), "attribute kind = '../x'; must be one of"),
    "kinds": (_attribute("/", "kind", ["kernel"]), "attribute kind = ['kernel']"),
    "numbered kind": (_attribute("/", "kind", 1), "attribute kind = 1"),
    # groups
    **{
        f"no {name}": (lambda file, name=name: file.__delitem__(name), "damaged")
        for name in ("parameters", "provenance", "quality", "notes")
    },
    **{
        f"{name} as dataset": (_dataset_for_group(name), "damaged")
        for name in ("parameters", "provenance", "quality", "notes", "parameters/model")
    },
    # types
    "texts of any length": (_objects(h5py.string_dtype(), "x"), "C_JJ holds object"),
    "arrays of any length": (_objects(h5py.vlen_dtype("f8"), np.ones(3)), "C_JJ holds object"),
    "references": (_references, "C_JJ holds object"),
    "opaque": (_replaced("C_JJ", np.zeros(401, "V16")), "C_JJ holds |V16"),
    "records": (_replaced("C_JJ", np.zeros(401, [("a", "f8"), ("b", "S3")])), "C_JJ holds "),
    "nested arrays": (_replaced("C_JJ", None, shape=(401,), dtype="(2,)f8"), "but dimensions"),
    "texts": (_replaced("C_JJ", np.full(401, b"1.5")), "C_JJ holds |S3; must hold numbers"),
    "complex times": (_replaced("time_fs", TIMES + 0j), "time_fs holds complex128; must hold real"),
    "times in words": (
        _replaced("time_fs", np.full(401, b"1")),
        "time_fs holds |S1; must hold",
    ),
    # shapes and sizes
    "no C_JJ": (lambda file: file.__delitem__("C_JJ"), "C_JJ is missing"),
    "no times": (lambda file: file.__delitem__("time_fs"), "time_fs is missing"),
    "group as C_JJ": (_group_for_dataset, "C_JJ is missing"),
    "table": (_replaced("C_JJ", np.ones((401, 2), complex)), "shape (401, 2) but dimensions"),
    "number": (_replaced("C_JJ", 1.0 + 0j), "shape () but dimensions ('time',)"),
    "short": (_replaced("C_JJ", LINES[:-1]), "'time' has length 401, elsewhere 400"),
    "no times at all": (_replaced("time_fs", TIMES[:0]), "'time' has length"),
    "short derivative": (_replaced("dC_JJ", LINES[:9]), "has length 9, elsewhere 401"),
    # numbers
    "NaN": (_hole, "C_JJ holds values that are not finite"),
    "infinite": (_set_value("C_JJ", 3, np.inf), "C_JJ holds values that are not finite"),
    "NaN in times": (_set_value("time_fs", 3, np.nan), "time_fs holds values that are not finite"),
    "times turn back": (_set_value("time_fs", 3, 1.0), "time_fs does not rise from 0"),
    "times begin late": (_set_value("time_fs", 0, 0.5), "time_fs does not rise from 0"),
    # attributes of datasets
    "other units": (_attribute("C_JJ", "units", "nm^2 ps^-2"), "C_JJ has dimensions ('time',) and"),
    "units of times": (_attribute("time_fs", "units", "ps"), "unit 'ps'; must have"),
    "units of dC_JJ": (_attribute("dC_JJ", "units", "1"), "dC_JJ has dimensions"),
    "list of units": (_attribute("C_JJ", "units", ["fs", "ps"]), "C_JJ has dimensions"),
    "units in numbers": (_attribute("C_JJ", "units", 5), "C_JJ has dimensions"),
    "no units": (_without("C_JJ", "units"), "C_JJ: attribute units is missing"),
    "no description": (_without("C_JJ", "description"), "attribute description is missing"),
    "no dimensions": (_without("C_JJ", "dims"), "C_JJ: attribute dims is missing"),
    "one word for dimensions": (_attribute("C_JJ", "dims", "time"), "but dimensions"),
    "other dimensions": (_attribute("C_JJ", "dims", ["site"]), "C_JJ has dimensions ('site',)"),
    "two dimensions": (_attribute("C_JJ", "dims", ["time", "site"]), "but dimensions ('time', 'si"),
    # gates and notes
    "no value": (_without("quality/long_time_decay", "value"), "attribute value is missing"),
    # parameters and provenance
    "no temperature": (_without("parameters/model", "temperature_K"), "temperature_K"),
    "sites": (_attribute("parameters/model", "n_sites", 10**9), "the parameters have the hash"),
    "hopping": (_attribute("parameters/model", "hopping_cm", ["x", "y"]), "the parameters have"),
    "start": (_attribute("parameters", "start_site", 99), "parameters/start_site = 99; must be a"),
    "hash": (_attribute("provenance", "configuration_hash", "0" * 64), "recorded is 0000"),
    "numerics": (_attribute("provenance", "numerics_version", "x"), "the parameters have the hash"),
}
"""Changes of a correlation file of version 1, which has no checksum, and what must be said."""


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:3000])


def _flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)


BYTES: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (_truncated, "truncated, damaged or not an HDF5 file"),
    "flipped bit": (_flipped, "damaged, it is not what was written"),
    "empty": (lambda path: path.write_bytes(b""), "truncated, damaged or not an HDF5 file"),
    "text": (lambda path: path.write_text("x" * 5000), "not an HDF5 file"),
    "only the signature": (
        lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n"),
        "truncated, damaged or not an HDF5 file",
    ),
    "zeros": (lambda path: path.write_bytes(bytes(5000)), "not an HDF5 file"),
    "none": (lambda path: path.unlink(), "no such file"),
}
"""Changes of the bytes of a sealed file."""
