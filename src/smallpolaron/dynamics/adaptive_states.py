"""Equilibrium by linear solve, and closed-form initial states, on adaptive bases."""

from dataclasses import dataclass, replace

import numpy as np
from mpi4py import MPI

from smallpolaron.dynamics.accuracy import Accuracy
from smallpolaron.dynamics.adaptive_solve import LinearProblem, adaptive_solve
from smallpolaron.dynamics.carrier import Readout, reduced_density_matrix, reduced_labels
from smallpolaron.dynamics.observables import ComplexArray
from smallpolaron.hierarchy.adaptive import AdaptiveBasis, Limits
from smallpolaron.hierarchy.labels import Keys
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.model.bath import BathExpansion
from smallpolaron.model.holstein import NEGLIGIBLE_WINDING, HolsteinModel

EQUILIBRIUM_GROWTH = 0.01
"""Growth threshold of the equilibrium relative to the wanted accuracy: it costs next to nothing."""

STATIONARY = 1e-9
"""Largest |L rho| / |rho| of an equilibrium, 1/fs."""


@dataclass(frozen=True)
class AdaptiveEquilibrium:
    """The null vector of L with trace 1.

    Attributes:
        basis: labels of the state.
        x: this rank's part of it.
        density_matrix: reduced density matrix, shape (N, N).
        hopping_energy: <H_hop>, rad/fs.
        residual: |L rho| / |rho|, 1/fs.
        outside: amplitude of what it feeds outside the basis, relative to its norm.
        capped: largest relative amplitude that a limit kept out.
        products: products with L.
    """

    basis: AdaptiveBasis
    x: ComplexArray
    density_matrix: ComplexArray
    hopping_energy: float
    residual: float
    outside: float
    capped: float
    products: int


def solve_equilibrium(
    model: HolsteinModel,
    expansion: BathExpansion,
    sector: Sector,
    accuracy: Accuracy,
    limits: Limits,
    comm: MPI.Intracomm,
) -> AdaptiveEquilibrium:
    """Equilibrium state by a Krylov solve on a growing basis (collective).

    The start of the basis is the bath relaxed around the carrier on every site, and all of rho_0.

    Args:
        model: the Holstein model.
        expansion: the bath expansion.
        sector: momentum 0, parity 0 or 1.
        accuracy: the wanted accuracy.
        limits: bounds of the basis.
        comm: the communicator.

    Returns:
        The equilibrium.

    Raises:
        NotConverged: the solver failed.
        LimitReached: the basis would outgrow its limit.
    """
    basis = AdaptiveBasis(model, expansion, sector, comm, limits)
    growth = EQUILIBRIUM_GROWTH * accuracy.target
    everywhere = [0] if sector.translation else range(model.n_sites)
    for site in everywhere:
        basis.add(relaxed_labels(basis, site, growth)[0])
    vacuum, bits, _ = reduced_labels(basis)
    basis.add(vacuum[bits >= 0])
    trace = Readout.of(basis, [np.eye(model.n_sites, dtype=complex)])
    found = adaptive_solve(
        basis,
        LinearProblem(lambda now: np.zeros(now.n_local, complex), trace=trace),
        np.zeros(basis.n_local, complex),
        growth=growth,
        tolerance=min(EQUILIBRIUM_GROWTH * accuracy.target, STATIONARY / basis.base_rate),
    )
    rho = reduced_density_matrix(basis, found.x)
    x = found.x
    image = np.empty_like(x)
    found.generator.apply(x, image)
    return AdaptiveEquilibrium(
        basis=basis,
        x=x,
        density_matrix=rho,
        hopping_energy=float(np.trace(model.hopping_matrix @ rho).real),
        residual=found.generator.norm(image) / found.generator.norm(x),
        outside=found.outside,
        capped=found.capped,
        products=found.products + 1,
    )


def flux_stiffness(
    model: HolsteinModel,
    expansion: BathExpansion,
    accuracy: Accuracy,
    limits: Limits,
    comm: MPI.Intracomm,
) -> float:
    """Second derivative of a ring's free energy by the flux phase per bond, rad/fs.

    As dynamics.equilibrium.flux_stiffness, with the equilibrium by solve: what paths around the
    ring add to the f-sum rule. 0 where free_winding is negligible.
    """
    if model.free_winding < NEGLIGIBLE_WINDING:
        return 0.0
    n = model.n_sites
    threaded = replace(model, flux=np.pi / (2 * n))
    sector = Sector(n, translation=model.is_translation_invariant)
    state = solve_equilibrium(threaded, expansion, sector, accuracy, limits, comm)
    current = float(np.trace(threaded.current @ state.density_matrix).real)
    return -n * current / model.lattice_constant_A


def relaxed_labels(basis: AdaptiveBasis, site: int, least: float) -> tuple[Keys, ComplexArray]:
    """Bath relaxed around a carrier on one site: canonical keys and values.

    Values are prod_k (2 Im c_k / nu_k)^n_k / sqrt(n_k! |c_k|^n_k); only terms with Im c_k != 0
    are excited. Elements below `least` of the norm are left out beyond the largest one.

    Source: Marcus initial state of both papers, in closed form.
    """
    c, nu = basis.expansion.coefficients, basis.expansion.rates
    size = np.abs(c)
    ratios = np.divide(2 * c.imag / nu, np.sqrt(size), out=np.zeros(len(c)), where=size > 0)
    states: list[tuple[tuple[int, ...], float]] = [((), 1.0)]
    for ratio in ratios:
        grown = []
        for occupations, value in states:
            n = 0
            while n == 0 or (abs(value) > least or n <= ratio**2) and value != 0:
                if n > basis.limits.max_occupation:
                    break
                grown.append(((*occupations, n), value))
                n += 1
                value *= ratio / np.sqrt(n)
        states = grown
    occupations = np.zeros((len(states), basis.layout.n_modes), np.uint8)
    first = site * basis.expansion.n_terms
    for row, (excited, _) in enumerate(states):
        occupations[row, first : first + len(excited)] = excited
    at = np.full(len(states), site, np.int64)
    keys, _ = basis.canonical_keys(occupations, at, at)
    return keys, np.array([value for _, value in states], complex)


def place_values(basis: AdaptiveBasis, keys: Keys, values: ComplexArray) -> ComplexArray:
    """Add labels and return the state with these values on them (collective).

    Every rank must give the same keys and values.
    """
    basis.add(keys)
    rows = basis.local_rows(keys)
    x = np.zeros(basis.n_local, complex)
    x[rows[rows >= 0]] = values[rows >= 0]
    return x
