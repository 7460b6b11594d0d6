"""Runs one case: python -m benchmarks.child MODULE:FUNCTION RANKS ANSWER ARGUMENTS."""

import importlib
import json
import math
import resource
import sys
from pathlib import Path
from typing import Any

_MB = 1e6


def usage() -> dict[str, float]:
    """Core time (s) and peak resident memory (MB) of this process so far."""
    mine = resource.getrusage(resource.RUSAGE_SELF)
    return {"core_s": mine.ru_utime + mine.ru_stime, "peak_mb": peak_mb()}


def peak_mb() -> float:
    """Peak resident memory of this process since its program was started, MB."""
    return _status("VmHWM:")


def resident_mb() -> float:
    """Resident memory of this process now, MB."""
    return _status("VmRSS:")


def _status(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return float(line.split()[1]) * 1024 / _MB
    raise OSError(f"/proc/self/status has no {name}")


def plain(value: Any) -> Any:
    """The same as JSON can hold it: NumPy's scalars as Python's, numbers that are none as null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def main(case: str, ranks: int, answer: Path, arguments: dict[str, Any]) -> None:
    """Call the function and write what it returned and what every rank used."""
    module, function = case.split(":")
    result = getattr(importlib.import_module(f"benchmarks.cases.{module}"), function)(**arguments)
    everyone: list[dict[str, float]] | None = [usage()]
    if ranks > 1:
        from mpi4py import MPI

        if MPI.COMM_WORLD.size != ranks:
            raise RuntimeError(f"{ranks} ranks were started, {MPI.COMM_WORLD.size} are here")
        everyone = MPI.COMM_WORLD.gather(usage())
    if everyone is not None:
        answer.write_text(json.dumps(plain({"result": result, "ranks": everyone})))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), json.loads(sys.argv[4]))
