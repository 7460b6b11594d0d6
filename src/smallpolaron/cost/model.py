"""The cost model: fits of finished jobs, kept in one file with the machine they ran on."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from math import sqrt
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter
from scipy import sparse

from smallpolaron.cost.features import Family
from smallpolaron.support.files import read_json, write_text

RealArray = NDArray[np.float64]


@dataclass(frozen=True)
class Regression:
    """A fitted logarithm.

    Attributes:
        names: features, by name.
        coefficients: one per feature.
        spread: standard deviation of the residuals of systems left out of the fit.
        covariance: of the coefficients, in units of the squared spread, shape (f, f).
    """

    names: tuple[str, ...]
    coefficients: tuple[float, ...]
    spread: float
    covariance: tuple[tuple[float, ...], ...]

    def at(self, values: Mapping[str, float]) -> float:
        """Return the expected logarithm."""
        return float(np.dot(self.coefficients, self._row(values)))

    def deviation(self, values: Mapping[str, float]) -> float:
        """Return its standard deviation; it grows away from the jobs that were fitted."""
        return sqrt(self.spread**2 + self.shared(values, values))

    def shared(self, values: Mapping[str, float], others: Mapping[str, float]) -> float:
        """Return the covariance of two jobs that uncertain coefficients cause."""
        inner = self._row(values) @ np.asarray(self.covariance) @ self._row(others)
        return self.spread**2 * float(inner)

    def _row(self, values: Mapping[str, float]) -> RealArray:
        return np.array([values[name] for name in self.names])


Quantity = Literal["labels", "frontier", "products", "rate"]

MODEL_FILE: Final = Path(__file__).with_name("cost_model.json")
SCHEMA: Final = "smallpolaron-cost-model"
LARGEST_FILE: Final = 10_000_000
"""Bytes of a cost model at most."""


class CostModelError(ValueError):
    """A cost model that cannot be used or made; the message says why and what to do."""


@dataclass(frozen=True)
class FamilyModel:
    """What is known about one family of jobs.

    Attributes:
        records: jobs it was fitted to.
        systems: different systems among them.
        fits: fits of logarithms: ``labels``, the largest basis over the copies that symmetry would
            save; ``frontier``, estimated error over threshold; ``products`` of the stored run;
            ``rate``, seconds of the job per label and product.
        base_MB: memory of a rank without labels, 10^6 bytes.
        bytes_per_label: memory per label.
        file_bytes: size of a result file beyond its arrays.
    """

    records: int
    systems: int
    fits: Mapping[Quantity, Regression]
    base_MB: float
    bytes_per_label: float
    file_bytes: float

    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class CostModel:
    """The fits of all families.

    Attributes:
        machine: processor of the jobs.
        studies: names of the studies that they belong to.
        speed: speed of one of its cores; see core_speed.
        start_s: processor time of an empty job, s.
        families: one model per family.
    """

    machine: str
    studies: tuple[str, ...]
    speed: float
    start_s: float
    families: Mapping[Family, FamilyModel]

    def family(self, family: Family) -> FamilyModel:
        """Return the model of a family.

        Raises:
            CostModelError: no job of that family was fitted.
        """
        try:
            return self.families[family]
        except KeyError:
            known = ", ".join(self.families) or "none"
            raise CostModelError(
                f"the cost model knows no jobs of family {family} (it knows: {known}); calibrate "
                "it with finished ones: python -m benchmarks.cost calibrate FOLDER"
            ) from None


def write_model(path: Path, model: CostModel) -> None:
    """Write a cost model as JSON, replacing the file in one step."""
    content = {"schema": SCHEMA, **asdict(model)}
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


@lru_cache(maxsize=4)
def read_model(path: Path = MODEL_FILE) -> CostModel:
    """Read a cost model.

    Raises:
        CostModelError: the file is missing or damaged.
    """
    try:
        data = read_json(path, LARGEST_FILE)
        return TypeAdapter(CostModel).validate_python(
            {key: value for key, value in data.items() if key != "schema"}
        )
    except (OSError, AttributeError, ValueError) as error:
        raise CostModelError(
            f"{path}: no cost model ({' '.join(str(error).split())}); make it again: "
            "python -m benchmarks.cost calibrate FOLDER"
        ) from error


ROWS: Final = 50_000
PER_ROW: Final = 5
SECONDS: Final = 1.0
PARTS: Final = 5
"""The fastest of so many parts counts: other load slows memory down."""


def core_speed(seconds: float = SECONDS) -> float:
    """Return products with one entry of a sparse matrix per second of processor time, one core.

    Processor time, because other load on the machine makes wall time longer.
    """
    rng = np.random.default_rng(1)
    columns = rng.integers(0, ROWS, ROWS * PER_ROW)
    values = rng.normal(size=ROWS * PER_ROW) + 1j * rng.normal(size=ROWS * PER_ROW)
    starts = PER_ROW * np.arange(ROWS + 1)
    matrix = sparse.csr_matrix((values, columns, starts), shape=(ROWS, ROWS))
    state = np.ones(ROWS, dtype=complex)
    rates = []
    for _ in range(PARTS):
        began, products = time.process_time(), 0
        while time.process_time() - began < seconds / PARTS:
            image = matrix @ state
            state = image / np.linalg.norm(image)
            products += 1
        rates.append(products / (time.process_time() - began))
    return max(rates) * ROWS * PER_ROW
