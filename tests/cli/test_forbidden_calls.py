"""What no source of the package and the workflow may do with a value from outside.

No value becomes code, a shell command or a pickle; nothing is fetched; files are read by the few
modules that bound what they read. (The ranks of one MPI job exchange objects of their own by
mpi4py, which pickles them on the way.)
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from smallpolaron.results.kinds import KINDS
from tests.results.hostile import STRINGS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "smallpolaron"
SOURCES = sorted(PACKAGE.rglob("*.py"))
RULES = [ROOT / "Snakefile", *sorted((ROOT / "workflow").rglob("*.smk"))]

NETWORK = {
    *("socket", "ssl", "urllib", "http", "ftplib", "smtplib", "xmlrpc", "webbrowser"),
    *("requests", "urllib3", "httpx", "aiohttp", "websockets", "paramiko", "pooch"),
}
CODE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "code", "ctypes"}
CALLS = {
    *("eval", "exec", "compile", "__import__"),
    *(
        "os.system",
        "os.popen",
        "os.startfile",
        "subprocess.getoutput",
        "subprocess.getstatusoutput",
    ),
    *("tempfile.mktemp", "os.tempnam", "runpy.run_path", "importlib.import_module"),
    *("yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "yaml.FullLoader"),
    *("yaml.UnsafeLoader", "yaml.Loader", "np.fromfile", "np.memmap"),
    *("np.loadtxt", "np.genfromtxt", "np.fromregex", "pandas.read_pickle", "pandas.read_csv"),
}
PREFIXES = ("os.exec", "os.spawn", "os.posix_spawn")

READERS = {
    "compiled/library.py": "/proc/cpuinfo",
    "compiled/numba_cache.py": "files of Numba's cache, before Numba",
    "archive/crate.py": "the project's own CITATION.cff",
    "results/provenance.py": "files of /proc",
}
"""Files that may read whole files by themselves, and what."""
HDF5_READERS = {
    *("results/store.py", "tables/arrays.py"),
}
HDF5_LOOKERS = {"own_data/table_analysis.py": "one attribute, to tell own files"}
PROCESSES = {
    "compiled/link.py": "the C compiler, with fixed arguments",
    "launch.py": "the command of a job, as a list of arguments",
    "results/provenance.py": "git, with fixed arguments",
    "archive/rerun.py": "the job of a file again, as a list of arguments",
    "planning/jobs.py": "Snakemake for what there is of a study, as a list of arguments",
}
"""Files that start processes."""
LOADERS = {
    "compiled/library.py": "sealed libraries of its own cache, which is as safe as Numba's",
    "compiled/link.py": "the same, to try them",
}
"""Files that load libraries by ctypes, and which."""
IMPORTERS = {
    "results/kinds.py": "the functions of its own registry",
    "figures/commands.py": "the figure that a command names",
    "own_data/table_analysis.py": "the figures of its own list",
}
"""Files that import modules by name, and which."""


def name_of(node: ast.expr) -> str:
    """Return a dotted name, or only its end where its begin is an expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return ""


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module).partition(".")[0]


def findings(text: str, file: str) -> list[str]:
    """Return what is forbidden in a Python source."""
    tree = ast.parse(text)
    forbidden = NETWORK | CODE - ({"ctypes"} if file in LOADERS else set())
    found = [f"imports {name}" for name in imported(tree) if name in forbidden]
    for node in ast.walk(tree):
        if isinstance(node, (ast.Attribute, ast.Name)):
            name = name_of(node)
            if name == "importlib.import_module" and file in IMPORTERS:
                continue
            if name in CALLS or (name.startswith(PREFIXES) and file not in PROCESSES):
                found.append(f"uses {name}")
        if isinstance(node, ast.Call):
            found += call_findings(node, file)
    return found


def call_findings(node: ast.Call, file: str) -> Iterator[str]:
    name = name_of(node.func)
    options = {keyword.arg: keyword.value for keyword in node.keywords}
    if name in ("np.load", "numpy.load") and "allow_pickle" not in options:
        yield f"calls {name} without allow_pickle"
    for option in ("shell", "allow_pickle"):
        value = options.get(option)
        if value is not None and not (isinstance(value, ast.Constant) and value.value is False):
            yield f"calls {name} with {option}"
    if name.startswith("subprocess.") and file not in PROCESSES:
        yield f"calls {name}"
    if name.endswith(("read_array", "savez")) and "allow_pickle" not in options:
        yield f"calls {name} without allow_pickle=False"
    if name.endswith((".read_text", ".read_bytes")) and file not in READERS:
        yield f"reads a whole file by {name}"
    if name == "h5py.File" and file not in HDF5_READERS | set(HDF5_LOOKERS):
        yield "opens an HDF5 file"
    if name.endswith((".send", ".recv")):
        yield f"pickles by {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_package(path: Path) -> None:
    assert findings(path.read_text(), path.relative_to(PACKAGE).as_posix()) == []


