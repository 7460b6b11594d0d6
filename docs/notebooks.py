"""Hook of the documentation site: tutorials are executed and shown with what they print and draw.

A tutorial is Markdown whose Python and bash blocks are the cells of a notebook. It stops the build
where a cell fails. The executed notebook lies beside the page, to be downloaded.
"""

import base64
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
FOUND = ("Snakefile", "docs/own-data.csv", "envs", "papers", "profiles", "workflow")
"""What a tutorial finds in the folder it runs in: data, and what makes a checkout of it."""
INLINE = "module://matplotlib_inline.backend_inline"
"""What shows pictures in a notebook, and not in a window."""
PYTHON = """---
jupyter:
  kernelspec: {name: python3, language: python, display_name: Python 3}
---

"""
"""Head of a notebook; else the language of its first cell would be that of all."""
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_executed: dict[str, NotebookNode] = {}


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Execute a tutorial and return it with the outputs of its cells."""
    if not page.file.src_uri.startswith("tutorials/"):
        return markdown
    notebook = executed(markdown)
    _executed[page.file.src_uri] = notebook
    name = Path(page.file.src_uri).stem + ".ipynb"
    shown = "\n\n".join(_cell(cell) for cell in notebook.cells)
    return f"{shown}\n\n[This page as a notebook]({name}){{: download }}\n"


def on_post_build(config: Any, **_: Any) -> None:
    """Write the executed notebooks beside their pages."""
    for source, notebook in _executed.items():
        nbformat.write(notebook, Path(config.site_dir, source).with_suffix(".ipynb"))


def executed(markdown: str) -> NotebookNode:
    """Run the cells of a tutorial in an empty folder.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell fails.
    """
    notebook = jupytext.reads(PYTHON + markdown, fmt="md")
    with TemporaryDirectory() as folder:
        for name in FOUND:
            Path(folder, Path(name).name).symlink_to(ROOT / name)
        surroundings = os.environ | {"COLUMNS": "100", "TERM": "dumb", "MPLBACKEND": INLINE}
        NotebookClient(
            notebook,
            timeout=600,
            resources={"metadata": {"path": folder}},
            extra_arguments=["--log-level=ERROR"],
            coalesce_streams=True,
        ).execute(env=surroundings)
    return notebook


def _cell(cell: NotebookNode) -> str:
    if cell.cell_type == "markdown":
        return str(cell.source)
    source = str(cell.source)
    language, text = "python", source
    if source.startswith("%%bash"):
        language, text = "bash", source.partition("\n")[2]
    parts = [f"```{language}\n{text}\n```", *(_output(each) for each in cell.outputs)]
    return "\n\n".join(part for part in parts if part)


def _output(output: NotebookNode) -> str:
    if output.output_type == "stream":
        return _text(output.text)
    data = output.data
    if "image/svg+xml" in data:
        code = base64.b64encode(data["image/svg+xml"].encode()).decode()
        return f"![what the cell above draws](data:image/svg+xml;base64,{code})"
    if "image/png" in data:
        return f"![what the cell above draws](data:image/png;base64,{data['image/png'].strip()})"
    return _text(data["text/plain"])


def _text(text: str) -> str:
    """Return what a cell prints as a block of its own."""
    lines = _COLOURS.sub("", text).rstrip("\n")
    return f'<div class="output" markdown>\n```text\n{lines}\n```\n</div>' if lines else ""
