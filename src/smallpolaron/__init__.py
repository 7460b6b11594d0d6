"""Mobility of small polarons from exact dynamics of the Holstein model.

    import smallpolaron as sp

    crystal = sp.Lattice.ring(6, spacing_A=5)
    bath = sp.Debye(eta_cm=100, gamma_cm=50)
    model = sp.Model(lattice=crystal, hopping_cm=50, temperature_K=300, coupling=sp.Local(bath))
    run = sp.current_correlation(model, duration_fs=600)
    run.mobility()                       # 0.4822 ± … cm²/(V s)
    run.memory_kernel().cutoff_time()    # fs

Names are loaded when they are used; docs/api.md describes them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

NUMERICS_VERSION = 3
"""Raised whenever the same parameters would give different numbers; part of every point's id."""

_HOMES = {
    "api.lattice": ("Lattice",),
    "api.baths": (
        "Brownian",
        "CorrelationFunction",
        "Debye",
        "Ohmic",
        "SpectralDensity",
        "Trajectory",
        "Vibration",
        "Vibrations",
    ),
    "api.cost": ("Cost", "estimate_cost"),
    "api.couplings": ("SSH", "Bond", "Coupling", "Local"),
    "api.model": ("Disorder", "Model"),
    "api.energies": ("ModelError",),
    "api.tensor": ("MobilityTensor",),
    "api.runs": (
        "current_correlation",
        "displacement",
        "mobility",
        "mobility_tensor",
        "populations",
    ),
    "api.own_data": ("fit_conductivity", "memory_kernel", "own_correlation"),
    "api.collection": (
        "collect",
        "conductivity_models",
        "drude_smith",
        "finite_size",
        "kernel_moments",
        "population_kernel",
        "read_result",
    ),
    "api.outcome": ("Outcome", "rank"),
    "api.values": ("Value",),
    "analysis.ensemble": ("mean",),
    "hierarchy.limits": ("LimitReached",),
    "dynamics.linear": ("NotConverged",),
    "dynamics.evolve": ("PropagationFailed",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["NUMERICS_VERSION", "__version__", *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'smallpolaron' has no {name!r}; it has {', '.join(_HOME)}")
    value = getattr(import_module(f"smallpolaron.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return sorted({*globals(), *__all__})


if TYPE_CHECKING:
    from smallpolaron.analysis.ensemble import mean as mean
    from smallpolaron.api.baths import Brownian as Brownian
    from smallpolaron.api.baths import CorrelationFunction as CorrelationFunction
    from smallpolaron.api.baths import Debye as Debye
    from smallpolaron.api.baths import Ohmic as Ohmic
    from smallpolaron.api.baths import SpectralDensity as SpectralDensity
    from smallpolaron.api.baths import Trajectory as Trajectory
    from smallpolaron.api.baths import Vibration as Vibration
    from smallpolaron.api.baths import Vibrations as Vibrations
    from smallpolaron.api.collection import collect as collect
    from smallpolaron.api.collection import conductivity_models as conductivity_models
    from smallpolaron.api.collection import drude_smith as drude_smith
    from smallpolaron.api.collection import finite_size as finite_size
    from smallpolaron.api.collection import kernel_moments as kernel_moments
    from smallpolaron.api.collection import population_kernel as population_kernel
    from smallpolaron.api.collection import read_result as read_result
    from smallpolaron.api.cost import Cost as Cost
    from smallpolaron.api.cost import estimate_cost as estimate_cost
    from smallpolaron.api.couplings import SSH as SSH
    from smallpolaron.api.couplings import Bond as Bond
    from smallpolaron.api.couplings import Coupling as Coupling
    from smallpolaron.api.couplings import Local as Local
    from smallpolaron.api.energies import ModelError as ModelError
    from smallpolaron.api.lattice import Lattice as Lattice
    from smallpolaron.api.model import Disorder as Disorder
    from smallpolaron.api.model import Model as Model
    from smallpolaron.api.outcome import Outcome as Outcome
    from smallpolaron.api.outcome import rank as rank
    from smallpolaron.api.own_data import fit_conductivity as fit_conductivity
    from smallpolaron.api.own_data import memory_kernel as memory_kernel
    from smallpolaron.api.own_data import own_correlation as own_correlation
    from smallpolaron.api.runs import current_correlation as current_correlation
    from smallpolaron.api.runs import displacement as displacement
    from smallpolaron.api.runs import mobility as mobility
    from smallpolaron.api.runs import mobility_tensor as mobility_tensor
    from smallpolaron.api.runs import populations as populations
    from smallpolaron.api.tensor import MobilityTensor as MobilityTensor
    from smallpolaron.api.values import Value as Value
    from smallpolaron.dynamics.evolve import PropagationFailed as PropagationFailed
    from smallpolaron.dynamics.linear import NotConverged as NotConverged
    from smallpolaron.hierarchy.limits import LimitReached as LimitReached
