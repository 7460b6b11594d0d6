"""Lattices of a study: one point for all spellings, and refusals before any job."""

import numpy as np
import pytest

import smallpolaron as sp
from smallpolaron.derive.tensor_job import first_of_each, points_needed
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from smallpolaron.planning.outlook import plan_text
from smallpolaron.planning.study import plan_document
from smallpolaron.study.parameters import model_of, point_hash
from smallpolaron.study.physical_system import physics
from smallpolaron.study.yamlfile import parse_yaml
from smallpolaron.support.attributes import read_mapping, write_mapping
from smallpolaron.support.problems import ConfigurationError, StoreError
from tests.api.cases import BATH

PLAIN = "study: s\npropagation: {duration_fs: 400}\nbath: {eta_cm: 100, gamma_cm: 60}\n"
NUMERICS = {"propagation": {"duration_fs": 400.0}}


def points(text):
    return plan_document(parse_yaml(PLAIN + text, "s.yaml")).points


def scripted(lattice, **more):
    given = {"hopping_cm": 50, "temperature_K": 300, "coupling": sp.Local(BATH)}
    return sp.Model(lattice=lattice, **given | more)


SAME = {
    "preset": "model: {hopping_cm: 50}\nlattice: {kind: square, spacing_A: 5, ratio: 0.4}",
    "hopping per bond": "model: {hopping_cm: [50, 20]}\nlattice: {kind: square, spacing_A: 5}",
    "window and direction": "model: {topology: lattice}\nlattice: {kind: square, spacing_A: 5, "
    "ratio: 0.4, boundary: infinite, cells: [11, 11], direction: [2, 0]}",
    "bonds": "model: {hopping_cm: 1}\nlattice: {kind: custom, vectors_A: [[5], [0, 5]], "
    "sites_A: [[0]], bonds: [{first: 0, second: 0, cell: [1, 0], hopping: 50}, "
    "{first: 0, second: 0, cell: [0, 1], hopping: [20, 0]}]}",
}


@pytest.mark.parametrize("name", SAME)
def test_all_spellings_are_one_point(name):
    (found,) = points(SAME[name])
    point = scripted(sp.Lattice.square(5.0, 0.4)).point("current", NUMERICS)
    assert found.hash == point.hash
    assert found.derived["eta_over_v"] == 2.0
    own = sp.Lattice([[5], [0, 5]], [[0]], [(0, 0, (1, 0), 5), (0, 0, (0, 1), 2)])
    assert scripted(own, hopping_cm=10).point("current", NUMERICS).hash == point.hash


def test_presets_of_a_study_are_those_of_a_script():
    for kind, arguments in {
        "triangular": "spacing_A: 5",
        "honeycomb": "spacing_A: 4",
        "cubic": "spacing_A: 5, ratios: [0.5, 0.25]",
        "ladder": "spacing_A: 5, rung_A: 4, ratio: 0.5",
        "dimerised_chain": "spacing_A: 5, ratio: 0.5, short_A: 4.5",
        "herringbone": "a_A: 7, b_A: 8, along: 0.3, second: -0.4",
    }.items():
        (found,) = points(f"lattice: {{kind: {kind}, {arguments}}}")
        given = {"ratios": (0.5, 0.25)} if kind == "cubic" else {}
        for pair in arguments.partition(", ratios")[0].split(", "):
            given[pair.split(": ")[0]] = float(pair.split(": ")[1])
        model = scripted(getattr(sp.Lattice, kind)(**given))
        assert found.hash == model.point("current", NUMERICS).hash


