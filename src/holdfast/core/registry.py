"""One file plus one registration: how models, sources, features and rules are found.

A registry knows the package whose modules register into it and imports them all on first use, so that a
new file is enrolled by lying there, and every contract test walks over it by itself.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from holdfast.core.errors import UsageError

T = TypeVar("T")


def nearest(name: str, known: list[str]) -> str:
    """The remedy for a misspelt name.

    >>> nearest("lightgmb", ["lightgbm", "logistic"])
    "did you mean 'lightgbm'? Known: lightgbm, logistic"
    """
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}Known: {', '.join(known)}"


class Registry(Generic[T]):
    """Named things of one kind, each registered by the module that defines it.

    >>> colours: Registry[int] = Registry("colour")
    >>> colours.add("red", 1)
    1
    >>> colours["red"], list(colours)
    (1, ['red'])
    """

    def __init__(self, kind: str, package: str | None = None) -> None:
        self.kind = kind
        self._package = package
        self._things: dict[str, T] = {}
        self._loaded = package is None

    def add(self, name: str, thing: T) -> T:
        """Register one thing; the same name twice is a mistake."""
        if name in self._things and self._things[name] is not thing:
            raise UsageError(f"two things register as {self.kind} {name!r}", remedy="give one of them another name")
        self._things[name] = thing
        return thing

    def register(self, name: str) -> Callable[[T], T]:
        """The same as a decorator."""
        return lambda thing: self.add(name, thing)

    def load(self) -> Registry[T]:
        """Import every module of the package, once."""
        if not self._loaded and self._package is not None:
            self._loaded = True
            root = importlib.import_module(self._package)
            for module in sorted(info.name for info in pkgutil.walk_packages(root.__path__, f"{self._package}.")):
                importlib.import_module(module)
        return self

    def __getitem__(self, name: str) -> T:
        self.load()
        if name not in self._things:
            raise UsageError(f"unknown {self.kind} {name!r}", remedy=nearest(name, sorted(self._things)))
        return self._things[name]

    def __iter__(self) -> Iterator[str]:
        self.load()
        return iter(sorted(self._things))

    def __len__(self) -> int:
        return len(self.load()._things)

    def __contains__(self, name: object) -> bool:
        self.load()
        return name in self._things

    def items(self) -> list[tuple[str, T]]:
        return [(name, self[name]) for name in self]
