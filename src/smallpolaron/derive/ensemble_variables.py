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
from smallpolaron.derive.derive import D_UNIT, MU, NAN, Notes
from smallpolaron.derive.spreading_job import spreading_run
from smallpolaron.model.units import mobility_cm2
from smallpolaron.results.quantity import Quantity, Table, Variables, time, variables
from smallpolaron.results.store import Result
from smallpolaron.study.parameters import Parameters, model_of
from smallpolaron.study.sections import AnalysisConfig

RealArray = NDArray[np.float64]

_LENGTH2: Final = "angstrom^2"
_C: Final = "angstrom^2 fs^-2"
_MEMBER, _MEMBER_TIME, _TIME = ("member",), ("member", "time"), ("time",)


def _banded(name: str, units: str, text: str, dims: tuple[str, ...] = _TIME) -> Table:
    """Return a mean over members and the ends of its interval."""
    return {
        name: Quantity(units, f"{text}, mean over members.", dims),
        f"{name}_low": Quantity(units, "Lower end of its 95 % interval.", dims),
        f"{name}_high": Quantity(units, "Upper end of its 95 % interval.", dims),
    }


_D: Final[Table] = {
    "D": Quantity(D_UNIT, "Diffusion constant of the ensemble; NaN where it is not defined."),
    "D_low": Quantity(D_UNIT, "Lower end of its 95 % interval."),
    "D_high": Quantity(D_UNIT, "Upper end."),
    "D_spread": Quantity(D_UNIT, "Standard deviation of members/D over the members averaged."),
}
_POPULATION: Final[Table] = {
    "time_fs": time(),
    **_banded("populations", "1", "Populations", ("time", "site")),
    **_banded("msd", _LENGTH2, "Mean-squared displacement"),
    **_banded("dmsd_dt", D_UNIT, "Its slope; half of it is D(t)"),
    **_banded("alpha", "1", "Exponent d ln MSD/d ln t"),
    "members/msd": Quantity(_LENGTH2, "Mean-squared displacement.", _MEMBER_TIME),
    "members/dmsd_dt": Quantity(D_UNIT, "Its slope.", _MEMBER_TIME),
    "members/D": Quantity(D_UNIT, "D on a plateau of its own; else NaN.", _MEMBER),
    **_D,
    "D_from_fs": Quantity("fs", "First time on the diffusive plateau of the mean."),
    "D_to_fs": Quantity("fs", "Last time on it."),
}
_CURRENT: Final[Table] = {
    "time_fs": time(),
    **_banded("C_JJ", _C, "Current autocorrelation"),
    **_banded("D_running", D_UNIT, "Integral of Re C_JJ"),
    "members/C_JJ": Quantity(_C, "Current autocorrelation function.", _MEMBER_TIME),
    "members/D_running": Quantity(D_UNIT, "Integral of Re C_JJ.", _MEMBER_TIME),
    "members/D": Quantity(D_UNIT, "D; NaN where it has not settled.", _MEMBER),
    "members/D_error": Quantity(D_UNIT, "Its estimated error.", _MEMBER),
    **_D,
    "mobility": Quantity(MU, "DC mobility from D."),
    "mobility_low": Quantity(MU, "Lower end of its 95 % interval."),
    "mobility_high": Quantity(MU, "Upper end."),
}


@dataclass(frozen=True)
class Members:
    """The runs of an ensemble."""

    runs: Sequence[Result]
    used: NDArray[np.bool_]
    parameters: Parameters

    def stack(self, name: str) -> NDArray[Any]:
        """Return a variable of all runs, (members, times, ...); NaN after the end of short ones."""
        arrays = [run.array(name) for run in self.runs]
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
        return max((run.array("time_fs") for run in self.runs), key=len)

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
    origin = members.parameters.start_site
    squares = model_of(members.parameters).displacements_A(origin) ** 2
    names = ("populations", "dpopulations", "d2populations")
    series = {name: np.real(members.stack(name)) for name in names}
    msd, dmsd = series["populations"] @ squares, series["dpopulations"] @ squares
    averages = {name: members.mean(values) for name, values in series.items()}
    D, why = _plateau(members, averages, dmsd, settings)
    own = _own_plateaus(members, settings)
    values = {
        "time_fs": members.time_fs,
        **_ends("populations", averages["populations"]),
        **_ends("msd", members.mean(msd)),
        **_ends("dmsd_dt", members.mean(dmsd)),
        **_ends("alpha", _exponent(members, msd, dmsd)),
        "members/msd": msd,
        "members/dmsd_dt": dmsd,
        "members/D": own,
        **D,
        "D_spread": spread(own),
    }
    notes = {"D": why, "members_D": _counted(own, members, "a diffusive plateau")}
    return variables(_POPULATION, values), notes


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
    axis = {"time_fs": time().variable(members.time_fs)}
    content = members.parameters.content()
    whole_run = replace(members.runs[0], variables=arrays | axis, parameters=content)
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
    own = np.array([NAN if run.flagged else run.number("D") for run in mobilities])
    own[~members.used] = NAN
    errors = np.where(np.isfinite(own), [run.number("D_error") for run in mobilities], NAN)
    D = _interval(members.mean(own))
    factor = mobility_cm2(1.0, members.parameters.model.temperature_K)
    values = {
        "time_fs": members.time_fs,
        **_ends("C_JJ", _complex_mean(members, C)),
        **_ends("D_running", members.mean(running)),
        "members/C_JJ": C,
        "members/D_running": running,
        "members/D": own,
        "members/D_error": errors,
        **D,
        **{name.replace("D", "mobility"): factor * value for name, value in D.items()},
        "D_spread": spread(own),
    }
    notes = {"members_D": _counted(own, members, "a D that has settled")}
    return variables(_CURRENT, values), notes


def _complex_mean(members: Members, values: NDArray[np.complex128]) -> Estimate:
    """Return the mean with intervals of real and imaginary part, each on its own."""
    real, imaginary = members.mean(values.real), members.mean(values.imag)
    ends = ((getattr(real, e), getattr(imaginary, e)) for e in ("value", "low", "high"))
    return Estimate(*(re + 1j * im for re, im in ends))


def _ends(name: str, found: Estimate) -> dict[str, Any]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def _interval(found: Estimate) -> dict[str, float]:
    return {name: float(value) for name, value in _ends("D", found).items()}


def _counted(own: RealArray, members: Members, what: str) -> str:
    return f"{np.sum(np.isfinite(own))} of {np.sum(members.used)} members averaged have {what}"
