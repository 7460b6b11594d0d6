"""Hook of the documentation site: pictures are drawn by their scripts, and the gallery shows both.

A script in docs/pictures has a function `draw` that returns a figure; its head is the caption.
"""

import ast
import io
import runpy
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

FOLDER = Path(__file__).resolve().parent / "pictures"
SCRIPTS = tuple(sorted(FOLDER.glob("*.py")))


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Draw every picture into pictures/NAME.svg of the site."""
    for script in SCRIPTS:
        picture = f"pictures/{script.stem}.svg"
        files.append(File.generated(config, picture, content=_drawn(script)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the gallery where a page asks for it."""
    return markdown.replace("{{ pictures }}", "\n".join(map(_shown, SCRIPTS)))


def _drawn(script: Path) -> bytes:
    figure = runpy.run_path(str(script))["draw"]()
    written = io.BytesIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()


def _shown(script: Path) -> str:
    title, _, text = (ast.get_docstring(ast.parse(script.read_text("utf-8"))) or "").partition("\n")
    name = script.stem
    return (
        f"## {title.rstrip('.')}\n\n[![{title}](pictures/{name}.svg)](pictures/{name}.py)\n\n"
        f"{text.strip()}\n\nDrawn by [{name}.py](pictures/{name}.py).\n"
    )
