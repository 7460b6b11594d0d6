"""Result files: exact round trips, atomic writing, clear refusals."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import smallpolaron
from smallpolaron.analysis.gates import Gate
from smallpolaron.results import store
from smallpolaron.results.store import Result, Variable, read_result, write_result
from smallpolaron.support.files import seal_state
from smallpolaron.support.problems import StoreError


def make_result(kind: str = "correlation") -> Result:
    rng = np.random.default_rng(1)
    times = np.linspace(0, 9, 10)
    C = rng.normal(size=10) + 1j * rng.normal(size=10)
    C[3] = complex(np.nan, -np.inf)
    return Result(
        kind=kind,
        variables={
            "time_fs": Variable(times, ("time",), "fs", "Time."),
            "C_JJ": Variable(C, ("time",), "angstrom^2 fs^-2", "Correlation."),
            "equilibrium/density_matrix": Variable(
                rng.normal(size=(3, 3)) * (1 + 2j), ("site_ket", "site_bra"), "1", "rho."
            ),
            "equilibrium/hopping_energy": Variable(-0.1 - 1e-17, (), "rad fs^-1", "Scalar."),
            "z": Variable(1.5 - 0.25j, (), "1", "A complex scalar."),
            "convergence/n_unknowns": Variable(12345678901, (), "1", "A whole number."),
            "convergence/growth_detected": Variable(True, (), "1", "A truth value."),
            "convergence/state_norm": Variable(rng.normal(size=4), ("step",), "1", "Norm."),
        },
        parameters={
            "model": {"n_sites": 3, "hopping_cm": [1.5, 2.0, 3.25], "topology": "ring"},
            "bath": {"terms": "auto", "error_bound": None, "terminator": True, "eta_cm": 0.1},
            "start_site": 0,
            "point": "n_sites~3-12345678",
        },
        gates=(
            Gate("trace", 1e-9, 1e-6, "deviation of the trace from 1"),
            Gate("f_sum", math.nan, 5e-3, "could not be measured: µ"),
            Gate("a_last", math.inf, 1.0, "infinite"),
        ),
        provenance={"git_commit": None, "ranks": 2, "source": {"wall_seconds": 0.25}},
        notes={"verdict": "Drude–Smith misses this."},
    )


def assert_same(found: Result, wanted: Result) -> None:
    assert found.kind == wanted.kind
    assert found.parameters == wanted.parameters
    assert found.provenance == wanted.provenance
    assert found.notes == wanted.notes
    assert repr(found.gates) == repr(wanted.gates)  # NaN equals NaN here
    assert set(found.variables) == set(wanted.variables)
    for name, variable in wanted.variables.items():
        other = found.variables[name]
        assert (other.dims, other.units, other.description) == (
            variable.dims,
            variable.units,
            variable.description,
        )
        data = np.asarray(variable.data)
        assert np.asarray(other.data).dtype == data.dtype
        assert np.asarray(other.data).tobytes() == data.tobytes()


def test_round_trip_is_exact_to_the_bit(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.h5"
    write_result(path, make_result())
    assert_same(read_result(path), make_result())
    assert [p.name for p in path.parent.iterdir()] == ["a.h5"]


def test_file_describes_itself(tmp_path: Path) -> None:
    write_result(tmp_path / "a.h5", make_result())
    with h5py.File(tmp_path / "a.h5") as file:
        assert file.attrs["schema"] == "smallpolaron-result"
        assert file.attrs["schema_version"] == 3
        assert file.attrs["kind"] == "correlation"
        assert bool(file.attrs["flagged"]) is True
        C = file["C_JJ"]
        assert C.attrs["units"] == "angstrom^2 fs^-2"
        assert C.dims[0].label == "time"
        assert C.dims[0][0] == file["time_fs"]
        matrix = file["equilibrium/density_matrix"]
        assert [d.label for d in matrix.dims] == ["site_ket", "site_bra"]
        assert list(matrix.dims[1][0]) == [0, 1, 2]
        assert file["parameters/model"].attrs["n_sites"] == 3
        assert file["quality/trace"].attrs["bound"] == 1e-6
        assert file["provenance"].attrs["ranks"] == 2


def test_not_flagged_when_all_gates_pass(tmp_path: Path) -> None:
    good = make_result()
    result = Result(good.kind, good.variables, good.parameters, good.gates[:1], good.provenance)
    write_result(tmp_path / "a.h5", result)
    with h5py.File(tmp_path / "a.h5") as file:
        assert bool(file.attrs["flagged"]) is False
    assert not read_result(tmp_path / "a.h5").flagged


def test_existing_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    path.write_text("precious")
    with pytest.raises(StoreError, match="the file exists"):
        write_result(path, make_result())
    assert path.read_text() == "precious"
    write_result(path, make_result(), overwrite=True)
    assert_same(read_result(path), make_result())


def test_file_of_a_faster_job_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.h5"
    fill = store._fill

    def fill_while_another_job_finishes(file: h5py.File, result: Result) -> None:
        fill(file, result)
        path.write_text("the other job's")

    monkeypatch.setattr(store, "_fill", fill_while_another_job_finishes)
    with pytest.raises(StoreError, match="another job wrote"):
        write_result(path, make_result())
    assert path.read_text() == "the other job's"
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_failed_writer_leaves_nothing(tmp_path: Path) -> None:
    good = make_result()
    bad = Result(good.kind, good.variables, {"x": object()}, (), {})
    with pytest.raises(TypeError, match="x = "):
        write_result(tmp_path / "a.h5", bad)
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
from test_store_result import make_result
from smallpolaron.results import store

def kill(path):
    os.kill(os.getpid(), signal.SIGKILL)

store.to_disk = kill
store.write_result(sys.argv[1], make_result())
"""


