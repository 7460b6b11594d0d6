"""Products with L per femtosecond at equal accuracy, on a real adaptive basis that is frozen."""

import time
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from mpi4py import MPI
from numpy.typing import NDArray
from scipy.sparse.linalg import eigsh

from benchmarks.cases import integrators
from benchmarks.cases.integrators import Apply, Method, State
from benchmarks.cases.rings import one_exponential, ring
from smallpolaron.dynamics.correlation import current_sectors
from smallpolaron.dynamics.equilibrium import solve_equilibrium
from smallpolaron.dynamics.evolve import evolve
from smallpolaron.dynamics.operators import apply_current
from smallpolaron.dynamics.progress import Progress
from smallpolaron.dynamics.readout import Readout
from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.limits import Limits
from smallpolaron.model.accuracy import Accuracy

_REFERENCE_ORDER = 30
_CLOSE = 1.03
"""Number of steps over the least number that works, at which the search stops."""


def compare(
    n_sites: int,
    eta_cm: float,
    gamma_cm: float,
    accuracy: float,
    frozen_fs: float,
    duration_fs: float,
    errors: list[float],
) -> dict[str, Any]:
    """Find the fewest products of every method for given errors.

    Args:
        n_sites: N.
        eta_cm: coupling, cm^-1.
        gamma_cm: rate of the bath, cm^-1.
        accuracy: accuracy of the run that makes the basis.
        frozen_fs: time at which its basis is frozen, fs.
        duration_fs: time to propagate on it, fs.
        errors: wanted errors of the final state, relative to its norm.

    Returns:
        Labels, bounds of the spectrum, and per method and error: products per fs, step, seconds.
    """
    basis, x, front = _frozen(n_sites, eta_cm, gamma_cm, accuracy, frozen_fs)
    generator = CompactGenerator(basis)
    image = np.empty_like(x)

    def apply(state: State) -> State:
        generator.apply(state, image)
        return image.copy()

    spectrum = _spectrum(basis, apply, x)
    box = spectrum["field_of_values"]
    real, imaginary = (box["real"][0], box["real"][1]), box["imaginary"]
    ritz = spectrum["ritz"]
    methods = [integrators.taylor(order) for order in (4, 8, 12, 16, 20, 24, 30)]
    methods.append(integrators.low_storage())
    methods += [integrators.arnoldi(size) for size in (8, 12, 20, 30)]
    methods += [integrators.chebyshev(terms, real, imaginary) for terms in (12, 20, 40)]
    inner = (ritz["real"][0], ritz["real"][1]), ritz["imaginary"]
    methods += [
        Method(f"{m.name}, Ritz box", m.products, m.vectors, m.step)
        for m in (integrators.chebyshev(terms, *inner) for terms in (12, 20, 40))
    ]
    exact = _propagate(apply, x, duration_fs, integrators.taylor(_REFERENCE_ORDER), _fine(box))
    rows = []
    for method in methods:
        guess = 1
        for error in sorted(errors, reverse=True):
            guess, seconds = _fewest_steps(apply, x, exact, duration_fs, method, error, guess)
            rows.append(
                {
                    "method": method.name,
                    "vectors": method.vectors,
                    "error": error,
                    "products_per_fs": guess * method.products / duration_fs,
                    "step_fs": duration_fs / guess,
                    "seconds": seconds,
                }
            )
    for kind, vectors in (("3bs", 5), ("5dp", 8), ("8vr", 14)):
        rows += _petsc_rows(apply, x, exact, duration_fs, kind, vectors, errors)
    return {
        "labels": basis.size,
        "entries": generator.n_nonzeros + basis.size,
        "spectrum": spectrum,
        "rows": rows,
        "engine_products_per_fs": front,
    }


def _frozen(
    n_sites: int, eta_cm: float, gamma_cm: float, accuracy: float, frozen_fs: float
) -> tuple[Basis, State, float]:
    """Basis and state of a production run at a time, and its products per fs over the last half."""
    model, expansion, wanted = ring(n_sites), one_exponential(eta_cm, gamma_cm), Accuracy(accuracy)
    even, odd = current_sectors(model, "auto", False)
    comm = MPI.COMM_SELF
    equilibrium = solve_equilibrium(model, expansion, even, wanted, Limits(), comm)
    basis = Basis(model, expansion, odd, comm, Limits())
    readout = Readout.of(basis, [basis.couplings.current])
    basis.add(readout.keys)
    x = apply_current(equilibrium.basis, equilibrium.x, basis)
    used = []
    for _ in range(2):
        x, run = evolve(
            basis, x, readout, wanted, frozen_fs / 2, Progress("", None, comm, lambda _line: None)
        )
        used.append(run.products)
    return basis, x, used[1] / (frozen_fs / 2)


