"""Section: the product on 1, 2 and 4 ranks, and the predicted curve to 1024."""

from operator import itemgetter
from typing import Final

from benchmarks.harness import Data, Harness
from benchmarks.machine import last_level_cache
from benchmarks.markdown import bound, number, paragraph, section, table

TITLE: Final = "Ranks"

_GROWTHS = 3
"""Runs of each number of ranks, of which the fastest counts."""

_BATH: Final = {"eta_cm": 323.0, "gamma_cm": 41.0}
_CURVE: Final = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
_LATENCY_S = 2e-6
_BYTES_PER_S = 10e9


def measure(harness: Harness) -> Data:
    """Multiply on 1, 2 and 4 ranks; count partitions up to 1024."""
    basis: Data = {"n_sites": 6, "depth": 12 if harness.quick else 32, **_BATH}
    for ranks in (1, 2):
        harness.run("ranks:products", ranks=ranks, n_sites=3, depth=4, **_BATH)
    runs = {ranks: harness.run("ranks:products", ranks=ranks, **basis) for ranks in (1, 2, 4)}
    growing = {"n_sites": 10, "growth": 1e-6 if harness.quick else 1e-8, "duration_fs": 80.0}
    grown: dict[int, Data] = {}
    for _ in range(_GROWTHS):
        for ranks in (1, 2):
            found = harness.run("ranks:growing", ranks=ranks, **_BATH, **growing).result
            grown[ranks] = min(grown.get(ranks, found), found, key=itemgetter("seconds"))
    triads = {
        ranks: harness.run(
            "stream:on_all_ranks", ranks=ranks, total_bytes=16 * last_level_cache()
        ).result["bytes_per_s"]
        for ranks in (1, 2)
    }
    single = runs[1].result
    entries = sum(r["entries"] for r in single["ranks"])
    predicted = harness.run(
        "ranks:partitions",
        **basis,
        counts=_CURVE,
        entries_per_s=entries / single["median_s"],
        latency_s=_LATENCY_S,
        bytes_per_s=_BYTES_PER_S,
    ).result
    two = runs[2].result
    speed = single["median_s"] / two["median_s"]
    return {
        "runs": {str(ranks): run.result for ranks, run in runs.items()},
        "grown": {str(ranks): result for ranks, result in grown.items()},
        "triads": {str(ranks): rate for ranks, rate in triads.items()},
        "predicted": predicted,
        "bounds": [
            bound("labels of the basis", single["labels"], ">=", 1e6),
            bound("speed of 2 ranks over 1", speed, ">=", 1.7),
            bound("memory per rank, 2 ranks over 1: basis", _share(two, single), "<=", 0.6),
            bound("the same, whole process", _peak(two) / _peak(single), "<=", 0.6),
            bound("labels of the grown basis", grown[1]["labels"], ">=", 9.9e5),
            bound("growing: 2 ranks over 1", grown[1]["seconds"] / grown[2]["seconds"], ">=", 1.8),
            bound("growing: memory per rank", _share(grown[2], grown[1]), "<=", 0.6),
            bound("relative difference of results, 2 ranks", difference(single, two), "<=", 1e-12),
        ],
    }


def difference(left: Data, right: Data) -> float:
    """Largest relative difference of the check sums of two runs."""
    norm = abs(left["norm"] - right["norm"]) / left["norm"]
    a, b = complex(*left["dot"]), complex(*right["dot"])
    return max(float(norm), abs(a - b) / abs(a))


def _share(run: Data, whole: Data) -> float:
    """Peak beyond imports and compiled code, the largest rank over that of a single one."""
    mine, all_of_it = (max(r["peak_mb"] - r["ready_mb"] for r in x["ranks"]) for x in (run, whole))
    return float(mine / all_of_it)


def _peak(run: Data) -> float:
    return max(float(r["peak_mb"]) for r in run["ranks"])


