"""Curves to zoom into: currents, memory kernels and AC mobilities of a study on one page.

The numbers are those of the pictures. The page holds one copy of Plotly, 4.8 MB, and needs no
network; where Plotly is not installed, it says so and where the pictures are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np

from smallpolaron.figures import conductivity, current, memory_kernel, style
from smallpolaron.figures.commands import command
from smallpolaron.figures.html import write_page
from smallpolaron.figures.runs import Run, read_study, runs_of
from smallpolaron.figures.systems import group
from smallpolaron.planning.present import present
from smallpolaron.study.plan import Plan, read_plan

MOST_SYSTEMS: Final = 20
"""Systems on the page, as many as on the first page of the report."""
MOST_SAMPLES: Final = 2000
"""Samples of a curve; of a longer one every second, third, … is shown."""
_INVERTED: Final = (
    "<style>@media (prefers-color-scheme: dark)"
    " { .js-plotly-plot { filter: invert(1) hue-rotate(180deg); } }</style>"
)
_CONFIG: Final = {"responsive": True, "displayModeBar": False}


@dataclass(frozen=True)
class Shown:
    """What is drawn of the numbers of a picture.

    Attributes:
        title: of the plot.
        rows: yields the numbers of some runs.
        x: column along which they are drawn, and what the axis is called.
        y: columns, a panel each, and what their axes are called.
    """

    title: str
    rows: Callable[[Sequence[Run]], Iterable[style.Row]]
    x: tuple[str, str]
    y: dict[str, str]


_TIME: Final = ("time_fs", "time (fs)")
SHOWN: Final = (
    Shown(
        "Current autocorrelation function and its integral",
        lambda runs: current.rows(runs, runs),
        _TIME,
        {
            "re_C_JJ_A2_fs2": "Re C<sub>JJ</sub> (Å²/fs²)",
            "im_C_JJ_A2_fs2": "Im C<sub>JJ</sub> (Å²/fs²)",
            "running_mobility_cm2_Vs": "∫₀ᵗ, as mobility (cm²/Vs)",
        },
    ),
    Shown(
        "Memory kernel",
        memory_kernel.rows,
        _TIME,
        {"re_K_fs-2": "Re K (fs⁻²)", "im_K_fs-2": "Im K (fs⁻²)"},
    ),
    Shown(
        "AC mobility",
        conductivity.rows,
        ("omega_cm", "ω/2πc (cm⁻¹)"),
        {
            "re_mobility_cm2_Vs": "Re μ(ω) (cm²/Vs)",
            "im_mobility_cm2_Vs": "Im μ(ω) (cm²/Vs)",
        },
    ),
)


def parts(plan: Plan, folder: Path) -> list[str]:
    """Return the plots of every system as HTML, the first with the library.

    Args:
        plan: the part of a study that there is.
        folder: folder of its results.

    Raises:
        ImportError: Plotly is not installed.
    """
    import plotly.io

    drawn = {name for ensemble in plan.ensembles for name in ensemble.members}
    points = {p.id: p for p in plan.with_protocol("current") if p.id not in drawn}
    systems = group([(name, point.parameters) for name, point in points.items()])
    shown = [points[name] for system in systems[:MOST_SYSTEMS] for name in system.points]
    currents = tuple(replace(point, protocols=("current",)) for point in shown)
    results = {r.point: r.result for r in read_study(replace(plan, points=currents), folder)}
    found = [_INVERTED]
    if len(systems) > MOST_SYSTEMS:
        found.append(f"<p>The first {MOST_SYSTEMS} of {len(systems)} systems.</p>")
    library = True
    for system in systems[:MOST_SYSTEMS]:
        members = runs_of([(point, results[point]) for point in system.points])
        found.append(f"<h2>{escape(system.title)}</h2>")
        for each in SHOWN:
            figure = plot(members, each)
            found.append(
                plotly.io.to_html(figure, config=_CONFIG, full_html=False, include_plotlyjs=library)
            )
            library = False
    return found


def plot(runs: Sequence[Run], shown: Shown) -> Any:
    """Return a Plotly figure of runs of one system: a panel per column, a curve per run."""
    from plotly.subplots import make_subplots

    count = len(shown.y)
    figure = make_subplots(count, 1, shared_xaxes=True, vertical_spacing=0.05)
    columns: dict[object, dict[str, list[Any]]] = {}
    for row in shown.rows(runs):
        of_run = columns.setdefault(row["point"], {name: [] for name in (shown.x[0], *shown.y)})
        for name, values in of_run.items():
            values.append(row[name])
    looks = style.line_styles([run.flagged for run in runs])
    for run, look in zip(runs, looks, strict=True):
        arrays = {name: np.array(v, dtype=np.float32) for name, v in columns[run.point].items()}
        every = -(-arrays[shown.x[0]].size // MOST_SAMPLES)
        dash = "dash" if run.flagged else "solid"
        for panel, name in enumerate(shown.y, start=1):
            figure.add_scatter(
                x=arrays[shown.x[0]][::every],
                y=arrays[name][::every],
                name=run.legend(),
                legendgroup=run.point,
                showlegend=panel == 1,
                line={"color": look["color"], "dash": dash, "width": 1.5},
                row=panel,
                col=1,
            )
    for panel, label in enumerate(shown.y.values(), start=1):
        figure.update_yaxes(title_text=label, exponentformat="power", row=panel, col=1)
    figure.update_xaxes(title_text=shown.x[1], row=count, col=1)
    figure.update_layout(
        title={"text": shown.title, "x": 0, "xref": "paper"},
        template="plotly_white",
        height=130 + 190 * count,
        margin={"l": 70, "r": 10, "t": 50, "b": 60},
        legend={"orientation": "h", "y": -0.35 / count, "yref": "paper"},
        hovermode="closest",
    )
    return figure


def _made(plan: Path, figure: Path) -> None:
    """Write the page."""
    summary = (
        "Drag to zoom in, double-click to zoom out. A click on a name in the legend hides a curve, "
        "a double-click all others. Flagged runs are dashed."
    )
    try:
        made = parts(present(read_plan(plan), plan.parent), plan.parent)
    except ImportError:
        summary = (
            'Not drawn, because Plotly is not installed: pip install "smallpolaron[workflow]". The '
            "same curves are among the figures of each system."
        )
        made = []
    write_page(figure, "Curves to zoom into", summary, made)


main = command(_made, (), ("plan", "figure"))
