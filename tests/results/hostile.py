"""What the tests of hostile inputs share: strings, files, and what a refusal must look like."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import pytest

from smallpolaron.cli import main
from smallpolaron.support.files import seal

CANARY = "canary"
LONGEST_MESSAGE = 8000
"""Characters: a message is to be read."""

STRINGS = {
    "empty": "",
    "blank": " ",
    "dot": ".",
    "parent": "../../canary",
    "absolute": "/tmp/canary",
    "home": "~/canary",
    "option": "--output=canary",
    "substitution": "$(touch canary)",
    "backticks": "`touch canary`",
    "command": "x; touch canary",
    "pipe": "x | touch canary",
    "redirection": "x > canary",
    "background": "x & touch canary",
    "quote": "x'; touch canary; '",
    "double quote": 'x"; touch canary; "',
    "variable": "${HOME}",
    "glob": "*",
    "braces": "{wildcards.point}",
    "format": "%s%n{0.__class__}",
    "newline": "x\ntouch canary",
    "last newline": "x\n",
    "carriage return": "x\rtouch canary",
    "NUL": "x\x00y",
    "escape": "\x1b]0;x\x07",
    "right to left": "x\u202ey",
    "no width": "x\u200by",
    "full width": "\uff0e\uff0e\uff0fcanary",
    "look-alike": "m\u0430rcus",
    "surrogate": "\ud800",
    "tag": "!!python/object/apply:os.system ['touch canary']",
    "long": "a" * 100_000,
}
"""Values that would do harm in a shell, a path, a terminal or a pattern; none is a valid word."""


def refused(arguments: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must end with status 2, say why, and write nothing.

    Args:
        arguments: command and its options.
        folder: where everything happens.
        capsys: catches what is printed.

    Returns:
        What was said.
    """
    before = _listing(folder)
    capsys.readouterr()
    status = main(arguments)
    out, err = capsys.readouterr()
    assert status == 2, (out, err)
    assert out == ""
    assert _listing(folder) == before
    assert 0 < len(err) < LONGEST_MESSAGE
    assert all(line.isprintable() for line in err.splitlines())
    assert "Traceback" not in err
    assert "; " in err, f"does not say what to do: {err}"
    return err


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    found = []
    for path in sorted(folder.rglob("*")):
        known = path.lstat()
        found.append((str(path), known.st_size, known.st_mtime_ns))
    return found


@contextmanager
def unprivileged() -> Iterator[None]:
    """Give up root, for whom everything is readable."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def unseal(path: Path) -> None:
    """Take the seal off a result file, as a program does that writes it anew."""
    path.write_bytes(path.read_bytes().partition(b"\nsmallpolaron sha256")[0])


def forge(path: Path, change: Callable[[h5py.File], object], kind: str | None = None) -> None:
    """Change a result file so that no checksum tells: version 1 has none, and a seal is no secret.

    Args:
        path: result file.
        change: what to do to it.
        kind: say that it is of another kind.
    """
    unseal(path)
    with h5py.File(path, "r+", libver="latest") as file:
        file.attrs["schema_version"] = 1
        if kind is not None:
            file.attrs["kind"] = kind
        change(file)
    seal(path)
