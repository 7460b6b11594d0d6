"""Baths, and how the carrier couples to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from smallpolaron.api.energies import ModelError, in_cm
from smallpolaron.study import describe
from smallpolaron.study.bath_section import OneBath
from smallpolaron.support.problems import MISSING, Problem


@dataclass(frozen=True)
class _Bath:
    """What all baths share: they are given in cm^-1 or meV and held in cm^-1."""

    def _settle(self, names: Sequence[str], kind: str) -> None:
        title = type(self).__name__
        values = {}
        for name in names:
            given = (getattr(self, f"{name}_cm"), getattr(self, f"{name}_meV"))
            values[name] = in_cm(title, name, *given)
            object.__setattr__(self, f"{name}_cm", values[name])
            object.__setattr__(self, f"{name}_meV", None)
        try:
            OneBath.model_validate({"kind": kind, **{f"{n}_cm": v for n, v in values.items()}})
        except ValidationError as error:
            problems = []
            for item in error.errors(include_url=False):
                key = str(item["loc"][0])
                allowed = f"must be {describe.allowed(OneBath.model_fields[key])}, in cm^-1"
                problems.append(Problem(key, getattr(self, key), allowed, "correct the value"))
            raise ModelError(title, problems) from None


@dataclass(frozen=True)
class Debye(_Bath):
    """A Debye bath: J(w) = eta gamma w / (w^2 + gamma^2).

    Attributes:
        eta_cm: coupling strength, cm^-1; the reorganisation energy of a site is eta/2.
        gamma_cm: relaxation rate, cm^-1; the relaxation time is 5308.8 fs / gamma_cm.
        eta_meV, gamma_meV: the same in meV, in place of those.
    """

    eta_cm: float | None = None
    gamma_cm: float | None = None
    eta_meV: float | None = None
    gamma_meV: float | None = None

    def __post_init__(self) -> None:
        """Convert to cm^-1 and refuse what is no bath."""
        self._settle(("eta", "gamma"), "debye")


@dataclass(frozen=True)
class Brownian(_Bath):
    """A damped vibration: J(w) = eta gamma w0^2 w / ((w0^2 - w^2)^2 + gamma^2 w^2).

    Attributes:
        eta_cm: coupling strength, cm^-1; the reorganisation energy of a site is eta/2.
        gamma_cm: damping, cm^-1.
        frequency_cm: undamped frequency w0, cm^-1.
        eta_meV, gamma_meV, frequency_meV: the same in meV, in place of those.
    """

    eta_cm: float | None = None
    gamma_cm: float | None = None
    frequency_cm: float | None = None
    eta_meV: float | None = None
    gamma_meV: float | None = None
    frequency_meV: float | None = None

    def __post_init__(self) -> None:
        """Convert to cm^-1 and refuse what is no bath."""
        self._settle(("eta", "gamma", "frequency"), "brownian")


def Vibration(
    *,
    huang_rhys: float,
    frequency_cm: float | None = None,
    damping_cm: float | None = None,
    frequency_meV: float | None = None,
    damping_meV: float | None = None,
) -> Brownian:
    """Return the Brownian bath of a vibration that is given by its Huang-Rhys factor.

    Args:
        huang_rhys: S of one site, dimensionless; g^2 in H = g w0 (b + b^+); the reorganisation
            energy is S w0, so that eta = 2 S w0.
        frequency_cm: undamped frequency w0, cm^-1.
        damping_cm: damping, cm^-1.
        frequency_meV: w0 in meV, in place of frequency_cm.
        damping_meV: damping in meV, in place of damping_cm.

    Raises:
        ModelError: what is no vibration.
    """
    frequency = in_cm("Vibration", "frequency", frequency_cm, frequency_meV)
    damping = in_cm("Vibration", "damping", damping_cm, damping_meV)
    if not (isinstance(huang_rhys, (int, float)) and huang_rhys > 0):
        problem = Problem("huang_rhys", huang_rhys, "must be a number > 0", "S = energy / w0")
        raise ModelError("Vibration", [problem])
    if isinstance(frequency, tuple) or isinstance(damping, tuple):
        allowed = "must be one number; give one Vibration per mode"
        raise ModelError("Vibration", [Problem("frequency_cm", frequency_cm, allowed)])
    return Brownian(2 * huang_rhys * frequency, damping, frequency)


Bath = Debye | Brownian


@dataclass(frozen=True)
class Local:
    """Local (Holstein) coupling: every site has baths of its own, alike on all sites.

    Attributes:
        baths: one bath or several, which add up.
    """

    baths: Bath | Sequence[Bath]

    def __post_init__(self) -> None:
        """Make a tuple of the baths.

        Raises:
            ModelError: none, or what is no bath.
        """
        given = self.baths
        baths = (given,) if isinstance(given, (Debye, Brownian)) else tuple(given or ())
        if not baths or not all(isinstance(bath, (Debye, Brownian)) for bath in baths):
            allowed = "must be a Debye, Brownian or Vibration, or a list of them"
            value = MISSING if not baths else repr(given)
            raise ModelError("Local", [Problem("baths", value, allowed, "such as Local(Debye(…))")])
        object.__setattr__(self, "baths", baths)

    def section(self) -> dict[str, object]:
        """Return the baths as the section of a study."""
        assert isinstance(self.baths, tuple)
        first, *further = (_as_section(bath) for bath in self.baths)
        return first | ({"further_baths": further} if further else {})


def _as_section(bath: Bath) -> dict[str, object]:
    names = ["eta_cm", "gamma_cm"]
    if isinstance(bath, Brownian):
        return {"kind": "brownian"} | {n: getattr(bath, n) for n in [*names, "frequency_cm"]}
    return {name: getattr(bath, name) for name in names}
