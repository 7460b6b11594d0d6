"""Baths without poles in studies: keys, files, what enters the names of points."""

from pathlib import Path

import numpy as np
import pytest

from smallpolaron.model.baths.sampled_density import OhmicBath
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from smallpolaron.planning.study import load_plan
from smallpolaron.study.parameters import bath_expansion
from smallpolaron.support.problems import ConfigurationError

HEAD = "study: s\nmodel: {n_sites: 3, hopping_cm: 20}\npropagation: {duration_fs: 100}\n"
OHMIC = OhmicBath(100 * CM, 50 * CM)
W = np.linspace(0, 1200, 301)
J = OHMIC.spectral_density(W * CM) / CM


@pytest.fixture
def points(tmp_path: Path):
    def read(bath: str):
        study = tmp_path / "s.yaml"
        study.write_text(HEAD + f"bath: {bath}\n")
        return load_plan(study).points

    return read


def csv(path: Path, header: str, *columns) -> str:
    np.savetxt(path, np.transpose(columns), delimiter=",", header=header, comments="")
    return str(path)


def test_an_ohmic_bath_has_its_own_parameters(points) -> None:
    (point,) = points("{kind: ohmic, eta_over_v: 5, gamma_cm: 50}")
    assert point.parameters.bath.content() | {"terms": 0} == {
        "eta_cm": 100.0,
        "gamma_cm": 50.0,
        "exponent": 1.0,
        "cutoff": "exponential",
        "kind": "ohmic",
        "decomposition": "esprit",
        "terms": 0,
        "terminator": True,
        "error_bound": 3e-4,
    }
    assert point.parameters.bath.total_density == OHMIC
    expansion = bath_expansion(point.parameters)
    assert point.derived["bath_terms"] == expansion.n_terms
    assert bath_expansion(point.parameters, expansion.n_terms + 3).n_terms >= expansion.n_terms + 3
    assert "Ohmic bath (s = 1, exponential cutoff)" in point.parameters.bath.description
    other = points("{kind: ohmic, eta_over_v: 5, gamma_cm: 50, cutoff: sharp}")[0]
    assert other.hash != point.hash


def test_what_a_table_holds_names_the_point_and_its_path_does_not(points, tmp_path) -> None:
    one = csv(tmp_path / "one.csv", "omega_cm,J_cm", W, J)
    meV = csv(tmp_path / "two.csv", "omega_meV,J_meV", W / 8.065543937, J / 8.065543937)
    THz = csv(tmp_path / "three.csv", "frequency_THz,J_cm", W * 0.0299792458, J)
    half = csv(tmp_path / "half.csv", "omega_cm,J_cm", W, J / 2)
    first, same, third, other = (
        points(f"{{kind: table, file: {path}}}")[0] for path in (one, meV, THz, half)
    )
    bath = first.parameters.bath
    assert bath.omega_cm == pytest.approx(W)
    assert bath.density_cm == pytest.approx(J)
    assert bath.eta_cm == pytest.approx(100, rel=2e-3)
    np.testing.assert_allclose(same.parameters.bath.density_cm, J, rtol=1e-12)
    np.testing.assert_allclose(third.parameters.bath.omega_cm, W, rtol=1e-12)
    assert first.hash != other.hash
    Path(one).unlink()  # the plan holds the numbers
    assert first.parameters.bath.total_density.reorganisation_energy / CM == pytest.approx(
        50, rel=2e-3
    )


def test_files_of_correlation_functions_and_trajectories_become_tables(points, tmp_path) -> None:
    t = np.arange(0, 1600, 4.0)
    c = OHMIC.correlations(np.maximum(t, 1e-3), 300.0) / CM**2
    path = csv(tmp_path / "c.csv", "t_fs,re_cm2,im_cm2", t, c.real, c.imag)
    (point,) = points(f"{{kind: correlation, file: {path}, data_temperature_K: 300}}")
    assert point.parameters.bath.kind == "table"
    assert point.parameters.bath.eta_cm == pytest.approx(100, rel=0.01)
    rng = np.random.default_rng(2)
    energies = np.convolve(rng.normal(size=20_000), np.exp(-np.arange(200) / 25), "valid")
    steps = 4.0 * np.arange(len(energies))
    path = csv(tmp_path / "e.csv", "t_fs,a_cm", steps, 30 * energies)
    keys = "data_temperature_K: 300, quantum_correction: harmonic"
    (point,) = points(f"{{kind: trajectory, file: {path}, {keys}}}")
    variance = 30**2 * np.var(energies)
    assert point.parameters.bath.eta_cm == pytest.approx(variance / 208.5, rel=0.1)


