"""The results of runs and analyses, each with what can be derived from it.

Every analysis is the function that the command line and the rules of a study call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

import numpy as np

from smallpolaron.api.outcome import Outcome
from smallpolaron.api.tensor import MobilityTensor
from smallpolaron.derive.augmented_job import augmented_result
from smallpolaron.derive.conductivity_models_job import conductivity_models_result
from smallpolaron.derive.derive import with_criteria
from smallpolaron.derive.drude_smith_job import drude_smith_result
from smallpolaron.derive.kernel_job import kernel_result
from smallpolaron.derive.mobility_job import mobility_result
from smallpolaron.derive.moments_job import moments_result
from smallpolaron.derive.spreading_job import spreading_result
from smallpolaron.results.store import Result
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.study.validation import analysis_settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Kind = TypeVar("Kind", bound=Outcome)


class Mobility(Outcome):
    """Diffusion constant and mobility, DC and frequency-resolved."""

    title = "Mobility"
    values = (
        ("mobility", "mobility", ""),
        ("by linear solve", "mobility_resolvent", ""),
        ("D", "D", ""),
    )
    shown_notes: ClassVar[Mapping[str, str]] = {"D_error": "error", **Outcome.shown_notes}

    def __float__(self) -> float:
        """Return the DC mobility, cm^2/(V s)."""
        return float(self["mobility"])

    def drude_smith(self, **criteria: Any) -> DrudeSmith:
        """Fit Drude-Smith to the Kubo transform; criteria as in the section analysis of a study."""
        found = _analysed(DrudeSmith, self, drude_smith_result, criteria)
        found.source = self
        return found

    def conductivity_models(self, **criteria: Any) -> ConductivityModels:
        """Fit Drude-Smith and its rivals and rank them."""
        return _analysed(ConductivityModels, self, conductivity_models_result, criteria)

    def kernel_moments(self, **criteria: Any) -> Moments:
        """Return the moments of the spectrum of the Kubo memory kernel."""
        return _analysed(Moments, self, moments_result, criteria)

    def _draw(self) -> Figure:
        from smallpolaron.figures import conductivity

        return conductivity.draw(self._runs())


class CurrentCorrelation(Outcome):
    """C_JJ(t) with exact derivatives, its errors, and the equilibrium state."""

    title = "Current autocorrelation function"
    _mobility: Mobility | None = None

    def mobility(self, **criteria: Any) -> Mobility:
        """Return Kubo transform, D, DC and AC mobility.

        Args:
            **criteria: as in the section analysis of a study, such as frequency_max_cm.

        Raises:
            ConfigurationError: a criterion that there is not, or out of range.
        """
        if criteria:
            return _analysed(Mobility, self, mobility_result, criteria)
        if self._mobility is None:
            self._mobility = _analysed(Mobility, self, mobility_result, {})
        return self._mobility

    def memory_kernel(self, **criteria: Any) -> MemoryKernel:
        """Return the Mori memory kernel, D against its cutoff, and cutoff times.

        Args:
            **criteria: as in the section analysis of a study: band_percent, band_paper_units.
        """
        return _analysed(MemoryKernel, self, kernel_result, criteria)

    def augmented_kernel(self, **criteria: Any) -> Outcome:
        """Return the kernels of projectors on J and its derivatives."""
        return _analysed(Augmented, self, augmented_result, criteria)

    def drude_smith(self, **criteria: Any) -> DrudeSmith:
        """Fit Drude-Smith to the Kubo transform."""
        return self.mobility().drude_smith(**criteria)

    def conductivity_models(self, **criteria: Any) -> ConductivityModels:
        """Fit Drude-Smith and its rivals and rank them."""
        return self.mobility().conductivity_models(**criteria)

    def kernel_moments(self, **criteria: Any) -> Moments:
        """Return the moments of the spectrum of the Kubo memory kernel."""
        return self.mobility().kernel_moments(**criteria)

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield the summary: that of the run with its mobility."""
        for words, text in super().lines():
            yield words, text
            if words == "system":
                yield "mobility", str(self.mobility().value("mobility"))

    def _draw(self) -> Figure:
        from smallpolaron.figures import current

        return current.draw(self._runs(), self.mobility()._runs())


class MemoryKernel(Outcome):
    """Memory kernel of C_JJ."""

    title = "Memory kernel of the current"
    values = (
        ("cutoff time", "tau_K_percent_fs", "none"),
        ("D of the kernel", "D_kernel", ""),
    )

    def cutoff_time(self, criterion: str = "percent") -> float:
        """Return the time after which the kernel no longer matters for D, fs; NaN if it does.

        Args:
            criterion: "percent" (band relative to D) or "band" (in units of the papers).
        """
        return float(self[f"tau_K_{criterion}_fs"])

    def _draw(self) -> Figure:
        from smallpolaron.figures import memory_kernel

        return memory_kernel.draw(self._runs(), "percent")  # that of cutoff_time()


