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


@dataclass(frozen=True)
class Gate:
    """One quality check.

    Attributes:
        name: short name, used as a key in result files and tables.
        value: measured number, zero for an exact result; NaN if it could not be measured.
        bound: largest value that passes.
        meaning: what the number measures, in words.

    Raises:
        ValueError: the bound is NaN.
    """

    name: str
    value: float
    bound: float
    meaning: str

    def __post_init__(self) -> None:
        """Refuse a bound that nothing is judged by."""
        if math.isnan(self.bound):
            raise ValueError(f"gate {self.name}: bound is not a number; give a finite bound")

    @property
    def passed(self) -> bool:
        """Whether the value is finite and not above the bound."""
        return bool(math.isfinite(self.value) and self.value <= self.bound)


@dataclass(frozen=True)
class Rule:
    """What a gate measures, and the largest value that passes.

    Attributes:
        name: name of the gate.
        bound: largest acceptable value.
        meaning: what the number measures, in words.
    """

    name: str
    bound: float
    meaning: str

    def judge(self, value: float, least_bound: float = 0.0) -> Gate:
        """Return the gate of a measured value; the bound is raised to least_bound if need be."""
        return Gate(self.name, float(value), max(self.bound, least_bound), self.meaning)


STABILITY: Final = Rule(
    "stability",
    0.0,
    "1 if the run was stopped because the state grew (unstable truncation), else 0",
)
"""The propagator either saw the state grow (1) or not (0)."""

ERROR_ESTIMATE: Final = Rule(
    "error_estimate", 1.0, "sum of the estimated errors over the accuracy asked for"
)
"""The estimated errors of a run add up to no more than the accuracy it was asked for."""

RESOLVENT_AGREEMENT: Final = Rule(
    "resolvent_agreement",
    1.0,
    "difference of D (and of the AC integrals asked for) between propagation and linear "
    "solve, over what the accuracy and the end of the record allow",
)
"""Two ways to one number may differ by the accuracy asked for and by what the end of the record
cuts off, no more. The error estimates of D do not help here: they contain the difference."""

SLOPE_BOUND: Final = Rule(
    "slope_bound",
    1.0,
    "largest slope of the mean-squared displacement over 2 |J| sqrt(MSD), its bound by the "
    "Cauchy-Schwarz inequality",
)
"""Of a free carrier the slope reaches 0.71 of its bound."""

CAPPED: Final = Rule(
    "capped",
    0.0,
    "largest relative amplitude that a limit (of the occupations) kept out of the hierarchy",
)
"""An adaptive hierarchy must choose its elements freely: no limit may have kept one out."""

SETTLED: Final = Rule(
    "settled",
    0.05,
    "integral of C_JJ after the end of the record, over the largest value before; the whole "
    "integral is 0 on an open chain",
)
"""A running integral that is farther from its limit has not shown it. On an open chain the limit is
exactly 0, which no finite record of interest reaches."""

DETAILED_BALANCE: Final = Rule(
    "detailed_balance",
    5e-3,
    "largest violation of S(-omega) = exp(-beta omega) S(omega), relative to the largest S",
)
"""A finite set of bath exponentials violates detailed balance: measured 4e-4 to 1.4e-3 with the
Debye pole and terminator alone, 5e-5 with one more term."""

F_SUM: Final = Rule(
    "f_sum",
    5e-3,
    "deviation of C_kubo(0) from a^2 (<-H_hop> - F'') k_B T, relative to a^2 <-H_hop> k_B T; "
    "F'' is the flux stiffness, carrier paths around a small ring",
)
"""Converged rings reach 4e-4; a hierarchy a few levels too shallow exceeds a percent."""

TRACE: Final = Rule("trace", 1e-6, "deviation of the trace from 1")
"""The generator conserves the trace exactly, so only the integrator's tolerance shows; on adaptive
bases of mixed terms it does so to the accuracy."""

HERMITICITY: Final = Rule(
    "hermiticity", 1e-6, "largest deviation of the state from its Hermitian conjugate"
)
"""The generator keeps Hermitian states Hermitian, so only the integrator's tolerance shows."""

POPULATIONS_IN_RANGE: Final = Rule(
    "populations_in_range", 1e-3, "largest excursion of a site population below 0 or above 1"
)
"""Too shallow a hierarchy lets populations leave [0, 1]."""

