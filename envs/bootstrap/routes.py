"""Chooses where PETSc comes from, and says why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .cache import WheelCache
from .errors import RouteError
from .installed import Installed, examine, places
from .interpreters import Interpreter
from .settings import Settings


@dataclass(frozen=True)
class Route:
    """One way to a PETSc.

    Attributes:
        kind: "installed", "cache", "build" or "none".
        reason: One line for the reader: which and why.
        installed: The PETSc of kind "installed".
    """

    kind: str
    reason: str
    installed: Installed | None = None


def routes(
    settings: Settings, pythons: tuple[Interpreter, ...], cache: WheelCache
) -> Iterator[Route]:
    """The ways to try, fastest first.

    A PETSc that was asked for must work; one that just happens to be there may be passed over.

    Raises:
        RouteError: The PETSc that was asked for cannot be used.
    """
    if settings.petsc == "none":
        yield Route("none", "none, as asked (SMALLPOLARON_PETSC=none): jobs run in one process")
        return
    asked = settings.petsc not in ("auto", "ready", "wheel", "build")
    if settings.petsc not in ("wheel", "build"):
        yield from _installed(settings, pythons, asked=asked)
        if asked:
            return
    if settings.petsc == "build":
        yield Route("build", "building the project's own wheels (SMALLPOLARON_PETSC=build)")
    elif cache.wheels():
        yield Route("cache", f"the project's own wheels, complex scalars, found in {cache.folder}")
    elif settings.petsc == "ready":
        yield Route(
            "none",
            "none is ready: jobs run in one process, without MPI. For parallel jobs: make setup, "
            "which builds one once for this machine (about 8 minutes on two cores)",
        )
    else:
        yield Route(
            "build",
            "no installed one to use and no wheel in the cache: building it once for this "
            "machine (about 8 minutes on two cores)",
        )


def _installed(
    settings: Settings, pythons: tuple[Interpreter, ...], *, asked: bool
) -> Iterator[Route]:
    seen = False
    for origin, folder, arch in places(settings):
        try:
            found = examine(origin, folder, arch, pythons, settings.environ)
        except RouteError as error:
            conda_without = origin.startswith("the active conda") and "no petsc4py" in error.problem
            if settings.petsc not in ("auto", "ready", "system"):
                raise
            if not conda_without:
                print(f"PETSc: passed over. {error.problem}", flush=True)
            continue
        seen = True
        yield Route(
            "installed",
            f"the one already installed at {found.folder}, found through {found.origin}",
            found,
        )
    if asked and not seen:
        raise RouteError(
            "SMALLPOLARON_PETSC=system, but no installed PETSc with complex scalars and petsc4py "
            "can be used (looked at PETSC_DIR, the active conda environment, Debian's packages).",
            "Debian and Ubuntu: sudo apt install python3-petsc4py-complex openmpi-bin",
            "Cluster: load the PETSc module, or set PETSC_DIR.",
            "Leave SMALLPOLARON_PETSC unset to let the project use its own PETSc.",
        )
