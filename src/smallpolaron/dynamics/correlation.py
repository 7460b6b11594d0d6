"""The current autocorrelation function at thermal equilibrium."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smallpolaron.dynamics.comm import require_complex_petsc
from smallpolaron.dynamics.equilibrium import Equilibrium, equilibrate, flux_stiffness
from smallpolaron.dynamics.evolve import PropagationSettings, Trajectory, evolve
from smallpolaron.dynamics.observables import ComplexArray, Frontier, Probe
from smallpolaron.dynamics.progress import Progress, Report, to_stderr
from smallpolaron.hierarchy.basis import fixed_basis
from smallpolaron.hierarchy.generator import assemble_generator, assemble_left_multiplication
from smallpolaron.hierarchy.sector import Symmetry, choose_sector
from smallpolaron.hierarchy.truncation import Truncation
from smallpolaron.model.expansion import BathExpansion
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.parallel import MPI

_DERIVATIVES = 2


@dataclass(frozen=True)
class CorrelationResult:
    """C_JJ(t) with its exact derivatives, and the equilibrium it belongs to.

    Attributes:
        time_fs: output times, fs, shape (n,).
        C_JJ: Tr[J exp(Lt) (J rho_eq)], angstrom^2 fs^-2, shape (n,), complex.
        dC_JJ: its first derivative, angstrom^2 fs^-3.
        d2C_JJ: its second derivative, angstrom^2 fs^-4.
        equilibrium: the equilibrium state.
        flux_stiffness: winding part of the f-sum rule of a ring, rad/fs; see flux_stiffness().
        trajectory: norms, products and growth along the propagation.
        n_unknowns: size of the basis.
        n_nonzeros: non-zeros of the generator.
    """

    time_fs: NDArray[np.float64]
    C_JJ: ComplexArray
    dC_JJ: ComplexArray
    d2C_JJ: ComplexArray
    equilibrium: Equilibrium
    flux_stiffness: float
    trajectory: Trajectory
    n_unknowns: int
    n_nonzeros: int

    @property
    def growth_detected(self) -> bool:
        """True when the state grew, in equilibration or production: the truncation is unstable."""
        return self.equilibrium.growth_detected or self.trajectory.growth_detected


def compute_correlation(
    model: HolsteinModel,
    expansion: BathExpansion,
    truncation: Truncation,
    *,
    settings: PropagationSettings,
    symmetry: Symmetry = "auto",
    comm: MPI.Intracomm = MPI.COMM_WORLD,
    report: Report = to_stderr,
) -> CorrelationResult:
    """Equilibrium state, J applied to all its ADOs, propagation, Tr[J ...].

    Args:
        model: the Holstein model.
        expansion: the bath expansion.
        truncation: the static rule of the basis.
        settings: lengths and tolerances.
        symmetry: "auto" uses momentum 0 on homogeneous rings, a factor N fewer unknowns.
        comm: the communicator (collective call).
        report: where rank 0 prints progress.

    Returns:
        The correlation function; the same numbers for any number of ranks.

    Raises:
        ValueError: symmetry that the model does not have, weights that do not fit the bath.
        ParallelSetupError: PETSc with real scalars.

    Source: Mori paper, eq. 4; protocol of Song and Shi 2015.
    """
    require_complex_petsc()
    sector = choose_sector(model, symmetry)
    basis = fixed_basis(model.n_sites, expansion.n_terms, truncation, sector, comm)
    generator = assemble_generator(basis, model, expansion)
    frontier = Frontier.of(basis, truncation)
    progress = Progress("equilibrium", None, comm, report)
    progress.say(f"{basis.size} unknowns on {comm.size} ranks")
    equilibrium = equilibrate(basis, model, expansion, generator, frontier, settings, progress)
    progress = Progress("equilibrium with flux (f-sum rule)", None, comm, report)
    stiffness = flux_stiffness(basis, model, expansion, frontier, settings, progress)

    state = equilibrium.state.duplicate()
    assemble_left_multiplication(basis, model.current).mult(equilibrium.state, state)
    probe = Probe.of(basis, generator, [model.current], _DERIVATIVES + 1)
    trajectory = evolve(
        generator,
        state,
        probe,
        frontier,
        settings,
        Progress("correlation", settings.duration_fs, comm, report),
    )
    c, dc, d2c = trajectory.values[:, :, 0].T
    return CorrelationResult(
        time_fs=trajectory.time_fs,
        C_JJ=c,
        dC_JJ=dc,
        d2C_JJ=d2c,
        equilibrium=equilibrium,
        flux_stiffness=stiffness,
        trajectory=trajectory,
        n_unknowns=basis.size,
        n_nonzeros=int(generator.getInfo(generator.InfoType.GLOBAL_SUM)["nz_used"]),
    )
