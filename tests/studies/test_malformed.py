"""Malformed configurations: each refused before any job, in words that help."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import smallpolaron
from smallpolaron.studies.problems import ConfigurationError
from smallpolaron.studies.study import load_plan

Case = tuple[str, str, str, tuple[str, ...]]

HEAD = "study: test\n"
MODEL = "model: {n_sites: 3}\n"
BATH = "bath: {eta_cm: 100, gamma_cm: 50, terms: 0}\n"
DEPTH = "hierarchy: {depth: 3}\n"
RUN = "propagation: {duration_fs: 100}\n"


def study(
    head: str = HEAD,
    model: str = MODEL,
    bath: str = BATH,
    depth: str = DEPTH,
    run: str = RUN,
    more: str = "",
) -> str:
    return head + model + bath + depth + run + more


# name, text, key that must be named, parts that must stand in the same line
CASES: list[Case] = [
    ("empty_file", "", "", ("the file is empty", "start from config/config.yaml")),
    ("only_comments", "# nothing\n\n", "", ("the file is empty",)),
    ("list_at_top", "- study: test\n", "", ("must be a mapping", "key: value")),
    ("text_at_top", "just text\n", "", ("must be a mapping",)),
    ("two_documents", study() + "---\n" + study(), "", ("not valid YAML", "another document")),
    ("bad_indentation", "study: test\n model: 3\n", "", ("not valid YAML", "check indentation")),
    ("unclosed_bracket", study(model="model: {n_sites: [3\n"), "", ("not valid YAML",)),
    ("tab", "study: test\nmodel:\n\tn_sites: 3\n", "", ("not valid YAML",)),
    (
        "python_tag",
        "study: !!python/object/apply:os.system ['touch pwned']\n",
        "study",
        ("YAML tags are not allowed", "python/object/apply:os.system", "remove the tag"),
    ),
    ("own_tag", study(model="model: !include other.yaml\n"), "model", ("tags are not allowed",)),
    (
        "alias",
        "study: &name test\nmodel: {n_sites: *name}\n",
        "model.n_sites",
        ("aliases (*name) are not allowed",),
    ),
    (
        "duplicate_key",
        study(more="hierarchy: {depth: 30}\n"),
        "hierarchy",
        ("stands twice", "first on line 4", "keep one"),
    ),
    (
        "duplicate_key_in_section",
        study(bath="bath:\n  eta_cm: 1\n  eta_cm: 2\n  gamma_cm: 3\n"),
        "bath.eta_cm",
        ("= '2'", "stands twice", "first on line 4"),
    ),
    ("no_study", study(head=""), "study", ("not given", "letters, digits")),
    ("no_model", study(model=""), "model", ("not given", "n_sites, topology")),
    ("section_null", study(depth="hierarchy:\n"), "hierarchy", ("null", "keys depth")),
    ("section_number", study(bath="bath: 3\n"), "bath", ("= 3", "mapping", "eta_cm")),
    (
        "name_shell",
        study(head="study: '$(rm -rf ~); echo'\n"),
        "study",
        ("$(rm -rf ~); echo", "letters, digits", "plain name"),
    ),
    ("name_traversal", study(head="study: ../../etc\n"), "study", ("../../etc", "letters")),
    ("name_option", study(head="study: -rf\n"), "study", ("'-rf'", "starting with a letter")),
    ("name_newline", study(head='study: "a\\nb"\n'), "study", ("a\\nb", "letters")),
    ("name_trailing_newline", study(head='study: "a\\n"\n'), "study", ("'a\\n'", "letters")),
    ("name_unicode", study(head="study: größe\n"), "study", ("gr\\xf6\\xdfe", "letters")),
    ("name_number", study(head="study: 5\n"), "study", ("= 5", "letters")),
    ("name_long", study(head=f"study: {'a' * 65}\n"), "study", ("aaa", "1 to 64")),
    (
        "unknown_top_key",
        study(more="modle: {n_sites: 4}\n"),
        "modle",
        ("not a known key", "did you mean 'model'?"),
    ),
    (
        "unknown_section_key",
        study(model="model: {n_sites: 3, hoping_cm: 50}\n"),
        "model.hoping_cm",
        ("= 50", "not a known key", "did you mean 'hopping_cm'?"),
    ),
    (
        "key_in_wrong_section",
        study(model="model: {n_sites: 3, eta_cm: 50}\n"),
        "model.eta_cm",
        ("= 50", "belongs into the section 'bath'"),
    ),
    ("hostile_key", study(more='"\\x1b[2Jx": 1\n'), "'\\x1b[2Jx'", ("not a known key",)),
    ("sites_text", study(model="model: {n_sites: three}\n"), "model.n_sites", ("'three'", ">= 2")),
    ("sites_quoted", study(model='model: {n_sites: "3"}\n'), "model.n_sites", ("'3'", "quotes")),
    ("sites_float", study(model="model: {n_sites: 3.0}\n"), "model.n_sites", ("3.0", "whole")),
    ("sites_bool", study(model="model: {n_sites: true}\n"), "model.n_sites", ("true", "whole")),
    ("sites_one", study(model="model: {n_sites: 1}\n"), "model.n_sites", ("= 1", ">= 2")),
    ("sites_huge", study(model="model: {n_sites: 1000}\n"), "model.n_sites", ("1000", "<= 255")),
    ("ring_of_two", study(model="model: {n_sites: 2}\n"), "model.n_sites", (">= 3 on a ring",)),
    (
        "topology",
        study(model="model: {n_sites: 3, topology: cube}\n"),
        "model.topology",
        ("'cube'", "ring or chain"),
    ),
    (
        "bonds_of_ring",
        study(model="model: {n_sites: 3, hopping_cm: [50, 50]}\n"),
        "model.hopping_cm",
        ("[50.0, 50.0]", "must hold 3 numbers", "2 given"),
    ),
    (
        "bonds_of_chain",
        study(model="model: {n_sites: 3, topology: chain, hopping_cm: [50, 50, 50]}\n"),
        "model.hopping_cm",
        ("must hold 2 numbers", "3 given"),
    ),
    (
        "site_energies",
        study(model="model: {n_sites: 3, site_energies_cm: [0, 1]}\n"),
        "model.site_energies_cm",
        ("[0.0, 1.0]", "must hold 3 numbers"),
    ),
    (
        "hopping_inf_in_list",
        study(model="model: {n_sites: 3, hopping_cm: [1, .inf, 3]}\n"),
        "model.hopping_cm",
        ("inf", "<= 100000"),
    ),
    (
        "hopping_bool_in_list",
        study(model="model: {n_sites: 3, hopping_cm: [1, true, 3]}\n"),
        "model.hopping_cm",
        ("True", "a number"),
    ),
    (
        "hopping_zero",
        study(model="model: {n_sites: 3, hopping_cm: 0}\n"),
        "model.hopping_cm",
        ("= 0", "must not be 0", "population protocol"),
    ),
    (
        "temperature_zero",
        study(model="model: {n_sites: 3, temperature_K: 0}\n"),
        "model.temperature_K",
        ("= 0", "> 0", "unit: K"),
    ),
    (
        "temperature_overflow",
        study(model="model: {n_sites: 3, temperature_K: 1e999}\n"),
        "model.temperature_K",
        ("inf", "> 0 and <= 100000"),
    ),
    (
        "number_with_unit",
        study(model="model: {n_sites: 3, lattice_constant_A: 5 A}\n"),
        "model.lattice_constant_A",
        ("'5 A'", "> 0", "units"),
    ),
    (
        "leading_zero",
        study(model="model: {n_sites: 3, temperature_K: 0300}\n"),
        "model.temperature_K",
        ("'0300'", "leading zeros"),
    ),
    ("eta_missing", study(bath="bath: {gamma_cm: 50}\n"), "bath.eta_cm", ("exactly one of",)),
    (
        "eta_twice",
        study(bath="bath: {eta_cm: 1, eta_over_v: 2, gamma_cm: 50}\n"),
        "bath.eta_over_v",
        ("= 2", "exactly one of", "remove"),
    ),
    ("gamma_missing", study(bath="bath: {eta_cm: 5}\n"), "bath.gamma_cm", ("exactly one of",)),
    (
        "gamma_twice",
        study(bath="bath: {eta_cm: 1, gamma_over_v: 2, gamma_cm: 50}\n"),
        "bath.gamma_over_v",
        ("= 2", "exactly one of"),
    ),
    (
        "eta_nan",
        study(bath="bath: {eta_cm: .nan, gamma_cm: 50}\n"),
        "bath.eta_cm",
        ("nan", "> 0", "cm^-1"),
    ),
    (
        "eta_negative",
        study(bath="bath: {eta_cm: -1, gamma_cm: 50}\n"),
        "bath.eta_cm",
        ("= -1", "> 0"),
    ),
    (
        "eta_over_v_of_unequal_bonds",
        study(
            model="model: {n_sites: 3, hopping_cm: [50, 50, 40]}\n",
            bath="bath: {eta_over_v: 2, gamma_cm: 50}\n",
        ),
        "bath.eta_over_v",
        ("not uniform", "bath.eta_cm"),
    ),
    (
        "eta_over_negative_v",
        study(
            model="model: {n_sites: 3, hopping_cm: -50}\n",
            bath="bath: {eta_over_v: 2, gamma_cm: 50}\n",
        ),
        "bath.eta_over_v",
        ("hopping > 0", "-50"),
    ),
    (
        "decomposition",
        study(bath="bath: {eta_cm: 1, gamma_cm: 5, decomposition: Pade}\n"),
        "bath.decomposition",
        ("'Pade'", "pade or matsubara"),
    ),
    (
        "terms_fraction",
        study(bath="bath: {eta_cm: 1, gamma_cm: 5, terms: 1.5}\n"),
        "bath.terms",
        ("1.5", "whole number >= 0", "or auto"),
    ),
    (
        "terminator_yes",
        study(bath="bath: {eta_cm: 1, gamma_cm: 5, terminator: yes}\n"),
        "bath.terminator",
        ("'yes'", "true or false"),
    ),
    (
        "idle_error_bound",
        study(bath="bath: {eta_cm: 1, gamma_cm: 5, terms: 1, error_bound: 0.1}\n"),
        "bath.error_bound",
        ("0.1", "only with terms: auto"),
    ),
    (
        "unreachable_error_bound",
        study(bath="bath: {eta_cm: 500, gamma_cm: 5, error_bound: 1e-30}\n"),
        "hierarchy.depth",
        ("error bound", "raise"),
    ),
    (
        "accuracy_too_fine",
        study(depth="", more="accuracy: 1e-7\n"),
        "accuracy",
        ("= 1e-07", ">= 1e-06 and <= 0.1"),
    ),
    (
        "accuracy_coarse",
        study(depth="", more="accuracy: 1\n"),
        "accuracy",
        ("= 1", "<= 0.1", "correct"),
    ),
    ("accuracy_null", study(depth="", more="accuracy:\n"), "accuracy", ("null", "a number")),
    (
        "accuracy_in_section",
        study(depth="hierarchy: {accuracy: 1e-3}\n"),
        "hierarchy.accuracy",
        ("not a known key", "top level of the file"),
    ),
    (
        "accuracy_of_fixed_hierarchy",
        study(more="accuracy: 1e-3\n"),
        "accuracy",
        ("= 0.001", "only without hierarchy.depth, which is 3", "remove hierarchy.depth"),
    ),
    (
        "adaptive_key_of_fixed_hierarchy",
        study(more="adaptive: {pruning: 0}\n"),
        "adaptive.pruning",
        ("= 0", "only without hierarchy.depth, which is 3"),
    ),
    (
        "resolvent_of_fixed_hierarchy",
        study(run="propagation: {duration_fs: 100, resolvent_frequencies_cm: [50]}\n"),
        "propagation.resolvent_frequencies_cm",
        ("[50.0]", "only without hierarchy.depth"),
    ),
    (
        "resolvent_twice",
        study(depth="", run="propagation: {duration_fs: 9, resolvent_frequencies_cm: [5, 5.0]}\n"),
        "propagation.resolvent_frequencies_cm",
        ("[5.0, 5.0]", "twice"),
    ),
    (
        "resolvent_without_current",
        study(
            depth="",
            run="propagation: {duration_fs: 9, resolvent_frequencies_cm: [5]}\n",
            more="protocols: [marcus]\n",
        ),
        "propagation.resolvent_frequencies_cm",
        ("only with the protocol current",),
    ),
    (
        "weights_without_depth",
        study(depth="hierarchy: {weights: [1]}\n"),
        "hierarchy.weights",
        ("[1.0]", "only with hierarchy.depth", "let accuracy decide"),
    ),
    (
        "excited_sites_without_depth",
        study(depth="hierarchy: {max_excited_sites: 2}\n"),
        "hierarchy.max_excited_sites",
        ("= 2", "only with hierarchy.depth"),
    ),
    (
        "equilibrium_tolerance_without_depth",
        study(depth="", run="propagation: {duration_fs: 10, equilibrium_tolerance: 1e-8}\n"),
        "propagation.equilibrium_tolerance",
        ("1e-08", "only with hierarchy.depth"),
    ),
    (
        "growth_zero",
        study(depth="", more="adaptive: {growth: 0}\n"),
        "adaptive.growth",
        ("= 0", "> 0 and < 1"),
    ),
    (
        "expansion_without_depth",
        study(bath="bath: {eta_cm: 500, gamma_cm: 5, error_bound: 1e-30}\n", depth=""),
        "bath.terms",
        ("'auto'", "error bound", "give bath.terms a number"),
    ),
    ("ring_without_sites", study(model="model: {}\n"), "model.n_sites", ("not given", "on a ring")),
    (
        "infinite_even_window",
        study(model="model: {topology: infinite, n_sites: 40}\n", depth=""),
        "model.n_sites",
        ("= 40", "odd", "leave it out for 41"),
    ),
    (
        "infinite_disorder",
        study(model="model: {topology: infinite, n_sites: 3, hopping_cm: [1, 2, 3]}\n", depth=""),
        "model.hopping_cm",
        ("one number on an infinite ring",),
    ),
    (
        "infinite_levels",
        study(model="model: {topology: infinite, site_energies_cm: [1, 2]}\n", depth=""),
        "model.site_energies_cm",
        ("one number on an infinite ring",),
    ),
    (
        "infinite_fixed",
        study(model="model: {topology: infinite}\n"),
        "model.topology",
        ("'infinite'", "no fixed hierarchy", "remove hierarchy.depth"),
    ),
    (
        "infinite_start_site",
        study(
            model="model: {topology: infinite}\n",
            depth="",
            more="protocols: [current, marcus]\nstart_site: 0\n",
        ),
        "start_site",
        ("= 0", "no meaning on an infinite ring", "remove it"),
    ),
    (
        "infinite_without_hopping",
        study(
            model="model: {topology: infinite, hopping_cm: 0}\n",
            depth="",
            more="protocols: [marcus]\n",
        ),
        "model.hopping_cm",
        ("must not be 0 on an infinite ring", "stays where it starts"),
    ),
    (
        "infinite_without_symmetry",
        study(model="model: {topology: infinite}\n", depth="hierarchy: {symmetry: none}\n"),
        "hierarchy.symmetry",
        ("'none'", "auto or translation on an infinite ring"),
    ),
    ("depth_zero", study(depth="hierarchy: {depth: 0}\n"), "hierarchy.depth", ("= 0", ">= 1")),
    ("depth_256", study(depth="hierarchy: {depth: 256}\n"), "hierarchy.depth", ("<= 255",)),
    (
        "weights_without_terms",
        study(
            bath="bath: {eta_cm: 1, gamma_cm: 5}\n", depth="hierarchy: {depth: 3, weights: [1]}\n"
        ),
        "hierarchy.weights",
        ("bath.terms is auto", "whole number"),
    ),
    (
        "weights_length",
        study(depth="hierarchy: {depth: 3, weights: [1, 2]}\n"),
        "hierarchy.weights",
        ("[1.0, 2.0]", "bath.terms + 1 = 1"),
    ),
    (
        "weights_zero",
        study(depth="hierarchy: {depth: 3, weights: [0]}\n"),
        "hierarchy.weights",
        ("[0]", "> 0"),
    ),
    (
        "excited_sites",
        study(depth="hierarchy: {depth: 3, max_excited_sites: 4}\n"),
        "hierarchy.max_excited_sites",
        ("= 4", "at most model.n_sites = 3"),
    ),
    (
        "symmetry_of_chain",
        study(
            model="model: {n_sites: 3, topology: chain}\n",
            depth="hierarchy: {depth: 3, symmetry: translation}\n",
        ),
        "hierarchy.symmetry",
        ("'translation'", "ring with equal", "auto or none"),
    ),
    (
        "too_large",
        study(model="model: {n_sites: 50}\n", depth="hierarchy: {depth: 30}\n"),
        "hierarchy.depth",
        ("= 30", "resources.max_unknowns", "lower hierarchy.depth"),
    ),
    (
        "beyond_counting",
        study(
            bath="bath: {eta_cm: 100, gamma_cm: 50, terms: 20}\n", depth="hierarchy: {depth: 255}\n"
        ),
        "hierarchy.depth",
        ("= 255", "beyond any computer"),
    ),
    (
        "sample_too_long",
        study(run="propagation: {duration_fs: 10, sample_fs: 10}\n"),
        "propagation.sample_fs",
        ("= 10", "smaller than duration_fs = 10"),
    ),
    (
        "too_many_samples",
        study(run="propagation: {duration_fs: 100000, sample_fs: 0.001}\n"),
        "propagation.sample_fs",
        ("0.001", "1000000 samples"),
    ),
    (
        "tolerance",
        study(run="propagation: {duration_fs: 10, tolerance: 1}\n"),
        "propagation.tolerance",
        ("= 1", "<= 0.01"),
    ),
    (
        "idle_equilibrium_tolerance",
        study(
            run="propagation: {duration_fs: 10, equilibrium_tolerance: 1e-8}\n",
            more="protocols: [marcus]\n",
        ),
        "propagation.equilibrium_tolerance",
        ("1e-08", "only with the protocol current"),
    ),
    ("protocols_empty", study(more="protocols: []\n"), "protocols", ("[]", "non-empty list")),
    ("protocols_word", study(more="protocols: current\n"), "protocols", ("'current'", "list")),
    (
        "protocols_unknown",
        study(more="protocols: [curent]\n"),
        "protocols",
        ("curent", "current, franck_condon, marcus"),
    ),
    ("protocols_twice", study(more="protocols: [marcus, marcus]\n"), "protocols", ("twice",)),
    (
        "idle_start_site",
        study(more="start_site: 1\n"),
        "start_site",
        ("= 1", "only with the protocols franck_condon or marcus"),
    ),
    (
        "start_site_outside",
        study(more="start_site: 3\nprotocols: [marcus]\n"),
        "start_site",
        ("= 3", "from 0 to 2"),
    ),
    ("band_zero", study(more="analysis: {band_percent: 0}\n"), "analysis.band_percent", ("> 0",)),
    (
        "fit_range",
        study(more="analysis: {drude_smith_range_fs: [50, 20]}\n"),
        "analysis.drude_smith_range_fs",
        ("[50.0, 20.0]", "to > from"),
    ),
    (
        "fit_range_beyond_run",
        study(more="analysis: {drude_smith_range_fs: [0, 101]}\n"),
        "analysis.drude_smith_range_fs",
        ("propagation.duration_fs = 100",),
    ),
    ("one_rank", study(more="resources: {max_ranks: 1}\n"), "resources.max_ranks", (">= 2",)),
    ("grid_mapping", study(more="grid: {a: [1]}\n"), "grid", ("non-empty list of blocks",)),
    ("grid_empty", study(more="grid: []\n"), "grid", ("non-empty list of blocks",)),
    ("block_empty", study(more="grid: [{}]\n"), "grid[0]", ("non-empty mapping",)),
    (
        "axis_unknown",
        study(more="grid: [{bath.eta_over_w: [1]}]\n"),
        "grid[0].bath.eta_over_w",
        ("[1]", "not a key a grid can vary", "did you mean 'bath.eta_over_v'?"),
    ),
    (
        "axis_scalar",
        study(more="grid: [{model.n_sites: 4}]\n"),
        "grid[0].model.n_sites",
        ("= 4", "non-empty list"),
    ),
    (
        "axis_nested_list",
        study(more="grid: [{model.hopping_cm: [[1, 2, 3]]}]\n"),
        "grid[0].model.hopping_cm[0]",
        ("[1, 2, 3]", "one number or word"),
    ),
    (
        "axis_duplicate",
        study(more="grid: [{model.temperature_K: [2, 2.0]}]\n"),
        "grid[0].model.temperature_K[1]",
        ("2.0", "given twice", "grid[0].model.temperature_K[0] = 2"),
    ),
    (
        "axis_duplicate_exponent",
        study(more="grid: [{propagation.tolerance: [1e-6, 0.000001]}]\n"),
        "grid[0].propagation.tolerance[1]",
        ("given twice", "tolerance[0]"),
    ),
    (
        "axis_hostile_word",
        study(more="grid: [{model.topology: [ring, '; rm -rf /']}]\n"),
        "model.topology",
        ("; rm -rf /", "ring or chain", "at grid[0], model.topology = '; rm -rf /'"),
    ),
    (
        "axis_nan",
        study(more="grid: [{bath.gamma_cm: [.nan]}]\n"),
        "grid[0].bath.gamma_cm[0]",
        ("nan", "finite"),
    ),
    (
        "point_invalid",
        study(more="grid: [{model.n_sites: [3, 4, 2]}]\n"),
        "model.n_sites",
        ("= 2", ">= 3 on a ring", "at grid[0], model.n_sites = 2"),
    ),
    (
        "points_duplicate",
        study(
            bath="bath: {gamma_cm: 50, terms: 0}\n",
            more="grid:\n - bath.eta_over_v: [2]\n - bath.eta_cm: [100]\n",
        ),
        "grid[1]",
        ("bath.eta_cm = 100", "same point as grid[0], bath.eta_over_v = 2"),
    ),
    (
        "base_and_block_disagree",
        study(more="grid: [{bath.eta_over_v: [1, 2]}]\n"),
        "bath.eta_over_v",
        ("exactly one of", "remove it or eta_cm"),
    ),
    (
        "grid_too_large",
        study(
            more="grid:\n - {model.n_sites: ["
            + ", ".join(map(str, range(3, 253)))
            + "], hierarchy.depth: ["
            + ", ".join(map(str, range(1, 51)))
            + "]}\n"
        ),
        "grid",
        ("12500 points", "at most 10000"),
    ),
    ("huge_integer", study(model=f"model: {{n_sites: {'9' * 400}}}\n"), "model.n_sites", (">= 2",)),
    ("endless_integer", study(model=f"model: {{n_sites: {'9' * 5000}}}\n"), "model.n_sites", ()),
    (
        "huge_float",
        study(model=f"model: {{n_sites: 3, hopping_cm: {'9' * 400}}}\n"),
        "model.hopping_cm",
        ("<= 100000",),
    ),
    ("deep_nesting", "a: " + "[" * 5000, "", ("nested too deeply",)),
]


@pytest.mark.parametrize(
    ("text", "key", "parts"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_refused_with_key_value_and_remedy(
    text: str, key: str, parts: tuple[str, ...], faults_of: Callable[[str], list[str]]
) -> None:
    lines = faults_of(text)
    assert all(line.startswith("study.yaml") for line in lines)
    assert all(line.isprintable() for line in lines)
    subjects = [line.split(": ", 1)[1] for line in lines]
    found = [
        line
        for line in subjects
        if (line.startswith((f"{key} = ", f"{key} is not given")) or not key)
        and all(part in line for part in parts)
    ]
    assert found, lines


def test_cases_are_valid_without_their_fault(plan_of: Callable[[str], object]) -> None:
    plan_of(study())
    plan_of(study(depth=""))
    plan_of(study(model="model: {topology: infinite}\n", depth=""))


def test_every_message_says_what_to_do(faults_of: Callable[[str], list[str]]) -> None:
    for name, text, _, _ in CASES:
        for line in faults_of(text):
            assert "; " in line, (name, line)


def test_all_faults_of_a_file_come_at_once_and_in_order(
    faults_of: Callable[[str], list[str]],
) -> None:
    lines = faults_of(
        """\
        study: a b
        model: {n_sites: 0}
        bath: {eta_cm: 0, gamma_cm: x}
        hierarchy: {depth: 0}
        propagation: {duration_fs: 0}
        colour: red
        """
    )
    keys = [line.split(": ")[1].split(" = ")[0] for line in lines]
    assert keys == [
        "study",
        "model.n_sites",
        "bath.eta_cm",
        "bath.gamma_cm",
        "hierarchy.depth",
        "propagation.duration_fs",
        "colour",
    ]
    assert [line.split(":")[1] for line in lines] == ["1", "2", "3", "3", "4", "5", "6"]


def test_a_fault_of_all_points_is_told_once(faults_of: Callable[[str], list[str]]) -> None:
    grid = "grid: [{model.n_sites: [3, 4, 5]}]\n"
    lines = faults_of(study(depth="hierarchy: {depth: 0}\n", more=grid))
    assert len(lines) == 1


def test_a_fault_of_some_points_names_the_first_and_counts(
    faults_of: Callable[[str], list[str]],
) -> None:
    grid = "grid: [{model.n_sites: [2, 3], hierarchy.depth: [3, 4, 5]}]\n"
    (line,) = faults_of(study(more=grid))
    assert "(at grid[0], model.n_sites = 2, hierarchy.depth = 3 and 2 other points)" in line


@pytest.mark.parametrize(
    ("content", "part"),
    [(b"study: \xff\xfe\n", "not UTF-8"), (b"study: a\x00b\n", "not valid YAML")],
)
def test_bytes_that_are_no_text(tmp_path: Path, content: bytes, part: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=part):
        load_plan(path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read the file: No such file"):
        load_plan(tmp_path / "nothing.yaml")
    with pytest.raises(ConfigurationError, match="cannot read the file: Is a directory"):
        load_plan(tmp_path)


def test_too_large_file(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("# " + "x" * 1_000_001)
    with pytest.raises(ConfigurationError, match="larger than"):
        load_plan(path)


def test_a_python_tag_is_never_executed(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("study: !!python/object/apply:os.mkdir ['pwned']\n")
    done = subprocess.run(
        [sys.executable, "-m", "smallpolaron", "validate", "study.yaml"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(smallpolaron.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "tags are not allowed" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "pwned").exists()
