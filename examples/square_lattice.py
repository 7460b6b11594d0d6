"""Mobility on the infinite square lattice, numerically exact, with its error estimate.

One carrier, hopping v = 50 cm^-1 between neighbours at 5 angstrom, a Debye bath on every site
(eta = 100 cm^-1, gamma = 50 cm^-1), 300 K. Prints D along x, by linear solve: 0.1426 ± 0.0002
angstrom^2/fs, which is 1.019 in the unit of the papers. With --ratio R the hopping along y is R
times that along x; with --ratio 0 the lattice is the chain.

    python examples/square_lattice.py                          # about 10 s on one core
    mpiexec -n 2 python examples/square_lattice.py --accuracy 3e-4
"""

import argparse

from smallpolaron.dynamics.adaptive_correlation import compute_adaptive_correlation
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.bath import DebyeBath
from smallpolaron.model.decomposition import expand
from smallpolaron.model.expansion import BathExpansion
from smallpolaron.model.lattice import square
from smallpolaron.model.lattice_model import LatticeModel
from smallpolaron.model.units import CM_TO_RAD_FS
from smallpolaron.parallel import MPI

TEMPERATURE_K = 300.0
PAPER_UNIT = 2 / 0.529177**2
"""The papers give the two-sided integral, with lengths in bohr, per angstrom^2/fs."""


def bath(terms: int) -> BathExpansion:
    """The bath with a number of low-temperature terms."""
    debye = DebyeBath(100 * CM_TO_RAD_FS, 50 * CM_TO_RAD_FS)
    return expand(debye, TEMPERATURE_K, "pade", terms)


def main(accuracy: float = 1e-3, ratio: float = 1.0) -> tuple[float, float]:
    """Compute and print; returns D along x and its error, angstrom^2/fs."""
    model = LatticeModel(square(5.0, ratio), hopping=50 * CM_TO_RAD_FS, temperature_K=TEMPERATURE_K)
    found = compute_adaptive_correlation(
        model, bath(1), Accuracy(accuracy), duration_fs=400.0, more_terms=bath
    )
    D, error = found.D_resolvent, found.errors.total_D
    if MPI.COMM_WORLD.rank == 0:
        print(f"elements {found.record.n_unknowns}, window {found.window} x {found.window}")
        print(f"D_x from the time integral {found.D_time:.5f} angstrom^2/fs")
        print(f"C_JJ within {found.errors.total_C:.1e} of C_JJ(0). {found.advice}")
        print(
            f"D_x = {D:.5f} +- {error:.5f} angstrom^2/fs "
            f"= {D * PAPER_UNIT:.4f} +- {error * PAPER_UNIT:.4f} paper units"
        )
    return D, error


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accuracy", type=float, default=1e-3, help="of C_JJ(t) over C_JJ(0)")
    parser.add_argument("--ratio", type=float, default=1.0, help="hopping along y over along x")
    main(**vars(parser.parse_args()))
