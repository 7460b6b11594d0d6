"""Small self-contained HTML tables for the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from smallpolaron.support.files import write_text

_CSS: Final = """
:root {
  color-scheme: light dark;
  --line: #ccc; --head: #f2f2f2; --pass: #dcebf7; --fail: #fbd9c6; --faint: #767676; --small: #444;
}
@media (prefers-color-scheme: dark) { :root {
  --line: #555; --head: #2b2b2b; --pass: #17364d; --fail: #6b2c10; --faint: #999; --small: #bbb;
} }
body { font-family: system-ui, sans-serif; margin: 1.2rem; }
p.summary { font-size: 1.05rem; max-width: 60rem; }
div.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; margin: 0.8rem 0; }
th, td { border: 1px solid var(--line); padding: 0.3rem 0.55rem; text-align: right; }
th { background: var(--head); text-align: center; vertical-align: bottom; }
td.text, th.text { text-align: left; }
td.pass { background: var(--pass); }
td.fail { background: var(--fail); font-weight: bold; }
td.none { color: var(--faint); text-align: center; }
small { color: var(--small); font-weight: normal; }
dt { font-weight: bold; margin-top: 0.4rem; } dd { margin-left: 1.5rem; }
img { background: #fff; }
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
    """Return an HTML table, which scrolls where it is wider than the page."""
    lines = [
        '<div class="wide"><table><thead><tr>',
        *(cell.html("th") for cell in head),
        "</tr></thead><tbody>",
    ]
    for row in rows:
        lines += ["<tr>", *(cell.html() for cell in row), "</tr>"]
    return "\n".join([*lines, "</tbody></table></div>"])


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
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_CSS}</style></head><body>\n"
        f'<h1>{escape(title)}</h1>\n<p class="summary">{escape(summary)}</p>\n{body}\n'
        "</body></html>\n",
    )
