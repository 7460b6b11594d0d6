"""Results made again from their own files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smallpolaron.archive.rerun import RUNS, _require_known
from smallpolaron.archive.verify import verify
from smallpolaron.cli import main
from smallpolaron.results.compare import compare, origin_warnings, relative_difference
from smallpolaron.results.kinds import KINDS, derived
from smallpolaron.results.store import Result, Variable, read_result, write_result
from smallpolaron.study.plan import read_plan
from smallpolaron.support.problems import StoreError

STUDY = """\
study: again
model: {n_sites: 2, hopping_cm: 80, topology: chain}
bath: {eta_cm: 90, gamma_cm: 60}
accuracy: 5e-2
protocols: [current, franck_condon, marcus]
propagation: {duration_fs: 40, sample_fs: 2}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of results of one point, with everything that is derived from them."""
    folder = tmp_path_factory.mktemp("again")
    (folder / "study.yaml").write_text(STUDY)
    plan = folder / "plan.json"
    assert main(["plan", "--config", str(folder / "study.yaml"), "--output", str(plan)]) == 0
    point = read_plan(plan).points[0].id
    common = ["--plan", str(plan)]

    def make(command: str, name: str, *options: str) -> str:
        output = folder / command.replace("-", "_") / name
        assert main([command, *common, *options, "--output", str(output)]) == 0
        return str(output)

    of_point = ("--point", point, "--ranks", "1")
    C = make("correlation", f"{point}.h5", *of_point)
    make("mobility", f"{point}.h5", "--correlation", C)
    starts = ("franck_condon", "marcus")
    one, two = (
        make("population", f"{point}__{start}.h5", *of_point, "--start", start) for start in starts
    )
    make("spreading", Path(one).name, "--population", one, "--partner", two)
    return folder


def file_of(results: Path, kind: str) -> Path:
    return min((results / kind).glob("*.h5"))


@pytest.mark.parametrize("kind", ["correlation", "population", "spreading"])
def test_every_number_comes_again(
    results: Path, kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output, path = tmp_path / "new.h5", file_of(results, kind)
    assert main(["rerun", str(path), "--output", str(output)]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1].endswith(" identical")
    old, new = read_result(path), read_result(output)
    assert len(lines) == 1 + len(old.variables) + len(old.gates) + len(old.notes)
    assert new.parameters == old.parameters
    assert new.provenance["date_utc"] >= old.provenance["date_utc"]


def test_real_results_are_verified(results: Path) -> None:
    assert {each.state for each in verify([results])} == {"ok"}


def test_changed_number_and_other_origin_are_told(
    results: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    old = read_result(file_of(results, "mobility"))
    data = np.array(old.variables["C_kubo"].data)
    data[3] *= 1 + 1e-6
    changed = {"C_kubo": replace(old.variables["C_kubo"], data=data)}
    origin = {**old.provenance, "package_version": "0.0.1", "git_dirty": True, "source": {}}
    path = tmp_path / file_of(results, "mobility").name
    write_result(path, replace(old, variables={**old.variables, **changed}, provenance=origin))
    source = str(file_of(results, "correlation"))
    assert main(["rerun", str(path), "--source", source]) == 1
    out, err = capfd.readouterr()
    assert next(line.split()[0] for line in out.splitlines() if "  differs" in line) == "C_kubo"
    assert "1 differs" in out.splitlines()[-1]
    assert "package_version: 0.0.1 then" in err
    assert "git_dirty: the code had changes that were not committed, then" in err
    assert "is of another run than the file this was made from" in err


def test_what_cannot_be_made_again(
    results: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    old = read_result(file_of(results, "mobility"))
    alone = tmp_path / "mobility" / "alone.h5"
    write_result(alone, old)
    assert main(["rerun", str(alone)]) == 2
    assert "no such file, but needed; name it with --source" in capfd.readouterr().err
    bare = {key: value for key, value in old.provenance.items() if key != "analysis"}
    write_result(alone, replace(old, provenance=bare), overwrite=True)
    write_result(
        tmp_path / "correlation" / "alone.h5", read_result(file_of(results, "correlation"))
    )
    assert main(["rerun", str(alone)]) == 2
    assert "name the plan of the study with --plan" in capfd.readouterr().err
    assert main(["rerun", str(alone), "--plan", str(results / "plan.json")]) == 0
    table = replace(old, parameters={"temperature_K": 300.0})
    with pytest.raises(StoreError, match="made from a table of numbers"):
        _require_known(alone, table)
    write_result(alone, replace(old, kind="ladder"), overwrite=True)  # a ladder by name only
    assert main(["rerun", str(alone)]) == 2
    assert "does not fit together" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("kind", "count", "words"),
    [
        ("correlation", 1, "made from no other files; 1 given with --source"),
        ("mobility", 2, "made from 1 other file; 2 given with --source: leave out 1"),
        ("spreading", 3, "made from 2 other files; 3 given"),
    ],
)
def test_more_sources_than_a_kind_is_made_from(
    results: Path, kind: str, count: int, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    sources = [str(file_of(results, "correlation"))] * count
    assert main(["rerun", str(file_of(results, kind)), "--source", *sources]) == 2
    assert words in capfd.readouterr().err


def test_a_plan_does_not_apply_to_a_run(results: Path, capfd: pytest.CaptureFixture[str]) -> None:
    plan = results / "plan.json"
    assert main(["rerun", str(file_of(results, "correlation")), "--plan", str(plan)]) == 2
    assert f"--plan {plan} does not apply to kind correlation" in capfd.readouterr().err


@pytest.mark.parametrize("tolerance", ["nan", "inf", "-1e-9", "some"])
def test_a_tolerance_is_a_number(tolerance: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["rerun", "file.h5", f"--tolerance={tolerance}"])
    assert caught.value.code == 2
    assert "--tolerance" in capsys.readouterr().err


def test_kinds_are_known() -> None:
    assert {*RUNS, *(kind.source for kind in derived().values())} <= set(KINDS)


def test_relative_difference() -> None:
    nan, inf = np.nan, np.inf
    a = np.array([1.0, -4.0, nan, inf])
    assert relative_difference(a, a) == 0.0
    assert relative_difference(a, np.array([1.5, -4.0, nan, inf])) == 0.125
    assert relative_difference(a, np.array([1.0, -4.0, nan, -inf])) == inf
    assert relative_difference(a, np.array([1.0, nan, nan, inf])) == inf
    assert relative_difference(a, a[:3]) == inf
    assert relative_difference(np.zeros(2), np.array([0.0, 1e-300])) == inf
    assert relative_difference(np.array([3 + 4j]), np.array([3 + 4.5j])) == pytest.approx(0.1)


def test_agreements(correlation: Callable[..., Result]) -> None:
    old = correlation()
    error = {"errors/C/total": Variable(1.0, (), "1", "x")}
    old = replace(old, variables={**old.variables, **error})
    C = np.array(old.variables["C_JJ"].data)
    new = replace(
        old,
        variables={
            "time_fs": old.variables["time_fs"],
            "C_JJ": replace(old.variables["C_JJ"], data=C * (1 + 1e-14)),
            "dC_JJ": replace(old.variables["dC_JJ"], units="1"),
            "errors/C/total": Variable(2.0, (), "1", "x"),
            "more": Variable(1.0, (), "1", "x"),
        },
        gates=old.gates[1:],
        notes={"reason": "x"},
    )
    found = {each.name: each.agreement for each in compare(old, new, 1e-12)}
    assert found["time_fs"] == "identical"
    assert found["C_JJ"] == "within tolerance"
    assert found["dC_JJ"] == "differs"
    assert found["d2C_JJ"] == "missing"
    assert found["errors/C/total"] == "diagnostic differs"
    assert found["more"] == found["notes/reason"] == "new"
    assert found[f"quality/{old.gates[0].name}"] == "missing"
    assert {each.name for each in compare(old, new, 1e-15) if each.agreement == "differs"} == {
        "C_JJ",
        "dC_JJ",
    }
    assert origin_warnings(old, old) == []
