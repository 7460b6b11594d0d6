"""Quality gates: checks that a result must pass before anyone should trust it.

Every gate compares one number, zero for an exact result, with a bound.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import complex_series, positive, real_series, value_at_zero
from smallpolaron.model.units import beta, thermal_energy

DETAILED_BALANCE_BOUND: Final = 5e-3
"""A finite set of bath exponentials violates detailed balance: measured 4e-4 to 1.4e-3 with the
Debye pole and terminator alone, 5e-5 with one more term."""

F_SUM_BOUND: Final = 5e-3
"""Converged rings reach 4e-4; a hierarchy a few levels too shallow exceeds a percent."""

TRACE_BOUND: Final = 1e-6
"""The generator conserves the trace exactly, so only the integrator's tolerance shows; on adaptive
bases of mixed terms it does so to the accuracy."""

HERMITICITY_BOUND: Final = 1e-6
"""The generator keeps Hermitian states Hermitian, so only the integrator's tolerance shows."""

POPULATION_BOUND: Final = 1e-3
"""Too shallow a hierarchy lets populations leave [0, 1]."""

LONG_TIME_BOUND: Final = 1e-3
"""What has not decayed to a thousandth leaves an unknown share of the mobility beyond the end."""

CAUCHY_SCHWARZ_BOUND: Final = 1e-6
"""|C(t)| cannot exceed C(0) for a stationary equilibrium state; rounding is all that may remain."""

REAL_AT_ZERO_BOUND: Final = 1e-5
"""C(0) is the mean of a squared Hermitian operator, real for a Hermitian equilibrium state."""

STATIONARITY_BOUND: Final = 1e-6
"""Rate of change of the equilibrium state in fs^-1: over 1000 fs it then moves by a thousandth."""

FRONTIER_BOUND: Final = 1e-3
"""Share of a stationary or final state on the outermost operators: measured 1e-6 to 6e-4 on rings
where D is within half a percent of its limit in depth."""

PRODUCTION_FRONTIER_BOUND: Final = 0.2
"""J rho_eq climbs the hierarchy while it decays. On rings at depths 8 to 24 the relative error of D
was at most 0.2 times the square of this share: 0.2 stands for less than a percent."""


@dataclass(frozen=True)
class Gate:
    """One quality check.

    Attributes:
        name: short name, used as a key in result files and tables.
        value: measured number, zero for an exact result; NaN if it could not be measured.
        passed: whether the value is finite and not above the bound.
        meaning: what the number measures, in words.
    """

    name: str
    value: float
    bound: float
    passed: bool
    meaning: str

    def __post_init__(self) -> None:
        """Refuse a verdict that contradicts the numbers.

        Raises:
            ValueError: if passed does not follow from value and bound, or the bound is NaN.
        """
        if math.isnan(self.bound):
            raise ValueError(f"gate {self.name}: bound is not a number; give a finite bound")
        if bool(self.passed) != (math.isfinite(self.value) and self.value <= self.bound):
            raise ValueError(
                f"gate {self.name}: passed = {self.passed} contradicts value {self.value} "
                f"and bound {self.bound}; build gates with make_gate"
            )


def make_gate(name: str, value: float, bound: float, meaning: str) -> Gate:
    """Return a gate whose verdict follows from its numbers; a value that is not finite fails."""
    number = float(value)
    passed = math.isfinite(number) and number <= bound
    return Gate(name, number, float(bound), passed, meaning)


def detailed_balance(
    omega: ArrayLike,
    full_spectrum: ArrayLike,
    temperature_K: float,
    bound: float = DETAILED_BALANCE_BOUND,
) -> Gate:
    """Detailed balance of the spectrum of the complex C_JJ.

    Args:
        omega: angular frequencies in rad/fs, increasing and symmetric about zero, (frequencies,).
        full_spectrum: two-sided spectrum of C_JJ (frequencies,), real.
        temperature_K: temperature in K, above zero.
        bound: largest acceptable value.

    Returns:
        Gate; value is the largest |S(-omega) - exp(-beta omega) S(omega)| over omega >= 0,
        relative to the largest |S|.

    Raises:
        ValueError: if the grid is not symmetric or the spectrum vanishes.

    Source:
        Fluctuation-dissipation theorem: emission is absorption times the Boltzmann factor.
    """
    frequencies = real_series("omega", omega)
    spectrum = real_series("full_spectrum", full_spectrum, frequencies.size)
    if not np.allclose(frequencies, -frequencies[::-1], rtol=0, atol=1e-9 * abs(frequencies[-1])):
        raise ValueError("omega: must be symmetric about zero; use the grid that spectra returns")
    largest = float(np.max(np.abs(spectrum)))
    if largest == 0.0:
        raise ValueError("full_spectrum: zero everywhere; check the correlation function")
    absorbed = frequencies >= 0.0
    boltzmann = np.exp(-beta(temperature_K) * frequencies[absorbed])
    violation = spectrum[::-1][absorbed] - boltzmann * spectrum[absorbed]
    return make_gate(
        "detailed_balance",
        float(np.max(np.abs(violation))) / largest,
        bound,
        "largest violation of S(-omega) = exp(-beta omega) S(omega), relative to the largest S",
    )


