"""Regimes of a spreading carrier: ballistic, relaxation, diffusive, anomalous, finite size."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from smallpolaron.analysis.spreading.diffusion import Diffusion, find_diffusion
from smallpolaron.analysis.spreading.plateau import Plateau
from smallpolaron.analysis.spreading.spreading import Spreading
from smallpolaron.analysis.spreading.spreading_times import (
    Event,
    LongTimeExponent,
    arrival_time,
    long_time_exponent,
    meeting_time,
)

Kind = Literal["ballistic", "relaxation", "diffusive", "anomalous", "finite_size"]

BALLISTIC_ALPHA: Final = 1.5
"""Motion counts as ballistic as long as alpha is nearer to 2 than to 1."""


_NOWHERE: Final = Event(
    "population where the lattice ends or closes", float("nan"), "the lattice is infinite"
)


@dataclass(frozen=True)
class Regime:
    """One stretch of the motion.

    Attributes:
        kind: ballistic: alpha above 1.5 from time zero on. relaxation: the lattice adapts to the
            carrier. diffusive: D(t) on a plateau. anomalous: neither, though the lattice has
            relaxed. finite_size: the carrier has arrived at the far end or the antipode.
        from_fs: start, fs.
        to_fs: end, fs: start of the next one, or end of the record.
        statement: what was found, in words.
    """

    kind: Kind
    from_fs: float
    to_fs: float
    statement: str


@dataclass(frozen=True)
class Regimes:
    """Characteristic times of a run and what lies between them.

    Attributes:
        tau_P: when the slopes of both initialisations meet.
        tau_P_alpha: when their alpha meet.
        tau_R: when the far end of a chain, or the antipode of a ring, is reached.
        tau_near: when the near end is reached; on a ring tau_R.
        alpha: exponent at long times, before tau_R.
        diffusion: diffusive plateau between tau_P and tau_R; none is a result, with its reason.
        stretches: the regimes in order, without gaps; none of them twice.
    """

    tau_P: Event
    tau_P_alpha: Event
    tau_R: Event
    tau_near: Event
    alpha: LongTimeExponent
    diffusion: Diffusion
    stretches: tuple[Regime, ...]


def find_regimes(run: Spreading, partner: Spreading | None = None, *, percent: float) -> Regimes:
    """Characteristic times and regimes of a run.

    Args:
        run: spreading after one initialisation of the lattice.
        partner: the same system and times after the other; None if there is none: then tau_P is
            not known.
        percent: the one tolerance of all rules: of the difference of both initialisations, of the
            flatness of the plateau, and of the population that counts as arrival.

    Raises:
        ValueError: if both runs differ in their times, or the tolerance is not above 0.

    Source:
        The four regimes of the anomalous paper (Figs. 2 and 4).
    """
    tau_near, tau_R = _arrivals(run, percent)
    tau_P, tau_P_alpha = _meetings(run, partner, tau_R, percent)
    known = None if partner is None else tau_P
    diffusion = find_diffusion(run, known, tau_near, tau_R, percent=percent)
    end = tau_R.time_fs if tau_R.met else float(run.time_fs[-1])
    return Regimes(
        tau_P=tau_P,
        tau_P_alpha=tau_P_alpha,
        tau_R=tau_R,
        tau_near=tau_near,
        alpha=long_time_exponent(run, end),
        diffusion=diffusion,
        stretches=_stretches(run, tau_P, tau_R, end, diffusion),
    )


def _arrivals(run: Spreading, percent: float) -> tuple[Event, Event]:
    """Return when the carrier arrives at the near and at the far end."""
    if not run.is_bounded:
        return _NOWHERE, _NOWHERE
    near, far = (
        arrival_time(run.time_fs, filling, place=f"{end} end or antipode", percent=percent)
        for end, filling in (("near", run.near_filling), ("far", run.far_filling))
    )
    return near, far


def _meetings(
    run: Spreading, partner: Spreading | None, tau_R: Event, percent: float
) -> tuple[Event, Event]:
    if partner is None:
        unknown = Event("both initialisations meet", float("nan"), "there is only one run")
        return unknown, unknown
    if not np.array_equal(run.time_fs, partner.time_fs):
        raise ValueError(
            f"the runs have {run.time_fs.size} times up to {run.time_fs[-1]:g} fs and "
            f"{partner.time_fs.size} up to {partner.time_fs[-1]:g} fs: give runs on the same times"
        )
    _, other_R = _arrivals(partner, percent)
    until = float(np.nanmin([tau_R.time_fs, other_R.time_fs, np.inf]))
    slopes, exponents = (
        meeting_time(run.time_fs, one, other, percent=percent, until_fs=until)
        for one, other in ((run.dmsd, partner.dmsd), (run.alpha, partner.alpha))
    )
    return slopes, exponents


def _stretches(
    run: Spreading, tau_P: Event, tau_R: Event, end: float, diffusion: Diffusion
) -> tuple[Regime, ...]:
    record, plateau = float(run.time_fs[-1]), diffusion.plateau
    ballistic = min(_ballistic_end(run), end)
    if plateau.found:
        relaxed = max(plateau.from_fs, ballistic)
        diffusive = max(diffusion.until_fs, relaxed)
    else:
        relaxed = max(tau_P.time_fs, ballistic) if tau_P.met else end
        diffusive = relaxed
    known = "" if tau_P.met else f"tau_P is not known ({tau_P.reason}); "
    none = "" if plateau.found else f"no diffusive plateau: {plateau.reason}; "
    found = (
        Regime("ballistic", 0.0, ballistic, _alpha(run, 0.0, ballistic)),
        Regime("relaxation", ballistic, relaxed, known + _alpha(run, ballistic, relaxed)),
        Regime("diffusive", relaxed, diffusive, _height(plateau) + _alpha(run, relaxed, diffusive)),
        Regime("anomalous", diffusive, end, none + _alpha(run, diffusive, end)),
        Regime("finite_size", end, record, tau_R.rule + "; " + _alpha(run, end, record)),
    )
    return tuple(regime for regime in found if regime.to_fs > regime.from_fs)


def _ballistic_end(run: Spreading) -> float:
    """Return the first time with alpha not above the limit; an undefined alpha counts as such."""
    ended = np.flatnonzero(~(run.alpha > BALLISTIC_ALPHA))
    return float(run.time_fs[ended[0]]) if ended.size else float(run.time_fs[-1])


def _height(plateau: Plateau) -> str:
    return f"D = {plateau.D_A2_fs:.4g} angstrom^2/fs, flat within {plateau.flatness_A2_fs:.1g}; "


def _alpha(run: Spreading, from_fs: float, to_fs: float) -> str:
    """Say in words how alpha runs over a stretch."""
    part = (run.time_fs >= from_fs) & (run.time_fs <= to_fs)
    alpha = run.alpha[part]
    least, most = float(np.min(alpha)), float(np.max(alpha))
    if np.isnan(least):
        return "alpha is not defined"
    ends = f"alpha from {alpha[0]:.3g} to {alpha[-1]:.3g}"
    if most < 1.0:
        return f"{ends}, below 1 throughout (at least {least:.3g})"
    if least > 1.0:
        return f"{ends}, above 1 throughout"
    below = run.time_fs[part][alpha < 1.0]
    return f"{ends}, least {least:.3g}" + (f", below 1 from {below[0]:g} fs" if below.size else "")