class Augmented(Outcome):
    """Kernels of projectors on J and its derivatives."""

    title = "Augmented memory kernels"


class DrudeSmith(Outcome):
    """Fit of (1 + c k t) exp(-k t) to the Kubo transform."""

    title = "Drude–Smith fit"
    values = (("c", "c", ""), ("k", "k", ""), ("largest residual", "residual_max", "none"))
    source: Mobility | None = None
    """What was fitted; None of a file, which holds the fit alone."""

    def _draw(self) -> Figure:
        from smallpolaron.figures import drude_smith

        if self.source is None:
            return super()._draw()
        return drude_smith.draw(self._runs(), self.source._runs())


class ConductivityModels(Outcome):
    """Fits of Drude-Smith and its rivals, in time, frequency and the terahertz window."""

    title = "Models of the conductivity"

    def ranking(self) -> str:
        """Return the models in the order of how well they describe C(t), in words."""
        return self.stored.notes["ranking_time"]


class Moments(Outcome):
    """Moments of the spectrum of the Kubo memory kernel."""

    title = "Moments of the memory kernel"
    values = (("mean", "mean", "none"), ("variance", "variance", "none"))


class Spreading(Outcome):
    """Mean-squared displacement, its exponent, characteristic times and regimes."""

    title = "Spreading"
    values = (
        ("D on the plateau", "plateau_D", ""),
        ("tau_P", "tau_P_fs", "none"),
        ("tau_R", "tau_R_fs", "none"),
    )


_MOST_SITES: Final = 8
"""Sites whose populations a summary and a picture show."""


class _Start(Outcome):
    """A run from one site."""

    def spreading(self, partner: _Start | None = None, **criteria: Any) -> Spreading:
        """Return mean-squared displacement, exponent, times and regimes.

        Args:
            partner: the run of the same system from the other initialisation, for tau_P.
            **criteria: as in the section analysis of a study.
        """
        other = None if partner is None else partner.stored
        return _analysed(
            Spreading, self, lambda run, how: spreading_result(run, other, how), criteria
        )

    def _draw(self) -> Figure:
        from smallpolaron.figures import displacement

        return displacement.draw(self._runs())


class Populations(_Start):
    """Populations of the sites after a start on one of them."""

    title = "Site populations"

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield the summary, with the start and the populations at the end."""
        system, *others = super().lines()
        yield system
        start = str(self.parameters["start"]).replace("_", "-")
        yield "start", f"{start}, on site {self.parameters.get('start_site', 0)}"
        last = np.asarray(self["populations"])[-1]
        shown = ", ".join(f"{p:.4g}" for p in last[:_MOST_SITES])
        error = self.stored.variables.get("errors/populations/total")
        yield (
            f"at {np.asarray(self['time_fs'])[-1]:g} fs",
            shown
            + (", …" if len(last) > _MOST_SITES else "")
            + ("" if error is None else f" (each ± {np.real(error.data):.1g})"),
        )
        yield from others

    def _draw(self) -> Figure:
        from smallpolaron.figures import style

        populations = np.asarray(self["populations"])
        figure = style.new_figure()
        axes = figure.subplots()
        for site in np.sort(np.argsort(-populations.max(axis=0))[:_MOST_SITES]):
            axes.plot(self["time_fs"], populations[:, site], label=f"site {site}")
        axes.set(xlabel="time / fs", ylabel="population")
        axes.legend()
        return figure


class Displacement(_Start):
    """Mean-squared displacement on the infinite lattice after a start on one site."""

    title = "Mean-squared displacement"


class PopulationKernel(Outcome):
    """Memory kernel of the site populations."""

    title = "Memory kernel of the populations"
    values = (("D of the kernel", "D_kernel", "none"), ("D on the plateau", "plateau_D", "none"))


CLASSES: Final[dict[str, type[Outcome]]] = {
    "correlation": CurrentCorrelation,
    "mobility": Mobility,
    "kernel": MemoryKernel,
    "augmented": Augmented,
    "drude_smith": DrudeSmith,
    "conductivity_models": ConductivityModels,
    "moments": Moments,
    "population": Populations,
    "displacement": Displacement,
    "spreading": Spreading,
    "population_kernel": PopulationKernel,
    "tensor": MobilityTensor,
}
"""What becomes of a stored result of each kind; of any other kind a plain Outcome."""


def wrapped(stored: Result) -> Outcome:
    """Return a stored result as an object with what can be derived from it."""
    return CLASSES.get(stored.kind, Outcome)(stored)


def _analysed(
    made: type[Kind],
    source: Outcome,
    analysis: Callable[[Result, AnalysisConfig], Result],
    criteria: dict[str, Any],
) -> Kind:
    settings = analysis_settings(criteria)
    return made(with_criteria(analysis(source.stored, settings), settings))
