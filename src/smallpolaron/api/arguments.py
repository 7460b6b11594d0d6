"""Arguments that a public class or function does not know, or misses: said in its own words."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from smallpolaron.api.energies import ModelError
from smallpolaron.support.key_names import nearest
from smallpolaron.support.problems import MISSING, Problem

Called = TypeVar("Called", bound=Callable[..., Any])


def explained(called: Called) -> Called:
    """Decorate a dataclass or function: calls that do not fit it raise a ModelError.

    Python's own TypeError names the argument that is wrong, but not the one that was meant:
    ``Debye(eta=3)`` needs eta_cm or eta_meV.
    """
    if isinstance(called, type):
        made = vars(called)["__init__"]
        type.__setattr__(called, "__init__", _checked(made, called.__name__))
        return called
    return _checked(called, called.__name__)  # type: ignore[return-value]


def _checked(function: Callable[..., Any], title: str) -> Callable[..., Any]:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            problems = list(_problems(signature, args, kwargs))
            raise ModelError(title, problems or [Problem("", MISSING, str(error))]) from None
        return function(*args, **kwargs)

    return wrapper


def _problems(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> list[Problem]:
    """Return what is unknown, and if nothing is, what is missing."""
    names = [name for name in signature.parameters if name != "self"]
    unknown = [name for name in kwargs if name not in names]
    found = []
    for name in unknown:
        units = [each for each in names if each.startswith(f"{name}_")]
        close = nearest(name, names)
        meant = units or ([close] if close else [])
        allowed = f"is no argument; arguments: {', '.join(names)}"
        advice = f"say {' or '.join(f'{each}=' for each in meant)}" if meant else ""
        found.append(Problem(name, kwargs[name], allowed, advice))
    if found:
        return found
    positional = len([None for name in names if _by_place(signature, name)])
    given = len(args) - ("self" in signature.parameters)
    if given > positional:
        allowed = f"at most {positional} are given without a name" if positional else ""
        allowed = allowed or "every argument is given with its name"
        return [Problem("arguments", f"{given} without a name", allowed, f"say {names[0]}=…")]
    return [
        Problem(name, MISSING, f"must be given; arguments: {', '.join(names)}")
        for place, name in enumerate(names)
        if place >= given
        and name not in kwargs
        and signature.parameters[name].default is inspect.Parameter.empty
        and signature.parameters[name].kind is not inspect.Parameter.VAR_KEYWORD
    ]


def _by_place(signature: inspect.Signature, name: str) -> bool:
    kind = signature.parameters[name].kind
    return kind in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    )
