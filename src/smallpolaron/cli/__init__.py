"""The command line: `python -m smallpolaron COMMAND`. The rules of the workflow call it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import click

import smallpolaron
from smallpolaron.cli import new, own_data, results, rules, study
from smallpolaron.cli.options import USAGE_STATUS
from smallpolaron.support.signals import CTRL_C_STATUS

__all__ = ["USAGE_STATUS", "commands", "give_up_unsaid", "main"]

_EXTRAS = {"matplotlib": "figures", "sklearn": "inverse", "rocrate": "workflow"}
"""What the library does without, and what brings it."""


class _InOrder(click.Group):
    def list_commands(self, _context: click.Context) -> list[str]:
        """Return the commands as they were added: in the order of their use."""
        return list(self.commands)


@click.group("smallpolaron", cls=_InOrder)
@click.version_option(smallpolaron.__version__, message="%(version)s")
def commands() -> None:
    """Mobility of small polarons from exact dynamics."""


for _room in (new, study, results, own_data, rules):
    for _command in _room.COMMANDS:
        commands.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Errors that the user can correct are printed as plain lines; anything else is a traceback.

    Raises:
        SystemExit: there is no such command or option, or help was asked for.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files need not be text; σ not Latin-1
        is_utf8 = sys.stdout.encoding.lower().replace("-", "") == "utf8"
        sys.stdout.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")
    _one_thread()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with commands.make_context("smallpolaron", given) as context:
            status = commands.invoke(context)
        sys.stdout.flush()
        return int(status or 0)
    except click.exceptions.Exit as end:
        raise SystemExit(end.exit_code) from None
    except click.UsageError as error:
        error.show()
        raise SystemExit(USAGE_STATUS) from None
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        _say("interrupted")
        return CTRL_C_STATUS
    except Exception as error:
        _say(_explained(error))
        return USAGE_STATUS


def _say(line: str) -> None:
    """Print one line to standard error, if it takes it: the status says that there was an error."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def give_up_unsaid() -> None:
    """Drop what standard output and error did not take, say on a full disk.

    Python would try again at its very end and make a failed attempt the exit status, 120, of a job
    whose result is written.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _explained(error: Exception) -> str:
    """Return an error that the user can correct as a plain line; raise any other again."""
    # these take long to import: not before a job is ready for signals
    from smallpolaron.study.plan import PlanError
    from smallpolaron.support.files import NotWritable
    from smallpolaron.support.problems import ConfigurationError, StoreError

    if isinstance(error, ConfigurationError):
        return str(error)
    if isinstance(error, (PlanError, StoreError, NotWritable)):
        return f"error: {error}"
    if isinstance(error, ModuleNotFoundError) and (extra := _EXTRAS.get(f"{error.name}")):
        return f'error: {error.name} is not installed; pip install "smallpolaron[{extra}]"'
    if isinstance(error, OSError):  # no permission, a full disk, a folder where a file should be
        where = f"{error.filename}: " if error.filename else ""
        return f"error: {where}{error.strerror or error}; check path and space"
    raise error


def _one_thread() -> None:
    """Keep the numerical libraries to one thread; must come before they are loaded.

    MPI ranks are the parallelism. Snakemake sets these variables to the threads of a rule, that is
    to all ranks of a job; every rank would then start as many threads, and a job with two ranks
    on two cores took ten times longer.
    """
    for library in ("OMP", "OPENBLAS", "GOTO", "MKL", "BLIS", "VECLIB_MAXIMUM"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
