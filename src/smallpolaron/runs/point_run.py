"""The run of one point: from its parameters to a result, for the jobs of a study and for scripts.

Everything that computes with the hierarchy passes through run_point: there is one way to choose
bath terms, basis and steps from the accuracy of a point.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from smallpolaron.results.provenance import Stopwatch, collect, parallel_versions
from smallpolaron.results.store import Result
from smallpolaron.study.plan import Point
from smallpolaron.study.sections import Protocol

if TYPE_CHECKING:
    from smallpolaron.dynamics.checkpoints import Checkpoints
    from smallpolaron.dynamics.progress import Report


def run_point(
    point: Point,
    study: str,
    protocol: Protocol,
    *,
    max_unknowns: int,
    checkpoints: Checkpoints | None = None,
    report: Report | None = None,
    watch: Stopwatch | None = None,
    earlier: Mapping[str, float] | None = None,
) -> Result | None:
    """Run the engine for a point (collective, on all ranks).

    Args:
        point: what to compute.
        study: name of its study.
        protocol: current, or how a population run starts.
        max_unknowns: largest basis.
        checkpoints: where to go on from, and what is offered on the way; None for nothing.
        report: where rank 0 prints progress; None for standard error.
        watch: started when the job began; None for now.
        earlier: what earlier submissions of the job took; see provenance.spent. Read at the end.

    Returns:
        The result on rank 0, None elsewhere.

    Raises:
        LimitReached: the basis would outgrow max_unknowns.
        NotConverged: a linear solver failed.
        PropagationFailed: no step size works.
        Interrupted: the job is to stop.
    """
    from threadpoolctl import threadpool_limits

    from smallpolaron.dynamics.checkpoints import NO_CHECKPOINTS
    from smallpolaron.dynamics.progress import to_stderr
    from smallpolaron.parallel import MPI
    from smallpolaron.runs import engine_runs

    watch, parameters = watch or Stopwatch(), point.parameters
    options = (checkpoints or NO_CHECKPOINTS, report or to_stderr)
    # the matrix products are small: threads of BLAS would mostly wait for one another
    with threadpool_limits(1):
        outcome = engine_runs.compute(parameters, protocol, max_unknowns, *options)
    if outcome is None:
        return None
    variables, gates = outcome
    start = {} if protocol == "current" else {"start": protocol}
    ranks = MPI.COMM_WORLD.size
    return Result(
        kind=kind_of(point, protocol),
        variables=variables,
        parameters=stored_parameters(point, study, **start),
        gates=gates,
        provenance=collect(
            point.hash, watch, ranks=ranks, parallel=parallel_versions(), earlier=earlier
        ),
    )


def kind_of(point: Point, protocol: Protocol) -> str:
    """Return the kind of result that a protocol gives at a point."""
    if protocol == "current":
        return "correlation"
    return "displacement" if point.parameters.is_infinite else "population"


def stored_parameters(point: Point, study: str, **more: Any) -> dict[str, Any]:
    """Return the parameters as a result file holds them."""
    return {
        **point.parameters.content(),
        "derived": point.derived,
        "study": study,
        "point": point.id,
        **more,
    }
