"""`import smallpolaron` is quick, loads nothing heavy, and offers every public name."""

import subprocess
import sys

import pytest

import smallpolaron as sp

PROGRAM = """
import sys, time
before = time.process_time()
import smallpolaron as sp
names = dir(sp)
took = time.process_time() - before
heavy = [name for name in ("mpi4py", "petsc4py", "numba", "scipy", "numpy") if name in sys.modules]
assert set(sp.__all__) <= set(names)
sp.Model, sp.current_correlation, sp.collect, sp.memory_kernel
late = [name for name in ("mpi4py", "petsc4py", "numba", "matplotlib") if name in sys.modules]
print(took, heavy, late, sep=";")
"""


@pytest.mark.process
def test_import_takes_less_than_a_third_of_a_second_and_no_mpi():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300, check=True
    )
    took, heavy, late = done.stdout.strip().split(";")
    assert float(took) < 0.3
    assert (heavy, late) == ("[]", "[]")


@pytest.mark.parametrize("name", sp.__all__)
def test_every_public_name_is_there_and_documented(name):
    found = getattr(sp, name)
    assert name in ("NUMERICS_VERSION", "__version__") or found.__doc__


def test_other_names_are_refused():
    with pytest.raises(AttributeError, match="current_correlation"):
        _ = sp.no_such_name