def test_a_matrix_makes_a_cluster_with_complex_hops():
    (found,) = points(
        "model: {hopping_cm: 1, site_energies_cm: [0, 5, -3]}\nprotocols: [marcus]\n"
        "lattice: {kind: cluster, matrix: [[0, [3, 4], 0], [[3, -4], 0, 7], [0, 7, 0]]}"
    )
    matrix = np.array([[0, 3 + 4j, 0], [3 - 4j, 0, 7], [0, 7, 0]])
    model = scripted(
        sp.Lattice.cluster(matrix), hopping_cm=1, site_energies_cm=(0, 5, -3), direction="x"
    )
    assert found.hash == model.point("marcus", NUMERICS).hash
    assert found.parameters.model.hopping_cm == 7
    built = model_of(found.parameters).hamiltonian / (2 * np.pi * 2.99792458e-5)
    np.testing.assert_allclose(built, matrix + np.diag([0, 5, -3]), atol=1e-9)


def test_parameters_survive_a_file(tmp_path):
    import h5py

    (found,) = points(
        "model: {site_energies_cm: [0, 5]}\nlattice: {kind: ladder, spacing_A: 5, rung_A: 4}"
    )
    with h5py.File(tmp_path / "x.h5", "w") as file:
        write_mapping(file.create_group("parameters"), found.parameters.content())
        assert point_hash(read_mapping(file["parameters"])) == found.hash


def test_the_plan_says_what_lattices_cost():
    text = plan_document(
        parse_yaml(
            PLAIN + "lattice: {kind: square, spacing_A: 5}\ngrid: [{lattice.direction: [x, xy]}]",
            "s.yaml",
        )
    )
    assert plan_text(text).count("current") == 2
    assert "~" in plan_text(text)


CUSTOM = "lattice: {kind: custom, vectors_A: [[5]], sites_A: [[0], [2]], bonds: [%s]}"
FULL = (1 - np.eye(46, dtype=int)).tolist()
FINITE = "lattice: {kind: square, spacing_A: 5, boundary: periodic, cells: [3, 3]}\n"
DRAWN = "disorder: {hopping_cm: 5, hopping_distribution: normal, members: 2}\n"


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        (CUSTOM % "{first: 0, second: 2, cell: [0]}", "lattice.kind", "sites 0 to 1"),
        (CUSTOM % "{first: 0, second: 0, cell: [0]}", "lattice.kind", "itself"),
        (CUSTOM % "{first: 0, second: 1}", "lattice.kind", "1 integers"),
        (
            CUSTOM % "{first: 0, second: 1, cell: [0]}, {first: 1, second: 0, cell: [0]}",
            "lattice.kind",
            "twice",
        ),
        ("lattice: {kind: cluster, matrix: [[0, 1], [2, 0]]}", "lattice.kind", "not Hermitian"),
        ("lattice: {kind: cluster, matrix: [[0, 1]]}", "lattice.kind", "shape"),
        ("lattice: {kind: cluster, matrix: [[0, 1], [1, 0]]}", "lattice.direction", "bonds along"),
        (f"lattice: {{kind: cluster, matrix: {FULL}}}", "lattice.kind", "1035 bonds"),
        (
            "lattice: {kind: cubic, spacing_A: 5, cells: [17, 17, 17]}",
            "lattice.kind",
            "4913 sites",
        ),
        ("lattice: {kind: square}", "lattice.spacing_A", "must be given"),
        ("lattice: {kind: square, spacing_A: 5, rung_A: 3}", "lattice.rung_A", "no effect"),
        ("lattice: {kind: square, spacing_A: 5, cells: [4, 4]}", "lattice.kind", "odd number"),
        ("lattice: {kind: square, spacing_A: 5, cells: [5]}", "lattice.kind", "one per"),
        ("lattice: {kind: square, spacing_A: 5, boundary: open}", "lattice.kind", "cells"),
        ("lattice: {kind: ring, spacing_A: 5}", "lattice.kind", "must be"),
        ("lattice: {spacing_A: 5}", "lattice.spacing_A", "needs lattice.kind"),
        (
            "lattice: {kind: square, spacing_A: 5, direction: [0, 0]}",
            "lattice.direction",
            "not all 0",
        ),
        ("lattice: {kind: square, spacing_A: 5, direction: z}", "lattice.direction", "flows"),
        ("lattice: {kind: square, spacing_A: 5, size: 3}", "lattice.size", "not a known key"),
        ("model: {topology: lattice}", "model.topology", "section lattice"),
        ("model: {topology: ring, n_sites: 5}\n" + FINITE, "model.topology", "lattice"),
        ("model: {n_sites: 9}\n" + FINITE, "model.n_sites", "no effect"),
        ("model: {n_sites: converged}\n" + FINITE, "model.n_sites", "no effect"),
        ("model: {lattice_constant_A: 4}\n" + FINITE, "model.lattice_constant_A", "no effect"),
        ("model: {hopping_cm: [1, 2, 3]}\n" + FINITE, "model.hopping_cm", "2, one per bond"),
        ("model: {site_energies_cm: [1, 2]}\n" + FINITE, "model.site_energies_cm", "1 or 9"),
        (
            FINITE.replace("[3, 3]", "[1, 3]"),
            "lattice.cells",
            "its own image",
        ),
        (
            "lattice: {kind: square, spacing_A: 5}\nhierarchy: {depth: 3}",
            "hierarchy.depth",
            "finite lattices",
        ),
        (FINITE + "protocols: [marcus]\nstart_site: 9", "start_site", "0 to 8"),
        (
            "lattice: {kind: cluster, matrix: [[0, [0, 1]], [[0, -1], 0]], sites_A: [[0], [5]]}\n"
            + DRAWN,
            "disorder.hopping_cm",
            "complex",
        ),
        (FINITE.replace("[3, 3]", "[23, 22]") + DRAWN, "disorder.hopping_cm", "here 1012"),
        (
            "lattice: {kind: square, spacing_A: 5}\n" + DRAWN,
            "disorder.hopping_cm",
            "no meaning on an infinite",
        ),
        (
            "lattice: {kind: square, spacing_A: 5}\nhierarchy: {symmetry: none}",
            "hierarchy.symmetry",
            "auto or translation",
        ),
    ],
)
def test_what_is_no_study_is_refused(text, key, words):
    with pytest.raises(ConfigurationError) as caught:
        points(text)
    told = {problem.key: problem.allowed for problem in caught.value.problems}
    assert words in told[key]


