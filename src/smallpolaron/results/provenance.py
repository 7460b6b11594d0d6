"""Where a result comes from: versions, code state, machine, cost. No user names, no paths."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

import smallpolaron

_LIBRARIES = ("numpy", "scipy", "h5py", "numba")


@dataclass(frozen=True)
class Stopwatch:
    """Measures the wall time of a job from its creation."""

    began: float = field(default_factory=time.perf_counter)

    def seconds(self) -> float:
        """Return the seconds since the start."""
        return time.perf_counter() - self.began


class _Charged:
    """Processor seconds of this process that its earlier results have noted as theirs."""

    seconds = 0.0


def spent(
    watch: Stopwatch, ranks: int, earlier: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Return what a job has taken so far: wall_seconds, core_seconds, cpu_seconds."""
    wall = watch.seconds()
    now = {
        "wall_seconds": wall,
        "core_seconds": wall * ranks,
        # of this process since its last result, times the ranks that share its work: other load
        # on the machine makes wall time longer, but not this
        "cpu_seconds": (time.process_time() - _Charged.seconds) * ranks,
    }
    return {name: seconds + (earlier or {}).get(name, 0.0) for name, seconds in now.items()}


def collect(
    configuration_hash: str,
    watch: Stopwatch,
    *,
    ranks: int = 1,
    parallel: Mapping[str, str] | None = None,
    source: Mapping[str, Any] | None = None,
    earlier: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Return the provenance of a job that is about to write its result.

    Args:
        configuration_hash: hash of the resolved parameters.
        watch: started when the job began.
        ranks: MPI ranks of the job.
        parallel: versions of PETSc and MPI; see parallel_versions.
        source: provenance of the result this one was derived from.
        earlier: what earlier submissions of the job took; see spent.
    """
    content: dict[str, Any] = {
        "package_version": smallpolaron.__version__,
        "numerics_version": smallpolaron.NUMERICS_VERSION,
        "configuration_hash": configuration_hash,
        **_code_state(),
        "python_version": platform.python_version(),
        **{f"{name}_version": _version(name) for name in _LIBRARIES},
        **(parallel or {}),
        "ranks": ranks,
        **spent(watch, ranks, earlier),
        "peak_memory_MB": peak_memory_MB(),
        "cpu_model": cpu_model(),
        "cpu_count": os.cpu_count() or 0,
        "date_utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if source is not None:
        content["source"] = dict(source)
    _Charged.seconds = time.process_time()
    return content


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def parallel_versions() -> dict[str, str]:
    """Return the engine in use and the versions of its MPI and PETSc; imports both."""
    from smallpolaron.parallel import EMBEDDED, MPI, PETSc

    if EMBEDDED:
        return {"engine": "embedded"}
    import mpi4py
    import petsc4py

    number = ".".join(str(part) for part in PETSc.Sys.getVersion())
    return {
        "engine": "parallel",
        "mpi4py_version": str(mpi4py.__version__),
        "mpi_library": _first_line(MPI.Get_library_version()),
        "petsc4py_version": str(petsc4py.__version__),
        "petsc_version": number,
        "petsc_scalar": np.dtype(PETSc.ScalarType).name,
    }


def _first_line(text: str) -> str:
    return " ".join(text.replace("\x00", "").strip().splitlines()[0].split())


def code_state(package: Path | None = None) -> dict[str, Any]:
    """Return git commit and dirty flag when the package runs from a checkout, else None twice."""
    folder = (package or Path(smallpolaron.__file__).parent).resolve()
    top = _git(folder, "rev-parse", "--show-toplevel")
    # an environment inside somebody else's checkout says nothing about this code
    if not top or Path(top).resolve() / "src" / "smallpolaron" != folder:
        return {"git_commit": None, "git_dirty": None}
    commit = _git(folder, "rev-parse", "--verify", "HEAD") or None
    status = _git(folder, "status", "--porcelain", "--untracked-files=normal", "--", ".")
    return {"git_commit": commit, "git_dirty": None if status is None else bool(status)}


_code_state = cache(code_state)
"""What a process runs is what it has loaded, whatever is written to the checkout meanwhile."""


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def peak_memory_MB() -> float | None:
    """Return the largest memory this process has held so far, MB (10^6 bytes); None if unknown.

    The first rank of a job writes its result: it speaks for all, because they share the work.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM"):
                return 1.024e-3 * int(line.split()[1])
    except OSError:
        pass
    return None


def forget_peak_memory() -> None:
    """Have peak_memory_MB speak of what comes from now on, where the system can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def cpu_model() -> str:
    """Return the model name of the processor, or its architecture when unknown."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()