def render(data: Data) -> str:
    """The section's text."""
    single = data["runs"]["1"]
    rows = []
    for name, run in data["runs"].items():
        most = {key: max(r[key] for r in run["ranks"]) for key in run["ranks"][0]}
        rows.append(
            (
                f"{name} (2 cores: oversubscribed)" if int(name) > 2 else name,
                1e3 * run["median_s"],
                single["median_s"] / run["median_s"],
                most["labels"] * len(run["ranks"]) / run["labels"],
                sum(r["ghosts"] for r in run["ranks"]),
                most["peak_mb"],
                most["peak_mb"] - most["imports_mb"],
                max(r["peak_mb"] - r["ready_mb"] for r in run["ranks"]),
                difference(single, run),
            )
        )
    measured = table(
        (
            "ranks",
            "product (ms)",
            "speed",
            "balance",
            "halo entries, all ranks",
            "peak MB per rank",
            "above imports",
            "basis (above imports and compiled code)",
            "relative difference",
        ),
        rows,
    )
    predicted = data["predicted"]
    first = predicted["partitions"][0]["product_s"]
    curve = table(
        (
            "ranks",
            "balance",
            "halo / labels, worst rank",
            "halo, all ranks (MB)",
            "messages per rank, mean",
            "most",
            "predicted product (ms)",
            "speed",
            "efficiency",
        ),
        [
            (
                p["ranks"],
                p["balance"],
                p["halo_share"],
                p["halo_bytes"] / 1e6,
                p["messages_mean"],
                p["messages_largest"],
                1e3 * p["product_s"],
                first / p["product_s"],
                first / p["product_s"] / p["ranks"],
            )
            for p in predicted["partitions"]
        ],
    )
    growing = table(
        ("ranks", "labels", "time (s)", "peak MB per rank", "basis (MB per rank)"),
        [
            (
                name,
                run["labels"],
                run["seconds"],
                _peak(run),
                max(r["peak_mb"] - r["ready_mb"] for r in run["ranks"]),
            )
            for name, run in data["grown"].items()
        ],
    )
    network = predicted["network"]
    two, model_two = data["runs"]["2"], predicted["partitions"][1]
    ghosts = sum(r["ghosts"] for r in two["ranks"])
    return section(
        paragraph(
            f"{number(single['labels'])} labels of a ring of 6 sites (one exponential per bath,",
            "sector of the current), one product with its norm, median of 20. Peak memory includes",
            "building the basis. Two triads at once reach",
            f"{number(data['triads']['2'] / data['triads']['1'])} times the rate of one: what two",
            "cores of this machine can gain when memory is the limit.",
        ),
        measured,
        "**A basis that grows**",
        paragraph(
            "The carrier starts on one site of a ring of 10, and the basis follows it for 80 fs:",
            f"the fastest of {_GROWTHS} runs each.",
        ),
        growing,
        "**Predicted curve**",
        paragraph(
            "The labels of that basis are divided for every number of ranks by the rule of the",
            "adaptive basis (quantiles of `elements.place`); entries, halo and messages are",
            "counted exactly. A product takes T = max over ranks of [entries / rate + messages ×",
            "latency + halo bytes / bandwidth] + 2 log₂(ranks) × latency for its norm. Assumed:",
            f"{number(network['entries_per_s'] / 1e6)}·10⁶ entries/s per rank (measured here on 1",
            "rank: memory bandwidth per rank as here, no gain from the cache as shares shrink),",
            f"{number(1e6 * network['latency_s'])} µs per message,",
            f"{number(network['bytes_per_s'] / 1e9)} GB/s per rank, messages of a rank one after",
            "another, no overlap with computation, no contention.",
        ),
        curve,
        paragraph(
            f"Checks at 2 ranks: predicted {number(1e3 * model_two['product_s'])} ms, measured",
            f"{number(1e3 * two['median_s'])} ms; halo predicted",
            f"{number(model_two['halo_bytes'] // 16)} entries, in the run {number(ghosts)}.",
        ),
    )
