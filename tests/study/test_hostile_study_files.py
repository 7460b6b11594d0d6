"""Hostile study files: refused with file and reason, soon, and without anything being made."""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

import smallpolaron.derive.tables  # before permissions are given up
import smallpolaron.planning.study
from smallpolaron.cli import main
from smallpolaron.planning.study import plan_document
from smallpolaron.study import grid
from smallpolaron.study.yamlfile import LARGEST_FILE, parse_yaml
from smallpolaron.support.problems import MOST_PROBLEMS, ConfigurationError
from tests.results.hostile import refused, unprivileged
from tests.study.study_texts import study


def _laughs(levels: int) -> str:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    for level in range(1, levels):
        names = ", ".join([f"*a{level - 1}"] * 9)
        lines.append(f"a{level}: &a{level} [{names}]")
    return "\n".join(lines) + "\n"


def _numbers(first: int, count: int) -> str:
    return "[" + ", ".join(map(str, range(first, first + count))) + "]"


def _grid(*axes: str) -> str:
    return study(more="grid: [{" + ", ".join(axes) + "}]\n")


ONE_BATH = "{eta_cm: 1, gamma_cm: 1}, "
LADDER = study(
    model="model: {n_sites: converged}\n",
    more=f"ladder: {{sizes: {_numbers(3, 250)}}}\n"
    f"grid: [{{model.temperature_K: {_numbers(100, 1000)}}}]\n",
)
ENSEMBLE = study(
    more="disorder: {site_energy_cm: 9, site_energy_distribution: normal, members: 1000}\n"
    f"grid: [{{model.temperature_K: {_numbers(100, 50)}}}]\n"
)

