"""The library alone: wheel and sdist, installed by uv and pip in fresh environments, without MPI.

There they run the script of the README.
"""

import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from bootstrap.commands import clean_environment, run
from bootstrap.errors import SetupError
from bootstrap.interpreters import inspect
from bootstrap.settings import read_settings
from bootstrap.uv import Uv, find_uv

ROOT = Path(__file__).parents[2]
AFTERWARDS = """\
import importlib.util
import smallpolaron as sp

for name in ("mpi4py", "petsc4py", "snakemake", "sklearn"):
    assert importlib.util.find_spec(name) is None, name
run = sp.read_result("run.h5")
assert run.stored.provenance["engine"] == "embedded"
assert "site-packages" in sp.__file__
print(float(run.mobility()))
"""


def script_of_readme() -> str:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    return next(block for block in blocks if "import smallpolaron" in block)


@pytest.fixture(scope="module")
def uv() -> Uv:
    interpreter = inspect(sys.executable)
    assert interpreter is not None
    return find_uv(read_settings(), interpreter)


@pytest.fixture(scope="module")
def built(uv: Uv, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with an sdist, and the wheel made from it."""
    folder = tmp_path_factory.mktemp("dist")
    uv.call("build", "-q", "-o", str(folder), what="Building sdist and wheel")
    return folder


def with_uv(uv: Uv, file: Path, python: Path, constraints: Path) -> None:
    command = ["pip", "install", "-q", "--python", str(python)]
    command += ["--constraints", str(constraints), f"{file}[figures]"]
    with suppress(SetupError):  # the cache lacks something
        uv.call(*command, "--offline", what="Installing")
        return
    uv.call(*command, what="Installing")


def with_pip(uv: Uv, file: Path, python: Path, constraints: Path) -> None:
    command = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    command += ["--constraint", str(constraints), f"{file}[figures]"]
    run(command, clean_environment(uv.env), "Installing")


@pytest.mark.slow
@pytest.mark.parametrize("installed", [with_uv, with_pip])
@pytest.mark.parametrize("ending", ["whl", "tar.gz"])
def test_the_script_of_the_readme_runs_from_the_built_file_alone(
    uv, built, ending, installed, tmp_path
):
    (file,) = built.glob(f"*.{ending}")
    venv, place, locked = (tmp_path / name for name in ("venv", "place", "locked.txt"))
    seed = ["--seed"] if installed is with_pip else []
    uv.call("venv", "-q", *seed, "--python", sys.executable, str(venv), what="Making it")
    # the locked versions of what it needs
    wanted = ("--extra", "figures", "--group", "numpy2", "--no-emit-project", "--no-hashes")
    locked.write_text(uv.call("export", "-q", "--locked", *wanted, what="Reading uv.lock"))
    installed(uv, file, venv / "bin" / "python", locked)
    place.mkdir()
    environment = clean_environment(uv.env, NUMBA_CACHE_DIR=str(tmp_path / "numba"))
    script = script_of_readme()
    assert len([line for line in script.splitlines() if line.strip()]) <= 10
    found = ""
    for program in (script, AFTERWARDS):
        done = subprocess.run(
            [venv / "bin" / "python", "-W", "error", "-c", program],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found = done.stdout
    assert (place / "run.svg").exists()
    assert float(found) == pytest.approx(0.48333, abs=1e-4)
