"""Grid, canonical spelling, hashes and point ids."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations

import pytest

from smallpolaron.studies import canonical
from smallpolaron.studies.canonical import decimal_text, exact_product, parameter_hash
from smallpolaron.studies.config import SECTIONS
from smallpolaron.studies.grid import AXIS_KEYS, AXIS_SECTIONS
from smallpolaron.studies.plan import ID_PATTERN, Plan
from smallpolaron.studies.study import LONGEST_LABEL

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
    found = [
        (p.block, p.parameters["model"]["n_sites"], p.parameters["bath"]["eta_cm"])
        for p in plan.points
    ]
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
    assert all(ID_PATTERN.fullmatch(name) for name in ids)
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
    names = [key.rpartition(".")[2] for key in AXIS_KEYS]
    assert len(set(names)) == len(names)
    fields = [set(SECTIONS[name].model_fields) for name in AXIS_SECTIONS]
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


def test_version_of_the_numerics_enters_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    before = parameter_hash({"a": {"b": 1}})
    monkeypatch.setattr(canonical, "NUMERICS_VERSION", 10**6)
    assert parameter_hash({"a": {"b": 1}}) != before


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
    assert [point.parameters["start_site"] for point in plan.points] == [0, 0, 2]


def test_start_site_defaults(plan_of: PlanOf, valid: str) -> None:
    chain = valid.replace("n_sites: 3", "n_sites: 7, topology: chain")
    assert plan_of(chain).points[0].parameters["start_site"] == 3
    assert plan_of(valid).points[0].parameters["start_site"] == 0


def test_symmetry_auto_is_resolved(plan_of: PlanOf, valid: str) -> None:
    def symmetry(text: str) -> str:
        return str(plan_of(text).points[0].parameters["hierarchy"]["symmetry"])

    assert symmetry(valid) == "translation"
    assert symmetry(valid.replace("n_sites: 3", "n_sites: 3, topology: chain")) == "none"
    assert symmetry(valid.replace("n_sites: 3", "n_sites: 3, hopping_cm: [1, 2, 3]")) == "none"
