"""A study in other units is the same study: points, names and hashes are equal."""

from __future__ import annotations

from pathlib import Path

import pytest

import smallpolaron as sp
from smallpolaron.planning.study import load_plan, plan_document
from smallpolaron.study.plan import plan_json
from smallpolaron.study.yamlfile import parse_yaml
from smallpolaron.support.problems import ConfigurationError, Problem
from tests.study.study_texts import study


def planned(text: str) -> str:
    return plan_json(plan_document(parse_yaml(text, "study.yaml")))


def refused(text: str) -> list[Problem]:
    with pytest.raises(ConfigurationError) as error:
        plan_document(parse_yaml(text, "study.yaml"))
    return list(error.value.problems)


VIBRATION = "bath: {{kind: brownian, gamma_cm: 20, {}}}\n"


@pytest.mark.parametrize(
    ("place", "own", "other"),
    [
        ("model", "{n_sites: 3, hopping_cm: 48.393263622}", "{n_sites: 3, hopping_meV: 6}"),
        (
            "model",
            "{n_sites: 3, site_energies_cm: [0, 8.065543937, 0]}",
            "{n_sites: 3, site_energies_meV: [0, 1, 0]}",
        ),
        (
            "model",
            "{n_sites: 3, lattice_constant_A: 7.2}",
            "{n_sites: 3, lattice_constant_nm: 0.72}",
        ),
        ("propagation", "{duration_fs: 1001}", "{duration_ps: 1.001}"),
        ("propagation", "{duration_fs: 300, sample_fs: 2}", "{duration_ps: 0.3, sample_ps: 0.002}"),
        (
            "propagation",
            "{duration_fs: 300, resolvent_frequencies_cm: [806.5543937]}",
            "{duration_fs: 300, resolvent_frequencies_meV: [100]}",
        ),
        ("bath", "{eta_cm: 8.065543937, gamma_cm: 50}", "{eta_meV: 1, gamma_cm: 50}"),
        (
            "bath",
            "{kind: brownian, eta_cm: 840, gamma_cm: 9, frequency_cm: 1400}",
            "{kind: brownian, huang_rhys: 0.3, gamma_cm: 9, frequency_cm: 1400}",
        ),
        (
            "bath",
            "{eta_cm: 9, gamma_cm: 9, further_baths: [{eta_cm: 8.065543937, gamma_cm: 50}]}",
            "{eta_cm: 9, gamma_cm: 9, further_baths: [{eta_meV: 1, gamma_cm: 50}]}",
        ),
        (
            "grid",
            "[{propagation.duration_fs: [300, 400]}]",
            "[{propagation.duration_ps: [0.3, 0.4]}]",
        ),
        ("grid", "[{model.temperature_K: [250]}]", "[{model.temperature_K: [250.0]}]"),
    ],
)
def test_points_are_those_of_the_study_in_its_own_units(place: str, own: str, other: str) -> None:
    name = {"propagation": "run", "grid": "more"}.get(place, place)
    mine, same = (planned(study(**{name: f"{place}: {text}\n"}, depth="")) for text in (own, other))
    assert mine == same


def test_frequencies_in_terahertz_are_not_angular() -> None:
    (point,) = plan_document(
        parse_yaml(study(bath=VIBRATION.format("eta_cm: 9, frequency_THz: 6")), "study.yaml")
    ).points
    assert point.parameters.bath.frequency_cm == pytest.approx(6 * 33.35640952)


def test_a_script_and_a_study_agree_to_the_last_digit() -> None:
    bath = VIBRATION.format("huang_rhys: 0.37, frequency_meV: 21.7")
    (point,) = plan_document(
        parse_yaml(study(model="model: {n_sites: 3, hopping_meV: 6.1}\n", bath=bath), "study.yaml")
    ).points
    vibration = sp.Vibration(huang_rhys=0.37, frequency_meV=21.7, damping_cm=20)
    model = sp.Model(
        lattice=sp.Lattice.ring(3),
        hopping_meV=6.1,
        temperature_K=300,
        coupling=sp.Local(vibration),
    )
    assert point.parameters.model.hopping_cm == model.hopping_cm
    assert point.parameters.bath.eta_cm == vibration.eta_cm
    assert point.parameters.bath.frequency_cm == vibration.frequency_cm


@pytest.mark.parametrize(
    ("place", "text", "key"),
    [
        ("model", "{n_sites: 3, hopping_cm: 50, hopping_meV: 6}", "model.hopping_meV"),
        ("model", "{n_sites: 3, hopping_meV: 6, hopping_cm: 50}", "model.hopping_cm"),
        ("propagation", "{duration_fs: 300, duration_ps: 0.3}", "propagation.duration_ps"),
        (
            "grid",
            "[{propagation.duration_fs: [300], propagation.duration_ps: [0.4]}]",
            "grid[0].propagation.duration_ps",
        ),
        ("bath", "{eta_cm: 1, eta_meV: 6, gamma_cm: 9}", "bath.eta_meV"),
        (
            "bath",
            "{kind: brownian, eta_cm: 9, huang_rhys: 1, gamma_cm: 9, frequency_cm: 9}",
            "bath.huang_rhys",
        ),
    ],
)
def test_two_spellings_of_one_quantity_are_refused(place: str, text: str, key: str) -> None:
    name = {"propagation": "run", "grid": "more"}.get(place, place)
    (found,) = refused(study(**{name: f"{place}: {text}\n"}))
    assert found.key == key
    assert found.line > 0


@pytest.mark.parametrize("value", ["six", "[1, two]", "true"])
def test_what_is_no_number_is_refused_at_its_line(value: str) -> None:
    text = study(model=f"model:\n  n_sites: 3\n  hopping_meV: {value}\n")
    (found,) = refused(text)
    assert found.key == "model.hopping_cm"
    assert text.splitlines()[found.line - 1].strip().startswith("hopping_meV")


def test_huang_rhys_factors_are_of_vibrations() -> None:
    (found,) = refused(study(bath="bath: {eta_cm: 9, gamma_cm: 9, huang_rhys: 1}\n"))
    assert found.key == "bath.huang_rhys"


def test_a_change_in_another_unit_replaces_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(study(model="model: {n_sites: 3, hopping_meV: 6}\n"), encoding="utf-8")
    for changes in ({"model.hopping_cm": 40.0}, {"model": {"hopping_eV": 0.1}}):
        (point,) = load_plan(path, changes).points
        assert point.parameters.model.hopping_cm in (40.0, 806.5543937)
    (point,) = load_plan(path, {"duration_ps": "0.2"}).points
    assert point.parameters.propagation.duration_fs == 200.0
