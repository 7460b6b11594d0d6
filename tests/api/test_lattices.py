"""Lattices through the front door: tensors, clusters, displacements, files."""

from dataclasses import replace

import numpy as np
import pytest

import smallpolaron as sp
from smallpolaron.derive.tensor_job import QUANTITIES
from smallpolaron.model.lattice import Bond, Lattice, herringbone
from smallpolaron.model.lattice_model import LatticeModel
from smallpolaron.model.tensor_symmetry import tensor_form

FAST = sp.Local(sp.Debye(eta_cm=100, gamma_cm=150))
ROUGH = {"accuracy": 3e-2, "sample_fs": 2.0, "progress": False}


def model(lattice, **more):
    return sp.Model(lattice=lattice, **{"hopping_cm": 50, "temperature_K": 300} | more)


def turned(lattice: Lattice, angle: float) -> Lattice:
    """The same lattice, rotated in the plane."""
    c, s = np.cos(angle), np.sin(angle)
    rotation = np.array([[c, s], [-s, c]])
    vectors, sites = (np.array(p)[:, :2] @ rotation for p in (lattice.vectors, lattice.sites))
    return replace(lattice, vectors_A=vectors.tolist(), sites_A=sites.tolist())


def other_cell(lattice: Lattice) -> Lattice:
    """The same two-dimensional lattice by the vectors a and a + b."""
    (a, b), step = lattice.vectors[:, :2], np.array([[1, 0], [-1, 1]])
    bonds = [replace(bond, cell=(np.array(bond.cell) @ step).tolist()) for bond in lattice.bonds]
    return replace(lattice, vectors_A=(a, a + b), bonds=bonds)


LAYER = herringbone(7.0, 8.0, 0.3, 0.6, -0.4).with_window(7)


@pytest.mark.parametrize(
    ("lattice", "count"),
    [
        (sp.Lattice.square(5.0), 1),
        (sp.Lattice.square(5.0, 0.5), 2),
        (sp.Lattice.square(5.0, 0.0), 1),
        (sp.Lattice.cubic(5.0, (0.5, 0.0)), 2),
        (sp.Lattice([[5, 1], [2, 4]], [[0]], [(0, 0, (1, 0))]), 1),
        (sp.Lattice.square(5.0).finite((3, 4)), 2),
        (sp.Lattice.triangular(5.0), 1),
        (sp.Lattice.honeycomb(5.0), 1),
        (sp.Lattice.cubic(5.0), 1),
        (sp.Lattice.cubic(5.0, (1.0, 0.3)), 2),
        (sp.Lattice.ladder(5.0, 4.0), 1),
        (LAYER, 3),
        (sp.Lattice.herringbone(7.0, 8.0, 0.3, 0.6, 0.6), 2),
        (turned(sp.Lattice.honeycomb(5.0), 0.3), 1),
        (other_cell(sp.Lattice.herringbone(7.0, 8.0, 0.3, 0.6, 0.6)), 2),
        (sp.Lattice([[5], [2, 4]], [[0]], [(0, 0, (1, 0)), (0, 0, (0, 1), 0.7)]), 3),
        (sp.Lattice.square(5.0).finite((3, 3), "open"), 0),
        (sp.Lattice.cluster([[0, 1], [1, 0]]), 0),
    ],
)
def test_symmetry_says_how_many_runs_a_tensor_takes(lattice, count):
    form = tensor_form(LatticeModel(lattice, 1.0))
    assert len(form.directions) == len(form.forms) == count
    # any allowed tensor comes back from its readings
    rng = np.random.default_rng(3)
    inside = np.einsum("k,kij->ij", rng.normal(size=count), form.forms)
    whole = np.einsum("ij,ia,jb->ab", inside, form.axes, form.axes)
    units = [np.array(way) / np.linalg.norm(way) for way in form.directions]
    along = np.array([unit @ whole @ unit for unit in units])
    found, error = form.solve(form.directions, along, np.abs(along))
    np.testing.assert_allclose(found, whole, atol=1e-12)
    assert np.all(error >= np.abs(found) - 1e-12)


