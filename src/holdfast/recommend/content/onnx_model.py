"""Image vectors by a model in the ONNX format, named by the user and run on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.recommend.content.images import need, read

#: What networks trained on ImageNet expect, by channel.
_MEAN = np.array([0.485, 0.456, 0.406])
_DEVIATION = np.array([0.229, 0.224, 0.225])
#: Side where the model leaves it open.
_SIDE = 224
_BATCH = 32


def vectors_by(model: str, paths: Sequence[Path]) -> list[NDArray[np.float32] | None]:
    """One vector a picture, the model's first output averaged over places; None where a file is no picture.

    The model takes one batch of pictures, channels first or last; raises `UsageError` where it does not, or is not there.
    """
    session = _open(model)
    taken = session.get_inputs()[0]
    shape = [one if isinstance(one, int) else None for one in taken.shape]
    if len(session.get_inputs()) != 1 or len(shape) != 4 or 3 not in (shape[1], shape[3]):
        raise UsageError(
            f"the model takes {taken.name} of shape {taken.shape}, not one batch of pictures", where=model,
            remedy="name a model that takes (pictures x 3 x height x width)",
        )  # fmt: skip
    first = shape[1] == 3
    height, width = (one or _SIDE for one in (shape[2:] if first else shape[1:3]))
    pictures = {at: one for at, path in enumerate(paths) if (one := read(path, width, height)) is not None}
    found: list[NDArray[np.float32] | None] = [None] * len(paths)
    real = list(pictures)
    at_once = shape[0] or _BATCH
    for start in range(0, len(real), at_once):
        block = real[start : start + at_once]
        batch = np.stack([(pictures[at] / 255.0 - _MEAN) / _DEVIATION for at in block]).astype(np.float32)
        batch = batch.transpose(0, 3, 1, 2) if first else batch
        # a model of a fixed batch is fed whole batches; the filling is thrown away
        fed = np.concatenate([batch, np.zeros((at_once - len(block), *batch.shape[1:]), np.float32)])
        out = session.run(None, {taken.name: fed if shape[0] else batch})[0]
        for at, vector in zip(block, _flat(out), strict=False):
            found[at] = vector
    return found


def _open(model: str) -> Any:
    runtime = need("onnxruntime")
    if not model or not Path(model).is_file():
        raise UsageError("the image model is not there", where=model or None, remedy="set image_model to an .onnx file")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the same digits on every machine
    try:
        return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has a class of its own for every way a file can be wrong
        raise UsageError("the image model cannot be read", where=model, remedy="export it to ONNX again") from error


def _flat(out: NDArray[Any]) -> NDArray[np.float32]:
    """(pictures x size): places averaged, of (x, size, height, width) or (x, places, size)."""
    if out.ndim == 4:
        out = out.mean(axis=(2, 3))
    elif out.ndim == 3:
        out = out.mean(axis=1)
    return np.asarray(out.reshape(len(out), -1), np.float32)
