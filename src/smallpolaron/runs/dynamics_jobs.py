"""The MPI jobs: from a point of a plan to a correlation, population or displacement file.

Errors that every rank meets alike end with a message; any other error on any rank aborts all
ranks, so that no job hangs on a rank that is gone.
"""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from smallpolaron.launch import ParallelSetupError, tell_if_contradictory
from smallpolaron.results.provenance import Stopwatch
from smallpolaron.results.store import Result, read_result, write_result
from smallpolaron.runs.point_run import run_point
from smallpolaron.runs.shared_results import give, take
from smallpolaron.study.plan import Plan, PlanError, Point, read_plan
from smallpolaron.study.sections import Protocol, ResourcesConfig
from smallpolaron.support.files import DISK_FULL, NotWritable, check_writable
from smallpolaron.support.problems import StoreError
from smallpolaron.support.signals import CTRL_C_STATUS, StopRequest
from smallpolaron.support.unavailable import cannot_read, is_unavailable

if TYPE_CHECKING:
    from smallpolaron.parallel import MPI
    from smallpolaron.runs.checkpoints import JobCheckpoints

INTERRUPTED_STATUS: Final = 75
"""Exit status of a job that was asked to stop and can go on later: EX_TEMPFAIL of sysexits.h."""


@dataclass(frozen=True)
class JobOptions:
    """What the command line of an MPI job says."""

    plan: Path
    point: str
    protocol: Protocol
    ranks: int
    output: Path
    overwrite: bool = False


def run_job(options: JobOptions, request: StopRequest) -> int:
    """Run one MPI job on all ranks of the communicator; return the exit status.

    Collective. Rank 0 reads the plan and writes the result.

    Args:
        options: what is asked for.
        request: whether it is to stop.
    """
    tell_if_contradictory(options.ranks, os.environ)
    try:
        from smallpolaron.parallel import MPI
    except ParallelSetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    comm = MPI.COMM_WORLD
    try:
        return _run(options, comm, request)
    except BaseException as error:
        return _give_up(comm, error)


def _give_up(comm: MPI.Intracomm, error: BaseException) -> int:
    """Say why this rank cannot go on, end all ranks and return the exit status."""
    from smallpolaron.dynamics.progress import to_stderr

    this = f"rank {comm.rank} of {comm.size}"
    if isinstance(error, KeyboardInterrupt):
        to_stderr(f"{this}: interrupted")
        status = CTRL_C_STATUS
    elif isinstance(error, OSError) and error.errno in DISK_FULL:  # compiling fills a cache
        to_stderr(
            f"error: {this}: {error.strerror}, but not where the result goes; make room in the "
            "folder of this program, the home folder and that of temporary files, then run the "
            "same again"
        )
        status = 2
    elif isinstance(error, OSError) and is_unavailable(error) and error.filename:
        to_stderr(f"error: {this}: {cannot_read(error.filename, error)}")
        status = INTERRUPTED_STATUS
    else:
        to_stderr(f"{this} failed:\n{traceback.format_exc()}")
        status = 1
    if comm.size > 1:
        comm.Abort(status)
    return status


def _run(options: JobOptions, comm: MPI.Intracomm, request: StopRequest) -> int:
    from smallpolaron.dynamics.checkpoints import Interrupted
    from smallpolaron.dynamics.evolve import PropagationFailed
    from smallpolaron.dynamics.linear import NotConverged
    from smallpolaron.hierarchy.limits import LimitReached
    from smallpolaron.parallel.checks import require_complex_petsc, require_ranks

    watch = Stopwatch()
    try:
        require_ranks(options.ranks)
        require_complex_petsc()
    except ParallelSetupError as error:
        return _refuse(comm, str(error))
    order = _bcast_order(options, comm)
    if isinstance(order, str):
        return _refuse(comm, order)
    if _is_shared(order, options, comm):
        return 0
    checkpoints = _checkpoints(order, options, comm, watch)
    request.serve(checkpoints)
    try:
        result = run_point(
            order.point,
            order.study,
            options.protocol,
            max_unknowns=order.resources.max_unknowns,
            checkpoints=checkpoints,
            watch=watch,
            earlier=checkpoints.earlier if checkpoints else None,
        )
    except Interrupted as reason:  # raised on all ranks alike
        return _say(comm, f"point {order.point.id}: {reason}", INTERRUPTED_STATUS)
    except (LimitReached, NotConverged, PropagationFailed) as error:  # raised on all ranks alike
        return _refuse(comm, f"point {order.point.id}: {error}")
    problem = ""
    if comm.rank == 0:
        assert result is not None
        problem = _deliver(result, options)
        if order.resources.cache and not problem:
            said = give(Path(order.resources.cache), order.point, options.protocol, result)
            _say(comm, said, 0)
        if checkpoints is not None and not problem:
            checkpoints.remove()
    problem = comm.bcast(problem)
    return _refuse(comm, problem) if problem else 0


