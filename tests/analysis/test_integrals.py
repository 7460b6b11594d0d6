import numpy as np
import pytest
from numpy.testing import assert_allclose

from smallpolaron.analysis.differences import differentiate
from smallpolaron.analysis.hermite import cumulative_integral, half_line_transform, make_series
from smallpolaron.analysis.mobility import ac_mobility, mobility
from smallpolaron.model.units import mobility_cm2, paper_units
from tests.analysis.analytic_cases import TEMPERATURE, ExponentialKernel, observed_order
from tests.analysis.truncated_dynamics import drude_smith_curve, drude_smith_mobility

CASE = ExponentialKernel()
STEPS = [4.0, 2.0, 1.0]


@pytest.mark.parametrize(("derivative", "lowest"), [(1, 7.4), (2, 6.4)])
def test_order_of_finite_differences_up_to_the_ends(derivative, lowest):
    steps, errors = [1.0, 0.5], []
    for step in steps:
        data = CASE.sample(step, 400.0)
        exact = data.dC if derivative == 1 else data.d2C
        errors.append(np.max(np.abs(differentiate(data.C, step, derivative) - exact)))
    assert observed_order(steps, errors) > lowest


@pytest.mark.parametrize("given", ["both", "first", "none"])
def test_running_integral_is_of_order_six(given):
    errors = []
    values, shares = CASE.modes()
    for step in STEPS:
        data = CASE.sample(step, 400.0)
        derivatives = {
            "both": (data.dC, data.d2C),
            "first": (data.dC,),
            "none": (),
        }[given]
        exact = ((np.exp(np.outer(data.time, values)) - 1.0) @ (shares / values)).real
        found = cumulative_integral(make_series(data.time, data.C, *derivatives)).real
        errors.append(np.max(np.abs(found - exact)))
    assert observed_order(STEPS, errors) > 5.7
    assert errors[-1] < 1e-9


def test_half_line_transform_is_of_order_six_in_the_step():
    errors = []
    omega = np.linspace(-0.3, 0.3, 41)
    for step in STEPS:
        data = CASE.sample(step, 1600.0)
        found = half_line_transform(data.series, omega)
        errors.append(np.max(np.abs(found - CASE.transform(omega))))
    assert 5.7 < observed_order(STEPS, errors) < 6.5


def test_half_line_transform_far_above_the_sampling_limit():
    data = CASE.sample(1.0, 1600.0)
    omega = np.array([-40.0, -9.0, 3.3, 12.0, 150.0])
    found = half_line_transform(data.series, omega)
    assert_allclose(found, CASE.transform(omega), rtol=1e-6)


def test_drude_smith_mobility_from_its_time_function():
    C0, c, k = 2.3, -0.58, 0.0161
    time = np.arange(0.0, 2001.0)
    omega = np.linspace(-0.4, 0.4, 81)
    kt = k * time
    curve = C0 * drude_smith_curve(time, c, k)
    slope = C0 * k * (c - 1.0 - c * kt) * np.exp(-kt)
    curvature = C0 * k**2 * (1.0 - 2.0 * c + c * kt) * np.exp(-kt)
    exact = drude_smith_mobility(omega, C0, c, k, TEMPERATURE)
    found = ac_mobility(make_series(time, curve, slope, curvature), omega, TEMPERATURE)
    assert_allclose(found, exact, rtol=0, atol=1e-11 * np.max(np.abs(exact)))
    plain = ac_mobility(make_series(time, curve), omega, TEMPERATURE)
    assert_allclose(plain, exact, rtol=0, atol=1e-9 * np.max(np.abs(exact)))


def test_dc_limit_of_the_ac_mobility_is_the_einstein_mobility():
    data = CASE.sample(1.0, 1600.0)
    dc = ac_mobility(
        make_series(data.time, data.C.real, data.dC.real, data.d2C.real), [0.0], TEMPERATURE
    )
    found = mobility(data.series, TEMPERATURE)
    assert_allclose(dc[0], found.mobility_cm2, rtol=1e-12)
    assert_allclose(found.mobility_cm2, mobility_cm2(CASE.transform(np.zeros(1))[0].real, 300.0))
    assert found.D_paper == paper_units(found.D_A2_fs)


