"""The command fit: ranked models of a measured conductivity, a verdict, a picture."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from smallpolaron.cli import main
from smallpolaron.own_data.conductivity_fit import CURVES, MODELS, PICTURE, SUMMARY

DATA = Path(__file__).parent / "data" / "tables"
TRUTH = {"c": -0.78, "tau_fs": 45.0, "sigma_0": 100.0}


def read_models(folder: Path) -> dict[tuple[str, str], dict[str, str]]:
    with (folder / MODELS).open(encoding="utf-8") as file:
        return {(row["model"], row["quantity"]): row for row in csv.DictReader(file)}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("thz-tds.csv", "messung.csv"):
        shutil.copy(DATA / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_both_tables_give_the_parameters_they_were_made_with(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("thz-tds", "messung"):
        assert main(["fit", f"{name}.csv"]) == 0
    out = capsys.readouterr().out
    assert out.count("Drude–Smith may be believed") == 2
    assert "thz-tds-fit/summary.md" in out
    first, second = (read_models(here / f"{name}-fit") for name in ("thz-tds", "messung"))
    assert first == second
    for quantity, truth in TRUTH.items():
        row = first["drude_smith", quantity]
        value, error = float(row["value"]), float(row["error"])
        assert row["rank"] == "1"
        assert 0.0 < error < 0.05 * abs(truth)
        assert abs(value - truth) < 3.0 * error
        assert float(row["low_95"]) < truth < float(row["high_95"])
    assert first["drude_smith", "sigma_0"]["unit"] == "S/cm"
    assert len({model for model, _ in first}) == 6
    folder = here / "messung-fit"
    assert (folder / PICTURE).read_text().startswith("<?xml")
    page = (folder / SUMMARY).read_text(encoding="utf-8")
    assert PICTURE in page
    assert "cp1252" in page
    with (folder / CURVES).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rest = [float(row["sigma_real"]) - float(row["drude_smith_real"]) for row in rows]
    assert len(rows) == 45
    assert max(map(abs, rest)) < 1.2


def test_nothing_is_replaced_unasked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = here / "out"
    arguments = ["fit", "thz-tds.csv", "--output-folder", "out"]
    assert main(arguments) == 0
    before = (folder / MODELS).read_bytes()
    assert main(arguments) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*arguments, "--overwrite"]) == 0
    assert (folder / MODELS).read_bytes() == before
    shutil.copy("thz-tds.csv", folder / CURVES)
    assert main(["fit", "out/curves.csv", "--output-folder", "out", "--overwrite"]) == 2
    assert (folder / CURVES).read_bytes() == Path("thz-tds.csv").read_bytes()


def test_the_sign_of_the_table(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = Path("thz-tds.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines[1:]]
    mirrored = [",".join([a, b, str(-float(c)), d]) for a, b, c, d in rows]
    Path("other.csv").write_text("\n".join([lines[0], *mirrored]))
    assert main(["fit", "other.csv", "--output-folder", "a"]) == 0
    assert "Then pass --conjugate" in capsys.readouterr().out
    assert main(["fit", "other.csv", "--output-folder", "b", "--conjugate"]) == 0
    assert main(["fit", "thz-tds.csv", "--output-folder", "c"]) == 0
    assert read_models(here / "b") == read_models(here / "c")


def test_a_name_that_is_not_text(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # pytest cannot hold what is printed: the name is in it
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO()))
    name = os.fsdecode(b"Probe_3\xb5m.csv")
    shutil.copy("thz-tds.csv", name)
    assert main(["fit", name]) == 0
    page = here / os.fsdecode(b"Probe_3\xb5m-fit") / SUMMARY
    assert "Probe_3\\xb5m.csv" in page.read_text(encoding="utf-8")


def test_a_terminal_without_greek_letters(here: Path) -> None:
    command = [sys.executable, "-m", "smallpolaron", "fit", "thz-tds.csv"]
    environment = os.environ | {"PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(command, capture_output=True, env=environment, check=False, cwd=here)
    assert done.returncode == 0, done.stderr
    assert b"\\u03c4 = 45.0" in done.stdout


def test_tables_that_are_refused_leave_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("few.csv").write_text("\n".join(Path("thz-tds.csv").read_text().splitlines()[:10]))
    for name in ("few.csv", "none.csv"):
        assert main(["fit", name]) == 2
        assert capsys.readouterr().err.startswith(name)
    assert sorted(path.name for path in here.iterdir()) == ["few.csv", "messung.csv", "thz-tds.csv"]
