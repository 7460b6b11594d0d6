"""Hook of the documentation site: formulas between dollar signs become MathML when it is built.

Browsers typeset MathML themselves: no script, no network, the same from a file.
"""

import re
from html import unescape
from typing import Any

from latex2mathml.converter import convert

_FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<tex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)


def on_page_content(html: str, **_: Any) -> str:
    """Replace every formula of a page."""
    return _FORMULA.sub(_mathml, html)


def _mathml(found: re.Match[str]) -> str:
    display = "block" if found["tag"] == "div" else "inline"
    mathml = convert(unescape(found["tex"]).strip(), display=display)
    return f'<div class="formula">{mathml}</div>' if display == "block" else mathml
