"""Classical correlation functions stand in for the Kubo transform of the quantum ones.

A classical function of time is real and even, as the Kubo transform is, and is its limit at high
temperature; for harmonic systems and operators linear in their coordinates the two are equal. So
no quantum correction enters D or the mobility. Taken for the symmetrised quantum function instead,
it would be damped at high frequencies by tanh(x)/x once more, x = beta omega/2; D, which belongs to
zero frequency, would be the same.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis.hermite import make_series
from smallpolaron.analysis.kubo import KuboFunction, Spectra, spectra


def classical_as_kubo(
    time_fs: ArrayLike,
    C: ArrayLike,
    dC: ArrayLike | None = None,
    d2C: ArrayLike | None = None,
) -> KuboFunction:
    """Classical correlation function in place of a Kubo transform.

    Args:
        time_fs: evenly spaced times from zero in fs, (times,).
        C: classical correlation function (times,); only its real part enters.
        dC: exact first derivative (times,), per fs; None for finite differences.
        d2C: exact second derivative (times,), per fs^2; None for finite differences.

    Returns:
        KuboFunction with the very values given; its first derivative vanishes at time zero only
        if that of the function does.

    Raises:
        ValueError: if an input is malformed.

    Source:
        Kubo transform at beta = 0; for linear operators of harmonic systems at every beta
        (R. Kubo, J. Phys. Soc. Jpn. 1957, 12, 570).
    """
    series = make_series(time_fs, C, dC, d2C)
    return KuboFunction(
        series.time_fs,
        np.asarray(series.values.real),
        np.asarray(series.first.real),
        np.asarray(series.second.real),
    )


def classical_spectra(
    time_fs: ArrayLike,
    C: ArrayLike,
    temperature_K: float,
    dC: ArrayLike | None = None,
    d2C: ArrayLike | None = None,
) -> Spectra:
    """Spectra of a classical correlation function: all three are the same, even in frequency.

    Args:
        time_fs: evenly spaced times from zero in fs, (times,).
        C: real classical correlation function (times,).
        temperature_K: temperature in K, above zero.
        dC: exact first derivative (times,), per fs; None for finite differences.
        d2C: exact second derivative (times,), per fs^2; None for finite differences.

    Returns:
        Spectra; that of the Kubo transform without a quantum factor.

    Raises:
        ValueError: if an input is malformed; the message names it.
    """
    found = spectra(time_fs, C, temperature_K, dC, d2C)
    return replace(found, kubo=found.symmetrised)
