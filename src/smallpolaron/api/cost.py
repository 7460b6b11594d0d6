"""What a run will take, before it runs: the estimate of ``smallpolaron cost`` for one model."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final, Literal

from smallpolaron.api.arguments import explained
from smallpolaron.api.model import MOST_ELEMENTS, Model, how_computed
from smallpolaron.api.outcome import duration_text
from smallpolaron.cost.evidence import correction
from smallpolaron.cost.features import features
from smallpolaron.cost.model import read_model
from smallpolaron.cost.prediction import Range
from smallpolaron.planning.resources import estimate
from smallpolaron.study.parameters import Parameters
from smallpolaron.study.sections import Protocol, ResourcesConfig

LONG_S: Final = 600.0
"""Expected time from which on a run is announced."""

WORST_S: Final = 3600.0
"""The same of the longest time it may take, where the estimate extrapolates."""


@dataclass(frozen=True)
class Cost:
    """What a run is expected to take, each with the factor within which 90 of 100 truths lie.

    Attributes:
        elements: of the largest basis.
        core_seconds: processor time on the machine of the cost model, s.
        memory_MB: memory, 10^6 bytes.
        outgrows: whether it is expected to end with LimitReached.
        seen: whether the cost model knows such systems; else it extrapolates, and a probe helps.
        cut: whether the probe was ended early, so that the run takes more than this.
    """

    elements: Range
    core_seconds: Range
    memory_MB: Range
    outgrows: bool
    seen: bool
    cut: bool = False

    @property
    def warning(self) -> str:
        """What to say before a run that may be too expensive; empty for others."""
        time, memory = self.core_seconds, self.memory_MB
        memory_here = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6
        if self.outgrows:
            text = "this run is expected to outgrow max_elements, where it stops"
        elif time.expected > LONG_S or memory.expected > memory_here:
            text = f"this run is expected to take {duration_text(time.expected)} on one core and "
            text += f"{_short(memory.expected)} MB (this machine has {_short(memory_here)} MB)"
        elif not self.seen and time.high > WORST_S:
            text = f"this run may take up to {duration_text(time.high)} on one core: "
            text += "no such system is known to the estimate"
        else:
            return ""
        return (
            f"{text}; estimate_cost(…, probe=True) tells more, and a larger accuracy or a shorter "
            "duration_fs makes it cheaper"
        )

    def __repr__(self) -> str:
        """Return the estimate as text."""
        rows = [
            f"  {name:<8}  {form(value.expected)}{unit} ({form(value.low)} to {form(value.high)})"
            for name, value, unit, form in (
                ("basis", self.elements, " elements", _short),
                ("time", self.core_seconds, " on one core", duration_text),
                ("memory", self.memory_MB, " MB", _short),
            )
        ]
        if self.outgrows:
            rows.append("  is expected to outgrow max_elements, where it stops")
        if self.cut:
            rows.append("  the probe was ended early: expect far more, and give max_minutes")
        if not self.seen:
            rows.append(
                "  extrapolated from chains with one Debye bath: probe=True looks at this model"
            )
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
    return expected_cost(model.point(run, settings).parameters, run, max_elements, probe)


def expected_cost(
    parameters: Parameters, run: Protocol, max_elements: int, probe: bool = False
) -> Cost:
    """Estimate what a point takes; arguments as of estimate_cost."""
    known, more, seen = read_model(), None, None
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
        cut=seen is not None and seen.cut,
    )


def _short(value: float) -> str:
    return f"{value:.2g}" if value < 100 else f"{float(f'{value:.2g}'):,.0f}"