def test_killed_writer_leaves_no_half_file_under_the_name(tmp_path: Path) -> None:
    (tmp_path / "test_store_result.py").write_text(Path(__file__).read_text())
    path = tmp_path / "out" / "a.h5"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(Path(smallpolaron.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert path.parent.is_dir()
    assert not path.exists()
    write_result(path, make_result())  # what the killed writer left is no obstacle
    assert_same(read_result(path), make_result())


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_truncated_file(tmp_path: Path, share: float) -> None:
    write_result(tmp_path / "a.h5", make_result())
    whole = (tmp_path / "a.h5").read_bytes()
    (tmp_path / "b.h5").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(StoreError, match=r"b\.h5: .*damaged"):
        read_result(tmp_path / "b.h5")


def test_foreign_files(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(StoreError, match="not an HDF5 file"):
        read_result(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(StoreError, match="not a result of this program"):
        read_result(tmp_path / "other.h5")
    with pytest.raises(StoreError, match="no such file"):
        read_result(tmp_path / "none.h5")


def test_wrong_kind_and_version(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_result(path, make_result("mobility"))
    with pytest.raises(StoreError, match="kind 'mobility', needed is 'kernel'"):
        read_result(path, kind="kernel")
    with h5py.File(path, "a") as file:
        file.attrs["schema_version"] = 4
    with pytest.raises(StoreError, match="version 4; this program reads 1 to 3; update small"):
        read_result(unsealed(path))
    with h5py.File(path, "a") as file:
        file.attrs["schema_version"] = 0
    with pytest.raises(StoreError, match=r"version 0; .* delete it and run its job again"):
        read_result(path)


def unsealed(path: Path) -> Path:
    """Remove the seal, as a program would that writes the file anew."""
    content = path.read_bytes()
    path.write_bytes(content.partition(b"\nsmallpolaron sha256")[0])
    return path


def test_files_of_version_1_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_result(path, make_result())
    with h5py.File(unsealed(path), "a") as file:
        file.attrs["schema_version"] = 1
    assert seal_state(path) == "none"
    assert_same(read_result(path), make_result())


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_result(path, make_result())
    whole, rng = path.read_bytes(), np.random.default_rng(7)
    body = whole.index(b"\nsmallpolaron sha256")
    for position in rng.integers(0, body, 300):
        changed = bytearray(whole)
        changed[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        with pytest.raises(StoreError, match=r"a\.h5: damaged, it is not what was written"):
            read_result(path)


def test_file_changed_by_another_program_has_lost_its_seal(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_result(path, make_result())
    with h5py.File(path, "a") as file:
        file["C_JJ"][4] *= 1 + 1e-15
    assert seal_state(path) == "none"


def test_lost_group_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_result(path, make_result())
    with h5py.File(path, "a") as file:
        del file["quality"]
    with pytest.raises(StoreError, match="damaged"):
        read_result(path)


def test_inconsistent_results_are_refused(tmp_path: Path) -> None:
    def with_variables(**variables: Variable) -> Result:
        return Result("kernel", variables, {}, (), {})

    with pytest.raises(StoreError, match=r"shape \(3,\) but dimensions"):
        write_result(tmp_path / "a", with_variables(x=Variable(np.zeros(3), (), "1", "x")))
    x, y = (Variable(np.zeros(n), ("t",), "1", "x") for n in (3, 4))
    with pytest.raises(StoreError, match="length 4, elsewhere 3"):
        write_result(tmp_path / "a", with_variables(x=x, y=y))
    with pytest.raises(StoreError, match="name of a group"):
        write_result(tmp_path / "a", with_variables(quality=Variable(1.0, (), "1", "x")))
    with pytest.raises(StoreError, match="must be one of"):
        write_result(tmp_path / "a", Result("figure", {}, {}, (), {}))
    assert list(tmp_path.iterdir()) == []
