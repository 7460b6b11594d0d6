"""Runs the tests marked mpi on all ranks: mpiexec -n N python tests/run_ranks.py N [ARGUMENTS].

Rank 0 prints as pytest does; the others stay silent unless they fail. A failure on any rank is
everyone's exit code. A rank that waits too long for the others after a test (because one of them
left a collective call by an exception) ends the whole run instead of hanging.
"""

import io
import os
import sys
import time
import traceback
from contextlib import redirect_stderr, redirect_stdout
from tempfile import TemporaryDirectory

import pytest
from mpi4py import MPI

PATIENCE_S = float(os.environ.get("RANK_PATIENCE_S", "120"))


class InStep:
    """Keeps the ranks on the same test, and remembers what failed on this one."""

    def __init__(self, comm: MPI.Intracomm) -> None:
        self.comm = comm
        self.failures: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failures.append(f"rank {self.comm.rank}: {report.nodeid}\n{report.longreprtext}")

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        arrived = self.comm.Ibarrier()
        deadline = time.monotonic() + PATIENCE_S
        while not arrived.Test():
            if time.monotonic() > deadline:
                text = "\n".join(self.failures) or "no failure on this rank"
                print(
                    f"rank {self.comm.rank}: after {nodeid} the other ranks did not follow within "
                    f"{PATIENCE_S:g} s; ending the run.\n{text}",
                    file=sys.__stderr__,
                    flush=True,
                )
                self.comm.Abort(1)
            time.sleep(0.001)


def run_here(rank: int, arguments: list[str], step: InStep) -> int:
    if rank == 0:
        return int(pytest.main(arguments, plugins=[step]))
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(out):
        code = int(pytest.main(arguments, plugins=[step]))
    if code != 0:
        text = "\n".join(step.failures) or out.getvalue()
        print(text, file=sys.__stderr__, flush=True)
    return code


def main(wanted: int, extra: list[str]) -> int:
    comm = MPI.COMM_WORLD.Dup()
    if comm.size != wanted:
        print(f"mpiexec gave a communicator of {comm.size} ranks, not {wanted}: wrong mpiexec.")
        return 1
    step = InStep(comm)
    # a folder per rank: in a common one pytest's clean-ups at the end disturb one another
    with TemporaryDirectory() as folder:
        arguments = ["-m", "mpi", "-p", "no:cacheprovider", "--basetemp", f"{folder}/rank"]
        try:
            code = run_here(comm.rank, [*arguments, *(extra or ["tests"])], step)
        except BaseException:
            # pytest itself fell over here; the other ranks would wait for this one for ever.
            traceback.print_exc(file=sys.__stderr__)
            comm.Abort(1)
        return int(comm.allreduce(code, op=MPI.MAX))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
