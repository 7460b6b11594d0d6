"""What a run will take, before it runs: the estimate of ``smallpolaron cost`` for one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from smallpolaron.api.arguments import explained
from smallpolaron.api.model import Model
from smallpolaron.api.runs import MOST_ELEMENTS, how_computed
from smallpolaron.cost.evidence import correction
from smallpolaron.cost.features import features
from smallpolaron.cost.model import read_model
from smallpolaron.cost.prediction import Range
from smallpolaron.planning.resources import estimate
from smallpolaron.study.sections import ResourcesConfig


@dataclass(frozen=True)
class Cost:
    """What a run is expected to take, each with the factor within which 90 of 100 truths lie.

    Attributes:
        elements: of the largest basis.
        core_seconds: processor time on the machine of the cost model, s.
        memory_MB: memory, 10^6 bytes.
        outgrows: whether it is expected to end with LimitReached.
        seen: whether the cost model knows such systems; else it extrapolates, and a probe helps.
    """

    elements: Range
    core_seconds: Range
    memory_MB: Range
    outgrows: bool
    seen: bool

    def __repr__(self) -> str:
        """Return the estimate as text."""
        rows = [
            f"  {name:<8}  {_short(value.expected)} {unit}"
            f" ({_short(value.low)} to {_short(value.high)})"
            for name, value, unit in (
                ("basis", self.elements, "elements"),
                ("time", self.core_seconds, "core-seconds"),
                ("memory", self.memory_MB, "MB"),
            )
        ]
        if self.outgrows:
            rows.append("  is expected to outgrow max_elements, where it stops")
        if not self.seen:
            rows.append("  extrapolated: the cost model has seen one Debye bath on chains only")
        return "\n".join(["Expected cost (90 % range)", *rows])


@explained
def estimate_cost(
    model: Model,
    duration_fs: float,
    *,
    run: Literal["current", "franck_condon", "marcus"] = "current",
    probe: bool = False,
    accuracy: float = 1e-3,
    sample_fs: float = 1.0,
    bath_terms: int | Literal["auto"] = "auto",
    max_elements: int = MOST_ELEMENTS,
) -> Cost:
    """Estimate what a run takes, in milliseconds.

    Args:
        model: the model.
        duration_fs: length of the record, fs.
        run: "current" for current_correlation and mobility (mobility_tensor takes as many as it
            has directions), or the start of populations or displacement.
        probe: look at the model itself, in a short and less accurate run.
        accuracy: as that of the run.
        sample_fs: as that of the run.
        bath_terms: as those of the run.
        max_elements: as those of the run.

    Raises:
        ModelError: wrong input.
    """
    settings = how_computed(duration_fs, accuracy, sample_fs, bath_terms, max_elements)
    parameters = model.point(run, settings).parameters
    known, more = read_model(), None
    if probe:
        from smallpolaron.planning import probe as probing

        seen = probing.probe(known, parameters, run)
        more = correction(known, [seen] if seen else [], features(parameters, run))
    limits = ResourcesConfig(max_unknowns=max_elements, unknowns_per_rank=max_elements)
    need = estimate(parameters, run, limits, least_ranks=1, correction=more)
    hours = need.core_hours
    return Cost(
        elements=need.labels,
        core_seconds=Range(3600 * hours.expected, hours.factor),
        memory_MB=need.memory_MB,
        outgrows=need.outgrows,
        seen=probe or (parameters.bath.is_one_debye_bath and not parameters.lattice),
    )


def _short(value: float) -> str:
    return f"{value:.2g}" if value < 100 else f"{value:,.0f}"
