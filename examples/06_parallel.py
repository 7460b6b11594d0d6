"""One script, one process or many ranks: the same numbers.

    python examples/06_parallel.py
    mpiexec -n 4 python examples/06_parallel.py

Functions that compute are collective: every rank calls them and gets the same result; save() writes
once. More than one rank needs mpi4py and petsc4py (docs/api.md). Prints the populations of an open
chain of eight sites 200 fs after a Franck-Condon start in its middle: 0.3213 on the site of the
start, 16,142 elements.
"""

import smallpolaron as sp


def main(n_sites: int = 8, duration_fs: float = 200.0) -> sp.Outcome:
    model = sp.Model(
        lattice=sp.Lattice.open_chain(n_sites),
        hopping_cm=50,
        temperature_K=300,
        coupling=sp.Local(sp.Debye(eta_cm=100, gamma_cm=50)),
    )
    run = sp.populations(model, duration_fs, start="franck_condon")
    run.save("populations.h5", overwrite=True)
    if sp.rank() == 0:
        print(run)
        print(run.populations[-1].round(4))
    return run


if __name__ == "__main__":
    main()
