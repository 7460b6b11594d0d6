import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from bootstrap import installed
from bootstrap.cache import WheelCache
from bootstrap.interpreters import Interpreter
from bootstrap.settings import Settings

SOABI = "cpython-311-x86_64-linux-gnu"


@pytest.fixture(autouse=True)
def no_debian_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What this machine has installed must not decide these tests."""
    monkeypatch.setattr(installed, "DEBIAN", str(tmp_path / "no-petscdir"))


@pytest.fixture
def python() -> Interpreter:
    return Interpreter(sys.executable, (3, 11), SOABI, headers=True)


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str, str], Path]:
    """Makes an executable in tmp_path/bin."""

    def make(name: str, body: str) -> Path:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings of a checkout that does not exist, with the variables given."""

    def make(petsc: str = "auto", **environ: str) -> Settings:
        env = {"PATH": str(tmp_path / "bin"), **environ}
        return Settings(tmp_path / "checkout", tmp_path / "cache", petsc, None, None, env)

    return make


@pytest.fixture
def empty_cache(tmp_path: Path) -> WheelCache:
    return WheelCache(tmp_path / "cache" / "wheels", "petsc-1.0-test")


@pytest.fixture
def full_cache(empty_cache: WheelCache) -> WheelCache:
    empty_cache.folder.mkdir(parents=True)
    for name in ("petsc-1.0-py3-none-any.whl", "petsc4py-1.0-cp311-abi3-any.whl"):
        (empty_cache.folder / name).touch()
    return empty_cache


@pytest.fixture
def fake_petsc(tmp_path: Path, script: Callable[[str, str], Path]) -> Callable[..., Path]:
    """Lays out the files of an installed PETSc with petsc4py."""

    def make(scalar: str = "complex", soabi: str = SOABI, folder: str = "petsc") -> Path:
        root = tmp_path / folder
        conf = root / "lib" / "petsc" / "conf"
        conf.mkdir(parents=True)
        (conf / "petscvariables").write_text(f"CC = mpicc\nPETSC_SCALAR = {scalar}\n")
        if soabi:
            library = root / "lib" / "petsc4py" / "lib"
            library.mkdir(parents=True)
            (library / f"PETSc.{soabi}.so").touch()
        script("mpiexec", "exit 0")
        return root

    return make