def test_disorder_takes_all_symmetries_away():
    torus = LatticeModel(sp.Lattice.square(5.0).finite((3, 3)), 1.0)
    assert len(tensor_form(torus).forms) == 1
    assert len(tensor_form(replace(torus, site_energies=tuple(np.arange(9.0)))).forms) == 3


def test_site_energies_and_complex_hops_take_symmetries_away():
    ladder = LatticeModel(sp.Lattice.honeycomb(5.0), 1.0)
    assert len(tensor_form(replace(ladder, site_energies=(0.0, 0.1))).forms) == 1
    bonds = [
        replace(bond, hopping=h) for bond, h in zip(ladder.lattice.bonds, (1, 1, 0.8), strict=True)
    ]
    uneven = replace(ladder, lattice=replace(ladder.lattice, bonds=bonds))
    assert len(tensor_form(uneven).forms) == 2
    # a flux through every triangle leaves rotations, and time reversal with a mirror
    flux = sp.Lattice.triangular(5.0)
    bonds = [replace(bond, hopping=np.exp(0.4j)) for bond in flux.bonds]
    assert len(tensor_form(LatticeModel(replace(flux, bonds=bonds), 1.0)).forms) <= 2


def test_a_tensor_depends_neither_on_the_cell_nor_on_the_axes(tmp_path):
    how = ROUGH | {"accuracy": 1e-2}
    found = sp.mobility_tensor(model(LAYER, coupling=FAST), 150.0, **how)
    assert len(found.runs) == 3
    assert abs(found.D[0, 1]) > 10 * found.D_error[0, 1]
    np.testing.assert_allclose(found.D_time, found.D, atol=0.03 * found.D[0, 0])
    angle = 0.5
    c, s = np.cos(angle), np.sin(angle)
    rotation = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    other = sp.mobility_tensor(model(turned(LAYER, angle), coupling=FAST), 150.0, **how)
    close = {"rtol": 0, "atol": how["accuracy"] * found.mobility[0, 0]}
    np.testing.assert_allclose(rotation @ other.mobility @ rotation.T, found.mobility, **close)
    skewed = sp.mobility_tensor(model(other_cell(LAYER), coupling=FAST), 150.0, **how)
    np.testing.assert_allclose(skewed.mobility, found.mobility, **close)
    values, axes = found.principal
    np.testing.assert_allclose(axes.T @ np.diag(values) @ axes, found.mobility, atol=1e-12)
    np.testing.assert_allclose(other.principal[0], values, **close)
    assert float(found.along(axes[0])) == pytest.approx(values[0])
    # files give it back
    paths = [run.save(tmp_path / f"{n}.h5") for n, run in enumerate(found.runs.values())]
    again = sp.mobility_tensor([sp.read_result(path) for path in paths])
    np.testing.assert_array_equal(again.mobility, found.mobility)
    assert "xy" in repr(found)
    assert again.to_dataframe().loc["xy", "D"] == found.D[0, 1]
    assert found.value("mobility xy").error == found.mobility_error[0, 1]
    assert sp.collect(tmp_path)["lattice"].nunique() == 3
    read = sp.read_result(found.save(tmp_path / "tensor.h5"))
    assert type(read) is sp.MobilityTensor
    for name, variable in read.stored.variables.items():
        declared = QUANTITIES[name]
        assert (variable.dims, variable.units) == (declared.dims, declared.units)
    np.testing.assert_array_equal(read.mobility, found.mobility)
    with pytest.raises(ValueError, match="undetermined"):
        sp.mobility_tensor(list(found.runs.values())[:2])
    with pytest.raises(ValueError, match="several lattices"):
        sp.mobility_tensor([*found.runs.values(), *other.runs.values()])


def test_a_square_lattice_without_hops_across_is_the_chain():
    line = sp.current_correlation(
        model(sp.Lattice.chain(5.0, window=11), coupling=FAST), 60.0, **ROUGH
    )
    flat = sp.current_correlation(
        model(sp.Lattice.square(5.0, 0.0).with_window(11), coupling=FAST), 60.0, **ROUGH
    )
    np.testing.assert_allclose(flat.C_JJ, line.C_JJ, rtol=0, atol=1e-10 * abs(line.C_JJ[0]))
    assert flat["resolvent/D"] == pytest.approx(line["resolvent/D"], rel=1e-9)
    names = [{gate.name for gate in run.gates} for run in (flat, line)]
    assert names[0] == names[1]


