"""What the compiled functions must know of model, baths and sector."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

MOST_EXCITED = 24
"""Most modes that may be excited at a time; labels with more are kept out, which is reported."""

KINDS = 6
"""Couplings per channel: up and down at ket and bra, down and up on a population."""

JUMP_SPAN = 48
"""Occupations, from 0 on, that two terms can change at once; see Jump."""


class Frame(NamedTuple):
    """What the compiled functions must know of model and sector.

    With it goes `maps`, an array of rows that tell where every site or mode is taken, or NO_SITE or
    BEYOND: sites by each operation and along each direction; from `shifts_at` on two rows for the
    places of cells and, by differences of places plus `no_shift`, the numbers of cells; modes by
    each operation from row `modes_at` on; how many hops away all modes are, from `near` on, where
    neighbours in number are none in space; from `lists_at` on four rows for every element of V and
    term that a site has: site, mode, term, channel; from `whites_at` on three for every element of
    a mode with a terminator: site, mode, kind; and from `jumps_at` on mode, first term, number and
    changes of every jump of a cell.

    Attributes:
        n_sites: N.
        per_cell: sites per cell.
        n_modes: number of modes; N where all couplings are local.
        modes_per_cell: modes per cell.
        n_terms: bath terms, of all baths.
        max_occupation: largest n_k.
        n_entries: most modes that may be excited at a time.
        entry_bits, term_bits, occupation_bits, site_bits: of an entry of a key and its parts.
        hops: slots that move the carrier.
        still: slots that leave the excitations alone: hops, and what a terminator adds.
        lists: elements of V, times terms, that a site has.
        channels: different ones of them.
        ways: operations, the identity first.
        minus: bit w is set where operation w changes the sign of a state.
        vanishing: whether what is minus itself is zero.
        translation: labels are reduced to kets in cell 0.
        hermitian: <a|rho_n|b> = <b|rho_n'|a>* is used.
        pairs: bit k is set where terms k and k + 1 have conjugate rates; 0 where all are real.
        span: stride of the table of couplings.
        n_mixed: number of mixed pairs of all baths.
        jump_kinds: number of kinds of jumps, of all baths.
        jumps: jumps of all modes.
        chain: neighbours in number are neighbours in space, for places.py.
        local: every site has one mode and V = |a><a|; there are no lists then.
        assisted: some mode moves the carrier: the current has a part with the bath.
        whites: elements of V with a terminator that a site has.
        white_ways: most of them that belong to one mode.
        white_kinds: different ones of them.
        shifts_at, modes_at, near, lists_at, whites_at, jumps_at: rows of `maps`.
        no_shift: what no difference of places is.
        rule: of a fixed hierarchy the largest weighted sum of excitations, the most sites (modes)
            that may be excited, and the weight of every term; else empty.
    """

    n_sites: int
    per_cell: int
    n_modes: int
    modes_per_cell: int
    n_terms: int
    max_occupation: int
    n_entries: int
    entry_bits: int
    term_bits: int
    occupation_bits: int
    site_bits: int
    hops: int
    still: int
    lists: int
    channels: int
    ways: int
    minus: int
    vanishing: bool
    translation: bool
    hermitian: bool
    pairs: int
    span: int
    n_mixed: int
    jump_kinds: int
    jumps: int
    chain: bool
    local: bool
    assisted: bool
    whites: int
    white_ways: int
    white_kinds: int
    shifts_at: int
    no_shift: int
    modes_at: int
    near: int
    lists_at: int
    whites_at: int
    jumps_at: int
    rule: FloatArray


class Strengths(NamedTuple):
    """Size of the flow from a label into its neighbour, for the growth of the basis.

    Attributes:
        hop: by site of cell 0 and direction.
        ket: |c_k V| / sqrt(s_k) with s_k = max(|c_k|, |cbar_k|): excitation at the ket; as what
            follows by channel.
        bra: |cbar_k V| / sqrt(s_k): excitation at the bra.
        population: |(c_k - cbar_k) V| / sqrt(s_k): what populations feed.
        ket_decay: one excitation less at the ket.
        bra_decay: at the bra.
        population_decay: on a population; 0 without mixing.
        rates: Re nu_k.
        jump: of every jump, shape (jump kinds,).
        jump_damping: by how much it reduces the damping.
        white: by two kinds of elements.
    """

    hop: FloatArray
    ket: FloatArray
    bra: FloatArray
    population: FloatArray
    ket_decay: FloatArray
    bra_decay: FloatArray
    population_decay: FloatArray
    rates: FloatArray
    jump: FloatArray
    jump_damping: FloatArray
    white: FloatArray


def slots(frame: Frame) -> tuple[int, int]:
    """Number of slots of a label: of those that enter its row, and of all."""
    entering = frame.still + 4 * frame.lists + frame.jumps
    return entering, entering + frame.jumps
