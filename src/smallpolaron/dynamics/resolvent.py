"""The zero-frequency resolvent: a time integral without time."""

from smallpolaron.parallel import PETSc

_RESTART = 100


class NotConverged(RuntimeError):
    """The linear solver did not reach its tolerance."""


def integrate_to_infinity(
    generator: PETSc.Mat,
    state: PETSc.Vec,
    tolerance: float = 1e-10,
    max_products: int = 20_000,
) -> PETSc.Vec:
    """X = int_0^inf exp(L t) s dt = -L^-1 s, for a state s that decays to zero.

    L is singular (its null vector is the equilibrium), but s without an equilibrium part lies in
    its range, and so do all Krylov vectors: GMRES from zero stays there.

    Args:
        generator: L, 1/fs.
        state: s; its trace must vanish, as that of J rho_eq does.
        tolerance: residual relative to |s|.
        max_products: most products with L.

    Returns:
        x, up to a multiple of the equilibrium state, which a current does not see.

    Raises:
        NotConverged: the tolerance was not reached.
    """
    solver = PETSc.KSP().create(generator.comm)
    solver.setOperators(generator)
    solver.setType("gmres")
    solver.setGMRESRestart(_RESTART)
    solver.getPC().setType("jacobi")
    solver.setTolerances(rtol=tolerance, max_it=max_products)
    solver.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
    solver.setPCSide(PETSc.PC.Side.RIGHT)
    x = state.duplicate()
    solver.solve(state, x)
    if solver.reason <= 0:
        raise NotConverged(
            f"the resolvent reached a residual of {solver.norm / state.norm():.1e} in "
            f"{solver.its} products; {tolerance:.1e} was asked for"
        )
    x.scale(-1.0)
    return x
