"""A model of a script is the point of a study, with its hash; what is wrong is refused."""

import numpy as np
import pytest

import smallpolaron as sp
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from smallpolaron.planning.study import plan_document
from smallpolaron.study.parameters import bath_expansion
from smallpolaron.study.yamlfile import parse_yaml
from tests.api.cases import BATH, RING

NUMERICS = {"accuracy": 1e-3, "propagation": {"duration_fs": 600, "sample_fs": 1.0}}
PLAIN = "study: s\npropagation: {duration_fs: 600}\n"

SAME = {
    "ring": (
        "model: {n_sites: 3, hopping_cm: 50, temperature_K: 300}\n"
        "bath: {eta_cm: 100, gamma_cm: 60}",
        RING,
        "current",
    ),
    "infinite chain": (
        "model: {topology: infinite, hopping_cm: 50, lattice_constant_A: 4}\n"
        "bath: {eta_over_v: 2, gamma_cm: 60}\nprotocols: [marcus]",
        RING.replace(lattice=sp.Lattice.chain(4)),
        "marcus",
    ),
    "open chain with energies": (
        "model: {topology: chain, n_sites: 3, hopping_cm: [50, -20], site_energies_cm: [0, 5, 7.5]}"
        "\nbath: {eta_cm: 100, gamma_cm: 60}\nprotocols: [franck_condon]",
        RING.replace(
            lattice=sp.Lattice.open_chain(3),
            hopping_cm=np.array([50, -20]),
            site_energies_cm=(0, 5, 7.5),
        ),
        "franck_condon",
    ),
    "two baths": (
        "model: {n_sites: 3, hopping_cm: 50}\nbath: {kind: brownian, eta_cm: 60, gamma_cm: 20, "
        "frequency_cm: 150, further_baths: [{kind: debye, eta_cm: 100, gamma_cm: 60}]}",
        RING.replace(
            coupling=sp.Local([sp.Vibration(huang_rhys=0.2, frequency_cm=150, damping_cm=20), BATH])
        ),
        "current",
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_a_script_and_a_study_have_the_same_points(name):
    yaml, model, protocol = SAME[name]
    (expected,) = plan_document(parse_yaml(PLAIN + yaml, "s.yaml")).points
    point = model.point(protocol, NUMERICS)
    assert point.hash == expected.hash
    assert point.derived == expected.derived


def test_realisations_are_the_members_of_an_ensemble():
    yaml = (
        "model: {n_sites: 4, hopping_cm: 50, topology: ring}\nbath: {eta_cm: 100, gamma_cm: 60}\n"
        "disorder: {site_energy_cm: 30, site_energy_distribution: normal, seed: 7, members: 3}"
    )
    plan = plan_document(parse_yaml(PLAIN + yaml, "s.yaml"))
    model = RING.replace(
        lattice=sp.Lattice.ring(4), disorder=sp.Disorder(site_energies_cm=30, seed=7)
    )
    points = [each.point("current", NUMERICS) for each in model.realisations(3)]
    assert [point.hash for point in points] == [point.hash for point in plan.points]
    with pytest.raises(sp.ModelError):
        model.point("current", NUMERICS)
    with pytest.raises(sp.ModelError):
        RING.realisations(2)


def test_meV_and_wavenumbers_are_one_energy():
    meV = RING.replace(
        hopping_meV=6.1992, coupling=sp.Local(sp.Debye(eta_meV=12.3984, gamma_cm=60))
    )
    assert meV.hopping_cm == pytest.approx(50, rel=1e-5)
    assert meV.hopping_meV is None
    rates = [
        bath_expansion(model.point("current", NUMERICS).parameters).rates for model in (RING, meV)
    ]
    np.testing.assert_allclose(*rates, rtol=1e-5)


def test_a_vibration_is_given_by_its_huang_rhys_factor():
    found = sp.Vibration(huang_rhys=0.3, frequency_cm=1400, damping_meV=10)
    # docs/model.md: S = 0.3 at 1400 cm^-1 is eta = 840 cm^-1
    assert (found.eta_cm, found.frequency_cm) == (pytest.approx(840), 1400)
    assert found.gamma_cm == pytest.approx(80.655, rel=1e-4)


def model(**changes):
    given = {
        "lattice": sp.Lattice.ring(3),
        "hopping_cm": 50,
        "temperature_K": 300,
        "coupling": sp.Local(BATH),
    }
    return sp.Model(**given | changes)


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: sp.Debye(eta_cm=-1, gamma_cm=50), "eta_cm"),
        (lambda: sp.Debye(eta_cm=100), "gamma_cm"),
        (lambda: sp.Debye(eta_cm=100, eta_meV=3, gamma_cm=50), "eta_meV"),
        (lambda: sp.Debye(eta_cm="100 meV", gamma_cm=50), "eta_cm"),
        (lambda: sp.Debye(eta_cm=[1, 2], gamma_cm=50), "eta_cm"),
        (lambda: sp.Brownian(eta_cm=1, gamma_cm=1, frequency_cm=float("nan")), "frequency_cm"),
        (lambda: sp.Vibration(huang_rhys=0, frequency_cm=10, damping_cm=1), "huang_rhys"),
        (lambda: sp.Vibration(huang_rhys=1, frequency_cm=[1, 2], damping_cm=1), "frequency_cm"),
        (lambda: sp.Local([]), "baths"),
        (lambda: sp.Local("debye"), "baths"),
        (lambda: model(lattice="ring"), "lattice"),
        (lambda: model(coupling=BATH), "coupling"),
        (lambda: model(lattice=sp.Lattice.ring(2)), "lattice.cells"),
        (lambda: model(lattice=sp.Lattice.ring(3, -4)), "lattice.spacing_A"),
        (lambda: model(hopping_cm=None), "hopping_cm"),
        (lambda: model(hopping_cm=[50, 50]), "hopping_cm"),
        (lambda: model(hopping_cm=1e9), "hopping_cm"),
        (lambda: model(hopping_meV=3), "hopping_meV"),
        (lambda: model(temperature_K=-300), "temperature_K"),
        (lambda: model(site_energies_cm=[1, 2]), "site_energies_cm"),
        (lambda: model(disorder=sp.Disorder(site_energies_cm=-1)), "disorder.site_energies_cm"),
        (lambda: sp.current_correlation(RING, -5), "duration_fs"),
        (lambda: sp.current_correlation(RING, 5, sample_fs=9), "sample_fs"),
        (lambda: sp.current_correlation(RING, 500, accuracy=3), "accuracy"),
        (lambda: sp.current_correlation(RING, 500, max_elements=0), "max_elements"),
        (lambda: sp.current_correlation(RING, 500, bath_terms=-1), "coupling.terms"),
        (lambda: sp.current_correlation(RING.replace(hopping_cm=0), 500), "hopping_cm"),
        (lambda: sp.populations(RING, 500, start_site=3), "start_site"),
        (lambda: sp.populations(RING.replace(lattice=sp.Lattice.chain()), 500), "lattice"),
        (lambda: sp.displacement(RING, 500), "lattice"),
    ],
)
def test_wrong_input_is_refused_by_its_name(make, key):
    with pytest.raises(sp.ModelError) as caught:
        make()
    assert key in [problem.key for problem in caught.value.problems]
    assert all(problem.allowed for problem in caught.value.problems)
    assert isinstance(caught.value, ValueError)


