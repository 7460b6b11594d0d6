"""What the caller's environment asks for."""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import SetupError

KEYWORDS = ("auto", "ready", "system", "wheel", "build", "none")
# Snakemake starts its jobs, and PETSc its compilers, without quotes.
_UNUSABLE = re.compile(r"[^\w@%+=,./~-]")
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    """The choices that decide how the environment is made.

    Attributes:
        root: The checkout.
        cache: Folder for what is built once per machine.
        petsc: One of `KEYWORDS`, or the absolute path of an installed PETSc.
        python: Interpreter the user insists on, or None.
        uv: uv executable the user insists on, or None.
        environ: The variables of the caller.
    """

    root: Path
    cache: Path
    petsc: str
    python: str | None
    uv: str | None
    environ: Mapping[str, str]

    @property
    def venv(self) -> Path:
        """The project's virtual environment."""
        return self.root / ".venv"


def read_settings(environ: Mapping[str, str] | None = None, root: Path = ROOT) -> Settings:
    """Reads and checks the variables SMALLPOLARON_PETSC, SMALLPOLARON_CACHE, PYTHON and UV.

    Raises:
        SetupError: SMALLPOLARON_PETSC is neither a keyword nor an existing folder, or the path of
            the checkout or of the cache cannot be used.
    """
    env = dict(os.environ if environ is None else environ)
    _check_path("This checkout", root, f"Move it: mv {shlex.quote(str(root))} ~/smallpolaron")
    remedy = "Put it elsewhere: export SMALLPOLARON_CACHE=/path/to/folder"
    _check_path("The cache folder", cache_folder(env), remedy)
    petsc = env.get("SMALLPOLARON_PETSC", "").strip() or "auto"
    if petsc not in KEYWORDS:
        folder = Path(petsc).expanduser()
        if not folder.is_dir():
            raise SetupError(
                f"SMALLPOLARON_PETSC={petsc} is neither a folder nor one of {', '.join(KEYWORDS)}.",
                "Leave it unset to have the fastest route chosen.",
                "Give the folder of an installed PETSc with complex scalars and petsc4py.",
            )
        petsc = str(folder.resolve())
    return Settings(
        root=root,
        cache=cache_folder(env),
        petsc=petsc,
        python=env.get("PYTHON") or None,
        uv=env.get("UV") or None,
        environ=env,
    )


def _check_path(what: str, path: Path, remedy: str) -> None:
    """Refuse a path that Snakemake, PETSc's configure or PATH would take for several words."""
    found = sorted(set(_UNUSABLE.findall(str(path))))
    if found:
        raise SetupError(
            f"{what} is in {str(path)!r}. Snakemake and PETSc cannot work in a folder whose path "
            f"has {' '.join(map(ascii, found))}.",
            remedy,
            "Choose a path of letters, digits and _ - . , @ % + = ~ only.",
        )


def cache_folder(env: Mapping[str, str]) -> Path:
    """The folder shared by all checkouts of this user."""
    if env.get("SMALLPOLARON_CACHE"):
        return Path(env["SMALLPOLARON_CACHE"]).expanduser().absolute()
    base = env.get("XDG_CACHE_HOME") or str(Path(env.get("HOME") or Path.home()) / ".cache")
    return Path(base).absolute() / "smallpolaron"


def locked_version(root: Path, package: str) -> str:
    """The version of a package in uv.lock.

    Raises:
        SetupError: The lock file does not name the package.
    """
    lock = tomllib.loads((root / "uv.lock").read_text(encoding="utf-8"))
    for entry in lock["package"]:
        if entry["name"] == package:
            return str(entry["version"])
    raise SetupError(f"uv.lock does not name {package}.", "Restore the file: git checkout uv.lock")
