"""Search for the best least-squares fit of a conductivity model within its ranges."""

from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter
from scipy.optimize import least_squares

from smallpolaron.analysis._checks import FloatArray
from smallpolaron.analysis.fits.conductivity_models import ConductivityModel
from smallpolaron.analysis.fits.fit_targets import Target

AMPLITUDES: Final = (1e-6, 1e6)
"""Range of a free amplitude, C(0) of the fit over the exact one."""

# Points of the scan per rate, by the number of rates; a resonance, the second of three, needs most.
_GRID: Final = {1: (100,), 2: (30, 30), 3: (7, 24, 7)}
_SCAN_POINTS: Final = 80
_STARTS: Final = 5
_COARSE: Final = 1e-6
_FINE: Final = 1e-13
# Some starts crawl along flat valleys; the best one may take its time afterwards.
_STEPS: Final = {_COARSE: 30, _FINE: 200}
# Share of a range within which its limit is tried, and how much the fit may lose there.
_NEAR: Final = 1e-2
_NO_WORSE: Final = 1e-9
_ROUNDING: Final = 1e-26
# Half step, in ln k, of the differences that replace derivatives by rates.
_DIFFERENCE: Final = 1e-5

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Space:
    """Coordinates of a fit: ln of the rates, shares, ln of the amplitude if that is free.

    Attributes:
        model: the model.
        target: what it is fitted to.
        low: smallest coordinates, (coordinates,).
        high: largest coordinates.
        is_log: which coordinates are logarithms.
    """

    model: ConductivityModel
    target: Target
    low: FloatArray
    high: FloatArray
    is_log: BoolArray

    @classmethod
    def of(cls, model: ConductivityModel, target: Target) -> "Space":
        """Return the coordinates of a fit."""
        rates, shares = len(model.rates), len(model.shares)
        limits = [(np.log(target.slowest), np.log(target.fastest))] * rates
        limits += [(p.low, p.high) for p in model.shares]
        limits += [(np.log(AMPLITUDES[0]), np.log(AMPLITUDES[1]))] * target.free_amplitude
        low, high = np.array(limits).T
        is_log = np.array([True] * rates + [False] * shares + [True] * target.free_amplitude)
        return cls(model, target, low, high, is_log)

    def natural(self, x: FloatArray) -> FloatArray:
        """Rates, shares, and the amplitude if it is free."""
        return np.where(self.is_log, np.exp(np.where(self.is_log, x, 0.0)), x)

    def parts(self, x: FloatArray) -> tuple[list[float], FloatArray, float]:
        """Rates, weights of the terms, amplitude."""
        values = self.natural(x)
        rates, both = len(self.model.rates), len(self.model.parameters)
        weights = np.concatenate([np.ones(1), values[rates:both]])
        amplitude = float(values[-1]) if self.target.free_amplitude else 1.0
        return values[:rates].tolist(), weights, amplitude

    def curve(self, x: FloatArray) -> FloatArray:
        """The model in the form of the target's values, (channels, points)."""
        rates, weights, amplitude = self.parts(x)
        terms = self.target.terms(self.model, rates)
        return np.asarray(amplitude * np.tensordot(weights, terms, 1))

    def residual(self, x: FloatArray) -> FloatArray:
        """Data minus curve over the unit of the target, (channels, points)."""
        return (self.target.values - self.curve(x)) / self.target.unit

    def cost(self, x: FloatArray) -> float:
        """Sum of the squared residuals."""
        return float(np.sum(self.residual(x) ** 2))

    def slopes(self, x: FloatArray) -> FloatArray:
        """Derivatives of the curve over the unit, (channels times points, coordinates)."""
        rates, weights, amplitude = self.parts(x)
        terms = self.target.terms(self.model, rates)
        columns = []
        for index in range(len(rates)):
            step = np.zeros(x.size)
            step[index] = _DIFFERENCE
            columns.append((self.curve(x + step) - self.curve(x - step)) / (2.0 * _DIFFERENCE))
        columns += list(amplitude * terms[1:])
        if self.target.free_amplitude:
            columns.append(amplitude * np.tensordot(weights, terms, 1))
        return np.stack([(column / self.target.unit).ravel() for column in columns], axis=1)


Solved = dict[ConductivityModel, FloatArray]
"""Coordinates of the best fits to one target found so far."""


def best_fit(space: Space, solved: Solved) -> tuple[FloatArray, BoolArray]:
    """Coordinates of the least-squares optimum, and which of them are at a limit.

    The residual is scanned over a grid of rates, for which the best shares are known; the lowest
    local minima are refined, and so is the best fit of the model that this one contains. A
    coordinate near a limit is put there if the fit is no worse. The result is noted in solved.
    """
    nothing = np.zeros(space.low.size, dtype=np.bool_)
    inner = _inner_fit(space, solved)
    refined = [_refine(space, start, nothing, _COARSE) for start in _starts(space) + inner]
    best = _refine(space, min(refined, key=space.cost), nothing, _FINE)
    best, held = _settle(space, min([best, *inner], key=space.cost))
    solved[space.model] = _turned(space, best)
    return solved[space.model], held