TEXTS: dict[str, tuple[str, str]] = {
    "billion laughs": (_laughs(10), "aliases (*name) are not allowed"),
    "alias of itself": ("study: &a [*a]\n", "aliases (*name) are not allowed"),
    "alias as key": ("study: &a test\n*a : 1\n", "keys must be words"),
    "unknown alias": ("study: *nobody\n", "not valid YAML: found undefined alias"),
    "merge": ("study: &a {x: 1}\nmodel: {<<: *a}\n", "aliases (*name) are not allowed"),
    "merge in place": (study(model="model: {<<: {n_sites: 3}}\n"), "model.'<<' = {'n_sites': 3}"),
    "python name": ("study: !!python/name:os.system\n", "tags are not allowed"),
    "python module": ("study: !!python/module:os\n", "tags are not allowed"),
    "python object": ("study: !!python/object/new:os.system [x]\n", "tags are not allowed"),
    "python tuple": ("study: !!python/tuple [1, 2]\n", "tags are not allowed"),
    "binary": ("study: !!binary dGVzdA==\n", "tags are not allowed"),
    "set": ("study: !!set {a, b}\n", "tags are not allowed"),
    "timestamp": ("study: !!timestamp 2001-01-01\n", "tags are not allowed"),
    "own tag": ("study: !include /etc/passwd\n", "tags are not allowed"),
    "tag directive": ("%TAG ! tag:x:\n---\nstudy: !y x\n", "tags are not allowed"),
    "tag on a section": (study(model="model: !!omap [n_sites: 3]\n"), "tags are not allowed"),
    "wrong plain tag": (study(model="model: {n_sites: !!int three}\n"), "is not a YAML int"),
    "wrong truth": (study(bath="bath: {terminator: !!bool maybe}\n"), "is not a YAML bool"),
    "unknown directive": ("%YAML 9.9\n---\nstudy: x\n", "not valid YAML"),
    "list as key": ("? [a, b]\n: 1\nstudy: x\n", "keys must be words"),
    "mapping as key": ("? {a: b}\n: 1\nstudy: x\n", "keys must be words"),
    "same key thrice": ("study: a\nstudy: b\nstudy: c\n", "the key stands twice"),
    "same key in a block": (
        _grid("model.n_sites: [3]", "model.n_sites: [4]"),
        "grid[0].model.n_sites = '...': the key stands twice",
    ),
    "deep lists": ("a: " + "[" * 2000, "nested too deeply"),
    "deep mappings": ("{a: " * 2000, "nested too deeply"),
    "deep blocks": ("- " * 2000 + "x\n", "nested too deeply"),
    "deep but readable": ("study: " + "[" * 40 + "]" * 40 + "\n", "study = "),
    "long list": (study(model=f"model: {{n_sites: 3, hopping_cm: {_numbers(1, 1_050)}}}\n"), "3"),
    "long axis": (_grid(f"model.temperature_K: {_numbers(1, 1_050)}"), "at most 1000 points"),
    "long axis twice": (_grid(f"model.n_sites: [{'3, ' * 1_050}3]"), "is given twice"),
    "product of axes": (
        _grid(*(f"{key}: {_numbers(3, 250)}" for key in ("model.n_sites", "model.temperature_K"))),
        "at most 1000 points",
    ),
    "sizes of ladders": (LADDER, "ladder.sizes = "),
    "members of ensembles": (ENSEMBLE, "disorder.members = "),
    "frequencies": (
        study(
            depth="",
            run="propagation: {duration_fs: 9, resolvent_frequencies_cm: "
            f"{_numbers(1, 1_050)}}}\n",
        ),
        "propagation.resolvent_frequencies_cm = ",
    ),
    "baths": (
        study(bath=f"bath: {{eta_cm: 1, gamma_cm: 1, further_baths: [{ONE_BATH * 31}]}}\n"),
        "bath.further_baths = ",
    ),
    "thousand unknown keys": (
        study(more="".join(f"key_{i}: 1\n" for i in range(1000))),
        "more problems",
    ),
    "long key": (study(more=f"? {'k' * 100_000}\n: 1\n"), "is not a known key"),
    "long word": (study(head=f"study: {'s' * 100_000}\n"), "study = "),
    "hexadecimal": (study(model="model: {n_sites: 0x10}\n"), "model.n_sites = '0x10'"),
    "octal": (study(model="model: {n_sites: 0o7}\n"), "model.n_sites = '0o7'"),
    "underscore": (study(model="model: {n_sites: 1_0}\n"), "model.n_sites = '1_0'"),
    "sexagesimal": (study(model="model: {n_sites: '1:30'}\n"), "model.n_sites = '1:30'"),
    "other digits": (study(model="model: {n_sites: ٣}\n"), "model.n_sites = "),
    "negative": (study(model="model: {n_sites: -3}\n"), "model.n_sites = -3"),
    "endless": (study(model=f"model: {{n_sites: {'9' * 100_000}}}\n"), "is not a YAML int"),
    "endless digits": (study(model=f"model: {{temperature_K: 0.{'0' * 100_000}}}\n"), "= 0.0"),
    "infinite": (study(model="model: {n_sites: 3, temperature_K: .inf}\n"), "= inf"),
    "not a number": (study(model="model: {n_sites: 3, temperature_K: .nan}\n"), "= nan"),
    "overflow": (study(model="model: {n_sites: 3, temperature_K: 1e400}\n"), "= inf"),
    "underflow": (study(model="model: {n_sites: 3, temperature_K: 1e-400}\n"), "= 0.0"),
    "date": (study(model="model: {n_sites: 2001-01-01}\n"), "model.n_sites = '2001-01-01'"),
    "control character": ("study: a\x01b\n", "not valid YAML"),
    "escape sequence": ("study: a\x1b[2Jb\n", "not valid YAML"),
    "next line": ("study: a\x85b: c\n", "is not a known key"),
    "JSON lines": ('{"study": "a"}\n{"study": "b"}\n', "not valid YAML"),
    "template": ("study: {{ name }}\n", "keys must be words"),
    "shell script": ("#!/bin/sh\ntouch canary\n", "must be a mapping"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_text(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for module in (grid, smallpolaron.planning.study):  # 10000 points take seconds
        monkeypatch.setattr(module, "MAX_POINTS", 1000)
    text, reason = TEXTS[name]
    Path("study.yaml").write_text(text, encoding="utf-8")
    said = refused(["plan", "--config", "study.yaml", "--output", "x.json"], tmp_path, capsys)
    assert reason in said
    assert all(line.startswith("study.yaml:") for line in said.splitlines())
    assert len(said.splitlines()) <= MOST_PROBLEMS + 1


def test_points_beyond_the_faults_that_are_told_are_not_looked_at() -> None:
    many = f"grid: [{{model.temperature_K: {_numbers(100, 500)}}}]\n"
    text = study(depth="hierarchy: {depth: 200}\n", model="model: {n_sites: 5}\n", more=many)
    with pytest.raises(ConfigurationError) as caught:
        plan_document(parse_yaml(text, "study.yaml"))
    assert len(caught.value.problems) == MOST_PROBLEMS + 1
    assert "and at least 1 more problems" in str(caught.value)


def _noise(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(1000))


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10**13)


def _forbidden(path: Path) -> None:
    path.write_text(study())
    path.chmod(0)


def _loop(path: Path) -> None:
    path.symlink_to(path.with_name("other"))
    path.with_name("other").symlink_to(path)


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "none": (lambda path: None, "cannot read the file: No such file"),
    "folder": (lambda path: path.mkdir(), "cannot read the file: Is a directory"),
    "pipe": (os.mkfifo, "cannot read the file: Not a regular file"),
    "endless device": (lambda path: path.symlink_to("/dev/zero"), "Not a regular file"),
    "terminal": (lambda path: path.symlink_to("/dev/tty"), "cannot read the file: "),
    "link to nowhere": (lambda path: path.symlink_to("nowhere"), "No such file"),
    "links in a circle": (_loop, "Too many levels of symbolic links"),
    "forbidden": (_forbidden, "cannot read the file: Permission denied"),
    "too large": (
        lambda path: path.write_text("# " + "x" * LARGEST_FILE),
        f"larger than {LARGEST_FILE} bytes",
    ),
    "enormous": (_sparse, f"larger than {LARGEST_FILE} bytes"),
    "empty": (lambda path: path.write_bytes(b""), "the file is empty"),
    "blanks": (lambda path: path.write_bytes(b" \n" * 1000), "the file is empty"),
    "zeros": (lambda path: path.write_bytes(bytes(1000)), "not valid YAML"),
    "noise": (_noise, "is not UTF-8"),
    "compressed": (lambda path: path.write_bytes(gzip.compress(b"x", mtime=0)), "is not UTF-8"),
    "program": (lambda path: path.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9)), "not valid YAML"),
    "UTF-16": (lambda path: path.write_bytes(study().encode("utf-16")), "is not UTF-8"),
    "UTF-32": (lambda path: path.write_bytes(study().encode("utf-32")), "is not UTF-8"),
    "Latin-1": (lambda path: path.write_bytes("study: é\n".encode("latin-1")), "is not UTF-8"),
    "overlong UTF-8": (lambda path: path.write_bytes(b"study: \xc0\xaf\n"), "is not UTF-8"),
    "surrogates": (lambda path: path.write_bytes(b"study: \xed\xa0\x80\n"), "is not UTF-8"),
    "HDF5": (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99)), "is not UTF-8"),
}


@pytest.mark.parametrize("name", FILES)
def test_hostile_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)
    make, reason = FILES[name]
    make(Path("study.yaml"))
    with unprivileged() if name == "forbidden" else nullcontext():
        said = refused(["validate", "study.yaml"], Path(), capsys)
    assert said.startswith("study.yaml: ")
    assert reason in said


def test_a_mark_of_byte_order_is_no_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + study().encode())
    assert main(["validate", str(path)]) == 0
    assert "study test" in capsys.readouterr().out.lower()
