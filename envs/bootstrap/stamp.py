"""Remembers what an environment was made from, so that a repeated set-up does nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from .environment import ENV_FILE
from .settings import Settings

NAME = "smallpolaron-stamp.json"
# Everything else that steers the choice of route. PATH is left out: it changes from shell to shell.
STEERING = ("PETSC_DIR", "PETSC_ARCH", "CONDA_PREFIX")


def fingerprint(settings: Settings, petsc: str | None = None) -> str:
    """A hash of all that decides what the environment holds.

    Args:
        settings: What the caller's environment asks for.
        petsc: Another choice of PETSc than that of the settings.
    """
    digest = hashlib.sha256()
    sources = sorted(Path(__file__).parent.glob("*.py"))
    for path in (settings.root / "pyproject.toml", settings.root / "uv.lock", *sources):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    # The checkout's own place counts: an environment does not survive being moved.
    words = [
        str(settings.root),
        petsc or settings.petsc,
        settings.python or "",
        str(settings.cache),
    ]
    words += [settings.environ.get(name, "") for name in STEERING]
    digest.update("\0".join(words).encode())
    return digest.hexdigest()


def read_stamp(settings: Settings) -> str | None:
    """What the environment was made from, one line, if it is whole and up to date; else None."""
    venv, alone = settings.venv, settings.petsc in ("ready", "none")
    parts = ("bin/python", *(() if alone else ("bin/mpiexec",)), ENV_FILE)
    if settings.petsc == "build" or not all((venv / part).exists() for part in parts):
        return None
    # what auto has made is ready
    known = [fingerprint(settings)]
    known += [fingerprint(settings, "auto")] if settings.petsc == "ready" else []
    try:
        stamp = json.loads((venv / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return str(stamp["summary"]) if stamp.get("fingerprint") in known else None


def write_stamp(settings: Settings, summary: str) -> None:
    """Marks the environment as finished."""
    stamp = {"fingerprint": fingerprint(settings), "summary": summary}
    (settings.venv / NAME).write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