def test_members_of_an_ensemble_on_a_lattice_have_one_energy_per_site():
    found = points(
        FINITE + "disorder: {site_energy_cm: 30, site_energy_distribution: normal, members: 2}"
    )
    assert [len(point.parameters.model.site_energies_cm) for point in found] == [9, 9]
    models = [model_of(point.parameters) for point in found]
    assert not any(model.is_translation_invariant for model in models)
    assert np.ptp(models[0].energies) > 0
    assert not np.allclose(models[0].energies, models[1].energies)


@pytest.mark.parametrize(("boundary", "topology"), [("periodic", "ring"), ("open", "chain")])
def test_drawn_hoppings_of_a_lattice_are_those_of_the_ring_or_chain(boundary, topology):
    both = DRAWN.replace("members", "site_energy_cm: 9, site_energy_distribution: normal, members")
    line = "lattice: {kind: custom, vectors_A: [[5]], sites_A: [[0]], cells: [5], boundary: "
    line += f"{boundary}, bonds: [{{first: 0, second: 0, cell: [1]}}]}}\n"
    plain = f"model: {{topology: {topology}, n_sites: 5}}\n"
    for one, other in zip(points(line + both), points(plain + both), strict=True):
        made, known = model_of(one.parameters), model_of(other.parameters)
        np.testing.assert_allclose(made.hamiltonian, known.hamiltonian, rtol=0, atol=1e-15)
        np.testing.assert_allclose(made.current, known.current, rtol=0, atol=1e-15)
        assert one.parameters.model.hopping_cm == other.parameters.model.hopping_cm


