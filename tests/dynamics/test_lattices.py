"""Currents and populations on lattices against dense hierarchies, chains, and themselves."""

from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI
from scipy.sparse import csc_array
from scipy.sparse.linalg import expm_multiply, splu

from smallpolaron.analysis.hermite import make_series
from smallpolaron.analysis.kubo import kubo_transform
from smallpolaron.dynamics.displacement import compute_displacement
from smallpolaron.dynamics.population import compute_population
from smallpolaron.model import lattice as lattices
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.expansion import BathSet
from smallpolaron.model.coupling import displacements
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.lattice import Bond, Lattice
from smallpolaron.model.lattice_model import LatticeModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from smallpolaron.planning.resources import unknowns
from smallpolaron.planning.study import plan_document
from smallpolaron.runs.point_run import run_point
from smallpolaron.study.parameters import bath_expansion, model_of
from smallpolaron.study.yamlfile import parse_yaml
from tests.dynamics.cases import correlate, distance, populate, silent
from tests.hierarchy.reference import ado_list, dense_generator

FAST = expand(DebyeBath(60 * CM, 150 * CM), 300.0, "pade", 0)
LINE = expand(DebyeBath(100 * CM, 90 * CM), 300.0, "pade", 1)
TRIANGLE = LatticeModel(
    lattices.cluster(
        [[0, 50 + 20j, -30j], [50 - 20j, 0, -40], [30j, -40, 0]],
        [(0, 0, 0), (5, 0, 1), (1, 4, 0)],
    ),
    CM,
    (0.0, 60 * CM, -35 * CM),
    direction=(1.0, 1.0, 0.5),
)


def infinite(make, **more):
    return LatticeModel(make, 50 * CM, **more)


def dense(model, expansion, depth, time_fs, site):
    """(rho_eq, C_JJ(t), populations from a site) of a plain hierarchy."""
    n = model.n_sites
    ados = ado_list(n, expansion.n_terms, depth)
    generator = csc_array(dense_generator(model, expansion, ados))
    # L with its first row replaced by the trace is regular
    first = np.zeros(len(ados) * n * n, complex)
    first[: n * n : n + 1] = 1
    regular = generator.tolil()
    regular[0] = first
    start = np.zeros(len(first), complex)
    start[0] = 1
    still = splu(csc_array(regular)).solve(start)
    x = np.kron(np.eye(len(ados)), np.kron(model.current, np.eye(n))) @ still
    x, local = (np.asarray(v, complex) for v in (x, 0 * still))
    local[site * n + site] = 1
    step = generator * (time_fs[1] - time_fs[0])
    C, P = [], []
    for _ in time_fs:
        C.append(np.trace(model.current @ x[: n * n].reshape(n, n)))
        P.append(np.diag(local[: n * n].reshape(n, n)).real)
        x, local = expm_multiply(step, np.stack([x, local], axis=1)).T
    return still[: n * n].reshape(n, n), np.array(C), np.array(P)


def test_a_cluster_with_complex_hops_is_the_dense_hierarchy():
    time_fs = np.arange(0, 61, 10.0)
    rho, C, P = dense(TRIANGLE, FAST, 7, time_fs, 1)
    settings = {"expansion": FAST, "duration_fs": 60.0, "sample_fs": 10.0}
    run = correlate(TRIANGLE, 1e-6, **settings)
    assert np.max(np.abs(run.density_matrix - rho)) < 1e-6
    assert distance(run.C_JJ, C) < 1e-6
    assert np.max(np.abs(C.imag)) > 0.01 * abs(C[0])
    assert run.D_resolvent == 0.0
    found = populate(TRIANGLE, "franck_condon", 1, 1e-6, **settings)
    assert np.max(np.abs(found.populations - P)) < 1e-6


@pytest.mark.parametrize(
    "model",
    [
        infinite(lattices.square(5.0).finite((2, 3)), direction=(0.0, 1.0)),
        infinite(lattices.ladder(5.0, 4.0, 0.6).finite((3,)), site_energies=(0.0, 40 * CM)),
    ],
)
def test_tori_need_no_symmetry(model):
    settings = {"expansion": FAST, "duration_fs": 80.0, "sample_fs": 4.0}
    runs = [correlate(model, 1e-4, symmetry=how, **settings) for how in ("auto", "none")]
    few, all_ = runs
    assert distance(few.C_JJ, all_.C_JJ) < 1e-4
    assert few.D_resolvent == pytest.approx(all_.D_resolvent, rel=3e-3)
    assert few.curvature == pytest.approx(all_.curvature, rel=1e-5)
    assert 3 * few.record.n_unknowns < all_.record.n_unknowns


def numbers(model, target=1e-2, **more):
    run = correlate(model, target, duration_fs=100.0, expansion=LINE, **more)
    return np.array([*run.C_JJ, run.D_time, run.D_resolvent, run.curvature])


def _same_physics(ours, theirs, target=1e-2):
    """C and D alike to a third of the accuracy: rounding decides which elements enter."""
    np.testing.assert_allclose(ours[:-3], theirs[:-3], rtol=0, atol=target / 3 * abs(theirs[0]))
    np.testing.assert_allclose(ours[-3:], theirs[-3:], rtol=target / 3)


