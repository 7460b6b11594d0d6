"""Models of a measured conductivity: how far its errors are to be believed, fits, and a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2, f

from smallpolaron.analysis._checks import FloatArray, complex_series, real_series
from smallpolaron.analysis.fits.conductivity_models import DRUDE, DRUDE_SMITH, MODELS
from smallpolaron.analysis.fits.fit_targets import measured_target
from smallpolaron.analysis.fits.model_choice import (
    DECISIVE,
    Ranked,
    beats,
    by_criteria,
    information_criteria,
)
from smallpolaron.analysis.fits.model_fits import Estimate, ModelFit, fit_models
from smallpolaron.analysis.memory.kernel_moments import conductivity_noise

LARGEST_SCATTER: Final = 3.0
"""Scatter over the errors given from which on those are not believed."""

UNLIKELY: Final = 0.01
"""Probability of a worse fit below which a model contradicts the data."""

KNOWN: Final = 0.3
"""Relative error from which on a fitted number is not determined."""


@dataclass(frozen=True)
class Noise:
    """Standard errors of a measured conductivity.

    Attributes:
        error: of its real and of its imaginary part, each, (frequencies,).
        origin: whether they are those given, or follow from the scatter of the data.
        text: which, and why.
    """

    error: FloatArray
    origin: Literal["given", "scatter"]
    text: str


def judged_noise(
    omega: ArrayLike, sigma: ArrayLike, error: ArrayLike | None, rounding: float = 0.0
) -> Noise:
    """Standard errors to work with: the ones given unless the data contradict them.

    Args:
        omega: increasing frequencies, (frequencies,), at least 8.
        sigma: complex conductivity, (frequencies,).
        error: standard errors as given, none negative, (frequencies,); None if there are none.
        rounding: half of the last digit of the data: no error is smaller.

    Returns:
        Noise. Errors are taken from the scatter where none are given, all are zero, the scatter is
        more than LARGEST_SCATTER times as large, or the errors exceed sigma itself.

    Raises:
        ValueError: as conductivity_noise, the data have no scatter at all, or some errors are zero.
    """
    values = complex_series("sigma", sigma)
    scatter = max(conductivity_noise(omega, values), rounding / np.sqrt(3.0))
    given = None if error is None else real_series("error", error, values.size)
    reason = "no errors are given"
    if given is not None and np.any(given):
        if not np.all(given > 0.0):
            raise ValueError(
                f"error: {np.count_nonzero(given <= 0.0)} of {given.size} standard errors are not "
                "above 0; give each row its error, or leave the column out"
            )
        ratio = conductivity_noise(omega, values, given)
        typical = float(np.median(given))
        if ratio > LARGEST_SCATTER:
            reason = f"the scatter is {ratio:.3g} times the errors given"
        elif typical > float(np.median(np.abs(values))):
            reason = f"the errors given, {typical:.3g}, exceed the conductivity itself"
        else:
            less = (
                f"; the scatter is {ratio:.2g} times them" if ratio < 1.0 / LARGEST_SCATTER else ""
            )
            return Noise(given, "given", f"errors as given in the table{less}")
    elif given is not None:
        reason = "all errors given are 0"
    if scatter == 0.0:
        raise ValueError("the data have no scatter and no errors: give a column with errors")
    text = f"errors from the scatter of the table, {scatter:.3g}: {reason}"
    return Noise(np.full(values.size, scatter), "scatter", text)


@dataclass(frozen=True)
class MeasuredModel:
    """One model fitted to a measured conductivity.

    Attributes:
        ranked: the fit, relative to ``MeasuredFits.scale``, with its criteria.
        chi2: sum of the squared residuals over the errors.
        probability: that chance alone gives a worse fit.
        derived: numbers that follow from the parameters: ``tau_fs`` (inverse of k), ``sigma_0``
            (Drude conductivity of all carriers, amplitude over k) and ``sigma_dc``, in the unit of
            the data.
    """

    ranked: Ranked
    chi2: float
    probability: float
    derived: Mapping[str, Estimate]

    @property
    def fit(self) -> ModelFit:
        """The fit."""
        return self.ranked.fit


@dataclass(frozen=True)
class MeasuredFits:
    """All models fitted to a measured conductivity.

    Attributes:
        models: best first, by the Bayesian criterion.
        scale: what the fits are relative to: the largest modulus of the data.
        believed: whether Drude-Smith may be believed.
        conjugate_fits: whether the complex conjugate of the data is described decisively better.
        text: whether to believe Drude-Smith, with the reasons.
    """

    models: tuple[MeasuredModel, ...]
    scale: float
    believed: bool
    conjugate_fits: bool
    text: str


def fit_measured(omega: ArrayLike, sigma: ArrayLike, noise: Noise) -> MeasuredFits:
    """Fit all conductivity models within the measured window.

    Args:
        omega: increasing angular frequencies in rad/fs, (frequencies,).
        sigma: complex conductivity for exp(-i omega t), in any one unit, (frequencies,).
        noise: standard errors of its real and of its imaginary part. Where they follow from the
            scatter, they are uncertain themselves, and a misfit counts for less.

    Returns:
        MeasuredFits; standard errors are enlarged where the fit misses the data by more than the
        given errors.

    Raises:
        ValueError: as measured_target.
    """
    values = complex_series("sigma", sigma)
    models = _fitted(omega, values, noise)
    mirrored = _fitted(omega, values.conj(), noise)
    conjugate = min(m.chi2 for m in mirrored) + DECISIVE < min(m.chi2 for m in models)
    believed, text = _verdict(models)
    if conjugate:
        believed = False
        text = (
            "Drude–Smith should not be believed here: the complex conjugate of the data is "
            "described decisively better. Is the table made for exp(+iωt)? Then pass --conjugate."
        )
    return MeasuredFits(models, float(np.max(np.abs(values))), believed, conjugate, text)


def _fitted(omega: ArrayLike, sigma: ArrayLike, noise: Noise) -> tuple[MeasuredModel, ...]:
    target = measured_target(omega, sigma, noise.error)
    scale = float(np.max(np.abs(np.asarray(sigma))))
    fits = fit_models(MODELS, target)
    count = target.values.size
    squares = {fit.model: fit.rms**2 * count for fit in fits}
    # What the best model leaves is noise, larger than the errors say if need be.
    enlarged = max(1.0, min(squares.values()) / count)
    pairs = [_criteria(squares[f.model] / enlarged, count, len(f.estimates)) for f in fits]
    data = target.values[0] + 1j * target.values[1]
    largest = [float(np.max(np.abs(data - fit.frequency(target.axis)))) for fit in fits]
    return tuple(
        MeasuredModel(
            *(ranked, squares[ranked.fit.model]),
            _chance(squares[ranked.fit.model], count, len(ranked.fit.estimates), noise),
            _derived(ranked.fit, scale),
        )
        for ranked in by_criteria(fits, pairs, largest)
    )


def _chance(squares: float, count: int, numbers: int, noise: Noise) -> float:
    """Probability that chance alone leaves more than these squares over the errors."""
    free = count - numbers
    if noise.origin == "given":
        return float(chi2.sf(squares, free))
    # The median of the scatter knows the variance as well as a quarter of as many free residuals.
    return float(f.sf(squares / free, free, count / 4.0))


def _criteria(squares: float, count: int, numbers: int) -> tuple[float, float]:
    """AICc and BIC for known errors: the squares stand in place of n ln(variance)."""
    aicc, bic = information_criteria(1.0, float(count), numbers - 1)
    return squares + aicc, squares + bic


def _derived(fit: ModelFit, scale: float) -> dict[str, Estimate]:
    k, found = fit.estimates["k"], {}
    found["tau_fs"] = Estimate(
        1.0 / k.value, k.error / k.value**2, 1.0 / k.high, 1.0 / k.low, k.at_limit
    )
    for name, number in fit.combined.items():
        value, error, low, high = scale * np.array(
            [number.value, number.error, number.low, number.high]
        )
        found[name] = Estimate(float(value), float(error), float(low), float(high), False)
    return found


def _verdict(models: tuple[MeasuredModel, ...]) -> tuple[bool, str]:
    """Return whether Drude-Smith may be believed, and the reasons in words."""
    by_model = {one.fit.model: one for one in models}
    own, drude = by_model[DRUDE_SMITH], by_model[DRUDE]
    c, tau = own.fit.estimates["c"], own.derived["tau_fs"]
    winners = [one for one in models if beats(one.ranked, own.ranked)]
    against = []
    if own.probability < UNLIKELY:
        size = own.chi2 / own.fit.target.values.size
        against.append(f"it misses the data (mean square residual {size:.3g} times the noise)")
    if winners:
        names = ", ".join(one.fit.model.title for one in winners)
        against.append(f"decisively better: {names}")
    if tau.at_limit or not tau.error < KNOWN * tau.value:
        against.append("the window does not determine its scattering time")
    if c.at_limit:
        against.append(f"c is at the limit of its range, {c.value:g}")
    elif not c.error < KNOWN:
        against.append("the window does not determine c")
    if not against and not beats(own.ranked, drude.ranked):
        against.append("plain Drude describes the data as well, so that c means nothing")
    if against:
        return False, f"Drude–Smith should not be believed here: {'; '.join(against)}."
    rivals = [
        one.fit.model.title
        for one in models
        if one is not own and not beats(own.ranked, one.ranked) and one.probability > UNLIKELY
    ]
    text = (
        "Drude–Smith may be believed within the measured window: it describes the data to their "
        f"noise, and no rival is decisively better; c = {c.text}, τ = {tau.text} fs. This is said "
        "of the curve, not of the material: in such a window Drude–Smith describes the exact "
        "conductivity of polarons to a few percent, too, with other c and τ than on the whole."
    )
    if rivals:
        text += (
            f" The data cannot tell it from {', '.join(rivals)}: outside the window, σ(0) "
            "included, these may differ."
        )
    return True, text
