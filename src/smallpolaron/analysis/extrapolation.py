"""Diffusion constant of the infinite system from those of finite ones, with an error bar.

Two forms of the finite-size error are fitted:

- exponential, D(N) = D + B q^N with |q| < 1. A ring differs from the infinite one only by carrier
  paths around it. They have N hops more, so that each further site costs a factor q = +-e^(-1/xi)
  once N exceeds the length xi over which the bath and the coherence of the carrier reach. The sign
  of q is that of v^N: with v > 0 rings of odd N err to the other side than those of even N.
- inverse, D(N) = D + B/N. The two ends of an open chain disturb a share ~ 1/N of its sites.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import fdtri, stdtrit

from smallpolaron.analysis._checks import FloatArray, real_series
from smallpolaron.analysis.finite_size import EXTRAPOLATION_SIZES

SizeForm = Literal["exponential", "inverse"]

CONFIDENCE: Final = 0.95
"""Level of the error bars, and of the test that excludes a form."""

SHORTEST_LENGTH: Final = 0.25
"""Shortest decay length tried, in sites: a factor 0.02 per site."""

_SCAN: Final = 400
"""Decay lengths tried for each sign."""

_KNOWN: Final = 1e9
"""Degrees of freedom from which errors that are given are known: without end, in effect."""


@dataclass(frozen=True)
class SizeFit:
    """One form fitted to the sizes.

    Attributes:
        form: "exponential", D + B q^N, or "inverse", D + B/N.
        D_A2_fs: limit of large N, angstrom^2/fs.
        half_width_A2_fs: half width of its 95 % interval within this form, angstrom^2/fs.
        amplitude_A2_fs: B, angstrom^2/fs.
        factor: q, the change of the finite-size error per site; NaN for the inverse form.
        chi_square: sum of squared residuals in units of the errors.
        degrees: sizes minus parameters.
        excluded: whether the residuals exclude the form.
    """

    form: SizeForm
    D_A2_fs: float
    half_width_A2_fs: float
    amplitude_A2_fs: float
    factor: float
    chi_square: float
    degrees: int
    excluded: bool

    @property
    def length_sites(self) -> float:
        """Decay length xi in sites; NaN for the inverse form."""
        return float(-1.0 / np.log(abs(self.factor)))

    def curve(self, n_sites: ArrayLike) -> FloatArray:
        """D of the fit at whole numbers of sites, angstrom^2/fs, in the shape of n_sites."""
        n = np.asarray(n_sites, dtype=np.float64)
        shape = 1.0 / n if self.form == "inverse" else self.factor**n
        return np.asarray(self.D_A2_fs + self.amplitude_A2_fs * shape, dtype=np.float64)


@dataclass(frozen=True)
class SizeLimit:
    """Diffusion constant of the infinite system.

    Attributes:
        D_A2_fs: that of the chosen form, angstrom^2/fs.
        error_A2_fs: half width of its 95 % interval, angstrom^2/fs. It covers the interval of
            every form that is not excluded, and the error of the largest size on top, because
            what the errors of all sizes have in common does not average out.
        chosen: the form with the smaller chi square per degree of freedom.
        other: the other form.
        n_sites: sizes used, increasing; smaller ones were left out if no form described them.
        explained: whether the errors of the sizes explain the residuals of the chosen form. If
            not, errors are scaled up until they do.
    """

    D_A2_fs: float
    error_A2_fs: float
    chosen: SizeFit
    other: SizeFit
    n_sites: tuple[int, ...]
    explained: bool


def extrapolate(n_sites: Sequence[int], D_A2_fs: ArrayLike, errors_A2_fs: ArrayLike) -> SizeLimit:
    """Extrapolate the diffusion constant to an infinite number of sites.

    Both forms are fitted to all sizes. If the residuals exclude both, the smallest size is not in
    the asymptotic range and is left out, down to EXTRAPOLATION_SIZES sizes.

    Args:
        n_sites: numbers of sites, each once, in any order, (sizes,).
        D_A2_fs: diffusion constants, angstrom^2/fs, (sizes,).
        errors_A2_fs: their standard errors, above zero, angstrom^2/fs, (sizes,).

    Raises:
        ValueError: if lengths differ, a size is repeated, fractional or below 2, a number is not
            finite, an error is not above zero, or there are fewer than EXTRAPOLATION_SIZES sizes.
    """
    n, D, errors = _checked(n_sites, D_A2_fs, errors_A2_fs)
    for first in range(n.size - EXTRAPOLATION_SIZES + 1):
        n_used, D_used, errors_used = n[first:], D[first:], errors[first:]
        chosen, other = _fits(n_used, D_used, errors_used, _KNOWN)
        explained = not chosen.excluded
        if explained:
            break
    if not explained:
        scaled = errors_used * np.sqrt(chosen.chi_square / chosen.degrees)
        chosen, other = _fits(n_used, D_used, scaled, chosen.degrees)
    reach = max(
        abs(fit.D_A2_fs - chosen.D_A2_fs) + fit.half_width_A2_fs
        for fit in (chosen, other)
        if not fit.excluded
    )
    error = float(np.hypot(reach, _quantile(_KNOWN) * errors[-1]))
    sizes = tuple(int(size) for size in n_used)
    return SizeLimit(chosen.D_A2_fs, error, chosen, other, sizes, explained)


def _checked(
    n_sites: Sequence[int], D_A2_fs: ArrayLike, errors_A2_fs: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    n = real_series("n_sites", n_sites)
    D = real_series("D_A2_fs", D_A2_fs)
    errors = real_series("errors_A2_fs", errors_A2_fs)
    if not n.size == D.size == errors.size:
        raise ValueError(
            f"n_sites, D_A2_fs, errors_A2_fs have {n.size}, {D.size}, {errors.size} entries: "
            "give one of each per size"
        )
    if n.size < EXTRAPOLATION_SIZES:
        raise ValueError(
            f"{n.size} size(s): an extrapolation needs {EXTRAPOLATION_SIZES} or more; "
            "compute more sizes"
        )
    if np.any(n != np.round(n)) or np.any(n < 2) or np.unique(n).size < n.size:
        raise ValueError("n_sites: must be whole numbers of 2 or more, each once")
    if np.any(errors <= 0):
        size = int(n[np.argmin(errors)])
        raise ValueError(f"errors_A2_fs: that of N = {size} is {errors.min()}, must be above 0")
    order = np.argsort(n)
    return n[order], D[order], errors[order]


def _fits(
    n: FloatArray, D: FloatArray, errors: FloatArray, known: float
) -> tuple[SizeFit, SizeFit]:
    """Both fits, the one with the smaller chi square per degree of freedom first.

    known: degrees of freedom from which the scale of the errors is known.
    """
    found = _exponential(n, D, errors, known), _inverse(n, D, errors, known)
    first, second = sorted(found, key=lambda fit: fit.chi_square / fit.degrees)
    return first, second


def _quantile(known: float) -> float:
    return float(stdtrit(known, 0.5 + CONFIDENCE / 2))


def _excluded(chi_square: float, degrees: int, known: float) -> bool:
    return bool(chi_square > degrees * fdtri(degrees, known, CONFIDENCE))


def _inverse(n: FloatArray, D: FloatArray, errors: FloatArray, known: float) -> SizeFit:
    line = _line(1.0 / n, D, errors)
    degrees = n.size - 2
    return SizeFit(
        "inverse",
        D_A2_fs=float(line.limit),
        half_width_A2_fs=_quantile(known) * float(np.sqrt(line.variance)),
        amplitude_A2_fs=float(line.slope),
        factor=float("nan"),
        chi_square=float(line.chi_square),
        degrees=degrees,
        excluded=_excluded(float(line.chi_square), degrees, known),
    )


def _exponential(n: FloatArray, D: FloatArray, errors: FloatArray, known: float) -> SizeFit:
    """Fit D + B q^N: for each q a straight line in q^N; the interval of D is that of all q."""

    def lines(factor: FloatArray) -> _Line:
        return _line(np.asarray(factor)[..., None] ** (n - n[0]), D, errors)

    lengths = np.geomspace(SHORTEST_LENGTH, n[-1], _SCAN)
    size = np.exp(-1.0 / lengths)
    factors = np.concatenate([-size[::-1], size])
    scan = lines(factors)
    factor = _refined(factors, scan.chi_square, lambda q: float(lines(np.array(q)).chi_square))
    best = lines(np.array(factor))
    least = float(best.chi_square)
    room = _quantile(known) ** 2 - (scan.chi_square - least)
    reach = np.abs(scan.limit - best.limit) + np.sqrt(np.maximum(room, 0.0) * scan.variance)
    own = _quantile(known) * float(np.sqrt(best.variance))
    degrees = n.size - 3
    return SizeFit(
        "exponential",
        D_A2_fs=float(best.limit),
        half_width_A2_fs=max(own, float(np.max(reach, where=room > 0.0, initial=0.0))),
        amplitude_A2_fs=float(best.slope * factor ** -n[0]),
        factor=factor,
        chi_square=least,
        degrees=degrees,
        excluded=_excluded(least, degrees, known),
    )


def _refined(factors: FloatArray, values: FloatArray, value: Callable[[float], float]) -> float:
    """Factor of the least value: the best of the scan, refined between its neighbours."""
    i = int(np.argmin(values))
    ends = factors[max(i - 1, 0)], factors[min(i + 1, factors.size - 1)]
    found = minimize_scalar(value, bounds=ends, method="bounded", options={"xatol": 1e-12})
    return float(found.x if found.fun < values[i] else factors[i])


@dataclass(frozen=True)
class _Line:
    """Weighted straight lines D = limit + slope f, one per row of f, (...)."""

    limit: FloatArray
    slope: FloatArray
    variance: FloatArray  # of the limit
    chi_square: FloatArray


def _line(shape: FloatArray, D: FloatArray, errors: FloatArray) -> _Line:
    weights = errors**-2
    total = weights.sum()
    centre = shape @ weights / total
    deviation = shape - centre[..., None]
    square = deviation**2 @ weights
    slope = deviation @ (weights * D) / square
    limit = D @ weights / total - slope * centre
    residual = (D - limit[..., None] - slope[..., None] * shape) / errors
    variance = 1.0 / total + centre**2 / square
    return _Line(limit, slope, variance, np.sum(residual**2, axis=-1))
