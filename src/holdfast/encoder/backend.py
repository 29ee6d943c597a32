"""PyTorch, where it is installed, made to give the same digits every time."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from holdfast.core.errors import UsageError


def need(module: str = "torch") -> Any:
    """The module, or an error that says how to get it.

    >>> need("no_such_module")
    Traceback (most recent call last):
    holdfast.core.errors.UsageError: sequence models need no_such_module. To fix it: run: pip install 'holdfast[deep]'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(f"sequence models need {module}", remedy="run: pip install 'holdfast[deep]'") from error


def available() -> bool:
    """Whether both libraries of the extra `deep` can be imported."""
    return all(find_spec(one) is not None for one in ("torch", "safetensors"))


def device() -> str:
    """`cuda` where there is one, else `cpu`."""
    return "cuda" if need().cuda.is_available() else "cpu"


@contextmanager
def settled(seed: int, threads: int) -> Iterator[Any]:
    """Torch with one seed, deterministic kernels and so many threads; everything is put back afterwards."""
    torch = need()
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = importlib.import_module("torch.utils.deterministic")
    filled = memory.fill_uninitialized_memory
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True, warn_only=device() == "cuda")
        memory.fill_uninitialized_memory = False  # nothing here reads what it has not written; filling costs a tenth
        try:
            yield torch
        finally:
            memory.fill_uninitialized_memory = filled
            torch.set_num_threads(before[0])
            torch.use_deterministic_algorithms(before[1], warn_only=warned)


def mixed_precision(where: str) -> Any:
    """bfloat16 where the hardware is made for it; plain float32 on a CPU, where the digits must not change."""
    return need().autocast(where, dtype=need().bfloat16, enabled=where == "cuda")
