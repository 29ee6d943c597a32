"""One thread for small linear algebra: faster than two that wait for each other, and the same digits everywhere."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


@functools.cache
def _controller() -> Any:
    """The BLAS libraries of this process; finding them takes milliseconds, so they are looked up once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def one_thread(function: F) -> F:
    """Run a function with a single BLAS thread.

    Sums over threads differ in the last digit from machine to machine; a release must not.

    >>> import numpy as np
    >>> one_thread(lambda a: float(a @ a))(np.ones(3))
    3.0
    """

    @functools.wraps(function)
    def alone(*args: Any, **options: Any) -> Any:
        with _controller().limit(limits=1, user_api="blas"):
            return function(*args, **options)

    return cast(F, alone)
