"""Couplings beside the local one in a script: what they become, what is refused, a run."""

import numpy as np
import pytest

import smallpolaron as sp
from smallpolaron.model.coupling import bonds, displacements, local
from smallpolaron.model.units import CM_TO_RAD_FS as CM
from smallpolaron.study.parameters import bath_expansion, model_of

VIBRATION = sp.Brownian(eta_cm=20, gamma_cm=80, frequency_cm=120)
DEBYE = sp.Debye(eta_cm=30, gamma_cm=100)
QUICK = {"propagation": {"duration_fs": 20.0}, "accuracy": 1e-2}


def model(coupling, lattice=None, **more):
    lattice = lattice or sp.Lattice.ring(4, spacing_A=5)
    return sp.Model(lattice=lattice, hopping_cm=50, temperature_K=300, coupling=coupling, **more)


def parameters(made, protocol="current"):
    return made.point(protocol, QUICK).parameters


def test_a_list_of_couplings_becomes_modes_with_baths_of_their_own():
    ring = sp.Lattice.ring(4, spacing_A=5)
    given = parameters(model([sp.Bond(VIBRATION), sp.Local([DEBYE, VIBRATION]), sp.SSH(VIBRATION)]))
    made, bath = model_of(given), bath_expansion(given)
    expected = (*bonds(ring), *local(ring, 1), *local(ring, 2), *displacements(ring, 3))
    assert made.couplings == expected
    assert [part.n_poles for part in bath.parts] == [2, 1, 2, 2]
    # what moves the carrier has no terminator
    assert bath.parts[0].terminator == bath.parts[3].terminator == 0.0
    assert bath.parts[1].terminator > 0
    more = bath_expansion(given, 1)
    assert [b.n_terms - a.n_terms for a, b in zip(bath.parts, more.parts, strict=True)] == [1] * 4


def test_an_operator_of_ones_own_reaches_the_model():
    elements = [(0, 0, 1.0), (0, 0, 0.5j, (1,)), (0, 0, -1.0, (2,), (2,))]
    made = model_of(parameters(model(sp.Coupling(VIBRATION, elements))))
    (coupling,) = made.couplings
    assert [(e.cell, e.origin, e.value) for e in coupling.elements] == [
        ((), (), 1.0),
        ((1,), (0,), 0.5j),
        ((0,), (2,), -1.0),
    ]
    assert coupling.moves_carrier


def test_the_local_coupling_alone_keeps_its_parameters():
    plain = parameters(model(sp.Local(DEBYE)))
    assert plain == parameters(model([sp.Local(DEBYE)]))
    assert not {"coupling", "elements", "further_couplings"} & plain.bath.model_fields_set
    assert plain.lattice is None


@pytest.mark.parametrize(
    ("coupling", "key"),
    [
        (sp.Coupling(DEBYE, [(0, 0, 1.0, (1,))]), "coupling.kind"),
        (sp.Coupling(VIBRATION, []), "coupling.elements"),
        (sp.Coupling(VIBRATION, [(0, 0, 1j)]), "coupling.elements"),
        (sp.Coupling(VIBRATION, [(0, 1, 1.0)]), "coupling.elements"),
        (sp.Coupling(VIBRATION, [(0, 0, 1.0), (0, 0, 1.0, (0,))]), "coupling.elements"),
        (sp.Coupling(VIBRATION, [(0, 0, 1j, (1,)), (0, 0, 1j, (0,), (1,))]), "coupling.elements"),
        ([], "coupling"),
    ],
)
def test_what_is_refused(coupling, key):
    with pytest.raises(sp.ModelError) as refused:
        parameters(model(coupling))
    assert key in [problem.key for problem in refused.value.problems]


@pytest.mark.parametrize("elements", [[5], [(0, 0)], [(0, 0.5, 1.0)], [(0, 0, "a")]])
def test_what_is_written_in_another_way_is_refused_when_it_is_built(elements):
    with pytest.raises(sp.ModelError) as refused:
        sp.Coupling(VIBRATION, elements)
    assert [problem.key for problem in refused.value.problems] == ["elements"]


@pytest.mark.parametrize("kind", [sp.Bond, sp.SSH])
def test_a_debye_bath_that_moves_the_carrier_is_warned_of_when_it_is_built(kind):
    with pytest.warns(UserWarning, match="Brownian"):
        made = kind([VIBRATION, DEBYE])
    with pytest.raises(sp.ModelError) as refused:
        parameters(model([sp.Local(DEBYE), made]))
    assert [p.key for p in refused.value.problems] == ["coupling.further_couplings.1.kind"]
    with pytest.raises(sp.ModelError) as refused:
        parameters(model(made))
    assert [p.key for p in refused.value.problems] == ["coupling.further_baths.0.kind"]
    parameters(model(made), "franck_condon")


def test_estimates_cover_the_errors_of_an_assisted_current():
    weak = sp.SSH(sp.Brownian(eta_cm=8, gamma_cm=120, frequency_cm=150))
    chain = model(weak).replace(lattice=sp.Lattice.open_chain(3))
    loose, tight = (
        sp.current_correlation(chain, 100.0, accuracy=wanted, sample_fs=5.0, progress=False)
        for wanted in (1e-2, 3e-3)
    )
    error = np.max(np.abs(loose.C_JJ - tight.C_JJ)) / abs(tight.C_JJ[0])
    assert error <= loose["errors/C/total"] <= 1e-2


@pytest.mark.parametrize("coupling", [sp.Local(DEBYE), sp.SSH(VIBRATION)])
def test_on_an_open_chain_all_couplings_start_in_the_middle(coupling):
    chain = model(coupling).replace(lattice=sp.Lattice.open_chain(3))
    run = sp.populations(chain, 2.0, accuracy=0.05, progress=False)
    assert np.argmax(run.populations[0]) == 1


def test_the_current_of_a_bond_coupling_has_its_assisted_part():
    run = sp.current_correlation(model(sp.Bond(VIBRATION)), 60.0, accuracy=5e-3, progress=False)
    rho, v, a = np.array(run["equilibrium/density_matrix"]), 50 * CM, 5.0
    shift = np.roll(np.eye(4), 1, axis=0)
    bare = v * a * 1j * (shift - shift.T)
    without = np.trace(bare @ bare @ rho).real
    width = 20 * CM * run.parameters["model"]["temperature_K"] * 0.695 * CM
    # each of two bonds per site adds its classical variance, eta k_B T, times a^2
    assert run["C_JJ"][0].real - without == pytest.approx(2 * a**2 * width, rel=0.15)
    assert abs(run["C_JJ"][0].imag) < 1e-3 * run["C_JJ"][0].real
