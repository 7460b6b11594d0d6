"""The answer of a system rests on the run that deserves it, and says what to distrust."""

from dataclasses import replace
from typing import Any

import pytest

import smallpolaron as sp
from smallpolaron.api.answers import FEW_SYSTEMS, Answer, Answers, answers_of
from smallpolaron.results.store import Result

CHAIN = sp.Model(
    lattice=sp.Lattice.chain(),
    hopping_cm=50,
    temperature_K=300,
    coupling=sp.Local(sp.Debye(eta_cm=100, gamma_cm=100)),
)


def mobility(model: sp.Model, duration_fs: float = 400.0, **options: Any) -> Result:
    options = {"accuracy": 1e-2, "progress": False} | options
    return sp.mobility(model, duration_fs, **options).stored


def ring(n_sites: int, **options: Any) -> Result:
    return mobility(CHAIN.replace(lattice=sp.Lattice.ring(n_sites)), **options)


def answer(*results: Result) -> Answer:
    (found,) = answers_of(results)
    return found


def test_the_infinite_lattice_is_believed_before_any_ring():
    endless = mobility(CHAIN)
    found = answer(ring(6), endless, ring(3))
    assert found.point == endless.parameters["point"]
    assert (found.verdict, found.why) == ("trust", "")
    assert found.mobility.value == endless.variables["mobility"].data


def test_a_ring_is_trusted_once_a_smaller_one_agrees():
    assert answer(ring(6), ring(5)).verdict == "trust"
    found = answer(ring(3), ring(4))
    assert found.verdict == "rough"
    assert "from 3 to 4 sites" in found.why
    assert answer(ring(4)).verdict == "rough"


def test_a_flagged_run_is_not_used_and_a_good_one_replaces_it():
    short = mobility(CHAIN, duration_fs=80.0)
    assert "long_time_decay" in short.failed_gates
    found = answer(short)
    assert found.verdict == "do not use"
    assert "duration_fs" in found.why
    assert answer(short, ring(6), ring(5)).verdict == "trust"


def test_temperatures_are_systems_of_their_own():
    found = answers_of([mobility(CHAIN), mobility(CHAIN.replace(temperature_K=350))])
    assert [each.verdict for each in found] == ["trust", "trust"]
    assert found[0].mobility.value == pytest.approx(found[1].mobility.value, rel=0.5)
    assert found[0].system != found[1].system


LAYER = CHAIN.replace(lattice=sp.Lattice.square(spacing_A=5.0, ratio=0.4))


def tensor(model: sp.Model) -> sp.MobilityTensor:
    return sp.mobility_tensor(model, 400.0, accuracy=1e-2, progress=False)


def test_a_tensor_answers_along_its_principal_axes():
    found = tensor(LAYER)
    own = answer(found.stored)
    values, _ = found.principal
    assert list(own.along) == ["along (1, 0, 0)", "along (0, 1, 0)"]
    assert [each.value for each in own.along.values()] == pytest.approx(values[:2])
    assert own.mobility == own.along["along (1, 0, 0)"]
    assert own.verdict == "trust"
    assert len(own.mobilities) == 2


def test_equal_principal_mobilities_are_told_once():
    own = answer(tensor(CHAIN.replace(lattice=sp.Lattice.square(spacing_A=5.0))).stored)
    assert list(own.along) == ["along (1, 0, 0) and (0, 1, 0)"]


def test_verdicts_of_many_systems_are_counted_last() -> None:
    each = Answer("a ring", sp.Value(1.0, 0.1, "cm^2 V^-1 s^-1"), {}, "trust", "", "p")
    few = (*[each] * (FEW_SYSTEMS - 1), replace(each, verdict="do not use"))
    assert not Answers("s", few, {}).tally
    many = Answers("s", (*few, each), {})
    assert many.tally == "21 systems: trust 20, rough 0, do not use 1"
    assert str(many).splitlines()[-1].strip() == many.tally
