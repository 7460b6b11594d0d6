"""How every figure looks: sizes, colours, line styles, and how it is written to disk."""

from __future__ import annotations

import csv
import io
import itertools
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from smallpolaron.support.files import write_bytes, write_text

Row = Mapping[str, object]
Scale = Callable[[Any], Any]

# Okabe and Ito's palette: distinct in every common colour vision.
BLACK: Final = "#000000"
ORANGE: Final = "#E69F00"
SKY: Final = "#56B4E9"
GREEN: Final = "#009E73"
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
GREY: Final = "#6E6E6E"

MOBILITY: Final = r"mobility (cm$^2$ V$^{-1}$ s$^{-1}$)"
PAPER_D: Final = r"$2D/a_0^2$ (paper units, fs$^{-1}$)"

LONGEST_LEGEND: Final = 10
"""With more curves than this, only some of them are named in the legend."""

_SETTINGS: Final[dict[str, Any]] = {
    "figure.constrained_layout.use": True,
    "font.size": 11.0,
    "axes.titlesize": 11.0,
    "axes.labelsize": 11.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.use_mathtext": True,
    "axes.grid": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.6,
    "lines.markersize": 6.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "smallpolaron",
}
# on top of Matplotlib's own defaults: a matplotlibrc of the user must not change a figure
mpl.style.use(["default", cast(Any, _SETTINGS)])


def new_figure(width: float = 9.2, height: float = 4.0) -> Figure:
    """Return an empty figure of the given size in inches, with the common style."""
    if "ipykernel" in sys.modules:  # has notebooks show figures
        import matplotlib_inline.backend_inline  # noqa: F401
    return Figure(figsize=(width, height), layout="constrained")


def shades(count: int) -> list[str]:
    """Return one colour per curve of an ordered family, from light to dark, readable on white."""
    viridis = mpl.colormaps["viridis"]
    if count == 1:
        return [BLUE]
    return [mpl.colors.to_hex(viridis(0.85 * (1 - i / (count - 1)))) for i in range(count)]


def line_styles(flagged: Sequence[bool]) -> list[dict[str, Any]]:
    """Return the look of every curve of a family.

    Trusted runs are solid, darker with size; flagged ones are thin, red and broken in patterns
    that differ from each other.
    """
    trusted = iter(shades(sum(not bad for bad in flagged)))
    broken = itertools.cycle([(0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)), (0, (2, 2))])
    return [
        {"color": VERMILION, "linestyle": next(broken), "linewidth": 1.2, "zorder": 3}
        if bad
        else {"color": next(trusted), "linestyle": "-"}
        for bad in flagged
    ]


def marker_style(colour: str, flagged: bool) -> dict[str, Any]:
    """Return a filled marker for a trusted run and a larger hollow one for a flagged run."""
    look: dict[str, Any] = {"markeredgecolor": colour, "markeredgewidth": 1.5}
    if flagged:
        return look | {"markerfacecolor": "none", "markersize": 10.0}
    return look | {"markerfacecolor": colour}


def points(
    axes: Axes,
    x: Any,
    y: Any,
    error: Any,
    flagged: Any,
    colours: tuple[str, str] = (BLUE, VERMILION),
    labels: tuple[str, str] = ("computed", "computed (flagged)"),
    **look: Any,
) -> None:
    """Draw points with error bars; colours and labels are for trusted and for flagged ones."""
    bad = np.asarray(flagged, dtype=bool)
    for chosen, colour, label in zip((~bad, bad), colours, labels, strict=True):
        if chosen.any():
            data = (np.asarray(values)[chosen] for values in (x, y, error))
            mark = marker_style(colour, chosen is bad)
            style: dict[str, Any] = {"fmt": "o", "capsize": 3, "color": colour} | mark | look
            style["fmt"] = style["fmt"].rstrip("-") if chosen is bad else style["fmt"]
            axes.errorbar(*data, label=label, **style)


def named(index: int, count: int) -> bool:
    """Tell whether this curve of a long family gets its own line in the legend."""
    if count <= LONGEST_LEGEND:
        return True
    step = -(-count // LONGEST_LEGEND)
    return index % step == 0 or index == count - 1


def proportional(factor: float) -> tuple[Scale, Scale]:
    """Return the two functions of a second axis that shows the first one times a factor."""

    def forward(x: Any) -> Any:
        return factor * np.asarray(x)

    def backward(x: Any) -> Any:
        return np.asarray(x) / factor

    return forward, backward


def second_axis(axes: Axes, factor: float, label: str) -> None:
    """Add an axis on the right that shows the left one times a factor."""
    axes.secondary_yaxis("right", functions=proportional(factor)).set_ylabel(label)


def band(axes: Axes, centre: float, half: float, colour: str = GREEN, **options: Any) -> None:
    """Shade a horizontal band."""
    look = {"alpha": 0.25, "linewidth": 0} | options
    axes.axhspan(centre - half, centre + half, color=colour, **look)


def legend(axes: Axes, extra: Sequence[Line2D] = (), **options: Any) -> None:
    """Draw the legend from the labelled artists and a few stand-ins, when there are any."""
    handles, _ = axes.get_legend_handles_labels()
    handles = [*handles, *extra]
    if handles:
        axes.legend(handles=handles, **options)


def flagged_note(figure: Figure, flagged: Iterable[str]) -> None:
    """Write under the figure which runs are flagged, and why."""
    names = list(dict.fromkeys(flagged))
    if not names:
        return
    more = len(names) - LONGEST_LEGEND
    text = "; ".join(names[:LONGEST_LEGEND]) + (f"; and {more} more" if more > 0 else "")
    text = f"flagged (broken red line or red crosses, hollow marker): {text}"
    width = int(13 * figure.get_figwidth())
    figure.supxlabel(textwrap.fill(text, width), fontsize=9.5, color=VERMILION)


def message(axes: Axes, text: str) -> None:
    """Say in the middle of empty axes why nothing is drawn."""
    axes.text(
        0.5,
        0.5,
        text,
        transform=axes.transAxes,
        ha="center",
        va="center",
        color=GREY,
        wrap=True,
    )


_METADATA: Final[dict[str, dict[str, str | None]]] = {
    ".svg": {"Date": None, "Creator": "smallpolaron"},
    ".pdf": {"CreationDate": None, "Creator": "smallpolaron"},
    ".png": {"Software": "smallpolaron"},
}


def save(figure: Figure, path: Path) -> None:
    """Write a figure as SVG, PDF or PNG without dates, so that equal numbers give equal files."""
    stream = io.BytesIO()
    form = path.suffix
    figure.savefig(stream, format=form[1:], metadata=_METADATA[form], dpi=200)
    write_bytes(path, stream.getvalue())


def write_numbers(path: Path, rows: Iterable[Row], names: Mapping[str, str] | None = None) -> None:
    """Write the plotted numbers as CSV; floats keep twelve significant digits.

    Args:
        path: file to write; replaced.
        rows: values by column; a cell without a value is empty.
        names: other names of columns; those with an empty one are left out.
    """
    found = list(rows)
    columns = dict.fromkeys(key for row in found for key in row)
    titles = {key: (names or {}).get(key, key) for key in columns}
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(filter(None, titles.values()))
    for row in found:
        writer.writerow(_cell(row.get(key, "")) for key, title in titles.items() if title)
    write_text(path, stream.getvalue())


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{float(value):.12g}" if isinstance(value, float) else value
