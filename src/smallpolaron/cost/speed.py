"""How fast a core is at what most of the time goes into: sparse products with complex states."""

from __future__ import annotations

import time
from typing import Final

import numpy as np
from scipy import sparse

ROWS: Final = 50_000
PER_ROW: Final = 5
SECONDS: Final = 1.0
PARTS: Final = 5
"""The fastest of so many parts counts: other load slows memory down."""


def core_speed(seconds: float = SECONDS) -> float:
    """Return products with one entry of a sparse matrix per second of processor time, one core.

    Processor time, because other load on the machine makes wall time longer.
    """
    rng = np.random.default_rng(1)
    columns = rng.integers(0, ROWS, ROWS * PER_ROW)
    values = rng.normal(size=ROWS * PER_ROW) + 1j * rng.normal(size=ROWS * PER_ROW)
    starts = PER_ROW * np.arange(ROWS + 1)
    matrix = sparse.csr_matrix((values, columns, starts), shape=(ROWS, ROWS))
    state = np.ones(ROWS, dtype=complex)
    rates = []
    for _ in range(PARTS):
        began, products = time.process_time(), 0
        while time.process_time() - began < seconds / PARTS:
            image = matrix @ state
            state = image / np.linalg.norm(image)
            products += 1
        rates.append(products / (time.process_time() - began))
    return max(rates) * ROWS * PER_ROW
