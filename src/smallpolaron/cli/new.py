"""The command `new`: a few questions, and a commented study that can be run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from smallpolaron.cli.options import USAGE_STATUS, Decorator, command

LATTICES: Final = {
    "chain": "model: {topology: infinite, lattice_constant_A: SPACING, MODEL}",
    "ring": "model: {n_sites: converged, lattice_constant_A: SPACING, MODEL}",
    "square": "model: {MODEL}\nlattice: {kind: square, spacing_A: SPACINGALONG_Y, TENSOR}",
    "triangular": "model: {MODEL}\nlattice: {kind: triangular, spacing_A: SPACING, TENSOR}",
    "cubic": "model: {MODEL}\nlattice: {kind: cubic, spacing_A: SPACING, TENSOR}",
}
"""What a study says of a lattice, by the answer to the question."""

_STUDY: Final = """\
# Written by `smallpolaron new`. Check it:  smallpolaron validate FILE
# What it will take:                        smallpolaron cost FILE
# Run it, in a checkout:                    snakemake --profile profiles/local --configfile FILE
study: NAME

accuracy: ACCURACY        # of C_JJ(t) relative to C_JJ(0); decides everything numerical

# hopping HOPPING
LATTICE

# BATH_TEXT
bath:
  BATH

propagation:
  duration_fs: DURATION      # C_JJ must have decayed by then; the gate long_time_decay tells

protocols: [current]    # mobility; franck_condon and marcus: spreading of a localised carrier

grid:                   # every combination is a point; add keys and values as you like
  - model.temperature_K: [TEMPERATURES]
