"""A study from its plan to its crate without a network: nothing is fetched at run time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import smallpolaron

OFFLINE = '''
import sys

LOCAL = ("127.", "::1", "localhost")

def refuse(event, arguments):
    """Python reports here whatever it is about to do; MPI's own connections are not Python's."""
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        here = isinstance(address, (str, bytes)) or str(address[0]).startswith(LOCAL)
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "http.client.connect"):
        here = str(arguments[0 if event != "http.client.connect" else 1]).startswith(LOCAL)
    else:
        here = event not in ("urllib.Request", "ftplib.connect", "smtplib.connect")
    if not here:
        raise SystemExit(f"tried to reach the network: {event} {arguments}")

sys.addaudithook(refuse)
'''

STUDY = """\
study: offline
model: {n_sites: 3}
bath: {eta_cm: 100, gamma_cm: 50, terms: 0}
hierarchy: {depth: 2}
propagation: {duration_fs: 60}
"""

RUN = """
from pathlib import Path
from smallpolaron.cli import main
from smallpolaron.figures.current import main as figure
from smallpolaron.planning.study import load_plan

(point,) = [point.id for point in load_plan("study.yaml").points]
plan, files = "r/plan.json", {k: f"r/{k}/{point}.h5" for k in (
    "correlation", "kernel", "mobility", "drude_smith", "moments")}

def run(*arguments):
    assert main(list(arguments)) == 0, arguments

run("plan", "--config", "study.yaml", "--output", plan)
run("cost", "study.yaml")
run("correlation", "--plan", plan, "--point", point, "--ranks", "1", "--output",
    files["correlation"])
for name, source in (("kernel", "correlation"), ("mobility", "correlation"),
                     ("drude-smith", "mobility"), ("moments", "mobility")):
    run(name, "--plan", plan, f"--{source}", files[source],
        "--output", files[name.replace("-", "_")])
run("tables", "--plan", plan, "--output-folder", "r/tables")
figure(["--correlation", files["correlation"], "--mobility", files["mobility"],
        "--figure", "r/figures/current.svg", "--numbers", "r/figures/current.csv"])
run("verify", "r")
run("status", "study.yaml", "--results", "r")
run("crate", "r", "--config", "study.yaml", "--output", "crate.zip")
assert Path("crate.zip").exists()
"""


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    root = str(Path(smallpolaron.__file__).parents[1])
    return subprocess.run(
        [sys.executable, "-c", OFFLINE + program],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_study_needs_no_network(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(STUDY)
    done = run(RUN, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "program",
    [
        "import urllib.request; urllib.request.urlopen('http://192.0.2.1/x', timeout=1)",
        "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)",
        "import socket; socket.getaddrinfo('example.org', 80)",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
        "import http.client; http.client.HTTPConnection('192.0.2.1', timeout=1).connect()",
    ],
)
def test_an_attempt_would_be_seen(program: str, tmp_path: Path) -> None:
    done = run(program, tmp_path)
    assert "tried to reach the network" in done.stderr
    assert done.returncode == 1
