"""Results that studies share: taken with all their bits, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smallpolaron.cli import main
from smallpolaron.results.store import Result, read_result
from smallpolaron.runs import engine_runs
from smallpolaron.study.plan import Point, read_plan

STUDY = """\
study: first
model: {n_sites: 3}
bath: {eta_cm: 100, gamma_cm: 50, terms: 0}
hierarchy: {depth: 1}
propagation: {duration_fs: 20}
protocols: [current, marcus]
resources: {cache: CACHE}
"""

Job = Callable[..., Result]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Return a function that runs the job of a study of one point and returns its result."""

    def run(name: str, text: str = STUDY, command: str = "correlation", *more: str) -> Result:
        study, plan, output = (tmp_path / f"{name}{end}" for end in (".yaml", ".json", ".h5"))
        output.unlink(missing_ok=True)
        study.write_text(text.replace("CACHE", str(tmp_path / "cache")), encoding="utf-8")
        assert main(["plan", "--config", str(study), "--output", str(plan)]) == 0
        words = [command, "--plan", str(plan), "--point", point_of(plan).id, "--ranks", "1"]
        assert main([*words, "--output", str(output), *more]) == 0
        return read_result(output)

    return run


SECOND = STUDY.replace("study: first", "study: second").replace(
    "resources", "grid: [{model.temperature_K: [300]}]\nresources"
)
"""Another study of the same system, whose point has another name."""


def point_of(plan: Path) -> Point:
    (point,) = read_plan(plan).points
    return point


def shared(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "cache").glob("*/*.h5")
    return path


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with every current that is computed."""
    calls: list[str] = []
    compute = engine_runs.compute_correlation

    def count(*given: object, **more: object) -> object:
        calls.append("current")
        return compute(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(engine_runs, "compute_correlation", count)
    return calls


@pytest.mark.parametrize("more", [("correlation",), ("population", "--start", "marcus")])
def test_the_same_point_is_taken_with_every_bit(
    job: Job, more: tuple[str, ...], computed: list[str]
) -> None:
    first, second = job("one", STUDY, *more), job("two", SECOND, *more)
    assert computed == ["current"] * (more == ("correlation",))
    assert first.variables.keys() == second.variables.keys()
    for name, variable in first.variables.items():
        other = np.asarray(second.variables[name].data)
        assert other.tobytes() == np.asarray(variable.data).tobytes()
        assert other.dtype == np.asarray(variable.data).dtype
    assert repr(first.gates) == repr(second.gates)  # some are NaN
    assert second.parameters["study"] == "second"
    assert second.parameters["point"] != first.parameters["point"]
    origin = {name: first.parameters[name] for name in ("study", "point")}
    assert second.provenance["taken_from"] == origin
    assert second.provenance["date_utc"] == first.provenance["date_utc"]
    assert "taken_from" not in first.provenance


def test_nothing_is_shared_unless_asked_for(job: Job, tmp_path: Path, computed: list[str]) -> None:
    without = STUDY.replace("cache: CACHE", "max_ranks: 2")
    job("one", without)
    assert not (tmp_path / "cache").exists()
    job("two")
    job("three", without)
    assert len(computed) == 3


def test_another_system_is_computed(job: Job, computed: list[str]) -> None:
    job("one")
    job("two", SECOND.replace("[300]", "[310]"))
    assert len(computed) == 2


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _unseal(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-86])


def _other(path: Path) -> None:
    """Put the sealed result of another system under the name."""
    other = next(each for each in path.parent.glob("*.h5") if each != path)
    other.replace(path)


@pytest.mark.parametrize("damage", [_flip, _unseal, lambda path: path.write_bytes(b"")])
def test_what_cannot_be_trusted_is_not_taken(
    job: Job, tmp_path: Path, computed: list[str], damage: Callable[[Path], None]
) -> None:
    first = job("one")
    damage(shared(tmp_path))
    second = job("two", SECOND)
    assert len(computed) == 2
    assert "taken_from" not in second.provenance
    assert np.array_equal(second.variables["C_JJ"].data, first.variables["C_JJ"].data)


def test_a_result_under_a_wrong_name_is_not_taken(
    job: Job, tmp_path: Path, computed: list[str]
) -> None:
    job("one")
    path = shared(tmp_path)
    job("other", STUDY.replace("eta_cm: 100", "eta_cm: 90"))
    _other(path)
    second = job("two", SECOND)
    assert len(computed) == 3
    assert second.parameters["bath"]["eta_cm"] == 100
