"""Section: products that the equilibrium takes by solve and by propagation."""

from typing import Final

from benchmarks.harness import Data, Harness
from benchmarks.markdown import bound, paragraph, section, table

TITLE: Final = "The equilibrium by solve and by propagation"

_BATHS: Final = ((323.0, 41.0), (30.0, 25.0))
_SYSTEMS: Final = (("ring", 6), ("chain", 5))


def measure(harness: Harness) -> Data:
    """Count products at two baths."""
    cases = [
        {
            "eta_cm": eta,
            "gamma_cm": gamma,
            "system": f"{system} of {size}",
            **harness.run(
                "equilibrium:compare",
                n_sites=4 if harness.quick else size,
                is_open=system == "chain",
                eta_cm=eta,
                gamma_cm=gamma,
                accuracy=1e-3,
                longest_fs=20_000.0,
            ).result,
        }
        for system, size in _SYSTEMS
        for eta, gamma in _BATHS
    ]
    return {
        "cases": cases,
        "bounds": [
            bound(
                f"{_name(c)}: products of the solve over propagation",
                c["solve"]["products"] / c["propagation"]["products"],
                "<=",
                0.2,
            )
            for c in cases
        ],
    }


def _name(case: Data) -> str:
    return f"{case['system']}, ({case['eta_cm']:g}, {case['gamma_cm']:g})"


def render(data: Data) -> str:
    """The section's text."""
    rows = []
    for c in data["cases"]:
        name = _name(c)
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
            "Ring and open chain, one exponential per bath, accuracy 1e-3. Products with L until",
            "|L ρ|/|ρ| is what the solve ends with. The propagation (adaptive Taylor) starts from",
            "the thermal free carrier on the labels that the solve found; the first solve has to",
            "find them, and its products on the smaller bases before count in full.",
        ),
        table(
            (
                "sites; η, γ (cm⁻¹)",
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
