"""The symmetries of the plain hierarchy in plain Python, and helpers for adaptive bases."""

from functools import lru_cache

import numpy as np

from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.spectral_density import BathSum
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS
from tests.hierarchy.reference import (
    ado_list,
    conjugate_coefficient,
    dense_generator,
    mixing_of,
    partner_of,
    raised,
)

CM = CM_TO_RAD_FS
V = 50 * CM


@lru_cache
def bath(terms, scheme="pade"):
    """Strong and slow enough that all coefficients matter; K = terms.

    "oscillator": a Debye bath and an underdamped one, with two complex rates and K = 0.
    """
    if terms == "oscillator":
        both = BathSum((DebyeBath(100 * CM, 80 * CM), BrownianBath(150 * CM, 40 * CM, 120 * CM)))
        return expand(both, 150.0, scheme, 0)
    return expand(DebyeBath(200 * CM, 80 * CM), 150.0, scheme, terms)


def ring(n_sites, flux=0.0):
    return HolsteinModel(n_sites, "ring", V, 40 * CM, flux=flux)


DISORDERED_3 = HolsteinModel(3, "ring", (V, -70 * CM, 20 * CM), (30 * CM, -40 * CM, 0.0), flux=0.4)
DISORDERED_4 = HolsteinModel(
    4, "ring", (V, -70 * CM, 20 * CM, 31 * CM), (30 * CM, -40 * CM, 0.0, 11 * CM), flux=-0.3
)
CHAIN_3 = HolsteinModel(3, "chain", (V, -70 * CM), (30 * CM, -40 * CM, 0.0))
EVEN_CHAIN_3 = HolsteinModel(3, "chain", (V, V), (30 * CM, -40 * CM, 30 * CM))
EVEN_CHAIN_4 = HolsteinModel(4, "chain", (V, -35 * CM, V), (30 * CM, 0.0, 0.0, 30 * CM))
EVEN_RING_4 = HolsteinModel(4, "ring", (V, V, 20 * CM, 20 * CM), (9 * CM, 0.0, 9 * CM, 15 * CM))
"""Site j mirrors into 2 - j: the only reflection of this ring."""


class Plain:
    """Every ADO and every element of a small hierarchy: states are F[ado, a, b]."""

    def __init__(self, model, expansion, depth):
        self.n, self.terms = model.n_sites, expansion.n_terms
        self.ados = ado_list(self.n, self.terms, depth)
        self.generator = dense_generator(model, expansion, self.ados, mixed=True)
        self.partners = [partner_of(expansion, k) for k in range(self.terms)]
        self._index = {n: i for i, n in enumerate(self.ados)}
        self.tables = np.array(self.ados).reshape(-1, self.n, self.terms)

    def index(self, tables):
        return np.array([self._index[tuple(t.ravel())] for t in tables])

    def apply(self, state):
        return (self.generator @ state.ravel()).reshape(state.shape)

    def labels(self):
        """Occupations, kets, bras of all elements, in the order of a state's ravel()."""
        shape = (len(self.ados), self.n, self.n)
        ado, kets, bras = (i.ravel() for i in np.indices(shape))
        return np.array(self.ados, np.uint8)[ado], kets, bras

    def random_state(self, sector, seed):
        """A random state with the symmetries of a sector."""
        rng = np.random.default_rng(seed)
        state = rng.normal(size=(len(self.ados), self.n, self.n, 2)) @ [1, 1j]
        if sector.translation:
            q = 2 * np.pi * sector.momentum / self.n
            images = [np.exp(1j * q * s) * self._rotated(state, s) for s in range(self.n)]
            state = sum(images)
        if sector.parity:
            state = state + sector.parity * self._mirrored(state, sector.mirror)
        if sector.hermitian:
            exchanged = self.index(self.tables[:, :, self.partners])
            state = state + state[exchanged].conj().transpose(0, 2, 1)
        return state

    def _rotated(self, state, s):
        """Everything moved s sites to the right."""
        image = np.empty_like(state)
        image[self.index(np.roll(self.tables, s, axis=1))] = np.roll(state, (s, s), axis=(1, 2))
        return image

    def _mirrored(self, state, mirror):
        to = (mirror - np.arange(self.n)) % self.n
        image = np.empty_like(state)
        image[self.index(self.tables[:, to])] = state[:, to][:, :, to]
        return image


@lru_cache
def plain(model, terms, depth):
    return Plain(model, bath(terms), depth)


def unfold(values, bits):
    """Elements from the values of their representatives and the bits of canonical_keys()."""
    values = np.where(bits & 1, values.conj(), values)
    return np.where(bits < 0, 0, np.where(bits & 2, -values, values))


def share(comm, rows):
    """This rank's part of rows that all ranks know."""
    return rows[comm.rank :: comm.size]


