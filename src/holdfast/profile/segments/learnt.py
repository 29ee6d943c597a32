"""Segments that the data itself suggests: k-means or a Gaussian mixture, as many as resampling finds again.

Stability alone will not do: two halves are the most stable cut of almost anything, and cutting a round cloud along its
longest axis is stable, too. So stability says which numbers of groups may be had at all, and the most detailed of them
is kept that lies nearly as far apart as the best: it stops at islands where there are any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import TooLittleData
from holdfast.core.tables import FeatureTable
from holdfast.core.text import Text
from holdfast.profile.segments.measures import Difference, Scaler, differences, name_segments
from holdfast.profile.segments.stability import Stability, stability
from holdfast.profile.settings import SegmentSettings

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
#: Fewer customers than this are better looked at one by one.
LEAST = 60
#: A mixture may not collapse onto customers who are alike in one measure.
_LEAST_VARIANCE = 0.1
_MOST_MIXED = 6
#: More groups are worth having while they lie nearly as far apart as the best number does.
_AS_APART = 0.8


@dataclass(frozen=True, eq=False)
class Gaussians:
    """Groups as centres with a spread along each measure; without `variance` the nearest centre decides (k-means)."""

    centre: Floats
    variance: Floats | None = None
    weight: Floats | None = None

    def __call__(self, rows: Floats) -> Whole:
        """The group of each row."""
        distance = (rows[:, None, :] - self.centre) ** 2
        if self.variance is None or self.weight is None:
            return np.asarray(distance.sum(axis=2).argmin(axis=1), np.int64)
        density = -0.5 * (distance / self.variance + np.log(self.variance)).sum(axis=2) + np.log(self.weight)
        return np.asarray(density.argmax(axis=1), np.int64)

    def ordered(self, order: Whole) -> Gaussians:
        """The same groups with other numbers."""
        spread = None if self.variance is None else self.variance[order]
        return Gaussians(self.centre[order], spread, None if self.weight is None else self.weight[order])


@dataclass(frozen=True, eq=False)
class _Try:
    """One method and number of groups that came back."""

    method: str
    groups: Gaussians
    held: Stability
    separation: float


@dataclass(frozen=True, eq=False)
class Learnt:
    """Fitted segments: their names and titles, what sets each apart, how stable they are, how far apart they lie."""

    scaler: Scaler
    groups: Gaussians
    method: str
    names: tuple[str, ...]
    titles: tuple[Text, ...]
    apart: tuple[tuple[Difference, ...], ...]
    stability: Stability
    separation: float
    tried: tuple[dict[str, Any], ...]

    def assign(self, table: FeatureTable) -> list[str]:
        """The segment of each customer, at this or any other cutoff."""
        return [self.names[one] for one in self.codes(table).tolist()]

    def codes(self, table: FeatureTable) -> Whole:
        """The same as places in `names`."""
        return self.groups(self.scaler.columns(table))

    def as_dict(self) -> dict[str, Any]:
        """For JSON: how they were learnt."""
        return {
            "method": self.method, "count": len(self.names), "separation": self.separation,
            "stability": self.stability.as_dict(), "features": [one.name for one in self.scaler.measures],
            "tried": [dict(one) for one in self.tried],
        }  # fmt: skip


def learn(table: FeatureTable, settings: SegmentSettings | None = None, *, seed: int = 1) -> Learnt:
    """As many groups as all come back when customers are drawn anew (Jaccard), and lie nearly as far apart as the best.

    Of several such numbers the largest is kept, k-means where the methods tie.

    Raises `TooLittleData` where there are too few customers, nothing varies, or no number of groups is stable.
    """
    rules = settings or SegmentSettings()
    scaler = Scaler.fit(table)
    if len(table) < LEAST or len(scaler.measures) < 2:
        raise TooLittleData(
            f"{len(table)} customers that differ in {len(scaler.measures)} measures are too few to learn segments from",
            remedy="write segments.toml, or use the RFM grid",
        )
    every = scaler.columns(table)
    rng = np.random.default_rng([seed, 40])
    some = np.sort(rng.permutation(len(every))[: rules.rows])
    tried, best = _alone(every[some], rules, seed)
    if best is None:
        raise TooLittleData(
            f"no grouping of 2 to {rules.most} came back in {rules.resamples} resamples: customers differ by degrees",
            remedy="use the RFM grid or write segments.toml; [segments] stable says how well groups must come back",
        )
    method, groups, held = best.method, best.groups, best.held
    order = np.argsort(-np.bincount(groups(every), minlength=len(groups.centre)), kind="stable")
    groups, held = groups.ordered(order), Stability(held.jaccard[order], held.ari)
    codes = groups(every)
    apart = tuple(tuple(differences(scaler, table, codes == one)) for one in range(len(order)))
    named = name_segments(apart)
    return Learnt(
        scaler, groups, method, tuple(name for name, _ in named), tuple(title for _, title in named), apart, held,
        separation(every[some], groups.centre, codes[some]), tuple(tried),
    )  # fmt: skip


def _alone(rows: Floats, rules: SegmentSettings, seed: int) -> tuple[list[dict[str, Any]], _Try | None]:
    """`_tries` in one thread: several add up centres in whatever order they finish, and the last digits differ."""
    import sklearn.cluster
    import sklearn.mixture  # noqa: F401
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return _tries(rows, rules, seed)


def _tries(rows: Floats, rules: SegmentSettings, seed: int) -> tuple[list[dict[str, Any]], _Try | None]:
    """Every method and number of groups with its stability, and the one to keep."""
    tried: list[dict[str, Any]] = []
    stable: list[_Try] = []
    for method, fit, most in (
        ("k_means", _k_means, rules.most),
        ("gaussian_mixture", _mixture, min(rules.most, _MOST_MIXED)),
    ):
        for count in range(2, most + 1):
            fitter: Callable[[Floats, int], Gaussians] = partial(fit, count)
            groups = fitter(rows, seed)
            labels = groups(rows)
            share = np.bincount(labels, minlength=count) / len(rows)
            if share.min() < rules.smallest:
                tried.append({"method": method, "count": count, "smallest": float(share.min()), "kept": False})
                continue
            held = stability(rows, labels, fitter, resamples=rules.resamples, seed=seed)
            kept = bool(held.jaccard.min() >= rules.stable)
            row = {"method": method, "count": count, "smallest": float(share.min()), "kept": kept}
            tried.append({**row, "jaccard": float(held.jaccard.min()), "ari": held.ari})
            if kept:
                apart = separation(rows, groups.centre, labels)
                stable.append(_Try(method, groups, held, apart))
                tried[-1]["separation"] = apart
    best = max((one.separation for one in stable), default=0.0)
    near = [one for one in stable if one.separation >= _AS_APART * best]
    return tried, max(near, key=lambda one: (len(one.groups.centre), one.method == "k_means"), default=None)


def _k_means(count: int, rows: Floats, seed: int) -> Gaussians:
    from sklearn.cluster import KMeans

    fitted = KMeans(count, n_init=3, max_iter=60, random_state=seed).fit(rows)
    return Gaussians(np.asarray(fitted.cluster_centers_, np.float64))


def _mixture(count: int, rows: Floats, seed: int) -> Gaussians:
    import warnings

    from sklearn.mixture import GaussianMixture

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one that has not settled will not come back, and is not kept
        fitted = GaussianMixture(
            count, covariance_type="diag", reg_covar=_LEAST_VARIANCE, max_iter=40, tol=1e-2, random_state=seed
        ).fit(rows)
    return Gaussians(fitted.means_, fitted.covariances_, np.maximum(fitted.weights_, 1e-12))


def separation(rows: Floats, centre: Floats, codes: Whole) -> float:
    """Mean simplified silhouette: how much nearer a customer lies to the own centre than to the next one, 0 to 1.

    Below about 0.25 the segments are a useful cut through customers who differ by degrees, not islands.
    """
    distance = np.sqrt(((rows[:, None, :] - centre) ** 2).sum(axis=2))
    own = distance[np.arange(len(rows)), codes]
    distance[np.arange(len(rows)), codes] = np.inf
    other = distance.min(axis=1)
    return float(((other - own) / np.maximum(np.maximum(own, other), 1e-12)).mean())
