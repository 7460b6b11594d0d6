"""Error estimates on random systems: lattices of 0 to 3 dimensions, all couplings, all baths.

    python -m benchmarks.random_systems 40 systems.jsonl

Every system is computed at an accuracy and at one five times tighter; their difference is to be
covered by the estimate of the first. A system has its own process, which may take 60 seconds of
processor time per run; what takes longer is listed as too large. Lines that the file has already
are not computed again.
"""

import json
import random
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

import smallpolaron as sp

SEED: Final = 20251
ACCURACY: Final = 1e-2
TIGHTER: Final = 5.0
MOST_SECONDS: Final = 60
"""Processor time of both runs together, s."""
MOST_ELEMENTS: Final = 200_000
_COUPLINGS: Final = ("local", "local", "bond", "ssh", "operator", "local and bond")
_BATHS: Final = ("debye", "brownian", "two", "ohmic")
_RUNS: Final = ("current", "populations", "displacement")
_LATTICES: Final[dict[str, tuple[str, ...]]] = {
    "cluster": ("populations",),
    "ring": ("current", "populations"),
    "open chain": ("current", "populations"),
    "infinite chain": ("current", "displacement"),
    "dimerised chain": ("current", "displacement"),
    "square": ("current",),
    "square torus": ("current", "populations"),
    "cubic torus": ("populations",),
}


def drawn(number: int) -> dict[str, Any]:
    """Return the words and numbers of one system; lattices take turns, the rest is random."""
    draw = random.Random(f"{SEED} {number}")
    lattice = list(_LATTICES)[number % len(_LATTICES)]
    coupling, bath = draw.choice(_COUPLINGS), draw.choice(_BATHS)
    if coupling != "local" and bath in ("debye", "two"):
        bath = "brownian"  # a Debye bath has no current where it moves the carrier
    return {
        "number": number,
        "lattice": lattice,
        "coupling": coupling,
        "bath": bath,
        "run": draw.choice(_LATTICES[lattice]),
        "sites": draw.randint(3, 5),
        "v": round(draw.uniform(20, 80), 1),
        "strength": round(draw.uniform(0.2, 2.0), 2),
        "rate": round(draw.uniform(60, 200), 1),
        "temperature": round(draw.uniform(200, 400)),
        "fs": round(draw.uniform(100, 300)),
        "seed": draw.randint(0, 999),
    }


def _lattice(given: dict[str, Any]) -> Any:
    n = given["sites"]
    if given["lattice"] == "cluster":
        rng = np.random.default_rng(given["seed"])
        matrix = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
        return sp.Lattice.cluster(np.triu(matrix, 1) + np.triu(matrix, 1).conj().T)
    chain = sp.Lattice([[5.0]], [[0.0]], [(0, 0, (1,))])
    return {
        "ring": lambda: chain.finite((n,), "periodic"),
        "open chain": lambda: chain.finite((n,), "open"),
        "infinite chain": lambda: chain,
        "dimerised chain": lambda: sp.Lattice.dimerised_chain(5.0, 0.6),
        "square": lambda: sp.Lattice.square(5.0),
        "square torus": lambda: sp.Lattice.square(5.0).finite((3, 3), "periodic"),
        "cubic torus": lambda: sp.Lattice.cubic(5.0).finite((3, 3, 3), "periodic"),
    }[given["lattice"]]()


def _baths(given: dict[str, Any], share: float) -> list[Any]:
    eta, rate = share * given["strength"] * given["v"], given["rate"]
    fast = {"gamma_cm": rate, "frequency_cm": 1.2 * rate}
    return {
        "debye": lambda: [sp.Debye(eta_cm=eta, gamma_cm=rate)],
        "brownian": lambda: [sp.Brownian(eta_cm=eta, **fast)],
        "two": lambda: [sp.Debye(eta_cm=eta / 2, gamma_cm=rate), sp.Brownian(eta / 2, **fast)],
        "ohmic": lambda: [sp.Ohmic(eta_cm=eta, cutoff_cm=rate)],
    }[given["bath"]]()