def whole(comm, part):
    """Parts of all ranks, one after the other, on every rank."""
    return np.concatenate(comm.allgather(part))


def as_tuples(keys):
    return [tuple(k) for k in keys.tolist()]


def all_labels(basis):
    """Keys of all ranks in global order."""
    return as_tuples(whole(basis.comm, basis.keys))


def operator_map(basis):
    """The frozen operator as {key of row: sorted (key of column, code)}, the same on every rank."""
    s, names = basis.sparsity(), all_labels(basis)
    columns = [*names[s.start : s.start + basis.n_local], *(names[g] for g in s.ghosts)]
    rows = {}
    ends = np.cumsum(s.lengths.astype(int))
    for row, last, length in zip(s.rows, ends, s.lengths, strict=True):
        at = range(last - length, last)
        rows[names[s.start + row]] = sorted((columns[s.columns[i]], int(s.codes[i])) for i in at)
    merged = {}
    for part in basis.comm.allgather(rows):
        merged.update(part)
    return merged


def values_by_label(basis, x):
    return dict(zip(all_labels(basis), whole(basis.comm, x), strict=True))


def flows(basis, n, a, b):
    """Elements m that <a|rho_n|b> feeds, as (n, a, b, |L_mj|); n is a dict {(site, term): number}.

    Sites are integers: around the ket on the infinite ring, 0 ... N-1 otherwise.
    """
    model, expansion = basis.model, basis.expansion
    c = expansion.coefficients
    bar = [conjugate_coefficient(expansion, k) for k in range(len(c))]
    size = model.n_sites

    def beside(site):
        for to in (site - 1, site + 1):
            if not basis.sector.wraps:
                yield to, abs(model.hamiltonian[0, 1])
            elif model.topology == "ring":
                yield to % size, abs(model.hamiltonian[to % size, site])
            elif 0 <= to < size:
                yield to, abs(model.hamiltonian[to, site])

    for to, hop in beside(a):
        yield n, to, b, hop
    for to, hop in beside(b):
        yield n, a, to, hop
    for site in {a, b}:
        for k in range(len(c)):
            now, left, right = n.get((site, k), 0), site == a, site == b
            down, scale = c[k] * left - bar[k] * right, expansion.functions.scales[k]
            yield {**n, (site, k): now + 1}, a, b, np.sqrt((now + 1) / scale) * abs(down)
            if now:
                ket, bra = raised(expansion, k)
                up = np.sqrt(now) * abs(ket * left - bra * right)
                yield {**n, (site, k): now - 1}, a, b, up
    for (site, k), now in n.items():
        other = n.get((site, k + 1), 0)
        if now and other and k + 1 < len(c) and partner_of(expansion, k) == k + 1:
            loss = 2 * mixing_of(expansion, k) * expansion.rates[k].real
            yield (
                {**n, (site, k): now - 1, (site, k + 1): other - 1},
                a,
                b,
                loss * np.sqrt(now * other),
            )


def settle(basis, n, a, b):
    """(key, None), or (None, why): "limit" when a limit keeps the label out, "zero" by symmetry."""
    size, sector = basis.model.n_sites, basis.sector
    if any(number > basis.limits.max_occupation for number in n.values()):
        return None, "limit"
    if sector.translation:
        n, a, b = {(j - a, k): v for (j, k), v in n.items()}, 0, b - a
    if not sector.wraps:
        half = (size - 1) // 2
        occupied = [j for (j, _), v in n.items() if v]
        corners = [0, b, *occupied]
        if sector.hermitian:
            corners += [j - b for j in corners]
        if max(map(abs, corners)) > half:
            return None, "limit"
    occupations = np.zeros((1, size, basis.expansion.n_terms), np.uint8)
    for (j, k), v in n.items():
        occupations[0, j % size, k] = v
    keys, bits = basis.canonical_keys(
        occupations.reshape(1, -1), np.array([a]), np.array([b % size])
    )
    return (None, "zero") if bits[0] < 0 else (tuple(keys[0].tolist()), None)


def labels_of(basis):
    """All labels as (key, n, a, b), sites as flows() wants them."""
    keys = whole(basis.comm, basis.keys)
    size, half = basis.model.n_sites, (basis.model.n_sites - 1) // 2

    def site(j):
        return j - size if not basis.sector.wraps and j > half else j

    for key, occupations, a, b in zip(
        as_tuples(keys), *(part.tolist() for part in basis.layout.unpack(keys)), strict=True
    ):
        terms = basis.expansion.n_terms
        n = {(site(m // terms), m % terms): v for m, v in enumerate(occupations) if v}
        yield key, n, a, site(b)


def damping_of(basis, n):
    return sum(v * basis.expansion.rates[k].real for (_, k), v in n.items())
