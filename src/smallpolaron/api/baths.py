"""Baths: one, a list of vibrations, or one from data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from pydantic import ValidationError

from smallpolaron.api.arguments import explained
from smallpolaron.api.energies import Energies, ModelError, in_cm
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths import spectral_density as model
from smallpolaron.model.baths.bath_data import EXACT, QuantumCorrection
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.expansion import BathExpansion, Scheme
from smallpolaron.model.units import CM_TO_RAD_FS
from smallpolaron.study import describe
from smallpolaron.study.bath_files import (
    Rows,
    TableKind,
    correlation_rows,
    read_bath,
    trajectory_rows,
)
from smallpolaron.study.bath_section import BathConfig, OneBath
from smallpolaron.support.canonical import exact_product
from smallpolaron.support.problems import MISSING, Problem

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Described(ABC):
    """What a section of a study describes: one bath or several, as a spectral density."""

    @abstractmethod
    def section(self) -> dict[str, Any]:
        """Return it as the section of a study."""

    def density(self) -> model.SpectralDensity:
        """Return the spectral density in internal units (rad/fs), with C(t) and g(t)."""
        bath = BathConfig.model_validate(self.section())
        return bath.baths_of_point(None, None).total_density

    def expansion(
        self, temperature_K: float, accuracy: float = 1e-3, method: Scheme | None = None
    ) -> BathExpansion:
        """Return exponentials for a run of this accuracy, in internal units.

        Args:
            temperature_K: temperature, K.
            accuracy: as that of a run; the lineshape function is right to 0.3 of it.
            method: "pade", "matsubara", "aaa" or "esprit"; None for pade where all baths have
                poles, else esprit.

        Raises:
            ValueError: a method that the bath does not allow, or no expansion within the bound.
        """
        bound = Accuracy(accuracy).bath_error_bound
        return expand(self.density(), temperature_K, method, error_bound=bound)

    def plot(
        self, temperature_K: float, accuracy: float = 1e-3, method: Scheme | None = None
    ) -> Figure:
        """Draw J(w), C(t) and its expansion, and return the figure."""
        from smallpolaron.figures.bath import draw_bath

        found = self.expansion(temperature_K, accuracy, method)
        return draw_bath(self.density(), temperature_K, found)


@dataclass(frozen=True)
class Bath(Described):
    """One bath, given in cm^-1 or meV and held in cm^-1."""

    def __repr__(self) -> str:
        """Return it as it could have been written, in cm^-1."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        shown = [f"{name}={_short(value)}" for name, value in given.items() if value is not None]
        return f"{type(self).__name__}({', '.join(shown)})"

    def _settle(self, names: Sequence[str], **others: str) -> None:
        """Hold energies in cm^-1, and refuse an invalid bath; others are keys of the section."""
        title = type(self).__name__
        for name in names:
            given = (getattr(self, f"{name}_cm"), getattr(self, f"{name}_meV"))
            object.__setattr__(self, f"{name}_cm", in_cm(title, name, *given))
            object.__setattr__(self, f"{name}_meV", None)
        try:
            OneBath.model_validate(self.section())
        except ValidationError as error:
            problems = []
            for item in error.errors(include_url=False):
                if item["type"] == "faults":
                    faults = item["ctx"]["faults"]
                    problems += [replace(one, key=others.get(one.key, one.key)) for one in faults]
                    continue
                key = str(item["loc"][0])
                ours, field = others.get(key, key), OneBath.model_fields[key]
                unit = f", in {describe.unit(field)}" if describe.unit(field) else ""
                allowed = f"must be {describe.allowed(field)}{unit}"
                problems.append(Problem(ours, getattr(self, ours), allowed, "correct the value"))
            raise ModelError(title, problems) from None