def f_sum(
    C_kubo_zero: float,
    hopping_energy: float,
    lattice_constant_A: float,
    temperature_K: float,
    flux_stiffness: float = 0.0,
    bound: float = F_SUM_BOUND,
) -> Gate:
    """Sum rule for the Kubo-transformed correlation function at time zero.

    Args:
        C_kubo_zero: C_kubo(0) in angstrom^2/fs^2.
        hopping_energy: equilibrium mean of the hopping energy in rad/fs, negative.
        lattice_constant_A: lattice constant in angstrom.
        temperature_K: temperature in K, above zero.
        flux_stiffness: second derivative F'' of the free energy with respect to the flux phase
            per bond, rad/fs: carrier paths around a ring. Zero for open chains.
        bound: largest acceptable value.

    Returns:
        Gate; value is the deviation of C_kubo(0) from the sum rule, relative to the part of the
        hopping energy: on a cold ring both parts nearly cancel.

    Raises:
        ValueError: if the hopping energy is not negative, or the lattice constant not positive.

    Source:
        f-sum rule of a nearest-neighbour tight-binding model: C_kubo(0) is the squared lattice
        constant times (<-H_hop> - F'') times k_B T (Scalapino, White, Zhang, Phys. Rev. B 1993).
    """
    if not hopping_energy < 0.0:
        raise ValueError(
            f"hopping_energy = {hopping_energy} rad/fs: it must be negative in equilibrium; check "
            "its sign and that the equilibrium state has converged"
        )
    lattice = positive("lattice_constant_A", lattice_constant_A)
    scale = lattice**2 * thermal_energy(temperature_K)
    return make_gate(
        "f_sum",
        abs(C_kubo_zero + scale * (hopping_energy + flux_stiffness)) / (scale * -hopping_energy),
        bound,
        "deviation of C_kubo(0) from a^2 (<-H_hop> - F'') k_B T, relative to a^2 <-H_hop> k_B T; "
        "F'' is the flux stiffness, carrier paths around a small ring",
    )


def trace(value: complex, bound: float = TRACE_BOUND) -> Gate:
    """Judge how far a trace of a density matrix is from 1."""
    return make_gate("trace", abs(value - 1.0), bound, "deviation of the trace from 1")


def hermiticity(value: float, bound: float = HERMITICITY_BOUND) -> Gate:
    """Judge the Hermiticity of the equilibrium state.

    Args:
        value: largest deviation of an element from the conjugate of its mirror image, relative to
            the largest element.
        bound: largest acceptable value.
    """
    return make_gate(
        "hermiticity", value, bound, "largest deviation of the state from its Hermitian conjugate"
    )


def populations_in_range(populations: ArrayLike, bound: float = POPULATION_BOUND) -> Gate:
    """Judge that site populations (times, sites) lie between 0 and 1; NaN if one is NaN.

    Raises:
        ValueError: if there are no populations.
    """
    values = np.asarray(populations, dtype=np.float64)
    if values.size == 0:
        raise ValueError("populations: empty; give an array (times, sites)")
    excursion = float(np.max(np.maximum(-values, values - 1.0)))
    return make_gate(
        "populations_in_range",
        max(excursion, 0.0) if math.isfinite(excursion) else excursion,
        bound,
        "largest excursion of a site population below 0 or above 1",
    )


def long_time_decay(C: ArrayLike, bound: float = LONG_TIME_BOUND) -> Gate:
    """Judge the decay of a correlation function (times,) by the last tenth of its record.

    Raises:
        ValueError: if C has fewer than 20 values, a value is not finite, or C(0) = 0.
    """
    values = complex_series("C", C)
    if values.size < 20:
        raise ValueError(f"C has {values.size} values: needs 20 or more; store more points")
    start = abs(value_at_zero("C", values))
    return make_gate(
        "long_time_decay",
        float(np.max(np.abs(values[-(values.size // 10) :]))) / start,
        bound,
        "largest |C| in the last tenth of the record, relative to C(0)",
    )


def cauchy_schwarz(C: ArrayLike, bound: float = CAUCHY_SCHWARZ_BOUND) -> Gate:
    """Judge that a correlation function (times,) never exceeds its value at time zero.

    Raises:
        ValueError: if a value is not finite or C(0) = 0.

    Source:
        Cauchy-Schwarz inequality for the equilibrium mean of a product of Hermitian operators.
    """
    values = complex_series("C", C)
    start = abs(value_at_zero("C", values))
    return make_gate(
        "cauchy_schwarz",
        float(np.max(np.abs(values))) / start - 1.0,
        bound,
        "excess of the largest |C(t)| over C(0), relative",
    )


def real_at_zero(C: ArrayLike, bound: float = REAL_AT_ZERO_BOUND) -> Gate:
    """Judge that C(0) of a correlation function (times,) is real; infinite if Re C(0) < 0.

    Raises:
        ValueError: if a value is not finite or C(0) = 0.
    """
    start = value_at_zero("C", complex_series("C", C))
    value = abs(start.imag) / abs(start) if start.real > 0.0 else math.inf
    return make_gate("real_at_zero", value, bound, "imaginary part of C(0), relative to |C(0)|")


def stationarity(residual: float, bound: float = STATIONARITY_BOUND) -> Gate:
    """Judge the rate of change of the equilibrium state relative to its norm, fs^-1."""
    return make_gate(
        "stationarity", residual, bound, "relative rate of change of the equilibrium state, fs^-1"
    )


def frontier_weight(share: float, bound: float = FRONTIER_BOUND) -> Gate:
    """Judge the share of the norm of a state that is on the outermost operators."""
    return make_gate(
        "frontier_weight", share, bound, "share of the state on the outermost operators"
    )


def production_frontier_weight(shares: ArrayLike, bound: float = PRODUCTION_FRONTIER_BOUND) -> Gate:
    """Judge the largest such share, (steps,), along a propagation; ValueError without steps."""
    values = np.asarray(shares, dtype=np.float64)
    if values.size == 0:
        raise ValueError("shares: empty; give one share per step")
    return make_gate(
        "production_frontier_weight",
        float(np.max(values)),
        bound,
        "largest share of the propagated state on the outermost operators: is the depth enough?",
    )
