"""What finished jobs took, read from their result files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Final, cast

from smallpolaron.model.accuracy import COARSER, SLOPE_GROWTH
from smallpolaron.results.store import Result
from smallpolaron.runs.inputs import read_input
from smallpolaron.study.parameters import Parameters
from smallpolaron.study.sections import Protocol
from smallpolaron.support.problems import StoreError

_BASIS: Final = tuple(
    f"errors/{what}/{source}"
    for what in ("C", "populations", "dmsd_dt")
    for source in ("basis", "frontier")
)
"""The estimated error by what is not in the basis; "frontier" in older files."""


@dataclass(frozen=True)
class JobRecord:
    """What one finished job on an adaptive hierarchy took.

    Attributes:
        study: name of its study.
        name: name of its result file.
        protocol: what was computed.
        parameters: resolved parameters of its point.
        labels: labels of its largest basis.
        tightenings: how often its thresholds were tightened to reach the accuracy.
        frontier: estimated error by labels that never entered, in units of the accuracy's.
        products: products with the generator of the run that is stored.
        core_seconds: processor time of the whole job, s.
        memory_MB: largest memory of a rank, 10^6 bytes; None if nobody looked.
        file_bytes: size of the result file.
        ranks: MPI ranks.
        machine: model of the processor.
    """

    study: str
    name: str
    protocol: Protocol
    parameters: Parameters
    labels: float
    tightenings: int
    frontier: float
    products: float
    core_seconds: float
    memory_MB: float | None
    file_bytes: float
    ranks: int
    machine: str


def read_records(folders: Iterable[Path]) -> list[JobRecord]:
    """Return what the finished jobs below folders of results took.

    Raises:
        StoreError: a folder holds no result of such a job, or a file is damaged.
    """
    records = []
    for folder in folders:
        found = finished_jobs(folder)
        if not found:
            raise StoreError(
                f"{folder}: holds no finished job with an adaptive hierarchy; give a folder of "
                "results with correlation/ or population/ in it"
            )
        records += found
    return records


def finished_jobs(folder: Path) -> list[JobRecord]:
    """Return what the finished jobs below a folder of results took; none if there are none.

    Jobs with a fixed hierarchy, whose size is counted, are left out.

    Raises:
        StoreError: a file is damaged.
    """
    paths = [p for kind in ("correlation", "population") for p in folder.glob(f"{kind}/*.h5")]
    return [record for path in sorted(paths) if (record := _record(path)) is not None]


def _record(path: Path) -> JobRecord | None:
    result = read_input(path)
    stored = result.parameters
    if stored["accuracy"] is None or "convergence/n_unknowns" not in result.variables:
        return None
    provenance = result.provenance
    return JobRecord(
        study=str(stored["study"]),
        name=path.stem,
        protocol=cast(Protocol, stored.get("start", "current")),
        parameters=result.resolved,
        labels=result.number("convergence/n_unknowns"),
        tightenings=_tightenings(result),
        frontier=max(
            (result.number(name) for name in _BASIS if name in result.variables),
            default=0.0,
        ),
        products=result.number("convergence/products_production"),
        core_seconds=float(provenance.get("cpu_seconds") or provenance["core_seconds"]),
        memory_MB=provenance.get("peak_memory_MB"),
        file_bytes=float(path.stat().st_size),
        ranks=int(provenance["ranks"]),
        machine=str(provenance.get("cpu_model", "")),
    )


def _tightenings(result: Result) -> int:
    begun = float(result.parameters["adaptive"]["growth"])
    if result.kind == "displacement":
        begun *= SLOPE_GROWTH
    return round(log(begun / result.number("convergence/growth_threshold")) / log(COARSER))
