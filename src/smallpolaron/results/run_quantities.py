"""The quantities of the files that jobs write: correlations, populations, displacements."""

from __future__ import annotations

from typing import Final

from smallpolaron.model.accuracy import SOURCES
from smallpolaron.results.quantity import Quantity, Table, time

_C: Final = "angstrom^2 fs^-2"
_D: Final = "angstrom^2 fs^-1"
_ENERGY: Final = "rad fs^-1"
_T, _STEP, _FREQUENCY = ("time",), ("step",), ("frequency",)
_SITES: Final = ("site_ket", "site_bra")
HIGHEST_ORDER: Final = 6
"""Derivatives of C_JJ that are stored at most."""

_SOURCES: Final = dict(
    zip(
        SOURCES,
        (
            "elements that are not in the basis",
            "time steps",
            "the finite number of bath terms; NaN if not estimated",
            "the window of sites on an infinite lattice",
            "what comes after the record",
        ),
        strict=True,
    )
)


def _optional(units: str, text: str, dims: tuple[str, ...] = (), dtype: type = float) -> Quantity:
    return Quantity(units, text, dims, dtype, optional=True)


def _errors(name: str, what: str, units: str = "1", more: str = "") -> Table:
    """Return the quantities of an error estimate: by source, and their sum."""
    texts = {source: f"Estimated error of {what}, from {_SOURCES[source]}." for source in SOURCES}
    texts["total"] = f"Sum of the estimated errors of {what}{more}."
    return {f"errors/{name}/{key}": _optional(units, text) for key, text in texts.items()}


def derivative_name(order: int) -> str:
    """Return the name of a time derivative of C_JJ: C_JJ, dC_JJ, d2C_JJ, ..."""
    return ("C_JJ", "dC_JJ")[order] if order < 2 else f"d{order}C_JJ"


_OUTERMOST: Final = "Share of the state on the outermost operators."
_CONVERGENCE: Final[Table] = {
    "convergence/n_unknowns": Quantity("1", "Elements of the largest state of the production run."),
    "convergence/n_nonzeros": Quantity("1", "Entries of the largest generator."),
    "convergence/products_production": Quantity(
        "1", "Generator-state products of the production run."
    ),
    "convergence/growth_detected": Quantity(
        "1", "Whether production was stopped because the state grew."
    ),
    "convergence/step_time_fs": Quantity("fs", "Start of every step and end of the last.", _STEP),
    "convergence/state_norm": Quantity(
        "1", "Norm of the state over all auxiliary density operators.", _STEP
    ),
    "convergence/outside_flow": Quantity(
        "1", "Amplitude that the state feeds outside the hierarchy, relative to its norm.", _STEP
    ),
    "convergence/frontier_weight": _optional("1", _OUTERMOST, _STEP),
    "convergence/growth_threshold": _optional(
        "1", "Amplitude relative to the state above which elements entered."
    ),
    "convergence/capped": _optional("1", "Largest relative amplitude that a limit kept out."),
    "convergence/basis_size": _optional("1", "Elements in play.", _STEP),
}