def test_baths_of_every_kind():
    w = np.linspace(0, 1200, 301)
    ohmic = sp.Ohmic(eta_meV=12, cutoff_cm=50)
    density = ohmic.density()
    assert density.reorganisation_energy / CM == pytest.approx(6 * 8.065543937)
    table = sp.SpectralDensity(omega_cm=w, J_cm=density.spectral_density(w * CM) / CM)
    t = 4.0 * np.arange(400)
    c = density.correlations(np.maximum(t, 1e-3), 300.0) / CM**2
    recorded = sp.CorrelationFunction(t, c, temperature_K=300)
    for other in (table, recorded):
        ratio = other.density().reorganisation_energy / density.reorganisation_energy
        assert ratio == pytest.approx(1, rel=0.01)
    noisy = c.real * (1 + 0.02 * np.random.default_rng(0).normal(size=len(c)))
    given = {"temperature_K": 300, "quantum_correction": "harmonic"}
    with pytest.raises(sp.ModelError):
        sp.CorrelationFunction(t, noisy, **given, error=1e-5)
    rough = sp.CorrelationFunction(t, noisy, **given, error=0.02)
    ratio = rough.density().reorganisation_energy / density.reorganisation_energy
    assert ratio == pytest.approx(1, rel=0.2)  # Re C is not quite the classical function
    modes = sp.Vibrations(frequency_cm=[150, 1200], g=[0.5, 0.3], damping_cm=20)
    assert modes[1] == sp.Vibration(huang_rhys=0.09, frequency_cm=1200, damping_cm=20)
    energies = sp.Vibrations(frequency_meV=[10, 100], reorganisation_meV=[5, 8], damping_cm=[3, 9])
    assert [mode.eta_cm for mode in energies] == pytest.approx([80.65543937, 129.0487], rel=1e-6)
    every = sp.Local([ohmic, *modes], method="aaa")
    expansion = every.expansion(300, accuracy=0.01)
    assert expansion.n_poles == 4
    assert len(repr(expansion).splitlines()) == 1 + expansion.n_terms
    assert expansion.error <= 3e-3
    assert every.section()["decomposition"] == "aaa"
    titles = [axes.get_title() for axes in every.plot(300, accuracy=0.01).axes]
    assert titles == ["Spectral density", "Power spectrum, 300 K", "Correlation function"]


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: sp.Ohmic(eta_cm=10), "cutoff_cm"),
        (lambda: sp.Ohmic(eta_cm=10, cutoff_cm=-5), "cutoff_cm"),
        (lambda: sp.Ohmic(eta_cm=10, cutoff_cm=5, exponent=0), "exponent"),
        (lambda: sp.SpectralDensity(omega_cm=[0, 10, 20, 30], J_cm=[0, -1, 1, 0]), "J_cm"),
        (lambda: sp.SpectralDensity.from_csv("nowhere.csv"), "bath"),
        (lambda: sp.CorrelationFunction([0, 1], [1, 1], temperature_K=300), "bath"),
        (lambda: sp.CorrelationFunction([0, 1], [1, 1], temperature_K=300, error=0), "error"),
        (lambda: sp.Vibrations(frequency_cm=[1, 2], damping_cm=1), "huang_rhys"),
        (lambda: sp.Vibrations(frequency_cm=[1, 2], damping_cm=[1] * 3, g=[1, 1]), "frequency_cm"),
    ],
)
def test_what_is_no_bath_is_refused(make, name):
    with pytest.raises(sp.ModelError) as refused:
        make()
    assert [problem.key for problem in refused.value.problems] == [name]
