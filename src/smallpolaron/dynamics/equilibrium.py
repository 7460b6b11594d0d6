"""The correlated equilibrium state of carrier and bath."""

from dataclasses import dataclass, replace

import numpy as np

from smallpolaron.dynamics.evolve import GROWTH_LIMIT, PropagationSettings
from smallpolaron.dynamics.observables import (
    ComplexArray,
    Frontier,
    Probe,
    hermiticity_defect,
    reduced_density_matrix,
)
from smallpolaron.dynamics.progress import Progress
from smallpolaron.dynamics.propagator import TaylorPropagator
from smallpolaron.dynamics.states import relaxed
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.generator import assemble_generator
from smallpolaron.model.expansion import BathExpansion
from smallpolaron.model.holstein import NEGLIGIBLE_WINDING, HolsteinModel
from smallpolaron.parallel import PETSc


@dataclass(frozen=True)
class Equilibrium:
    """The stationary state and what is known of it.

    Attributes:
        state: rho_n for all ADOs, trace 1.
        density_matrix: reduced density matrix, shape (N, N).
        hopping_energy: <H_hop>, rad/fs.
        residual: |L rho| / |rho|, 1/fs.
        hermiticity: largest violation of Hermiticity relative to the largest element.
        frontier_weight: share of the norm on the outermost ADOs.
        time_fs: physical time propagated, fs.
        products: products with the generator.
        growth_detected: True when the state grew instead of settling; it is no equilibrium then.
    """

    state: PETSc.Vec
    density_matrix: ComplexArray
    hopping_energy: float
    residual: float
    hermiticity: float
    frontier_weight: float
    time_fs: float
    products: int
    growth_detected: bool


def equilibrate(
    basis: Basis,
    model: HolsteinModel,
    expansion: BathExpansion,
    generator: PETSc.Mat,
    frontier: Frontier,
    settings: PropagationSettings,
    progress: Progress,
) -> Equilibrium:
    """Propagate a thermal carrier with relaxed baths until it is stationary.

    The start, exp(-beta H_S)/Z with the bath relaxed around each site, is exact both at v = 0 and
    at eta = 0.

    Args:
        basis: the labels in play.
        model: the Holstein model.
        expansion: the bath expansion.
        generator: L, 1/fs.
        frontier: the outermost ADOs.
        settings: tolerances; equilibrium_tolerance ends the propagation.
        progress: where progress goes.

    Returns:
        The equilibrium; its residual tells whether the tolerance was met within
        settings.equilibration_limit_fs, growth_detected whether the truncation is unstable.

    Source: preparation of exp(-beta H)/Z by propagation, Song and Shi 2015; both papers.
    """
    energies, waves = np.linalg.eigh(model.hamiltonian)
    occupation = np.exp(-model.beta * (energies - energies.min()))
    carrier = (waves * (occupation / occupation.sum())) @ waves.conj().T
    state = relaxed(basis, expansion, carrier)
    probe = Probe.of(basis, generator, [np.eye(model.n_sites, dtype=complex)], 1)
    propagator = TaylorPropagator(generator, settings.tolerance)
    time_fs, grew = 0.0, False
    start_norm = state.norm()
    while propagator.rate > settings.equilibrium_tolerance:
        left = settings.equilibration_limit_fs - time_fs
        if left <= 0:
            progress.say(
                f"not stationary after {time_fs:.0f} fs: |L rho|/|rho| = {propagator.rate:.1e} per "
                f"fs, wanted {settings.equilibrium_tolerance:.1e}; the result will be flagged"
            )
            break
        segment = propagator.advance(state, time_fs, left, probe)
        time_fs += segment.length
        grew = propagator.norm > GROWTH_LIMIT * start_norm
        if grew:
            progress.say(
                f"the state grew {propagator.norm / start_norm:.1e}-fold by {time_fs:.0f} fs: this "
                "truncation is unstable; raise the depth. The result will be flagged."
            )
            break
        progress.at(time_fs, f", |L rho|/|rho| = {propagator.rate:.1e} per fs")
    state.scale(1 / probe.read(state)[0, 0])
    progress.done(time_fs, propagator.products)
    image = state.duplicate()
    generator.mult(state, image)
    density_matrix = reduced_density_matrix(basis, state)
    return Equilibrium(
        state=state,
        density_matrix=density_matrix,
        hopping_energy=float(np.trace(model.hopping_matrix @ density_matrix).real),
        residual=image.norm() / state.norm(),
        hermiticity=hermiticity_defect(basis, state, expansion.partners),
        frontier_weight=frontier.weight(state),
        time_fs=time_fs,
        products=propagator.products,
        growth_detected=grew,
    )


def flux_stiffness(
    basis: Basis,
    model: HolsteinModel,
    expansion: BathExpansion,
    frontier: Frontier,
    settings: PropagationSettings,
    progress: Progress,
) -> float:
    """Second derivative of the free energy of a ring with respect to the flux phase per bond.

    It is what a finite ring adds to the f-sum rule, C_kubo(0) = a^2 k_BT (<-H_hop> - F''): carrier
    paths that wind around the ring. F' = -<J>/a from one equilibrium with a flux gives it; see
    HolsteinModel.winding_phase.

    Args:
        basis: the labels in play.
        model: the Holstein model, without flux.
        expansion: the bath expansion.
        frontier: the outermost ADOs.
        settings: tolerances of the equilibration.
        progress: where progress goes.

    Returns:
        F'' in rad/fs; 0 where model.free_winding is below NEGLIGIBLE_WINDING, and for chains.

    Source: Kohn 1964 (stiffness); Scalapino, White and Zhang 1993 (f-sum rule on rings).
    """
    if model.free_winding < NEGLIGIBLE_WINDING:
        return 0.0
    n = model.n_sites
    threaded = replace(model, flux=model.winding_phase / n)
    generator = assemble_generator(basis, threaded, expansion)
    result = equilibrate(basis, threaded, expansion, generator, frontier, settings, progress)
    mean_current = float(np.trace(threaded.current @ result.density_matrix).real)
    return float(-n * mean_current / (model.lattice_constant_A * np.sin(model.winding_phase)))
