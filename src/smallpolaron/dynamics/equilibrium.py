"""Equilibrium by linear solve, or by propagation, on adaptive bases."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import diags_array, eye_array
from scipy.sparse.linalg import expm_multiply

from smallpolaron.dynamics.checkpoints import NO_CHECKPOINTS, Checkpoints, Snapshot, Stage
from smallpolaron.dynamics.evolve import GROWTH_LIMIT, evolve
from smallpolaron.dynamics.linear import LinearProblem, NotConverged
from smallpolaron.dynamics.progress import Progress, Report
from smallpolaron.dynamics.readout import Readout, mean, reduced_density_matrix, reduced_labels
from smallpolaron.dynamics.solve import solve
from smallpolaron.dynamics.starts import place_values, relaxed_labels, vacuum_amplitude
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.limits import LimitReached, Limits
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.hierarchy.views import ComplexArray
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.expansion import BathExpansion
from smallpolaron.model.holstein import NEGLIGIBLE_WINDING, HolsteinModel
from smallpolaron.model.lattice_model import Model
from smallpolaron.parallel import MPI

EQUILIBRIUM_GROWTH = 0.01
"""Growth threshold of the equilibrium over that of what is propagated from it. A ring of 3, cold
and weakly coupled to a slow vibration, at an accuracy of 1e-3: C_JJ was wrong by 1.2e-3 with 0.03,
by 2e-4 with 0.01, in the same time."""

_RESIDUAL, _FIXED = 1e-5, 0.01
"""Largest |L rho| / |rho| over the accuracy, 1/fs, and over that of others what it is for a fixed
hierarchy, which has no other error. A cold carrier that is weakly coupled to slow modes comes to
rest in 10 ps: with 1e-4 its <J^2> was wrong by 1.4e-3 at an accuracy of 1e-3."""

_RUNAWAY = 30_000
"""Elements of an equilibrium that is propagated because it cannot be solved for: a basis that does
not settle grows without end."""


@dataclass(frozen=True)
class Equilibrium:
    """The null vector of L with trace 1.

    Attributes:
        basis: labels of the state.
        x: this rank's part of it.
        density_matrix: reduced density matrix, shape (N, N); rows of cell 0 on an infinite lattice.
        hopping_energy: <H_hop>, rad/fs.
        residual: |L rho| / |rho|, 1/fs.
        outside: amplitude of what it feeds outside the basis, relative to its norm.
        capped: largest relative amplitude that a limit kept out.
        products: products with L.
    """

    basis: Basis
    x: ComplexArray
    density_matrix: ComplexArray
    hopping_energy: float
    residual: float
    outside: float
    capped: float
    products: int

    @property
    def frontier_weight(self) -> float:
        """Share of its norm on the outermost ADOs of a fixed hierarchy, else nan (collective)."""
        return self.basis.frontier_weight(self.x) if self.basis.is_fixed else np.nan


def find_equilibrium(
    model: Model,
    expansion: BathExpansion,
    sector: Sector,
    accuracy: Accuracy,
    limits: Limits,
    comm: MPI.Intracomm,
    report: Report,
    checkpoints: Checkpoints = NO_CHECKPOINTS,
    guess: Equilibrium | None = None,
) -> Equilibrium:
    """Equilibrium state by solve_equilibrium, or by propagation if the solver fails (collective).

    Args:
        model: the model.
        expansion: the bath expansion.
        sector: momentum 0, parity 0 or 1.
        accuracy: the wanted accuracy.
        limits: bounds of the basis.
        comm: the communicator.
        report: where rank 0 prints progress.
        checkpoints: where to go on from, and what is offered on the way.
        guess: one to begin with, of the same model, expansion and sector.

    Raises:
        NotConverged: neither works: the hierarchy is unstable.
        LimitReached: the basis would outgrow its limit.
    """
    try:
        return solve_equilibrium(
            model, expansion, sector, accuracy, limits, comm, checkpoints, guess
        )
    except NotConverged as reason:
        progress = Progress("equilibrium", None, comm, report)
        progress.say(f"{reason}; propagating instead")
        most = min(limits.max_unknowns, _RUNAWAY)
        try:
            return propagate_equilibrium(
                model,
                expansion,
                sector,
                accuracy,
                replace(limits, max_unknowns=most),
                progress,
                checkpoints=checkpoints,
            )
        except LimitReached as reached:
            if most == limits.max_unknowns:
                raise
            why = f"no equilibrium: {reason}; propagated, {reached}"
            if model.modes.moves_carrier:
                why += (
                    " Modes that move the carrier are too strong or too slow for this hierarchy: "
                    "weaker, faster or more damped ones, or less accuracy, may be in reach."
                )
            raise NotConverged(why) from reached


def solve_equilibrium(
    model: Model,
    expansion: BathExpansion,
    sector: Sector,
    accuracy: Accuracy,
    limits: Limits,
    comm: MPI.Intracomm,
    checkpoints: Checkpoints = NO_CHECKPOINTS,
    guess: Equilibrium | None = None,
) -> Equilibrium:
    """Equilibrium state as the null vector of L, by a Krylov solve on a growing basis.

    The basis begins with the guess, or with the bath relaxed around the carrier on every site, and
    all of rho_0.

    Raises:
        NotConverged: the solver failed.
        LimitReached: the basis would outgrow its limit.
    """
    basis, growth = Basis(model, expansion, sector, comm, limits), _growth(accuracy)
    residual = min(accuracy.stationary, _RESIDUAL * accuracy.target)
    if basis.is_fixed:
        residual = _FIXED * accuracy.stationary
    if guess is None:
        start = _thermal_guess(basis, growth)
    else:
        basis.add(guess.basis.keys)
        start = basis.scatter(guess.basis.keys, guess.x)
    found = solve(
        basis,
        LinearProblem(lambda now: np.zeros(now.n_local, complex), trace=_trace(basis)),
        start,
        growth=growth,
        tolerance=min(growth, residual / basis.base_rate),
        stage=checkpoints.stage("equilibrium", basis, accuracy),
    )
    x = found.x
    if basis.frame.n_mixed:
        # on a truncated basis of mixed terms the solver keeps the trace only to the accuracy
        x = x / _trace(basis).read(basis, x)[0]
    return _described(basis, x, found.generator, found.products, found.outside, found.capped)


def propagate_equilibrium(
    model: Model,
    expansion: BathExpansion,
    sector: Sector,
    accuracy: Accuracy,
    limits: Limits,
    progress: Progress,
    stationary: float = 1e-7,
    longest_fs: float = 20_000.0,
    checkpoints: Checkpoints = NO_CHECKPOINTS,
) -> Equilibrium:
    """Equilibrium state by propagating a thermal guess until |L rho| / |rho| < stationary (1/fs).

    The guess is exp(-beta H_S)/Z with the bath relaxed around each site. What is reached in
    longest_fs is returned; its residual tells.

    Raises:
        NotConverged: the state grows.
        LimitReached: the basis would outgrow its limit.
    """
    growth = _growth(accuracy)
    tolerance = min(accuracy.step_tolerance, stationary)
    # what a limit keeps out on the way to equilibrium is forgotten
    tight = replace(accuracy, growth=growth, tolerance=tolerance, kept_out=np.inf)
    basis = Basis(model, expansion, sector, progress.comm, limits)
    x = _thermal_guess(basis, growth)
    trace = _trace(basis)
    chunk = 1 / float(np.min(expansion.rates.real))
    products, time_fs, first, outside, capped = 0, 0.0, 0.0, 0.0, 0.0
    stage = checkpoints.stage("equilibrium by propagation", basis, tight)

    def snapshot(*, finished: bool = False) -> Snapshot:
        record = {"now": np.array([products, time_fs, first, outside, capped])}
        return Snapshot.of(basis, x, record, finished=finished)

    if (found := stage.latest()) is not None:
        x = found.put_on(basis)
        time_fs, first, outside, capped = found.record["now"][1:].tolist()
        products = int(found.record["now"][0])
        progress.resumed(time_fs, found.origin)
    done = found is not None and found.finished
    while not done:
        listening = _ListeningTo(stage, snapshot())
        within = replace(progress, total_fs=chunk)
        x, run = evolve(basis, x, trace, tight, chunk, within, checkpoints=listening)
        products += run.products
        time_fs += chunk
        first = first or run.norm[0]
        outside, capped = run.outside_flow[-1], max(run.kept_out)
        # growth that no single chunk shows adds up
        if run.growth_detected or run.norm[-1] > GROWTH_LIMIT * first:
            raise NotConverged(
                f"the equilibrium state grows when propagated ({time_fs:.0f} fs): this hierarchy "
                "is unstable; allow larger occupations (adaptive.max_occupation)"
            )
        x = x / trace.read(basis, x)[0]
        done = _change(basis, CompactGenerator(basis), x) < stationary or time_fs >= longest_fs
    stage.finish(lambda: snapshot(finished=True))
    return _described(basis, x, CompactGenerator(basis), products, outside, capped)


@dataclass(frozen=True)
class _ListeningTo:
    """Stage of a chunk, and whoever hands it out: it stops where the whole would begin it again."""

    whole: Stage
    begin: Snapshot

    def stage(self, label: str, basis: Basis, *settings: object) -> Stage:
        """The chunk."""
        return self

    def latest(self) -> None:
        """A chunk begins at its beginning."""

    def offer(self, make: Callable[[], Snapshot]) -> None:
        """Offer what the chunk began with instead."""
        self.whole.offer(lambda: self.begin)

    def finish(self, make: Callable[[], Snapshot]) -> None:
        """The whole goes on."""


def _growth(accuracy: Accuracy) -> float:
    return EQUILIBRIUM_GROWTH * accuracy.growth_threshold


def _trace(basis: Basis) -> Readout:
    return Readout.of(basis, [eye_array(basis.model.n_sites, dtype=complex, format="csr")])


def _thermal_guess(basis: Basis, least: float) -> ComplexArray:
    """exp(-beta H_S)/Z with the bath relaxed around each site; coherences without excitations."""
    model = basis.model
    share = 1 if basis.sector.wraps else model.sites.n_cells
    own = basis.frame.per_cell if basis.sector.translation else model.n_sites
    h = model.sites.matrix(model.sites.hop) + diags_array(model.energies, format="csr")
    columns = eye_array(model.n_sites, own, dtype=complex).toarray()
    # rows of cell 0 of a Hermitian matrix
    carrier = expm_multiply(-model.beta * h, columns).conj().T
    carrier *= share * own / model.n_sites / np.trace(carrier[:, :own]).real
    vacuum, bits, sites = reduced_labels(basis)
    coherences = carrier[sites[:, 0], sites[:, 1]]
    known = (bits == 0) & (np.abs(coherences) > least * np.max(np.abs(coherences)))
    populations = sites[known, 0] == sites[known, 1]
    keys = [vacuum[known]]
    vacua = np.array([vacuum_amplitude(basis, site) for site in range(own)])
    values = [coherences[known] * np.where(populations, vacua[sites[known, 0]], 1.0)]
    for site in range(own):
        excited, amplitudes, first = relaxed_labels(basis, site, least)
        # the population itself is in rho_0 already; of mirror images only one is kept
        chosen = first & (np.arange(len(first)) > 0)
        keys.append(excited[chosen])
        values.append(carrier[site, site] * amplitudes[chosen])
    return place_values(basis, np.concatenate(keys), np.concatenate(values))


def _described(
    basis: Basis,
    x: ComplexArray,
    generator: CompactGenerator,
    products: int,
    outside: float,
    capped: float,
) -> Equilibrium:
    rho = reduced_density_matrix(basis, x)
    return Equilibrium(
        basis=basis,
        x=x,
        density_matrix=rho,
        hopping_energy=mean(basis, rho, basis.model.sites.hop),
        residual=_change(basis, generator, x),
        outside=outside,
        capped=capped,
        products=products + 1,
    )


def _change(basis: Basis, generator: CompactGenerator, x: ComplexArray) -> float:
    """|L x| / |x|, 1/fs, but for what a truncated basis of mixed terms changes the trace."""
    image = np.empty_like(x)
    generator.apply(x, image)
    if basis.frame.n_mixed:
        trace = _trace(basis)
        uniform = np.zeros_like(x)
        uniform[trace.held(basis)] = 1.0
        image -= trace.read(basis, image)[0] / trace.read(basis, uniform)[0] * uniform
    return generator.norm(image) / generator.norm(x)


def flux_stiffness(
    model: HolsteinModel,
    expansion: BathExpansion,
    accuracy: Accuracy,
    limits: Limits,
    comm: MPI.Intracomm,
    report: Report,
    checkpoints: Checkpoints = NO_CHECKPOINTS,
) -> float:
    """Second derivative F'' of a ring's free energy by the flux phase per bond, rad/fs.

    It is what a finite ring adds to the f-sum rule, C_kubo(0) = a^2 k_BT (<-H_hop> - F''): carrier
    paths that wind around the ring. F' = -<J>/a from one equilibrium with a flux gives it; see
    HolsteinModel.winding_phase. 0 where free_winding is negligible, and for chains.

    Source: Kohn 1964 (stiffness); Scalapino, White and Zhang 1993 (f-sum rule on rings).
    """
    if model.free_winding < NEGLIGIBLE_WINDING:
        return 0.0
    n = model.n_sites
    threaded = replace(model, flux=model.winding_phase / n)
    sector = Sector(n, translation=model.is_translation_invariant)
    state = find_equilibrium(
        threaded, expansion, sector, accuracy, limits, comm, report, checkpoints
    )
    current = float(np.trace(threaded.current @ state.density_matrix).real)
    return float(-n * current / (model.lattice_constant_A * np.sin(model.winding_phase)))
