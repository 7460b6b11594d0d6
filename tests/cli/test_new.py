"""`smallpolaron new` writes studies that validate, with input in the units that people have."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from smallpolaron.cli import commands
from smallpolaron.planning.study import load_plan
from smallpolaron.study.parameters import Parameters
from smallpolaron.support.key_names import converted


def new(path: Path, *options: str, answers: str = "") -> Result:
    return CliRunner().invoke(commands, ["new", str(path), *options], input=answers)


def parameters(path: Path) -> Parameters:
    return load_plan(path).points[0].parameters


@pytest.mark.parametrize(
    ("text", "target", "number"),
    [
        ("50", "cm", 50.0),
        ("50 cm-1", "cm", 50.0),
        ("50 cm⁻¹", "cm", 50.0),
        ("10 meV", "cm", 80.65544),
        ("1 THz", "cm", 33.35641),
        ("0.1 ps", "cm", 53.08837),
        ("100fs", "cm", 53.08837),
        ("0.3 ps", "fs", 300.0),
        ("0.5 nm", "A", 5.0),
        ("5 Å", "A", 5.0),
    ],
)
def test_units(text: str, target: str, number: float) -> None:
    assert converted(text, target) == pytest.approx(number, rel=1e-6)


@pytest.mark.parametrize("text", ["six meV", "6 apples", "", "0 ps", "5 K\nstudy: x"])
def test_what_is_no_energy(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        converted(text, "cm")


def test_answers_to_questions(tmp_path: Path) -> None:
    path = tmp_path / "first.yaml"
    found = new(path, answers="ring\n6 A\n10 meV\n300, 350\nrelaxation\n0.1 ps\n5 meV\n")
    assert found.exit_code == 0, found.output
    assert len(load_plan(path).ladders) == 2
    assert parameters(path).bath.eta_cm == pytest.approx(80.6554)
    assert parameters(path).bath.gamma_cm == pytest.approx(53.0884)


@pytest.mark.parametrize("lattice", ["chain", "square", "triangular", "cubic"])
def test_every_infinite_lattice(tmp_path: Path, lattice: str) -> None:
    path = tmp_path / "a.yaml"
    assert new(path, "--lattice", lattice, answers="\n" * 8).exit_code == 0
    assert parameters(path).bath.eta_cm == 100
    assert parameters(path).model.hopping_cm == 50


def test_a_vibration_by_options(tmp_path: Path) -> None:
    path = tmp_path / "vibration.yaml"
    options = ["--lattice=chain", "--spacing=5", "--hopping=5 meV", "--temperatures=300"]
    options += ["--bath=vibration", "--frequency=6 THz", "--huang-rhys=0.1", "--rate=50"]
    assert new(path, *options).exit_code == 0
    bath = parameters(path).bath
    assert bath.frequency_cm == pytest.approx(200.138, rel=1e-5)
    assert bath.eta_cm == pytest.approx(2 * 0.1 * 200.138, rel=1e-5)


def test_a_rectangular_layer_with_relaxation_and_a_vibration(tmp_path: Path) -> None:
    path = tmp_path / "layer.yaml"
    options = ["--lattice=square", "--spacing=6.1", "--spacing-y=0.79 nm", "--hopping=83 meV"]
    options += ["--hopping-y=20 meV", "--temperatures=250 300", "--bath=both", "--rate=50"]
    options += ["--energy=40 meV", "--frequency=1400 cm-1", "--huang-rhys=0.2", "--damping=200"]
    assert new(path, *options).exit_code == 0
    found = parameters(path)
    assert len(load_plan(path).points) == 4  # two directions at two temperatures
    assert [each.kind for each in found.bath.baths] == ["debye", "brownian"]
    assert found.bath.baths[1].eta_cm == pytest.approx(2 * 0.2 * 1400)
    assert found.lattice.vectors_A[1][1] == 7.9
    asked = tmp_path / "asked.yaml"
    answers = "square\n6.1 A\n83 meV\n250 300\nboth\n7.9 A\n20 meV\n50\n40 meV\n200\n1400\n0.2\n"
    assert new(asked, answers=answers).exit_code == 0
    assert parameters(asked) == found


def test_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{w},{w * 2.718281828 ** (-w / 50)}" for w in range(5, 800, 5)]
    Path("J, mine.csv").write_text("\n".join(["omega_cm,J_cm", *rows]))
    options = ["--lattice=chain", "--spacing=5", "--hopping=50", "--temperatures=300"]
    found = new(Path("t.yaml"), *options, "--bath=table", "--table=J, mine.csv")
    assert found.exit_code == 0, found.output


def test_nothing_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("study: mine\n")
    assert new(path, answers="\n" * 8).exit_code == 2
    assert path.read_text() == "study: mine\n"
