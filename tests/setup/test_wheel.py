"""The library alone: a wheel in a fresh environment runs the script of the README, without MPI."""

import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from bootstrap.commands import clean_environment
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


@pytest.fixture
def uv() -> Uv:
    interpreter = inspect(sys.executable)
    assert interpreter is not None
    return find_uv(read_settings(), interpreter)


def install(uv: Uv, wheel: Path, venv: Path, folder: Path) -> None:
    """Install the wheel with the locked versions of what it needs, from uv's cache if it can."""
    locked = folder / "locked.txt"
    wanted = ("--extra", "figures", "--group", "numpy2", "--no-emit-project", "--no-hashes")
    locked.write_text(uv.call("export", "-q", "--locked", *wanted, what="Reading uv.lock"))
    command = ["pip", "install", "-q", "--python", str(venv / "bin" / "python")]
    command += ["--constraints", str(locked), f"{wheel}[figures]"]
    with suppress(SetupError):  # the cache lacks something
        uv.call(*command, "--offline", what="Installing the wheel")
        return
    uv.call(*command, what="Installing the wheel")


@pytest.mark.slow
def test_the_script_of_the_readme_runs_from_the_wheel_alone(uv, tmp_path):
    uv.call("build", "-q", "--wheel", "-o", str(tmp_path), what="Building the wheel")
    (wheel,) = tmp_path.glob("*.whl")
    venv, place = tmp_path / "venv", tmp_path / "place"
    uv.call("venv", "-q", "--python", sys.executable, str(venv), what="Making the environment")
    install(uv, wheel, venv, tmp_path)
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
