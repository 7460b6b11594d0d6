"""Damaged or forbidden caches of compiled functions cost time, never a result."""

from __future__ import annotations

import errno
import importlib.util
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import BuiltinFunctionType, ModuleType
from typing import Any

import numpy as np
import pytest
from numba.core import config

from smallpolaron.compiled import Compiled, numba_cache
from smallpolaron.compiled.library import kind_of

MODULE = """\
import numba


@numba.njit(cache=True)
def scaled(x):
    return {factor} * x
"""


def load(folder: Path, factor: int = 3, template: str = MODULE) -> ModuleType:
    """Import a module as a new process would."""
    path = folder / "scaling.py"
    text = template.format(factor=factor)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("scaling", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def files(folder: Path) -> list[Path]:
    return sorted((folder / "__pycache__").glob("scaling.scaled*.nb[ic]"))


def flipped(content: bytes) -> bytes:
    changed = bytearray(content)
    place = random.Random(0).randrange(len(changed))
    changed[place] ^= 1
    return bytes(changed)


@pytest.fixture(autouse=True)
def _beside_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", "")


def test_a_cache_is_used(tmp_path: Path) -> None:
    assert load(tmp_path).scaled(2) == 6
    assert len(files(tmp_path)) == 2
    module = load(tmp_path)
    assert module.scaled(2) == 6
    assert sum(module.scaled.stats.cache_hits.values()) == 1


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        flipped,
        lambda content: bytes(len(content)),
    ],
    ids=["empty", "half", "end", "bit", "zeros"],
)
def test_a_damaged_file_is_compiled_again(
    tmp_path: Path, suffix: str, damage: Callable[[bytes], bytes]
) -> None:
    load(tmp_path).scaled(2)
    (path,) = (each for each in files(tmp_path) if each.suffix == suffix)
    path.write_bytes(damage(path.read_bytes()))
    module = load(tmp_path)
    assert module.scaled(2) == 6
    assert sum(module.scaled.stats.cache_hits.values()) == 0
    again = load(tmp_path)
    assert again.scaled(2) == 6
    assert sum(again.scaled.stats.cache_hits.values()) == 1


def test_old_code_beside_a_new_index_is_not_used(tmp_path: Path) -> None:
    load(tmp_path).scaled(2)
    (code,) = (each for each in files(tmp_path) if each.suffix == ".nbc")
    old = code.read_bytes()
    assert load(tmp_path, factor=5).scaled(2) == 10
    code.write_bytes(old)  # the power failed when only the index was on the disk
    assert load(tmp_path, factor=5).scaled(2) == 10


def test_a_full_disk_leaves_the_code_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    numba_cache._tell.cache_clear()
    module = load(tmp_path)
    monkeypatch.setattr(numba_cache._SealedFiles, "save", full)
    assert module.scaled(2) == 6
    assert module.scaled(2.0) == 6.0
    assert capsys.readouterr().err.count("NUMBA_CACHE_DIR") == 1


def test_without_any_folder_for_the_cache_a_job_still_computes() -> None:
    environment = os.environ | {
        "NUMBA_CACHE_DIR": "/proc/none",
        "NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator",
    }
    program = (
        "from smallpolaron.hierarchy import elements, label_set;"
        "label_set.register.dispatcher, elements.compress.dispatcher;"
        "print('imported')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout == "imported\n", done.stderr
    assert done.stderr.count("NUMBA_CACHE_DIR") == 1


TWO_FUNCTIONS = """\
import numpy as np

from smallpolaron.compiled import compiled, inlined

FACTOR = {factor}


@inlined
def scaled(x):
    return FACTOR * x


@compiled
def fill(pair, wanted, out):
    scratch = np.empty(len(wanted), np.int64)
    for i in range(len(wanted)):
        scratch[i] = wanted[i] // pair[1]
        out[i] = scaled(scratch[i]) + pair[0]
    return len(wanted), out[0], pair[0] > 0
"""


@pytest.fixture
def libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder where libraries of compiled functions are kept."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "native"


def filled(folder: Path, factor: int = 3, by: int = 2) -> tuple[Any, Any, bool]:
    """Call fill() in a new module: what it returned, what it filled, whether Numba was needed."""
    fill: Compiled = load(folder, factor, TWO_FUNCTIONS).fill
    arguments = (0.5, by), np.array([2, 5, 9]), np.zeros(3)
    returned = fill(*arguments)
    (function,) = fill._ready.values()
    return returned, arguments[-1].tolist(), not isinstance(function, BuiltinFunctionType)


def test_what_was_compiled_is_called_without_numba(tmp_path: Path, libraries: Path) -> None:
    first, again = filled(tmp_path), filled(tmp_path)
    assert first == ((3, 3.5, True), [3.5, 6.5, 12.5], True)
    assert again == (*first[:2], False)
    assert [path.suffix for path in libraries.iterdir()] == [".so"]


@pytest.mark.parametrize("length", [0, 5000, -1])
def test_a_damaged_library_is_made_again(tmp_path: Path, libraries: Path, length: int) -> None:
    first = filled(tmp_path)
    (path,) = libraries.iterdir()
    content = path.read_bytes()
    path.write_bytes(content[:length] if length >= 0 else flipped(content))
    assert filled(tmp_path) == first
    assert filled(tmp_path) == (*first[:2], False)


def test_a_changed_constant_of_an_inlined_function_is_seen(tmp_path: Path, libraries: Path) -> None:
    filled(tmp_path)
    assert filled(tmp_path, factor=5) == ((3, 5.5, True), [5.5, 10.5, 20.5], True)
    assert len(list(libraries.iterdir())) == 2


@pytest.mark.usefixtures("libraries")
def test_an_error_in_compiled_code_is_raised(tmp_path: Path) -> None:
    filled(tmp_path)
    with pytest.raises(RuntimeError):
        filled(tmp_path, by=0)


def test_without_a_compiler_numba_serves(
    tmp_path: Path, libraries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for _ in range(2):
        assert filled(tmp_path) == ((3, 3.5, True), [3.5, 6.5, 12.5], True)
    assert not libraries.exists()


@pytest.mark.usefixtures("libraries")
def test_a_library_serves_what_it_is_made_for_only(tmp_path: Path) -> None:
    filled(tmp_path)
    fill = load(tmp_path, 3, TWO_FUNCTIONS).fill
    wanted, out = np.array([2, 5, 9, 0]), np.zeros(4)
    assert fill((0.5, 2), wanted, out)[0] == 4
    loaded = fill._last
    assert loaded((0.5, 2), wanted[::2], out) is NotImplemented
    assert loaded((0.5, 2, 3), wanted, out) is NotImplemented
    assert loaded((0.5, 2.0), wanted, out) is NotImplemented
    assert loaded((0.5, 2), wanted) is NotImplemented
    assert loaded((0.5, 2), wanted.astype("q"), out)[0] == 4  # another type of C, the same bytes
    assert fill((0.5, 2), wanted[::2], out) == (2, 3.5, True)  # by Numba
    assert fill((0.5, 2), wanted, out)[0] == 4


def test_arrays_that_are_stored_otherwise_are_of_another_kind() -> None:
    square = np.zeros((4, 4))
    locked = np.zeros((4, 4))
    locked.flags.writeable = False
    others = [square.T, square[::2], locked, square[0], square.astype(np.float32)]
    kinds = {kind_of(each) for each in (square, *others)}
    assert len(kinds) == 1 + len(others)
    assert kind_of(square[:2]) == kind_of(square.copy()) == kind_of(square)
    assert kind_of(square[::2]) == kind_of(square[:, ::2])
