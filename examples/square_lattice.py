"""Mobility on the infinite square lattice, numerically exact, with its error estimate.

One carrier, hopping v = 50 cm^-1 between neighbours at 5 angstrom, a Debye bath on every site
(eta = 100 cm^-1, gamma = 50 cm^-1), 300 K. Prints D along x, from the time integral and by linear
solve: 0.1426 ± 0.0002 angstrom^2/fs, which is 1.019 in the unit of the papers. With --ratio R the
hopping along y is R times that along x; with --ratio 0 the lattice is the chain.

    python examples/square_lattice.py                          # about 10 s on one core
    mpiexec -n 2 python examples/square_lattice.py --accuracy 3e-4
"""

import argparse

import smallpolaron as sp


def main(accuracy: float = 1e-3, ratio: float = 1.0) -> sp.Outcome:
    """Compute and print."""
    bath = sp.Debye(eta_cm=100, gamma_cm=50)
    model = sp.Model(
        lattice=sp.Lattice.square(5.0, ratio),
        hopping_cm=50,
        temperature_K=300,
        coupling=sp.Local(bath),
    )
    found = sp.mobility(model, duration_fs=400, accuracy=accuracy)
    if sp.rank() == 0:
        print(found)
        print(f"in units of the papers: {found.value('D_paper')}")
        print(f"D_x = {found.value('D')} from the time integral, {found.value('D_resolvent')}")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accuracy", type=float, default=1e-3, help="of C_JJ(t) over C_JJ(0)")
    parser.add_argument("--ratio", type=float, default=1.0, help="hopping along y over along x")
    main(**vars(parser.parse_args()))
