"""The examples run, here with short records, and give what their heads say."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "examples"


@pytest.fixture
def example(tmp_path, monkeypatch) -> Callable[[str], Callable[..., Any]]:
    monkeypatch.chdir(tmp_path)
    return lambda name: runpy.run_path(str(FOLDER / f"{name}.py"))["main"]


def test_every_example_is_tested_and_says_what_it_gives():
    tested = {name for name in globals() if name.startswith("test_example_")}
    files = sorted(FOLDER.glob("*.py"))
    assert {f"test_example_{file.stem.lstrip('0123456789_')}" for file in files} == tested
    for file in files:
        head = file.read_text(encoding="utf-8").split('"""')[1]
        assert any(character.isdigit() for character in head.partition("Prints")[2])


def test_example_mobility(example):
    found = example("01_mobility")(duration_fs=300.0)
    assert float(found["ring of 6"]) == pytest.approx(0.48218, abs=0.003)
    assert float(found["infinite chain"]) == pytest.approx(0.48333, abs=0.003)
    assert Path("ring.h5").exists()


def test_example_memory_kernel(example):
    cutoff, whole, memory, short = example("02_memory_kernel")(duration_fs=400.0)
    assert 180 < cutoff < 260
    assert whole == pytest.approx(0.04677, rel=0.02)
    assert memory == pytest.approx(whole, rel=0.01)
    assert short == pytest.approx(whole, rel=0.02)


def test_example_own_data(example):
    mobility, D, c = example("03_own_data")()
    assert mobility == pytest.approx(0.28565, rel=1e-4)
    assert pytest.approx(4e-3 * 60 / (1 + 1.5**2), rel=1e-5) == D
    assert c == pytest.approx(-0.698, abs=0.003)


def test_example_disorder(example):
    clean, mean, low, high = example("04_disorder")(duration_fs=800.0, members=3)
    assert clean == pytest.approx(0.318, abs=0.005)
    assert low < mean < high
    assert mean < clean


def test_example_arrhenius(example):
    activation_cm = example("05_arrhenius")(temperatures_K=(300, 400, 500))
    assert activation_cm == pytest.approx(328, rel=0.15)
    assert Path("arrhenius.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_example_parallel(example):
    run = example("06_parallel")(n_sites=5, duration_fs=60.0)
    assert run.populations.sum(axis=1) == pytest.approx(1.0, abs=1e-6)
    assert Path("populations.h5").exists()


def test_example_square_lattice(example):
    found = example("square_lattice")(accuracy=1e-2)
    assert found["D_error"] < 5e-3
    assert found["D"] == pytest.approx(0.1426, abs=found["D_error"])
    assert found["D_resolvent"] == pytest.approx(0.1426, abs=found["D_resolvent_error"])


def test_example_anisotropy(example):
    found = example("anisotropy")(ratios=(0.0, 0.5), accuracy=2e-2)
    along, across = found[0.5]
    assert found[0.0][1].value == 0
    assert found[0.0][0].value == pytest.approx(0.4836, abs=2 * found[0.0][0].error)
    assert found[0.0][0].value < along.value
    assert 0 < across.value < along.value
    assert Path("anisotropy.svg").exists()


def test_example_fmo(example):
    trapped = example("fmo")(duration_fs=200.0, accuracy=1e-2)
    assert trapped[77] == pytest.approx(0.047, abs=0.01)
    assert trapped[300] == pytest.approx(0.060, abs=0.01)
    assert Path("fmo.svg").exists()


def test_example_ohmic_bath(example):
    found = example("ohmic_bath")()
    assert found["esprit"] == pytest.approx(0.473, abs=0.002)
    assert found["aaa"] == pytest.approx(found["esprit"], abs=1e-3)


def test_example_rubrene_chain(example):
    found = example("rubrene_chain")(temperatures_K=(300,), accuracy=2e-2, duration_fs=300.0)
    assert float(found[300]) == pytest.approx(24.05, abs=0.9)
