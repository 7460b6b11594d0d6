"""Quality gates of runs on adaptive hierarchies, which estimate their own errors."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import positive
from smallpolaron.analysis.gates import Gate, make_gate

ERROR_ESTIMATE_BOUND: Final = 1.0
"""The estimated errors of a run add up to no more than the accuracy it was asked for."""

RESOLVENT_BOUND: Final = 1.0
"""Two ways to one number may differ by the accuracy asked for and by what the end of the record
cuts off, no more. The error estimates of D are no measure here: they contain the difference."""

SLOPE_BOUND: Final = 1.0
"""Of a free carrier the slope reaches 0.71 of its bound."""

CAPPED_BOUND: Final = 0.0
"""An adaptive hierarchy must choose its elements freely: no limit may have kept one out."""


SETTLED_BOUND: Final = 0.05
"""A running integral that is farther from its limit has not shown it."""


def error_estimate(
    total: float, accuracy: float, advice: str = "", bound: float = ERROR_ESTIMATE_BOUND
) -> Gate:
    """Estimated error of a run against the accuracy it was asked for.

    Args:
        total: sum of the estimated errors, relative as the accuracy.
        accuracy: wanted accuracy, above zero.
        advice: what to do where it is missed.
        bound: largest acceptable value.

    Returns:
        Gate; value is total / accuracy.

    Raises:
        ValueError: if the accuracy is not positive.
    """
    return make_gate(
        "error_estimate",
        total / positive("accuracy", accuracy),
        bound,
        "sum of the estimated errors over the accuracy asked for"
        + (f"; {advice}" if advice else ""),
    )


def resolvent_agreement(
    from_time: ArrayLike,
    from_resolvent: ArrayLike,
    allowed: float,
    bound: float = RESOLVENT_BOUND,
) -> Gate:
    """Integrals over the propagated correlation function against linear solves.

    Args:
        from_time: D, and Re int_0^T exp(i w t) C dt at any frequencies, from the propagation;
            angstrom^2/fs, (values,).
        from_resolvent: the same to infinite time, from the resolvent.
        allowed: difference that the accuracy asked for and the end of the record explain,
            angstrom^2/fs, above zero.
        bound: largest acceptable value.

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
    return make_gate(
        "resolvent_agreement",
        float(np.max(np.abs(ours - theirs))) / positive("allowed", allowed),
        bound,
        "difference of D (and of the AC integrals asked for) between propagation and linear "
        "solve, over what the accuracy and the end of the record allow",
    )


def capped(largest: float, bound: float = CAPPED_BOUND) -> Gate:
    """Amplitude that a limit kept out of an adaptive hierarchy.

    Args:
        largest: largest amplitude kept out, relative to the state; 0 if no limit was touched.
        bound: largest acceptable value.
    """
    return make_gate(
        "capped",
        largest,
        bound,
        "largest relative amplitude that a limit (of the occupations) kept out of the hierarchy",
    )


def slope_bound(
    msd_A2: ArrayLike, dmsd: ArrayLike, fastest: float, bound: float = SLOPE_BOUND
) -> Gate:
    """Slope of a mean-squared displacement against the most that quantum mechanics allows.

    Args:
        msd_A2: mean-squared displacement from zero on, angstrom^2, (times,).
        dmsd: its slope, angstrom^2/fs, (times,).
        fastest: largest velocity of the carrier, angstrom/fs.
        bound: largest acceptable value.

    Returns:
        Gate; value is the largest |dMSD/dt| / (2 fastest sqrt(MSD)); infinite where the MSD is not
        positive after time zero.

    Source:
        Cauchy-Schwarz: d<X^2>/dt = <XJ + JX>, at most 2 sqrt(<X^2> <J^2>).
    """
    msd, slope = (np.asarray(series, dtype=float)[1:] for series in (msd_A2, dmsd))
    allowed = 2 * positive("fastest", fastest) * np.sqrt(np.maximum(msd, 0.0))
    share = np.divide(np.abs(slope), allowed, out=np.full(msd.size, np.inf), where=allowed > 0)
    return make_gate(
        "slope_bound",
        float(np.max(share, initial=0.0)),
        bound,
        "largest slope of the mean-squared displacement over 2 |J| sqrt(MSD), its bound by the "
        "Cauchy-Schwarz inequality",
    )


def settled(missing: float, running: ArrayLike, bound: float = SETTLED_BOUND) -> Gate:
    """How far the running integral of C_JJ is from its limit when the record ends.

    On an open chain the limit is exactly 0: no finite record of interest gets there.

    Args:
        missing: estimate of what comes after the record, angstrom^2/fs.
        running: running integral of Re C_JJ, angstrom^2/fs, (times,).
        bound: largest acceptable value.

    Returns:
        Gate; value is |missing| over the largest |running integral|.

    Raises:
        ValueError: if the running integral is zero throughout.
    """
    largest = float(np.max(np.abs(np.asarray(running, dtype=float))))
    return make_gate(
        "settled",
        abs(missing) / positive("largest running integral", largest),
        bound,
        "integral of C_JJ after the end of the record, over the largest value before; the whole "
        "integral is 0 on an open chain",
    )
