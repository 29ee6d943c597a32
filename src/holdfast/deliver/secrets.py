"""Secrets come from the environment, by the name that the config gives; they are read when used and kept nowhere."""

from __future__ import annotations

import os

from holdfast.core.errors import ConfigError


def secret(variable: str, where: str) -> str:
    """The value of an environment variable; raises `ConfigError` that names the variable and never its value.

    >>> secret("HOLDFAST_NO_SUCH_SECRET", "channels.toml, [mail]")
    Traceback (most recent call last):
    holdfast.core.errors.ConfigError: the environment variable HOLDFAST_NO_SUCH_SECRET is not set (channels.toml, [mail])...
    """
    value = os.environ.get(variable, "") if variable else ""
    if not value:
        raise ConfigError(
            f"the environment variable {variable or '(none named)'} is not set",
            where=where,
            remedy="set it where Holdfast runs; secrets are never written into files",
        )
    return value
