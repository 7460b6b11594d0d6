"""A new derived quantity is one file and one line of the registry; the rest follows."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from docs.generated import kinds_text
from smallpolaron.cli.rules import derivation
from smallpolaron.derive.derive import derive
from smallpolaron.planning.study import plan_document
from smallpolaron.results import kinds, quantity
from smallpolaron.results.kinds import KINDS, Kind, derived
from smallpolaron.results.layout import layout
from smallpolaron.results.quantity import Quantity
from smallpolaron.results.store import Result, Variable, write_result
from smallpolaron.runs.inputs import read_input
from smallpolaron.study.plan import write_plan
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.study.yamlfile import parse_yaml
from smallpolaron.support.problems import StoreError

Make = Callable[..., Result]
HALF_LIFE = Kind("half_life", "Half-life of the current", "correlation")
QUANTITIES = {
    "time_fs": quantity.time(),
    "share": Quantity("1", "Re C_JJ over its first value.", ("time",), kept="finite"),
    "half_life_fs": Quantity("fs", "First time at which Re C_JJ is half of it.", kept="there"),
    "samples": Quantity("1", "Samples before that time.", dtype=int),
}


def half_life(source: Result, _settings: AnalysisConfig) -> Result:
    time = np.asarray(source.variables["time_fs"].data)
    C = np.real(source.variables["C_JJ"].data)

    def analysis() -> tuple[dict[str, object], dict[str, str]]:
        below = np.flatnonzero(0.5 * C[0] > C)
        if not below.size:
            raise ValueError("C_JJ has not fallen to half its value")
        first = int(below[0])
        values = {"share": C / C[0], "half_life_fs": float(time[first]), "samples": first}
        return {"time_fs": time, **values}, {}

    return derive("half_life", source, QUANTITIES, analysis, {"time_fs": time})


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> Kind:
    """Add the kind: its file, and its line in the registry."""
    module = types.ModuleType("smallpolaron.derive.half_life_job")
    module.half_life_result, module.QUANTITIES = half_life, QUANTITIES  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(kinds.KINDS, "half_life", HALF_LIFE)
    return HALF_LIFE


def test_a_new_kind_has_a_command_a_file_and_a_layout(
    added: Kind, correlation: Make, valid: str, tmp_path: Path
) -> None:
    source, output = tmp_path / "c.h5", tmp_path / "h.h5"
    write_result(source, correlation())
    write_plan(tmp_path / "plan.json", plan_document(parse_yaml(valid, "study.yaml")))
    command = derivation(derived()["half_life"])
    words = ["--plan", str(tmp_path / "plan.json"), "--correlation", str(source)]
    command.main([*words, "--output", str(output)], standalone_mode=False)
    found = read_input(output, ("half_life",))
    share = np.asarray(found.variables["share"].data)
    first = int(found.variables["samples"].data)
    assert share[first] < 0.5 <= share[first - 1]
    assert found.variables["half_life_fs"].units == "fs"
    assert set(layout("half_life")) == {"time_fs", "share", "half_life_fs"}
    # a file without one of them is refused
    fewer = {name: v for name, v in found.variables.items() if name != "half_life_fs"}
    bad = Result("half_life", fewer, found.parameters, found.gates, found.provenance)
    write_result(output, bad, overwrite=True)
    with pytest.raises(StoreError, match="half_life_fs is missing"):
        read_input(output)


def test_a_run_without_numbers_gives_the_same_variables(added: Kind, correlation: Make) -> None:
    full = added.derive(correlation(), AnalysisConfig())
    empty = added.derive(correlation(grew=True), AnalysisConfig())
    assert "reason" in empty.notes
    assert empty.variables.keys() == full.variables.keys()
    for name, variable in full.variables.items():
        other = empty.variables[name]
        assert (other.dims, other.units, np.shape(other.data)) == (
            variable.dims,
            variable.units,
            np.shape(variable.data),
        )
    assert np.isnan(empty.variables["half_life_fs"].data)
    assert empty.variables["samples"].data == -1


def test_a_new_kind_is_in_the_documentation(added: Kind) -> None:
    text = kinds_text()
    assert "## half_life" in text
    assert "| `half_life_fs` |  | fs | First time at which Re C_JJ is half of it. |" in text


def test_undeclared_and_forgotten_values_are_errors() -> None:
    time = np.arange(3.0)
    with pytest.raises(KeyError, match="no quantity 'other'"):
        quantity.variables(QUANTITIES, {"time_fs": time, "share": time, "other": 1.0})
    with pytest.raises(KeyError, match="'share' has no data"):
        quantity.variables(QUANTITIES, {"time_fs": time})


def test_sources_are_kinds_and_come_first() -> None:
    names = list(KINDS)
    for name, kind in derived().items():
        assert names.index(kind.source) < names.index(name)
        assert all(isinstance(each, Quantity) for each in kind.module.QUANTITIES.values())


def test_every_stored_variable_is_as_declared(correlation: Make) -> None:
    results = {"correlation": correlation()}
    for kind in derived().values():
        if kind.source not in results or kind.takes_many:
            continue
        result = results[kind.name] = kind.derive(results[kind.source], AnalysisConfig())
        for name, variable in result.variables.items():
            declared = kind.module.QUANTITIES[name]
            assert isinstance(variable, Variable)
            assert (variable.dims, variable.units) == (declared.dims, declared.units)
            assert np.ndim(variable.data) == len(declared.dims)
