"""Which labels one label (n, a, b) couples to, slot by slot, and how strongly.

Slots 0 to 3 move the carrier: ket to the right and left, bra to the right and left. Then every
bath term k has four: one excitation more and one less at the ket site, the same at the bra site.
On a population (a = b) the two sites are one; its excitations go through the ket slots.
Every label is reduced to the representative of its orbit under the symmetries of the sector:
translation puts the ket on site 0, reflection and Hermitian conjugation leave the smallest key.
Hermitian conjugation takes <a|rho_n|b> to <b|rho_n'|a>, where n' has the excitations of terms with
conjugate rates exchanged; n' = n where all rates are real.

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

from smallpolaron.hierarchy.excitations import copy_moved, find_mode, image, occupation, write
from smallpolaron.hierarchy.labels import compare, copy_key
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.model.bath import BathExpansion
from smallpolaron.model.holstein import HolsteinModel

HOPS = 4
"""Slots that move the carrier."""

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

    Attributes:
        n_sites: N.
        n_terms: bath terms per site, K + 1.
        max_occupation: largest n_jk.
        ring: whether site N - 1 is a neighbour of site 0.
        translation: labels are reduced to ket site 0.
        wraps: False on the infinite ring: N odd sites are a window around the ket.
        parity: 1 or -1, the sign under reflection; 0 when it is no symmetry.
        signed: whether bits tell that a label was reflected.
        mirror: reflection takes site j to mirror - j.
        hermitian: <a|rho_n|b> = <b|rho_n'|a>* is used.
        pairs: bit k is set where terms k and k + 1 have conjugate rates; 0 where all are real.
        span: stride of the table of couplings.
        n_mixed: pairs that are mixed, 0 or all.
    """

    n_sites: int
    n_terms: int
    max_occupation: int
    ring: bool
    translation: bool
    wraps: bool
    parity: int
    signed: bool
    mirror: int
    hermitian: bool
    pairs: int
    span: int
    n_mixed: int


def make_frame(sector: Sector, ring: bool, expansion: BathExpansion, max_occupation: int) -> Frame:
    """Frame of a sector for a bath."""
    partners = expansion.partners
    return Frame(
        sector.n_sites,
        len(partners),
        max_occupation,
        ring,
        sector.translation,
        sector.wraps,
        sector.parity,
        sector.parity < 0 or sector.odd_part,
        sector.mirror,
        sector.hermitian,
        sum(1 << k for k, partner in enumerate(partners) if partner == k + 1),
        max(max_occupation + 1, sector.n_sites),
        expansion.mixed_pairs.shape[0],
    )


