"""Small self-contained HTML tables for the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from smallpolaron.support.files import write_text

_CSS: Final = """
body { font-family: system-ui, sans-serif; margin: 1.2rem; color: #111; background: #fff; }
p.summary { font-size: 1.05rem; max-width: 60rem; }
table { border-collapse: collapse; font-size: 0.9rem; margin: 0.8rem 0; }
th, td { border: 1px solid #ccc; padding: 0.3rem 0.55rem; text-align: right; }
th { background: #f2f2f2; text-align: center; vertical-align: bottom; }
td.text, th.text { text-align: left; }
td.pass { background: #dcebf7; }
td.fail { background: #fbd9c6; font-weight: bold; }
td.none { color: #999; text-align: center; }
small { color: #444; font-weight: normal; }
dt { font-weight: bold; margin-top: 0.4rem; } dd { margin-left: 1.5rem; }
"""


@dataclass(frozen=True)
class Cell:
    """One cell: its text, a second smaller line, and its look (text, pass, fail, none or "")."""

    text: str
    small: str = ""
    look: str = ""

    def html(self, tag: str = "td") -> str:
        """Return the cell as HTML."""
        look = f' class="{self.look}"' if self.look else ""
        small = f"<br><small>{escape(self.small)}</small>" if self.small else ""
        return f"<{tag}{look}>{escape(self.text)}{small}</{tag}>"


def table(head: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> str:
    """Return an HTML table."""
    lines = ["<table><thead><tr>", *(cell.html("th") for cell in head), "</tr></thead><tbody>"]
    for row in rows:
        lines += ["<tr>", *(cell.html() for cell in row), "</tr>"]
    return "\n".join([*lines, "</tbody></table>"])


def definitions(items: Iterable[tuple[str, str]]) -> str:
    """Return a list of terms with their meanings."""
    lines = [f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in items]
    return "\n".join(["<dl>", *lines, "</dl>"])


def write_page(path: Path, title: str, summary: str, parts: Iterable[str]) -> None:
    """Write a page with a title, one summary paragraph and ready-made HTML parts."""
    body = "\n".join(parts)
    write_text(
        path,
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_CSS}</style></head><body>\n"
        f'<h1>{escape(title)}</h1>\n<p class="summary">{escape(summary)}</p>\n{body}\n'
        "</body></html>\n",
    )
