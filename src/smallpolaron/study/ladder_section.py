"""The section of a study about finite-size ladders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator

from smallpolaron.analysis.finite_size import EXTRAPOLATION_SIZES
from smallpolaron.study.sections import Section, SiteCount, as_tuple, described
from smallpolaron.support.problems import Problem

DEFAULT_TOLERANCE_PERCENT = 1.0
"""Tolerance of a ladder when the user gives none."""

SiteCounts = Annotated[tuple[SiteCount, ...], BeforeValidator(as_tuple)]


class LadderConfig(Section):
    """Finite-size ladder: sizes computed one after another where model.n_sites is converged."""

    sizes: SiteCounts = described(
        "Numbers of sites to climb, until D has converged.",
        (4, 5, 6, 8, 10, 12, 16, 20, 24, 30),
        allowed=f"a list of {EXTRAPOLATION_SIZES} or more increasing whole numbers from 2 to 255",
    )
    tolerance_percent: float | None = described(
        "Converged: D changes by at most this at two steps in a row. "
        f"null: {DEFAULT_TOLERANCE_PERCENT:g}, unless tolerance_paper_units is given.",
        None,
        unit="%",
        gt=0,
        lt=100,
    )
    tolerance_paper_units: float | None = described(
        "The same in units of 2 D / bohr^2, instead of tolerance_percent.",
        None,
        unit="fs^-1",
        gt=0,
        le=100,
    )
    check_infinite: bool = described(
        "Compute the infinite ring, too, and compare: for rings without hierarchy.depth and with "
        "symmetry.",
        True,
    )

    @property
    def percent(self) -> float:
        """The relative tolerance with the default filled in, in percent."""
        return self.tolerance_percent or DEFAULT_TOLERANCE_PERCENT

    def faults(self) -> Iterator[Problem]:
        """Yield sizes that do not make a ladder, and a second tolerance."""
        sizes = self.sizes
        if len(sizes) < EXTRAPOLATION_SIZES or sorted(set(sizes)) != list(sizes):
            allowed = f"must be {EXTRAPOLATION_SIZES} or more increasing numbers of sites"
            yield self.fault("sizes", allowed, "an extrapolation needs so many")
        if self.tolerance_percent is not None and self.tolerance_paper_units is not None:
            allowed = "cannot be given together with tolerance_percent"
            yield self.fault("tolerance_paper_units", allowed, "remove one of the two")
