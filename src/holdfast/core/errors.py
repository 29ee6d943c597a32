"""What can go wrong, as a tree. Every message says what was wrong, where, and what to do.

HoldfastError                 exit 1   anything that is not named below
├── UsageError                exit 2   the call does not make sense
│   └── ConfigError           exit 2   holdfast.toml does not make sense
├── InputRefused              exit 3   a file or folder refused whole; nothing was changed
├── TooLittleData             exit 4   the question cannot be answered from this history
├── StateError                exit 1   the shop folder is locked, damaged or not a shop
└── LeakError                 exit 1   somebody tried to look past a cutoff
"""

from __future__ import annotations

from typing import ClassVar


class HoldfastError(Exception):
    """A failure that a person can act on.

    >>> print(InputRefused("the file is empty", where="orders.csv", remedy="export it again"))
    the file is empty (orders.csv). To fix it: export it again
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(what)

    def __str__(self) -> str:
        text = self.what if self.where is None else f"{self.what} ({self.where})"
        return text if self.remedy is None else f"{text}. To fix it: {self.remedy}"

    def as_dict(self) -> dict[str, str | int | None]:
        """The same for a program: what `--json` prints when a command fails."""
        return {
            "error": type(self).__name__,
            "what": self.what,
            "where": self.where,
            "remedy": self.remedy,
            "exit_code": self.exit_code,
        }


class UsageError(HoldfastError):
    """The call does not make sense: a wrong argument, an unknown name."""

    exit_code = 2


class ConfigError(UsageError):
    """`holdfast.toml` does not make sense."""


class InputRefused(HoldfastError):
    """A file was refused whole, and nothing was changed."""

    exit_code = 3


class TooLittleData(HoldfastError):
    """The history is too short or too thin to answer the question."""

    exit_code = 4


class StateError(HoldfastError):
    """The shop folder is locked by another process, damaged, or not a shop."""


class LeakError(HoldfastError):
    """A slice was asked for that would let a model see past its cutoff."""
