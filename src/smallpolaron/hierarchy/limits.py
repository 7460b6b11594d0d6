"""Bounds of a basis: what it may hold, all that a fixed hierarchy holds, and how many that is."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

MAX_DEPTH = 255
"""Largest occupation of a bath mode that a packed label holds (8 bits)."""

LARGEST_COUNT = 10**13
"""ADOs beyond which nobody needs the exact number."""

MOST_SUMS = 2_000_000
"""Sums of weights that are added up at most to count ADOs, which takes seconds. A hierarchy of 5e7
elements on three sites or more needs fewer, whatever its weights."""

# Budgets are sums of user-given weights: compared with this slack, so that 0.1 + 0.2 <= 0.3.
BUDGET_SLACK = 1e-9


@dataclass(frozen=True)
class Truncation:
    """Static rule: keep the ADO n when sum_jk w_k n_jk <= depth and few enough sites are excited.

    Attributes:
        depth: L, from 1 to 255.
        weights: w_k > 0, one per bath term (the Debye pole first), relative to which depth
            counts; None weighs all terms 1. Weights near nu_k / gamma suit fast terms, whose
            occupations stay small.
        max_excited_sites: most sites with any n_jk > 0 (the n-particle cut); None for no cut.

    Raises:
        ValueError: a value outside these limits.

    Source: depth and frequency-weighted truncation, Shi et al. 2009; n-particle cut, Song, Bai
    and Shi 2015.
    """

    depth: int
    weights: tuple[float, ...] | None = None
    max_excited_sites: int | None = None

    def __post_init__(self) -> None:
        """Refuse values outside the limits."""
        if not 1 <= self.depth <= MAX_DEPTH:
            raise ValueError(f"depth = {self.depth}; allowed: 1 to {MAX_DEPTH}")
        if self.weights is not None and not all(0 < w < np.inf for w in self.weights):
            raise ValueError(f"weights = {self.weights}; every weight must be positive and finite")
        if self.weights is not None and self.depth / min(self.weights) > MAX_DEPTH:
            raise ValueError(
                f"weights = {self.weights} with depth {self.depth} allow an occupation above "
                f"{MAX_DEPTH}; raise the smallest weight or lower the depth"
            )
        if self.max_excited_sites is not None and self.max_excited_sites < 1:
            raise ValueError(f"max_excited_sites = {self.max_excited_sites}; allowed: 1 or more")

    def term_weights(self, n_terms: int) -> NDArray[np.float64]:
        """w_k, shape (n_terms,); ValueError when their number differs."""
        if self.weights is None:
            return np.ones(n_terms)
        if len(self.weights) != n_terms:
            raise ValueError(
                f"{len(self.weights)} weights for {n_terms} bath terms; give one weight per term"
            )
        return np.array(self.weights)

    def rule(self, n_sites: int, n_terms: int) -> NDArray[np.float64]:
        """Largest weighted sum, most excited sites, and w_k, for the compiled functions."""
        bounds = [self.depth + BUDGET_SLACK, self.site_limit(n_sites)]
        return np.array([*bounds, *self.term_weights(n_terms)], dtype=float)

    def keeps(self, excited: tuple[int, ...]) -> bool:
        """Whether one site may have these excitations of its first terms."""
        weights = self.weights or (1.0,) * len(excited)
        used = sum(n * w for n, w in zip(excited, weights, strict=False))
        return used <= self.depth + BUDGET_SLACK

    def frontier(self, occupations: NDArray[np.uint8], n_terms: int) -> NDArray[np.bool_]:
        """Whether ADOs, of occupations (rows, modes), have no next tier of the first term."""
        weights = self.term_weights(n_terms)
        used = occupations @ np.tile(weights, occupations.shape[1] // n_terms)
        return np.asarray(used + weights[0] > self.depth + BUDGET_SLACK)

    def site_limit(self, n_sites: int) -> int:
        """Most sites that may be excited at once."""
        if self.max_excited_sites is None:
            return n_sites
        return min(self.max_excited_sites, n_sites)


class LimitReached(RuntimeError):
    """The basis would outgrow the limit it was given."""


class EdgeReached(LimitReached):
    """More amplitude than allowed is kept out by the window or by the largest occupation."""


@dataclass(frozen=True)
class Limits:
    """Bounds of the basis; reaching one is never silent.

    Attributes:
        max_unknowns: most labels on all ranks.
        max_occupation: largest n_jk, 1 to 255.
        truncation: of a fixed hierarchy: hold what it keeps, from the beginning to the end, and
            nothing else; None for a basis that follows the state.

    Raises:
        ValueError: a value outside these limits.
    """

    max_unknowns: int = 50_000_000
    max_occupation: int = 255
    truncation: Truncation | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be held."""
        if self.max_unknowns < 1:
            raise ValueError(f"max_unknowns = {self.max_unknowns}; allowed: 1 and more")
        if not 1 <= self.max_occupation <= 255:
            raise ValueError(f"max_occupation = {self.max_occupation}; allowed: 1 to 255")


