"""Registries: a name, a thing, and a helpful answer to a wrong name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Generic, TypeVar

from automlc.runtime.plugins import load_plugins
from automlc.spec.errors import AutomlcError

T = TypeVar("T")
U = TypeVar("U")


class Registry(Generic[T]):
    """Things of one kind by name, in the order in which they were added.

    What is shipped may be named before it is imported, so that a start pays for what it uses. A
    name that is not known yet is looked for in the installed plug-ins.

    >>> colors: Registry[str] = Registry("color")
    >>> _ = colors.add("red")("#f00")
    >>> colors.names(), colors.get("red")
    (('red',), '#f00')
    """

    def __init__(self, kind: str):
        self.kind = kind
        self._things: dict[str, T] = {}
        self._modules: dict[str, str] = {}  # of what is shipped: where it is registered

    def ship(self, package: str, modules: Mapping[str, str]) -> None:
        """Name what modules of a package register (name -> module); imported when asked for."""
        self._modules |= {name: f"{package}.{module}" for name, module in modules.items()}

    def add(self, name: str) -> Callable[[U], U]:
        """Decorator: register a class or function; it keeps its own type."""
        assert name not in self._things, f"there are two things called {self.kind} {name!r}"

        def register(thing: U) -> U:
            home = self._modules.get(name)
            is_own = home is None or getattr(thing, "__module__", None) == home
            assert is_own, f"{self.kind} {name!r} is shipped in {home}"
            self._things[name] = thing  # type: ignore[assignment]  # U is checked by its test suite
            return thing

        return register

    def names(self) -> tuple[str, ...]:
        return tuple({**self._modules, **self._things})

    def __contains__(self, name: object) -> bool:
        if name not in self._things and name not in self._modules:
            load_plugins()
        return name in self._things or name in self._modules

    def get(self, name: str) -> T:
        """The thing of that name; AutomlcError with the nearest name otherwise."""
        if name in self:
            if name not in self._things:
                import_module(self._modules[name])
            return self._things[name]
        from automlc.spec.suggest import nearest

        near = nearest(name, self.names())
        known = ", ".join(self.names())
        raise AutomlcError(
            f"no {self.kind} is called {name!r}",
            f"did you mean {near!r}?" if near else f"known: {known}",
        )
