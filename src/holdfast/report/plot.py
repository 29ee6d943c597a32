"""Charts as a frame of HTML with drawn paths inside: text keeps its size at any width, and nothing runs.

The paths live in an SVG that stretches with the page (`preserveAspectRatio="none"`) while their strokes do not;
ticks and labels are HTML placed by percent. A chart is a picture to a screen reader: the table behind it
(`parts.figure`) holds the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from holdfast.report.html import Html, el

Point = tuple[float, float]
Tick = tuple[float, str]


@dataclass(frozen=True)
class Axis:
    """A range of numbers, the ticks shown on it, and what it measures."""

    low: float
    high: float
    ticks: tuple[Tick, ...] = ()
    label: str = ""

    def at(self, value: float) -> float:
        """Where a value lies, 0 to 100.

        >>> Axis(10, 20).at(15)
        50.0
        """
        return 100 * (value - self.low) / ((self.high - self.low) or 1)


@dataclass
class Plot:
    """A chart being drawn: add bands, lines, dots and bars, then `html`."""

    x: Axis
    y: Axis
    label: str
    height: int = 280
    drawn: list[Html] = field(default_factory=list)
    over: list[Html] = field(default_factory=list)

    def line(self, points: Sequence[Point], kind: str) -> None:
        self.drawn.append(el("path", d=self._path(points), class_=f"line {kind}"))

    def band(self, low: Sequence[Point], high: Sequence[Point], kind: str) -> None:
        """The area between two lines."""
        if low:
            edge = self._path([*high, *reversed(low)])
            self.drawn.append(el("path", d=f"{edge}Z", class_=f"area {kind}"))

    def whisker(self, x: float, low: float, high: float, kind: str) -> None:
        """A vertical interval."""
        self.drawn.append(el("path", d=self._path([(x, low), (x, high)]), class_=f"whisker {kind}"))

    def dot(self, x: float, y: float, kind: str, tip: str = "", size: float = 9) -> None:
        """A dot that says `tip` when pointed at."""
        place = f"left:{self.x.at(x):.2f}%;bottom:{self.y.at(y):.2f}%;width:{size:.1f}px;height:{size:.1f}px"
        self.over.append(el("i", class_=f"dot {kind}", style=place, data_tip=tip or None))

    def bar(self, left: float, right: float, low: float, high: float, kind: str, tip: str = "") -> None:
        """An upright bar, in the units of the axes."""
        x0, x1, y0, y1 = self.x.at(left), self.x.at(right), self.y.at(low), self.y.at(high)
        if y1 > y0:
            place = f"left:{x0:.2f}%;width:{x1 - x0:.2f}%;bottom:{y0:.2f}%;height:{y1 - y0:.2f}%"
            self.over.append(el("i", class_=f"fill block {kind}", style=place, data_tip=tip or None))

    def html(self) -> Html:
        """The chart; `label` says what it shows to who cannot see it."""
        grid = [el("i", class_="grid", style=f"bottom:{self.y.at(v):.2f}%") for v, _ in self.y.ticks]
        ticks = [_tick("y", f"bottom:{self.y.at(v):.2f}%", words) for v, words in self.y.ticks]
        ticks += [
            _tick(_edge(self.x.at(v), i), f"left:{self.x.at(v):.2f}%", words) for i, (v, words) in self._x_ticks()
        ]
        box = {"viewBox": "0 0 100 100", "preserveAspectRatio": "none", "aria_hidden": "true", "focusable": "false"}
        return el(
            "div",
            el("div", self.y.label, class_="y-name") if self.y.label else None,
            el(
                "div",
                el(
                    "div", grid, el("svg", self.drawn, **box) if self.drawn else None, self.over, ticks, class_="inside"
                ),
                class_="frame",
                style=f"height:{self.height}px",
            ),
            el("div", self.x.label, class_="x-name") if self.x.label else None,
            class_="plot",
            role="img",
            aria_label=self.label,
        )

    def _x_ticks(self) -> list[tuple[int, Tick]]:
        """The ticks, numbered from the last; 0 throughout where all of them fit on a phone."""
        last = len(self.x.ticks) - 1
        return [(last - i if last > 4 else 0, tick) for i, tick in enumerate(self.x.ticks)]

    def _path(self, points: Sequence[Point]) -> str:
        return "M" + "L".join(f"{self.x.at(x):.2f} {100 - self.y.at(y):.2f}" for x, y in points)


def _tick(kind: str, place: str, words: str) -> Html:
    return el("span", words, class_=f"tick {kind}", style=place)


def _edge(at: float, place: int) -> str:
    """Labels at the ends stay inside the page; every other one is left out on a phone."""
    kind = "x first" if at < 4 else "x last" if at > 96 else "x"
    return f"{kind} minor" if place % 2 else kind


def round_ticks(high: float, most: int = 5) -> list[float]:
    """Round whole numbers from 0 to at least `high`, in at most so many steps.

    >>> round_ticks(873), round_ticks(4061)
    ([0.0, 200.0, 400.0, 600.0, 800.0, 1000.0], [0.0, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0])
    """
    if high <= 0:
        return [0.0, 1.0]
    size = 10.0 ** math.floor(math.log10(high))
    steps = [size * m for m in (0.1, 0.2, 0.25, 0.5, 1, 2) if (size * m).is_integer()]
    found = [(math.ceil(high / step), step) for step in steps]
    few = [(count * step, -step) for count, step in found if min(3, high) <= count <= most]
    top, step = min(few, default=(math.ceil(high), -1.0))  # the lowest top; of equal tops the widest step
    return [-step * i for i in range(round(top / -step) + 1)]


def share_axis(voice: Any, label: str = "", high: float = 1.0) -> Axis:
    """0% to 100%, or to a round share above `high`."""
    top = 1.0 if high > 0.6 else max(0.1, -(-high * 10 // 1) / 10)
    step = 0.25 if top == 1.0 else top / 4 if top in (0.2, 0.4) else 0.1
    ticks, at = [], 0.0
    while at <= top + 1e-9:
        ticks.append((at, voice.percent(at)))
        at += step
    return Axis(0.0, top, tuple(ticks), label)