def _inner_fit(space: Space, solved: Solved) -> list[FloatArray]:
    """Best fit of the model that this one contains, if its values are among those tried."""
    inner = space.model.inner
    if inner is None:
        return []
    simpler = Space.of(inner.model, space.target)
    if inner.model not in solved:
        best_fit(simpler, solved)
    x = solved[inner.model]
    count, rates = len(inner.model.parameters), len(space.model.rates)
    values = np.array(inner.embed(simpler.natural(x)[:count].tolist()))
    start = np.concatenate([np.log(values[:rates]), values[rates:], x[count:]])
    inside = np.all((space.low <= start) & (start <= space.high))
    return [start] if inside else []


def _starts(space: Space) -> list[FloatArray]:
    """Lowest local minima of the residual on a grid of rates."""
    sizes = _GRID[len(space.model.rates)]
    axes = [np.linspace(space.low[0], space.high[0], size + 2)[1:-1] for size in sizes]
    thin, weights = _thinned(space.target)
    found = [_best_linear(space, thin, weights, logs) for logs in product(*axes)]
    costs = np.array([cost for cost, _ in found]).reshape(sizes)
    minima = np.flatnonzero((minimum_filter(costs, size=3, mode="nearest") == costs).ravel())
    chosen = minima[np.argsort(costs.ravel()[minima], kind="stable")][:_STARTS]
    return [found[index][1] for index in chosen]


def _thinned(target: Target) -> tuple[Target, FloatArray]:
    """Fewer points, dense at the beginning, each with the root of the number it stands for."""
    size = target.axis.size
    spaced = np.geomspace(1.0, size, min(size, _SCAN_POINTS)).round().astype(np.int64) - 1
    index = np.unique(spaced)
    weights = np.sqrt(np.gradient(index.astype(np.float64)))
    unit = target.unit[:, index] if isinstance(target.unit, np.ndarray) else target.unit
    thin = replace(target, axis=target.axis[index], values=target.values[:, index], unit=unit)
    return thin, weights / unit


def _best_linear(
    space: Space, thin: Target, weights: FloatArray, logs: tuple[float, ...]
) -> tuple[float, FloatArray]:
    """Cost and coordinates with shares and amplitude that suit given rates.

    Exact for one share and a held amplitude; otherwise shares are cut to their ranges.
    """
    first, after = len(logs), len(space.model.parameters)
    terms = thin.terms(space.model, np.exp(logs).tolist()) * weights
    flat, data = terms.reshape(terms.shape[0], -1), (thin.values * weights).ravel()
    if thin.free_amplitude:
        linear = np.linalg.lstsq(flat.T, data, rcond=None)[0]
        shares = linear[1:] / linear[0] if linear[0] > 0.0 else 0.0 * linear[1:]
    else:
        shares = np.linalg.lstsq(flat[1:].T, data - flat[0], rcond=None)[0]
    shares = np.clip(shares, space.low[first:after], space.high[first:after])
    curve = flat[0] + shares @ flat[1:]
    x = np.concatenate([logs, shares])
    if thin.free_amplitude:
        power = max(float(curve @ curve), np.finfo(np.float64).tiny)
        amplitude = float(np.clip(curve @ data / power, *AMPLITUDES))
        curve, x = amplitude * curve, np.append(x, np.log(amplitude))
    return float(np.sum((data - curve) ** 2)), x


def _refine(space: Space, start: FloatArray, held: BoolArray, tolerance: float) -> FloatArray:
    """Local minimum of the residual over the coordinates that are not held."""
    free = ~held
    if not free.any():
        return start

    def whole(part: FloatArray) -> FloatArray:
        x = start.copy()
        x[free] = part
        return x

    def distance(part: FloatArray) -> FloatArray:
        return -space.residual(whole(part)).ravel()

    def slopes(part: FloatArray) -> FloatArray:
        return space.slopes(whole(part))[:, free]

    found = least_squares(
        distance,
        np.clip(start[free], space.low[free], space.high[free]),
        jac=slopes,
        bounds=(space.low[free], space.high[free]),
        x_scale="jac",
        xtol=tolerance,
        ftol=tolerance,
        gtol=tolerance,
        max_nfev=_STEPS[tolerance],
    )
    return whole(found.x)


def _settle(space: Space, x: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Put coordinates near a limit onto it where the fit is no worse; return which."""
    held = np.zeros(x.size, dtype=np.bool_)
    width = np.where(np.isfinite(space.high - space.low), space.high - space.low, 0.0)
    near = [
        (int(index), float(limits[index]))
        for limits in (space.low, space.high)
        for index in np.flatnonzero(np.abs(x - limits) < _NEAR * width)
    ]
    for index, limit in near:
        trial, also = x.copy(), held.copy()
        trial[index], also[index] = limit, True
        trial = _refine(space, trial, also, _FINE)
        if space.cost(trial) <= space.cost(x) * (1.0 + _NO_WORSE) + _ROUNDING:
            x, held = trial, also
    return x, held


def _turned(space: Space, x: FloatArray) -> FloatArray:
    """Of two sets of values with the same curve, the one with the larger first rate."""
    rates, weights, _ = space.parts(x)
    if space.model.twin is None or rates[0] >= rates[1]:
        return x
    twin = space.model.twin([*rates, *weights[1:].tolist()])
    other = np.concatenate([np.log(twin[: len(rates)]), twin[len(rates) :], x[len(twin) :]])
    inside = bool(np.all((space.low <= other) & (other <= space.high)))
    return other if inside else x