def _spectrum(basis: Basis, apply: Apply, x: State) -> dict[str, Any]:
    """Bounds of the field of values (extreme eigenvalues of both Hermitian parts) and Ritz values.

    Every eigenvalue lies in the box of the field of values; exp(h L) converges on it whatever the
    departure from normality. Ritz values lie inside and show where the spectrum itself is.
    """
    s = basis.sparsity()
    entries = (basis.table[s.codes], (s.row_of_entry, s.columns))
    matrix = sp.csr_array(entries, shape=(s.size, s.size))
    matrix = matrix + sp.diags_array(s.diagonal)
    hermitian = (matrix + matrix.conj().T) / 2
    other = (matrix - matrix.conj().T) / 2j
    real = [_extreme(hermitian, "SA"), _extreme(hermitian, "LA")]
    imaginary = max(-_extreme(other, "SA"), _extreme(other, "LA"))
    size = min(80, len(x) - 1)
    _, projected = integrators.krylov_space(apply, x, size)
    ritz = np.linalg.eigvals(projected[:size, :size])
    return {
        "field_of_values": {"real": real, "imaginary": imaginary},
        "ritz": {
            "real": [float(ritz.real.min()), float(ritz.real.max())],
            "imaginary": float(np.abs(ritz.imag).max()),
            "values": size,
        },
        "largest_damping": float(-s.diagonal.real.min()),
    }


def _extreme(matrix: Any, which: Literal["SA", "LA"]) -> float:
    return float(eigsh(matrix, 1, which=which, tol=1e-3, return_eigenvectors=False)[0])


def _fine(box: dict[str, Any]) -> float:
    """A step at which the reference is exact to rounding, fs."""
    return float(2.0 / np.hypot(box["imaginary"], box["real"][0]))


def _propagate(apply: Apply, x: State, duration: float, method: Method, step: float) -> State:
    steps = int(np.ceil(duration / step))
    for _ in range(steps):
        x = method.step(apply, x, duration / steps)
    return x


def _fewest_steps(
    apply: Apply,
    x: State,
    exact: NDArray[np.complex128],
    duration: float,
    method: Method,
    error: float,
    least: int,
) -> tuple[int, float]:
    """Fewest equal steps that reach the error, and the seconds they take."""
    norm = float(np.linalg.norm(exact))

    def works(steps: int) -> bool:
        state = x
        with np.errstate(all="ignore"):
            for _ in range(steps):
                state = method.step(apply, state, duration / steps)
                size = float(np.linalg.norm(state))
                if not np.isfinite(size) or size > 1e6 * norm:
                    return False
            return bool(np.linalg.norm(state - exact) <= error * norm)

    bad, good = least - 1, least
    while not works(good):
        bad, good = good, 2 * good
    while good > max(_CLOSE * bad, bad + 1):
        middle = (bad + good) // 2
        if works(middle):
            good = middle
        else:
            bad = middle
    start = time.perf_counter()
    works(good)
    return good, time.perf_counter() - start


def _petsc_rows(
    apply: Apply,
    x: State,
    exact: State,
    duration: float,
    kind: str,
    vectors: int,
    errors: list[float],
) -> list[dict[str, Any]]:
    """For every error the cheapest of a ladder of tolerances that reaches it."""
    tried = []
    for rtol in 10.0 ** np.arange(-2, -11, -0.5):
        start = time.perf_counter()
        state, products = integrators.petsc_ts(apply, x, duration, kind, float(rtol))
        seconds = time.perf_counter() - start
        wrong = float(np.linalg.norm(state - exact) / np.linalg.norm(exact))
        tried.append((wrong, products, seconds))
        if wrong <= min(errors):
            break
    rows = []
    for error in sorted(errors, reverse=True):
        passed = [t for t in tried if t[0] <= error]
        best = min(passed, key=lambda t: t[1], default=None)
        rows.append(
            {
                "method": f"PETSc TS Runge–Kutta {kind}, adaptive",
                "vectors": vectors,
                "error": error,
                "products_per_fs": best and best[1] / duration,
                "step_fs": None,
                "seconds": best and best[2],
            }
        )
    return rows
