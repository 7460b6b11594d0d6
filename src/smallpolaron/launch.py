"""Starts the ranks of a job on this machine: `python -m smallpolaron.launch -n RANKS COMMAND ...`.

One rank needs no launcher, and is all there is without mpi4py and petsc4py. More are started by
mpiexec, which on one machine needs nothing from a
scheduler: inside a job or an interactive shell of Slurm, PBS and others it would ask the scheduler
for nodes, or pass on to the ranks that another launcher waits for them.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Final

_OF_LAUNCHERS: Final = (
    *("PMI_", "PMI2_", "PMIX_", "PALS_", "HYDI_", "MPI_LOCAL", "MV2_COMM_WORLD_"),
    *("OMPI_COMM_WORLD_", "OMPI_UNIVERSE_", "OMPI_MCA_ess", "OMPI_MCA_orte_"),
)
_OF_SCHEDULERS: Final = (
    *("SLURM", "PBS_", "LSB_", "SGE_", "PE_HOSTFILE", "LOADL", "COBALT_", "FLUX_"),
    *("HYDRA_", "I_MPI_HYDRA_"),  # how the launcher is to ask them
)
_SETTINGS: Final = "PMIX_MCA_"
"""Chosen by the user, not left by a launcher."""
_FAILED: Final = 2

ENGINE: Final = "SMALLPOLARON_ENGINE"
"""Variable that chooses the engine; see smallpolaron.parallel."""
HOW_TO_GET_PARALLEL: Final = (
    'pip install "smallpolaron[parallel]" and a petsc4py with complex scalars, or, in a checkout, '
    "make setup"
)


class ParallelSetupError(RuntimeError):
    """MPI or PETSc cannot run what was asked for; the message says what to do."""


def foreign(environment: Mapping[str, str]) -> list[str]:
    """Return the variables by which schedulers and other launchers speak to MPI."""
    return [
        name
        for name in environment
        if name.startswith((*_OF_LAUNCHERS, *_OF_SCHEDULERS)) and not name.startswith(_SETTINGS)
    ]


def leave_launchers() -> None:
    """Make this process one that no launcher has started; must come before MPI is loaded."""
    for name in foreign(os.environ):
        del os.environ[name]


def tell_if_contradictory(ranks: int, environment: Mapping[str, str]) -> None:
    """Say what to unset if the variables of two launchers are there; comes before MPI is loaded.

    MPI ends the process if it cannot be initialised.

    Args:
        ranks: with how many the job is said to be started.
        environment: the variables of this process.
    """
    if "PMIX_NAMESPACE" in environment and ("PMI_SIZE" in environment or ranks == 1):
        names = [name for name in foreign(environment) if name.startswith("PMIX_")]
        print(
            f"the environment holds variables of another launcher; if MPI fails now: unset "
            f"{' '.join(names)}, then start the job again",
            file=sys.stderr,
            flush=True,
        )


def missing_scheduler(executor: str, submit_command: str) -> str:
    """Return what is wrong if jobs are to be submitted by a command that there is not, or ""."""
    words = ["sbatch"] if executor == "slurm" else shlex.split(submit_command)
    for command in {"sbatch", "qsub", "bsub", "condor_submit"}.intersection(words):
        if shutil.which(command) is None:
            return (
                f"There is no {command} here, so no job can be submitted. Run this where the "
                "scheduler is (the login node of the cluster), or compute on this machine: "
                "snakemake --profile profiles/local"
            )
    return ""


def main(arguments: Sequence[str]) -> int:
    """Start the ranks and return the exit status of the job; with one rank, become the job."""
    match arguments:
        case ["-n", count, program, *rest] if count.isascii() and count.isdigit() and int(count):
            command = [program, *rest]
        case _:
            print("usage: python -m smallpolaron.launch -n RANKS COMMAND ...", file=sys.stderr)
            return _FAILED
    leave_launchers()
    try:
        if count == "1" or not _is_parallel(count):
            os.execvp(program, command)
        return _parallel([_mpiexec(), "-n", count, *command])
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return _FAILED


def _is_parallel(count: str) -> bool:
    """Whether ranks could work together; says so if not, and has the job run as one process."""
    if os.environ.get(ENGINE) != "embedded":
        if all(find_spec(name) for name in ("mpi4py", "petsc4py")):
            return True
        os.environ[ENGINE] = "embedded"
    print(
        f"one process in place of {count} ranks: mpi4py or petsc4py is missing, or {ENGINE} is "
        f"embedded. For parallel runs: {HOW_TO_GET_PARALLEL}",
        file=sys.stderr,
        flush=True,
    )
    return False


def _mpiexec() -> str:
    beside = Path(sys.executable).with_name("mpiexec")
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None:
        raise FileNotFoundError(
            0, "is neither beside Python nor on PATH; run 'make setup', or use one rank", "mpiexec"
        )
    return found


def _parallel(command: Sequence[str]) -> int:
    """Run mpiexec; a lost connection (SIGHUP) becomes a Ctrl-C, which it passes on to the ranks."""
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # nohup
    # Keeps mpiexec alive, which would take the ranks with it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    process = subprocess.Popen(command)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        process.send_signal(signal.SIGINT)

    def forward(number: int, _frame: FrameType | None) -> None:
        process.send_signal(number)

    if not ignored:
        signal.signal(signal.SIGHUP, interrupt)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends Ctrl-C to mpiexec as well
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, forward)
    status = process.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
