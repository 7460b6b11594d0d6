"""What other programs and papers call the keys of a study, and how their numbers convert."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeGuard

from scipy.constants import value as codata

from smallpolaron.model.units import BOHR_A, CM_TO_RAD_FS, KB_CM, MEV_TO_CM
from smallpolaron.support.canonical import exact_product


def _per_cm(name: str) -> float:
    return codata(f"{name}-inverse meter relationship") / 100.0


_HARTREE: Final = _per_cm("hartree")
_KJ_MOL: Final = _per_cm("joule") * 1e3 / codata("Avogadro constant")
_UNITS: Final[Mapping[str, Mapping[str, float]]] = {
    "cm": {
        **{"cm": 1.0, "meV": MEV_TO_CM, "eV": 1e3 * MEV_TO_CM, "THz": 1e12 * _per_cm("hertz")},
        **{"rad_ps": 1e-3 / CM_TO_RAD_FS, "rad_fs": 1.0 / CM_TO_RAD_FS, "K": KB_CM},
        **{"mHa": 1e-3 * _HARTREE, "Ha": _HARTREE, "Hartree": _HARTREE},
        **{"kJ_mol": _KJ_MOL, "kcal_mol": 4.184 * _KJ_MOL, "cm1": 1.0, "cm-1": 1.0},
    },
    "K": {"K": 1.0},
    "fs": {"fs": 1.0, "ps": 1e3, "ns": 1e6, "as": 1e-3},
    "A": {"A": 1.0, "nm": 10.0, "angstrom": 1.0, "pm": 0.01, "bohr": BOHR_A},
    "over_v": {"over_v": 1.0},
    "minutes": {"minutes": 1.0, "hours": 60.0, "seconds": 1.0 / 60.0},
    "hours": {"hours": 1.0},
    "percent": {"percent": 1.0},
}
"""By the unit that ends a key of a study: other units of the same dimension, and their size."""
_NAMES: Final = {unit.lower(): unit for table in _UNITS.values() for unit in table}
_ENDING: Final = re.compile(
    rf"(.+)_({'|'.join(sorted(map(re.escape, _NAMES), key=len, reverse=True))})", re.IGNORECASE
)


@dataclass(frozen=True)
class _Synonym:
    """Other names of a quantity.

    Attributes:
        key: the key of a study, without its unit.
        names: pattern of the other names, without a unit.
        relation: how the two quantities are related, where they differ.
        factor: number by which the other quantity is multiplied; None where a relation between
            several quantities is needed.
        inverse: whether the other quantity is a time, of which the key is the inverse.
    """

    key: str
    names: str
    relation: str = ""
    factor: float | None = 1.0
    inverse: bool = False


_SYNONYMS: Final = (
    _Synonym(
        "bath.eta",
        r"lam|lambda(_?r|_?reorg)?|reorg(ani[sz]ation)?(_energy)?|[Ee]_?r(eorg)?",
        "eta = 2 lambda, lambda the reorganisation energy",
        2.0,
    ),
    _Synonym("bath.huang_rhys", r"S|huang_?rhys(_factor)?|s_factor", "S, kind: brownian"),
    _Synonym(
        "bath.eta",
        r"g",
        "eta = 2 lambda and lambda = g^2 omega for a vibration of frequency omega, kind: brownian",
        None,
    ),
    _Synonym("bath.eta", r"coupling(_strength)?|bath_coupling"),
    _Synonym(
        "bath.gamma",
        r"(omega|w|gamma)_?(c|d|D|cut|cutoff)|cut_?off(_frequency)?|debye_(frequency|rate)",
        "gamma = omega_c",
    ),
    _Synonym("bath.gamma", r"damping|friction|relaxation_rate|rate"),
    _Synonym(
        "bath.gamma",
        r"tau(_?c)?|(relaxation|correlation|damping|bath)_time|lifetime",
        "gamma = 1/tau",
        inverse=True,
    ),
    _Synonym(
        "bath.frequency",
        r"(omega|w)(_?0|_?vib|_?ph)?|(vibration|vibrational|phonon|mode)(_frequency|_energy)?",
        "w0, kind: brownian",
    ),
    _Synonym("model.temperature", r"T|temp|kT|k_?B_?T"),
    _Synonym("model.hopping", r"[JVvt]|hop|t_?hop|(electronic_)?coupling|H_?ab|h_?ab"),
    _Synonym("model.hopping", r"transfer(_integral)?|hopping_(integral|amplitude)|tunnel+ing"),
    _Synonym("model.site_energies", r"(site_|onsite_|on_site_)?(energy|energies)|eps(ilon)?"),
    _Synonym("model.lattice_constant", r"a|a0|(lattice_)?spacing|lattice(_parameter)?|distance"),
    _Synonym("model.n_sites", r"[Nn]|n_?sites?|sites|num(ber)?(_of)?_sites|size"),
    _Synonym("disorder.site_energy", r"sigma(_E)?|disorder|static_disorder|width"),
    _Synonym("propagation.duration", r"t_?(max|end|final)|time|total_time|length"),
    _Synonym("propagation.sample", r"dt|delta_?t|(time_?)?step|sampling|sample_time"),
)


def split_unit(key: str) -> tuple[str, str]:
    """Return a key without its unit, and the unit as it is spelled here; empty if there is none."""
    found = _ENDING.fullmatch(key)
    return (found[1], _NAMES[found[2].lower()]) if found else (key, "")


def own_key(key: str, known: Iterable[str]) -> tuple[str, float]:
    """Return the key of a study for one in another unit, and the size of that unit.

    A key that is known, or is not one in another unit of a known one, is itself, with size 1:
    ``hopping_meV`` is ``hopping_cm`` with 8.06554.

    Args:
        key: as written, with or without its section.
        known: the keys of a study there, with or without.
    """
    name, unit = split_unit(key)
    if not unit or key in (choices := tuple(known)):
        return key, 1.0
    for choice in choices:
        same, target = split_unit(choice)
        if same == name and (size := _UNITS.get(target, {}).get(unit)):
            return choice, size
    return key, 1.0


def in_unit(value: object, size: float) -> object:
    """Return numbers, in lists too, times a size; anything else, to be refused later, as it is."""
    if isinstance(value, list):
        return [in_unit(each, size) for each in value]
    return exact_product(float(value), size) if _is_number(value) else value


def other_units(key: str) -> tuple[str, ...]:
    """Return the units in place of which a key of a study may have its own."""
    own = split_unit(key)[1]
    return tuple(unit for unit in _UNITS.get(own, {}) if unit != own)


def converted(text: str, target: str) -> float:
    """Return a number with a unit, such as "6 meV" or "0.2 ps", in the unit of a key of a study.

    Args:
        text: the number and its unit; without one it is in the target's. A time may stand for the
            rate that is its inverse.
        target: "cm", "fs", "A" or "K".

    Raises:
        ValueError: it is no number, or the unit is none of those.
    """
    found = re.fullmatch(r"\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*(.*?)\s*", text)
    unit = re.sub(r"^cm\^?[-⁻][1¹]$|^1/cm$", "cm", found[2]) if found else ""
    unit = {"Å": "A"}.get(unit, _NAMES.get(unit.lower(), unit)) or target
    inverse = target == "cm" and unit in _UNITS["fs"]
    size = _size(unit, target, inverse=inverse)
    if found is None or size is None:
        times = [*_UNITS["fs"]] if target == "cm" else []
        allowed = ", ".join(dict.fromkeys([*_UNITS[target], *times]))
        raise ValueError(f"'{text}' must be a number and a unit: {allowed}")
    number = float(found[1])
    if inverse and not number:
        raise ValueError(f"'{text}' must not be 0")
    return size / number if inverse else size * number


def conversion_advice(
    section: str, key: str, value: object, known: Sequence[str], *, full: bool = False
) -> str:
    """Return how a study expresses a quantity that it calls otherwise or wants in another unit.

    Args:
        section: the section in which the key was written; empty for the top level.
        key: the key there.
        value: what was given; numbers are converted.
        known: every key of a study, with its section.
        full: write the section of the right key also when it is the same.

    Returns:
        The advice, or an empty text if the key resembles nothing.
    """
    name, unit = split_unit(re.sub(r"[\s\[\](){}]+", "_", key).strip("_"))
    for synonym in _candidates(section, name, unit, known):
        found = _right_key(synonym, unit, known)
        if found:
            home, _, short = found.partition(".")
            return _advice(found if full or home != section else short, synonym, unit, value)
    return ""


def _candidates(section: str, name: str, unit: str, known: Sequence[str]) -> list[_Synonym]:
    """Return what a name may mean, keys of its own section first."""
    own = [split_unit(k)[0] for k in known if split_unit(k)[1]]
    plain = [_Synonym(k, "") for k in own if k.rpartition(".")[2] == name]
    other = [each for each in _SYNONYMS if re.fullmatch(each.names, name)]
    if not plain and not other and unit:
        guess = nearest(name, [k.rpartition(".")[2] for k in own if k.startswith(f"{section}.")])
        misspelt = guess is not None and f"{section}.{guess}_{unit}" not in known
        plain = [_Synonym(f"{section}.{guess}", "")] if misspelt else []
    return sorted(plain + other, key=lambda each: each.key.partition(".")[0] != section)


def _right_key(synonym: _Synonym, unit: str, known: Sequence[str]) -> str:
    """Return the key of a study that takes a quantity, in the unit given where there is one."""
    choices = [k for k in known if k == synonym.key or split_unit(k)[0] == synonym.key]
    exact = [k for k in choices if split_unit(k)[1] == unit]
    return next(iter(exact or choices), "")


def _advice(key: str, synonym: _Synonym, unit: str, value: object) -> str:
    target = split_unit(key)[1]
    size = _size(unit, target, inverse=synonym.inverse)
    reasons = [synonym.relation] if synonym.relation else []
    if size is not None and unit != target:
        per = "1/" if synonym.inverse else "1 "
        reasons.append(f"{per}{unit} = {size:.6g} {_said(target)}")
    why = f" ({'; '.join(reasons)})" if reasons else ""
    numbers = value if isinstance(value, list) else [value]
    if size is None or synonym.factor is None or not all(map(_is_number, numbers)):
        return f"write {key}" + (f", in {_said(target)}" if target else "") + why
    factor = synonym.factor * size
    made = [_converted(number, factor, inverse=synonym.inverse) for number in numbers]
    shown = f"[{', '.join(made)}]" if isinstance(value, list) else made[0]
    return f"write {key}: {shown}{why}"


def _size(unit: str, target: str, *, inverse: bool) -> float | None:
    """Return how many of the right unit one of the given unit is; None if that is not known."""
    if inverse:
        size = _UNITS["fs"].get(unit)
        return None if size is None or target != "cm" else 1.0 / (CM_TO_RAD_FS * size)
    if target == "K" and unit in _UNITS["cm"]:
        return _UNITS["cm"][unit] / KB_CM
    return _UNITS[target].get(unit) if target in _UNITS else None if unit else 1.0


def _said(unit: str) -> str:
    return {"cm": "cm^-1", "over_v": "units of the hopping v", "A": "angstrom"}.get(unit, unit)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _converted(number: object, factor: float, *, inverse: bool) -> str:
    assert _is_number(number)
    if factor == 1.0 and not inverse:
        return f"{number}"
    return f"{factor / number if inverse and number else factor * number:.6g}"


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice most like the word, or None when nothing is close."""
    found = difflib.get_close_matches(word, sorted(choices), n=1, cutoff=0.6)
    return found[0] if found else None


def unknown_key_advice(word: str, choices: Sequence[str]) -> str:
    """Return what to do about a key that does not exist.

    Units are left out of the comparison: lambda_cm and gamma_cm have little more in common.
    """
    name, unit = split_unit(word)
    names = {split_unit(key)[0] if unit else key: key for key in reversed(choices)}
    found = nearest(name, names)
    guess = found and (f"{found}_{unit}" if f"{found}_{unit}" in choices else names[found])
    return f"did you mean '{guess}'?" if guess else "remove it, or check the spelling"
