"""Ways to advance dx/dt = L x: small reference implementations that count products with L.

All take (apply, x, h): a function that returns L x, the state, a step; all return the state after
the step. `products` of a method is what one step costs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from petsc4py import PETSc
from scipy.linalg import expm
from scipy.special import iv, jv

State = NDArray[np.complex128]
Apply = Callable[[State], State]


@dataclass(frozen=True)
class Method:
    """A one-step method.

    Attributes:
        name: what it is called in the report.
        products: products with L per step.
        vectors: vectors of the state's length that it keeps besides the state.
        step: (apply, x, h) -> x after h.
    """

    name: str
    products: int
    vectors: int
    step: Callable[[Apply, State, float], State]


def taylor(order: int) -> Method:
    """Taylor series of exp(h L); at order 4 this is the classical Runge-Kutta method."""

    def step(apply: Apply, x: State, h: float) -> State:
        total, term = x.copy(), x
        for k in range(1, order + 1):
            term = apply(term) * (h / k)
            total += term
        return total

    return Method(f"Taylor, order {order}", order, 2, step)


_RK45_A = (
    0.0,
    -567301805773 / 1357537059087,
    -2404267990393 / 2016746695238,
    -3550918686646 / 2091501179385,
    -1275806237668 / 842570457699,
)
_RK45_B = (
    1432997174477 / 9575080441755,
    5161836677717 / 13612068292357,
    1720146321549 / 2090206949498,
    3134564353537 / 4481467310338,
    2277821191437 / 14882151754819,
)


def low_storage() -> Method:
    """Five stages, order 4, one vector besides the state (Carpenter and Kennedy 1994)."""

    def step(apply: Apply, x: State, h: float) -> State:
        x, change = x.copy(), np.zeros_like(x)
        for a, b in zip(_RK45_A, _RK45_B, strict=True):
            change = a * change + h * apply(x)
            x += b * change
        return x

    return Method("low-storage Runge–Kutta 5(4)", 5, 1, step)


def arnoldi(size: int) -> Method:
    """exp(h L) x from the Krylov space of x (Saad 1992)."""

    def step(apply: Apply, x: State, h: float) -> State:
        norm = float(np.linalg.norm(x))
        vectors, projected = krylov_space(apply, x, size)
        return norm * (vectors[:size].T @ expm(h * projected[:size, :size])[:, 0])

    return Method(f"Arnoldi, {size} vectors", size, size, step)


def krylov_space(apply: Apply, x: State, size: int) -> tuple[NDArray[np.complex128], State]:
    """Orthonormal Krylov vectors, shape (size + 1, n), and the Hessenberg matrix (size + 1, size).

    Modified Gram-Schmidt, done twice.
    """
    vectors = np.zeros((size + 1, len(x)), complex)
    projected = np.zeros((size + 1, size), complex)
    vectors[0] = x / np.linalg.norm(x)
    for k in range(size):
        w = apply(vectors[k])
        for _ in range(2):
            overlap = vectors[: k + 1].conj() @ w
            w = w - vectors[: k + 1].T @ overlap
            projected[: k + 1, k] += overlap
        projected[k + 1, k] = np.linalg.norm(w)
        if abs(projected[k + 1, k]) < 1e-14 * np.abs(projected).max():
            break
        vectors[k + 1] = w / projected[k + 1, k]
    return vectors, projected


def chebyshev(terms: int, real: tuple[float, float], imaginary: float) -> Method:
    """Chebyshev series, which is the Faber series of an ellipse around the spectrum.

    The ellipse is the smallest one with the proportions of the box real x [-imaginary, imaginary]
    that holds its corners; its foci lie on the longer axis.

    Args:
        terms: highest polynomial.
        real: least and largest real part that is allowed for, 1/fs.
        imaginary: largest imaginary part that is allowed for, 1/fs.
    """
    centre = (real[0] + real[1]) / 2
    square = 2 * ((real[1] - real[0]) / 2) ** 2 - 2 * imaginary**2
    focus = np.sqrt(complex(square))
    if abs(focus) < 1e-6 * imaginary:
        # a circle: the series is Taylor's about the centre; stay clear of the division by zero
        focus = complex(1e-3 * imaginary)

    def step(apply: Apply, x: State, h: float) -> State:
        weights = np.exp(centre * h) * _bessel(terms, h * focus)
        before, now = x, (apply(x) - centre * x) / focus
        total = weights[0] * before + 2 * weights[1] * now
        for k in range(2, terms + 1):
            before, now = now, 2 * (apply(now) - centre * now) / focus - before
            total += 2 * weights[k] * now
        return np.asarray(total)

    return Method(f"Chebyshev/Faber, {terms} terms", terms, 3, step)


def _bessel(highest: int, z: complex) -> State:
    """I_k(z) for k = 0 ... highest and z real or imaginary."""
    k = np.arange(highest + 1)
    if z.imag == 0:
        return np.asarray(iv(k, z.real), complex)
    return np.asarray(1j**k * jv(k, z.imag))


def petsc_ts(apply: Apply, x: State, duration: float, kind: str, rtol: float) -> tuple[State, int]:
    """PETSc's adaptive Runge-Kutta methods; returns the state and the number of products.

    Args:
        apply: returns L x.
        x: the state.
        duration: time to cover, fs.
        kind: PETSc's name, for example "5dp".
        rtol: relative tolerance; the absolute one is this times the norm over sqrt(n).
    """
    products = 0

    def right_side(_ts: PETSc.TS, _time: float, u: PETSc.Vec, f: PETSc.Vec) -> None:
        nonlocal products
        products += 1
        f.array_w[:] = apply(u.array_r)

    u = PETSc.Vec().createSeq(len(x))
    u.array_w[:] = x
    ts = PETSc.TS().create(PETSc.COMM_SELF)
    ts.setProblemType(PETSc.TS.ProblemType.LINEAR)
    ts.setType(PETSc.TS.Type.RK)
    ts.setRKType(kind)
    ts.setRHSFunction(right_side, u.duplicate())
    ts.setTolerances(rtol=rtol, atol=rtol * u.norm() / np.sqrt(len(x)))
    ts.setTime(0.0)
    ts.setTimeStep(0.1)
    ts.setMaxTime(duration)
    ts.setMaxSteps(1_000_000)
    ts.setExactFinalTime(PETSc.TS.ExactFinalTime.MATCHSTEP)
    ts.solve(u)
    result = np.array(u.array_r)
    ts.destroy()
    return result, products