NO_LIMITS = Limits()
"""The default bounds, which no machine that runs this in reasonable time will meet."""


class AdoCounter:
    """Counts and unranks the ADOs of a truncation in lexicographic order, without a list of them.

    The modes are ordered site by site, term by term; the counts come from a recursion over
    sites that remembers the depth and the number of excitations left.
    """

    def __init__(self, n_sites: int, n_terms: int, truncation: Truncation) -> None:
        """Prepare for n_sites sites with n_terms bath terms each."""
        self.n_sites = n_sites
        self.n_terms = n_terms
        self.weights = truncation.term_weights(n_terms)
        self.depth = float(truncation.depth)
        self.site_limit = truncation.site_limit(n_sites)
        self._site_states = self._enumerate_site()
        self._count = self._make_count()

    @property
    def total(self) -> int:
        """Number of ADOs kept."""
        return self.of_first(self.n_sites)

    def of_first(self, sites: int) -> int:
        """Return the number of ADOs in which no other than so many sites are excited."""
        return self._count(sites, self.depth, self.site_limit)

    def _enumerate_site(self) -> list[tuple[tuple[int, ...], float]]:
        states: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
        for weight in self.weights:
            states = [
                ((*occupations, n), used + n * weight)
                for occupations, used in states
                for n in range(int((self.depth - used + BUDGET_SLACK) / weight) + 1)
            ]
        return states

    def _make_count(self) -> Callable[[int, float, int], int]:
        multiplicity = Counter(round(w, 9) for _, w in self._site_states if w > 0)
        weights = sorted(multiplicity)
        one_site = list(accumulate((multiplicity[w] for w in weights), initial=1))
        sums = 0

        def count(sites: int, budget: float, limit: int) -> int:
            if sites == 0 or limit == 0:
                return 1
            fitting = bisect_right(weights, budget + BUDGET_SLACK)
            if sites == 1:
                return one_site[fitting]
            return several(sites, round(budget, 9), limit, fitting)

        @cache
        def several(sites: int, budget: float, limit: int, fitting: int) -> int:
            nonlocal sums
            sums += fitting
            if sums > MOST_SUMS:
                raise ValueError(
                    "the weights of the hierarchy have too many different sums to count its "
                    "elements; give weights that are multiples of one number"
                )
            return count(sites - 1, budget, min(limit, sites - 1)) + sum(
                multiplicity[weight] * count(sites - 1, budget - weight, min(limit - 1, sites - 1))
                for weight in weights[:fitting]
            )

        return lambda sites, budget, limit: count(sites, budget, min(limit, sites))


@cache
def count_unknowns(
    n_sites: int, n_terms: int, truncation: Truncation, kets: int | None = None
) -> int:
    """Number of unknowns of a fixed basis, exactly and without enumerating it.

    Args:
        n_sites: N.
        n_terms: bath terms per site, K + 1.
        truncation: the static rule.
        kets: sites of a cell, for one momentum sector (as many times N elements per ADO); None for
            all N^2.

    Returns:
        The number of elements <a|rho_n|b>.

    Raises:
        ValueError: more than LARGEST_COUNT ADOs, or weights with too many different sums.
    """
    counter = AdoCounter(n_sites, n_terms, truncation)
    for sites in range(1, n_sites):  # a few sites tell soon what all would take long to tell
        if counter.of_first(sites) > LARGEST_COUNT:
            raise ValueError(f"more than {LARGEST_COUNT:g} auxiliary density operators")
    return counter.total * n_sites * (n_sites if kets is None else kets)
