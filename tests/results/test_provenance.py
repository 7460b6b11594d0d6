"""Provenance: complete, and silent about who and where."""

from __future__ import annotations

import getpass
import re
import resource
import socket
import subprocess
from pathlib import Path

import numpy as np

from smallpolaron import NUMERICS_VERSION, __version__
from smallpolaron.results.provenance import Stopwatch, code_state, collect, peak_memory_MB


def _git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def _checkout(root: Path) -> Path:
    package = root / "src" / "smallpolaron"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    _git(root, "init")
    _git(root, "add", ".")
    _git(root, "commit", "-m", "x")
    return package


def test_content() -> None:
    found = collect("abc", Stopwatch(), ranks=3)
    assert found["package_version"] == __version__
    assert found["numerics_version"] == NUMERICS_VERSION
    assert found["configuration_hash"] == "abc"
    assert found["core_seconds"] == 3 * found["wall_seconds"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", found["date_utc"])
    assert all(found[f"{name}_version"] != "not installed" for name in ("numpy", "scipy", "h5py"))


def test_peak_memory_stays_when_memory_is_returned() -> None:
    held = np.ones(20_000_000)  # 160 MB
    size = held.nbytes / 1e6
    del held
    peak = peak_memory_MB()
    assert peak is not None
    # the system's own number may include what a parent process held
    assert size < peak <= 1.01 * 1.024e-3 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_no_names_and_no_paths() -> None:
    text = repr(collect("abc", Stopwatch()))
    assert str(Path.home()) not in text
    assert socket.gethostname() not in text
    assert not re.search(r"'/\w", text)
    if getpass.getuser() != "root":  # a word that hardware names may contain
        assert getpass.getuser() not in text


def test_clean_and_dirty_checkout(tmp_path: Path) -> None:
    package = _checkout(tmp_path)
    clean = code_state(package)
    assert re.fullmatch("[0-9a-f]{40}", clean["git_commit"])
    assert clean["git_dirty"] is False
    (package / "new.py").write_text("x = 1\n")
    assert code_state(package) == clean | {"git_dirty": True}


def test_results_beside_the_code_do_not_make_it_dirty(tmp_path: Path) -> None:
    package = _checkout(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "a.h5").write_text("x")
    assert code_state(package)["git_dirty"] is False


def test_installed_package_inside_a_foreign_checkout(tmp_path: Path) -> None:
    _checkout(tmp_path)
    installed = tmp_path / ".venv" / "lib" / "smallpolaron"
    installed.mkdir(parents=True)
    assert code_state(installed) == {"git_commit": None, "git_dirty": None}


def test_no_checkout_at_all(tmp_path: Path) -> None:
    assert code_state(tmp_path) == {"git_commit": None, "git_dirty": None}
