"""Which conductivity model describes a curve best, and whether Drude-Smith may be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log
from typing import Final

from smallpolaron.analysis.fits.conductivity_models import DRUDE_SMITH
from smallpolaron.analysis.fits.drude_smith import GOOD_DC, Quality, quality
from smallpolaron.analysis.fits.model_fits import ModelFit

DECISIVE: Final = 10.0
"""Difference of both criteria from which one model beats another decisively."""

RESOLUTION: Final = 1e-3
"""Error of the exact curve over C(0), if nothing better is known; smaller residuals tell nothing.
"""

_WORDS: Final = {
    Quality.GOOD: "describes the curve",
    Quality.ROUGH: "has the overall shape of the curve only",
    Quality.MISSES: "misses the curve",
}


@dataclass(frozen=True)
class Ranked:
    """A fit among others of the same curve.

    Attributes:
        fit: the fit.
        quality: class by its largest residual.
        aicc: Akaike's criterion for few points; infinite if they are too few for the model.
        bic: Bayesian criterion.
        delta_aicc: aicc above the smallest one.
        delta_bic: bic above the smallest one.
    """

    fit: ModelFit
    quality: Quality
    aicc: float
    bic: float
    delta_aicc: float
    delta_bic: float


@dataclass(frozen=True)
class Trust:
    """Whether Drude-Smith may be trusted.

    Attributes:
        trusted: the answer.
        quality: class of Drude-Smith in time.
        dc_good: whether its DC mobility is within GOOD_DC of the exact one.
        beaten_by: names of the models that are decisively better, best first.
        text: the answer in words, with its reasons.
    """

    trusted: bool
    quality: Quality
    dc_good: bool
    beaten_by: tuple[str, ...]
    text: str


def information_criteria(variance: float, effective: float, parameters: int) -> tuple[float, float]:
    """Akaike's criterion for few points and the Bayesian criterion of a least-squares fit.

    With the mean square residual (variance), n effective points and K = parameters + 1, as the
    variance counts in addition: AICc = n ln(variance) + 2 K + 2 K (K + 1)/(n - K - 1), infinite
    unless n > K + 1, and BIC = n ln(variance) + K ln n.

    Source:
        Hurvich and Tsai, Biometrika 1989, 76, 297; Schwarz, Ann. Stat. 1978, 6, 461.
    """
    count = parameters + 1
    likelihood, room = effective * log(variance), effective - count - 1
    correction = 2.0 * count * (count + 1) / room if room > 0.0 else inf
    return likelihood + 2.0 * count + correction, likelihood + count * log(effective)


def rank(fits: Sequence[ModelFit], resolution: float = RESOLUTION) -> tuple[Ranked, ...]:
    """Rank fits of the same curve by the Bayesian criterion, best first.

    Args:
        fits: fits of different models to one target.
        resolution: error of the exact curve, relative as the residuals are; its square is added
            to every mean square residual, so that nothing is decided below it.

    Returns:
        The fits with their criteria. All use the number of independent points of the fit with
        the smallest residual: what models leave out is not noise.

    Raises:
        ValueError: if there are no fits, they have different targets, or the resolution is not
            positive.
    """
    if not fits:
        raise ValueError("fits is empty: give at least one")
    if any(fit.target is not fits[0].target for fit in fits):
        raise ValueError("fits have different targets: criteria compare fits of one curve only")
    if not resolution > 0.0:
        raise ValueError(f"resolution = {resolution}: must be above 0")
    effective = min(fits, key=lambda fit: fit.rms).effective
    pairs = [
        information_criteria(fit.rms**2 + resolution**2, effective, len(fit.estimates))
        for fit in fits
    ]
    return by_criteria(fits, pairs, [fit.largest for fit in fits])


def by_criteria(
    fits: Sequence[ModelFit], criteria: Sequence[tuple[float, float]], largest: Sequence[float]
) -> tuple[Ranked, ...]:
    """Rank fits by AICc and BIC, the best BIC first; the largest residuals decide on quality."""
    least_aicc, least_bic = (min(values) for values in zip(*criteria, strict=True))
    ranked = [
        Ranked(
            *(fit, quality(residual), aicc, bic),
            *(aicc - least_aicc if aicc < inf else inf, bic - least_bic),
        )
        for fit, (aicc, bic), residual in zip(fits, criteria, largest, strict=True)
    ]
    return tuple(sorted(ranked, key=lambda one: (one.bic, len(one.fit.estimates))))


def beats(rival: Ranked, other: Ranked) -> bool:
    """Whether both criteria of a model are lower than another's by more than DECISIVE.

    Source:
        Kass and Raftery, J. Am. Stat. Assoc. 1995, 90, 773, for the Bayesian criterion; Burnham
        and Anderson, Sociol. Methods Res. 2004, 33, 261, for Akaike's.
    """
    return rival.bic + DECISIVE < other.bic and rival.aicc + DECISIVE < other.aicc


def trust_drude_smith(ranked: Sequence[Ranked]) -> Trust:
    """Whether Drude-Smith may be trusted for a correlation function.

    Args:
        ranked: ranked fits in time, Drude-Smith among them.

    Returns:
        Trust: yes if Drude-Smith describes the curve (largest residual up to GOOD_MAX), its DC
        mobility is within GOOD_DC of the exact one, and no rival beats it decisively.

    Raises:
        ValueError: if Drude-Smith is not among the fits or they are not fits in time.
    """
    found = [one for one in ranked if one.fit.model is DRUDE_SMITH]
    if len(found) != 1 or found[0].fit.target.domain != "time":
        raise ValueError("ranked must hold one fit of Drude–Smith, in time")
    own = found[0]
    winners = [one for one in ranked if beats(one, own)]
    dc_good = abs(own.fit.dc_ratio - 1.0) <= GOOD_DC
    trusted = own.quality is Quality.GOOD and dc_good and not winners
    opening = "may be trusted here" if trusted else "should not be trusted here"
    text = (
        f"Drude–Smith {opening}: it {_WORDS[own.quality]} "
        f"(largest residual {100 * own.fit.largest:.2g} % of C(0)); its DC mobility is "
        f"{own.fit.dc_ratio:.3g} times the exact one; {_rivals_text(own, winners)}."
    )
    return Trust(trusted, own.quality, dc_good, tuple(w.fit.model.name for w in winners), text)


def _rivals_text(own: Ranked, winners: Sequence[Ranked]) -> str:
    if not winners:
        return "no rival is decisively better"
    names = ", ".join(
        f"{one.fit.model.title} (BIC lower by {own.bic - one.bic:.3g})" for one in winners
    )
    return f"decisively better: {names}"


def ranking_text(ranked: Sequence[Ranked]) -> str:
    """Return the models in order, each with its distance in BIC and its largest residual."""
    return "; ".join(
        f"{one.fit.model.title} (+{one.delta_bic:.3g}, {100 * one.fit.largest:.2g} %)"
        for one in ranked
    )


def window_text(window: Sequence[Ranked], time: Sequence[Ranked]) -> str:
    """Compare Drude-Smith within a window of frequencies, C(0) being free, with that in time."""
    here, whole = (
        next(one.fit for one in ranked if one.fit.model is DRUDE_SMITH) for ranked in (window, time)
    )
    return (
        f"Between {here.target.axis[0]:.3g} and {here.target.axis[-1]:.3g} rad/fs Drude–Smith "
        f"misses by at most {100 * here.largest:.2g} % of the largest mobility, with "
        f"{_parameters_text(here)} and {here.amplitude:.3g} times the exact C(0); the whole curve "
        f"gives {_parameters_text(whole)}."
    )


def _parameters_text(fit: ModelFit) -> str:
    return f"c = {fit.estimates['c'].value:.3g}, k = {fit.estimates['k'].value:.3g} fs^-1"