def model(given: dict[str, Any]) -> sp.Model:
    """Return the model of what was drawn."""
    made = _lattice(given)
    weak = _baths(given, 0.2)  # a bath on bonds changes all of the hopping
    couplings: dict[str, Any] = {
        "local": lambda: sp.Local(_baths(given, 1.0)),
        "bond": lambda: sp.Bond(weak),
        "ssh": lambda: sp.SSH(weak),
        "operator": lambda: sp.Coupling(weak, _operator(made)),
        "local and bond": lambda: [sp.Local(_baths(given, 0.5)), sp.Bond(_baths(given, 0.1))],
    }
    if given["lattice"] == "cluster" and given["coupling"] == "ssh":
        return model({**given, "coupling": "bond"})
    return sp.Model(
        lattice=made,
        hopping_cm=given["v"],
        temperature_K=given["temperature"],
        coupling=couplings[given["coupling"]](),
    )


def _operator(made: Any) -> list[tuple[Any, ...]]:
    """Neighbours that fluctuate against each other, and the bond between them."""
    bond = made.bonds[0]
    ends = [(0, 0, 1.0)]
    return [*ends, (bond.first, bond.second, 0.5, bond.cell)]


def measured(given: dict[str, Any], accuracy: float) -> tuple[Any, float, int]:
    """Return what a run gives, its own estimate of the error, and its elements."""
    options: dict[str, Any] = {
        "accuracy": accuracy,
        "sample_fs": 2.0,
        "progress": False,
        "max_elements": MOST_ELEMENTS,
    }
    made, fs = model(given), 2.0 * (given["fs"] // 2)
    if given["run"] == "current":
        run = sp.current_correlation(made, fs, **options)
        values, error = run.C_JJ / run.C_JJ[0].real, run["errors/C/total"]
    elif given["run"] == "populations":
        run = sp.populations(made, fs, **options)
        values, error = run.populations, run["errors/populations/total"]
    else:
        run = sp.displacement(made, fs / 3 // 2 * 2, **options)
        values, error = run.dmsd_dt, run["errors/dmsd_dt/total"]
        values = values / np.mean(values)
    return values, float(np.real(error)), int(run["convergence/n_unknowns"])


def compared(given: dict[str, Any]) -> dict[str, Any]:
    """Return the difference of both runs beside the estimate of the first."""
    first, error, elements = measured(given, ACCURACY)
    other, left, larger = measured(given, ACCURACY / TIGHTER)
    count = min(len(first), len(other))
    difference = float(np.max(np.abs(first[:count] - other[:count])))
    sizes = {"elements": elements, "elements_tight": larger}
    return {"difference": difference, "estimate": error, "estimate_tight": left, **sizes}


def main() -> None:
    """Compute all systems, or the one whose number is given with --one, and print the table."""
    if sys.argv[1] == "--one":
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
        print(json.dumps(compared(drawn(int(sys.argv[2])))))
        return
    count, path = int(sys.argv[1]), Path(sys.argv[2])
    lines = path.read_text().splitlines() if path.exists() else []
    known = {line["number"]: line for line in map(json.loads, lines)}
    for number in range(count):
        if number in known:
            continue
        command = [sys.executable, "-m", "benchmarks.random_systems", "--one", str(number)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = drawn(number)
        if done.returncode == 0:
            found |= json.loads(done.stdout.splitlines()[-1])
        else:
            found["failed"] = (done.stderr.strip().splitlines() or ["took too long"])[-1][:300]
        with path.open("a") as file:
            file.write(json.dumps(found) + "\n")
        known[number] = found
    print("\n".join(table(known.values())))


def table(rows: Any) -> list[str]:
    """Return the systems as lines of Markdown."""
    head = "| lattice | coupling | bath | run | difference | estimate | elements | covered |"
    lines = [head, "|---" * 8 + "|"]
    for row in rows:
        words = f"| {row['lattice']} | {row['coupling']} | {row['bath']} | {row['run']} "
        if "failed" in row:
            lines.append(f"{words}| {row['failed']} | | | |")
            continue
        covered = "yes" if row["difference"] <= row["estimate"] else "**no**"
        lines.append(
            f"{words}| {row['difference']:.1e} | {row['estimate']:.1e} | {row['elements']:,} / "
            f"{row['elements_tight']:,} | {covered} |"
        )
    return lines


if __name__ == "__main__":
    main()
