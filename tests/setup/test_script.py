"""envs/setup.sh and what it decides before anything is installed."""

import os
import shutil
import subprocess
import sys

import pytest
from bootstrap.errors import SetupError
from bootstrap.settings import ROOT, read_settings
from bootstrap.stamp import fingerprint, read_stamp, write_stamp

SCRIPT = ROOT / "envs" / "setup.sh"


def run_script(tmp_path, script=SCRIPT, **environ):
    """Runs the script with nothing on PATH but tmp_path/bin, dirname, cat and env."""
    for tool in ("dirname", "cat", "env"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    env = {
        "PATH": str(tmp_path / "bin"),
        "HOME": str(tmp_path),
        "SMALLPOLARON_CACHE": str(tmp_path / "cache"),
        **environ,
    }
    shell = shutil.which("sh")
    return subprocess.run([shell, script], env=env, capture_output=True, text=True, check=False)


def test_old_python_is_named_with_what_to_do(script, tmp_path):
    # What `python3 -c` of an old interpreter does: tells its version, fails the comparison.
    old = script("python3", 'case "$2" in *print*) echo 3.8;; *) exit 1;; esac')
    done = run_script(tmp_path, PYTHON=str(old))
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert f"{old} (3.8)" in done.stderr
    assert "make setup PYTHON=" in done.stderr


def test_no_compiler_stops_before_the_environment_is_touched(script, tmp_path):
    stamp = ROOT / ".venv" / "smallpolaron-env"
    before = stamp.stat().st_mtime_ns if stamp.exists() else None
    uv = script("uv", "echo uv 0.13.9")
    done = run_script(tmp_path, PYTHON=sys.executable, UV=str(uv), SMALLPOLARON_PETSC="build")
    assert done.returncode == 1
    assert "PETSc: building the project's own wheels" in done.stdout
    assert "no C compiler" in done.stderr
    assert (stamp.stat().st_mtime_ns if stamp.exists() else None) == before


def test_unknown_route_stops(script, tmp_path):
    script("unused", "exit 0")
    done = run_script(tmp_path, PYTHON=sys.executable, SMALLPOLARON_PETSC="fast")
    assert done.returncode == 1
    assert "SMALLPOLARON_PETSC=fast is neither a folder nor one of" in done.stderr


@pytest.mark.parametrize("name", list(" '\"()[]{}$&;*?#!\\:|<>`^\t"))
def test_a_folder_in_which_the_workflow_cannot_run_is_refused(script, tmp_path, name):
    script("unused", "exit 0")
    checkout = tmp_path / f"a{name}b"
    shutil.copytree(ROOT / "envs", checkout / "envs")
    done = run_script(tmp_path, checkout / "envs" / "setup.sh", PYTHON=sys.executable)
    assert done.returncode == 1
    assert "Set-up stopped. This checkout is in" in done.stderr
    assert ascii(name) in done.stderr
    assert "Move it: mv" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["plain-1.0_x", "größe", "a=b,c%d@e+f~g"])
def test_other_folders_are_not(tmp_path, name):
    assert read_settings({"HOME": str(tmp_path)}, tmp_path / name).root == tmp_path / name


def test_a_cache_folder_with_a_blank_is_refused(tmp_path):
    with pytest.raises(SetupError) as caught:
        read_settings({"SMALLPOLARON_CACHE": str(tmp_path / "my cache")}, tmp_path)
    assert "The cache folder is in" in caught.value.problem
    assert any("SMALLPOLARON_CACHE=" in remedy for remedy in caught.value.remedies)


def test_an_interpreter_may_be_in_a_folder_with_a_blank(script, tmp_path):
    folder = tmp_path / "my python"
    folder.mkdir()
    python = folder / "python3"
    script("unused", "exit 0")
    python.symlink_to(sys.executable)
    done = run_script(tmp_path, PYTHON=str(python), SMALLPOLARON_PETSC="fast")
    assert "SMALLPOLARON_PETSC=fast is neither a folder nor one of" in done.stderr


@pytest.fixture
def finished(settings):
    """Settings whose environment was finished with a stamp."""
    ready = settings()
    for part in ("bin/python", "bin/mpiexec", "smallpolaron-env"):
        path = ready.venv / part
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for name in ("pyproject.toml", "uv.lock"):
        (ready.root / name).write_text("one")
    write_stamp(ready, "PETSc 1")
    return ready


def test_unchanged_environment_is_recognised(finished):
    assert read_stamp(finished) == "PETSc 1"


def test_changed_lock_asks_for_a_new_set_up(finished):
    (finished.root / "uv.lock").write_text("two")
    assert read_stamp(finished) is None


def test_other_route_asks_for_a_new_set_up(finished, settings):
    assert read_stamp(settings("wheel")) is None
    assert read_stamp(settings(PETSC_DIR="/opt/petsc")) is None


def test_what_auto_made_is_ready(finished, settings):
    assert read_stamp(settings("ready")) == "PETSc 1"
    assert read_stamp(settings("none")) is None


def test_an_environment_without_mpi_is_not_what_auto_makes(finished, settings):
    (finished.venv / "bin" / "mpiexec").unlink()
    write_stamp(settings("ready"), "no PETSc")
    assert read_stamp(settings("ready")) == "no PETSc"
    assert read_stamp(settings()) is None


def test_path_alone_does_not(finished, settings):
    assert fingerprint(settings(PATH="/other")) == fingerprint(finished)


def test_broken_environment_asks_for_a_new_set_up(finished):
    os.unlink(finished.venv / "bin" / "python")
    assert read_stamp(finished) is None
