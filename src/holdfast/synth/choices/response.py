"""Who responds to what: corners, humps and ramps over two features each; no model that we fit has this form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Term:
    """One planted pattern over features `a` and `b`; its values lie between 0 and 1."""

    kind: str
    a: int
    b: int
    at: float
    beside: float
    up: bool

    def __call__(self, u: Floats) -> Floats:
        a, b = u[:, self.a], u[:, self.b]
        b = b if self.up else 1 - b
        if self.kind == "corner":
            return np.asarray(((a > self.at) & (b > self.beside)).astype(np.float64))
        if self.kind == "hump":
            around = np.clip(1 - ((a - self.at) / 0.35) ** 2, 0.0, None)
            return np.asarray(around * np.where(b > self.beside, 1.0, 0.2))
        return np.asarray(np.clip(a - 0.2, 0.0, None) / 0.8 * b**0.5)


def draw(random: np.random.Generator, kinds: tuple[str, ...] = ("corner", "hump", "ramp")) -> Term:
    """A pattern at random: two different features, a threshold each."""
    a, b = random.choice(10, 2, replace=False)
    kind = kinds[int(random.integers(len(kinds)))]
    at, beside = random.uniform(0.3, 0.65, 2)
    return Term(kind, int(a), int(b), float(at), float(beside), bool(random.random() < 0.5))


@dataclass(frozen=True)
class Nature:
    """What does not depend on the arm: P(order) if nothing is done, and the mean margin of an order."""

    active: Term
    loyal: Term
    rich: Term

    @classmethod
    def of(cls, random: np.random.Generator) -> Nature:
        return cls(draw(random), draw(random), draw(random, ("hump", "ramp")))

    def orders(self, u: Floats) -> Floats:
        """Falls with silence, differently for the loyal."""
        silence = 1 / (1 + (u[:, 0] / 0.6) ** 4)
        return np.asarray(0.04 + 0.45 * silence * (0.4 + 0.6 * self.active(u)) + 0.2 * self.loyal(u) * (1 - u[:, 0]))

    def margins(self, u: Floats, margin: float) -> Floats:
        raw = 0.4 + 1.2 * u[:, 2] ** 3 + 0.6 * self.rich(u)
        return np.asarray(margin * raw / 0.95)


@dataclass(frozen=True)
class Response:
    """How one arm changes P(order): up to `benefit` for some, down to `harm` for others, `base` for all."""

    base: float
    benefit: float
    harm: float
    help: tuple[Term, Term]
    hurt: Term

    @classmethod
    def of(cls, random: np.random.Generator, base: float, benefit: float, harm: float) -> Response:
        return cls(base, benefit, harm, (draw(random), draw(random)), draw(random))

    def __call__(self, u: Floats) -> Floats:
        """Between -1 and 1 for each customer."""
        gain = 0.75 * self.help[0](u) + 0.25 * self.help[1](u)
        return np.asarray(self.base + self.benefit * gain - self.harm * self.hurt(u))
