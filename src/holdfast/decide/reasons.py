"""Why each customer gets what they get, and why most get nothing, in words."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from holdfast.core.decide import Options
from holdfast.core.text import Language, Text

#: Below this p_churn a customer is a sure thing; above the other, where nothing helps, a lost cause.
SURE, LOST = 0.2, 0.8

REASONS: dict[str, Text] = {
    "best": Text("earns most of what is open to this customer", "在可选措施中收益最高"),
    "within_limits": Text(
        "earns most within the limits; something else would earn more here, but less than it earns with others",
        "在限制之内收益最高；别的措施在此收益更高，但用在其他客户身上更划算",
    ),
    "floor": Text("chosen because a floor or equal treatment asks for it", "因下限或公平要求而选择"),
    "tried": Text("tried by chance, so that its effect stays measurable", "随机试用，以便持续衡量效果"),
    "left_alone": Text("left alone by chance, to compare with", "随机不予处理，作为对照"),
    "holdout": Text("holdout: never treated, so that the effect can be measured", "留作对照组：从不处理，以便衡量效果"),
    "not_eligible": Text("nothing is open to this customer", "该客户没有可用的措施"),
    "do_not_disturb": Text(
        "do not disturb: every contact makes an order less likely", "请勿打扰：任何联系都会降低下单可能"
    ),
    "sure_thing": Text("sure thing: will probably order without being asked", "大概率会自行下单，无需触达"),
    "lost_cause": Text(
        "lost cause: probably gone, and nothing changes that enough to pay", "很可能已流失，任何措施都得不偿失"
    ),
    "not_worth_it": Text("nothing earns more than it costs", "任何措施的收益都不抵成本"),
    "limits": Text(
        "would pay, but budget and places go to customers who gain more", "本可获益，但预算和名额给了收益更高的客户"
    ),
}
CODES = tuple(REASONS)


def why(
    options: Options, chosen: NDArray[np.int64], planned: NDArray[np.int64], holdout: NDArray[np.bool_],
    p_churn: ArrayLike | None = None,
) -> NDArray[np.int64]:  # fmt: skip
    """For each customer the place of the reason in `CODES`. `planned`: what the plan chose before anything was tried.

    >>> options = Options(pa.array(["a", "b"]), ("nothing", "mail"), np.array([[0, 2.0], [0, -1.0]]), np.zeros((2, 2)))
    >>> arms = np.array([1, 0])
    >>> [CODES[one] for one in why(options, arms, arms, np.zeros(2, bool), [0.5, 0.1])]
    ['best', 'sure_thing']
    """
    rows = np.arange(len(options))
    acting = options.eligible[:, 1:]
    best = np.where(acting, options.gain[:, 1:], -np.inf).max(axis=1, initial=-np.inf)
    own = options.gain[rows, planned]
    with np.errstate(invalid="ignore"):
        most = np.where(acting & np.isfinite(options.uplift[:, 1:]), options.uplift[:, 1:], -np.inf).max(
            axis=1, initial=-np.inf
        )
        known = (np.isfinite(options.uplift[:, 1:]) | ~acting).all(axis=1) & acting.any(axis=1)
    p = np.full(len(options), 0.5) if p_churn is None else np.asarray(p_churn, np.float64)
    cases = [
        ("holdout", holdout),
        ("tried", (chosen != planned) & (chosen != 0)),
        ("left_alone", chosen != planned),
        ("best", (planned != 0) & (own >= best) & (own > 0)),
        ("within_limits", (planned != 0) & (own > 0)),
        ("floor", planned != 0),
        ("not_eligible", ~acting.any(axis=1)),
        ("limits", best > 0),
        ("do_not_disturb", known & (most < 0)),
        ("sure_thing", p < SURE),
        ("lost_cause", p > LOST),
    ]
    default = CODES.index("not_worth_it")
    return np.select([flags for _, flags in cases], [CODES.index(name) for name, _ in cases], default).astype(np.int64)


def sentences(options: Options, codes: NDArray[np.int64], language: Language = "en") -> pa.Array:
    """The reasons as text; where nothing is open, what the first rule asks for."""
    words = [REASONS[code].render(language) for code in CODES]
    place = codes.copy()
    closed = np.flatnonzero(codes == CODES.index("not_eligible"))
    if options.why_not is not None and options.reasons and len(closed):
        asked = options.why_not[closed, 1:]
        first = np.where(asked >= 0, asked, np.iinfo(np.int16).max).min(axis=1, initial=np.iinfo(np.int16).max)
        known = first < len(options.reasons)
        place[closed[known]] = len(words) + first[known]
        words += list(options.reasons)
    return pa.array(words, pa.string()).take(pa.array(place))
