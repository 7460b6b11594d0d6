"""Carriers whose spreading is known in closed form; lattice constant 5 angstrom."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import jv, jvp

from smallpolaron.analysis.spreading.spreading import Spreading, spreading
from smallpolaron.model.holstein import HolsteinModel, Topology

FloatArray = NDArray[np.float64]
Series = tuple[FloatArray, FloatArray, FloatArray]
Response = Callable[[FloatArray, FloatArray], Series]
SPACING = 5.0


def displacements(n: int, topology: Topology, start: int) -> FloatArray:
    return HolsteinModel(n, topology, 1.0, lattice_constant_A=SPACING).displacements_A(start)


def free_carrier(time: FloatArray, n: int, start: int, v: float) -> Spreading:
    """Bessel functions of the endless chain on n sites: exact until the ends are reached."""
    distance, z = np.arange(n) - start, 2 * v * time[:, None]
    J, dJ, d2J = jv(distance, z), jvp(distance, z), jvp(distance, z, 2)
    P, dP, d2P = J**2, 4 * v * J * dJ, 8 * v**2 * (dJ**2 + J * d2J)
    return spreading(time, P, dP, d2P, displacements(n, "chain", start), "chain")


def walker(
    time: FloatArray, n: int, topology: Topology, start: int, response: Response
) -> Spreading:
    """Nearest-neighbour walk, every mode of its generator (rate 1 per bond) with a response."""
    hops = np.eye(n, k=1) + np.eye(n, k=-1)
    if topology == "ring":
        hops[0, -1] += 1
        hops[-1, 0] += 1
    values, vectors = np.linalg.eigh(hops - np.diag(hops.sum(axis=0)))
    data = [(f * vectors[start]) @ vectors.T for f in response(values, time[:, None])]
    return spreading(time, *data, displacements(n, topology, start), topology)


def clock(theta: Callable[[FloatArray], Series]) -> Response:
    """Walk without memory on a clock theta(t); MSD = 2 a^2 theta on an endless lattice."""

    def response(values: FloatArray, time: FloatArray) -> Series:
        x, dx, d2x = theta(time)
        e = np.exp(values * x)
        return e, values * dx * e, ((values * dx) ** 2 + values * d2x) * e

    return response


def steady(rate: float) -> Response:
    return clock(lambda t: (rate * t, rate + 0 * t, 0 * t))


def memory(strength: float, decay: float) -> Response:
    """P' = strength times the integral of exp(-decay s) L P(t - s) ds."""

    def response(values: FloatArray, time: FloatArray) -> Series:
        root = np.sqrt(decay**2 / 4 + strength * values + 0j)
        modes = np.array([root, -root]) - decay / 2
        shares = np.array([-modes[1], modes[0]]) / (modes[0] - modes[1])
        waves = np.exp(modes[:, None] * time)
        f, df, d2f = (np.sum((shares * modes**p)[:, None] * waves, axis=0).real for p in range(3))
        return f, df, d2f

    return response