ISHIZAKI_FLEMING = {
    2: (0.4022, 0.4134, 0.3919, 0.4031, 0.5427),
    20: (0.4513, 0.4568, 0.4247, 0.4229, 0.4088),
    100: (0.5846, 0.5443, 0.4708, 0.4072, 0.3903),
}
"""P_1 at 50, 100, 200, 500, 1000 fs by reorganisation energy, cm^-1; dense hierarchies. Model:
Ishizaki and Fleming, J. Chem. Phys. 130, 234111 (2009)."""


@pytest.mark.parametrize("reorganisation_cm", ISHIZAKI_FLEMING)
def test_populations_of_a_dimer_are_those_of_dense_hierarchies(reorganisation_cm):
    bath = sp.Debye(eta_cm=2 * reorganisation_cm, gamma_cm=5308.837 / 100)
    dimer = model(
        sp.Lattice.cluster([[0, 100], [100, 0]]),
        hopping_cm=1,
        site_energies_cm=(100, 0),
        coupling=sp.Local(bath),
    )
    run = sp.populations(dimer, 1000.0, accuracy=2e-4, sample_fs=50.0, progress=False)
    assert not run.flagged
    at = np.searchsorted(run.time_fs, (50, 100, 200, 500, 1000))
    expected = ISHIZAKI_FLEMING[reorganisation_cm]
    np.testing.assert_allclose(run.populations[at, 0], expected, rtol=0, atol=3e-4)


def test_a_cluster_spreads_as_its_populations_do():
    flake = sp.Lattice.square(5.0).finite((3, 3), "open")
    run = sp.populations(model(flake, coupling=FAST, direction="xy"), 40.0, start_site=4, **ROUGH)
    inside = np.array([[i, j] for i in range(3) for j in range(3)]) * 5.0
    np.testing.assert_allclose(run.site_positions[:, :2], inside)
    squares = ((inside - inside[4]) @ (np.ones(2) / np.sqrt(2))) ** 2
    np.testing.assert_allclose(run.spreading().msd, run.populations @ squares, atol=1e-10)
    # mirror images of the start's neighbourhood are alike
    np.testing.assert_allclose(run.populations[:, 1], run.populations[:, 7], atol=1e-10)


def test_displacement_on_a_lattice_has_its_slope_from_its_diffusion():
    rungs = model(sp.Lattice.ladder(5.0, 4.0, 0.5), hopping_cm=20, coupling=FAST)
    spread = sp.displacement(rungs, 250.0, **ROUGH)
    run = sp.mobility(rungs, 250.0, **ROUGH)
    assert spread.dmsd_dt[-1] / 2 == pytest.approx(run.D_resolvent, rel=5e-2)
    assert "2 sites per cell" in repr(spread)


def test_wrong_lattices_are_refused():
    with pytest.raises(ValueError, match="odd number"):
        sp.Lattice.chain(window=4)
    with pytest.raises(ValueError, match="sites 0 to 0"):
        sp.Lattice([[5]], [[0]], [Bond(0, 1, (0,))])
    for wrong, key in (
        ({"lattice": sp.Lattice.ring(3), "direction": "y"}, "direction"),
        ({"lattice": sp.Lattice.square(5.0), "direction": "upwards"}, "direction"),
        ({"lattice": sp.Lattice.square(5.0), "direction": "tensor"}, "direction"),
        ({"lattice": sp.Lattice.square(5.0), "hopping_cm": (1, 2, 3)}, "hopping_cm"),
    ):
        with pytest.raises(sp.ModelError) as caught:
            model(**{"coupling": FAST} | wrong)
        assert key in [problem.key for problem in caught.value.problems]
    for call in (
        lambda m: sp.mobility_tensor(m),
        lambda m: sp.populations(m, 50.0),
        lambda m: sp.displacement(m.replace(lattice=sp.Lattice.square(5.0).finite((3, 3))), 50.0),
        lambda m: sp.mobility_tensor(m.replace(lattice=sp.Lattice.chain()), 50.0),
    ):
        with pytest.raises(sp.ModelError):
            call(model(sp.Lattice.square(5.0), coupling=FAST))
