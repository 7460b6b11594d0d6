"""Hook of the documentation site: formulas between dollar signs become MathML when it is built.

Browsers typeset MathML themselves: no script, no network, the same from a file. What they need is a
font with the measures of formulas; the site brings one, STIX Two Math, which comes with ziamath.
"""

import re
from html import unescape
from pathlib import Path
from typing import Any

import ziamath
from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

FONT = Path(ziamath.__file__).parent / "fonts/STIXTwoMath-Regular.ttf"

_FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<tex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add the font."""
    files.append(File.generated(config, f"assets/{FONT.name}", abs_src_path=str(FONT)))
    return files


def on_page_content(html: str, **_: Any) -> str:
    """Replace every formula of a page."""
    return _FORMULA.sub(_mathml, html)


def _mathml(found: re.Match[str]) -> str:
    display = "block" if found["tag"] == "div" else "inline"
    mathml = convert(unescape(found["tex"]).strip(), display=display)
    return f'<div class="formula">{mathml}</div>' if display == "block" else mathml