def test_where_hoppings_are_drawn_a_lattice_keeps_its_sites_bonds_and_modes():
    text = "lattice: {kind: honeycomb, spacing_A: 4, boundary: [periodic, open], cells: [3, 2]}\n"
    text += "model: {site_energies_cm: [0, 30]}\n"
    bath = PLAIN.replace("eta", "kind: brownian, frequency_cm: 90, coupling: ssh, eta")
    clean, member = (
        model_of(plan_document(parse_yaml(bath + text + more, "s.yaml")).points[0].parameters)
        for more in ("", DRAWN)
    )
    # the ways from site to site, by which the sites are known whatever cell they are in
    np.testing.assert_array_equal(member.hopping_matrix != 0, clean.hopping_matrix != 0)
    ratio = clean.hopping_matrix != 0
    np.testing.assert_allclose(
        member.current[ratio] / member.hopping_matrix[ratio],
        clean.current[ratio] / clean.hopping_matrix[ratio],
    )
    np.testing.assert_array_equal(member.energies, clean.energies)
    assert (member.modes.n_modes, member.n_sites) == (clean.modes.n_modes, 12)
    assert np.std(np.abs(member.hopping_matrix[ratio]) / CM) > 2


def test_modes_of_whole_cells_and_drawn_hoppings_exclude_each_other():
    torus, drawn = sp.Lattice.square(5.0).finite((3, 3)), sp.Disorder(hopping_cm=5)
    with pytest.raises(sp.ModelError) as refused:
        scripted(torus, coupling=sp.Coupling(BATH, [(0, 0, 1.0)]), disorder=drawn)
    assert [problem.key for problem in refused.value.problems] == ["disorder.hopping_cm"]
    assert scripted(torus, coupling=[sp.Local(BATH), sp.Local(BATH)], disorder=drawn)


LAYER = "{kind: herringbone, a_A: 7, b_A: 8, along: 0.3, second: -0.4, direction: tensor}"


@pytest.mark.parametrize(
    ("lattice", "ways"),
    [
        ("{kind: square, spacing_A: 5, direction: tensor}", ["x"]),
        ("{kind: square, spacing_A: 5, ratio: 0.4, direction: tensor}", ["x", "y"]),
        ("{kind: cubic, spacing_A: 5, ratios: [0.5, 0.25], direction: tensor}", ["x", "y", "z"]),
        (LAYER, ["x", "y", "xy"]),
    ],
)
def test_a_tensor_is_a_point_for_every_direction_that_it_needs(lattice, ways):
    found = points(f"lattice: {lattice}")
    assert [point.axes["lattice.direction"] for point in found] == ways
    for point, way in zip(found, ways, strict=True):
        (alone,) = points(f"lattice: {lattice.replace('tensor', way)}")
        assert alone.hash == point.hash
    (first,) = first_of_each(found)
    assert points_needed(found, first) == list(found)
    if len(found) > 1:
        assert first_of_each(found[:-1]) == []
        with pytest.raises(StoreError, match="undetermined"):
            points_needed(found[:-1], first)


def test_tensors_of_a_grid_are_one_per_system():
    found = points(f"lattice: {LAYER}\ngrid: [{{model.temperature_K: [200, 300]}}]")
    assert len(found) == 6
    assert [p.axes["model.temperature_K"] for p in first_of_each(found)] == ["200", "300"]
    # a direction that was chosen is none that was asked for
    assert first_of_each(points("lattice: {kind: square, spacing_A: 5}")) == []


def test_a_lattice_is_one_system_whatever_its_size_but_for_open_sides():
    def system(sides):
        (point,) = points(f"lattice: {{kind: square, spacing_A: 5, {sides}}}")
        return physics(point.parameters)

    endless = system("boundary: infinite")
    assert system("boundary: periodic, cells: [3, 3]") == endless
    assert system("boundary: periodic, cells: [4, 6]") == endless
    assert system("boundary: [infinite, periodic], cells: [5, 3]") == endless
    strips = [system(f"boundary: [infinite, open], cells: [5, {n}]") for n in (2, 3)]
    assert strips[0] != strips[1]
    assert endless not in strips