LONG_TIME_DECAY: Final = Rule(
    "long_time_decay", 1e-3, "largest |C| in the last tenth of the record, relative to C(0)"
)
"""What has not decayed to a thousandth leaves an unknown share of the mobility beyond the end."""

CAUCHY_SCHWARZ: Final = Rule(
    "cauchy_schwarz", 1e-6, "excess of the largest |C(t)| over C(0), relative"
)
"""|C(t)| cannot exceed C(0) for a stationary equilibrium state; rounding is all that may remain."""

REAL_AT_ZERO: Final = Rule("real_at_zero", 1e-5, "imaginary part of C(0), relative to |C(0)|")
"""C(0) is the mean of a squared Hermitian operator, real for a Hermitian equilibrium state."""

STATIONARITY: Final = Rule(
    "stationarity", 1e-6, "relative rate of change of the equilibrium state, fs^-1"
)
"""With this rate the equilibrium state moves by a thousandth over 1000 fs."""

FRONTIER_WEIGHT: Final = Rule(
    "frontier_weight", 1e-3, "share of the state on the outermost operators"
)
"""Of a stationary or final state: measured 1e-6 to 6e-4 on rings where D is within half a percent
of its limit in depth."""

PRODUCTION_FRONTIER_WEIGHT: Final = Rule(
    "production_frontier_weight",
    0.2,
    "largest share of the propagated state on the outermost operators: is the depth enough?",
)
"""J rho_eq climbs the hierarchy while it decays. On rings at depths 8 to 24 the relative error of D
was at most 0.2 times the square of this share: 0.2 stands for less than a percent."""


def error_estimate(total: float, accuracy: float, advice: str = "") -> Gate:
    """Judge the sum of the relative errors estimated by the accuracy asked for.

    The advice says what to do where that is missed.

    Raises:
        ValueError: if the accuracy is not positive.
    """
    rule = ERROR_ESTIMATE
    meaning = f"{rule.meaning}; {advice}" if advice else rule.meaning
    return Gate(rule.name, total / positive("accuracy", accuracy), rule.bound, meaning)


def resolvent_agreement(from_time: ArrayLike, from_resolvent: ArrayLike, allowed: float) -> Gate:
    """Integrals over the propagated correlation function against linear solves.

    Args:
        from_time: D, and Re int_0^T exp(i w t) C dt at any frequencies, from the propagation;
            angstrom^2/fs, (values,).
        from_resolvent: the same to infinite time, from the resolvent.
        allowed: difference that the accuracy asked for and the end of the record explain,
            angstrom^2/fs, above zero.

    Returns:
        Gate; value is the largest difference over what is allowed.

    Raises:
        ValueError: if the two do not hold equally many numbers, or none, or nothing is allowed.
    """
    ours, theirs = np.atleast_1d(np.asarray(from_time)), np.atleast_1d(np.asarray(from_resolvent))
    if ours.shape != theirs.shape or ours.size == 0:
        raise ValueError(
            f"from_time has shape {ours.shape}, from_resolvent {theirs.shape}: give the same "
            "numbers from both"
        )
    apart = float(np.max(np.abs(ours - theirs)))
    return RESOLVENT_AGREEMENT.judge(apart / positive("allowed", allowed))


def slope_bound(msd_A2: ArrayLike, dmsd: ArrayLike, fastest: float) -> Gate:
    """Slope of a mean-squared displacement against the most that quantum mechanics allows.

    Args:
        msd_A2: mean-squared displacement from zero on, angstrom^2, (times,).
        dmsd: its slope, angstrom^2/fs, (times,).
        fastest: largest velocity of the carrier, angstrom/fs.

    Returns:
        Gate; value is the largest |dMSD/dt| / (2 fastest sqrt(MSD)); infinite where the MSD is not
        positive after time zero.

    Source:
        Cauchy-Schwarz: d<X^2>/dt = <XJ + JX>, at most 2 sqrt(<X^2> <J^2>).
    """
    msd, slope = (np.asarray(series, dtype=float)[1:] for series in (msd_A2, dmsd))
    allowed = 2 * positive("fastest", fastest) * np.sqrt(np.maximum(msd, 0.0))
    share = np.divide(np.abs(slope), allowed, out=np.full(msd.size, np.inf), where=allowed > 0)
    return SLOPE_BOUND.judge(float(np.max(share, initial=0.0)))


