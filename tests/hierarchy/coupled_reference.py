"""A dense hierarchy for any couplings: a list of operators V, each with a bath of its own.

Terms of vibrations are mixed as in the engine; see test_mixed_terms.py.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from smallpolaron.model.coupling import Coupling, Element
from tests.hierarchy.reference import conjugate_coefficient, mixing_of, partner_of, raised


def as_coupling(v, bath):
    """A Hermitian matrix as data."""
    upper = np.argwhere(np.triu(v))
    return Coupling(tuple(Element(int(a), int(b), (), complex(v[a, b])) for a, b in upper), bath)


@dataclass(frozen=True)
class Dense:
    """H, operators V with the number of their bath, the expansions, and a depth."""

    h: np.ndarray
    operators: tuple
    baths: tuple
    depth: int

    @cached_property
    def terms(self):
        """(mode, term of its bath) of every excitation."""
        return [
            (mode, k)
            for mode, (_, bath) in enumerate(self.operators)
            for k in range(self.baths[bath].n_terms)
        ]

    @cached_property
    def ados(self):
        every = product(range(self.depth + 1), repeat=len(self.terms))
        return [n for n in every if sum(n) <= self.depth]

    @cached_property
    def index(self):
        return {n: i for i, n in enumerate(self.ados)}

    def occupations(self):
        """As the engine lists them: every mode has the terms of all baths."""
        first = np.cumsum([0, *(bath.n_terms for bath in self.baths)])
        table = np.zeros((len(self.ados), len(self.operators), first[-1]), np.uint8)
        for m, (mode, k) in enumerate(self.terms):
            table[:, mode, first[self.operators[mode][1]] + k] = [n[m] for n in self.ados]
        return table.reshape(len(self.ados), -1)

    def labels(self):
        """Occupations, kets, bras of all elements in the order (ado, a, b)."""
        size = len(self.h)
        ado, kets, bras = (i.ravel() for i in np.indices((len(self.ados), size, size)))
        return self.occupations()[ado], kets, bras

    def ladder(self, m):
        """(|n><n + e|, |n><n - e|) on the ADOs with their usual scaled factors, as two matrices."""
        mode, k = self.terms[m]
        scale = self.baths[self.operators[mode][1]].functions.scales[k]
        up, down = np.zeros((2, len(self.ados), len(self.ados)))
        for i, n in enumerate(self.ados):
            for change, matrix in ((1, up), (-1, down)):
                to = tuple(x + change * (y == m) for y, x in enumerate(n))
                if to in self.index:
                    number = n[m] + 1 if change > 0 else n[m]
                    matrix[i, self.index[to]] = np.sqrt(number * scale**change)
        return up, down

    def bath_operator(self, mode):
        """X of a mode from the left, and from the right, on the ADOs."""
        left, right = np.zeros((2, len(self.ados), len(self.ados)), complex)
        for m, (owner, k) in enumerate(self.terms):
            if owner == mode:
                up, down = self.ladder(m)
                bath = self.baths[self.operators[mode][1]]
                ket, bra = np.array(raised(bath, k)) / np.sqrt(bath.functions.scales[k])
                left += ket * up + bath.coefficients[k] * down
                right += bra * up + conjugate_coefficient(bath, k) * down
        return left, right

    def operator(self, bare, by_mode, side=0):
        """(O rho) or (rho O) for O = bare + sum by_mode[mode] X_mode."""
        one = np.eye(len(self.h))
        on_carrier = (lambda o: np.kron(o, one)) if side == 0 else (lambda o: np.kron(one, o.T))
        whole = np.kron(np.eye(len(self.ados)), on_carrier(bare))
        for mode, o in enumerate(by_mode):
            whole = whole + np.kron(self.bath_operator(mode)[side], on_carrier(o))
        return whole

    @cached_property
    def generator(self):
        """L on vectors ordered (ado, a, b): -i[H + sum V X, .] - sum n nu - sum Delta [V,[V,.]]."""
        operators = [v for v, _ in self.operators]
        big = -1j * (self.operator(self.h, operators) - self.operator(self.h, operators, side=1))
        nu = [self.baths[self.operators[mode][1]].rates[k] for mode, k in self.terms]
        size = len(self.h) ** 2
        big -= np.diag(np.repeat(np.array(self.ados) @ np.array(nu), size))
        for m, (mode, k) in enumerate(self.terms):
            bath = self.baths[self.operators[mode][1]]
            if partner_of(bath, k) == k + 1:
                both = self.ladder(m)[0] @ self.ladder(m + 1)[0] / bath.functions.scales[k]
                loss = 2 * mixing_of(bath, k) * nu[m].real
                big += loss * np.kron(both, np.eye(size))
        one = np.eye(len(self.h))
        for v, bath in self.operators:
            commutator = np.kron(v, one) - np.kron(one, v.T)
            white = self.baths[bath].terminator * commutator @ commutator
            big -= np.kron(np.eye(len(self.ados)), white)
        return big

    @cached_property
    def trace(self):
        """Row vector of the trace over carrier and baths."""
        shares = []
        for n in self.ados:
            share, m = 1.0, 0
            while m < len(n):
                mode, k = self.terms[m]
                bath = self.baths[self.operators[mode][1]]
                if partner_of(bath, k) == k + 1:
                    share *= (n[m] == n[m + 1]) * mixing_of(bath, k) ** n[m]
                    m += 1
                else:
                    share *= n[m] == 0
                m += 1
            shares.append(share)
        return np.kron(shares, np.eye(len(self.h)).ravel())

    def current(self, positions):
        """J = i[H + sum V X, x] as (bare part, parts by mode)."""
        away = positions[None] - positions[:, None]
        return 1j * self.h * away, [1j * v * away for v, _ in self.operators]

    def equilibrium(self):
        """The stationary state with trace 1."""
        regular = self.generator.copy()
        regular[0] = self.trace
        return np.linalg.solve(regular, np.eye(len(regular))[0])