"""


def _quantity(target: str) -> Callable[[Any], tuple[float, str]]:
    """Return the type of an option: a number with a unit, converted, beside what was typed."""

    def read(value: Any) -> tuple[float, str]:
        from smallpolaron.support.key_names import converted

        if isinstance(value, tuple):
            return value
        try:
            number = converted(value, target)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
        if not number or abs(number) == float("inf"):
            raise click.BadParameter(f"'{value}' must be finite and not 0")
        return number, value

    return read


def _asked(name: str, question: str, default: str, target: str) -> Decorator:
    return click.option(
        name, prompt=question, default=default, type=_quantity(target), help=question
    )


@command("new")
@click.argument("path", type=click.Path(path_type=Path), metavar="FILE.yaml")
@click.option(
    "--lattice",
    prompt="Lattice",
    default="chain",
    type=click.Choice([*LATTICES]),
    help="infinite, but for ring, whose size is found",
)
@_asked("--spacing", "Distance of neighbours", "5 A", "A")
@_asked("--hopping", "Hopping (transfer integral) between neighbours", "50 cm-1", "cm")
@click.option("--spacing-y", type=_quantity("A"), help="distance along y, where it differs")
@click.option("--hopping-y", type=_quantity("cm"), help="hopping along y, where it differs")
@click.option(
    "--temperatures",
    prompt="Temperatures in K",
    default="300",
    help="one or several, separated by blanks or commas",
)
@click.option(
    "--bath",
    prompt="What the carrier couples to on each site",
    default="relaxation",
    type=click.Choice(["relaxation", "vibration", "both", "table"]),
    help="relaxation with one rate, one damped vibration, both, or a table of J(w)",
)
@click.option("--energy", help="relaxation energy of a site, lambda: 50 cm-1, 6 meV")
@click.option("--rate", help="of relaxation, or damping of the vibration: 50 cm-1, 1.5 THz, 0.1 ps")
@click.option("--frequency", help="of the vibration: 1400 cm-1, 170 meV, 42 THz")
@click.option("--huang-rhys", type=float, help="its Huang-Rhys factor, in place of --energy")
@click.option("--damping", help="of the vibration, where there is relaxation too: as --rate")
@click.option("--table", "file", help="CSV file of J(w), header omega_cm,J_cm or omega_meV,J_meV")
@click.option("--accuracy", default="1e-3", show_default=True, help="wanted error of C_JJ(t)")
@click.pass_context
def new(context: click.Context, /, path: Path, **given: Any) -> int:
    """Write a commented study, from options or from answers to a few questions."""
    from smallpolaron.planning.outlook import plan_text
    from smallpolaron.planning.study import load_plan
    from smallpolaron.support.files import write_text
    from smallpolaron.support.problems import ConfigurationError

    if path.exists():
        raise click.UsageError(f"{path}: the file exists; choose another name")
    asks = context.get_parameter_source("hopping") is ParameterSource.PROMPT
    along_y = _along_y(given, asks=asks) if given["lattice"] == "square" else ""
    bath, text, slowest = _bath(given)
    hopping, typed = given["hopping"]
    lattice = LATTICES[given["lattice"]].replace("SPACING", f"{given['spacing'][0]:g}")
    temperatures = ", ".join(re.split(r"[,\s]+", given["temperatures"].strip()))
    values = {
        "FILE": str(path),
        "NAME": re.sub(r"[^A-Za-z0-9_-]", "-", path.stem),
        "ACCURACY": given["accuracy"],
        "HOPPING": typed,
        "LATTICE": lattice.replace("ALONG_Y", along_y)
        .replace("TENSOR", "direction: tensor")
        .replace("MODEL", f"hopping_cm: {hopping:.6g}"),
        "BATH_TEXT": text,
        "BATH": bath,
        "DURATION": f"{max(600, round(slowest, -2)):.0f}",
        "TEMPERATURES": temperatures,
    }
    study = re.sub("|".join(sorted(values, key=len, reverse=True)), lambda m: values[m[0]], _STUDY)
    write_text(path, study)
    try:
        print(plan_text(load_plan(path)))
    except ConfigurationError as error:
        click.echo(f"{path} is written, but must be mended:\n{error}", err=True)
        return USAGE_STATUS
    print(f"\n{path} is written. Next: smallpolaron cost {path}")
    return 0


def _along_y(given: dict[str, Any], *, asks: bool) -> str:
    """Return what a study says of the hopping and the distance along y, if they differ."""
    said = ""
    for name, key, question, target in (
        ("spacing", "spacing_y_A", "Distance of neighbours along y", "A"),
        ("hopping", "ratio", "Hopping along y", "cm"),
    ):
        (along_x, typed), found = given[name], given[f"{name}_y"]
        if asks and found is None:
            found = click.prompt(question, default=typed, value_proc=_quantity(target))
        if found and found[0] != along_x:
            value = found[0] / along_x if key == "ratio" else found[0]
            said += f", {key}: {value:.6g}"
    return said


def _bath(given: dict[str, Any]) -> tuple[str, str, float]:
    """Return the bath as a study says it, in words, and a time by which it has relaxed, fs."""
    if given["bath"] == "table":
        file = given["file"] or click.prompt("CSV file of J(w)")
        return (
            f"kind: table\n  file: {json.dumps(file)}",
            "J(w) of one site; its unit is in the header",
            0.0,
        )
    keys, said, time = [], [], 0.0
    if given["bath"] != "vibration":
        rate = _answer(given["rate"], "Rate or time of relaxation", "50 cm-1")
        energy = _answer(given["energy"], "Relaxation energy of one site (lambda)", "50 cm-1")
        keys.append(f"eta_cm: {2 * energy[0]:.6g}, gamma_cm: {rate[0]:.6g}")
        said.append(f"relaxation energy lambda = eta/2 = {energy[1]} per site, rate {rate[1]}")
        time = 6 * 5308.837 / abs(rate[0])  # six times 1/gamma
    if given["bath"] != "relaxation":
        alone = not keys
        damping = _answer(
            given["rate" if alone else "damping"], "Damping of the vibration", "50 cm-1"
        )
        frequency = _answer(given["frequency"], "Frequency of the vibration", "200 cm-1")
        if alone and given["energy"]:
            energy = _answer(given["energy"], "", "")
            eta, coupling = 2 * energy[0], f"relaxation energy {energy[1]}"
        else:
            factor = given["huang_rhys"]
            if factor is None:
                factor = click.prompt("Its Huang-Rhys factor S", default=0.2, type=float)
            eta, coupling = (
                2 * factor * frequency[0],
                f"Huang-Rhys factor S = {factor:g}, eta = 2 S w0",
            )
        keys.append(
            f"kind: brownian, eta_cm: {eta:.6g}, gamma_cm: {damping[0]:.6g}, "
            f"frequency_cm: {frequency[0]:.6g}"
        )
        said.append(f"vibration of {frequency[1]}, {coupling}, damping {damping[1]}")
        time = max(time, 12 * 5308.837 / abs(damping[0]))
    first, *further = keys
    lines = [*first.split(", "), *(f"further_baths: [{{{each}}}]" for each in further)]
    return "\n  ".join(lines), "; ".join(said), time


def _answer(given: str | None, question: str, default: str) -> tuple[float, str]:
    """Return a quantity in cm^-1 and as it was typed, asking where no option gives it."""
    if given is not None:
        return _quantity("cm")(given)
    found: tuple[float, str] = click.prompt(question, default=default, value_proc=_quantity("cm"))
    return found


COMMANDS = (new,)