class Strengths(NamedTuple):
    """Size of the flow from a label into its neighbour, for the growth of the basis.

    Attributes:
        hop: |h|, shape (N, N).
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
    entering = HOPS + 4 * frame.n_terms + frame.n_sites * frame.n_mixed
    return entering, entering + frame.n_sites * frame.n_mixed


def coupling_table(
    frame: Frame, sector: Sector, model: HolsteinModel, expansion: BathExpansion
) -> NDArray[np.complex128]:
    """Coefficient of every coupling code.

    A code is 4 (type span + argument) + 2 (negative) + conjugate; the argument is a site for the
    hops, an occupation for the bath.

    Returns:
        Shape (codes,), 1/fs; the conjugate bit is for whoever applies it.

    Raises:
        ValueError: the sector is no symmetry of the model.
    """
    _require_symmetry(sector, model)
    n, span = frame.n_sites, frame.span
    h = model.hamiltonian
    raised_ket, raised_bra = expansion.up
    ket, bra = expansion.down
    values = np.zeros((HOPS + _KINDS * frame.n_terms + 1, span), dtype=complex)
    sites = np.arange(n)
    phases = sector.phases if frame.translation else np.ones(n)
    values[0, :n] = -1j * h[sites, (sites + 1) % n] * phases[1 % n]
    values[1, :n] = -1j * h[sites, sites - 1] * np.conj(phases[1 % n])
    values[2, :n] = 1j * h[(sites + 1) % n, sites]
    values[3, :n] = 1j * h[sites - 1, sites]
    occupation = np.arange(frame.max_occupation + 1, dtype=float)
    inside = slice(0, len(occupation))
    for k in range(frame.n_terms):
        first = HOPS + _KINDS * k
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


def _require_symmetry(sector: Sector, model: HolsteinModel) -> None:
    """Refuse a sector that the Hamiltonian does not have."""
    n, h = model.n_sites, model.hamiltonian
    if sector.n_sites != n:
        raise ValueError(
            f"the sector has n_sites = {sector.n_sites}, the model {n}; make them equal"
        )
    if sector.translation and not model.is_translation_invariant:
        raise ValueError(
            "translation needs a ring with equal hoppings and equal site energies; "
            "use a sector without it"
        )
    image = (sector.mirror - np.arange(n)) % n
    if sector.parity and not np.allclose(h[np.ix_(image, image)], h, rtol=1e-12, atol=0):
        raise ValueError(
            f"parity = {sector.parity} with mirror = {sector.mirror}: this reflection changes the "
            "hoppings, the site energies or the flux; use parity = 0"
        )


def strengths(model: HolsteinModel, expansion: BathExpansion) -> Strengths:
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
    hop, rates = np.abs(model.hopping_matrix), expansion.rates.real.copy()
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
def neighbour(frame, n, a, b, slot, m):  # type: ignore[no-untyped-def]
    """Fill the list m with the excitations of the neighbour at a slot; returns (status, ket, bra).

    n is a list that read() filled. With translation the neighbour's ket is back on site 0, but no
    other symmetry is applied.
    """
    n_sites = frame.n_sites
    if slot >= HOPS + 4 * frame.n_terms:
        return _jumped(frame, n, a, b, slot - HOPS - 4 * frame.n_terms, m)
    if slot >= HOPS:
        return _excited(frame, n, a, b, slot - HOPS, m)
    site = a if slot < 2 else b
    right = slot % 2 == 0
    to = site + 1 if right else site - 1
    if to < 0 or to >= n_sites:
        if not frame.ring:
            return IMPOSSIBLE, a, b
        to = to % n_sites
    half = (n_sites - 1) // 2
    if slot >= 2:
        if not frame.wraps and site == (half if right else half + 1):
            return CAPPED, a, b
        copy_moved(frame, n, 0, m)
        return EXISTS, a, to
    if not frame.translation:
        copy_moved(frame, n, 0, m)
        return EXISTS, to, b
    if not frame.wraps:
        edge = half + 1 if right else half
        if b == edge:
            return CAPPED, a, b
        for i in range(1, n[0, 0] + 1):
            if n[i, 0] == edge:
                return CAPPED, a, b
    copy_moved(frame, n, n_sites - to, m)
    return EXISTS, 0, (b - to) % n_sites


@numba.njit(cache=True, inline="always")
def _excited(frame, n, a, b, slot, m):  # type: ignore[no-untyped-def]
    k, kind = slot // 4, slot % 4
    if kind >= 2 and a == b:
        return IMPOSSIBLE, a, b
    copy_moved(frame, n, 0, m)
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
def _jumped(frame, n, a, b, slot, m):  # type: ignore[no-untyped-def]
    site, _, first, change = _jump(frame, slot)
    copy_moved(frame, n, 0, m)
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
def _mode(frame, a, b, slot):  # type: ignore[no-untyped-def]
    """The mode that a slot of the bath changes."""
    k, side = (slot - HOPS) // 4, (slot - HOPS) % 4
    return (a if side < 2 else b) * frame.n_terms + k


@numba.njit(cache=True, inline="always")
def coupling_code(frame, fields, key, a, b, slot):  # type: ignore[no-untyped-def]
    """Code of the coefficient with which the neighbour at a slot enters the row of (n, a, b)."""
    nothing = HOPS + _KINDS * frame.n_terms
    if slot < HOPS:
        kind, argument = slot, (a if slot < 2 else b)
    elif slot >= HOPS + 4 * frame.n_terms:
        site, pair, first, change = _jump(frame, slot - HOPS - 4 * frame.n_terms)
        kind, argument = nothing, 0
        if change > 0:
            mode = site * frame.n_terms + first
            number, other = occupation(fields, key, mode), occupation(fields, key, mode + 1)
            # one of more excitations is kept out
            argument = frame.span + (pair * _JUMP_SPAN + number % _JUMP_SPAN) * _JUMP_SPAN
            argument += other % _JUMP_SPAN
    else:
        k, side = (slot - HOPS) // 4, (slot - HOPS) % 4
        argument = occupation(fields, key, _mode(frame, a, b, slot))
        if a != b:
            kind = HOPS + _KINDS * k + side
        elif side == 1:
            kind = HOPS + _KINDS * k + 4
        elif frame.n_mixed:
            kind = HOPS + _KINDS * k + 5
        else:
            # the commutator with the site's projector vanishes on its population
            kind, argument = nothing, 0
    return 4 * (kind * frame.span + argument)


@numba.njit(cache=True, inline="always")
def flow(frame, fields, strengths, key, a, b, slot):  # type: ignore[no-untyped-def]
    """|L_mj| from the label j = (n, a, b) into its neighbour m at a slot, and m's extra damping."""
    n_sites = frame.n_sites
    if slot < HOPS:
        site = a if slot < 2 else b
        to = (site + 1) % n_sites if slot % 2 == 0 else (site - 1) % n_sites
        return strengths.hop[site, to], 0.0
    if slot >= HOPS + 4 * frame.n_terms:
        site, pair, first, change = _jump(frame, slot - HOPS - 4 * frame.n_terms)
        if change > 0:
            return 0.0, 0.0
        mode = site * frame.n_terms + first
        product = occupation(fields, key, mode) * occupation(fields, key, mode + 1)
        return strengths.jump[pair] * np.sqrt(float(product)), -2 * strengths.rates[first]
    k, side = (slot - HOPS) // 4, (slot - HOPS) % 4
    number = occupation(fields, key, _mode(frame, a, b, slot))
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
def canonical(frame, fields, n, a, b, key, other):  # type: ignore[no-untyped-def]
    """Write the key of the representative of (n, a, b); returns its bits, VANISHES or OUTSIDE.

    Bit 1: the element (its odd part only, where the sector has one) is minus the representative;
    bit 0: it is the complex conjugate. `other` is scratch: a key. A label whose conjugate does not
    fit in the window is outside like that one: otherwise the two would disagree about who their
    neighbours are.
    """
    key[:] = _ABOVE_ALL
    bits = 0
    for conjugated in range(1 + frame.hermitian):
        if conjugated and leaves_window(frame, n, b):
            return OUTSIDE
        for mirrored in range(1 + (frame.parity != 0)):
            write_image(frame, fields, n, a, b, mirrored, conjugated, other)
            order = compare(other, key)
            if order == 0 and mirrored and not conjugated and frame.parity < 0:
                return VANISHES
            if order < 0:
                copy_key(other, key)
                bits = conjugated + (2 if mirrored and frame.signed else 0)
    return bits


@numba.njit(cache=True, inline="always")
def write_image(frame, fields, n, a, b, mirrored, conjugated, key):  # type: ignore[no-untyped-def]
    """Write the key of a mirror image, Hermitian conjugate, both or neither of (n, a, b)."""
    # with translation the bra of the label is the ket, on site 0, of its conjugate
    shift = b if conjugated and frame.translation else 0
    step = -1 if mirrored else 1
    origin = image(frame.n_sites, frame.mirror if mirrored else 0, -step, shift)
    write(frame, fields, n, a, b, origin, step, conjugated, key)


@numba.njit(cache=True, inline="always")
def leaves_window(frame, n, b):  # type: ignore[no-untyped-def]
    """Whether the Hermitian conjugate of a label of the infinite ring does not fit."""
    if frame.wraps or b == 0:
        return False
    n_sites = frame.n_sites
    half = (n_sites - 1) // 2
    shift = b if b <= half else b - n_sites
    for i in range(1, n[0, 0] + 1):
        where = (n[i, 0] if n[i, 0] <= half else n[i, 0] - n_sites) - shift
        if n[i, 2] != 0 and abs(where) > half:
            return True
    return False
