"""Python interpreters on this machine and what they can be used for."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import SetupError
from .settings import Settings

MINIMUM = (3, 11)
NAMES = ("python3", "python3.14", "python3.13", "python3.12", "python3.11")

_QUERY = """
import json, os, sys, sysconfig
include = sysconfig.get_path("include")
print(json.dumps({
    "executable": getattr(sys, "_base_executable", None) or sys.executable,
    "version": list(sys.version_info[:2]),
    "soabi": sysconfig.get_config_var("SOABI") or "",
    "headers": os.path.exists(os.path.join(include, "Python.h")),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A usable Python.

    Attributes:
        path: The executable, outside any virtual environment.
        version: Major and minor version.
        soabi: Tag of its extension modules, such as cpython-311-x86_64-linux-gnu.
        headers: Whether Python.h is installed.
    """

    path: str
    version: tuple[int, int]
    soabi: str
    headers: bool

    def loads(self, extension: Path) -> bool:
        """Whether a file name says that this interpreter can import the extension module."""
        return f".{self.soabi}.so" in extension.name or extension.name.endswith(".abi3.so")

    @property
    def label(self) -> str:
        """Name for messages."""
        return f"Python {self.version[0]}.{self.version[1]} ({self.path})"


def inspect(executable: str) -> Interpreter | None:
    """Asks an executable what it is; None if it does not run, is too old or free-threaded."""
    try:
        answer = subprocess.run(
            [executable, "-I", "-c", _QUERY], capture_output=True, text=True, timeout=60, check=True
        )
        facts = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    version = (int(facts["version"][0]), int(facts["version"][1]))
    if version < MINIMUM or facts["free_threaded"]:
        return None
    return Interpreter(facts["executable"], version, facts["soabi"], bool(facts["headers"]))


def candidates(settings: Settings) -> tuple[Interpreter, ...]:
    """Usable interpreters, best first; only the user's own if PYTHON names one.

    Raises:
        SetupError: There is none.
    """
    found: dict[str, Interpreter] = {}
    for name in _executables(settings):
        interpreter = inspect(name)
        if interpreter is not None:
            found.setdefault(interpreter.path, interpreter)
    if not found:
        wanted = f"PYTHON={settings.python}" if settings.python else "python3 on PATH"
        raise SetupError(
            f"No usable Python: {wanted} is not CPython {MINIMUM[0]}.{MINIMUM[1]} or newer.",
            "Install a newer Python, or load the module that has one.",
            "Name it: make setup PYTHON=/path/to/python3.12",
        )
    return tuple(found.values())


def _executables(settings: Settings) -> Iterator[str]:
    if settings.python:
        yield settings.python
        return
    yield sys.executable
    for folder in (settings.environ.get("PATH", ""), "/usr/local/bin:/usr/bin"):
        for name in NAMES:
            path = shutil.which(name, path=folder)
            if path:
                yield path
