"""Texts of studies for the tests of what is refused: a valid one, put together from its parts."""

from __future__ import annotations

Case = tuple[str, str, str, tuple[str, ...]]
"""Name, text, key that must be named, parts that must stand in the same line."""

HEAD = "study: test\n"
MODEL = "model: {n_sites: 3}\n"
BATH = "bath: {eta_cm: 100, gamma_cm: 50, terms: 0}\n"
DEPTH = "hierarchy: {depth: 3}\n"
RUN = "propagation: {duration_fs: 100}\n"


def study(
    head: str = HEAD,
    model: str = MODEL,
    bath: str = BATH,
    depth: str = DEPTH,
    run: str = RUN,
    more: str = "",
) -> str:
    return head + model + bath + depth + run + more
