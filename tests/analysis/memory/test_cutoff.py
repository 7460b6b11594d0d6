import numpy as np
import pytest
from numpy.testing import assert_allclose

from smallpolaron.analysis.memory.cutoff import settling_time, settling_times
from smallpolaron.model.units import BOHR_A, paper_units

TIME = np.arange(0.0, 501.0)


def test_band_of_two_thousandths_of_a_paper_unit():
    """An exponential approach leaves the band at a time known in closed form."""
    D = 0.047 * (1.0 - np.exp(-0.02 * TIME))
    found = settling_time(TIME, D, "band", 0.002, reference=0.047)
    exact = np.log(0.047 * 2.0 / BOHR_A**2 / 0.002) / 0.02
    assert found.met
    assert found.time_fs == np.ceil(exact)
    assert_allclose(paper_units(found.half_width), 0.002)
    assert found.reference == 0.047


def test_one_percent_band():
    D = 3.0 * (1.0 - np.exp(-0.02 * TIME))
    found = settling_time(TIME, D, "percent", 1.0, reference=3.0)
    assert found.time_fs == np.ceil(np.log(100.0) / 0.02)


def test_a_late_excursion_counts():
    D = np.full(TIME.size, 2.0)
    D[:10] = 0.0
    D[200] = 2.021
    assert settling_time(TIME, D, "percent", 1.0).time_fs == 201.0
    D[200] = 2.019
    assert settling_time(TIME, D, "percent", 1.0).time_fs == 10.0


def test_unstable_cutoffs_count_as_outside():
    D = np.full(TIME.size, 2.0)
    D[120:150] = np.nan
    assert settling_time(TIME, D, "percent", 1.0).time_fs == 150.0


def test_the_band_includes_its_edge_and_negative_references_work():
    D = np.full(TIME.size, -2.0)
    D[:7] = -2.5
    D[7] = -2.25
    assert settling_time(TIME, D, "percent", 12.5).time_fs == 7.0


def test_never_met_says_why():
    rising = 0.01 * TIME
    found = settling_time(TIME, rising, "percent", 1.0)
    assert not found.met
    assert np.isnan(found.time_fs)
    assert "too short" in found.reason
    found = settling_time(TIME, rising, "percent", 1.0, reference=7.0)
    assert not found.met
    assert "outside the band at the last time, 500 fs" in found.reason
    undefined = np.where(TIME > 400, np.nan, 1.0)
    found = settling_time(TIME, undefined, "band", 0.002)
    assert not found.met
    assert "undefined" in found.reason


def test_always_inside_is_said():
    found = settling_time(TIME, np.ones(TIME.size), "percent", 1.0)
    assert found.time_fs == 0.0
    assert "first time" in found.reason


def test_both_criteria_name_themselves():
    found = settling_times(TIME, 1.0 - np.exp(-0.05 * TIME), 1.0, band_percent=5.0)
    assert "0.002 paper units" in found.band.criterion
    assert "±5 %" in found.percent.criterion
    assert found.percent.time_fs < found.band.time_fs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((TIME, TIME[:-1], "band", 0.002), r"D has shape \(500,\)"),
        ((TIME[::-1], TIME, "band", 0.002), r"increasing times"),
        ((TIME, TIME, "bands", 0.002), r"criterion = 'bands'"),
        ((TIME, TIME, "band", 0.0), r"width = 0\.0"),
        ((TIME, TIME, "band", 0.002, np.nan), r"reference = nan"),
        ((TIME, TIME * np.nan, "band", 0.002), r"no finite value"),
    ],
)
def test_malformed_input_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        settling_time(*arguments)
