"""Section: products that the equilibrium takes by solve and by propagation."""

from typing import Final

from benchmarks.harness import Data, Harness
from benchmarks.markdown import bound, paragraph, section, table

TITLE: Final = "The equilibrium by solve and by propagation"

_BATHS: Final = ((323.0, 41.0), (30.0, 25.0))


def measure(harness: Harness) -> Data:
    """Count products at two baths."""
    cases = [
        {
            "eta_cm": eta,
            "gamma_cm": gamma,
            **harness.run(
                "equilibrium:compare",
                n_sites=4 if harness.quick else 6,
                eta_cm=eta,
                gamma_cm=gamma,
                accuracy=1e-3,
                longest_fs=20_000.0,
            ).result,
        }
        for eta, gamma in _BATHS
    ]
    return {
        "cases": cases,
        "bounds": [
            bound(
                f"({c['eta_cm']:g}, {c['gamma_cm']:g}): products of the solve over propagation",
                c["solve"]["products"] / c["propagation"]["products"],
                "<=",
                0.2,
            )
            for c in cases
        ],
    }


def render(data: Data) -> str:
    """The section's text."""
    rows = []
    for c in data["cases"]:
        name = f"({c['eta_cm']:g}, {c['gamma_cm']:g})"
        for what, key in (
            ("solve, finding the labels too", "solve"),
            ("solve on those labels", "solve_known"),
            ("propagation on those labels", "propagation"),
        ):
            way = c[key]
            rows.append(
                (
                    name,
                    c["labels"],
                    what,
                    way["products"],
                    way["residual"],
                    c["propagation"]["products"] / way["products"],
                    f"{c['propagation']['time_fs']:.0f} fs" if key == "propagation" else "",
                )
            )
    return section(
        paragraph(
            "Ring of 6 sites, one exponential per bath, accuracy 1e-3. Products with L until",
            "|L ρ|/|ρ| is what the solve ends with. The propagation (adaptive Taylor) starts from",
            "the thermal free carrier on the labels that the solve found; the first solve has to",
            "find them, and its products on the smaller bases before count in full.",
        ),
        table(
            (
                "η, γ (cm⁻¹)",
                "labels",
                "way",
                "products",
                "residual (1/fs)",
                "fewer than propagation by",
                "length",
            ),
            rows,
        ),
    )