def settled(missing: float, running: ArrayLike) -> Gate:
    """Judge what the end of the record leaves out of the integral of C_JJ, angstrom^2/fs.

    The value is |missing| over the largest |running integral|.

    Raises:
        ValueError: if the running integral, (times,), is zero throughout.
    """
    largest = float(np.max(np.abs(np.asarray(running, dtype=float))))
    return SETTLED.judge(abs(missing) / positive("largest running integral", largest))


def detailed_balance(
    omega: ArrayLike, full_spectrum: ArrayLike, temperature_K: float, least_bound: float = 0.0
) -> Gate:
    """Detailed balance of the spectrum of the complex C_JJ.

    Args:
        omega: angular frequencies in rad/fs, increasing and symmetric about zero, (frequencies,).
        full_spectrum: two-sided spectrum of C_JJ (frequencies,), real.
        temperature_K: temperature in K, above zero.
        least_bound: see Rule.judge.

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
    return DETAILED_BALANCE.judge(float(np.max(np.abs(violation))) / largest, least_bound)


def f_sum(
    C_kubo_zero: float,
    hopping_energy: float,
    lattice_constant_A: float,
    temperature_K: float,
    flux_stiffness: float = 0.0,
    least_bound: float = 0.0,
) -> Gate:
    """Sum rule for the Kubo-transformed correlation function at time zero.

    Args:
        C_kubo_zero: C_kubo(0) in angstrom^2/fs^2.
        hopping_energy: equilibrium mean of the hopping energy in rad/fs, negative.
        lattice_constant_A: lattice constant in angstrom.
        temperature_K: temperature in K, above zero.
        flux_stiffness: second derivative F'' of the free energy with respect to the flux phase
            per bond, rad/fs: carrier paths around a ring. Zero for open chains.
        least_bound: see Rule.judge.

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
    scale = positive("lattice_constant_A", lattice_constant_A) ** 2 * thermal_energy(temperature_K)
    deviation = abs(C_kubo_zero + scale * (hopping_energy + flux_stiffness))
    return F_SUM.judge(deviation / (scale * -hopping_energy), least_bound)


def trace(value: complex, least_bound: float = 0.0) -> Gate:
    """Judge how far a trace of a density matrix is from 1."""
    return TRACE.judge(abs(value - 1.0), least_bound)


def populations_in_range(populations: ArrayLike) -> Gate:
    """Judge that site populations (times, sites) lie between 0 and 1; NaN if one is NaN.

    Raises:
        ValueError: if there are no populations.
    """
    values = np.asarray(populations, dtype=np.float64)
    if values.size == 0:
        raise ValueError("populations: empty; give an array (times, sites)")
    excursion = float(np.max(np.maximum(-values, values - 1.0)))
    return POPULATIONS_IN_RANGE.judge(
        max(excursion, 0.0) if math.isfinite(excursion) else excursion
    )


def long_time_decay(C: ArrayLike) -> Gate:
    """Judge the decay of a correlation function (times,) by the last tenth of its record.

    Raises:
        ValueError: if C has fewer than 20 values, a value is not finite, or C(0) = 0.
    """
    values = complex_series("C", C)
    if values.size < 20:
        raise ValueError(f"C has {values.size} values: needs 20 or more; store more points")
    start = abs(value_at_zero("C", values))
    return LONG_TIME_DECAY.judge(float(np.max(np.abs(values[-(values.size // 10) :]))) / start)


def cauchy_schwarz(C: ArrayLike) -> Gate:
    """Judge that |C(t)|, (times,), never exceeds C(0), as that of a Hermitian operator cannot.

    Raises:
        ValueError: if a value is not finite or C(0) = 0.
    """
    values = complex_series("C", C)
    start = abs(value_at_zero("C", values))
    return CAUCHY_SCHWARZ.judge(float(np.max(np.abs(values))) / start - 1.0)


def real_at_zero(C: ArrayLike, least_bound: float = 0.0) -> Gate:
    """Judge that C(0) of a correlation function (times,) is real; infinite if Re C(0) < 0.

    Raises:
        ValueError: if a value is not finite or C(0) = 0.
    """
    start = value_at_zero("C", complex_series("C", C))
    value = abs(start.imag) / abs(start) if start.real > 0.0 else math.inf
    return REAL_AT_ZERO.judge(value, least_bound)