def _is_shared(order: _Order, options: JobOptions, comm: MPI.Intracomm) -> bool:
    """Take the result from those that studies share (collective); return whether it was there."""
    taken = False
    if order.resources.cache and comm.rank == 0:
        folder = Path(order.resources.cache)
        result, said = take(folder, order.point, order.study, options.protocol)
        _say(comm, said, 0)
        taken = result is not None and not _deliver(result, options)
    return bool(comm.bcast(taken))


def _deliver(result: Result, options: JobOptions) -> str:
    """Write the result, on one rank; return why it is not there afterwards, or nothing."""
    from smallpolaron.dynamics.progress import to_stderr

    failed = result.failed_gates
    verdict = f"flagged: {', '.join(failed)}" if failed else "all quality gates passed"
    try:
        write_result(options.output, result, overwrite=options.overwrite)
    except (StoreError, NotWritable) as error:
        if not _is_there(options.output, result):
            return str(error)
        verdict = "the same job, run a second time, has written it meanwhile; it is kept"
    to_stderr(f"{options.output}: {verdict}")
    return ""


def _is_there(path: Path, result: Result) -> bool:
    """Return whether a file holds a result of the same job."""
    try:
        found = read_result(path, kind=result.kind)
    except StoreError:
        return False
    return (
        found.parameters == result.parameters
        and found.provenance["configuration_hash"] == result.provenance["configuration_hash"]
    )


def _refuse(comm: MPI.Intracomm, message: str) -> int:
    return _say(comm, f"error: {message}", 2)


def _say(comm: MPI.Intracomm, message: str, status: int) -> int:
    from smallpolaron.dynamics.progress import to_stderr

    if comm.rank == 0 and message:
        to_stderr(message)
    return status


@dataclass(frozen=True)
class _Order:
    """What is to be computed: a point of a study; the limits that its jobs are given."""

    study: str
    point: Point
    resources: ResourcesConfig


def _bcast_order(options: JobOptions, comm: MPI.Intracomm) -> _Order | str:
    """Return the order, or the reason why there is nothing to do, on every rank."""
    order: _Order | str | None = None
    if comm.rank == 0:
        try:
            order = _read_order(options)
        except (PlanError, StoreError, NotWritable) as error:
            order = str(error)
    shared: _Order | str = comm.bcast(order)
    return shared


def _read_order(options: JobOptions) -> _Order:
    plan: Plan = read_plan(options.plan)
    point = plan.point(options.point)
    if options.protocol not in point.protocols:
        raise PlanError(
            f"point {point.id} does not ask for the protocol {options.protocol}; it asks for "
            + ", ".join(point.protocols)
        )
    if options.output.exists() and not options.overwrite:
        raise StoreError(f"{options.output}: the file exists; remove it or pass --overwrite")
    check_writable(options.output)
    return _Order(plan.study, point, plan.resources)


def _checkpoints(
    order: _Order, options: JobOptions, comm: MPI.Intracomm, watch: Stopwatch
) -> JobCheckpoints | None:
    """Return the checkpoints of a job; None if the study asks for none."""
    from smallpolaron.runs.checkpoints import JobCheckpoints, folder_of

    minutes = order.resources.checkpoint_minutes
    if not minutes:
        return None
    job = {"configuration_hash": order.point.hash, "protocol": options.protocol}
    return JobCheckpoints(folder_of(options.output), job, 60.0 * minutes, comm, watch=watch)
