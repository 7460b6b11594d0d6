"""Points that the figures of the Mori GQME paper are drawn from."""

from __future__ import annotations

from papers.shared.needs import Need, PaperStudy, sites, with_bath

STUDY = PaperStudy(
    fingerprint="c2ded31d",
    needs=(
        Need("sizes", "a ring of 6 sites", fits=sites(6)),
        Need("sizes", "a ring of 20 sites", fits=sites(20)),
        Need("sizes", "rings", "marcus"),
        Need("sizes", "rings", "franck_condon"),
        Need("map", "the point bath.eta_over_v = 2, bath.gamma_over_v = 1", fits=with_bath(2, 1)),
        Need("held_out", "one point, no more", only=True),
    ),
)
