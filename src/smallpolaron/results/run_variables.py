"""Variables that runs on fixed and on adaptive hierarchies store alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from smallpolaron.results.store import Variable

_Array = NDArray[Any]


def correlation_function(
    time_fs: _Array, C: _Array, dC: _Array, d2C: _Array
) -> dict[str, Variable]:
    """Return the variables of C_JJ(t) and its derivatives, angstrom^2 fs^-2 and per fs more."""
    axis, unit = ("time",), "angstrom^2 fs^"
    text = "Current autocorrelation function Tr[J J(t)]."
    return {
        "time_fs": Variable(time_fs, axis, "fs", "Time."),
        "C_JJ": Variable(C, axis, f"{unit}-2", text),
        "dC_JJ": Variable(dC, axis, f"{unit}-3", "First time derivative, from the generator."),
        "d2C_JJ": Variable(d2C, axis, f"{unit}-4", "Second time derivative, from the generator."),
    }


def equilibrium(
    density_matrix: _Array,
    *,
    hopping_energy: float,
    flux_stiffness: float,
    residual: float,
    hermiticity: float,
    products: int,
) -> dict[str, Variable]:
    """Return the variables of the equilibrium state; energies in rad/fs, residual in 1/fs."""
    sites, energy = ("site_ket", "site_bra"), "rad fs^-1"
    return {
        "equilibrium/density_matrix": Variable(
            density_matrix, sites, "1", "Reduced density matrix of the equilibrium state."
        ),
        "equilibrium/hopping_energy": Variable(
            hopping_energy, (), energy, "Equilibrium mean of the hopping energy."
        ),
        "equilibrium/flux_stiffness": Variable(
            flux_stiffness, (), energy, "Winding part of the f-sum rule of a ring."
        ),
        "equilibrium/residual": Variable(
            residual, (), "fs^-1", "Relative rate of change of the equilibrium state."
        ),
        "equilibrium/hermiticity": Variable(
            hermiticity, (), "1", "Largest violation of Hermiticity, relative."
        ),
        "convergence/products_equilibrium": Variable(
            products, (), "1", "Generator-state products spent on the equilibrium state."
        ),
    }


def site_populations(
    time_fs: _Array, P: _Array, dP: _Array, d2P: _Array, density_matrix_final: _Array
) -> dict[str, Variable]:
    """Return the variables of the real site populations, shape (n, N), and their derivatives."""
    axes = ("time", "site")
    P, dP, d2P = (np.real(each) for each in (P, dP, d2P))
    return {
        "time_fs": Variable(time_fs, ("time",), "fs", "Time."),
        "populations": Variable(P, axes, "1", "Site populations."),
        "dpopulations": Variable(dP, axes, "fs^-1", "First derivative, from the generator."),
        "d2populations": Variable(d2P, axes, "fs^-2", "Second derivative, from the generator."),
        "density_matrix_final": Variable(
            density_matrix_final,
            ("site_ket", "site_bra"),
            "1",
            "Reduced density matrix at the end.",
        ),
    }


def course(
    *,
    step_time_fs: _Array,
    norm: _Array,
    n_unknowns: int,
    n_nonzeros: int,
    products: int,
    growth_detected: bool,
) -> dict[str, Variable]:
    """Return the variables that tell how a propagation went."""
    step = ("step",)
    return {
        "convergence/n_unknowns": Variable(
            n_unknowns, (), "1", "Elements of the largest state of the production run."
        ),
        "convergence/n_nonzeros": Variable(
            n_nonzeros, (), "1", "Entries of the largest generator."
        ),
        "convergence/products_production": Variable(
            products, (), "1", "Generator-state products of the production run."
        ),
        "convergence/growth_detected": Variable(
            growth_detected, (), "1", "Whether production was stopped because the state grew."
        ),
        "convergence/step_time_fs": Variable(
            step_time_fs, step, "fs", "Begin of every step and end of the last."
        ),
        "convergence/state_norm": Variable(
            norm, step, "1", "Norm of the state over all auxiliary density operators."
        ),
    }
