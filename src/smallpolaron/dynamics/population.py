"""Site populations of a carrier that starts on one site."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from smallpolaron.dynamics.comm import require_complex_petsc
from smallpolaron.dynamics.evolve import PropagationSettings, Trajectory, evolve
from smallpolaron.dynamics.observables import (
    ComplexArray,
    Frontier,
    Probe,
    hermiticity_defect,
    reduced_density_matrix,
)
from smallpolaron.dynamics.progress import Progress, Report, to_stderr
from smallpolaron.dynamics.states import franck_condon, relaxed
from smallpolaron.hierarchy.basis import fixed_basis
from smallpolaron.hierarchy.generator import assemble_generator
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.hierarchy.truncation import Truncation
from smallpolaron.model.expansion import BathExpansion
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.parallel import MPI

Start = Literal["franck_condon", "marcus"]
_DERIVATIVES = 2


@dataclass(frozen=True)
class PopulationResult:
    """Populations with their exact derivatives.

    Attributes:
        time_fs: output times, fs, shape (n,).
        populations: P_j(t), shape (n, N), complex as computed: the imaginary part is a check.
        dpopulations: first derivatives, 1/fs.
        d2populations: second derivatives, 1/fs^2.
        density_matrix_final: reduced density matrix at the end, shape (N, N).
        hermiticity: largest violation of Hermiticity at the end, over all ADOs, relative.
        trajectory: norms, products and growth along the propagation.
        n_unknowns: size of the basis.
        n_nonzeros: non-zeros of the generator.
    """

    time_fs: NDArray[np.float64]
    populations: ComplexArray
    dpopulations: ComplexArray
    d2populations: ComplexArray
    density_matrix_final: ComplexArray
    hermiticity: float
    trajectory: Trajectory
    n_unknowns: int
    n_nonzeros: int


def compute_population(
    model: HolsteinModel,
    expansion: BathExpansion,
    truncation: Truncation,
    *,
    start: Start,
    site: int,
    settings: PropagationSettings,
    comm: MPI.Intracomm = MPI.COMM_WORLD,
    report: Report = to_stderr,
) -> PopulationResult:
    """Propagate a site-localised start and record all site populations.

    Args:
        model: the Holstein model.
        expansion: the bath expansion.
        truncation: the static rule of the basis.
        start: "franck_condon" (bath thermal without the carrier) or "marcus" (bath relaxed
            around it at v = 0).
        site: the occupied site, 0 to N - 1.
        settings: length and tolerance; the equilibrium settings do not apply.
        comm: the communicator (collective call).
        report: where rank 0 prints progress.

    Returns:
        The populations; the same numbers for any number of ranks.

    Raises:
        ValueError: unknown start, or a site outside the model.
        ParallelSetupError: PETSc with real scalars.

    Source: anomalous paper, Methods: starts with and without equilibration.
    """
    require_complex_petsc()
    require_start(start, site, model.n_sites)
    # a start on one site is no eigenstate of translation: all labels are needed
    sector = Sector(model.n_sites, translation=False)
    basis = fixed_basis(model.n_sites, expansion.n_terms, truncation, sector, comm)
    generator = assemble_generator(basis, model, expansion)
    projectors = [np.diag(row).astype(complex) for row in np.eye(model.n_sites)]
    if start == "franck_condon":
        state = franck_condon(basis, site)
    else:
        state = relaxed(basis, expansion, projectors[site])
    progress = Progress(f"population, {start}", settings.duration_fs, comm, report)
    progress.say(f"{basis.size} unknowns on {comm.size} ranks")
    trajectory = evolve(
        generator,
        state,
        Probe.of(basis, generator, projectors, _DERIVATIVES + 1),
        Frontier.of(basis, truncation),
        settings,
        progress,
        relaxation_growth=float(np.exp(polaron_exponent(expansion))),
    )
    return PopulationResult(
        time_fs=trajectory.time_fs,
        populations=trajectory.values[:, 0],
        dpopulations=trajectory.values[:, 1],
        d2populations=trajectory.values[:, 2],
        density_matrix_final=reduced_density_matrix(basis, state),
        hermiticity=hermiticity_defect(basis, state, expansion.partners),
        trajectory=trajectory,
        n_unknowns=basis.size,
        n_nonzeros=int(generator.getInfo(generator.InfoType.GLOBAL_SUM)["nz_used"]),
    )


def require_start(start: str, site: int, n_sites: int) -> None:
    """Refuse an unknown start or a site outside the model.

    Raises:
        ValueError: one of these.
    """
    if start not in ("franck_condon", "marcus"):
        raise ValueError(f"start = {start!r}; allowed: 'franck_condon', 'marcus'")
    if not 0 <= site < n_sites:
        raise ValueError(f"site = {site}; allowed: 0 to {n_sites - 1}")


def polaron_exponent(expansion: BathExpansion) -> float:
    """Half the logarithm of the squared norm of the relaxed state of one site."""
    return float(np.sum(np.abs(expansion.relaxed_amplitudes) ** 2) / 2)
