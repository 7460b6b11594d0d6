"""Which labels one label (n, a, b) couples to, slot by slot, and how strongly.

The first slots move the carrier: one per direction (see SiteTable) for the ket, then as many for
the bra. Then every bath term k has four: one excitation more and one less at the ket site, the
same at the bra site. On a population (a = b) the two sites are one; its excitations go through the
ket slots. Every label is reduced to the representative of its orbit under the symmetries of the
sector: translation puts the ket into cell 0, the operations of the sector and Hermitian
conjugation leave the smallest key. Hermitian conjugation takes <a|rho_n|b> to <b|rho_n'|a>, where
n' has the excitations of terms with conjugate rates exchanged; n' = n where all rates are real.

Terms k, k' with conjugate rates may be mixed: elements are those of the ladder operators b with
a_k = b_k, a_k^+ = b_k^+ - t b_k' (BathExpansion.mixing). One excitation more then enters with
sqrt(s) - t c_k'/sqrt(s) instead of sqrt(s), and one more slot for every site and pair adds
t 2 Re(nu) sqrt((n_k + 1)(n_k' + 1)) times the element with one more of both, whose site needs no
carrier. The last slots list what the element feeds that way; they are for growth only.
"""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import diags_array

from smallpolaron.hierarchy.excitations import (
    copy_moved,
    find_mode,
    occupation,
    occupation_in_key,
    write,
)
from smallpolaron.hierarchy.labels import compare, copy_key
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.model.expansion import BathExpansion
from smallpolaron.model.lattice_model import Model
from smallpolaron.model.site_table import NO_SITE, SiteTable

MOST_EXCITED = 24
"""Most modes that may be excited at a time; labels with more are kept out, which is reported."""

EXISTS, IMPOSSIBLE, CAPPED = 0, 1, 2
"""What neighbour() answers: a label; none by the equations; none because of a limit of ours."""

VANISHES, OUTSIDE = -1, -2
"""What canonical() answers instead of bits: zero by symmetry; its conjugate left the window."""

_ABOVE_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)

_KINDS = 6
"""Couplings per bath term: up and down at ket and bra, down and up on a population."""

_JUMP_SPAN = 48
"""Occupations of mixed terms that can lose one excitation each at once."""


class Frame(NamedTuple):
    """What the compiled functions must know of model and sector.

    With it goes `maps`, an array of shape (rows, N) that tells where every site goes, or NO_SITE or
    BEYOND: by each operation, then by moving each cell to cell 0, then along each direction; and,
    where neighbours in number are none in space, how many hops away all sites are, from those of
    cell 0 with translation, else from all.

    Attributes:
        n_sites: N.
        per_cell: sites per cell.
        n_terms: bath terms per site, K + 1.
        max_occupation: largest n_jk.
        n_entries: most modes that may be excited at a time.
        entry_bits, term_bits, occupation_bits, site_bits: of an entry of a key and its parts.
        hops: slots that move the carrier.
        ways: operations, the identity first.
        cells: cells that may be moved to cell 0.
        minus: bit w is set where operation w changes the sign of a state.
        vanishing: whether what is minus itself is zero.
        translation: labels are reduced to kets in cell 0.
        hermitian: <a|rho_n|b> = <b|rho_n'|a>* is used.
        pairs: bit k is set where terms k and k + 1 have conjugate rates; 0 where all are real.
        span: stride of the table of couplings.
        n_mixed: pairs that are mixed, 0 or all.
        chain: neighbours in number are neighbours in space, for places.py.
    """

    n_sites: int
    per_cell: int
    n_terms: int
    max_occupation: int
    n_entries: int
    entry_bits: int
    term_bits: int
    occupation_bits: int
    site_bits: int
    hops: int
    ways: int
    cells: int
    minus: int
    vanishing: bool
    translation: bool
    hermitian: bool
    pairs: int
    span: int
    n_mixed: int
    chain: bool