@explained
@dataclass(frozen=True, repr=False)
class Debye(Bath):
    """A Debye bath: J(w) = eta gamma w / (w^2 + gamma^2).

    Attributes:
        eta_cm: coupling strength, cm^-1; the reorganisation energy of a site is eta/2.
        gamma_cm: relaxation rate, cm^-1; the relaxation time is 5308.8 fs / gamma_cm.
        eta_meV: eta_cm in meV, in its place.
        gamma_meV: gamma_cm in meV, in its place.
    """

    eta_cm: float | None = None
    gamma_cm: float | None = None
    eta_meV: float | None = None
    gamma_meV: float | None = None

    def __post_init__(self) -> None:
        """Convert to cm^-1 and refuse an invalid bath."""
        self._settle(("eta", "gamma"))

    def section(self) -> dict[str, Any]:
        """Return the bath as the section of a study."""
        return {"eta_cm": self.eta_cm, "gamma_cm": self.gamma_cm}


@explained
@dataclass(frozen=True, repr=False)
class Brownian(Bath):
    """A damped vibration: J(w) = eta gamma w0^2 w / ((w0^2 - w^2)^2 + gamma^2 w^2).

    Attributes:
        eta_cm: coupling strength, cm^-1; the reorganisation energy of a site is eta/2.
        gamma_cm: damping, cm^-1.
        frequency_cm: undamped frequency w0, cm^-1.
        eta_meV: eta_cm in meV, in its place.
        gamma_meV: gamma_cm in meV, in its place.
        frequency_meV: frequency_cm in meV, in its place.
    """

    eta_cm: float | None = None
    gamma_cm: float | None = None
    frequency_cm: float | None = None
    eta_meV: float | None = None
    gamma_meV: float | None = None
    frequency_meV: float | None = None

    def __post_init__(self) -> None:
        """Convert to cm^-1 and refuse an invalid bath."""
        self._settle(("eta", "gamma", "frequency"))

    def section(self) -> dict[str, Any]:
        """Return the bath as the section of a study."""
        numbers = {"eta_cm": self.eta_cm, "gamma_cm": self.gamma_cm}
        return {"kind": "brownian", **numbers, "frequency_cm": self.frequency_cm}


@explained
@dataclass(frozen=True, repr=False)
class Ohmic(Bath):
    """J(w) proportional to (w/wc)^s with a cutoff: Ohmic (s = 1), sub- and super-Ohmic baths.

    Attributes:
        eta_cm: coupling strength, cm^-1; the reorganisation energy of a site is eta/2, whatever
            the exponent and cutoff. Kondo's alpha is eta / (4 wc) for s = 1, exponential.
        cutoff_cm: cutoff frequency wc, cm^-1.
        exponent: s, 0.1 to 10.
        cutoff: "exponential", exp(-w/wc); "gaussian", exp(-(w/wc)^2); or "sharp", none above wc.
        eta_meV: eta_cm in meV, in its place.
        cutoff_meV: cutoff_cm in meV, in its place.
    """

    eta_cm: float | None = None
    cutoff_cm: float | None = None
    exponent: float = 1.0
    cutoff: str = "exponential"
    eta_meV: float | None = None
    cutoff_meV: float | None = None

    def __post_init__(self) -> None:
        """Convert to cm^-1 and refuse an invalid bath."""
        self._settle(("eta", "cutoff"), gamma_cm="cutoff_cm")

    def section(self) -> dict[str, Any]:
        """Return the bath as the section of a study."""
        numbers = {"eta_cm": self.eta_cm, "gamma_cm": self.cutoff_cm}
        shape = {"exponent": float(self.exponent), "cutoff": self.cutoff}
        return {"kind": "ohmic", **numbers, **shape}


