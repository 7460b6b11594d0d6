"""Small self-contained HTML tables for the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Final

from smallpolaron.support.files import write_text

_CSS: Final = """
:root {
  color-scheme: light dark;
  --line: #ccc; --head: #f2f2f2; --fail: #fbd9c6;
}
@media (prefers-color-scheme: dark) { :root {
  --line: #555; --head: #2b2b2b; --fail: #6b2c10;
} }
body { font-family: system-ui, sans-serif; margin: 1.2rem; }
p.summary { font-size: 1.05rem; max-width: 60rem; overflow-wrap: anywhere; }
div.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; margin: 0.8rem 0; }
th, td { border: 1px solid var(--line); padding: 0.3rem 0.55rem; text-align: left; }
th { background: var(--head); text-align: center; vertical-align: bottom; }
tr.fail { background: var(--fail); font-weight: bold; }
dt { font-weight: bold; margin-top: 0.4rem; } dd { margin-left: 1.5rem; }
img { background: #fff; }
"""


def table(rows: Iterable[Mapping[str, object]]) -> str:
    """Return rows as an HTML table, which scrolls where it is wide; flagged rows are red.

    Numbers are shown with four digits, what is not there as a dash.
    """
    found = list(rows)
    columns = dict.fromkeys(key for row in found for key in row)
    lines = [
        '<div class="wide"><table><thead><tr>',
        *(f"<th>{escape(key)}</th>" for key in columns),
    ]
    lines.append("</tr></thead><tbody>")
    for row in found:
        lines.append('<tr class="fail">' if row.get("flagged") else "<tr>")
        lines += [f"<td>{escape(_shown(row.get(key)))}</td>" for key in columns] + ["</tr>"]
    return "\n".join([*lines, "</tbody></table></div>"])


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "" or value != value:  # not a number
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


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
