"""What the members of a disordered ensemble say together: named arrays with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.ensemble import LEAST_MEMBERS, Estimate, mean, ratio, spread
from smallpolaron.analysis.spreading.plateau import Plateau
from smallpolaron.analysis.spreading.regimes import find_regimes
from smallpolaron.derive.derive import D_UNIT, MU, NAN, Notes, scalars, time_variable
from smallpolaron.derive.spreading_job import spreading_run
from smallpolaron.model.units import mobility_cm2
from smallpolaron.results.quantity import Variables
from smallpolaron.results.store import Result, Variable
from smallpolaron.study.parameters import model_of, number, whole
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.support.canonical import Parameters

RealArray = NDArray[np.float64]

_LENGTH2: Final = "angstrom^2"
_MEMBER: Final = ("member", "time")
_D_SCALARS: Final = {
    "D": (D_UNIT, "Diffusion constant of the ensemble; NaN where it is not defined."),
    "D_low": (D_UNIT, "Lower end of its 95 % interval."),
    "D_high": (D_UNIT, "Upper end."),
    "D_spread": (D_UNIT, "Standard deviation of members/D over the members averaged."),
}
_PLATEAU_SCALARS: Final = {
    "D_from_fs": ("fs", "First time on the diffusive plateau of the mean."),
    "D_to_fs": ("fs", "Last time on it."),
}
_MOBILITY_SCALARS: Final = {
    "mobility": (MU, "DC mobility from D."),
    "mobility_low": (MU, "Lower end of its 95 % interval."),
    "mobility_high": (MU, "Upper end."),
}


@dataclass(frozen=True)
class Members:
    """The runs of an ensemble."""

    runs: Sequence[Result]
    used: NDArray[np.bool_]
    parameters: Parameters

    def stack(self, name: str) -> NDArray[Any]:
        """Return a variable of all runs, (members, times, ...); NaN after the end of short ones."""
        arrays = [np.asarray(run.variables[name].data) for run in self.runs]
        longest = max(len(array) for array in arrays)
        stacked = np.full((len(arrays), longest, *arrays[0].shape[1:]), NAN, dtype=arrays[0].dtype)
        for row, array in zip(stacked, arrays, strict=True):
            row[: len(array)] = array
        return stacked

    @property
    def enough(self) -> bool:
        """Whether an interval can be given."""
        return int(np.sum(self.used)) >= LEAST_MEMBERS

    @property
    def time_fs(self) -> RealArray:
        """The times of all runs in fs."""
        times = (np.asarray(run.variables["time_fs"].data, dtype=float) for run in self.runs)
        return max(times, key=len)

    def mean(self, values: NDArray[Any]) -> Estimate:
        """Return the mean over the members averaged; NaN if one lacks a value or they are few."""
        return self._estimate(mean, values)

    def ratio(self, numerators: NDArray[Any], denominators: NDArray[Any]) -> Estimate:
        """Return the ratio of two such means."""
        return self._estimate(ratio, numerators, denominators)

    def _estimate(self, rule: Callable[..., Estimate], *values: NDArray[Any]) -> Estimate:
        if self.enough and all(np.all(np.isfinite(value[self.used])) for value in values):
            return rule(*(value[self.used] for value in values))
        nothing = np.full(values[0].shape[1:], NAN)
        return Estimate(nothing, nothing, nothing)


def population_variables(members: Members, settings: AnalysisConfig) -> tuple[Variables, Notes]:
    """Return mean populations, displacement, exponent and D of a population ensemble."""
    origin = whole(members.parameters, "start_site")
    squares = model_of(members.parameters).displacements_A(origin) ** 2
    names = ("populations", "dpopulations", "d2populations")
    series = {name: np.real(members.stack(name)) for name in names}
    msd, dmsd = series["populations"] @ squares, series["dpopulations"] @ squares
    averages = {name: members.mean(values) for name, values in series.items()}
    D, why = _plateau(members, averages, dmsd, settings)
    own = _own_plateaus(members, settings)
    slope, line = f"{_LENGTH2} fs^-1", ("time",)
    variables = {
        "time_fs": time_variable(members.time_fs),
        **_banded("populations", averages["populations"], ("time", "site"), "1", "Populations."),
        **_banded("msd", members.mean(msd), line, _LENGTH2, "Mean-squared displacement."),
        **_banded("dmsd_dt", members.mean(dmsd), line, slope, "Its slope; half of it is D(t)."),
        **_banded("alpha", _exponent(members, msd, dmsd), line, "1", "Exponent d ln MSD/d ln t."),
        "members/msd": Variable(msd, _MEMBER, _LENGTH2, "Mean-squared displacement."),
        "members/dmsd_dt": Variable(dmsd, _MEMBER, slope, "Its slope."),
        "members/D": Variable(own, ("member",), D_UNIT, "D on a plateau of its own; else NaN."),
        **scalars(_D_SCALARS | _PLATEAU_SCALARS, {**D, "D_spread": spread(own)}),
    }
    return variables, {"D": why, "members_D": _counted(own, members, "a diffusive plateau")}


def _exponent(members: Members, msd: RealArray, dmsd: RealArray) -> Estimate:
    """Return alpha of the mean; where nothing has moved yet it is NaN."""
    found = members.ratio(dmsd, msd)
    time = members.time_fs
    return Estimate(time * found.value, time * found.low, time * found.high)


def _plateau(
    members: Members, averages: dict[str, Estimate], dmsd: RealArray, settings: AnalysisConfig
) -> tuple[dict[str, float], str]:
    """Return D of the plateau of the mean with its interval, and the rule or why there is none."""
    if not members.enough:
        return {}, "too few members"
    arrays = {
        name: replace(members.runs[0].variables[name], data=a.value) for name, a in averages.items()
    }
    time = {"time_fs": time_variable(members.time_fs)}
    whole_run = replace(members.runs[0], variables=arrays | time, parameters=members.parameters)
    plateau = _plateau_of(whole_run, settings)
    why = "; ".join(filter(None, (plateau.rule, plateau.reason)))
    if not plateau.found:
        return {}, why
    on = (members.time_fs >= plateau.from_fs) & (members.time_fs <= plateau.to_fs)
    found = members.mean(0.5 * np.mean(dmsd[:, on], axis=1))
    return _interval(found) | {"D_from_fs": plateau.from_fs, "D_to_fs": plateau.to_fs}, why


def _plateau_of(run: Result, settings: AnalysisConfig) -> Plateau:
    found = find_regimes(spreading_run(run), None, percent=settings.band_percent)
    return found.diffusion.plateau


def _own_plateaus(members: Members, settings: AnalysisConfig) -> RealArray:
    """Return D of every member averaged; NaN for the others and where there is no plateau."""
    pairs = zip(members.runs, members.used, strict=True)
    return np.array([_plateau_of(run, settings).D_A2_fs if use else NAN for run, use in pairs])


def current_variables(members: Members, mobilities: Sequence[Result]) -> tuple[Variables, Notes]:
    """Return mean C_JJ, running integral and D of an ensemble of current runs."""
    C = members.stack("C_JJ")
    running = replace(members, runs=mobilities).stack("D_running")
    own = np.array([NAN if run.flagged else _number(run, "D") for run in mobilities])
    own[~members.used] = NAN
    errors = np.where(np.isfinite(own), [_number(run, "D_error") for run in mobilities], NAN)
    D = _interval(members.mean(own))
    factor = mobility_cm2(1.0, number(members.parameters, "model.temperature_K"))
    values = D | {name.replace("D", "mobility"): factor * value for name, value in D.items()}
    units, line = f"{_LENGTH2} fs^-2", ("time",)
    variables = {
        "time_fs": time_variable(members.time_fs),
        **_banded("C_JJ", _complex_mean(members, C), line, units, "Current autocorrelation."),
        **_banded("D_running", members.mean(running), line, D_UNIT, "Integral of Re C_JJ."),
        "members/C_JJ": Variable(C, _MEMBER, units, "Current autocorrelation function."),
        "members/D_running": Variable(running, _MEMBER, D_UNIT, "Integral of Re C_JJ."),
        "members/D": Variable(own, ("member",), D_UNIT, "D; NaN where it has not settled."),
        "members/D_error": Variable(errors, ("member",), D_UNIT, "Its estimated error."),
        **scalars(_D_SCALARS | _MOBILITY_SCALARS, {**values, "D_spread": spread(own)}),
    }
    counted = _counted(own, members, "a D that has settled")
    return variables, {"members_D": counted}


def _complex_mean(members: Members, values: NDArray[np.complex128]) -> Estimate:
    """Return the mean with intervals of real and imaginary part, each on its own."""
    real, imaginary = members.mean(values.real), members.mean(values.imag)
    ends = ((getattr(real, e), getattr(imaginary, e)) for e in ("value", "low", "high"))
    return Estimate(*(re + 1j * im for re, im in ends))


def _banded(name: str, found: Estimate, dims: tuple[str, ...], units: str, text: str) -> Variables:
    """Return a mean over members and the ends of its interval."""
    return {
        name: Variable(found.value, dims, units, f"{text[:-1]}, mean over members."),
        f"{name}_low": Variable(found.low, dims, units, "Lower end of its 95 % interval."),
        f"{name}_high": Variable(found.high, dims, units, "Upper end of its 95 % interval."),
    }


def _interval(found: Estimate) -> dict[str, float]:
    ends = (found.value, found.low, found.high)
    return dict(zip(("D", "D_low", "D_high"), map(float, ends), strict=True))


def _counted(own: RealArray, members: Members, what: str) -> str:
    return f"{np.sum(np.isfinite(own))} of {np.sum(members.used)} members averaged have {what}"


def _number(run: Result, name: str) -> float:
    return float(np.real(run.variables[name].data))