@explained
@dataclass(frozen=True, repr=False)
class SpectralDensity(Bath):
    """J(w) of one site as a table; cubic between its rows, 0 beyond the last.

    Attributes:
        omega_cm: frequencies, cm^-1, ascending; 4 to 2000.
        J_cm: J there, cm^-1: (pi/2) sum c^2/w delta(w - w'), with lambda = (1/pi) int J/w dw.
        omega_meV: omega_cm in meV, in its place.
        J_meV: J_cm in meV, in its place.
    """

    omega_cm: Energies | None = None
    J_cm: Energies | None = None
    omega_meV: Energies | None = None
    J_meV: Energies | None = None

    def __post_init__(self) -> None:
        """Convert to cm^-1 and refuse an invalid spectral density."""
        self._settle(("omega", "J"), density_cm="J_cm")

    def __repr__(self) -> str:
        """Return how many rows there are, up to where, and the reorganisation energy."""
        energy = self.density().reorganisation_energy / CM_TO_RAD_FS
        omega = np.asarray(self.omega_cm, dtype=float)
        return (
            f"SpectralDensity({len(omega)} rows up to {omega[-1]:.4g} cm⁻¹, "
            f"reorganisation energy {energy:.4g} cm⁻¹)"
        )

    def section(self) -> dict[str, Any]:
        """Return the bath as the section of a study."""
        return {"kind": "table", "omega_cm": self.omega_cm, "density_cm": self.J_cm}

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        kind: TableKind = "table",
        temperature_K: float | None = None,
        quantum_correction: QuantumCorrection | None = None,
    ) -> SpectralDensity:
        """Return the bath of a file.

        Args:
            path: a CSV file whose header names quantities and units: omega_cm,J_cm; of a
                correlation t_fs,re_cm2,im_cm2; of a trajectory t_fs and a column per site, such as
                a_cm,b_cm. meV in place of cm.
            kind: "table" of J(w), "correlation" C(t) or "trajectory" of energies.
            temperature_K: temperature of a correlation or trajectory.
            quantum_correction: how a classical one becomes J(w), "harmonic" or "standard".

        Raises:
            ModelError: it cannot be read, or is not a bath.
        """
        arguments = (path, kind, temperature_K, quantum_correction)
        return cls(*_refusing("from_csv", str(path), read_bath, *arguments))


@explained
def CorrelationFunction(
    t_fs: ArrayLike,
    C_cm2: ArrayLike,
    *,
    temperature_K: float,
    quantum_correction: QuantumCorrection | None = None,
    error: float = EXACT,
) -> SpectralDensity:
    """Return the bath of a correlation function C(t) = <X(t) X(0)> of a site's energy.

    Args:
        t_fs: times >= 0, fs, in equal steps.
        C_cm2: C(t), cm^-2: complex, or real and classical.
        temperature_K: the temperature of C(t).
        quantum_correction: how a classical C(t) becomes J(w): "harmonic", S beta w/2 with the
            power spectrum S, exact for vibrations; or "standard", S tanh(beta w/2).
        error: of the values, relative to the largest: sqrt(2 memory / length) of one trajectory.

    Returns:
        J(w), for any temperature.

    Raises:
        ModelError: not such a function; the message says why.
    """
    t, c = np.asarray(t_fs, dtype=float), np.asarray(C_cm2, dtype=complex)
    if not 0.0 < error < 1.0:
        problem = Problem("error", error, "must be a number > 0 and < 1, relative to C(0)")
        raise ModelError("CorrelationFunction", [problem])
    arguments = (t, c, temperature_K, quantum_correction, error)
    rows = _refusing("CorrelationFunction", f"{c.size} values", correlation_rows, *arguments)
    return SpectralDensity(*rows)


