"""Keys and units of other programs: answered with the key of a study and the converted number."""

from __future__ import annotations

import re

import pytest

from smallpolaron.planning.study import plan_document
from smallpolaron.study.yamlfile import parse_yaml
from smallpolaron.support.key_names import split_unit, unknown_key_advice
from smallpolaron.support.problems import ConfigurationError
from tests.study.study_texts import study

LAMBDA = "eta = 2 lambda"


def advice(text: str, key: str) -> str:
    """Return what a study is told about one of its keys."""
    with pytest.raises(ConfigurationError) as refused:
        plan_document(parse_yaml(text, "study.yaml"))
    (found,) = [p.advice for p in refused.value.problems if p.key.endswith(key)]
    return found


@pytest.mark.parametrize(
    ("section", "given", "value", "right", "number", "relation"),
    [
        ("bath", "lambda_cm", "10", "eta_cm", 20.0, LAMBDA),
        ("bath", "reorganisation_energy_cm", "10", "eta_cm", 20.0, LAMBDA),
        ("bath", "reorganization_energy_meV", "10", "eta_cm", 161.3109, LAMBDA),
        ("bath", "lambda_over_v", "1.5", "eta_over_v", 3.0, LAMBDA),
        ("bath", "omega_c_cm", "41", "gamma_cm", 41.0, "gamma = omega_c"),
        ("bath", "wc_THz", "1", "gamma_cm", 33.35641, "gamma = omega_c"),
        ("bath", "tau_fs", "100", "gamma_cm", 53.08837, "gamma = 1/tau"),
        ("model", "hoping_meV", "10", "hopping_cm", 80.65544, ""),
        ("model", "J_cm", "50", "hopping_cm", 50.0, ""),
        ("model", "V_cm", "50", "hopping_cm", 50.0, ""),
        ("model", "T_K", "250", "temperature_K", 250.0, ""),
        ("model", "kT_meV", "25.85", "temperature_K", 299.977, ""),
        ("bath", "S", "0.3", "huang_rhys", 0.3, "kind: brownian"),
        ("propagation", "time_ps", "1", "duration_fs", 1000.0, ""),
        ("disorder", "sigma_meV", "5", "site_energy_cm", 40.32772, ""),
    ],
)
def test_a_number_is_converted(
    section: str, given: str, value: str, right: str, number: float, relation: str
) -> None:
    pair = f"{given}: {value}"
    required = {"model": "n_sites: 3", "bath": "gamma_over_v: 1", "propagation": "duration_fs: 9"}
    content = ", ".join(filter(None, [required.get(section), pair]))
    place = {"model": "model", "bath": "bath", "propagation": "run"}.get(section, "more")
    text = study(**{place: f"{section}: {{{content}}}\n"})
    found = advice(text, f"{section}.{given}")
    written = re.match(r"write (\w+): ([\d.e+-]+)", found)
    assert written is not None, found
    assert written[1] == right
    assert float(written[2]) == pytest.approx(number, rel=1e-5)
    assert relation in found


@pytest.mark.parametrize(
    ("given", "right", "words"),
    [
        ("g: 0.3", "eta_cm", "lambda = g^2 omega"),
        ("lambda: 10", "eta_cm", LAMBDA),
        ("cutoff: 10", "gamma_cm", "gamma = omega_c"),
        ("lambda_cm: ten", "eta_cm", LAMBDA),
    ],
)
def test_without_unit_or_number_the_relation_is_given(given: str, right: str, words: str) -> None:
    found = advice(study(bath=f"bath: {{gamma_over_v: 1, {given}}}\n"), given.split(":")[0])
    assert found.startswith(f"write {right}, in cm^-1")
    assert words in found


def test_lists_of_a_grid_and_further_baths_are_converted_too() -> None:
    grid = study(more="grid: [{bath.lambda_cm: [10, 20]}]\n")
    assert advice(grid, "bath.lambda_cm").startswith("write bath.eta_cm: [20, 40]")
    further = "further_baths: [{kind: brownian, lambda_cm: 5, gamma_cm: 1, frequency_cm: 9}]"
    text = study(bath=f"bath: {{eta_cm: 1, gamma_cm: 1, {further}}}\n")
    assert advice(text, "lambda_cm").startswith("write eta_cm: 10")
    assert advice(study(more="T_K: 250\n"), "T_K") == "write model.temperature_K: 250"


def test_units_are_left_out_when_words_are_compared() -> None:
    keys = ["gamma_cm", "eta_cm", "eta_over_v"]
    assert "did you mean" not in unknown_key_advice("kappa_cm", keys)
    assert unknown_key_advice("gama_cm", keys) == "did you mean 'gamma_cm'?"
    assert unknown_key_advice("etta_over_v", keys) == "did you mean 'eta_over_v'?"
    assert split_unit("hopping_meV") == ("hopping", "meV")
    assert split_unit("n_sites") == ("n_sites", "")


@pytest.mark.parametrize("value", ["[200, 300]", "200-300", "'200, 250, 300'", "{from: 2, to: 3}"])
def test_several_values_lead_to_the_grid(value: str) -> None:
    text = study(model=f"model: {{n_sites: 3, temperature_K: {value}}}\n")
    assert "grid: [{model.temperature_K: [" in advice(text, "temperature_K")


@pytest.mark.parametrize("value", ["1e-7", "'1e-7'", "300 K", "-5"])
def test_one_wrong_value_does_not(value: str) -> None:
    text = study(model=f"model: {{n_sites: 3, temperature_K: {value}}}\n")
    assert "grid" not in advice(text, "temperature_K")
