"""Calls that do not fit: every fault with what was meant; models and baths as text."""

import numpy as np
import pytest

import smallpolaron as sp
from smallpolaron.dynamics.checkpoints import NO_CHECKPOINTS
from tests.api.cases import BATH, RING


@pytest.mark.parametrize(
    ("call", "key", "meant"),
    [
        (lambda: sp.Debye(eta=3, gamma_cm=50), "eta", ("eta_cm", "eta_meV")),
        (lambda: sp.Debye(eta_cm=3, gama_cm=50), "gama_cm", ("gamma_cm",)),
        (lambda: sp.Debye(1, 2, 3, 4, 5), "arguments", ()),
        (lambda: sp.Vibration(huang_rhys=1, frequency=3), "frequency", ("frequency_cm",)),
        (lambda: sp.Model(lattice=RING.lattice, coupling=RING.coupling), "temperature_K", ()),
        (lambda: RING.replace(temperature=3), "temperature", ("temperature_K",)),
        (lambda: sp.Lattice.ring(n=3), "n", ()),
        (lambda: sp.current_correlation(RING, duration=30), "duration", ("duration_fs",)),
        (lambda: sp.populations(RING), "duration_fs", ()),
        (lambda: sp.mobility_tensor(direction="x"), "direction", ("directions",)),
    ],
)
def test_a_call_that_does_not_fit_says_what_was_meant(call, key, meant):
    with pytest.raises(sp.ModelError) as refused:
        call()
    (problem,) = refused.value.problems
    assert problem.key == key
    assert all(f"{name}=" in problem.advice for name in meant)


def test_everything_that_is_missing_is_told_at_once():
    with pytest.raises(sp.ModelError) as refused:
        sp.Model(lattice=RING.lattice)
    assert [p.key for p in refused.value.problems] == ["temperature_K", "coupling"]


def test_a_bath_is_printed_as_it_could_be_written():
    for bath in (BATH, sp.Brownian(eta_meV=10, gamma_cm=20, frequency_cm=150.0)):
        again = eval(repr(bath), vars(sp))
        assert again.eta_cm == pytest.approx(bath.eta_cm, rel=1e-5)
    coupling = sp.Bond([sp.Brownian(10, 20, 150.0), sp.Ohmic(3, 40)], method="esprit")
    assert eval(repr(coupling), vars(sp)) == coupling


def test_a_table_is_printed_by_its_size_and_strength():
    omega = np.linspace(0, 400, 201)
    text = repr(sp.SpectralDensity(omega, omega * np.exp(-omega / 30)))
    # (1/pi) int exp(-w/30) dw = 30/pi
    assert "201 rows" in text
    assert "400" in text
    assert "9.549" in text
    assert len(text) < 100


def test_a_model_is_printed_line_by_line():
    made = RING.replace(
        lattice=sp.Lattice.ring(12), site_energies_cm=range(12), disorder=sp.Disorder(3.0)
    )
    lines = dict(line.split(None, 1) for line in repr(made).splitlines()[1:])
    assert lines["hopping"] == "50 cm⁻¹"
    assert lines["coupling"] == repr(made.coupling)
    assert "12 from 0 to 11" in repr(made)
    assert "disorder" in lines
    assert "realisation" not in lines


def test_the_cost_is_that_of_the_command_line():
    from smallpolaron.cost.prediction import Range
    from smallpolaron.planning.resources import estimate
    from smallpolaron.study.sections import ResourcesConfig

    found = sp.estimate_cost(RING, 600, accuracy=1e-3)
    point = RING.point(
        "current", {"accuracy": 1e-3, "propagation": {"duration_fs": 600, "sample_fs": 1.0}}
    )
    need = estimate(point.parameters, "current", ResourcesConfig(), least_ranks=1)
    assert found.elements == need.labels
    hours = need.core_hours
    assert found.core_seconds == Range(3600 * hours.expected, hours.factor)
    assert found.seen
    assert not found.outgrows
    small = sp.estimate_cost(
        RING.replace(lattice=sp.Lattice.square(5)), 600, run="marcus", max_elements=100
    )
    assert small.outgrows
    assert not small.seen
    assert found.warning == ""
    assert small.warning


def test_an_expensive_run_is_announced_before_it_starts(monkeypatch):
    from smallpolaron.api import runs

    class Begun(Exception):
        pass

    def begin(*_given, **_more):
        raise Begun

    monkeypatch.setattr(runs, "run_point", begin)
    said = {}
    for lattice in (sp.Lattice.ring(4, spacing_A=5), sp.Lattice.square(5)):
        terminal = _Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        with pytest.raises(Begun):
            sp.mobility(RING.replace(lattice=lattice), 600, max_elements=10_000, progress=True)
        said[lattice.is_infinite] = terminal.text
    assert not said[False]
    assert "max_elements" in said[True]


@pytest.mark.parametrize("run", [sp.current_correlation, sp.populations])
def test_a_run_ends_with_what_it_reached_when_its_time_is_over(run):
    with pytest.raises(sp.LimitReached, match=r"max_minutes.* elements"):
        run(RING, 600, accuracy=1e-4, max_minutes=1e-6)


@pytest.mark.parametrize("minutes", [0, -1, float("nan")])
def test_a_time_that_is_none_is_refused(minutes):
    with pytest.raises(sp.ModelError, match="max_minutes"):
        sp.mobility(RING, 600, max_minutes=minutes)


def test_time_enough_changes_nothing():
    free, timed = (
        sp.current_correlation(RING, 60.0, accuracy=1e-2, max_minutes=most) for most in (None, 60)
    )
    np.testing.assert_array_equal(timed.C_JJ, free.C_JJ)


class _Terminal:
    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return True


def test_a_terminal_shows_one_line_that_goes_away(monkeypatch):
    from smallpolaron.api import status

    monkeypatch.setattr(status, "_FIRST_S", 0.0)
    terminal = _Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    found = sp.current_correlation(RING, 60.0, accuracy=1e-2)
    shown = [line.strip() for line in terminal.text.split("\r") if line.strip()]
    assert shown
    assert all(line.endswith(" s") for line in shown)
    assert "\n" not in terminal.text
    assert terminal.text.endswith("\r")
    terminal.text = ""
    again = sp.current_correlation(RING, 60.0, accuracy=1e-2, progress=False)
    assert terminal.text == ""
    np.testing.assert_array_equal(again.C_JJ, found.C_JJ)


def test_a_long_message_leaves_room_for_the_time():
    from smallpolaron.api import status

    line = status.StatusLine(NO_CHECKPOINTS)
    line.report("x" * 200)
    assert line.text().endswith(" s")
    assert len(line.text()) == status._WIDTH
