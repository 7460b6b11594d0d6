"""The table of all disordered ensembles of a study, one row per member."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from smallpolaron.derive.tables import Row
from smallpolaron.results.store import Result
from smallpolaron.study.disorder_section import DISORDERED

_DRAWN = [f"{name}_{what}" for name in DISORDERED for what in ("cm", "distribution")]
_NUMBERS = ("D", "D_low", "D_high", "D_spread")
ENSEMBLE_COLUMNS = (
    "ensemble",
    "start",
    "topology",
    "n_sites",
    "eta_cm",
    "gamma_cm",
    "temperature_K",
    *(f"disorder_{key}" for key in ("seed", *_DRAWN)),
    "member",
    "point",
    "used",
    "member_D_A2_fs",
    "member_D_error_A2_fs",
    *(f"{name}_A2_fs" for name in _NUMBERS),
    "flagged",
    "remark",
)


def ensemble_rows(ensembles: Sequence[Result]) -> Iterator[Row]:
    """Yield one row per ensemble and member; what holds for the whole ensemble stands in each."""
    for result in ensembles:
        common = _common(result)
        names = ("member", "members/point", "members/used", "members/D")
        columns = [np.asarray(result.variables[name].data) for name in names]
        errors = result.variables.get("members/D_error")  # only of currents
        unknown = np.full(columns[0].shape, np.nan)
        columns.append(unknown if errors is None else np.asarray(errors.data))
        for member, point, used, D, error in zip(*columns, strict=True):
            yield {
                **common,
                "member": int(member),
                "point": point.decode(),
                "used": bool(used),
                "member_D_A2_fs": float(D),
                "member_D_error_A2_fs": float(error),
            }


def _common(result: Result) -> Row:
    parameters = result.parameters
    model, bath, disorder = (parameters[name] for name in ("model", "bath", "disorder"))
    remarks = (result.notes.get("reason", ""), result.notes.get("D", ""))
    return {
        "ensemble": parameters["point"],
        "start": parameters.get("start"),
        **{name: model[name] for name in ("topology", "n_sites", "temperature_K")},
        **{name: bath[name] for name in ("eta_cm", "gamma_cm")},
        **{f"disorder_{key}": disorder[key] for key in ("seed", *_DRAWN)},
        **{f"{name}_A2_fs": float(np.real(result.variables[name].data)) for name in _NUMBERS},
        "flagged": result.flagged,
        "remark": "; ".join(filter(None, remarks)),
    }