def test_a_lattice_without_hops_across_is_the_chain():
    line = numbers(HolsteinModel(11, "ring", 50 * CM), infinite=True)
    for model in (
        infinite(lattices.chain(5.0)),
        infinite(lattices.square(5.0, 0.0).with_window(11)),
    ):
        np.testing.assert_allclose(numbers(model), line, rtol=0, atol=1e-10 * abs(line[0]))


def test_a_cubic_lattice_without_hops_across_is_the_square_one():
    square, cubic = (
        replace(infinite(make.with_window(7)), hopping=20 * CM)
        for make in (lattices.square(5.0, 0.5), lattices.cubic(5.0, (0.5, 0.0)))
    )
    flat = numbers(square)
    np.testing.assert_allclose(numbers(cubic), flat, rtol=0, atol=1e-10 * abs(flat[0]))


def test_turning_a_lattice_turns_its_mobility():
    along = numbers(infinite(lattices.square(5.0, 0.5)))
    turned = replace(infinite(lattices.square(5.0, 2.0), direction=(0.0, 1.0)), hopping=25 * CM)
    _same_physics(numbers(turned), along)


def test_signs_of_hops_that_a_gauge_removes_change_nothing():
    """On bipartite lattices that of v; on any lattice those of all hops at one site."""
    square = infinite(lattices.square(5.0, 0.6))
    plain, turned = numbers(square), numbers(replace(square, hopping=-50 * CM))
    _same_physics(turned, plain)
    triangle = TRIANGLE.lattice
    bonds = tuple(
        replace(b, hopping=-b.hopping) if 1 in (b.first, b.second) else b for b in triangle.bonds
    )
    other = replace(TRIANGLE, lattice=replace(triangle, bonds=bonds))
    runs = [correlate(model, 1e-3, expansion=FAST) for model in (TRIANGLE, other)]
    np.testing.assert_allclose(runs[0].C_JJ, runs[1].C_JJ, rtol=1e-9)


def test_complex_hops_that_a_gauge_removes_change_nothing():
    square, turned = lattices.square(5.0), lattices.square(5.0)
    bonds = tuple(replace(b, hopping=np.exp(0.7j)) for b in turned.bonds)
    # other operations are left, hence other bases
    plain, gauged = (
        correlate(infinite(make), 3e-3, expansion=LINE)
        for make in (square, replace(square, bonds=bonds))
    )
    assert distance(gauged.C_JJ, plain.C_JJ) < 3e-3
    assert gauged.D_resolvent == pytest.approx(plain.D_resolvent, rel=3e-3)
    assert gauged.curvature == pytest.approx(plain.curvature, rel=1e-4)


def other_cell(lattice):
    """The same lattice with its second site one cell further along both vectors."""
    shift = np.array([1, 1])
    moved = np.array(lattice.sites_A[1]) + shift @ lattice.vectors[:, :2]
    bonds = tuple(
        Bond(b.first, b.second, tuple(np.array(b.cell) - shift * (b.second - b.first)), b.hopping)
        for b in lattice.bonds
    )
    return replace(lattice, sites_A=(lattice.sites_A[0], tuple(moved)), bonds=bonds)


def test_a_herringbone_layer_does_not_depend_on_its_cell():
    layer = lattices.herringbone(7.0, 8.0, 0.3, 0.6, -0.4).with_window(7)
    first = correlate(infinite(layer), 1e-2, duration_fs=80.0, expansion=LINE)
    second = correlate(infinite(other_cell(layer)), 1e-2, duration_fs=80.0, expansion=LINE)
    assert distance(second.C_JJ, first.C_JJ) < 2e-3
    assert second.D_resolvent == pytest.approx(first.D_resolvent, rel=3e-3)
    assert second.curvature == pytest.approx(first.curvature, rel=1e-3)


def test_a_large_cell_is_a_small_one_repeated():
    one = lattices.chain(5.0).with_window(11)
    bonds = (Bond(0, 1, (0,)), Bond(1, 0, (1,)))
    two = Lattice(((10.0,),), ((0.0,), (5.0,)), bonds, ("infinite",), (7,))
    small, large = (correlate(infinite(make), 3e-3, expansion=LINE) for make in (one, two))
    assert distance(large.C_JJ, small.C_JJ) < 3e-3
    assert large.D_resolvent == pytest.approx(small.D_resolvent, rel=3e-3)


@pytest.mark.parametrize(
    "model",
    [
        infinite(lattices.triangular(5.0), direction=(3**0.5, 1.0)),
        infinite(lattices.herringbone(7.0, 8.0, 0.3, 0.6, -0.4), direction=(0.0, 1.0)),
    ],
    ids=["triangular", "herringbone"],
)
def test_the_f_sum_rule(model):
    """What C_JJ(t) gives by its Kubo transform at t = 0, the equilibrium gives by itself."""
    run = correlate(model, 3e-3, duration_fs=500.0, sample_fs=1.0, expansion=LINE)
    kubo = kubo_transform(make_series(run.time_fs, run.C_JJ, run.dC_JJ, run.d2C_JJ), 300.0).values
    assert kubo[0] == pytest.approx(-run.curvature / model.beta, rel=5e-3)


