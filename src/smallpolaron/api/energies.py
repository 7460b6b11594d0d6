"""Energies that may be given in cm^-1 or in meV, and how wrong input is refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smallpolaron.model.units import MEV_TO_CM
from smallpolaron.support.canonical import exact_product
from smallpolaron.support.problems import MISSING, ConfigurationError, Problem

Energies = float | Sequence[float]


class ModelError(ConfigurationError):
    """Input that makes no model or run; says what is wrong, what is allowed and what to do.

    Attributes:
        problems: every fault found, each with key, value, what is allowed, and advice.
    """


def in_cm(
    where: str, name: str, cm: Energies | None, meV: Energies | None, default: float | None = None
) -> float | tuple[float, ...]:
    """Return an energy in cm^-1 that was given in one of two units.

    Args:
        where: what the energy belongs to, for messages.
        name: its name without unit.
        cm: in cm^-1, or None.
        meV: in meV, or None.
        default: in cm^-1 if neither is given; None if one must be.

    Raises:
        ModelError: both units, neither, or what is not a number.
    """
    if cm is not None and meV is not None:
        allowed = f"give {name}_cm or {name}_meV, not both"
        raise ModelError(where, [Problem(f"{name}_meV", meV, allowed, "remove one of the two")])
    if cm is None and meV is None:
        if default is not None:
            return default
        allowed = f"give {name}_cm (cm^-1) or {name}_meV (meV), a number"
        raise ModelError(where, [Problem(f"{name}_cm", MISSING, allowed)])
    key, given, unit = (f"{name}_cm", cm, 1.0) if meV is None else (f"{name}_meV", meV, MEV_TO_CM)
    try:
        values = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        values = np.full(2, np.nan)
    if values.ndim > 1 or not np.all(np.isfinite(values)):
        allowed = "must be a finite number, or a list of them"
        raise ModelError(where, [Problem(key, given, allowed, "write plain numbers")])
    scaled = [exact_product(value, unit) for value in values.ravel().tolist()]
    return tuple(scaled) if values.ndim else scaled[0]