@pytest.mark.parametrize(
    "text",
    [
        "import requests",
        "from urllib.request import urlopen",
        "import os, pickle",
        "eval('1')",
        "f = exec",
        "os.system('ls')",
        "os.execvp('ls', ['ls'])",
        "subprocess.run(['ls'])",
        "subprocess.run('ls', shell=True)",
        "subprocess.run('ls', shell=flag)",
        "yaml.load(text, Loader=yaml.SafeLoader)",
        "np.load(path)",
        "format.read_array(member)",
        "format.read_array(member, allow_pickle=True)",
        "tempfile.mktemp()",
        "Path(name).read_text()",
        "h5py.File(path)",
        "connection.recv()",
    ],
)
def test_the_search_finds(text: str) -> None:
    assert findings(text, "x.py")


def test_exceptions_are_needed() -> None:
    """An exception for a file that does without is one too many."""
    for file in (*READERS, *PROCESSES, *HDF5_READERS, *HDF5_LOOKERS):
        assert findings((PACKAGE / file).read_text(), "x.py"), file


def code_of(rules: str) -> str:
    """Return a rule file without comments and without its texts."""
    return re.sub(r'""".*?"""|"[^"\n]*"|#[^\n]*', "", rules, flags=re.DOTALL)


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_rules(path: Path) -> None:
    text = code_of(path.read_text())
    names = [*NETWORK, *CODE, *CALLS]
    pattern = r"(?<![\w.])(" + "|".join(map(re.escape, names)) + r")(?![\w=])"
    assert re.findall(pattern, text) == []
    assert not re.search(r"\bshell\s*\(|\bsubprocess\b|\bos\.", text)


FORMATTED = re.compile(r"{(\w+(?:\.\w+)?)}")
PLAIN = {
    "log": "path of the study",
    "resources.mpi": "launcher, from the profile",
    "resources.tasks": "whole number",
    "wildcards.batch": "constrained",
    "wildcards.point": "constrained",
    "wildcards.ladder": "constrained",
    "params.batches": "path of the run",
    "params.name": "name of an ensemble",
    "params.protocol": "one of three words",
    "params.command": "of the registry of kinds, or quoted by shlex.join",
    "params.kind": "a word of the rules",
    "params.job": "a word of the rules",
    "params.module": "a word of the rules",
    "params.files": "options and paths of the study",
    "params.criteria": "numbers of the study",
    "params.start": "whole number of the study, or a constrained wildcard",
}
"""What rules put into commands, and why it is safe there."""


def commands(rules: str) -> list[str]:
    """Return the texts of all shell commands of a rule file."""
    found = re.findall(r"\n( +)shell:\n((?:\1    .*\n|\n)+)", rules + "\n")
    return ["".join(re.findall(r'"([^"\n]*)"', block)) for _, block in found]


def test_commands_hold_only_what_cannot_break_them() -> None:
    found = [command for path in RULES for command in commands(path.read_text())]
    said = [re.findall(r"^ +shell:$", path.read_text(), re.M) for path in RULES]
    assert len(found) == sum(map(len, said)) > 8
    names = {name for command in found for name in FORMATTED.findall(command)}
    others = {name for name in names if not name.startswith(("input", "output"))}
    assert others == set(PLAIN)
    assert all("`" not in command for command in found)
    substitutions = {each for command in found for each in re.findall(r"\$\([^)]*\)", command)}
    assert substitutions == {"$(dirname {output.points})", "$(dirname {output.page})"}


def test_wildcards_match_no_hostile_name() -> None:
    text = (ROOT / "workflow" / "rules" / "study.smk").read_text()
    block = text[text.index("wildcard_constraints:") :]
    constraints = dict(re.findall(r'^    (\w+)=r?"(.*)",$', block, flags=re.MULTILINE))
    used = {
        name
        for path in RULES
        for name in re.findall(r"{{(\w+)}}", path.read_text())
        if path.name != "study.smk"
    }
    # those of the files of the MPI jobs and of what is derived from them
    used |= {name for kind in KINDS.values() for name in re.findall(r"{(\w+)}", kind.run)}
    # figure and suffix are filled in by expand(), not matched
    assert used - {"figure", "suffix", "PYTHONPATH"} == set(constraints)
    for name, pattern in constraints.items():
        hits = [text for text in STRINGS.values() if re.fullmatch(pattern, text)]
        assert hits == [] or name == "system", (name, hits)


def test_systems_are_named_by_the_plan_only() -> None:
    """The wildcard of a figure's folder has no shape of its own: its name must be known."""
    text = (ROOT / "workflow" / "rules" / "study.smk").read_text()
    pattern = re.search(r'^    system=r"(.*)",$', text, flags=re.MULTILINE)
    assert pattern is not None
    harmful = [each for each in STRINGS.values() if re.search(r"[^\w.~+-]", each, re.ASCII)]
    assert len(harmful) > 15
    assert not any(re.fullmatch(pattern[1], each) for each in harmful)
