"""What a study must compute so that the figures of a paper can be drawn from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from smallpolaron.studies.config import POPULATION_PROTOCOLS, Paper, Protocol
from smallpolaron.studies.parameters import lookup
from smallpolaron.studies.physical_system import physics
from smallpolaron.studies.plan import HASH_DIGITS, Plan, Point


@dataclass(frozen=True)
class Need:
    """Points that the figures of a paper are drawn from.

    Attributes:
        block: name of the grid block.
        what: the points in words.
        protocol: what they must compute.
        fits: whether a point of that block is one of them.
        only: whether there must be one such point, no more.
    """

    block: str
    what: str
    protocol: Protocol = "current"
    fits: Callable[[Point], bool] = lambda point: True
    only: bool = False

    def met(self, points: Sequence[Point]) -> bool:
        """Whether the study has these points."""
        found = [
            point
            for point in points
            if point.group == self.block and self.protocol in point.protocols and self.fits(point)
        ]
        return len(found) == 1 if self.only else bool(found)


def _sites(n_sites: int) -> Callable[[Point], bool]:
    return lambda point: bool(point.parameters["model"]["n_sites"] == n_sites)


def _at_wall(point: Point) -> bool:
    return _sites(20)(point) and bool(point.parameters["start_site"] == 0)


def _bath(eta_over_v: float, gamma_over_v: float) -> Callable[[Point], bool]:
    wanted = {"eta_over_v": eta_over_v, "gamma_over_v": gamma_over_v}
    return lambda point: all(
        abs((point.derived[key] or 0.0) - value) < 1e-9 for key, value in wanted.items()
    )


OWN: Final[dict[Paper, str]] = {"mori2024": "c2ded31d", "anomalous2024": "a51a9656"}
"""Fingerprints of config/<paper>.yaml."""

NEEDS: dict[Paper, tuple[Need, ...]] = {
    "mori2024": (
        Need("sizes", "a ring of 6 sites", fits=_sites(6)),
        Need("sizes", "a ring of 20 sites", fits=_sites(20)),
        Need("sizes", "rings", "marcus"),
        Need("sizes", "rings", "franck_condon"),
        Need("map", "the point bath.eta_over_v = 2, bath.gamma_over_v = 1", fits=_bath(2, 1)),
        Need("held_out", "one point, no more", only=True),
    ),
    "anomalous2024": (
        Need("chains_current", "a chain of 20 sites", fits=_sites(20)),
        Need("long_current", "one chain, no more", only=True),
        *(
            Need("chains", f"a chain of {n} sites", start, fits=_sites(n))
            for n in (20, 40)
            for start in POPULATION_PROTOCOLS
        ),
        *(
            Need("wall", "a chain of 20 sites that starts on site 0", start, fits=_at_wall)
            for start in POPULATION_PROTOCOLS
        ),
        Need("rings_current", "rings"),
        Need("weak_current", "a ring of 20 sites", fits=_sites(20)),
        *(Need("rings", "rings", start) for start in POPULATION_PROTOCOLS),
        Need("infinite", "infinite rings"),
        *(Need("infinite", "infinite rings", start) for start in POPULATION_PROTOCOLS),
    ),
}


def is_own(plan: Plan) -> bool:
    """Return whether a study is that of its paper, unchanged but for its name and limits."""
    return plan.paper is not None and fingerprint(plan) == OWN[plan.paper]


def fingerprint(plan: Plan) -> str:
    """Return a word for all that decides the figures of a study, whatever computes its points."""
    points = [
        [
            point.group,
            sorted(point.protocols),
            physics(point.parameters),
            *(
                lookup(point.parameters, key)
                for key in ("model.n_sites", "model.topology", "start_site", "accuracy")
            ),
            lookup(point.parameters, "propagation.duration_fs"),
        ]
        for point in (*plan.points, *plan.rungs)
    ]
    texts = sorted(json.dumps(point, sort_keys=True, default=list) for point in points)
    content = json.dumps([texts, plan.analysis.model_dump()], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:HASH_DIGITS]


def missing(paper: Paper, points: Sequence[Point]) -> Iterator[str]:
    """Yield, in words, what a study lacks for the figures of a paper."""
    for need in NEEDS[paper]:
        if not need.met(points):
            yield f"block '{need.block}' with protocol {need.protocol}: {need.what}"
