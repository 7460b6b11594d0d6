"""The page of a paper: printed numbers beside computed ones, and its figures with captions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np

from papers.shared.figure import system_label
from smallpolaron.figures import style
from smallpolaron.figures.html import table
from smallpolaron.figures.runs import Run, reference, with_error
from smallpolaron.support import numbers
from smallpolaron.support.files import read_bytes

NAN: Final = float("nan")
_LARGEST_CAPTION: Final = 100_000
_AGREES: Final = 5.0
"""Percent by which a computed number may differ from a printed one that it meets."""


@dataclass(frozen=True)
class Target:
    """One printed number, or statement, and the computed number.

    Attributes:
        id: figure or table.
        quantity: what it is.
        system: for which system it was computed.
        printed: the printed number; NaN if there is none, only a statement.
        computed: the computed one; NaN if there is none.
        error: its estimated error; NaN if not estimated.
        unit: unit of all three.
        flagged: whether the run failed a quality gate.
        remark: where and why they differ, as far as the runs tell.
    """

    id: str
    quantity: str
    system: str
    printed: float
    computed: float
    error: float
    unit: str
    flagged: bool = False
    remark: str = ""

    @classmethod
    def of(
        cls, run: Run, id: str, quantity: str, unit: str, computed: float, **more: Any
    ) -> Target:
        """Return a number of a run beside the printed one; more: the other fields."""
        rest: dict[str, Any] = {"flagged": run.flagged, "printed": NAN, "error": NAN} | more
        if "system" not in rest:
            rest["system"] = system_label(run)
        return cls(id=id, quantity=quantity, unit=unit, computed=computed, **rest)

    @property
    def difference_percent(self) -> float:
        """Computed over printed, minus one, in percent; NaN without one of them."""
        return 100 * (self.computed / self.printed - 1)

    @property
    def text(self) -> str:
        """The computed number with its error."""
        if not np.isfinite(self.computed):
            return "none"
        if not np.isfinite(self.error):
            return f"{self.computed:.4g}"
        return numbers.with_error(self.computed, self.error)


def rows(found: Sequence[Target]) -> list[style.Row]:
    """Return one row per printed number."""
    last = ("unit", "flagged", "remark")
    return [
        {key: value for key, value in vars(each).items() if key not in last}
        | {"difference_percent": each.difference_percent}
        | {key: getattr(each, key) for key in last}
        for each in found
    ]


def comparison(found: Sequence[Target]) -> str:
    """Return the table of printed and computed numbers."""
    return table(
        {
            "": target.id,
            "quantity": f"{target.quantity} ({target.unit})",
            "system": target.system,
            "printed": target.printed,
            "computed ± error": target.text,
            "difference (%)": target.difference_percent,
            "flagged": target.flagged,
            "remark": target.remark,
        }
        for target in found
    )


def in_words(found: Iterable[Target]) -> str:
    """Return printed and computed numbers as the end of a caption; empty without any."""
    each = [
        f"{target.quantity}: {target.printed:g}, {target.text}"
        + (f" {target.unit}" if target.unit != "1" else "")
        for target in found
    ]
    return f" Printed, then computed: {'; '.join(each)}." if each else ""


def answers(mobility: Sequence[Run], found: Sequence[Target], picture: str) -> str:
    """Return what is asked first: the mobility for every bath, its verdict, and what agrees.

    Args:
        mobility: runs of all baths and sizes; of each bath the best is told.
        found: all numbers of the page.
        picture: name of the figure that is shown beside them.
    """
    by_bath: dict[str, list[Run]] = {}
    for run in mobility:
        by_bath.setdefault(system_label(run), []).append(run)
    best = [(bath, reference(runs)) for bath, runs in by_bath.items()]
    told = table(
        {
            "bath": bath,
            "sites": run.n_sites,
            "mobility (cm² V⁻¹ s⁻¹)": run.reason or with_error(run, "mobility"),
            "verdict": "do not use: a gate failed" if run.flagged else "all gates passed",
        }
        for bath, run in best
    )
    printed = [target for target in found if np.isfinite(target.difference_percent)]
    close = sum(abs(target.difference_percent) <= _AGREES for target in printed)
    flagged = sum(target.flagged for target in found)
    return (
        f"{told}\n<p>{close} of {len(printed)} printed numbers are met within {_AGREES:g} %; the "
        f"remarks below say why others are not. {flagged} of the {len(found)} computed ones come "
        "from runs that fail a gate.</p>\n"
        f'<p><a href="#{picture}"><img src="{picture}.png" alt="{escape(picture)}" '
        'style="max-width: min(100%, 48rem)"></a></p>'
    )


def figures(captions: Sequence[Path]) -> list[str]:
    """Return every figure with its caption and links to its files."""
    parts = []
    for path in captions:
        name = path.stem
        links = ", ".join(
            f'<a href="{name}.{suffix}">{suffix.upper()}</a>' for suffix in ("pdf", "png", "csv")
        )
        lines = read_bytes(path, _LARGEST_CAPTION).decode().splitlines()
        text = "<br>".join(map(escape, lines))
        parts.append(
            f'<h2 id="{name}">{escape(name.replace("_", " "))}</h2>\n'
            f'<img src="{name}.png" alt="{escape(name)}" style="max-width: 100%">\n'
            f'<p class="summary">{text}<br>{links}</p>'
        )
    return parts
