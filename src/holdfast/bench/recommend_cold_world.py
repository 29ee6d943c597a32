"""A catalogue drawn by code: the taste for a look is in the pictures alone, the taste for a theme in the words alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import DAY_MICROS, Cutoff
from holdfast.core.interactions import Interactions, Items

CUTOFF = Cutoff.parse("2024-06-01T00:00:00Z")
HUES = ((214, 40, 40), (240, 180, 30), (60, 150, 60), (40, 110, 200), (130, 60, 160), (120, 120, 120))
SHAPES = ("disc", "square", "stripes", "checks")
THEMES = ("garden", "kitchen", "travel", "music", "winter", "office", "harbour", "circus")
#: Words that go with a theme, and words that go with none.
_OWN = 6
_COMMON = ("set", "small", "large", "gift", "box", "new", "classic", "hand", "made", "pair")


@dataclass(frozen=True)
class Drawn:
    """Interactions over the whole catalogue, and what every customer would like of every item."""

    past: Interactions
    utility: NDArray[np.float64]


def world(customers: int, items: int, folder: Path, *, look: float = 2.0, theme: float = 2.0, seed: int = 1) -> Drawn:
    """Each customer leans to one colour, one shape and one theme; chance does the rest. Pictures are written to `folder`."""
    from holdfast.recommend.content.images import need

    random = np.random.default_rng(seed)
    colour, shape, about = (random.integers(0, len(one), items) for one in (HUES, SHAPES, THEMES))
    image = need("PIL.Image")
    names = [f"i{place:05d}" for place in range(items)]
    for place, name in enumerate(names):
        image.fromarray(drawn(HUES[colour[place]], SHAPES[shape[place]], random)).save(folder / f"{name}.png")
    titles = [_title(THEMES[one], random) for one in about]
    catalogue = Items.named(names, title=titles, image=[f"{name}.png" for name in names])
    likes = [random.integers(0, len(one), customers) for one in (HUES, SHAPES, THEMES)]
    utility = look * (likes[0][:, None] == colour) + look / 2 * (likes[1][:, None] == shape)
    utility = utility + theme * (likes[2][:, None] == about)
    size = 4 + random.poisson(8, customers)
    choice = np.argsort(-(utility + random.gumbel(size=utility.shape)), axis=1)
    who = np.repeat(np.arange(customers), size)
    what = np.concatenate([choice[one, : size[one]] for one in range(customers)])
    at = CUTOFF.micros - (random.uniform(1, 90, len(who)) * DAY_MICROS).astype(np.int64)
    people = pa.array([f"c{one:05d}" for one in range(customers)], pa.string())
    return Drawn(Interactions.of(people, catalogue, CUTOFF, customer=who, item=what, occurred_at=at), utility)


def drawn(colour: tuple[int, int, int], shape: str, random: np.random.Generator, side: int = 48) -> NDArray[np.uint8]:
    """A thing on a white wall: somewhere, of some size, in some light."""
    y, x = np.mgrid[:side, :side]
    middle = side / 2 + random.uniform(-5, 5, 2)
    radius = random.uniform(0.28, 0.42) * side
    inside = np.hypot(y - middle[0], x - middle[1]) < radius
    square = np.maximum(abs(y - middle[0]), abs(x - middle[1])) < radius
    period = int(random.integers(6, 9))
    thing = {
        "disc": inside, "square": square, "stripes": square & ((x // (period // 2)) % 2 == 0),
        "checks": square & (((x // period) + (y // period)) % 2 == 0),
    }[shape]  # fmt: skip
    paint = np.array(colour) * random.uniform(0.8, 1.1) + random.normal(0, 8, (side, side, 3))
    wall = 250 + random.normal(0, 3, (side, side, 3))
    return np.clip(np.where(thing[..., None], paint, wall), 0, 255).astype(np.uint8)


def _title(theme: str, random: np.random.Generator) -> str:
    """Two of the theme's own words among three of nobody's."""
    own = [f"{theme}{one}" for one in random.choice(_OWN, 2, replace=False)]
    return " ".join(random.permutation([*own, *random.choice(_COMMON, 3, replace=False)]))