def make_frame(
    sector: Sector, sites: SiteTable, expansion: BathExpansion, max_occupation: int
) -> tuple[Frame, NDArray[np.int32]]:
    """Frame and maps of a sector for a bath.

    Raises:
        ValueError: the sector has other sites, or translations that these do not have.
    """
    partners = expansion.partners
    n, n_terms = sites.n_sites, len(partners)
    if sector.n_sites != n:
        raise ValueError(
            f"the sector has n_sites = {sector.n_sites}, the model {n}; make them equal"
        )
    if sector.translation and not sites.shape:
        raise ValueError(
            "translation needs a ring with equal hoppings and equal site energies, or a lattice "
            "whose cells are alike; use a sector without it"
        )
    window = not sector.wraps
    to = sites.targets(window=window)
    moved = sites.moved(window=window) if sector.translation else np.arange(n, dtype=np.int32)[None]
    ways, signs = sector.operations
    term_bits, occupation_bits = int(n_terms - 1).bit_length(), int(max_occupation).bit_length()
    chain = len(sites.shape) < 2 and to.shape[1] == 2
    site_bits = max(1, int(n - 1).bit_length())
    maps = [ways, moved, to.T]
    if not chain:
        maps.append(sites.distances(np.arange(sites.per_cell if sector.translation else n)))
    frame = Frame(
        n,
        sites.per_cell,
        n_terms,
        max_occupation,
        min(n * n_terms, MOST_EXCITED),
        site_bits + term_bits + occupation_bits,
        term_bits,
        occupation_bits,
        site_bits,
        2 * to.shape[1],
        len(ways),
        len(moved),
        sum(1 << way for way, sign in enumerate(signs) if sign < 0),
        not sector.odd_part,
        sector.translation,
        sector.hermitian,
        sum(1 << k for k, partner in enumerate(partners) if partner == k + 1),
        max(max_occupation + 1, sites.per_cell),
        expansion.mixed_pairs.shape[0],
        chain,
    )
    return frame, np.ascontiguousarray(np.concatenate(maps), np.int32)


class Strengths(NamedTuple):
    """Size of the flow from a label into its neighbour, for the growth of the basis.

    Attributes:
        hop: |h| by site of cell 0 and direction.
        ket: |c_k| / sqrt(s_k) with s_k = max(|c_k|, |cbar_k|): excitation at the ket, shape (K+1,).
        bra: |cbar_k| / sqrt(s_k): excitation at the bra, shape (K+1,).
        population: |c_k - cbar_k| / sqrt(s_k): what populations feed, shape (K+1,).
        ket_decay: one excitation less at the ket, shape (K+1,).
        bra_decay: at the bra.
        population_decay: on a population; 0 without mixing.
        jump: one excitation less of both terms of a mixed pair, shape (pairs,).
        rates: Re nu_k, shape (K+1,).
    """

    hop: NDArray[np.float64]
    ket: NDArray[np.float64]
    bra: NDArray[np.float64]
    population: NDArray[np.float64]
    ket_decay: NDArray[np.float64]
    bra_decay: NDArray[np.float64]
    population_decay: NDArray[np.float64]
    jump: NDArray[np.float64]
    rates: NDArray[np.float64]


def slots(frame: Frame) -> tuple[int, int]:
    """Number of slots of a label: of those that enter its row, and of all."""
    entering = frame.hops + 4 * frame.n_terms + frame.n_sites * frame.n_mixed
    return entering, entering + frame.n_sites * frame.n_mixed


