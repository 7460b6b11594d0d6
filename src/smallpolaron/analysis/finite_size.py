"""Mobility against the number of sites, and the first size that has converged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis._checks import real_series
from smallpolaron.analysis.memory.cutoff import (
    BAND_PAPER_UNITS,
    BAND_PERCENT,
    Criterion,
    describe,
    half_width,
)
from smallpolaron.model.units import mobility_cm2, paper_units

MINIMUM_SIZES: Final = 2
"""Usable sizes needed without a given reference: the reference itself and a smaller one."""

EXTRAPOLATION_SIZES: Final = 4
"""Usable sizes needed for an extrapolation: one more than its exponential form has parameters, so
that the form can be refuted."""


@dataclass(frozen=True)
class SizeRow:
    """One system size.

    Attributes:
        n_sites: number of sites.
        D_A2_fs: diffusion constant, angstrom^2/fs.
        D_paper: the same in paper units, 2 D/bohr^2.
        mobility_cm2: mobility in cm^2/(V s).
        difference_percent: deviation of D from the reference in percent; NaN without one.
        difference_paper: deviation from the reference in paper units; NaN without one.
        flagged: whether a quality gate of this size failed.
    """

    n_sites: int
    D_A2_fs: float
    D_paper: float
    mobility_cm2: float
    difference_percent: float
    difference_paper: float
    flagged: bool


@dataclass(frozen=True)
class SizeConvergence:
    """First converged size by one criterion.

    Attributes:
        criterion: the rule in words.
        n_sites: first size that is inside the band, as are all larger sizes; None if not known.
        reason: why there is none; empty if there is one.
    """

    criterion: str
    n_sites: int | None
    reason: str


@dataclass(frozen=True)
class FiniteSizeTable:
    """Sizes in increasing order with both verdicts.

    Attributes:
        rows: one row per size.
        reference_D_A2_fs: value the differences refer to, angstrom^2/fs; NaN if there is none.
        reference: where that value comes from, in words.
        band: verdict for the absolute band.
        percent: verdict for the relative band.
    """

    rows: tuple[SizeRow, ...]
    reference_D_A2_fs: float
    reference: str
    band: SizeConvergence
    percent: SizeConvergence


def finite_size_table(
    n_sites: Sequence[int],
    D_A2_fs: ArrayLike,
    flagged: Sequence[bool],
    temperature_K: float,
    reference_D_A2_fs: float | None = None,
    *,
    band_paper_units: float = BAND_PAPER_UNITS,
    band_percent: float = BAND_PERCENT,
) -> FiniteSizeTable:
    """Table of D and mobility against system size, with the first converged size.

    Args:
        n_sites: numbers of sites, each once, in any order, (sizes,).
        D_A2_fs: diffusion constants in angstrom^2/fs, (sizes,).
        flagged: whether a quality gate failed, (sizes,). Flagged sizes are shown; they are never
            the reference and never count as converged, but neither do they break a run of
            converged sizes.
        temperature_K: temperature in K, above zero.
        reference_D_A2_fs: converged value; None for the largest size that is not flagged.
        band_paper_units: half-width of the absolute band in paper units.
        band_percent: half-width of the relative band in percent.

    Raises:
        ValueError: if lengths differ, a size is repeated or below 2, or a D is not finite.

    Source:
        Bhattacharyya, Sayer, Montoya-Castillo, Chem. Sci. 2024, Fig. 1: the size at which a
        method enters the band and stays there.
    """
    D = real_series("D_A2_fs", D_A2_fs)
    sizes = _checked_sizes(n_sites, flagged, D.size)
    order = np.argsort(sizes)
    good = [int(i) for i in order if not flagged[i]]
    given = reference_D_A2_fs is not None
    reference, origin = _reference(sizes, D.tolist(), good, reference_D_A2_fs)
    rows = tuple(
        SizeRow(
            n_sites=sizes[i],
            D_A2_fs=float(D[i]),
            D_paper=paper_units(float(D[i])),
            mobility_cm2=mobility_cm2(float(D[i]), temperature_K),
            difference_percent=100.0 * (float(D[i]) / reference - 1.0) if reference else np.nan,
            difference_paper=paper_units(float(D[i]) - reference),
            flagged=bool(flagged[i]),
        )
        for i in order
    )

    def verdict(criterion: Criterion, width: float) -> SizeConvergence:
        return _first_converged(rows, reference, given, criterion, width)

    return FiniteSizeTable(
        rows, reference, origin, verdict("band", band_paper_units), verdict("percent", band_percent)
    )


def _checked_sizes(n_sites: Sequence[int], flagged: Sequence[bool], length: int) -> list[int]:
    if not len(n_sites) == len(flagged) == length or length == 0:
        raise ValueError(
            f"n_sites, D_A2_fs, flagged have {len(n_sites)}, {length}, {len(flagged)} entries: "
            "give one of each per size, at least one"
        )
    sizes = [int(n) for n in n_sites]
    for given, n in zip(n_sites, sizes, strict=True):
        if n != given or n < 2:
            raise ValueError(f"n_sites contains {given}: must be whole numbers of 2 or more")
        if sizes.count(n) > 1:
            raise ValueError(f"n_sites contains {n} twice: keep one result per size")
    return sizes


def _reference(
    sizes: list[int], D: list[float], good: list[int], given: float | None
) -> tuple[float, str]:
    if given is not None:
        if not np.isfinite(given):
            raise ValueError(f"reference_D_A2_fs = {given}: must be finite")
        return float(given), "given value"
    if not good:
        return float("nan"), "none: every size is flagged"
    return D[good[-1]], f"largest size that passes its quality gates, N = {sizes[good[-1]]}"


def _first_converged(
    rows: tuple[SizeRow, ...], reference: float, given: bool, criterion: Criterion, width: float
) -> SizeConvergence:
    text = describe(criterion, width)
    good = [row for row in rows if not row.flagged]
    if len(good) < (1 if given else MINIMUM_SIZES):
        return SizeConvergence(
            text, None, f"only {len(good)} size(s) pass their quality gates; compute more sizes"
        )
    tolerance = half_width(criterion, reference, width)
    first: int | None = None
    for row in good:
        inside = abs(row.D_A2_fs - reference) <= tolerance
        first = (first if first is not None else row.n_sites) if inside else None
    if first is None:
        return SizeConvergence(text, None, "the largest usable size is outside the band")
    if first == good[-1].n_sites and not given:
        return SizeConvergence(
            text,
            None,
            f"only the largest size, N = {first}, is inside, which is the reference itself; "
            "compute larger sizes",
        )
    return SizeConvergence(text, first, "")
