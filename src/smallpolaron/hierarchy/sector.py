"""Symmetry sectors: which labels are independent unknowns.

On a homogeneous ring a state of total momentum q obeys
<a|rho_n|b> = exp(i q a) X(T^-a n, b - a), with (T^-a n)_j = n_(j+a): the ket sits at site 0 and
N times fewer unknowns remain. Without symmetry every label is its own.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Symmetry = Literal["auto", "translation", "none"]


@dataclass(frozen=True)
class Reflection:
    """An operation of the lattice: a permutation of its sites, and the sign it gives a state.

    Attributes:
        sites: where every site goes; negative where it leaves the window.
        sign: 1 or -1.
    """

    sites: tuple[int, ...]
    sign: int


@dataclass(frozen=True)
class Sector:
    """One symmetry sector of the labels.

    Attributes:
        n_sites: N.
        translation: True when labels are reduced to ket site 0.
        momentum: m, for total momentum q = 2 pi m / N; 0 when translation is False.
        parity: 1 for states that reflection leaves unchanged, -1 for those that change sign;
            0 when reflection is not used.
        mirror: reflection takes site j to mirror - j (modulo N); 0 with translation.
        hermitian: only states with Hermitian ADOs: one of <a|rho_n|b> and <b|rho_n|a> is kept.
        wraps: False for the infinite ring: the N sites are a window around the ket, and what
            leaves it on one side does not come back on the other.
        odd_part: labels of a state that carry another part as well; where there are reflections
            the state is even, and the other part changes sign where they reverse the current.
        per_cell: sites per cell of a lattice.
        reflections: further operations that leave the state alone or change its sign.

    Raises:
        ValueError: a combination that is no symmetry.
    """

    n_sites: int
    translation: bool
    momentum: int = 0
    parity: int = 0
    mirror: int = 0
    hermitian: bool = False
    wraps: bool = True
    odd_part: bool = False
    per_cell: int = 1
    reflections: tuple[Reflection, ...] = ()

    def __post_init__(self) -> None:
        """Refuse combinations that are no symmetry."""
        if not self.translation and self.momentum != 0:
            raise ValueError(f"momentum = {self.momentum} needs translation symmetry")
        if self.parity not in (-1, 0, 1):
            raise ValueError(f"parity = {self.parity}; allowed: -1, 0, 1")
        own_mirror_image = 2 * self.momentum % self.n_sites == 0
        if self.parity and not own_mirror_image:
            raise ValueError(
                f"parity = {self.parity} with momentum = {self.momentum}: reflection turns the "
                "momentum around; only 0 and N/2 have a parity"
            )
        if self.translation and self.mirror != 0:
            raise ValueError(f"mirror = {self.mirror}; 0 is meant with translation symmetry")
        if self.odd_part and self.parity == -1:
            raise ValueError("odd_part needs an even state: parity = 1, or 0 without reflection")
        if self.hermitian and self.momentum != 0:
            raise ValueError("hermitian needs momentum 0: other sectors are not Hermitian")
        if not self.wraps and not (self.translation and self.momentum == 0):
            raise ValueError("an infinite lattice needs translation symmetry and momentum 0")

    @property
    def copies(self) -> int:
        """Number of cells that one label stands for by translation; 1 on an infinite lattice."""
        return self.n_sites // self.per_cell if self.translation and self.wraps else 1

    @cached_property
    def operations(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Permutations of the sites, the identity first, shape (ways, N), and their signs."""
        sites = np.arange(self.n_sites)
        ways, signs = [sites], [1]
        if self.parity:
            ways.append((self.mirror - sites) % self.n_sites)
            signs.append(-1 if self.odd_part else self.parity)
        ways += [np.array(each.sites) for each in self.reflections]
        signs += [each.sign for each in self.reflections]
        return np.array(ways, np.int32), np.array(signs, np.int64)

    @property
    def phases(self) -> NDArray[np.complex128]:
        """exp(i q a) for a = 0 ... N-1."""
        q = 2 * np.pi * self.momentum / self.n_sites
        return np.asarray(np.exp(1j * q * np.arange(self.n_sites)))