@explained
def Trajectory(
    t_fs: ArrayLike,
    energies_cm: ArrayLike,
    *,
    temperature_K: float,
    quantum_correction: QuantumCorrection,
) -> SpectralDensity:
    """Return the bath of site energies, or transfer integrals, along classical dynamics.

    Args:
        t_fs: times, fs, in equal steps.
        energies_cm: energies, cm^-1, shape (n,), or (sites, n) for alike sites.
        temperature_K: the temperature of the dynamics.
        quantum_correction: as for CorrelationFunction.

    Returns:
        J(w) of the fewest exponentials that fit the correlation function to its statistical error.

    Raises:
        ModelError: not such a record, or too short a one; the message says why.
    """
    t, values = np.asarray(t_fs, dtype=float), np.asarray(energies_cm, dtype=float)
    arguments = (t, values, temperature_K, quantum_correction)
    rows = _refusing("Trajectory", f"{values.size} values", trajectory_rows, *arguments)
    return SpectralDensity(*rows)


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _refusing(where: str, given: str, read: Callable[..., Rows], *arguments: object) -> Rows:
    try:
        return read(*arguments)
    except ValueError as error:
        raise ModelError(where, [Problem("bath", given, str(error), "see docs/baths.md")]) from None


@explained
def Vibrations(
    *,
    frequency_cm: Energies | None = None,
    damping_cm: Energies | None = None,
    huang_rhys: Energies | None = None,
    g: Energies | None = None,
    reorganisation_cm: Energies | None = None,
    frequency_meV: Energies | None = None,
    damping_meV: Energies | None = None,
    reorganisation_meV: Energies | None = None,
) -> tuple[Brownian, ...]:
    """Return the Brownian baths of a list of vibrations of one site.

    Args:
        frequency_cm: undamped frequencies w0, cm^-1; one or a list.
        damping_cm: dampings, cm^-1; one for all, or a list.
        huang_rhys: S of one site, dimensionless: the reorganisation energy is S w0.
        g: in H = g w0 (b + b^+), in place of S = g^2.
        reorganisation_cm: S w0, cm^-1, in place of S.
        frequency_meV: w0 in meV, in place of frequency_cm.
        damping_meV: dampings in meV.
        reorganisation_meV: S w0 in meV.

    Raises:
        ModelError: not a vibration, or lists of different lengths.
    """
    w0 = np.atleast_1d(in_cm("Vibrations", "frequency", frequency_cm, frequency_meV))
    damping = np.atleast_1d(in_cm("Vibrations", "damping", damping_cm, damping_meV))
    energies = (reorganisation_cm, reorganisation_meV)
    strengths = {"huang_rhys": huang_rhys, "g": g, "reorganisation": energies}
    given = [name for name, value in strengths.items() if value not in (None, (None, None))]
    if len(given) != 1:
        allowed = "give exactly one of huang_rhys, g and reorganisation_cm (or _meV)"
        raise ModelError("Vibrations", [Problem("huang_rhys", given or MISSING, allowed)])
    if given == ["reorganisation"]:
        energy = np.atleast_1d(in_cm("Vibrations", "reorganisation", *energies))
    else:
        s = np.atleast_1d(in_cm("Vibrations", given[0], huang_rhys if g is None else g, None))
        s = s if g is None else s**2
        same = len(s) == len(w0)  # else refused below
        energy = np.array([*map(exact_product, s.tolist(), w0.tolist())]) if same else s
    if not np.all(energy > 0):
        key = "reorganisation_cm" if given == ["reorganisation"] else given[0]
        raise ModelError("Vibrations", [Problem(key, energy.tolist(), "must be numbers > 0")])
    if len(energy) != len(w0) or len(damping) not in (1, len(w0)):
        allowed = "must have as many values as there are frequencies"
        raise ModelError("Vibrations", [Problem("frequency_cm", w0.tolist(), allowed)])
    every = zip(2 * energy, np.broadcast_to(damping, w0.shape), w0, strict=True)
    return tuple(Brownian(float(eta), float(width), float(w)) for eta, width, w in every)


def Vibration(**given: Any) -> Brownian:
    """Return the Brownian bath of one vibration; see Vibrations for its arguments.

    Raises:
        ModelError: not a vibration, or several.
    """
    found = Vibrations(**given)
    if len(found) != 1:
        allowed = "must be one number; use Vibrations for a list"
        raise ModelError("Vibration", [Problem("frequency_cm", f"{len(found)} values", allowed)])
    return found[0]
