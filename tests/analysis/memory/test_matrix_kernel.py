"""Matrix kernels against a projected linear system, whose kernel is known in closed form."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose

from smallpolaron.analysis.memory.matrix_kernel import matrix_memory_kernel
from tests.analysis.analytic_cases import ExponentialKernel, observed_order
from tests.analysis.truncated_dynamics import propagate_matrix

SIZE, SEEN = 6, 3


def waves(matrix, time, power=0):
    """Powers of a matrix times its exponential, (times, n, n)."""
    values, vectors = np.linalg.eig(matrix)
    scaled = np.exp(np.outer(time, values)) * values**power
    return np.einsum("ak,tk,kb->tab", vectors, scaled, np.linalg.inv(vectors))


@dataclass(frozen=True)
class Projected:
    """The first variables of x' = A x with a complex, non-symmetric, stable A."""

    seed: int = 3

    @property
    def matrix(self):
        random = np.random.default_rng(self.seed)
        A = 0.03 * (random.normal(size=(SIZE, SIZE)) + 1j * random.normal(size=(SIZE, SIZE)))
        return A - (np.max(np.linalg.eigvals(A).real) + 0.01) * np.eye(SIZE)

    def sample(self, step, duration):
        time = step * np.arange(round(duration / step) + 1)
        return time, *(waves(self.matrix, time, p)[:, :SEEN, :SEEN] for p in range(3))

    def kernel(self, time):
        A = self.matrix
        return -A[:SEEN, SEEN:] @ waves(A[SEEN:, SEEN:], time) @ A[SEEN:, :SEEN]

    def kernel_integral(self, time):
        A = self.matrix
        hidden = A[SEEN:, SEEN:]
        area = np.linalg.solve(hidden, waves(hidden, time) - np.eye(SIZE - SEEN))
        return -A[:SEEN, SEEN:] @ area @ A[SEEN:, :SEEN]


CASE = Projected()


@pytest.mark.parametrize("curvature", [True, False])
def test_kernel_of_a_projected_system_is_of_order_six(curvature):
    steps, errors, areas = [2.0, 1.0, 0.5], [], []
    for step in steps:
        time, C, dC, d2C = CASE.sample(step, 300.0)
        found = matrix_memory_kernel(time, C, dC, d2C if curvature else None)
        errors.append(np.max(np.abs(found.K - CASE.kernel(time))))
        areas.append(np.max(np.abs(found.integral - CASE.kernel_integral(time))))
    assert observed_order(steps, errors) > 5.2
    assert observed_order(steps, areas) > 5.2
    assert errors[-1] < 5e-8 * np.max(np.abs(CASE.kernel(time)))
    assert_allclose(found.drift, CASE.matrix[:SEEN, :SEEN], rtol=0, atol=1e-14)


def test_uncoupled_variables_have_the_kernels_of_their_own():
    cases = (ExponentialKernel(), ExponentialKernel(start=-2.0, amplitudes=(0.003, 0.001j)))
    C, dC, d2C = (np.zeros((401, 2, 2), complex) for _ in range(3))
    for i, case in enumerate(cases):
        data = case.sample(1.0, 400.0)
        C[:, i, i], dC[:, i, i], d2C[:, i, i] = data.C, data.dC, data.d2C
    found = matrix_memory_kernel(data.time, C, dC, d2C)
    for i, case in enumerate(cases):
        alone = matrix_memory_kernel(data.time, *(x[:, i : i + 1, i : i + 1] for x in (C, dC, d2C)))
        assert_allclose(found.K[:, i, i], alone.K[:, 0, 0], rtol=0, atol=1e-15)
        assert_allclose(found.K[:, i, i], case.kernel(data.time), rtol=0, atol=1e-8)
    assert np.max(np.abs(found.K[:, 0, 1])) == 0.0


def test_kernel_follows_a_change_of_variables():
    time, *series = CASE.sample(1.0, 200.0)
    change = np.array([[1.0, 2j, 0.0], [0.0, 1e-3, 1e-4], [0.3, 0.0, 1e2]])
    plain = matrix_memory_kernel(time, *series)
    turned = matrix_memory_kernel(time, *(change @ x for x in series))
    expected = change @ plain.K @ np.linalg.inv(change)
    size = np.max(np.abs(expected), axis=0)
    assert np.max(np.abs(turned.K - expected) / size) < 1e-9


def test_independent_problems_are_solved_together():
    first, second = (Projected(seed).sample(1.0, 200.0) for seed in (3, 4))
    together = [np.stack(pair, axis=1) for pair in zip(first[1:], second[1:], strict=True)]
    both = matrix_memory_kernel(first[0], *together)
    _, C, slope = propagate_matrix(both, 50.0, 260.0)
    for i, (time, *series) in enumerate((first, second)):
        alone = matrix_memory_kernel(time, *series)
        assert_allclose(both.K[:, i], alone.K, rtol=0, atol=1e-14)
        assert_allclose(both.integral[:, i], alone.integral, rtol=0, atol=1e-13)
        _, C_alone, slope_alone = propagate_matrix(alone, 50.0, 260.0)
        assert_allclose(C[:, i], C_alone, rtol=0, atol=1e-12)
        assert_allclose(slope[:, i], slope_alone, rtol=0, atol=1e-13)