@pytest.mark.mpi
def test_any_number_of_ranks_gives_the_same():
    model = infinite(lattices.square(5.0, 0.8))
    alone, together = (
        correlate(model, 1e-2, expansion=LINE, comm=comm)
        for comm in (MPI.COMM_SELF, MPI.COMM_WORLD)
    )
    assert distance(together.C_JJ, alone.C_JJ) < 1e-6
    assert together.D_resolvent == pytest.approx(alone.D_resolvent, rel=1e-4)
    assert together.record.n_unknowns == alone.record.n_unknowns


def test_a_carrier_spreads_with_the_slope_of_its_mobility():
    model = LatticeModel(lattices.square(5.0, 0.5), 20 * CM)
    fast = expand(DebyeBath(300 * CM, 200 * CM), 300.0, "pade", 1)
    spread = compute_displacement(
        model,
        fast,
        Accuracy(3e-2),
        start="franck_condon",
        duration_fs=250.0,
        sample_fs=50.0,
        comm=MPI.COMM_SELF,
        report=silent,
    )
    run = correlate(model, 1e-2, duration_fs=250.0, expansion=fast)
    assert spread.dmsd[-1] / 2 == pytest.approx(run.D_resolvent, rel=3e-2)


@pytest.mark.parametrize(
    ("model", "more", "words"),
    [
        (infinite(lattices.square(5.0, 0.0), direction=(0.0, 1.0)), {}, "no current"),
        (infinite(lattices.square(5.0)), {"symmetry": "none"}, "translation symmetry"),
        (
            infinite(lattices.square(5.0).finite((3, 3), "open")),
            {"symmetry": "translation"},
            "equal",
        ),
    ],
)
def test_what_has_no_current_is_refused(model, more, words):
    with pytest.raises(ValueError, match=words):
        correlate(model, **more)


def test_populations_need_a_finite_lattice():
    with pytest.raises(ValueError, match="finite lattice"):
        populate(infinite(lattices.square(5.0)), "marcus", 0)


@pytest.mark.parametrize("kind", ["two bonds", "displaced sites"])
def test_the_displacement_needs_no_reflection(kind):
    """Neither the dimerised chain nor the SSH coupling has one that leaves the start alone."""
    chain, bath = lattices.dimerised_chain(5.0, 0.6), FAST
    if kind == "displaced sites":
        chain = Lattice([[5.0]], [[0.0]], [(0, 0, (1,))])
        vibration = BrownianBath(8 * CM, 200 * CM, 100 * CM)
        bath = BathSet.joined(expand(vibration, 300.0, "pade", 0))
    settings = {"start": "franck_condon", "duration_fs": 20.0, "report": silent}
    model = infinite(chain, couplings=displacements(chain) if kind != "two bonds" else ())
    found = compute_displacement(model, bath, Accuracy(1e-3), **settings)
    ring = chain.finite((7,), "periodic")
    model = LatticeModel(
        ring, 50 * CM, couplings=displacements(ring) if kind != "two bonds" else ()
    )
    wanted = compute_population(model, bath, Accuracy(1e-4), site=0, **settings)
    slope = wanted.dpopulations @ model.displacements_A(0) ** 2
    assert np.max(np.abs(found.dmsd - slope)) < 4e-3 * np.mean(found.dmsd)


def test_a_study_may_fix_the_hierarchy_of_a_cluster():
    """Against dense matrices of the same depth, complex hops and all."""
    text = (
        "study: s\nmodel: {hopping_cm: 1, site_energies_cm: [0, 60, -35]}\n"
        "lattice: {kind: cluster, matrix: [[0, [50, 20], [0, -30]], [[50, -20], 0, -40], "
        "[[0, 30], -40, 0]], sites_A: [[0, 0, 0], [5, 0, 1], [1, 4, 0]], direction: [1, 1, 0.5]}\n"
        "bath: {eta_cm: 60, gamma_cm: 150, terms: 0}\nhierarchy: {depth: 3}\n"
        "protocols: [current, franck_condon]\npropagation: {duration_fs: 60, sample_fs: 2}\n"
    )
    (point,) = plan_document(parse_yaml(text, "s.yaml")).points
    model, bath = model_of(point.parameters), bath_expansion(point.parameters)
    size = unknowns(point.parameters, "current")
    assert size == 9 * len(ado_list(3, bath.n_terms, 3))
    _, C, P = dense(model, bath, 3, np.arange(0.0, 61.0, 2.0), 0)
    options = {"max_unknowns": 100_000, "report": silent}
    current = run_point(point, "s", "current", **options)
    np.testing.assert_allclose(current.variables["C_JJ"].data, C, atol=1e-5 * abs(C[0]))
    placed = run_point(point, "s", "franck_condon", **options)
    np.testing.assert_allclose(placed.variables["populations"].data, P, atol=1e-6)
