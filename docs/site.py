"""Hook of the documentation site: pages made from the code, and links that leave this folder."""

import ast
import re
from pathlib import Path
from typing import Any

import smallpolaron as sp

ROOT = Path(__file__).resolve().parents[1]
SHOWN = {ROOT / "examples": "examples.md"}
"""Pages that show what lies outside."""


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill in what is made from the code; a link that leaves the folder names its file instead.

    Raises:
        FileNotFoundError: a page links to a file that does not exist.
    """
    for name, made in (("examples", examples), ("names", names)):
        if f"{{{{ {name} }}}}" in markdown:
            markdown = markdown.replace(f"{{{{ {name} }}}}", made())
    here = Path(page.file.abs_src_path).parent

    def replaced(found: re.Match[str]) -> str:
        text, target = found.groups()
        file = (here / target.partition("#")[0]).resolve()
        if file.is_relative_to(ROOT / "docs"):  # MkDocs checks it
            return found[0]
        if not file.exists():
            raise FileNotFoundError(f"{page.file.src_uri} links to {target}")
        if file in SHOWN:
            return f"[{text}]({SHOWN[file]})"
        name = str(file.relative_to(ROOT))
        return f"`{name}`" if text.strip("`") == name else f"{text} (`{name}`)"

    return re.sub(r"\[([^\]]*)\]\((\.\./[^)\s]+)\)", replaced, markdown)


def examples() -> str:
    """Return a section per script in examples/: first line of its head, and its text."""
    sections = []
    for file in sorted((ROOT / "examples").glob("*.py")):
        head = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or file.stem
        title = head.splitlines()[0].rstrip(".")
        sections.append(f'## {title}\n\n```python\n--8<-- "{file.relative_to(ROOT)}"\n```\n')
    return "\n".join(sections)


def names() -> str:
    """Return a section per file of public names, with the documentation of each."""
    found: dict[str, list[str]] = {}
    for name in sorted(set(sp.__all__) - {"NUMERICS_VERSION", "__version__"}, key=str.lower):
        found.setdefault(getattr(sp, name).__module__, []).append(name)
    return "\n".join(
        f"::: {module}.{name}\n" for module, public in sorted(found.items()) for name in public
    )
