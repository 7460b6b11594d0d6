import numpy as np
import pytest
from numpy.testing import assert_allclose

from smallpolaron.analysis.hermite import half_line_transform, make_series
from smallpolaron.analysis.kubo import kubo_transform
from smallpolaron.analysis.memory.kernel import (
    MemoryKernel,
    closed_form_D,
    memory_kernel,
    step_check,
)
from smallpolaron.analysis.memory.truncation import cutoff_scan
from smallpolaron.analysis.memory.volterra import gregory_weights
from tests.analysis.analytic_cases import (
    TEMPERATURE,
    ExponentialKernel,
    GaussianBands,
    observed_order,
)
from tests.analysis.truncated_dynamics import kernel_spectrum, kubo_kernel, propagate, propagated_D

CASE = ExponentialKernel()
STEPS = [4.0, 2.0, 1.0]
UNSTABLE_WHEN_CUT = ExponentialKernel(
    drift=0j, amplitudes=(0.002, 0.002), rates=(0.01 + 0.05j, 0.01 - 0.05j)
)
UNSTABLE_IN_BANDS = ExponentialKernel(drift=0.02j, amplitudes=(0.004,), rates=(0.008 + 0.08j,))


def exact_kernel(case: ExponentialKernel, step: float, duration: float) -> MemoryKernel:
    time = step * np.arange(round(duration / step) + 1)
    K, integral = case.kernel(time), case.kernel_integral(time)
    return MemoryKernel(time, K, integral, case.drift, case.start + 0j)


@pytest.mark.parametrize("panels", [4, 5, 6, 7, 8, 9, 30])
def test_gregory_weights_integrate_quartics_exactly(panels):
    x = np.arange(panels + 1) / panels
    for power in range(5):
        exact = 1.0 / (power + 1)
        assert_allclose(gregory_weights(panels) @ x**power / panels, exact, rtol=1e-13)


@pytest.mark.parametrize("derivatives", [True, False])
def test_kernel_of_a_complex_kernel_known_in_closed_form_is_of_order_six(derivatives):
    errors = []
    for step in STEPS:
        data = CASE.sample(step, 600.0)
        exact = (data.dC, data.d2C) if derivatives else (None, None)
        found = memory_kernel(make_series(data.time, data.C, *exact))
        errors.append(np.max(np.abs(found.K - CASE.kernel(data.time))))
    assert 4.9 < observed_order(STEPS, errors) < 8.0
    scale = np.max(np.abs(CASE.kernel(data.time)))
    assert errors[-1] < (2e-8 if derivatives else 4e-7) * scale
    # Between the two finest steps the start-up has died out and the full order shows.
    if derivatives:
        assert np.log2(errors[1] / errors[2]) > 5.4


@pytest.mark.parametrize("derivatives", [True, False])
def test_integral_of_the_kernel_is_of_order_six(derivatives):
    steps, errors = [2.0, 1.0, 0.5], []
    for step in steps:
        data = CASE.sample(step, 600.0)
        exact = (data.dC, data.d2C) if derivatives else (None, None)
        found = memory_kernel(make_series(data.time, data.C, *exact))
        errors.append(np.max(np.abs(found.integral - CASE.kernel_integral(data.time))))
    assert observed_order(steps, errors) > 5.4
    assert errors[-1] < 1e-8 * np.max(np.abs(CASE.kernel_integral(data.time)))


def test_kubo_kernel_of_a_cusp_keeps_its_integral():
    """A cusp of Re C makes the Kubo kernel diverge at time zero; D must not suffer."""
    time = np.arange(801.0)
    s = complex(-0.02, -0.05)
    C, dC, d2C = (s**p * np.exp(s * time) for p in range(3))
    kubo = kubo_transform(make_series(time, C, dC, d2C), TEMPERATURE)
    kernel = kubo_kernel(kubo)
    assert_allclose(closed_form_D(kernel)[-1], (-1.0 / s).real, rtol=1e-4)
    assert abs(kernel.K[-1]) < 1e-4 * abs(kernel.K[1])
    _, C, _ = propagate(kernel, 800.0, 800.0)
    assert_allclose(C.real, kubo.values, rtol=0, atol=1e-3 * kubo.values[0])


