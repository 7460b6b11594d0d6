"""What can be reached for slow bond modes (Peierls coupling): a map over v, its width, w0, damping.

    python -m benchmarks.bond_modes modes.jsonl [SECONDS]

A chain of 7.2 A at 300 K, one Brownian mode on every bond; its eta gives the hopping the thermal
width dV. Every point has its own process with SECONDS (60) of processor time at accuracy 1e-2.
A run that ends has its mobility beside that of TD-DMRG with undamped modes (Li, Ren, Shuai, Nat.
Commun. 12, 4260 (2021), Fig. 1, digitised, +-10 %); one that does not says where it was. Lines that
the file has already are not computed again.
"""

import json
import re
import resource
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np

import smallpolaron as sp
from smallpolaron.model.units import MEV_TO_CM

TEMPERATURE_K: Final = 300.0
FS: Final = 300.0
MOST_SECONDS: Final = 60
MOST_ELEMENTS: Final = 400_000
_PER_K: Final = 0.6950348  # cm^-1
WIDTHS: Final = {90: (20, 40), 45: (10, 20), 20: (5, 10)}
FREQUENCIES: Final = (150, 50)
DAMPINGS: Final = (1.0,)
"""dV by v, both in meV, w0 in cm^-1, damping over w0; at 2 a mode is critically damped."""
UNDAMPED: Final = {(45, 20): 8.67, (90, 20): 35.6, (90, 40): 5.42}
"""Mobility by v and dV of undamped modes of 50 cm^-1, cm^2/(V s)."""


def points() -> list[dict[str, float]]:
    """Return all points."""
    names = ("v", "width", "w0", "damping")
    hops = [(v, width) for v, widths in WIDTHS.items() for width in widths]
    every = product(FREQUENCIES, DAMPINGS, hops)
    return [
        dict(zip(names, map(float, (*hop, w0, damping)), strict=True)) for w0, damping, hop in every
    ]


def model(point: dict[str, float]) -> sp.Model:
    """Return the model of a point: <X^2> = eta w0 coth(w0/2kT) / 2 for a narrow mode."""
    w0, width = point["w0"], point["width"] * MEV_TO_CM
    eta = 2 * width**2 * np.tanh(w0 / (2 * _PER_K * TEMPERATURE_K)) / w0
    bath = sp.Brownian(eta_cm=eta, gamma_cm=point["damping"] * w0, frequency_cm=w0)
    return sp.Model(
        lattice=sp.Lattice.chain(spacing_A=7.2),
        hopping_meV=point["v"],
        temperature_K=TEMPERATURE_K,
        coupling=sp.Bond(bath),
    )


def measured(point: dict[str, float]) -> dict[str, Any]:
    """Return the mobility, its error and the elements of a point."""
    run = sp.current_correlation(
        model(point), FS, accuracy=1e-2, sample_fs=2.0, max_elements=MOST_ELEMENTS, progress=True
    )
    mobility = run.mobility().value("mobility_resolvent")
    return {
        "mobility": mobility.value,
        "error": mobility.error,
        "end": float(abs(run.C_JJ[-1] / run.C_JJ[0])),
        "elements": int(run["convergence/n_unknowns"]),
    }


def main() -> None:
    """Compute all points, or the one that is given with --one, and print the table."""
    if sys.argv[1] == "--one":
        seconds = int(sys.argv[3])
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        print(json.dumps(measured(json.loads(sys.argv[2]))))
        return
    path, seconds = Path(sys.argv[1]), (sys.argv[2:] or [str(MOST_SECONDS)])[0]
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines]
    for point in points():
        if any(point.items() <= row.items() for row in rows):
            continue
        command = [sys.executable, "-m", "benchmarks.bond_modes", "--one", json.dumps(point)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        done = subprocess.run([*command, seconds], capture_output=True, text=True, check=False)
        spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        found: dict[str, Any] = {**point, "seconds": round(spent)}
        if done.returncode == 0:
            found |= json.loads(done.stdout.splitlines()[-1])
        else:
            found["last"] = (done.stderr.strip().splitlines() or [""])[-1][:300]
        with path.open("a") as file:
            file.write(json.dumps(found) + "\n")
        rows.append(found)
    print("\n".join(table(rows)))


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Return the points as lines of Markdown."""
    head = (
        "| v | ΔV (meV) | ω0 (cm⁻¹) | damping/ω0 | μ (cm²/(V s)) | undamped, TD-DMRG | elements |"
    )
    lines = [head, "|---" * 7 + "|"]
    for row in rows:
        v, width, w0, damping = (row[key] for key in ("v", "width", "w0", "damping"))
        known = UNDAMPED.get((int(v), int(width)), "") if w0 == 50 else ""
        if "mobility" in row:
            reached = f"| {row['mobility']:.3g} ± {row['error']:.1g} | {known} "
            reached += f"| {row['elements']:,} |"
        else:
            sizes = re.findall(r"(\d+) (?:labels|are allowed)", row["last"])
            size = f"{int(sizes[-1]):,}" if sizes else ""
            reached = f"| not in {row['seconds']} core-seconds | {known} | > {size} |"
        lines.append(f"| {v:g} | {width:g} | {w0:g} | {damping:g} {reached}")
    return lines


if __name__ == "__main__":
    main()
