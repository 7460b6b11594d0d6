"""Labels with hundreds of modes, few of them excited, against plain Python over all modes."""

import numpy as np
import pytest

from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.neighbours import OUTSIDE, VANISHES
from smallpolaron.hierarchy.places import PLACE_MODES, places
from smallpolaron.hierarchy.sector import Sector
from tests.hierarchy.orbits import bath, ring
from tests.hierarchy.ragged_bases import ALONE

WINDOWS = pytest.mark.parametrize(
    ("n", "terms", "sector"),
    [
        (81, 2, Sector(81, True, parity=-1, hermitian=True, wraps=False)),
        (61, "oscillator", Sector(61, True, parity=1, hermitian=True, wraps=False)),
        (40, "oscillator", Sector(40, True, parity=-1, hermitian=True)),
        (33, 4, Sector(33, False, parity=-1, mirror=32, hermitian=True)),
    ],
)


def labels(basis, count=300):
    """Tables n[site, term] with up to six excited modes, kets and bras."""
    rng, n = np.random.default_rng(7), basis.model.n_sites
    for _ in range(count):
        table = np.zeros((n, basis.expansion.n_terms), np.uint8)
        excited = rng.integers(7)
        # half of them near the ket, the others anywhere
        sites = rng.integers(-3, 4, excited) if rng.integers(2) else rng.integers(n, size=excited)
        terms = rng.integers(basis.expansion.n_terms, size=excited)
        table[sites % n, terms] = rng.choice([1, 1, 2, 31, 40, 255], excited)
        if rng.integers(4) == 0:  # its own mirror image
            table += np.where(table == 0, table[(basis.sector.mirror - np.arange(n)) % n], 0)
        ket = 0 if basis.sector.translation else rng.choice([n // 2, rng.integers(n)])
        yield table, int(ket), int(rng.choice([0, 0, 1, 2, n - 1, n // 2, n // 2 + 1]))


def representative(basis, table, a, b):
    """(occupations, ket, bra) of the representative and its bits, or why there is none."""
    sector, n = basis.sector, basis.model.n_sites
    sites = np.arange(n)
    images = []
    for conjugated in (0, 1):
        turned, ket, bra = table, a, b
        if conjugated:
            turned, ket, bra = table[:, basis.expansion.functions.partners], b, a
            if sector.translation:
                shift = (b + n // 2) % n - n // 2
                moved = (sites + n // 2) % n - n // 2 - shift
                if not sector.wraps and np.any(table[np.abs(moved) > n // 2]):
                    return None, OUTSIDE
                turned, ket, bra = np.roll(turned, -b, axis=0), 0, -b % n
        images.append(((*turned.ravel().tolist(), ket, bra), conjugated))
        mirror, minus = (sector.mirror - sites) % n, 2 if sector.parity < 0 else 0
        mirrored = (*turned[mirror].ravel().tolist(), int(mirror[ket]), int(mirror[bra]))
        if not conjugated and minus and mirrored == images[0][0]:
            return None, VANISHES
        images.append((mirrored, conjugated + minus))
    return min(images, key=lambda image: image[0])


@WINDOWS
def test_representatives_are_the_first_of_all_images(n, terms, sector):
    basis = Basis(ring(n), bath(terms), sector, ALONE)
    seen = set()
    for table, a, b in labels(basis):
        keys, bits = basis.canonical_keys(table.reshape(1, -1), np.array([a]), np.array([b]))
        first, expected = representative(basis, table, a, b)
        assert bits[0] == expected
        seen.add(expected)
        if first is not None:
            occupations, kets, bras = basis.layout.unpack(keys)
            assert (*occupations[0].tolist(), kets[0], bras[0]) == first
    assert {0, 1} < seen
    assert sector.wraps or OUTSIDE in seen
    assert sector.parity > 0 or {2, 3, VANISHES} < seen


@WINDOWS
def test_places_are_those_of_the_largest_reading(n, terms, sector):
    basis = Basis(ring(n), bath(terms), sector, ALONE)
    for table, a, b in labels(basis, 60):
        key = basis.layout.pack(table.reshape(1, -1), np.array([a]), np.array([b]))
        found = np.empty(1, np.uint64)
        places(basis.frame, basis.maps, key, found)
        expected = 0
        for ado in (table, table[:, basis.expansion.functions.partners]):
            readings = (np.roll(way, s, axis=0) for way in (ado, ado[::-1]) for s in range(n))
            largest = max(r.ravel().tolist() for r in readings)
            position, mix = 0, 0
            for number in largest[:PLACE_MODES]:
                position = 32 * position + min(number, 31)
            for number in largest[PLACE_MODES:]:
                mix = (mix ^ number) * 0x9E3779B97F4A7C15 % 2**64
            expected = max(expected, 16 * position + (mix >> 60))
        assert found[0] == expected
