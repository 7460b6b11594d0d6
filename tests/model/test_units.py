import math

import pytest
from numpy.testing import assert_allclose
from scipy import constants

from smallpolaron.model import units


def test_wavenumber_from_the_speed_of_light():
    # One cm^-1 has a period of 33356.41 fs.
    assert_allclose(2.0 * math.pi / units.CM_TO_RAD_FS, 33356.40952, rtol=1e-9)


def test_constants_are_those_of_scipy():
    assert_allclose(
        units.CM_TO_RAD_FS, 2e2 * constants.pi * constants.c * constants.femto, rtol=1e-15
    )
    assert_allclose(units.KB_CM, constants.k / (constants.h * constants.c) / 100, rtol=1e-15)
    assert_allclose(units.KB_RAD_FS, constants.k / constants.hbar * constants.femto, rtol=1e-15)
    assert_allclose(units.CM2_S_PER_A2_FS, 0.1, rtol=1e-15)


def test_room_temperature():
    assert_allclose(units.KB_CM, 0.695034800, rtol=1e-8)
    assert_allclose(units.thermal_energy(300.0) / units.CM_TO_RAD_FS, 208.51044, rtol=1e-7)
    assert_allclose(units.beta(300.0) * units.thermal_energy(300.0), 1.0, rtol=1e-15)


def test_mobility_of_a_room_temperature_carrier():
    # 1 angstrom^2/fs = 0.1 cm^2/s; k_B T/e at 300 K = 25.852 mV.
    assert_allclose(units.mobility_cm2(1.0, 300.0), 0.1 / 0.025851999787, rtol=1e-9)


def test_paper_units():
    assert_allclose(units.paper_units(1.0), 7.142, rtol=3e-5)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_unphysical_temperatures_are_refused(temperature):
    for function in (units.beta, units.thermal_energy, lambda T: units.mobility_cm2(1.0, T)):
        with pytest.raises(ValueError, match=r"temperature_K = "):
            function(temperature)