def test_kramers_kronig_and_sum_rule():
    """Im mu follows from Re mu; the area under Re mu is pi/2 times mu's value at time zero."""
    data = CASE.sample(1.0, 1600.0)
    C, dC = data.C.real, data.dC.real
    omega = np.linspace(-20.0, 20.0, 10001)
    mu = ac_mobility(make_series(data.time, C, dC, data.d2C.real), omega, TEMPERATURE)
    scale = mobility_cm2(1.0, TEMPERATURE)
    step = omega[1] - omega[0]
    # The real part falls as -C'(0)/omega**2; what lies beyond the grid is added in closed form.
    area = np.sum(mu.real) * step + scale * 2.0 * -dC[0] / omega[-1]
    assert_allclose(area, np.pi * scale * C[0], rtol=1e-6)
    # Principal value with the singular point midway between grid points: it cancels by symmetry.
    for index in (5008, 5025):
        at = omega[index] + step / 2.0
        exact = ac_mobility(make_series(data.time, C, dC, data.d2C.real), [at], TEMPERATURE)[0].imag
        principal = np.sum(mu.real / (omega - at)) * step
        assert_allclose(-principal / np.pi, exact, rtol=1e-5)


def test_drift_and_tail_of_a_record_that_ends_too_early():
    data = CASE.sample(1.0, 1600.0)
    exact = CASE.transform(np.zeros(1))[0].real
    for end in (120, 200, 400, 800):
        part = slice(0, end + 1)
        found = mobility(
            make_series(data.time[part], data.C[part], data.dC[part], data.d2C[part]), 300.0
        )
        assert abs(found.D_A2_fs - exact) < found.D_error_record_A2_fs + 1e-10
    assert found.D_error_record_A2_fs < 1e-4 * exact


def test_undamped_correlation_has_no_diffusion_constant():
    time = np.arange(300.0)
    assert mobility(make_series(time, np.cos(0.1 * time)), 300.0).D_error_record_A2_fs == np.inf


def test_noise_after_the_decay_is_not_mistaken_for_a_tail():
    time = np.arange(1000.0)
    noise = 1e-9 * np.random.default_rng(1).standard_normal(time.size)
    C = np.exp(-0.05 * time) + noise
    C[-1] = 1e-8
    assert mobility(make_series(time, C), 300.0).D_error_record_A2_fs < 2e-5


MALFORMED = {
    "uneven": (lambda t, C: (np.append(t[:-1], t[-1] + 0.5), C), r"resample"),
    "offset": (lambda t, C: (t + 1.0, C), r"time_fs\[0\] = 1\.0 fs: must be 0"),
    "backwards": (lambda t, C: (t[::-1], C), r"does not increase"),
    "nan": (lambda t, C: (t, np.where(t == 7, np.nan, C)), r"C\[7\] = .*not finite"),
    "shape": (lambda t, C: (t, C[:-1]), r"C has 40 values, the time grid 41"),
    "matrix": (lambda t, C: (t, np.outer(C, C)), r"C has shape \(41, 41\)"),
    "short": (lambda t, C: (t[:5], C[:5]), r"time_fs has 5 points"),
    "text": (lambda t, C: (t, ["a"] * 41), r"C: cannot be read as numbers"),
    "complex time": (lambda t, C: (t + 0j, C), r"time_fs is complex"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_input_is_refused(case):
    change, message = MALFORMED[case]
    time = np.arange(41.0)
    with pytest.raises(ValueError, match=message):
        make_series(*change(time, np.exp(-0.1 * time)))


def test_other_refusals():
    time = np.arange(41.0)
    C = np.exp(-0.1 * time)
    with pytest.raises(ValueError, match=r"d2C is given without dC"):
        make_series(time, C, second=C)
    with pytest.raises(ValueError, match=r"C_kubo is complex"):
        ac_mobility(make_series(time, 1j * C), [0.0], 300.0)
    with pytest.raises(ValueError, match=r"temperature_K = 0"):
        mobility(make_series(time, C), 0.0)
    with pytest.raises(ValueError, match=r"20 or more"):
        mobility(make_series(time[:19], C[:19]), 300.0)