def coupling_table(
    frame: Frame, sector: Sector, model: Model, expansion: BathExpansion
) -> NDArray[np.complex128]:
    """Coefficient of every coupling code.

    A code is 4 (type span + argument) + 2 (negative) + conjugate; the argument is a site of cell 0
    for the hops, an occupation for the bath.

    Returns:
        Shape (codes,), 1/fs; the conjugate bit is for whoever applies it.

    Raises:
        ValueError: the sector is no symmetry of the model.
    """
    _require_symmetry(sector, model)
    span, hops, sites = frame.span, frame.hops, model.sites
    raised_ket, raised_bra = expansion.up
    ket, bra = expansion.down
    values = np.zeros((hops + _KINDS * frame.n_terms + 1, span), dtype=complex)
    phases = np.ones(sites.hop.shape, complex)
    if frame.translation:
        phases = sector.phases[sites.neighbours // sites.per_cell]
    values[: hops // 2, : sites.per_cell] = (-1j * sites.hop * phases).T
    values[hops // 2 : hops, : sites.per_cell] = 1j * sites.hop.conj().T
    occupation = np.arange(frame.max_occupation + 1, dtype=float)
    inside = slice(0, len(occupation))
    for k in range(frame.n_terms):
        first = hops + _KINDS * k
        values[first, inside] = -1j * np.sqrt(occupation + 1) * raised_ket[k]
        values[first + 1, inside] = -1j * np.sqrt(occupation) * ket[k]
        values[first + 2, inside] = 1j * np.sqrt(occupation + 1) * raised_bra[k]
        values[first + 3, inside] = 1j * np.sqrt(occupation) * bra[k]
        values[first + 4, inside] = -1j * np.sqrt(occupation) * (ket[k] - bra[k])
        values[first + 5, inside] = -1j * np.sqrt(occupation + 1) * (raised_ket[k] - raised_bra[k])
    raised = np.sqrt(np.arange(1.0, _JUMP_SPAN + 1))
    jumps = np.multiply.outer(expansion.jumps, np.multiply.outer(raised, raised))
    every = np.concatenate([values.reshape(-1), jumps.reshape(-1)])
    return np.ascontiguousarray(np.stack([every, every, -every, -every], axis=-1).reshape(-1))


def _require_symmetry(sector: Sector, model: Model) -> None:
    """Refuse a sector that the Hamiltonian does not have."""
    ways, _ = sector.operations
    h = model.sites.matrix(model.sites.hop) + diags_array(model.energies, format="csr")
    for way in ways[1:]:
        inside = np.flatnonzero(way >= 0)
        change = h[way[inside]][:, way[inside]] - h[inside][:, inside]
        if np.any(np.abs(change.data) > 1e-12 * np.max(np.abs(h.data), initial=0.0)):
            raise ValueError(
                f"parity = {sector.parity} with mirror = {sector.mirror}: this reflection changes "
                "the hoppings, the site energies or the flux; use parity = 0"
            )


def strengths(model: Model, expansion: BathExpansion) -> Strengths:
    """Sizes of the couplings of a model."""
    c, conjugates, size = expansion.coefficients, expansion.conjugates, expansion.scales
    root, nothing = np.sqrt(size), np.zeros(len(size))
    raised_ket, raised_bra = expansion.up
    population = np.divide(np.abs(c - conjugates), root, out=nothing.copy(), where=size > 0)
    # exactly sqrt|c_k| both where the rate is real
    ket, bra = (
        root * np.divide(np.abs(each), size, out=nothing.copy(), where=size > 0)
        for each in (c, conjugates)
    )
    hop, rates = np.abs(model.sites.hop), expansion.rates.real.copy()
    return Strengths(
        hop,
        ket,
        bra,
        population,
        np.abs(raised_ket),
        np.abs(raised_bra),
        np.abs(raised_ket - raised_bra),
        expansion.jumps,
        rates,
    )


@numba.njit(cache=True, inline="always")
def neighbour(frame, maps, n, a, b, slot, m):  # type: ignore[no-untyped-def]
    """Fill the list m with the excitations of the neighbour at a slot; returns (status, ket, bra).

    n is a list that read() filled. With translation the neighbour's ket is back on site 0, but no
    other symmetry is applied.
    """
    half, jumps = frame.hops // 2, frame.hops + 4 * frame.n_terms
    if slot >= jumps:
        return _jumped(frame, maps, n, a, b, slot - jumps, m)
    if slot >= frame.hops:
        return _excited(frame, maps, n, a, b, slot - frame.hops, m)
    along = frame.ways + frame.cells
    to = maps[along + slot, a] if slot < half else maps[along + slot - half, b]
    if to < 0:
        return IMPOSSIBLE if to == NO_SITE else CAPPED, a, b
    if slot >= half:
        copy_moved(frame, maps, n, 0, m)
        return EXISTS, a, np.int64(to)
    if not frame.translation:
        copy_moved(frame, maps, n, 0, m)
        return EXISTS, np.int64(to), b
    cell = to // frame.per_cell
    moved = frame.ways + cell
    bra = maps[moved, b]
    if not copy_moved(frame, maps, n, cell, m) or bra < 0:
        return CAPPED, a, b
    return EXISTS, np.int64(maps[moved, to]), np.int64(bra)


@numba.njit(cache=True, inline="always")
def _excited(frame, maps, n, a, b, slot, m):  # type: ignore[no-untyped-def]
    k, kind = slot // 4, slot % 4
    if kind >= 2 and a == b:
        return IMPOSSIBLE, a, b
    copy_moved(frame, maps, n, 0, m)
    at = find_mode(m, a if kind < 2 else b, k)
    m[at, 2] += 1 if kind % 2 == 0 else -1
    if m[at, 2] > frame.max_occupation:
        return CAPPED, a, b
    return EXISTS if m[at, 2] >= 0 else IMPOSSIBLE, a, b


@numba.njit(cache=True, inline="always")
def _jump(frame, slot):  # type: ignore[no-untyped-def]
    """(site, number of the mixed pair, its first term, 1 or -1) of a slot beyond the carrier's."""
    change = 1
    if slot >= frame.n_sites * frame.n_mixed:
        slot -= frame.n_sites * frame.n_mixed
        change = -1
    pair = slot % frame.n_mixed
    left, first = pair, 0
    while True:
        if (frame.pairs >> first) & 1:
            if left == 0:
                break
            left -= 1
        first += 1
    return slot // frame.n_mixed, pair, first, change


@numba.njit(cache=True, inline="always")
def _jumped(frame, maps, n, a, b, slot, m):  # type: ignore[no-untyped-def]
    site, _, first, change = _jump(frame, slot)
    copy_moved(frame, maps, n, 0, m)
    largest = min(frame.max_occupation, _JUMP_SPAN)
    for k in range(first, first + 2):
        at = find_mode(m, site, k)
        m[at, 2] += change
        if m[at, 2] < 0:
            return IMPOSSIBLE, a, b
        if m[at, 2] > largest:
            return CAPPED, a, b
    return EXISTS, a, b


@numba.njit(cache=True, inline="always")
def _in_cell(frame, site):  # type: ignore[no-untyped-def]
    """Place of a site in its cell, without a division where it is known."""
    if frame.per_cell == 1:
        return 0
    return site if site < frame.per_cell else site % frame.per_cell


@numba.njit(cache=True, inline="always")
def coupling_code(frame, n, a, b, slot):  # type: ignore[no-untyped-def]
    """Code of the coefficient with which the neighbour at a slot enters the row of (n, a, b)."""
    nothing, jumps = frame.hops + _KINDS * frame.n_terms, frame.hops + 4 * frame.n_terms
    if slot < frame.hops:
        kind, argument = slot, _in_cell(frame, a if slot < frame.hops // 2 else b)
    elif slot >= jumps:
        site, pair, first, change = _jump(frame, slot - jumps)
        kind, argument = nothing, 0
        if change > 0:
            number, other = occupation(n, site, first), occupation(n, site, first + 1)
            # one of more excitations is kept out
            argument = frame.span + (pair * _JUMP_SPAN + number % _JUMP_SPAN) * _JUMP_SPAN
            argument += other % _JUMP_SPAN
    else:
        k, side = (slot - frame.hops) // 4, (slot - frame.hops) % 4
        argument = occupation(n, a if side < 2 else b, k)
        if a != b:
            kind = frame.hops + _KINDS * k + side
        elif side == 1:
            kind = frame.hops + _KINDS * k + 4
        elif frame.n_mixed:
            kind = frame.hops + _KINDS * k + 5
        else:
            # the commutator with the site's projector vanishes on its population
            kind, argument = nothing, 0
    return 4 * (kind * frame.span + argument)


@numba.njit(cache=True, inline="always")
def flow(frame, strengths, key, a, b, slot):  # type: ignore[no-untyped-def]
    """|L_mj| from the label j = (n, a, b) into its neighbour m at a slot, and m's extra damping."""
    half = frame.hops // 2
    if slot < half:
        return strengths.hop[_in_cell(frame, a), slot], 0.0
    if slot < frame.hops:
        return strengths.hop[_in_cell(frame, b), slot - half], 0.0
    if slot >= frame.hops + 4 * frame.n_terms:
        site, pair, first, change = _jump(frame, slot - frame.hops - 4 * frame.n_terms)
        if change > 0:
            return 0.0, 0.0
        product = occupation_in_key(frame, key, site, first)
        product *= occupation_in_key(frame, key, site, first + 1)
        return strengths.jump[pair] * np.sqrt(float(product)), -2 * strengths.rates[first]
    k, side = (slot - frame.hops) // 4, (slot - frame.hops) % 4
    number = occupation_in_key(frame, key, a if side < 2 else b, k)
    if side % 2 == 0:
        if a == b:
            size = strengths.population[k]
        else:
            size = strengths.ket[k] if side == 0 else strengths.bra[k]
        return np.sqrt(number + 1.0) * size, strengths.rates[k]
    if a == b:
        size = strengths.population_decay[k] if side == 1 else 0.0
    else:
        size = strengths.ket_decay[k] if side == 1 else strengths.bra_decay[k]
    return np.sqrt(float(number)) * size, -strengths.rates[k]


@numba.njit(cache=True, inline="always")
def canonical(frame, maps, n, a, b, key, other):  # type: ignore[no-untyped-def]
    """Write the key of the representative of (n, a, b); returns its bits, VANISHES or OUTSIDE.

    Bit 1: the element (its odd part only, where the sector has one) is minus the representative;
    bit 0: it is the complex conjugate. `other` is scratch: a key. A label of which an image does
    not fit in the window is outside like that one: otherwise the two would disagree about who
    their neighbours are.
    """
    key[:] = _ABOVE_ALL
    bits = 0
    for conjugated in range(1 + frame.hermitian):
        for way in range(frame.ways):
            if not write_image(frame, maps, n, a, b, way, conjugated, other):
                return OUTSIDE
            minus = 2 * ((frame.minus >> way) & 1)
            order = compare(other, key)
            if order == 0 and not conjugated and minus != bits and frame.vanishing:
                return VANISHES
            if order < 0:
                copy_key(other, key)
                bits = conjugated + minus
    return bits


@numba.njit(cache=True, inline="always")
def write_image(frame, maps, n, a, b, way, conjugated, key):  # type: ignore[no-untyped-def]
    """Write the key of an image under an operation and, or, Hermitian conjugation of (n, a, b).

    Returns:
        False if it leaves the window, or more modes are excited than a key holds.
    """
    cell = 0
    if frame.translation:
        # the bra of the label is the ket of its conjugate
        ket = maps[way, b if conjugated else a]
        if ket < 0:
            return False
        cell = ket // frame.per_cell
    return write(frame, maps, n, a, b, way, cell, conjugated, key)
