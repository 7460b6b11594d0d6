"""Where the neighbours of an element are, as tables; couplings.py has what couples it to them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smallpolaron.hierarchy.frame import MOST_EXCITED, Frame
from smallpolaron.hierarchy.limits import Limits
from smallpolaron.hierarchy.sector import Sector
from smallpolaron.hierarchy.terminators import Terminators
from smallpolaron.model.baths.expansion import BathSet
from smallpolaron.model.mode_table import ModeTable
from smallpolaron.model.site_table import NO_SITE, SiteTable

ComplexArray = NDArray[np.complex128]
IntArray = NDArray[np.int64]

_DIGITS = 9
"""Digits to which elements of V agree that make one channel."""


@dataclass(frozen=True)
class Channels:
    """Different pairs of an element of V and a term of its bath.

    Attributes:
        number: by site of cell 0, element and term of its bath (-1: it has fewer), shape
            (per_cell, elements, most terms of a bath).
        place: site and element of the first of its kind, shape (channels, 2).
        term, value: of each channel.
    """

    number: IntArray
    place: IntArray
    term: IntArray
    value: ComplexArray


def find_channels(modes: ModeTable, baths: BathSet) -> Channels:
    """The channels of the modes of a cell."""
    first, counts = baths.first, np.diff([*baths.first, baths.n_terms])
    number = np.full((*modes.mode.shape, int(max(counts))), -1)
    known: dict[tuple[complex, ...], int] = {}
    found: list[tuple[int, int, int]] = []
    for site, element in np.argwhere(modes.mode != NO_SITE):
        bath = int(modes.bath_of_element[site, element])
        shape = (modes.value[site, element], *modes.path[site, element])
        scale = 10 ** np.floor(np.log10(max(map(abs, shape))))
        digits = tuple(complex(np.round(each / scale, _DIGITS)) for each in (*shape, scale))
        for k in range(counts[bath]):
            channel = known.setdefault((*digits, first[bath] + k), len(known))
            number[site, element, k] = channel
            if channel == len(found):
                found.append((int(site), int(element), int(first[bath] + k)))
    place, term = np.split(np.array(found, dtype=int).reshape(-1, 3), [2], axis=1)
    return Channels(number, place, term[:, 0], modes.value[place[:, 0], place[:, 1]])


def framed(
    sector: Sector,
    sites: SiteTable,
    modes: ModeTable,
    baths: BathSet,
    whites: Terminators,
    channels: Channels,
    limits: Limits,
) -> tuple[Frame, NDArray[np.int32]]:
    """Sizes for the compiled functions, and where sites and modes are taken; see Frame."""
    functions = baths.functions
    n, window = sites.n_sites, not sector.wraps
    ways, signs = sector.operations
    to = sites.targets(window=window)
    moves = sector.translation
    places, cells, no_shift = np.empty(0, np.int32), np.empty(0, np.int32), 0
    if moves:
        places, cells, no_shift = sites.shifts(window=window)
    local, n_terms, n_modes = modes.local, baths.n_terms, modes.n_modes
    rule, max_occupation = np.empty(0), limits.max_occupation
    n_entries = min(n_modes * n_terms, MOST_EXCITED)
    if limits.truncation is not None:
        rule = limits.truncation.rule(n_modes, n_terms)
        max_occupation = int(rule[0] / np.min(rule[2:]))
        n_entries = min(n_entries, max_occupation)
    term_bits, occupation_bits = int(n_terms - 1).bit_length(), int(max_occupation).bit_length()
    site_bits, mode_bits = (max(1, int(count - 1).bit_length()) for count in (n, n_modes))
    chain = local and len(sites.shape) < 2 and to.shape[1] == 2
    rows: list[NDArray[np.int32]] = [ways, to.T]
    at = {}

    def append(name: str, *more: NDArray[np.int32]) -> None:
        at[name] = sum(map(len, rows))
        rows.extend(more)

    append("shifts_at", places[None], cells[None])
    if not local:
        append("modes_at", modes.images(ways))
        append("lists_at", _lists(sites, modes, channels, window))
        append("whites_at", whites.rows(window))
    jumps = _jumps(modes, baths)
    append("jumps_at", jumps)
    append("near")
    if not chain:
        rows.append(_distances(modes, sites.per_cell if moves else n, moves))
    frame = Frame(
        n_sites=n,
        per_cell=sites.per_cell,
        n_modes=n_modes,
        modes_per_cell=modes.per_cell,
        n_terms=n_terms,
        max_occupation=max_occupation,
        n_entries=n_entries,
        entry_bits=mode_bits + term_bits + occupation_bits,
        term_bits=term_bits,
        occupation_bits=occupation_bits,
        site_bits=site_bits,
        hops=2 * to.shape[1],
        still=2 * to.shape[1] + whites.width * whites.ways,
        lists=n_terms if local else len(_lists(sites, modes, channels, window)) // 4,
        channels=len(channels.term),
        ways=len(ways),
        minus=sum(1 << way for way, sign in enumerate(signs) if sign < 0),
        vanishing=not sector.odd_part,
        translation=sector.translation,
        hermitian=sector.hermitian,
        pairs=sum(1 << k for k, partner in enumerate(functions.partners) if partner == k + 1),
        span=max(max_occupation + 1, sites.per_cell),
        n_mixed=functions.mixed_pairs.shape[0],
        jump_kinds=len(functions.jumps),
        jumps=jumps.shape[1] * sites.n_cells,
        chain=chain,
        local=local,
        assisted=modes.moves_carrier,
        whites=whites.width,
        white_ways=whites.ways,
        white_kinds=len(whites.pairs()),
        shifts_at=at["shifts_at"],
        no_shift=no_shift,
        modes_at=at.get("modes_at", 0),
        near=at["near"],
        lists_at=at.get("lists_at", 0),
        whites_at=at.get("whites_at", 0),
        jumps_at=at["jumps_at"],
        rule=rule,
    )
    width = max(each.shape[1] for each in rows)
    maps, first = np.full((sum(map(len, rows)), width), NO_SITE, np.int32), 0
    for each in rows:
        maps[first : first + len(each), : each.shape[1]] = each
        first += len(each)
    return frame, maps


def _lists(
    sites: SiteTable, modes: ModeTable, channels: Channels, window: bool
) -> NDArray[np.int32]:
    """Site, mode, term and channel of every element and term, four rows each."""
    targets, reached = modes.reached(window=window)
    number = np.tile(channels.number, (sites.n_cells, 1, 1))
    rows = []
    for element, k in np.ndindex(*number.shape[1:]):
        channel = number[:, element, k]
        if np.all(channel < 0):
            continue
        known = channel >= 0
        site = np.where(known, targets[:, element], NO_SITE)
        rows += [site, reached[:, element], channels.term[channel], channel]
    return np.array(rows, np.int32).reshape(-1, sites.n_sites)


def _jumps(modes: ModeTable, baths: BathSet) -> NDArray[np.int32]:
    """Mode, first term, number and changes of every jump of a cell, shape (5, jumps)."""
    every = baths.functions.jumps
    of_bath = np.searchsorted(baths.first, [each.first for each in every], side="right") - 1
    found = [
        (mode, each.first, number, *each.changes)
        for mode, bath in enumerate(modes.baths)
        for number, each in enumerate(every)
        if of_bath[number] == bath
    ]
    return np.asarray(np.array(found, np.int32).reshape(-1, 5).T)


def _distances(modes: ModeTable, starts: int, translation: bool) -> NDArray[np.int32]:
    """Hops between modes: from those of cell 0 with translation, else from all."""
    sites = modes.sites
    if modes.local:
        return sites.distances(np.arange(starts))
    _, owners = modes.reached(window=False)
    away = sites.distances(np.arange(sites.n_sites))
    count = modes.per_cell if translation else modes.n_modes
    member = [np.flatnonzero(np.any(owners == mode, axis=1)) for mode in range(modes.n_modes)]
    found = [[np.sum(away[np.ix_(member[i], each)]) for each in member] for i in range(count)]
    return np.asarray(np.array(found).astype(np.int32))
