"""Section: one product with the generator against the memory bandwidth and against AIJ."""

from typing import Final

from benchmarks.harness import Data, Harness
from benchmarks.machine import last_level_cache
from benchmarks.markdown import paragraph, section, table

TITLE: Final = "The product against the memory bandwidth"

_ETA_CM, _GAMMA_CM = 323.0, 41.0


def measure(harness: Harness) -> Data:
    """Time the product on bases of about 1e5 and 1e6 labels."""
    sizes = ((4, 10), (6, 10)) if harness.quick else ((6, 14), (6, 22))
    # the three arrays of the triad together: at least 16 caches
    stream_bytes = max(16 * last_level_cache(), 3 << 27)
    harness.run(
        "product:compare",
        n_sites=3,
        depth=4,
        eta_cm=_ETA_CM,
        gamma_cm=_GAMMA_CM,
        stream_bytes=1 << 20,
    )
    cases = [
        harness.run(
            "product:compare",
            n_sites=n_sites,
            depth=depth,
            eta_cm=_ETA_CM,
            gamma_cm=_GAMMA_CM,
            stream_bytes=stream_bytes,
        ).result
        for n_sites, depth in sizes
    ]
    return {
        "cases": cases,
        "stream_mb": stream_bytes / 1e6,
        "cache_mb": last_level_cache() / 1e6,
        "bounds": [],
    }


def render(data: Data) -> str:
    """The section's text."""
    rows = []
    for c in data["cases"]:
        for name, seconds, moved in (
            ("compact", c["compact_s"], c["compact_bytes"]),
            ("PETSc AIJ", c["aij_s"], c["aij_bytes"]),
        ):
            rate = moved / seconds
            rows.append(
                (
                    c["labels"],
                    name,
                    moved / c["entries"],
                    1e3 * seconds,
                    c["entries"] / seconds / 1e6,
                    rate / 1e9,
                    rate / c["triad_bytes_per_s"],
                    rate / c["triad_same_size_bytes_per_s"],
                )
            )
    triads = table(
        (
            "labels",
            "entries",
            "data of the compact product (MB)",
            "long triad (GB/s)",
            "triad of the product's size (GB/s)",
            "AIJ time / compact time",
            "relative difference",
        ),
        [
            (
                c["labels"],
                c["entries"],
                c["compact_bytes"] / 1e6,
                c["triad_bytes_per_s"] / 1e9,
                c["triad_same_size_bytes_per_s"] / 1e9,
                c["aij_s"] / c["compact_s"],
                c["difference"],
            )
            for c in data["cases"]
        ],
    )
    products = table(
        (
            "labels",
            "format",
            "bytes/entry",
            "time (ms)",
            "10⁶ entries/s",
            "GB/s",
            "of the long triad",
            "of the triad of its size",
        ),
        rows,
    )
    return section(
        paragraph(
            "One core, one product y = L x on the labels of a fixed basis in the sector of the",
            "current (momentum 0, odd), one exponential per bath. Bytes are the least that must",
            "move, by STREAM's count (no write-allocation; every gathered entry of x comes from",
            "the cache); the compact product includes its copy of x next to the halo. The long",
            f"triad uses {data['stream_mb']:.0f} MB; the last-level cache has",
            f"{data['cache_mb']:.0f} MB. A product whose data fit into the cache can exceed",
            "it, hence the second triad, whose arrays together have the size of the product's",
            "data.",
        ),
        triads,
        products,
    )