def test_kernel_carries_drift_and_start():
    data = CASE.sample(1.0, 100.0)
    found = memory_kernel(data.series)
    assert_allclose(found.drift, CASE.drift, rtol=1e-12)
    assert_allclose(found.C0, CASE.start, rtol=1e-12)
    assert_allclose(found.K[0], sum(CASE.amplitudes), rtol=1e-12)


def test_propagation_with_the_whole_kernel_is_of_order_six():
    errors = []
    for step in STEPS:
        data = CASE.sample(step, 600.0)
        _, C, slope = propagate(exact_kernel(CASE, step, 600.0), 600.0, 600.0)
        errors.append(max(np.max(np.abs(C - data.C)), 30.0 * np.max(np.abs(slope - data.dC))))
    assert observed_order(STEPS, errors) > 5.2


def test_truncated_propagation_reproduces_C_when_the_cutoff_covers_the_kernel():
    data = CASE.sample(1.0, 1500.0)
    head = slice(0, 401)
    kernel = memory_kernel(
        make_series(data.time[head], data.C[head], data.dC[head], data.d2C[head])
    )
    time, C, slope = propagate(kernel, 350.0, 1500.0)
    assert_allclose(time, data.time)
    assert_allclose(C, data.C, rtol=0, atol=1e-6 * abs(data.C[0]))
    assert_allclose(slope, data.dC, rtol=0, atol=1e-6 * np.max(np.abs(data.dC)))


def test_truncated_propagation_with_an_early_cutoff_converges_at_order_four_or_better():
    """The kernel is cut where it is still large; the reference is the finest step."""
    curves = {}
    for step in (4.0, 2.0, 1.0, 0.25):
        _, C, _ = propagate(exact_kernel(CASE, step, 40.0), 40.0, 400.0)
        curves[step] = C[:: round(4.0 / step)]
    errors = [np.max(np.abs(curves[step] - curves[0.25])) for step in STEPS]
    assert abs(CASE.kernel(np.array([40.0]))[0]) > 0.05 * abs(CASE.kernel(np.zeros(1))[0])
    assert observed_order(STEPS, errors) > 4.0


def test_closed_form_D_of_the_whole_kernel_is_the_direct_integral():
    data = CASE.sample(1.0, 800.0)
    kernel = memory_kernel(data.series)
    exact = CASE.transform(np.zeros(1))[0].real
    assert_allclose(closed_form_D(kernel)[-1], exact, rtol=1e-6)


@pytest.mark.parametrize("cutoff", [8.0, 20.0, 50.0, 120.0])
def test_closed_form_D_agrees_with_long_propagation(cutoff):
    kernel = exact_kernel(CASE, 1.0, 400.0)
    D, leftover = propagated_D(kernel, cutoff, 4000.0)
    assert leftover < 1e-12
    assert_allclose(closed_form_D(kernel)[int(cutoff)], D, rtol=2e-6)


@pytest.mark.parametrize("case", [CASE, UNSTABLE_WHEN_CUT, UNSTABLE_IN_BANDS])
def test_unstable_cutoffs_are_those_whose_propagation_grows(case):
    kernel = exact_kernel(case, 1.0, 600.0)
    scan = cutoff_scan(kernel)
    seen = set()
    for cutoff in range(6, 230, 14):
        _, C, _ = propagate(kernel, float(cutoff), 4000.0)
        grows = np.max(np.abs(C[3000:])) > np.max(np.abs(C[2000:3000]))
        seen.add(grows)
        assert (scan.growing_modes[cutoff] > 0) == grows, cutoff
        assert np.isnan(scan.D[cutoff]) or not grows
    assert seen == ({False} if case is CASE else {True, False})


