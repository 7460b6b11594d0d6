"""Results from a C(t) whose unit is not known: shapes and times stay, D and mobility go."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import numpy as np

from smallpolaron.derive.derive import MU, NAN, PAPER_UNIT
from smallpolaron.model.units import mobility_cm2
from smallpolaron.results.store import Result, Variable
from smallpolaron.study.parameters import number

SCALE_NOTE: Final = (
    "C is given in arbitrary units: it was divided by C(0), so that there is no D and no mobility; "
    "what is proportional to C is in units of C(0)"
)
BAND_NOTE: Final = "a band of fixed width needs C in angstrom^2/fs^2"

_AREA: Final = re.compile(r"angstrom\^2 fs\^-(\d+)")


def without_scale(result: Result) -> Result:
    """Return a result of C/C(0) in units of C(0).

    Curves proportional to C are kept: angstrom^2 fs^-2 becomes C(0), angstrom^2 fs^-1 becomes
    C(0) fs, which is also what remains of a frequency-resolved mobility. Diffusion constants,
    mobilities and times that depend on a band of absolute width become NaN.
    """
    unit_of_mobility = mobility_cm2(1.0, number(result.parameters, "model.temperature_K"))
    variables = {
        name: _relative(name, variable, unit_of_mobility)
        for name, variable in result.variables.items()
    }
    notes = {key: BAND_NOTE if _needs_band(key) else text for key, text in result.notes.items()}
    return replace(result, variables=variables, notes=notes | {"scale": SCALE_NOTE})


def _needs_band(name: str) -> bool:
    return "_band" in name


def _relative(name: str, variable: Variable, unit_of_mobility: float) -> Variable:
    is_number = not variable.dims
    has_scale = variable.units in (MU, PAPER_UNIT) or _AREA.fullmatch(variable.units)
    if is_number and (has_scale or _needs_band(name)):
        return replace(variable, data=NAN)
    if variable.units == MU:
        return replace(variable, data=np.asarray(variable.data) / unit_of_mobility, units="C(0) fs")
    area = _AREA.fullmatch(variable.units)
    if area is None:
        return variable
    power = 2 - int(area[1])
    return replace(variable, units={0: "C(0)", 1: "C(0) fs"}.get(power, f"C(0) fs^{power}"))
