"""Which machine, which versions, which state of the code."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.harness import ROOT, Data

_PACKAGES = ("petsc4py", "mpi4py", "numpy", "scipy", "numba", "qutip")


def describe() -> Data:
    """Everything that a reader needs to judge the numbers, as plain data."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": cpu_model(Path("/proc/cpuinfo").read_text()),
        "cores": len(os.sched_getaffinity(0)),
        "last_level_cache_mb": last_level_cache() / 2**20,
        "ram_gb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9,
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "mpi": " ".join(_output("mpiexec", "--version").split()[:6]),
        "versions": {"smallpolaron": own_version(), **{name: _version(name) for name in _PACKAGES}},
        "commit": _output("git", "describe", "--always", "--dirty", "--abbrev=12"),
        "load_before": os.getloadavg()[0],
    }


def cpu_model(cpuinfo: str) -> str:
    """Name, family and model of the first processor in the text of /proc/cpuinfo."""
    fields: dict[str, str] = {}
    for line in cpuinfo.split("\n\n")[0].splitlines():
        name, _, value = line.partition(":")
        fields[name.strip()] = value.strip()
    name = fields.get("model name", platform.processor() or "unknown")
    if "cpu family" not in fields:
        return name
    return f"{name} (family {fields['cpu family']}, model {fields.get('model', '?')})"


def last_level_cache() -> int:
    """Size of the largest cache that core 0 sees, bytes; 32 MiB where Linux does not tell."""
    sizes = [
        int(text[:-1]) << {"K": 10, "M": 20}[text[-1]]
        for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size")
        if (text := path.read_text().strip())[-1:] in ("K", "M")
    ]
    return max(sizes, default=32 << 20)


def own_version() -> str:
    """Version of the checkout, read without importing it."""
    text = (ROOT / "src" / "smallpolaron" / "__init__.py").read_text()
    found = re.search(r'^__version__ = "(.+)"', text, re.MULTILINE)
    return found[1] if found else "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed as a package"


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
