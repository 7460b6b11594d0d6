import json
import os
import sys
from pathlib import Path

import pytest
from bootstrap.errors import RouteError
from bootstrap.verify import NumpyTooNewError, interpret, verify

GOOD = {
    "size": 2,
    "petsc_size": 2,
    "mpi": "MPICH",
    "petsc": "3.26.1",
    "scalar": "complex128",
    "libraries": ["/v/libmpi.so.12"],
    "sum_ok": True,
}


def output(*ranks):
    return "".join(f"PROBE {json.dumps(GOOD | rank)}\n" for rank in ranks)


def test_good_environment_passes():
    found = interpret(0, "noise\n" + output({}, {}), "", "PETSc")
    assert (found.petsc, found.mpi) == ("3.26.1", "MPICH")


@pytest.mark.parametrize(
    ("ranks", "words"),
    [
        ([{"scalar": "float64"}] * 2, "real scalars; smallpolaron needs complex"),
        ([{"size": 1, "petsc_size": 1}] * 2, "COMM_WORLD.size is 1, not 2"),
        ([{"petsc_size": 1}] * 2, "mpi4py and petsc4py use different MPI libraries"),
        ([{"libraries": ["/a/libmpi.so.12", "/b/libmpi.so.40"]}] * 2, "/a/libmpi.so.12, /b/"),
        ([{"sum_ok": False}] * 2, "the check on 2 ranks failed"),
        ([{}], "the check on 2 ranks failed"),
        ([], "the check on 2 ranks failed"),
    ],
)
def test_each_fault_has_its_message(ranks, words):
    with pytest.raises(RouteError) as caught:
        interpret(0, output(*ranks), "", "PETSc at /p")
    assert str(caught.value).startswith("PETSc at /p")
    assert words in str(caught.value)
    assert "What to do:" in str(caught.value)


def test_crash_shows_the_end_of_the_output():
    with pytest.raises(RouteError, match="undefined symbol: foo"):
        interpret(1, "", "ImportError: undefined symbol: foo", "PETSc")


def test_numpy_1_extension_is_recognised():
    error = "ValueError: numpy.dtype size changed, may indicate binary incompatibility."
    with pytest.raises(NumpyTooNewError):
        interpret(1, "", error, "PETSc")


def test_this_environment_passes_for_real():
    assert verify(os.environ, Path(sys.executable), "PETSc").petsc.startswith("3.")


def test_foreign_mpiexec_is_caught_for_real(script):
    launcher = script("mpiexec", 'shift 2\n"$@" && "$@"')
    env = dict(os.environ) | {"PATH": f"{launcher.parent}:{os.environ['PATH']}"}
    with pytest.raises(RouteError, match="ranks that do not see each other"):
        verify(env, Path(sys.executable), "PETSc")
