"""Finding uv, or fetching it into the cache folder, and the calls made with it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .commands import clean_environment, run
from .errors import SetupError
from .interpreters import Interpreter
from .settings import Settings

PINNED = "0.13.9"
MINIMUM = (0, 9)


@dataclass(frozen=True)
class Uv:
    """A uv executable bound to one checkout.

    Attributes:
        path: The executable.
        root: The checkout that holds pyproject.toml and uv.lock.
        env: Cleaned variables for its calls.
    """

    path: str
    root: Path
    env: dict[str, str]

    def call(self, *arguments: str, what: str, **extra: str) -> str:
        """Runs uv in the checkout and returns what it prints."""
        return run([self.path, *arguments], {**self.env, **extra}, what, cwd=self.root)

    def make_venv(self, folder: Path, python: Interpreter) -> None:
        """Creates an empty environment, replacing what is there."""
        shutil.rmtree(folder, ignore_errors=True)
        self.call("venv", "-q", "--python", python.path, str(folder), what=f"Creating {folder}")

    def sync(
        self, folder: Path, groups: Sequence[str], *, only: bool = False, parallel: bool = True
    ) -> None:
        """Installs exactly what uv.lock says, with all extras, without the network if it can.

        Args:
            folder: The environment.
            groups: Dependency groups of pyproject.toml.
            only: Leave out the project and its own dependencies.
            parallel: Take the extra parallel as well.

        Raises:
            SetupError: Neither uv's cache nor the network has all of it.
        """
        flag = "--only-group" if only else "--group"
        chosen = [word for group in groups for word in (flag, group)]
        extras = [] if only else ["--all-extras"]
        left_out = [] if parallel else ["--no-extra", "parallel"]
        command = ["sync", "-q", "--locked", *extras, *left_out, *chosen]
        call = partial(
            self.call, what="Installing the locked packages", UV_PROJECT_ENVIRONMENT=str(folder)
        )
        try:
            call(*command, "--offline")
            return
        except SetupError:  # the cache lacks something
            pass
        try:
            call(*command)
        except SetupError as error:
            raise SetupError(
                error.problem,
                "Without a network: uv's cache lacks something that is needed. Run make setup once "
                "with a network, on any machine that shares the cache (UV_CACHE_DIR).",
                "Behind a proxy or a mirror: set HTTPS_PROXY, UV_DEFAULT_INDEX or SSL_CERT_FILE.",
            ) from error

    def install_wheels(self, folder: Path, wheels: Sequence[Path]) -> None:
        """Installs wheel files without looking at any index."""
        python = str(folder / "bin" / "python")
        files = [str(wheel) for wheel in wheels]
        self.call(
            *("pip", "install", "-q", "--no-deps", "--no-index", "--python", python, *files),
            what="Installing the PETSc wheels",
        )

    def export(self, group: str) -> str:
        """The locked requirements of one group with their hashes, as pip reads them."""
        return self.call(
            *("export", "-q", "--locked", "--only-group", group, "--no-header"),
            what="Reading uv.lock",
        )

    def install_python(self, folder: Path, version: str) -> str:
        """Downloads a Python that has its headers; returns the executable."""
        extra = {"UV_PYTHON_INSTALL_DIR": str(folder), "UV_PYTHON_DOWNLOADS": "automatic"}
        what = f"Downloading Python {version}"
        self.call("python", "install", "-q", "--no-bin", version, what=what, **extra)
        return self.call(
            *("python", "find", "--no-project", "--managed-python", version), what=what, **extra
        ).strip()


def find_uv(settings: Settings, python: Interpreter) -> Uv:
    """UV if set, else uv on PATH, else one in the cache folder, fetched when missing."""
    env = clean_environment(settings.environ, UV_PYTHON_DOWNLOADS="never", UV_NO_PROGRESS="1")
    if settings.uv:
        if not _usable(settings.uv, env):
            wanted = ".".join(map(str, MINIMUM))
            raise SetupError(
                f"UV={settings.uv} does not run or is older than uv {wanted}.",
                "Unset UV: a private uv is fetched into the cache folder.",
            )
        return Uv(settings.uv, settings.root, env)
    for candidate in _existing(settings):
        if _usable(candidate, env):
            return Uv(candidate, settings.root, env)
    return Uv(_fetch(settings, python, env), settings.root, env)


def _private(settings: Settings) -> Path:
    return settings.cache / "uv" / f"{PINNED}-{os.uname().machine}" / "uv"


def _existing(settings: Settings) -> Iterator[str]:
    on_path = shutil.which("uv", path=settings.environ.get("PATH", ""))
    if on_path:
        yield on_path
    if _private(settings).exists():
        yield str(_private(settings))


def _usable(path: str, env: dict[str, str]) -> bool:
    try:
        answer = subprocess.run(
            [path, "--version"], env=env, capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return False
    match = re.match(r"uv (\d+)\.(\d+)", answer.stdout)
    return match is not None and (int(match[1]), int(match[2])) >= MINIMUM


def _fetch(settings: Settings, python: Interpreter, env: dict[str, str]) -> str:
    """Installs the pinned uv with pip and keeps the executable, which needs nothing else."""
    target = _private(settings)
    target.parent.mkdir(parents=True, exist_ok=True)
    print(f"uv: none found, fetching uv {PINNED} into {target.parent}", flush=True)
    with tempfile.TemporaryDirectory(dir=settings.cache, prefix="uv-") as scratch:
        folder = Path(scratch)
        pip = _pip(python, folder / "pip", env)
        run(
            [*pip, "install", "-q", "--target", str(folder / "uv"), f"uv=={PINNED}"],
            env,
            f"Fetching uv {PINNED} with pip",
        )
        os.replace(folder / "uv" / "bin" / "uv", target)
    return str(target)


def _pip(python: Interpreter, folder: Path, env: dict[str, str]) -> list[str]:
    """The command of a working pip: the interpreter's own, or that of a fresh environment."""
    for command in ([python.path, "-m", "venv", str(folder)], [python.path, "-m", "pip", "-V"]):
        done = subprocess.run(command, env=env, capture_output=True, check=False)
        if done.returncode == 0:
            made = folder / "bin" / "python"
            return [str(made) if made.exists() else python.path, "-m", "pip"]
        shutil.rmtree(folder, ignore_errors=True)
    raise SetupError(
        f"{python.label} has neither venv nor pip, and there is no uv.",
        "Debian and Ubuntu: sudo apt install python3-venv",
        "Without root: install uv (https://docs.astral.sh/uv/) and put it on PATH, or set UV.",
        "Name another Python: make setup PYTHON=/path/to/python3.12",
    )
