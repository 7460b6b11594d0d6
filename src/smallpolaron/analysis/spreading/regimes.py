"""Regimes of a spreading carrier: ballistic, relaxation, diffusive, anomalous, finite size."""

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from smallpolaron.analysis.spreading.plateau import Plateau, find_plateau, no_plateau
from smallpolaron.analysis.spreading.spreading import Spreading
from smallpolaron.analysis.spreading.spreading_times import (
    Event,
    LongTimeExponent,
    arrival_time,
    long_time_exponent,
    meeting_time,
)


@dataclass(frozen=True)
class Diffusion:
    """Whether a carrier diffuses.

    Attributes:
        plateau: diffusive plateau of D(t); none is a result, with its reason.
        until_fs: when diffusion ends: tau_R, or the end of the record, if D(t) stays within twice
            the tolerance of the plateau until then (the longest flat stretch may end earlier only
            because it began earlier), else the end of the plateau; NaN without one.
        intercept_A2: mean of MSD - t dMSD/dt over the plateau, angstrom^2; NaN without one. It is
            what the motion before has left; on the plateau alpha = 1 - intercept/MSD.
    """

    plateau: Plateau
    until_fs: float
    intercept_A2: float


def find_diffusion(
    run: Spreading, tau_P: Event | None, tau_near: Event, tau_R: Event, *, percent: float
) -> Diffusion:
    """Search for diffusion.

    A plateau counts if D(t) leaves it only where an end of the lattice is felt: a flat stretch that
    ends earlier is a turning point of D(t). What lies before tau_P is left out.

    Args:
        run: the run.
        tau_P: when both initialisations meet; None if there is only one.
        tau_near: when the near end is reached.
        tau_R: when the far end, or the antipode, is reached: nothing after it is searched.
        percent: flatness of the plateau, in percent.

    Raises:
        ValueError: as find_plateau.

    Source:
        Third regime of the anomalous paper: beginning with tau_P, ending with tau_R.
    """
    record = float(run.time_fs[-1])
    end = tau_R.time_fs if tau_R.met else record
    plateau = _plateau(run, end, percent)
    if plateau.found:
        felt = min((e.time_fs for e in (tau_near, tau_R) if e.time_fs > 0.0), default=record)
        plateau = _judged(run, plateau, tau_P, felt, percent)
    if not plateau.found:
        return Diffusion(plateau, float("nan"), float("nan"))
    on = (run.time_fs >= plateau.from_fs) & (run.time_fs <= plateau.to_fs)
    return Diffusion(
        plateau=plateau,
        until_fs=end if _stays(run, plateau, end, percent) else plateau.to_fs,
        intercept_A2=float(np.mean(run.msd_A2[on] - run.time_fs[on] * run.dmsd[on])),
    )


def _plateau(run: Spreading, end_fs: float, percent: float) -> Plateau:
    before = run.time_fs <= end_fs
    found = find_plateau(run.time_fs[before], run.dmsd[before], flatness=percent / 100.0)
    if found.reason and not np.all(before):
        return replace(found, reason=f"record up to tau_R = {end_fs:g} fs: {found.reason}")
    return found


def _judged(
    run: Spreading, plateau: Plateau, tau_P: Event | None, felt_fs: float, percent: float
) -> Plateau:
    """Return what of a plateau is diffusion, or why nothing is."""
    if not _stays(run, plateau, felt_fs, percent):
        return _refused(plateau, "leaves this value before any end of the lattice is felt")
    if tau_P is None:
        return plateau
    if not tau_P.met:
        return _refused(plateau, f"both initialisations have not met: {tau_P.reason}")
    if tau_P.time_fs >= plateau.to_fs:
        return _refused(plateau, f"both initialisations meet only at {tau_P.time_fs:g} fs")
    begin = max(tau_P.time_fs, plateau.from_fs)
    part = 0.5 * run.dmsd[(run.time_fs >= begin) & (run.time_fs <= plateau.to_fs)]
    mean = float(np.mean(part))
    flatness = float(np.max(np.abs(part - mean)))
    return replace(plateau, D_A2_fs=mean, flatness_A2_fs=flatness, from_fs=begin)


def _stays(run: Spreading, plateau: Plateau, until_fs: float, percent: float) -> bool:
    """Whether D(t) stays within twice the tolerance of a plateau from its end to a time."""
    after = (run.time_fs > plateau.to_fs) & (run.time_fs <= until_fs)
    change = np.abs(0.5 * run.dmsd[after] / plateau.D_A2_fs - 1.0)
    return bool(np.all(change <= 2.0 * percent / 100.0))


def _refused(plateau: Plateau, reason: str) -> Plateau:
    text = f"D(t) is flat from {plateau.from_fs:g} to {plateau.to_fs:g} fs, but {reason}"
    return no_plateau(plateau.rule, text)


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
    ended = np.flatnonzero(~(run.alpha > BALLISTIC_ALPHA))  # an undefined alpha counts as such
    ballistic = min(float(run.time_fs[ended[0]]) if ended.size else record, end)
    height = f"D = {plateau.D_A2_fs:.4g} angstrom^2/fs, flat within {plateau.flatness_A2_fs:.1g}; "
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
        Regime("diffusive", relaxed, diffusive, height + _alpha(run, relaxed, diffusive)),
        Regime("anomalous", diffusive, end, none + _alpha(run, diffusive, end)),
        Regime("finite_size", end, record, tau_R.rule + "; " + _alpha(run, end, record)),
    )
    return tuple(regime for regime in found if regime.to_fs > regime.from_fs)


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
