"""Lanes by name and settings: what a mix is made of, as configuration and as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, FittedRecommender

#: A lane as configuration: its id, and its settings as pairs, so that it is JSON and can be hashed.
Setting = tuple[str, Any]
Spec = tuple[str, tuple[Setting, ...]]


def spec(recommender_id: str, **settings: Any) -> Spec:
    """A lane and its settings.

    >>> spec("ease", l2=300.0)
    ('ease', (('l2', 300.0),))
    """
    return recommender_id, tuple(sorted(settings.items()))


def fit_lanes(lanes: Sequence[Spec], past: Interactions) -> tuple[FittedRecommender, ...]:
    """Every lane fitted on the same past; an unknown id is a `UsageError` that names the nearest."""
    made = [RECOMMENDERS[name](**dict(settings)) for name, settings in lanes]
    return tuple(one.fit(past) for one in made)


def pack_lanes(lanes: Sequence[FittedRecommender]) -> tuple[list[str], dict[str, NDArray[Any]]]:
    """Ids and, per lane, its bytes as an array: fits nest in the bytes of another."""
    arrays = {f"lane_{at}": np.frombuffer(one.to_bytes(), np.uint8) for at, one in enumerate(lanes)}
    return [one.recommender_id for one in lanes], arrays


def unpack_lanes(names: Sequence[str], arrays: dict[str, NDArray[Any]]) -> tuple[FittedRecommender, ...]:
    """The lanes back."""
    found = enumerate(names)
    return tuple(FITTED_RECOMMENDERS[name].from_bytes(arrays[f"lane_{at}"].tobytes()) for at, name in found)