CORRELATION: Final[Table] = {
    "time_fs": time(),
    "C_JJ": Quantity(_C, "Current autocorrelation function Tr[J J(t)].", _T, complex, "finite"),
    **{
        derivative_name(order): Quantity(
            f"angstrom^2 fs^-{order + 2}",
            f"Time derivative of order {order}, from the generator.",
            _T,
            complex,
            "finite",
            optional=True,
        )
        for order in range(1, HIGHEST_ORDER + 1)
    },
    **_errors(
        "C",
        "C_JJ(t), largest over time, relative to C_JJ(0)",
        more=", without what comes after the record",
    ),
    **_errors("D", "the diffusion constant", _D),
    "errors/D/finite_time": Quantity(
        *(_D, f"Estimated error of the diffusion constant, from {_SOURCES['finite_time']}."),
        kept="typed",
        optional=True,
    ),
    "errors/D/total": Quantity(
        _D, "Sum of the estimated errors of the diffusion constant.", kept="typed", optional=True
    ),
    "resolvent/D": Quantity(_D, "Diffusion constant by linear solve.", kept="typed", optional=True),
    "resolvent/D_time": Quantity(_D, "Diffusion constant: integral of Re C_JJ, on the same basis."),
    "resolvent/error": _optional(_D, "Change of D when the thresholds shrink threefold."),
    "resolvent/residual": Quantity("1", "Largest relative residual of the solves."),
    "resolvent/n_unknowns": Quantity("1", "Elements of the largest solution."),
    "resolvent/products": Quantity("1", "Generator-state products of the solves."),
    "resolvent/frequency": Quantity(
        _ENERGY, "Angular frequency.", _FREQUENCY, kept="finite", optional=True
    ),
    "resolvent/current_transform": Quantity(
        *(_D, "Integral of exp(i omega t) C_JJ from 0, by linear solve.", _FREQUENCY, complex),
        kept="typed",
        optional=True,
    ),
    "equilibrium/density_matrix": Quantity(
        "1", "Reduced density matrix of the equilibrium state.", _SITES
    ),
    "equilibrium/hopping_energy": Quantity(_ENERGY, "Equilibrium mean of the hopping energy."),
    "equilibrium/flux_stiffness": Quantity(_ENERGY, "Winding part of the f-sum rule of a ring."),
    "equilibrium/residual": Quantity("fs^-1", "Relative rate of change of the equilibrium state."),
    "equilibrium/hermiticity": Quantity("1", "Largest violation of Hermiticity, relative."),
    "equilibrium/frontier_weight": _optional("1", _OUTERMOST),
    "convergence/products_equilibrium": Quantity(
        "1", "Generator-state products spent on the equilibrium state."
    ),
    "convergence/n_equilibrium": Quantity("1", "Elements of the equilibrium state."),
    "convergence/bath_terms": Quantity("1", "Low-temperature bath terms that were used."),
    "convergence/window": Quantity("1", "Sites of the window on an infinite lattice, 0 elsewhere."),
    **_CONVERGENCE,
}

_BY_SITE: Final = ("time", "site")
POPULATION: Final[Table] = {
    "time_fs": time(),
    "populations": Quantity("1", "Site populations.", _BY_SITE, complex, "finite"),
    "dpopulations": Quantity(
        "fs^-1", "First derivative, from the generator.", _BY_SITE, complex, "finite"
    ),
    "d2populations": Quantity(
        "fs^-2", "Second derivative, from the generator.", _BY_SITE, complex, "finite"
    ),
    "density_matrix_final": Quantity("1", "Reduced density matrix at the end.", _SITES),
    "site_positions": _optional(
        "angstrom", "Positions of the sites; zero where they were not given.", ("site", "axis")
    ),
    **_errors("populations", "populations, largest over time"),
    **_CONVERGENCE,
}

DISPLACEMENT: Final[Table] = {
    "time_fs": time(),
    "msd": Quantity("angstrom^2", "Mean-squared displacement.", _T, kept="finite"),
    "dmsd_dt": Quantity(_D, "Its slope; half of it is D(t), Tr[J M].", _T, kept="finite"),
    "d2msd_dt2": Quantity(_C, "Its second derivative, from the generator.", _T, kept="finite"),
    **_errors("dmsd_dt", "the slope, largest over time, relative to its mean over the record"),
    **_CONVERGENCE,
}

VERDICT: Final[Table] = {
    "runs/system": Quantity("1", "Number of its system.", ("run",), int, "finite"),
    **{
        f"{place}s/{name}": Quantity(_D, text, (place,), kept="there")
        for place, name, text in (
            ("run", "D", "Diffusion constant."),
            ("run", "D_error", "Its estimated error."),
            ("system", "reference_D", "Diffusion constant of the reference."),
            ("system", "reference_D_error", "Its estimated error."),
        )
    },
}
"""What a reader of the verdict on a paper may rely on."""

TABLES: Final[dict[str, Table]] = {
    "correlation": CORRELATION,
    "population": POPULATION,
    "displacement": DISPLACEMENT,
    "verdict": VERDICT,
    "ensemble": {},
    "inverse": {},
}
"""By kind, the quantities of files that no function of the room derive declares; what an ensemble
or an inverse file holds depends on the request."""
