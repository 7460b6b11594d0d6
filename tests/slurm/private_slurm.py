"""A real Slurm with accounting, of two virtual nodes on this machine, for the time of a test.

Everything is in a folder of its own but one link: /etc/slurm/slurm.conf, because Snakemake removes
SLURM_CONF from the environment of its jobs.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tests.slurm.daemons import PATH, Daemons, run, works

NODES = ("node1", "node2")
"""Of one core each: a job of two ranks spans both."""
FEATURE = "haswell"
ACCOUNT = "physics"
PARTITIONS = {"debug": 10, "short": 60, "long": 600}
"""Longest run time of each partition, minutes. The first is the default one."""
CONFIGURATION = Path("/etc/slurm/slurm.conf")
"""Where all Slurm commands look unless they are told otherwise."""
OWNER = "pid"
"""File with the number of the process that a private Slurm belongs to."""
PREFIX = "slurm-"
HERE = Path(__file__).parent
PACKAGES = (HERE / "packages.txt").read_text(encoding="utf-8").split()
PROGRAMS = (
    *("munged", "mariadbd", "mariadb-install-db", "slurmdbd", "slurmctld", "slurmd"),
    *("sbatch", "srun", "scancel", "sacct", "setpriv"),
)


def obstacle() -> str | None:
    """Return why no Slurm can be started here, or None."""
    if os.geteuid() != 0:
        return "starting Slurm's daemons takes root"
    absent = [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
    if absent:
        return f"not installed: {', '.join(absent)} (apt-get install {' '.join(PACKAGES)})"
    _remove_abandoned()
    if CONFIGURATION.exists():
        return f"{CONFIGURATION} exists: this machine has a Slurm, or another test runs one"
    return None


def _remove_abandoned() -> None:
    """Remove what a test left that was killed before it could; its daemons died with it."""
    if not CONFIGURATION.is_symlink():
        return
    owner = CONFIGURATION.readlink().with_name(OWNER)
    if not owner.parent.name.startswith(PREFIX):
        return
    if not owner.exists() or not Path("/proc", owner.read_text(encoding="utf-8")).exists():
        CONFIGURATION.unlink()
        shutil.rmtree(owner.parent, ignore_errors=True)


@dataclass(frozen=True)
class Record:
    """What Slurm's accounting says about a job or one of its steps.

    Attributes:
        name: number of the job; of a step followed by a dot and its number or name.
        comment: what the submitter wrote; of jobs only.
        tasks: processes started; of steps only.
        nodes: names of the nodes that were used, as Slurm abbreviates them.
        minutes: limit of the run time; of jobs only.
        memory: as requested in total, such as 912M; of jobs only.
        peak: largest resident memory of a process seen, such as 229576K; of steps only.
    """

    name: str
    comment: str
    state: str
    account: str
    partition: str
    qos: str
    constraint: str
    tasks: str
    nodes: str
    minutes: str
    memory: str
    peak: str

    @property
    def is_job(self) -> bool:
        """Whether this is a job rather than a step."""
        return "." not in self.name


COLUMNS = "JobID,Comment,State,Account,Partition,QOS,Constraints,NTasks,NodeList,TimelimitRaw"


def accounting() -> list[Record]:
    """Return all jobs and steps so far, each job followed by its steps."""
    table = run("sacct", "--noheader", "--parsable2", f"--format={COLUMNS},ReqMem,MaxRSS")
    return [Record(*line.split("|")) for line in table.splitlines()]


@contextmanager
def private_slurm() -> Iterator[None]:
    """Start a Slurm, and stop it with all its jobs at the end.

    Raises:
        RuntimeError: a part did not start; the message has the logs.
    """
    with ExitStack() as stack:
        # not pytest's folder: munge refuses one that others may not pass
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        (folder / OWNER).write_text(str(os.getpid()), encoding="utf-8")
        for name in ("log", "run", "state", "db", *(f"{node}/tmp" for node in NODES)):
            (folder / name).mkdir(parents=True)
        daemons = Daemons(folder / "log", stack)
        _start_munge(folder, daemons)
        _start_database(folder, daemons)
        _write_configuration(folder)
        CONFIGURATION.symlink_to(folder / "slurm.conf")
        stack.callback(CONFIGURATION.unlink)
        _start_accounting(folder, daemons)
        _start_nodes(folder, daemons)
        yield


def _start_munge(folder: Path, daemons: Daemons) -> None:
    key, inside = folder / "munge.key", folder / "run"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(1024))
    files = [f"--key-file={key}", f"--socket={inside}/munge", f"--pid-file={inside}/munged.pid"]
    files += [f"--seed-file={inside}/munged.seed", f"--log-file={folder}/log/munged"]
    daemons.start("munged", "munged", "--foreground", *files)
    daemons.wait("munge", works("munge", "-n", f"--socket={inside}/munge"))


def _start_database(folder: Path, daemons: Daemons) -> None:
    options = ["--no-defaults", "--user=root", f"--datadir={folder}/db"]
    # the socket lets in root without a password, and nobody else
    login = ["--auth-root-authentication-method=socket", "--auth-root-socket-user=root"]
    run("mariadb-install-db", *options, *login, "--skip-test-db")
    server = ["--skip-networking", f"--socket={folder}/run/db", "--innodb-buffer-pool-size=32M"]
    daemons.start("mariadbd", "mariadbd", *options, *server)
    question = ["--no-defaults", f"--socket={folder}/run/db", "--execute=select 1"]
    daemons.wait("MariaDB", works("mariadb", *question))


def _start_accounting(folder: Path, daemons: Daemons) -> None:
    settings = {
        "SLURM_CONF": f"{folder}/slurm.conf",  # slurmdbd.conf is looked for beside it
        "MYSQL_UNIX_PORT": f"{folder}/run/db",
    }
    daemons.start("slurmdbd.out", "slurmdbd", "-D", env=settings)
    daemons.wait("slurmdbd", works("sacctmgr", "-n", "list", "cluster"))
    run("sacctmgr", "-i", "add", "cluster", "test")
    run("sacctmgr", "-i", "add", "account", ACCOUNT)
    run("sacctmgr", "-i", "add", "user", "root", f"account={ACCOUNT}")


def _start_nodes(folder: Path, daemons: Daemons) -> None:
    file = f"{folder}/slurm.conf"
    daemons.start("slurmctld.out", "slurmctld", "-D", "-f", file)
    for node in NODES:
        daemons.start(f"slurmd.{node}.out", "slurmd", "-D", "-N", node, "-f", file)
    daemons.wait("controller", works("sinfo"))
    idle = ["idle"] * len(NODES) * len(PARTITIONS)
    daemons.wait("nodes", lambda: run("sinfo", "-h", "-N", "-o", "%T").split() == idle)
    daemons.stack.callback(_cancel_all, daemons)


def _cancel_all(daemons: Daemons) -> None:
    run("scancel", "--user=root")
    daemons.wait("end of all jobs", lambda: not run("squeue", "--noheader"))


def _write_configuration(folder: Path) -> None:
    control, database, *ports = _free_ports(2 + len(NODES))
    host = socket.gethostname().partition(".")[0]
    values = {"folder": folder, "host": host, "control": control, "database": database}
    lines = [
        f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1 "
        f"RealMemory=8000 Feature={FEATURE}"
        for node, port in zip(NODES, ports, strict=True)
    ]
    lines += [
        f"PartitionName={name} Nodes=ALL Default={'NO' if number else 'YES'} MaxTime={minutes}"
        for number, (name, minutes) in enumerate(PARTITIONS.items())
    ]
    for name, more in (("slurm.conf", lines), ("slurmdbd.conf", [])):
        text = (HERE / name).read_text(encoding="utf-8").format(**values)
        (folder / name).touch(mode=0o600)  # which slurmdbd insists on
        (folder / name).write_text("\n".join([text, *more, ""]), encoding="utf-8")
    (folder / "slurm.conf").chmod(0o644)
    release = tuple(int(part) for part in run("slurmd", "-V").split()[1].split(".")[:2])
    if release >= (23, 11):  # from then on a plugin for cgroups starts unless told not to
        (folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n", encoding="utf-8")


def _free_ports(count: int) -> list[int]:
    """Return free ports below those that the kernel gives away: it would give them to others."""
    given_away = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    lowest = int(given_away.split()[0])
    candidates = random.SystemRandom().sample(range(lowest // 2, lowest), 200)
    return list(islice(filter(_is_free, candidates), count))


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("", port))
        except OSError:
            return False
        return True
