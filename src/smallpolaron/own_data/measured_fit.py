"""A measured conductivity with the models fitted to it, and what the best ones leave."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from smallpolaron.analysis.fits.conductivity_models import DRUDE, DRUDE_SMITH
from smallpolaron.analysis.fits.measured_conductivity import MeasuredFits
from smallpolaron.figures import style
from smallpolaron.model.units import RAD_FS_PER_THZ
from smallpolaron.own_data.conductivity_table import ConductivityTable

_POINTS = 300


def draw(table: ConductivityTable, fits: MeasuredFits) -> Figure:
    """Draw Re and Im of the data with the fits, above their residuals over the errors.

    Drude-Smith and Drude are always drawn, and the best other model.
    """
    figure = style.new_figure(9.2, 5.2)
    panels = figure.subplots(2, 2, sharex=True, height_ratios=(3.0, 1.0))
    best = next(one for one in fits.models if one.fit.model not in (DRUDE, DRUDE_SMITH))
    looks = {
        DRUDE_SMITH: {"color": style.VERMILION},
        best.fit.model: {"color": style.BLUE, "linestyle": "--"},
        DRUDE: {"color": style.ORANGE, "linestyle": ":"},
    }
    thz = table.omega / RAD_FS_PER_THZ
    fine = np.linspace(table.omega[0], table.omega[-1], _POINTS)
    for column, (name, part) in enumerate((("Re", np.real), ("Im", np.imag))):
        upper, lower = panels[0, column], panels[1, column]
        upper.errorbar(
            thz,
            part(table.sigma),
            table.noise.error,
            fmt="o",
            markersize=3.0,
            label="measured",
            color=style.BLACK,
            ecolor=style.GREY,
            elinewidth=0.8,
        )
        for one in fits.models:
            look = looks.get(one.fit.model)
            if look is None:
                continue
            curve = fits.scale * one.fit.frequency(fine)
            upper.plot(fine / RAD_FS_PER_THZ, part(curve), label=one.fit.model.title, **look)
            rest = part(table.sigma - fits.scale * one.fit.frequency(table.omega))
            if one.fit.model is not DRUDE:
                lower.plot(thz, rest / table.noise.error, linewidth=1.0, **look)
        low, high = np.min(part(table.sigma)), np.max(part(table.sigma))
        room = 0.25 * (high - low) + 3.0 * float(np.median(table.noise.error))
        upper.set_ylim(low - room, high + room)
        unit = f" ({table.unit})" if table.unit else ""
        upper.set_ylabel(f"{name} σ(ω){unit}")
        lower.axhline(0.0, color=style.GREY, linewidth=0.8)
        lower.set(xlabel="frequency (THz)", ylabel="residual\n/ error")
    style.legend(panels[0, 0])
    return figure
