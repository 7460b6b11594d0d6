"""Grid, canonical spelling, hashes and point ids."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations

import pytest

from smallpolaron import NUMERICS_VERSION
from smallpolaron.planning.study import LONGEST_LABEL
from smallpolaron.study.config import SECTIONS
from smallpolaron.study.describe import AXIS_KEYS, AXIS_SECTIONS
from smallpolaron.study.grid import AXIS_NAMES
from smallpolaron.study.parameters import bath_expansion, holstein_model
from smallpolaron.study.plan import ID_PATTERN, Plan
from smallpolaron.support.canonical import decimal_text, exact_product, parameter_hash

PlanOf = Callable[[str], Plan]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2, "2"),
        (2.0, "2"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (0.30000000000000004, "3.0000000000000004e-1"),
        (1e-7, "1e-7"),
        (1.5e-10, "1.5e-10"),
        (1e22, "1e22"),
        (-123.25, "-123.25"),
        (100000, "100000"),
    ],
)
def test_decimal_text(value: float, text: str) -> None:
    found = decimal_text(value)
    assert float(found) == value
    assert found == text


def test_exact_product_has_no_float_noise() -> None:
    assert 0.1 * 3 != 0.3  # what is to be avoided
    assert exact_product(0.1, 3) == 0.3
    assert exact_product(6.46, 50) == 323.0


def test_union_of_products(plan_of: PlanOf) -> None:
    plan = plan_of(
        """\
        study: test
        model: {topology: ring}
        bath: {terms: 0, gamma_cm: 41}
        hierarchy: {depth: 4}
        propagation: {duration_fs: 100}
        grid:
          - {bath.eta_over_v: [1, 2], model.n_sites: [3, 4, 5]}
          - {bath.eta_cm: [323], model.n_sites: [3]}
        """
    )
    found = [(p.block, p.parameters.model.n_sites, p.parameters.bath.eta_cm) for p in plan.points]
    assert found == [
        (0, 3, 50.0), (0, 3, 100.0), (0, 4, 50.0), (0, 4, 100.0), (0, 5, 50.0), (0, 5, 100.0),
        (1, 3, 323.0),
    ]  # fmt: skip


def test_point_ids_are_readable_unique_and_safe(plan_of: PlanOf, valid: str) -> None:
    plan = plan_of(
        valid
        + "grid: [{propagation.tolerance: [1e-8, 0.001], model.hopping_cm: [-50, 2.50],"
        + " hierarchy.max_excited_sites: [null, 2], bath.terminator: [true, false]}]\n"
    )
    ids = [point.id for point in plan.points]
    assert len(set(ids)) == 16
    assert all(re.fullmatch(ID_PATTERN, name) for name in ids)
    pattern = "hopping_cm~-50__terminator~true__max_excited_sites~none__tolerance~1e-8-[0-9a-f]{8}"
    assert re.fullmatch(pattern, ids[0])
    assert ids[-1].startswith("hopping_cm~2.5__terminator~false__max_excited_sites~2__")


def test_point_without_grid(plan_of: PlanOf, valid: str) -> None:
    (point,) = plan_of(valid).points
    assert re.fullmatch(r"point-[0-9a-f]{8}", point.id)
    assert point.block is None


def test_point_ids_are_bounded(plan_of: PlanOf) -> None:
    axes = {
        "model.n_sites": 3,
        "model.hopping_cm": 50.123456789012,
        "model.lattice_constant_A": 5.123456789012,
        "model.temperature_K": 300.123456789,
        "bath.eta_cm": 1.23456789012345e-05,
        "bath.gamma_cm": 41.0123456789,
        "bath.terms": 0,
        "hierarchy.depth": 3,
        "propagation.duration_fs": 100.123456789,
        "propagation.tolerance": 1.2345678901e-09,
    }
    block = ", ".join(f"{key}: [{value!r}]" for key, value in axes.items())
    (point,) = plan_of(f"study: test\ngrid: [{{{block}}}]\n").points
    assert len(point.id) <= LONGEST_LABEL + 9
    assert len(f"{point.id}__franck_condon.h5") < 255
    assert dict(point.axes) == {key: decimal_text(value) for key, value in axes.items()}


def test_axis_names_do_not_clash_in_ids() -> None:
    assert len(set(AXIS_NAMES.values())) == len(AXIS_KEYS)
    assert AXIS_NAMES["model.hopping_cm"] == "hopping_cm"
    assert AXIS_NAMES["disorder.hopping_cm"] == "disorder_hopping_cm"
    named_by_section = {"disorder", "lattice"}
    fields = [
        set(SECTIONS[name].model_fields) for name in AXIS_SECTIONS if name not in named_by_section
    ]
    assert all(a.isdisjoint(b) for a, b in combinations(fields, 2))


SAME = {
    "key order": """\
        propagation: {duration_fs: 100}
        hierarchy: {depth: 3}
        bath: {terms: 0, gamma_cm: 50, eta_cm: 100}
        model: {n_sites: 3}
        study: test
        """,
    "other name, report and limits": """\
        study: another
        model: {n_sites: 3}
        bath: {eta_cm: 100, gamma_cm: 50, terms: 0}
        hierarchy: {depth: 3}
        propagation: {duration_fs: 100}
        analysis: {band_percent: 3, frequency_max_cm: 100}
        resources: {max_ranks: 5}
        protocols: [marcus, current]
        """,
    "units of v": """\
        study: test
        model: {n_sites: 3}
        bath: {eta_over_v: 2.0, gamma_over_v: 1e0, terms: 0}
        hierarchy: {depth: 3}
        propagation: {duration_fs: 1e2}
        """,
    "defaults written out": """\
        study: test
        model: {n_sites: 3, topology: ring, hopping_cm: [50, 50.0, 5e1],
                site_energies_cm: [0, 0, 0], lattice_constant_A: 5, temperature_K: 300}
        bath: {eta_cm: 100, gamma_cm: 50, terms: 0, decomposition: pade, terminator: true}
        hierarchy: {depth: 3, weights: [1], max_excited_sites: 3, symmetry: translation}
        propagation: {duration_fs: 100, sample_fs: 1, tolerance: 0.0000001,
                      equilibrium_tolerance: 1e-7}
        """,
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME.keys())
def test_same_physics_same_hash(text: str, plan_of: PlanOf, valid: str) -> None:
    assert plan_of(text).points[0].hash == plan_of(valid).points[0].hash


DIFFERENT = [
    ("n_sites: 3", "n_sites: 4"),
    ("n_sites: 3", "n_sites: 3, topology: chain"),
    ("n_sites: 3", "n_sites: 3, hopping_cm: 50.000001"),
    ("n_sites: 3", "n_sites: 3, hopping_cm: [50, 50, 51]"),
    ("n_sites: 3", "n_sites: 3, site_energies_cm: [0, 0, 1]"),
    ("n_sites: 3", "n_sites: 3, lattice_constant_A: 4"),
    ("n_sites: 3", "n_sites: 3, temperature_K: 301"),
    ("eta_cm: 100", "eta_cm: 101"),
    ("gamma_cm: 50", "gamma_cm: 51"),
    ("terms: 0", "terms: 1"),
    ("terms: 0", "terms: 0, decomposition: matsubara"),
    ("terms: 0", "terms: 0, terminator: false"),
    ("terms: 0", "terms: auto"),
    ("terms: 0", "terms: auto, error_bound: 0.01"),
    ("depth: 3", "depth: 4"),
    ("depth: 3", "depth: 3, weights: [2]"),
    ("depth: 3", "depth: 3, max_excited_sites: 2"),
    ("depth: 3", "depth: 3, symmetry: none"),
    ("duration_fs: 100", "duration_fs: 101"),
    ("duration_fs: 100", "duration_fs: 100, sample_fs: 2"),
    ("duration_fs: 100", "duration_fs: 100, tolerance: 1e-8"),
    ("duration_fs: 100", "duration_fs: 100, equilibrium_tolerance: 1e-8"),
    ("study: test", "study: test\nprotocols: [marcus]\nstart_site: 1"),
]


def test_every_parameter_enters_the_hash(plan_of: PlanOf, valid: str) -> None:
    hashes = [plan_of(valid).points[0].hash]
    hashes += [plan_of(valid.replace(old, new)).points[0].hash for old, new in DIFFERENT]
    assert len(set(hashes)) == len(hashes)


ADAPTIVE = """\
study: test
model: {n_sites: 3}
bath: {eta_cm: 100, gamma_cm: 50}
propagation: {duration_fs: 100}
"""

SAME_ADAPTIVE = {
    "accuracy written out": ADAPTIVE + "accuracy: 1.0e-3\n",
    "section without depth": ADAPTIVE + "hierarchy: {depth: null, symmetry: auto}\n",
    "what accuracy decides": ADAPTIVE.replace("gamma_cm: 50", "gamma_cm: 50, error_bound: 3e-4")
    .replace("100}", "100, tolerance: 1e-6, resolvent_frequencies_cm: []}")
    .replace("study: test", "study: test\nadaptive: {growth: 3e-4, max_occupation: 255}"),
}

DIFFERENT_ADAPTIVE = [
    ("study: test", "study: test\naccuracy: 0.002"),
    ("study: test", "study: test\nadaptive: {growth: 1e-4}"),
    ("study: test", "study: test\nadaptive: {pruning: 0}"),
    ("study: test", "study: test\nadaptive: {max_occupation: 9}"),
    ("study: test", "study: test\nhierarchy: {symmetry: none}"),
    ("study: test", "study: test\nhierarchy: {depth: 30}"),
    ("n_sites: 3", "n_sites: 3, topology: infinite"),
    ("n_sites: 3", "n_sites: 3, topology: chain"),
    ("gamma_cm: 50", "gamma_cm: 50, terms: 1"),
    ("gamma_cm: 50", "gamma_cm: 50, error_bound: 0.004"),
    ("duration_fs: 100", "duration_fs: 100, tolerance: 1e-8"),
    ("duration_fs: 100", "duration_fs: 100, resolvent_frequencies_cm: [50]"),
    ("duration_fs: 100", "duration_fs: 100, resolvent_frequencies_cm: [50, 70]"),
]


@pytest.mark.parametrize("text", SAME_ADAPTIVE.values(), ids=SAME_ADAPTIVE.keys())
def test_same_accuracy_same_hash(text: str, plan_of: PlanOf) -> None:
    assert plan_of(text).points[0].hash == plan_of(ADAPTIVE).points[0].hash


def test_every_parameter_of_the_adaptive_hierarchy_enters_the_hash(plan_of: PlanOf) -> None:
    texts = [ADAPTIVE, *(ADAPTIVE.replace(old, new) for old, new in DIFFERENT_ADAPTIVE)]
    assert len({plan_of(text).points[0].hash for text in texts}) == len(texts)


def test_order_of_frequencies_does_not_matter(plan_of: PlanOf) -> None:
    texts = [
        ADAPTIVE.replace("100}", f"100, resolvent_frequencies_cm: [{order}]}}")
        for order in ("50, 70", "70, 50.0")
    ]
    assert len({plan_of(text).points[0].hash for text in texts}) == 1


def test_what_an_engine_does_not_use_is_none(plan_of: PlanOf, valid: str) -> None:
    adaptive, fixed = plan_of(ADAPTIVE).points[0].parameters, plan_of(valid).points[0].parameters
    assert adaptive.accuracy == 1e-3
    assert adaptive.hierarchy.depth is None
    assert adaptive.propagation.equilibrium_tolerance is None
    assert fixed.accuracy is None
    assert set(fixed.adaptive.content().values()) == {None}
    assert fixed.propagation.tolerance == 1e-7


def test_settings_follow_the_accuracy_of_the_dynamics(plan_of: PlanOf) -> None:
    """The plan spells out what Accuracy would derive; it must not import MPI to do so."""
    from smallpolaron.model.accuracy import LARGEST, SMALLEST, Accuracy

    for target in (SMALLEST, 3e-5, 1e-3, LARGEST):
        point = plan_of(ADAPTIVE + f"accuracy: {target}\n").points[0].parameters
        accuracy = Accuracy(target)
        assert point.adaptive.growth == pytest.approx(accuracy.growth_threshold)
        assert point.adaptive.pruning == pytest.approx(accuracy.pruning_fraction)
        assert point.propagation.tolerance == pytest.approx(accuracy.step_tolerance)
        assert point.bath.error_bound == pytest.approx(accuracy.bath_error_bound)
    from smallpolaron.hierarchy.limits import Limits
    from smallpolaron.study.config import Study

    assert point.adaptive.max_occupation == Limits().max_occupation
    assert Study.model_fields["accuracy"].default == Accuracy().target


def test_blocks_may_mix_both_engines(plan_of: PlanOf) -> None:
    """Keys of one engine in a section are meant for its points."""
    plan = plan_of(
        """\
        study: test
        accuracy: 1e-2
        model: {n_sites: 3}
        bath: {eta_cm: 100, gamma_cm: 50, terms: 0}
        hierarchy: {weights: [2]}
        adaptive: {pruning: 0.5}
        propagation: {duration_fs: 100, equilibrium_tolerance: 1e-8,
                      resolvent_frequencies_cm: [50]}
        grid:
          - model.n_sites: [3, 4]
          - {model.n_sites: [3], accuracy: [1e-3]}
          - hierarchy.depth: [3, 5]
          - {hierarchy.depth: [null, 7], model.n_sites: [5]}
        """
    )
    found = [(p.parameters.accuracy, p.parameters.hierarchy.depth) for p in plan.points]
    assert found == [
        *[(1e-2, None)] * 2,
        (1e-3, None),
        (None, 3),
        (None, 5),
        (1e-2, None),
        (None, 7),
    ]
    for point in plan.points:
        fixed = point.parameters.accuracy is None
        assert point.parameters.hierarchy.weights == ((2,) if fixed else None)
        assert point.parameters.adaptive.pruning == (None if fixed else 0.5)
        assert point.parameters.propagation.resolvent_frequencies_cm == [(50,), ()][fixed]
    assert plan.points[2].id.startswith("n_sites~3__accuracy~0.001-")
    assert plan.points[5].id.startswith("n_sites~5__depth~none-")


def test_keys_of_the_current_are_not_meant_for_populations(plan_of: PlanOf) -> None:
    text = ADAPTIVE.replace("100}", "100, resolvent_frequencies_cm: [50]}")
    plan = plan_of(
        text + "grid:\n - model.n_sites: [3]\n - {model.n_sites: [4], protocols: [marcus]}\n"
    )
    found = [point.parameters.propagation.resolvent_frequencies_cm for point in plan.points]
    assert found == [(50,), ()]


def test_a_block_cannot_ask_for_both_engines(
    valid: str, faults_of: Callable[[str], list[str]]
) -> None:
    grid = "grid: [{accuracy: [1e-3], hierarchy.depth: [4]}, {model.n_sites: [4]}]\n"
    (line,) = faults_of(valid + grid)
    assert "accuracy = 0.001: has an effect only without hierarchy.depth" in line


def test_infinite_ring_has_a_window(plan_of: PlanOf) -> None:
    text = ADAPTIVE.replace("n_sites: 3", "topology: infinite")
    point = plan_of(text).points[0]
    assert point.parameters.model.n_sites == 41
    assert point.parameters.hierarchy.symmetry == "translation"
    assert holstein_model(point.parameters).topology == "ring"
    assert plan_of(text.replace("infinite", "infinite, n_sites: 41")).points[0].hash == point.hash
    # the same point whatever is computed of it
    (both,) = plan_of(text + "protocols: [current, franck_condon, marcus]\n").points
    assert both.hash == point.hash
    assert both.populations == ("franck_condon", "marcus")


def test_expansions_with_another_number_of_terms(plan_of: PlanOf) -> None:
    for terms in ("auto", "0", "3"):
        text = ADAPTIVE.replace("gamma_cm: 50", f"gamma_cm: 50, terms: {terms}")
        point = plan_of(text).points[0].parameters
        assert bath_expansion(point, 5).n_terms == 6
        if terms != "auto":
            assert bath_expansion(point).n_terms == 1 + int(terms)


def test_version_of_the_numerics_enters_the_hash() -> None:
    content = {"a": {"b": 1}}
    assert parameter_hash(content) == parameter_hash(content, NUMERICS_VERSION)
    assert parameter_hash(content) != parameter_hash(content, NUMERICS_VERSION + 1)


def test_text_and_number_hash_differently() -> None:
    assert parameter_hash({"a": "1"}) != parameter_hash({"a": 1})
    assert parameter_hash({"a": 1.0}) == parameter_hash({"a": 1})
    assert parameter_hash({"a": True}) != parameter_hash({"a": 1})


def test_block_protocols_and_start_site(plan_of: PlanOf, valid: str) -> None:
    plan = plan_of(
        valid
        + """\