def test_number_of_growing_modes_of_an_uncut_unstable_system():
    case = ExponentialKernel(drift=0j, amplitudes=(0.02, -0.0195), rates=(0.02, 0.0175))
    assert np.sum(case.modes()[0].real > 0) == 1
    scan = cutoff_scan(exact_kernel(case, 1.0, 800.0))
    assert scan.growing_modes[-1] == 1
    assert not scan.stable[-1]


def test_without_memory_an_undamped_current_is_not_stable():
    assert not cutoff_scan(exact_kernel(CASE, 1.0, 100.0)).stable[0]


@pytest.mark.parametrize("rounding", [-1e-16, 1e-16])
@pytest.mark.parametrize("frequency", [0.0, 0.01, 0.0137])  # on and between the tested ones
def test_a_mode_that_grows_by_rounding_is_not_counted(rounding, frequency):
    case = ExponentialKernel(rounding + 1j * frequency)
    scan = cutoff_scan(exact_kernel(case, 1.0, 100.0))
    assert scan.growing_modes[0] == 0
    assert not scan.stable[0]


def test_kernel_spectrum_is_the_transform_of_the_kernel():
    data = CASE.sample(1.0, 1600.0)
    omega = np.linspace(-0.3, 0.3, 25)
    exact = np.sum(np.array(CASE.amplitudes) / (np.array(CASE.rates) - 1j * omega[:, None]), axis=1)
    direct = kernel_spectrum(data.time, data.C, omega, data.dC, data.d2C)
    assert_allclose(direct, exact, rtol=0, atol=1e-9)
    kernel = memory_kernel(data.series)
    assert_allclose(
        half_line_transform(make_series(kernel.time_fs, kernel.K), omega), exact, rtol=0, atol=1e-7
    )


def test_kubo_kernel_is_real_and_matches_its_spectrum():
    bands = GaussianBands(weights=(1.0,), centres=(0.03,), width=0.05)
    data = bands.sample(0.5, 400.0)
    kubo = kubo_transform(data.series, TEMPERATURE)
    kernel = kubo_kernel(kubo)
    assert kernel.drift == 0.0
    assert_allclose(kernel.K.imag, 0.0, atol=1e-15)
    assert_allclose(kernel.K[0].real, -kubo.second[0] / kubo.values[0], rtol=1e-7)
    _, C, _ = propagate(kernel, 390.0, 400.0)
    assert_allclose(C.real, kubo.values, rtol=0, atol=1e-7 * kubo.values[0])


def test_step_check_reports_what_halving_the_samples_changes():
    data = CASE.sample(1.0, 601.0)
    found = step_check(data.series)
    exact = CASE.transform(np.zeros(1))[0].real
    assert 1e-7 < found.kernel_change < 1e-6
    assert abs(found.D_fine / exact - 1.0) < found.D_change / 16.0
    rough = CASE.sample(4.0, 600.0)
    assert step_check(rough.series).kernel_change > 1e-4
    assert step_check(make_series(data.time, data.C)).kernel_change > found.kernel_change


def test_refusals():
    data = CASE.sample(1.0, 60.0)
    kernel = memory_kernel(data.series)
    with pytest.raises(ValueError, match=r"cutoff_fs = 5\.0 fs: must be from 6 fs"):
        propagate(kernel, 5.0, 100.0)
    with pytest.raises(ValueError, match=r"60 fs, the end of the kernel"):
        propagate(kernel, 61.0, 100.0)
    with pytest.raises(ValueError, match=r"duration_fs = -1"):
        propagate(kernel, 20.0, -1.0)
    with pytest.raises(ValueError, match=r"must exceed cutoff_fs"):
        propagated_D(kernel, 50.0, 52.0)
    with pytest.raises(ValueError, match=r"the memory kernel needs 8 or more"):
        memory_kernel(make_series(data.time[:7], data.C[:7], data.dC[:7], data.d2C[:7]))
    with pytest.raises(ValueError, match=r"C\[0\] = 0"):
        memory_kernel(make_series(data.time, data.C - data.C[0]))
    with pytest.raises(ValueError, match=r"time_fs has 16 points"):
        step_check(make_series(data.time[:16], data.C[:16]))
