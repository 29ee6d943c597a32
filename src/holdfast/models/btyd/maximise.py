"""Maximum likelihood by Newton's method in a trust region: few evaluations, the same digits every time.

The gradient is exact; the curvature is its difference quotient. Directions in which the likelihood is not concave are
followed by their absolute curvature, so that a start far away still climbs (Nocedal & Wright 2006, chapter 4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from holdfast.core.threads import one_thread
from holdfast.models.btyd.rows import Floats

#: theta -> (log-likelihood, its gradient).
Objective = Callable[[Floats], tuple[float, Floats]]
_STEPS = 200
#: A gain in log-likelihood below this is none: it moves parameters by a thousandth of their standard error.
_ENOUGH = 1e-7
_RADIUS = 2.0


@dataclass(frozen=True)
class Optimum:
    """Where the likelihood is largest, its value and its curvature (negative definite inside the box)."""

    theta: Floats
    value: float
    curvature: Floats
    at_edge: tuple[bool, ...]
    converged: bool

    def rescaled(self, scales: Sequence[float]) -> Optimum:
        """The same optimum with the first parameters (logs) measured in units `scales` times smaller."""
        theta = self.theta.copy()
        theta[: len(scales)] += np.log(scales)
        return replace(self, theta=theta)

    def covariance(self) -> Floats:
        """Inverse of the observed information; NaN for what it does not identify."""
        size = len(self.theta)
        found = np.full((size, size), np.nan)
        inner = ~np.array(self.at_edge)
        information = -self.curvature[np.ix_(inner, inner)]
        if not inner.any() or not np.isfinite(information).all():
            return found
        bend = np.linalg.eigvalsh(information)
        if bend[0] > 1e-9 * max(1.0, bend[-1]):
            found[np.ix_(inner, inner)] = np.linalg.inv(information)
        return found


@one_thread
def maximise(objective: Objective, starts: Sequence[Floats], low: Floats, high: Floats, *, climbs: int = 2) -> Optimum:
    """The best end of climbs from the `climbs` best starts, inside the box [low, high]."""
    inside = [np.clip(np.asarray(one, np.float64), low, high) for one in starts]
    values = [objective(one)[0] for one in inside]
    best = sorted(range(len(inside)), key=lambda at: -np.nan_to_num(values[at], nan=-np.inf))[:climbs]
    found = [_climb(objective, inside[at], low, high) for at in best]
    theta, value, converged = max(found, key=lambda one: one[1])
    return polish(objective, theta, value, low, high, converged)


@one_thread
def polish(
    objective: Objective, theta: Floats, value: float, low: Floats, high: Floats, converged: bool
) -> Optimum:  # fmt: skip
    """The last step with a curvature from central differences, which standard errors then use."""
    curvature = curve(objective, theta, central=True)
    _, gradient = objective(theta)
    free = _free(theta, gradient, low, high)
    step = np.zeros(len(theta))
    step[free], _ = _step(gradient[free], curvature[np.ix_(free, free)], 0.1)
    tried = np.clip(theta + step, low, high)
    new = objective(tried)[0]
    if new >= value:
        theta, value = tried, new
    edge = tuple(bool(one) for one in (theta <= low + 1e-9) | (theta >= high - 1e-9))
    return Optimum(theta, value, curvature, edge, converged)


def curve(objective: Objective, theta: Floats, *, central: bool = False) -> Floats:
    """Second derivatives as difference quotients of the gradient."""
    size, step = len(theta), 1e-4
    found = np.empty((size, size))
    _, here = objective(theta) if not central else (0.0, np.zeros(size))
    for at in range(size):
        move = np.zeros(size)
        move[at] = step
        _, ahead = objective(theta + move)
        found[at] = (ahead - objective(theta - move)[1]) / (2 * step) if central else (ahead - here) / step
    return np.asarray((found + found.T) / 2)


def _climb(objective: Objective, theta: Floats, low: Floats, high: Floats) -> tuple[Floats, float, bool]:
    value, gradient = objective(theta)
    radius = _RADIUS
    curvature = curve(objective, theta)
    for _ in range(_STEPS):
        free = _free(theta, gradient, low, high)
        if not free.any():
            return theta, value, True
        step = np.zeros(len(theta))
        step[free], promised = _step(gradient[free], curvature[np.ix_(free, free)], radius)
        tried = np.clip(theta + step, low, high)
        if promised < _ENOUGH or radius < 1e-8:
            return theta, value, True
        new, new_gradient = objective(tried)
        kept = new > value
        radius = _next_radius(radius, (new - value) / promised if np.isfinite(new) else -1.0, step)
        if kept:
            theta, value, gradient = tried, new, new_gradient
            curvature = curve(objective, theta)
    return theta, value, False


def _next_radius(radius: float, ratio: float, step: Floats) -> float:
    if not ratio > 0.25:
        return 0.25 * min(radius, float(np.linalg.norm(step)))
    at_rim = float(np.linalg.norm(step)) > 0.9 * radius
    return min(8.0, 2 * radius) if ratio > 0.75 and at_rim else radius


def _free(theta: Floats, gradient: Floats, low: Floats, high: Floats) -> np.ndarray:
    """Coordinates that may move: not those at an edge whose gradient points outside."""
    return np.asarray(~(((theta <= low) & (gradient < 0)) | ((theta >= high) & (gradient > 0))))


def _step(gradient: Floats, curvature: Floats, radius: float) -> tuple[Floats, float]:
    """The Newton step with absolute curvatures, cut to the radius, and the gain it promises."""
    bend, axes = np.linalg.eigh(-curvature)
    along = axes.T @ gradient
    size = np.maximum(np.abs(bend), 1e-10 * max(1e-300, float(np.abs(bend).max())) + 1e-300)
    moved = along / size
    length = float(np.linalg.norm(moved))
    if length > radius:
        moved = moved * (radius / length)
    return axes @ moved, float(along @ moved - 0.5 * (size * moved) @ moved)
