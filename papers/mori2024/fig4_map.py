"""Where Drude-Smith may be trusted: fits and verdicts over the map of the Mori paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from papers.shared import figure as paper
from papers.shared.figure import Map, heat_maps
from smallpolaron.analysis.fits.conductivity_models import DRUDE_SMITH, MODELS
from smallpolaron.figures import style
from smallpolaron.figures.runs import Run

_FIT: Final = ("c", "k", "rms", "residual_max", "dc_ratio")
KINDS: Final = ("time", "frequency", "window")


def best(run: Run) -> str:
    """Return the title of the model with the smallest Bayesian criterion in time."""
    values = [run.number(f"{model.name}/time/delta_bic") for model in MODELS]
    return MODELS[int(np.nanargmin(values))].title if np.isfinite(values).any() else ""


def rows(runs: Sequence[Run]) -> Iterator[style.Row]:
    """Yield one row per point."""
    for run in runs:
        yield paper.identity(run) | {
            "trusted": bool(run.number("trusted") > 0),
            "best_model": best(run),
            **{
                f"drude_smith_{kind}_{name}": run.number(f"{DRUDE_SMITH.name}/{kind}/{name}")
                for kind in KINDS
                for name in _FIT
            },
            **{f"{m.name}_delta_bic": run.number(f"{m.name}/time/delta_bic") for m in MODELS},
            "verdict": run.result.notes.get("verdict", run.reason),
        }


def draw(runs: Sequence[Run]) -> Figure:
    """Draw c, k, residual, DC ratio, verdict and the best model over the map."""
    figure = style.new_figure(12.5, 7.4)

    def of(quantity: str, factor: float = 1.0) -> paper.Value:
        return lambda run: factor * run.number(f"{DRUDE_SMITH.name}/time/{quantity}")

    maps = (
        Map(of("c"), "c", limits=(-1.0, 0.0)),
        Map(of("k"), "k (fs⁻¹)", "{:.4f}"),
        Map(of("residual_max", 100), "largest residual (% of C(0))"),
        Map(of("dc_ratio"), "DC mobility of the fit / exact"),
        Map(
            lambda run: run.number("trusted"),
            *("Drude–Smith may be trusted (1) or not (0)", "{:.0f}", (0.0, 1.0)),
        ),
        Map(lambda run: run.number("beaten"), "models that are decisively better", "{:.0f}"),
    )
    heat_maps(figure.subplots(2, 3).flat, runs, maps)
    return figure


def compose(runs: Sequence[Run]) -> paper.Drawn:
    """Draw the figure from conductivity models files of the map."""
    trusted = [run for run in runs if run.number("trusted") > 0]
    where = "; ".join(f"({paper.system_label(run)})" for run in trusted) or "nowhere on this map"
    text = (
        "Drude–Smith fitted to the Kubo-transformed current autocorrelation function in time: "
        "persistence c, collision rate k, largest residual, DC mobility of the fit over the exact "
        "one; whether it may be trusted (largest residual and DC mobility within their bounds, no "
        "rival decisively better); and how many of its rivals are decisively better by Bayes' and "
        f"Akaike's criteria. Drude–Smith may be trusted: {where}."
    )
    return draw(runs), rows(runs), text, runs


main = paper.figure_main(compose, "conductivity_models")
