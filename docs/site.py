"""Hook of the documentation site: pages made from the code, links that leave, versions.

With VERSION the site is built into versions/VERSION, beside those of other versions; a page there
lists them all. Every page says of which version it is, and links to that list if there is one.
"""

import ast
import os
import re
from html import escape
from pathlib import Path
from typing import Any

import smallpolaron as sp

ROOT = Path(__file__).resolve().parents[1]
SHOWN = {ROOT / "examples": "examples.md"}
"""Pages that show what lies outside."""
VERSION = os.environ.get("VERSION", "")
VERSIONS = ROOT / "versions"
NAMED = f"smallpolaron {escape(VERSION or sp.__version__)}"
STATED = "{{ version }}"
LIST = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>smallpolaron, all versions</title>
<style>:root { color-scheme: light dark } body { font: 1.1rem system-ui; margin: 2rem }</style>
</head><body><h1>smallpolaron</h1><p>Documentation by version:</p><ul>
{items}
</ul></body></html>
"""


def on_config(config: Any, **_: Any) -> Any:
    """Say the version below every page; choose the folder of one that is kept.

    Raises:
        ValueError: VERSION is no name of a folder.
    """
    config.copyright = STATED
    if VERSION:
        if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z._-]*", VERSION):
            raise ValueError(f"VERSION = {VERSION!r}; allowed: letters, digits and . _ -")
        config.site_dir = str(VERSIONS / VERSION)
    return config


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Fill in the version, with a link to the others."""
    text = NAMED
    if VERSION:
        up = "../" * (page.url.count("/") + 1)
        text += f' · <a href="{up}index.html">other versions</a>'
    return output.replace(STATED, text)


def on_post_template(output_content: str, **_: Any) -> str:
    """Fill in the version of pages that belong to no folder, such as 404.html."""
    return output_content.replace(STATED, NAMED)


def on_post_build(**_: Any) -> None:
    """List the versions that there are, the newest first."""
    if VERSION:
        found = [path.parent.name for path in VERSIONS.glob("*/index.html")]
        items = "\n".join(
            f'<li><a href="{name}/index.html">{name}</a></li>'
            for name in sorted(found, key=_numbers, reverse=True)
        )
        VERSIONS.joinpath("index.html").write_text(LIST.replace("{items}", items), encoding="utf-8")


def _numbers(version: str) -> list[tuple[int, str]]:
    """Return what orders versions, so that 0.10 comes after 0.9 and words before numbers."""
    return [
        (int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"[._-]", version)
    ]


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
