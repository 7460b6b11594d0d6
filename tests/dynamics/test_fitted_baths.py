"""What the carrier does depends on the bath, not on the exponentials that stand for it."""

import numpy as np
import pytest

from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.sampled_density import OhmicBath, TabulatedBath
from smallpolaron.model.baths.spectral_density import BathSum
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from tests.dynamics.cases import T, populate

MODEL = HolsteinModel(2, "chain", 50 * CM, (0.0, 60 * CM))
OHMIC = OhmicBath(10 * CM, 60 * CM)


def populations(expansion, target=3e-4):
    run = populate(MODEL, "franck_condon", 0, target, 100.0, expansion)
    assert run.total_error <= target
    return run.populations


@pytest.fixture(scope="module")
def by_esprit():
    return populations(expand(OHMIC, T, "esprit", error_bound=3e-5))


def test_aaa_and_esprit_give_the_same_populations(by_esprit):
    aaa = populations(expand(OHMIC, T, "aaa", error_bound=3e-5))
    assert np.max(np.abs(aaa - by_esprit)) < 1e-4
    # the bath matters: without it, and with a Debye bath of the same eta and rate
    debye = populations(expand(DebyeBath(10 * CM, 60 * CM), T))
    assert np.max(np.abs(debye - by_esprit)) > 1e-3


def test_fewer_terms_err_by_no_more_than_their_bound(by_esprit):
    few = expand(OHMIC, T, "esprit", error_bound=1e-3)
    many = expand(OHMIC, T, "esprit", error_bound=3e-5)
    assert many.n_terms >= few.n_terms + 2
    assert np.max(np.abs(populations(few) - by_esprit)) < few.error


def test_a_debye_bath_by_fit_gives_the_populations_of_pade():
    bath = DebyeBath(20 * CM, 60 * CM)
    pade = populations(expand(bath, 150.0, "pade", error_bound=3e-5))
    for scheme in ("aaa", "esprit"):
        fit = expand(bath, 150.0, scheme, error_bound=3e-5)
        assert np.max(np.abs(populations(fit) - pade)) < 1e-4


@pytest.mark.parametrize("scheme", ["esprit", "aaa"])
def test_a_table_of_relaxation_and_a_vibration_gives_the_populations_of_their_poles(scheme):
    """The fit has a pair of nearly equal rates that cancel, which must not be mixed."""
    model = HolsteinModel(2, "chain", 80 * CM, (0.0, 100 * CM))
    poles = BathSum((DebyeBath(80 * CM, 30 * CM), BrownianBath(40 * CM, 30 * CM, 100 * CM)))
    omega = np.linspace(0, 3000, 1501) * CM
    table = TabulatedBath(tuple(omega), tuple(poles.spectral_density(omega)))
    by_poles, by_fit = (
        populate(model, "franck_condon", 0, 1e-2, 100.0, expand(bath, T, way, error_bound=3e-3))
        for bath, way in ((poles, "pade"), (table, scheme))
    )
    assert np.max(np.abs(by_fit.populations.sum(axis=1) - 1)) < 2e-3
    difference = np.max(np.abs(by_fit.populations - by_poles.populations))
    assert difference < by_fit.total_error + by_poles.total_error
    assert difference < 5e-3
