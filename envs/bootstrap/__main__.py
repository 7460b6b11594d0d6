"""`make setup`: chooses a route to PETSc, makes .venv, checks it on two ranks."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import sys
import time
from collections.abc import Iterator

from .build import Builder, require_tools
from .cache import WheelCache, wheel_cache
from .environment import (
    compile_sources,
    make_with_installed,
    make_with_wheels,
    make_without,
    variables_of,
)
from .errors import RouteError, SetupError
from .headers import find_build_python
from .installed import Installed
from .interpreters import Interpreter, candidates
from .routes import Route, routes
from .settings import Settings, read_settings
from .stamp import read_stamp, write_stamp
from .uv import Uv, find_uv
from .verify import NumpyTooNewError, Verified, verify


def main() -> int:
    """Sets the checkout up; returns the exit code."""
    try:
        settings = read_settings()
        with _alone(settings):
            _set_up(settings)
    except SetupError as error:
        print(f"\nSet-up stopped. {error}", file=sys.stderr, flush=True)
        return 1
    except PermissionError as error:
        print(f"\nSet-up stopped. No permission: {error}", file=sys.stderr)
        print("What to do:\n  - Put the cache elsewhere: export SMALLPOLARON_CACHE=/path/to/folder")
        return 1
    return 0


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Two set-ups of one checkout take turns; the second then finds the work done."""
    settings.cache.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(str(settings.root).encode()).hexdigest()[:16]
    (settings.cache / "checkouts").mkdir(exist_ok=True)
    with (settings.cache / "checkouts" / f"{name}.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _set_up(settings: Settings) -> None:
    done = read_stamp(settings)
    if done is not None:
        compile_sources(settings, packages=False)
        print(f"Environment .venv is up to date. {done}", flush=True)
        return
    started = time.monotonic()
    pythons = candidates(settings)
    cache = wheel_cache(settings)
    uv: Uv | None = None
    failure: SetupError | None = None
    for route in routes(settings, pythons, cache):
        print(f"PETSc: {route.reason}", flush=True)
        uv = uv or find_uv(settings, pythons[0])
        if route.kind == "none":
            make_without(settings, uv, pythons[0])
            _finish(settings, "no PETSc, no MPI: jobs run in one process", started)
            return
        try:
            verified = _make(route, settings, uv, pythons, cache)
        except RouteError as error:
            if route.kind != "installed":
                raise
            print(f"PETSc: passed over. {error.problem}", flush=True)
            failure = error
            continue
        summary = f"PETSc {verified.petsc}, complex scalars, {verified.mpi}: {_place(route)}"
        _finish(settings, summary, started)
        return
    raise failure or SetupError("No route to PETSc was left to try.")


def _finish(settings: Settings, summary: str, started: float) -> None:
    compile_sources(settings, packages=True)
    write_stamp(settings, summary)
    print(f"Environment .venv is ready [{time.monotonic() - started:.0f} s]. {summary}")


def _make(
    route: Route, settings: Settings, uv: Uv, pythons: tuple[Interpreter, ...], cache: WheelCache
) -> Verified:
    if route.installed is not None:
        return _from_installed(route.installed, settings, uv)
    if route.kind == "build":
        _build(settings, uv, pythons, cache)
    make_with_wheels(settings, uv, pythons[0], cache)
    return _verify(settings, f"The project's own PETSc in {cache.folder}")


def _build(settings: Settings, uv: Uv, pythons: tuple[Interpreter, ...], cache: WheelCache) -> None:
    compiler = require_tools(dict(settings.environ))
    python = find_build_python(pythons, uv, settings.cache, settings.environ)
    log = settings.cache / "petsc-build.log"
    print(f"PETSc: compiling with {compiler}; log: {log}", flush=True)
    builder = Builder(settings, uv, python, compiler, log)
    cache.provide(builder, fresh=settings.petsc == "build")


def _from_installed(found: Installed, settings: Settings, uv: Uv) -> Verified:
    name = f"PETSc at {found.folder}"
    make_with_installed(settings, uv, found, "numpy2")
    try:
        return _verify(settings, name)
    except NumpyTooNewError:
        print("PETSc: its petsc4py was compiled against NumPy 1; using the locked NumPy 1 set")
    make_with_installed(settings, uv, found, "numpy1")
    return _verify(settings, name)


def _verify(settings: Settings, name: str) -> Verified:
    variables = variables_of(settings.venv, settings.environ)
    return verify(variables, settings.venv / "bin" / "python", name)


def _place(route: Route) -> str:
    if route.installed is not None:
        return str(route.installed.folder)
    return "the project's own wheels"


if __name__ == "__main__":
    sys.exit(main())
