"""How a job goes on where an earlier one stopped, as far as the dynamics must know.

A job is a sequence of stages, propagations and linear solves, each of which follows from what the
job was asked for and from the stages before it. A stage offers what it has reached whenever it can
go on from there; what becomes of the offer, and where it is kept, is not decided here.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from smallpolaron.hierarchy.basis import Basis
from smallpolaron.hierarchy.views import ComplexArray, Placement

Record = Mapping[str, NDArray[Any]]


class Interrupted(RuntimeError):
    """The job was asked to stop, and did, where a later one can go on."""


class OutOfTime(Interrupted):
    """The run would take longer than it may.

    Attributes:
        size: labels that the basis had reached.
    """

    def __init__(self, label: str, size: int) -> None:
        super().__init__(f"{label} had reached {size} elements")
        self.size = size


@dataclass(frozen=True)
class Snapshot:
    """What a stage has reached.

    Attributes:
        placement: the labels in play.
        x: this rank's part of the state on them, shape (n_local, ...).
        record: everything else, the same on every rank.
        finished: whether the stage is over.
        origin: where it comes from, for the log.
    """

    placement: Placement
    x: ComplexArray
    record: Record
    finished: bool = False
    origin: str = ""

    @classmethod
    def of(
        cls, basis: Basis, x: ComplexArray, record: Record, *, finished: bool = False
    ) -> "Snapshot":
        """What a stage has reached now."""
        return cls(basis.placement(), x, record, finished)

    def put_on(self, basis: Basis) -> ComplexArray:
        """Make a basis hold the labels (collective); returns the state on it."""
        return basis.hold(self.placement, self.x)


class Stage(Protocol):
    """One stage of a job; all methods are collective."""

    def latest(self) -> Snapshot | None:
        """What an earlier job reached in this stage, None if nothing that can be used."""

    def offer(self, make: Callable[[], Snapshot]) -> None:
        """Offer what has been reached; it is made only if it is wanted now.

        Raises:
            Interrupted: the job is to stop; raised on all ranks of the stage.
        """

    def finish(self, make: Callable[[], Snapshot]) -> None:
        """Offer how the stage ended, so that it need not be run again."""


class Checkpoints(Protocol):
    """Hands out the stages of a job."""

    def stage(self, label: str, basis: Basis, *settings: object) -> Stage:
        """The next stage of this label; a job asks for its stages in the same order every time.

        Args:
            label: what is computed.
            basis: the basis it is computed on, by the same ranks.
            settings: what else tells this problem from others under the same label.
        """


class _NoStage:
    """Every run begins at the beginning."""

    def latest(self) -> None:
        """Nothing is kept."""

    def offer(self, make: Callable[[], Snapshot]) -> None:
        """Nothing is wanted."""

    def finish(self, make: Callable[[], Snapshot]) -> None:
        """Nothing is wanted."""


NO_STAGE: Stage = _NoStage()
"""Keeps nothing."""


class _NoCheckpoints:
    def stage(self, label: str, basis: Basis, *settings: object) -> Stage:
        """A stage of which nothing is kept."""
        return NO_STAGE


NO_CHECKPOINTS: Checkpoints = _NoCheckpoints()
"""Keeps nothing."""


class _Timed(_NoStage):
    """A stage that ends when the time is over, by the clock of the first of its ranks."""

    def __init__(self, label: str, basis: Basis, is_over: Callable[[], bool]) -> None:
        self._label, self._basis, self._is_over = label, basis, is_over

    def offer(self, make: Callable[[], Snapshot]) -> None:
        """See to the clock.

        Raises:
            OutOfTime: the time is over; raised on all ranks of the stage.
        """
        if self._basis.comm.bcast(self._is_over()):
            raise OutOfTime(self._label, self._basis.size)


class Deadline:
    """Keeps nothing, and ends what takes too long."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin now.

        Args:
            seconds: how long all stages may take together.
            clock: time in seconds, of the machine or of the process.
        """
        end = clock() + seconds
        self._is_over = lambda: clock() > end

    def stage(self, label: str, basis: Basis, *settings: object) -> Stage:
        """A stage of which nothing is kept."""
        return _Timed(label, basis, self._is_over)
