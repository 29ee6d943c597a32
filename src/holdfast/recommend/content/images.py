"""A vector for each image: colour and texture, by numpy alone, or whatever an ONNX model says.

Images are files of this machine; nothing is ever fetched, neither a picture by address nor a model.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.interactions import Items

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]
HOW = ("none", "descriptors", "onnx")
#: Side of the square that descriptors are read from.
SIDE = 64
_HUES, _SATURATIONS, _VALUES, _ANGLES, _CODES = 12, 3, 3, 8, 10
#: A pixel so far (of 255) from the colour of the border is the thing and not the wall behind it.
_FOREGROUND = 24


def need(module: str) -> Any:
    """A library of the extra `images`, or a clear refusal."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(f"images need {module.split('.')[0]}", remedy="pip install 'holdfast[images]'") from error


def image_vectors(items: Items, how: str, *, folder: str = "", model: str = "") -> Floats | None:
    """(items x size); a row of NaN where the catalogue names no readable image. None where there is nothing to read.

    `how` is none, descriptors or onnx; `folder` is where relative names of `items.image` start.
    """
    if how not in HOW:
        raise UsageError(f"images = {how!r}", remedy=f"one of: {', '.join(HOW)}")
    names = items.image.to_pylist()
    if how == "none" or not any(names):
        return None
    at = [place for place, name in enumerate(names) if name and (Path(folder) / name).is_file()]
    if not at:
        return None
    paths = [Path(folder) / names[place] for place in at]
    if how == "descriptors":
        one = [None if (pixels := read(path, SIDE, SIDE)) is None else descriptor(pixels) for path in paths]
    else:
        from holdfast.recommend.content.onnx_model import vectors_by

        one = vectors_by(model, paths)
    size = next((len(vector) for vector in one if vector is not None), 0)
    found = np.full((len(items), size), np.nan, np.float32)
    for place, vector in zip(at, one, strict=True):
        if vector is not None:
            found[place] = vector
    return found if size else None


def read(path: Path, width: int, height: int) -> Pixels | None:
    """The picture as (height x width x 3), clear parts as white; None where the file is no picture."""
    image = need("PIL.Image")
    try:
        with image.open(path) as opened:
            picture = opened.convert("RGBA")
    except (OSError, ValueError, image.DecompressionBombError):
        return None
    wall = image.new("RGBA", picture.size, (255, 255, 255, 255))
    flat = image.alpha_composite(wall, picture).convert("RGB")
    return np.asarray(flat.resize((width, height), image.Resampling.BILINEAR), np.uint8)


def descriptor(pixels: Pixels) -> Floats:
    """Colour of the thing (HSV histogram), its texture (local binary patterns) and its edges; 150 numbers.

    Each histogram is square-rooted, so that its length is 1 and a dot product is the Hellinger affinity. Local binary
    patterns: Ojala, Pietikäinen & Mäenpää (2002), rotation-invariant and uniform; edges as in Dalal & Triggs (2005).

    >>> red = np.full((8, 8, 3), [255, 0, 0], np.uint8)
    >>> descriptor(red).shape, float(descriptor(red) @ descriptor(red)).__round__(3)
    ((150,), 2.0)
    """
    grey = pixels.astype(np.float64) @ [0.299, 0.587, 0.114]
    parts = [_colours(pixels), _patterns(grey), _edges(grey)]
    return np.concatenate([np.sqrt(one / max(one.sum(), 1e-12)) for one in parts]).astype(np.float32)


def _colours(pixels: Pixels) -> NDArray[np.float64]:
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]).astype(np.float64)
    off = np.abs(pixels - np.median(border, axis=0)).max(axis=2)
    thing = off > _FOREGROUND
    chosen = pixels[thing] if thing.mean() > 0.02 else pixels.reshape(-1, 3)
    hue, saturation, value = _hsv(chosen / 255.0)
    at = (
        np.minimum((hue * _HUES).astype(int), _HUES - 1) * _SATURATIONS * _VALUES
        + np.minimum((saturation * _SATURATIONS).astype(int), _SATURATIONS - 1) * _VALUES
        + np.minimum((value * _VALUES).astype(int), _VALUES - 1)
    )
    return np.bincount(at, minlength=_HUES * _SATURATIONS * _VALUES).astype(np.float64)


def _hsv(colour: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Hue, saturation and value in [0, 1] (Smith 1978); hue of grey is 0."""
    value, low = colour.max(axis=1), colour.min(axis=1)
    spread = value - low
    safe = np.where(spread > 0, spread, 1)
    red, green, blue = colour.T
    turn = np.select(
        [value == red, value == green], [((green - blue) / safe) % 6, (blue - red) / safe + 2], (red - green) / safe + 4
    )
    hue = np.where(spread > 0, turn / 6, 0)
    return hue, np.where(value > 0, spread / np.where(value > 0, value, 1), 0), value


def _patterns(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    middle = grey[1:-1, 1:-1]
    ring = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
    height, width = middle.shape
    over = np.stack([grey[y : y + height, x : x + width] >= middle for y, x in ring])
    turns = (over != np.roll(over, 1, axis=0)).sum(axis=0)
    code = np.where(turns <= 2, over.sum(axis=0), _CODES - 1)
    return np.bincount(code.ravel(), minlength=_CODES).astype(np.float64)


def _edges(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """Strength of edges by direction, in each quarter of the picture; a picture without edges is all zeros."""
    down, across = np.gradient(grey)
    strength = np.hypot(down, across)
    angle = np.minimum((np.arctan2(down, across) % np.pi / np.pi * _ANGLES).astype(int), _ANGLES - 1)
    height, width = grey.shape
    quarter = (np.arange(height)[:, None] * 2 // height) * 2 + np.arange(width)[None, :] * 2 // width
    place = (quarter * _ANGLES + angle).ravel()
    return np.asarray(np.bincount(place, strength.ravel(), minlength=4 * _ANGLES), np.float64)