def test_real_input_gives_the_same_kernel_in_real_numbers():
    time = np.arange(201.0)
    A = CASE.matrix.real - 0.05 * np.eye(SIZE)
    series = [waves(A, time, p)[:, :2, :2].real for p in range(3)]
    real = matrix_memory_kernel(time, *series)
    with_zeros = matrix_memory_kernel(time, *(x.astype(complex) for x in series))
    assert real.K.dtype == real.integral.dtype == np.float64
    assert_allclose(real.K, with_zeros.K, rtol=0, atol=1e-15)


def test_truncated_propagation_reproduces_C_when_the_cutoff_covers_the_kernel():
    time, C, dC, d2C = CASE.sample(0.5, 700.0)
    head = slice(0, 801)
    kernel = matrix_memory_kernel(time[head], C[head], dC[head], d2C[head])
    found = propagate_matrix(kernel, 300.0, 700.0)
    assert_allclose(found[0], time)
    assert_allclose(found[1], C, rtol=0, atol=1e-6)
    assert_allclose(found[2], dC, rtol=0, atol=1e-6 * np.max(np.abs(dC)))


def test_columns_propagate_on_their_own():
    time, *series = CASE.sample(1.0, 200.0)
    kernel = matrix_memory_kernel(time, *series)
    _, C, slope = propagate_matrix(kernel, 60.0, 400.0)
    _, column, rate = propagate_matrix(kernel, 60.0, 400.0, kernel.C0[:, 1:2])
    assert_allclose(column, C[:, :, 1:2], rtol=0, atol=1e-13)
    assert_allclose(rate, slope[:, :, 1:2], rtol=0, atol=1e-13)


def test_propagation_with_an_early_cutoff_converges_at_order_four_or_better():
    """The reference is the finest step; the kernel is still large where it is cut."""
    curves, steps = {}, [2.0, 1.0, 0.5]
    for step in (*steps, 0.125):
        time, *series = CASE.sample(step, 30.0)
        exact = matrix_memory_kernel(time, *series)
        _, C, _ = propagate_matrix(exact, 20.0, 120.0)
        curves[step] = C[:: round(2.0 / step)]
    errors = [np.max(np.abs(curves[step] - curves[0.125])) for step in steps]
    early, start = CASE.kernel(np.array([20.0, 0.0]))
    assert np.max(np.abs(early)) > 0.02 * np.max(np.abs(start))
    assert observed_order(steps, errors) > 3.7


def test_refusals():
    time, C, dC, d2C = CASE.sample(1.0, 60.0)
    kernel = matrix_memory_kernel(time, C, dC, d2C)
    with pytest.raises(ValueError, match=r"cutoff_fs = 5\.0 fs: must be from 6 fs"):
        propagate_matrix(kernel, 5.0, 100.0)
    with pytest.raises(ValueError, match=r"60 fs, the end of the kernel"):
        propagate_matrix(kernel, 61.0, 100.0)
    with pytest.raises(ValueError, match=r"the memory kernel needs 8 or more"):
        matrix_memory_kernel(time[:7], C[:7], dC[:7], d2C[:7])
    with pytest.raises(ValueError, match=r"dC has shape \(61, 2, 2\): must be \(61, 3, 3\), as C"):
        matrix_memory_kernel(time, C, dC[:, :2, :2])
    with pytest.raises(ValueError, match=r"C has shape \(61, 3\): must be \(61, \.\.\., m, m\)"):
        matrix_memory_kernel(time, C[:, 0], dC[:, 0])
    with pytest.raises(ValueError, match=r"d2C: 1 of 549 values not finite"):
        matrix_memory_kernel(
            time, C, dC, np.where(np.arange(549).reshape(61, 3, 3) == 7, np.nan, 1)
        )


def test_variables_that_depend_on_each_other_are_refused_whatever_their_units():
    time, *series = CASE.sample(1.0, 60.0)
    units = np.array([1.0, 1e-6, 1e-9])
    scaled = [units[:, None] * x * units for x in series]
    assert np.linalg.cond(scaled[0][0]) > 1e12
    plain = matrix_memory_kernel(time, *series)
    ratios = units[:, None] / units
    assert_allclose(matrix_memory_kernel(time, *scaled).K / ratios, plain.K, rtol=0, atol=1e-10)
    double = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
    with pytest.raises(ValueError, match=r"condition number .* project on fewer of them"):
        matrix_memory_kernel(time, *(double @ x @ double.T for x in series))
