"""Points that the figures of the anomalous transport paper are drawn from."""

from __future__ import annotations

from papers.shared.needs import Need, PaperStudy, sites
from smallpolaron.study.plan import Point
from smallpolaron.study.sections import POPULATION_PROTOCOLS


def _at_wall(point: Point) -> bool:
    return sites(20)(point) and point.parameters.start_site == 0


STUDY = PaperStudy(
    fingerprint="a51a9656",
    needs=(
        Need("chains_current", "a chain of 20 sites", fits=sites(20)),
        Need("long_current", "one chain, no more", only=True),
        *(
            Need("chains", f"a chain of {n} sites", start, fits=sites(n))
            for n in (20, 40)
            for start in POPULATION_PROTOCOLS
        ),
        *(
            Need("wall", "a chain of 20 sites that starts on site 0", start, fits=_at_wall)
            for start in POPULATION_PROTOCOLS
        ),
        Need("rings_current", "rings"),
        Need("weak_current", "a ring of 20 sites", fits=sites(20)),
        *(Need("rings", "rings", start) for start in POPULATION_PROTOCOLS),
        Need("infinite", "infinite rings"),
        *(Need("infinite", "infinite rings", start) for start in POPULATION_PROTOCOLS),
    ),
)