@pytest.mark.parametrize(
    ("kind", "header"),
    [("table", "omega [cm^-1];J [cm^-1]"), ("correlation", "t_fs;re_cm2;im_cm2")],
)
def test_a_spreadsheet_with_decimal_commas_is_the_same_bath(points, tmp_path, kind, header) -> None:
    t = np.arange(0, 1600, 4.0)
    c = OHMIC.correlations(np.maximum(t, 1e-3), 300.0) / CM**2
    columns = (W, J) if kind == "table" else (t, c.real, c.imag)
    plain = Path(csv(tmp_path / "plain.csv", header.replace(";", ","), *columns))
    other = tmp_path / "sheet.csv"
    other.write_text("sep=;\n" + plain.read_text().replace(",", ";").replace(".", ","))
    keys = "" if kind == "table" else ", data_temperature_K: 300"
    first, second = (points(f"{{kind: {kind}, file: {p}{keys}}}")[0] for p in (plain, other))
    assert first.hash == second.hash


def test_a_table_in_other_units_is_warned_of(points) -> None:
    rows = f"omega_cm: {W.tolist()}, density_cm: {(200 * J).tolist()}"
    with pytest.warns(UserWarning, match="units"):
        points(f"{{kind: table, {rows}}}")


def test_a_table_is_one_of_several_baths(points) -> None:
    rows = f"omega_cm: {W.tolist()}, density_cm: {J.tolist()}"
    further = "further_baths: [{kind: brownian, eta_cm: 20, gamma_cm: 20, frequency_cm: 400}]"
    (point,) = points(f"{{kind: table, {rows}, {further}}}")
    assert [each.kind for each in point.parameters.bath.baths] == ["table", "brownian"]
    assert bath_expansion(point.parameters).n_poles == 2


@pytest.mark.parametrize(
    ("bath", "key", "reason"),
    [
        ("{kind: ohmic, eta_cm: 1}", "gamma_cm", "exactly one of"),
        ("{eta_cm: 1, gamma_cm: 1, exponent: 2}", "exponent", "only with kind: ohmic"),
        ("{kind: ohmic, eta_cm: 1, gamma_cm: 1, file: a.csv}", "file", "only with kind: table"),
        ("{kind: ohmic, eta_cm: 1, gamma_cm: 1, decomposition: pade}", "decomposition", "poles"),
        ("{kind: table}", "file", "needs a file"),
        ("{kind: table, file: nowhere.csv}", "file", "cannot be read"),
        ("{kind: table, file: FILE}", "file", "the header must be"),
        ("{kind: table, file: EV}", "file", "not in eV"),
        ("{kind: table, file: NEGATIVE}", "file", "J must be >= 0"),
        ("{kind: trajectory, file: FILE, data_temperature_K: 300}", "file", "quantum_correction"),
        ("{kind: correlation, file: C}", "file", "temperature"),
        ("{kind: trajectory, file: BARE, data_temperature_K: 300}", "file", "b: unit not given"),
    ],
)
def test_what_is_no_bath_is_refused(points, tmp_path, bath, key, reason) -> None:
    files = {
        "FILE": csv(tmp_path / "f.csv", "t_fs,a_cm", W, J),
        "EV": csv(tmp_path / "ev.csv", "omega_cm,J_cm", W / 8065.5, J / 8065.5),
        "NEGATIVE": csv(tmp_path / "n.csv", "omega_cm,J_cm", W, J - 1),
        "BARE": csv(tmp_path / "b.csv", "t_fs,a_cm,b", W, J, J),
        "C": csv(tmp_path / "c.csv", "t_fs,re_cm2,im_cm2", W, J, -J),
    }
    for name, path in files.items():
        bath = bath.replace(name, path)
    with pytest.raises(ConfigurationError) as refused:
        points(bath)
    assert any(p.key == f"bath.{key}" and reason in p.allowed for p in refused.value.problems)
