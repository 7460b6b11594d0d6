"""Result files of older schema versions: their variables by the names of today.

Up to version 2 some names did not say what they held: ``D_error`` was what the end of the record
leaves open, the error from all sources was ``D_estimate``, and ``sigma`` was a mobility.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from smallpolaron.model.units import mobility_cm2, paper_units

if TYPE_CHECKING:
    from smallpolaron.results.store import Variable

RENAMED: Final[Mapping[str, Mapping[str, str]]] = {
    "correlation": {"resolvent/sigma": "resolvent/current_transform"},
    "mobility": {"D_error": "D_error_record", "D_estimate": "D_error", "sigma": "mobility_ac"},
    "conductivity_models": {"sigma": "mobility_ac"},
    "augmented": {
        f"{projector}/{source}/D_whole": f"{projector}/{source}/D_kernel"
        for projector in ("J", "J_dJ", "J_dJ_d2J")
        for source in ("exact", "differences")
    },
    "population_kernel": {"plateau_error": "plateau_D_flatness"},
    "spreading": {"plateau_error": "plateau_D_flatness"},
    "verdict": {"systems/reference_error": "systems/reference_D_error"},
}
"""By kind, the names up to version 2 and those from version 3 on."""


def renamed(
    kind: str, variables: Mapping[str, Variable], parameters: Mapping[str, Any]
) -> dict[str, Variable]:
    """Return the variables of a file of version 1 or 2 by the names of version 3.

    The errors of the mobility and of D in paper units, which older files took from the end of the
    record, are those from all sources, NaN in files from before there was such an estimate.

    Args:
        kind: kind of the result.
        variables: its variables by their old names.
        parameters: its parameters; those of a mobility file hold the temperature.

    Raises:
        KeyError, ValueError: a mobility file without a temperature.
    """
    names = RENAMED.get(kind, {})
    found = {names.get(name, name): variable for name, variable in variables.items()}
    if kind != "mobility" or "D_error_record" not in found:
        return found
    if "D_error" not in found:
        text = "Estimated error of D from all sources; not known to the version that wrote this."
        found["D_error"] = replace(found["D_error_record"], data=np.nan, description=text)
    error = float(np.real(found["D_error"].data))
    derived = {
        "mobility_error": mobility_cm2(error, parameters["model"]["temperature_K"]),
        "D_paper_error": paper_units(error),
    }
    text = "Its estimated error from all sources."
    return found | {
        name: replace(found[name], data=value, description=text)
        for name, value in derived.items()
        if name in found
    }
