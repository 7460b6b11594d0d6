"""Diffusion: a plateau of D(t) between relaxation and boundary, or the end of the record."""

from dataclasses import dataclass, replace

import numpy as np

from smallpolaron.analysis.spreading.plateau import Plateau, find_plateau, no_plateau
from smallpolaron.analysis.spreading.spreading import Spreading
from smallpolaron.analysis.spreading.spreading_times import Event


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
