"""Mobility files: Kubo transform, diffusion constant, DC and frequency-resolved mobility."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.gates import settled
from smallpolaron.analysis.hermite import cumulative_integral
from smallpolaron.analysis.kubo import kubo_transform, spectra
from smallpolaron.analysis.mobility import ac_mobility, mobility
from smallpolaron.derive.derive import (
    D_UNIT,
    MU,
    PAPER_UNIT,
    Notes,
    correlation,
    derive,
    errors_of_D,
    temperature,
)
from smallpolaron.model.units import CM_TO_RAD_FS, beta, mobility_cm2, paper_units
from smallpolaron.results.quantity import Quantity, omega, time
from smallpolaron.results.store import Result
from smallpolaron.study.sections import AnalysisConfig

MOST_FREQUENCIES: Final = 1201
"""Stored frequencies at most; a finer grid is thinned evenly."""

_T, _OMEGA, _FREQUENCY = ("time",), ("omega",), ("frequency",)
QUANTITIES = {
    "resolvent/frequency": Quantity("rad fs^-1", "Angular frequency.", _FREQUENCY, optional=True),
    "resolvent/mobility_real": Quantity(
        MU, "Real part of the AC mobility, by linear solve.", _FREQUENCY, optional=True
    ),
    "time_fs": time(),
    "C_kubo": Quantity(
        *("angstrom^2 fs^-2", "Kubo transform of C_JJ; real and even.", _T), kept="finite"
    ),
    "D_running": Quantity(D_UNIT, "Integral of Re C_JJ up to each time.", _T, kept="finite"),
    "omega": omega(),
    "mobility_ac": Quantity(MU, "Complex frequency-resolved mobility.", _OMEGA, complex, "finite"),
    "spectrum": Quantity(D_UNIT, "Two-sided spectrum of C_JJ.", _OMEGA),
    "spectrum_kubo": Quantity(D_UNIT, "Spectrum of the Kubo transform.", _OMEGA),
    "D": Quantity(D_UNIT, "Diffusion constant: integral of Re C_JJ.", kept="there"),
    "D_error": Quantity(
        D_UNIT, "Estimated error of D from all sources; NaN where not estimated.", kept="there"
    ),
    "D_error_record": Quantity(
        D_UNIT, "The part of it that the end of the record alone suggests.", kept="there"
    ),
    "D_paper": Quantity(PAPER_UNIT, "D in the unit of the reference papers."),
    "D_paper_error": Quantity(PAPER_UNIT, "Its estimated error from all sources."),
    "mobility": Quantity(MU, "DC mobility e D / k_B T.", kept="there"),
    "mobility_error": Quantity(MU, "Its estimated error from all sources.", kept="there"),
    "D_resolvent": Quantity(
        D_UNIT, "D by linear solve (0 on open chains); NaN where it was not solved for."
    ),
    "D_resolvent_error": Quantity(
        D_UNIT, "Its estimated error: D_error without the end of the record."
    ),
    "mobility_resolvent": Quantity(MU, "DC mobility from D_resolvent."),
    "mobility_resolvent_error": Quantity(MU, "Its estimated error."),
}
_NO_ERROR: Final = (
    "not estimated: neither a fixed hierarchy nor a table of numbers tells what it leaves out; "
    "D_error_record is the part of the end of the record"
)


def mobility_result(source: Result, settings: AnalysisConfig) -> Result:
    """Return Kubo transform, diffusion constant, DC and AC mobility of a correlation result."""
    return derive(
        "mobility",
        _judged(source),
        QUANTITIES,
        lambda: _mobility(source, settings),
        {"time_fs": source.array("time_fs"), "omega": np.zeros(1)},
    )


def _judged(source: Result) -> Result:
    """Add the gate of D to those of C_JJ, where the run knows what its record lacks."""
    if "errors/D/finite_time" not in source.variables:
        return source
    running = cumulative_integral(correlation(source)).real
    gate = settled(source.number("errors/D/finite_time"), running)
    return replace(source, gates=(*source.gates, gate))


def _mobility(source: Result, settings: AnalysisConfig) -> tuple[dict[str, Any], Notes]:
    C, T = correlation(source), temperature(source)
    is_classical = source.parameters.get("table", {}).get("kind") == "classical"
    found, spectrum = mobility(C, T), spectra(C, T, classical=is_classical)
    kubo = C.real if is_classical else kubo_transform(C, T)
    chosen = _chosen_frequencies(spectrum.omega, settings.frequency_max_cm * CM_TO_RAD_FS)
    omega = spectrum.omega[chosen]
    values: dict[str, Any] = _resolvent(source, T) | {
        "time_fs": C.time_fs,
        "C_kubo": kubo.values,
        "D_running": found.D_running,
        "omega": omega,
        "mobility_ac": ac_mobility(kubo, omega, T),
        "spectrum": spectrum.full[chosen],
        "spectrum_kubo": spectrum.kubo[chosen],
        "D": found.D_A2_fs,
        "D_error_record": found.D_error_record_A2_fs,
        "D_paper": found.D_paper,
        "mobility": found.mobility_cm2,
    }
    error, end = errors_of_D(source, found.D_error_record_A2_fs)
    values |= {
        "D_error": error,
        "D_paper_error": paper_units(error),
        "mobility_error": mobility_cm2(error, T),
        **_by_linear_solve(source, error - end, T),
    }
    notes = {"D_error": _NO_ERROR} if np.isnan(error) else {}
    return values, notes


def _resolvent(source: Result, temperature_K: float) -> dict[str, Any]:
    """Return the real AC mobility at the frequencies of the linear solves, if there are any.

    The real part of the half-sided transform of C_JJ is half its two-sided spectrum S; with
    detailed balance that of the Kubo transform is S (1 - exp(-beta w)) / (beta w).
    """
    if "resolvent/current_transform" not in source.variables:
        return {}
    frequency = source.array("resolvent/frequency")
    x = beta(temperature_K) * frequency
    factor = np.divide(-np.expm1(-x), x, out=np.ones_like(x), where=x != 0.0)
    transform = source.array("resolvent/current_transform").real
    real = mobility_cm2(1.0, temperature_K) * factor * transform
    return {"resolvent/frequency": frequency, "resolvent/mobility_real": real}


def _by_linear_solve(source: Result, error: float, temperature_K: float) -> dict[str, float]:
    """Return D that a run solved for, with its error."""
    if "resolvent/D" not in source.variables:
        return {}
    D = source.number("resolvent/D")
    error = error if D else 0.0  # on an open chain D is 0, exactly
    return {
        "D_resolvent": D,
        "D_resolvent_error": error,
        "mobility_resolvent": mobility_cm2(D, temperature_K),
        "mobility_resolvent_error": mobility_cm2(error, temperature_K),
    }


def _chosen_frequencies(omega: NDArray[np.float64], largest: float) -> NDArray[np.int64]:
    """Return indices up to a frequency, thinned evenly and symmetric about zero."""
    centre = len(omega) // 2
    reach = int(np.searchsorted(omega[centre:], largest, side="right")) - 1
    stride = max(1, -(-2 * reach // (MOST_FREQUENCIES - 1)))
    steps = reach // stride
    return centre + stride * np.arange(-steps, steps + 1)