start_site: 2
grid:
  - model.n_sites: [3, 4]
  - {model.n_sites: [5], protocols: [marcus]}
"""
    )
    assert [point.protocols for point in plan.points] == [("current",), ("current",), ("marcus",)]
    assert [point.parameters.start_site for point in plan.points] == [0, 0, 2]


def test_start_site_defaults(plan_of: PlanOf, valid: str) -> None:
    chain = valid.replace("n_sites: 3", "n_sites: 7, topology: chain")
    assert plan_of(chain).points[0].parameters.start_site == 3
    assert plan_of(valid).points[0].parameters.start_site == 0


def test_symmetry_auto_is_resolved(plan_of: PlanOf, valid: str) -> None:
    def symmetry(text: str) -> str:
        return str(plan_of(text).points[0].parameters.hierarchy.symmetry)

    assert symmetry(valid) == "translation"
    assert symmetry(valid.replace("n_sites: 3", "n_sites: 3, topology: chain")) == "none"
    assert symmetry(valid.replace("n_sites: 3", "n_sites: 3, hopping_cm: [1, 2, 3]")) == "none"


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        ("n_sites: 3", "translation"),
        ("n_sites: 3, topology: chain", "reflection"),
        ("n_sites: 4, topology: chain, hopping_cm: [1, 2, 1]", "reflection"),
        ("n_sites: 4, topology: chain, hopping_cm: [1, 2, 3]", "none"),
        ("n_sites: 3, topology: chain, site_energies_cm: [1, 0, 0]", "none"),
        ("n_sites: 3, site_energies_cm: [1, 0, 1]", "none"),
    ],
)
def test_symmetry_auto_of_an_adaptive_hierarchy(model: str, wanted: str, plan_of: PlanOf) -> None:
    point = plan_of(ADAPTIVE.replace("n_sites: 3", model)).points[0]
    assert point.parameters.hierarchy.symmetry == wanted
