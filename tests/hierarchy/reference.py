"""A plain hierarchy: dense matrices, every ADO and every element, written from the equations."""

from itertools import product

import numpy as np

from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM


def asymmetric_model(n_sites, temperature_K):
    """A chain of two sites, or a ring with a flux, with different site energies."""
    return HolsteinModel(
        n_sites,
        "chain" if n_sites == 2 else "ring",
        60 * CM,
        lattice_constant_A=5.0,
        temperature_K=temperature_K,
        site_energies=40 * CM * np.arange(n_sites) ** 2,
        flux=0.0 if n_sites == 2 else 0.3,
    )


def ado_list(n_sites, n_terms, depth, weights=None, max_excited_sites=None):
    weights = [1.0] * n_terms if weights is None else weights
    tops = [int(depth / w + 1e-9) for w in weights]
    kept = []
    for n in product(*[range(t + 1) for _ in range(n_sites) for t in tops]):
        if sum(x * weights[m % n_terms] for m, x in enumerate(n) if x) > depth + 1e-9:
            continue
        excited = len({m // n_terms for m, x in enumerate(n) if x})
        if max_excited_sites is None or excited <= max_excited_sites:
            kept.append(n)
    return kept


def partner_of(expansion, k):
    """The term with the conjugate rate."""
    (partner,) = np.flatnonzero(np.isclose(expansion.rates, np.conj(expansion.rates[k]), rtol=1e-9))
    return int(partner)


def conjugate_coefficient(expansion, k):
    """Coefficient of exp(-nu_k t) in C(t)*: that of the conjugate rate, conjugated."""
    return np.conj(expansion.coefficients[partner_of(expansion, k)])


def mixing_of(expansion, k):
    """How far a term is mixed with its partner."""
    for t, pair in zip(
        expansion.functions.mixing, expansion.functions.mixed_pairs.tolist(), strict=True
    ):
        if k in pair:
            return t
    return 0.0


def raised(expansion, k):
    """What multiplies the element of one excitation more from the left and from the right."""
    root, partner = np.sqrt(expansion.functions.scales[k]), partner_of(expansion, k)
    share = mixing_of(expansion, k) / root
    return (
        root - share * expansion.coefficients[partner],
        root - share * conjugate_coefficient(expansion, partner),
    )


def dense_generator(model, expansion, ados, mixed=False):
    """L on vectors ordered (ado, a, b), from commutators of full N x N matrices.

    mixed: for the elements of adaptive bases, where terms of vibrations are mixed.
    """
    n_sites, n_terms = model.n_sites, expansion.n_terms
    h, identity = model.hamiltonian, np.eye(n_sites)
    index = {n: i for i, n in enumerate(ados)}
    block = n_sites**2
    left = lambda o: np.kron(o, identity)  # noqa: E731
    right = lambda o: np.kron(identity, o.T)  # noqa: E731
    q = [np.diag(row) for row in identity]
    big = np.zeros((len(ados) * block, len(ados) * block), dtype=complex)
    for i, n in enumerate(ados):
        rows = slice(i * block, (i + 1) * block)
        own = -1j * (left(h) - right(h))
        for j in range(n_sites):
            commutator = left(q[j]) - right(q[j])
            own = own - expansion.terminator * commutator @ commutator
            for k in range(n_terms):
                m = j * n_terms + k
                c, nu = expansion.coefficients[k], expansion.rates[k]
                bar = conjugate_coefficient(expansion, k)
                scale = expansion.functions.scales[k]
                own = own - n[m] * nu * np.eye(block)
                up = tuple(x + (y == m) for y, x in enumerate(n))
                down = tuple(x - (y == m) for y, x in enumerate(n))
                if up in index:
                    cols = slice(index[up] * block, (index[up] + 1) * block)
                    ket, bra = raised(expansion, k) if mixed else (np.sqrt(scale),) * 2
                    action = ket * left(q[j]) - bra * right(q[j])
                    big[rows, cols] += -1j * np.sqrt(n[m] + 1) * action
                partner = partner_of(expansion, k)
                both = tuple(x + (y in (m, m + 1)) for y, x in enumerate(n))
                if mixed and partner == k + 1 and both in index:
                    cols = slice(index[both] * block, (index[both] + 1) * block)
                    loss = mixing_of(expansion, k) * (nu + expansion.rates[partner])
                    size = np.sqrt((n[m] + 1) * (n[m + 1] + 1))
                    big[rows, cols] += loss * size * np.eye(block)
                if down in index:
                    cols = slice(index[down] * block, (index[down] + 1) * block)
                    action = c * left(q[j]) - bar * right(q[j])
                    big[rows, cols] += -1j * np.sqrt(n[m] / scale) * action
        big[rows, rows] += own
    return big
