"""Files of schema version 2 are read by the names of today, checked, and used by every command."""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import numpy as np
import pytest

from smallpolaron.cli import main
from smallpolaron.model.units import mobility_cm2, paper_units
from smallpolaron.planning.study import load_plan
from smallpolaron.results.older_versions import renamed
from smallpolaron.results.store import Variable, read_result
from smallpolaron.runs.inputs import read_input
from smallpolaron.study.plan import write_plan

DATA = Path(__file__).with_name("data") / "version2"
NAMES = {
    "correlation": {"resolvent/sigma": "resolvent/current_transform"},
    "population": {},
    "mobility": {"D_error": "D_error_record", "D_estimate": "D_error", "sigma": "mobility_ac"},
    "augmented": {"J_dJ/exact/D_whole": "J_dJ/exact/D_kernel"},
    "population_kernel": {"plateau_error": "plateau_D_flatness"},
    "spreading": {"plateau_error": "plateau_D_flatness"},
    "verdict": {"systems/reference_error": "systems/reference_D_error"},
}
DERIVED = {"mobility_error", "D_paper_error"}
TEMPERATURE_K = 300.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the results of a small study, as version 2 wrote them, with a plan of today."""
    for packed in DATA.rglob("*.gz"):
        path = tmp_path / packed.relative_to(DATA).with_suffix("")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.decompress(packed.read_bytes()))
    write_plan(tmp_path / "plan.json", load_plan(DATA / "study.yaml"))
    return tmp_path


def file_of(folder: Path, kind: str) -> Path:
    (path,) = (folder / kind).glob("*.h5")
    return path


@pytest.mark.parametrize("kind", NAMES)
def test_every_value_is_found_by_its_name_of_today(kind: str, folder: Path) -> None:
    path = file_of(folder, kind)
    result = read_input(path, (kind,))  # also compares with the layout of today
    with h5py.File(path) as file:
        assert file.attrs["schema_version"] == 2
        stored: dict[str, object] = {}
        file.visititems(
            lambda name, item: (
                stored.update({name: item[()]})
                if isinstance(item, h5py.Dataset) and "index_of_dimension" not in item.attrs
                else None
            )
        )
    assert set(NAMES[kind]) <= set(stored)
    assert not {name for name in result.variables if name.endswith(("sigma", "D_whole"))}
    for name, data in stored.items():
        if name in DERIVED or name.endswith("D_whole"):
            continue
        now = NAMES[kind].get(name, name)
        np.testing.assert_array_equal(result.variables[now].data, data, err_msg=name)


def test_the_error_of_the_mobility_is_that_from_all_sources(folder: Path) -> None:
    path = file_of(folder, "mobility")
    with h5py.File(path) as file:
        total, record = (float(file[name][()]) for name in ("D_estimate", "D_error"))
        assert total != pytest.approx(record)
    found = {name: v.data for name, v in read_result(path).variables.items()}
    assert found["D_error"] == total
    assert found["D_error_record"] == record
    assert found["mobility_error"] == mobility_cm2(total, TEMPERATURE_K)
    assert found["D_paper_error"] == paper_units(total)


def test_a_name_that_two_versions_use_is_not_taken_for_the_new_one() -> None:
    one = Variable(1.0, (), "1", "x")
    for kind in ("kernel", "ladder", "inverse"):
        assert set(renamed(kind, {"D_error": one}, {})) == {"D_error"}
    both = renamed("conductivity_models", {"sigma": one, "trusted": one}, {})
    assert set(both) == {"mobility_ac", "trusted"}


@pytest.mark.parametrize("kind", ["mobility", "spreading"])
def test_it_is_made_again(kind: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status = main(["rerun", str(file_of(folder, kind)), "--tolerance", "1e-9"])
    assert status == 0, capfd.readouterr().out


def test_commands_read_it(folder: Path) -> None:
    plan, mobility = str(folder / "plan.json"), str(file_of(folder, "mobility"))
    for command in ("drude-smith", "moments", "conductivity-models"):
        output = folder / f"{command}.h5"
        arguments = ["--plan", plan, "--mobility", mobility, "--output", str(output)]
        assert main([command, *arguments]) == 0
    assert main(["verify", str(folder)]) == 0
