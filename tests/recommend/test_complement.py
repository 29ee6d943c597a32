"""What goes together: the cart first, then the newest basket; no accident, no own item, true sentences."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from holdfast.core.clock import Cutoff
from holdfast.core.interactions import Interactions, Items, tiny_interactions
from holdfast.core.schema import EVENT_TYPES
from holdfast.recommend.complement import Complement, log_likelihood_ratio

NOW = Cutoff.parse("2024-01-10")
DAY = 86_400_000_000
ITEMS = Items.named(["bread", "butter", "ink", "printer"], title=["Bread", "Butter", "Ink", "Printer"])
BREAD, BUTTER, INK, PRINTER = range(4)


def shop(*acts: tuple[str, int, float]) -> Interactions:
    """Forty customers with a basket each, and one who did these acts (type, item, days ago)."""
    baskets = [(BREAD, BUTTER)] * 12 + [(PRINTER, INK)] * 6 + [(INK,)] * 14 + [(BREAD,)] * 8
    rows = [(who, item, 20.0, "purchase", who) for who, one in enumerate(baskets) for item in one]
    rows += [(40, item, ago, kind, 100 + int(ago) if kind == "purchase" else -1) for kind, item, ago in acts]
    who, item, ago, kind, basket = (np.array(one) for one in zip(*rows, strict=True))
    return Interactions.of(
        pa.array([f"c{one}" for one in range(41)]), ITEMS, NOW, customer=who, item=item, basket=basket,
        occurred_at=NOW.micros - (ago * DAY).astype(np.int64),
        event_type=np.array([EVENT_TYPES.index(one) for one in kind]),
    )  # fmt: skip


def listed(past: Interactions) -> list[str]:
    fit = Complement().fit(shop())
    return fit.recommend(past.take(np.array([40])), 4).to_arrow()["item_id"].to_pylist()


def test_after_a_purchase_it_completes_the_newest_basket():
    assert listed(shop(("purchase", PRINTER, 9.0), ("purchase", BREAD, 1.0))) == ["butter"]


def test_an_open_cart_is_asked_before_the_newest_basket():
    assert listed(shop(("purchase", BREAD, 1.0), ("cart_add", PRINTER, 0.5))) == ["ink"]


def test_what_was_taken_out_of_the_cart_or_bought_is_not_open():
    emptied = shop(("purchase", BREAD, 1.0), ("cart_add", PRINTER, 0.5), ("cart_remove", PRINTER, 0.4))
    assert listed(emptied) == ["butter"]
    assert listed(shop(("cart_add", PRINTER, 2.0), ("purchase", PRINTER, 1.0))) == ["ink"]
    assert listed(shop(("purchase", PRINTER, 9.0), ("cart_add", PRINTER, 1.0))) == ["ink"]


def test_nothing_of_the_cart_or_the_newest_basket_is_its_own_complement():
    assert listed(shop(("purchase", BREAD, 1.0), ("purchase", BUTTER, 1.0))) == []
    assert listed(shop(("purchase", BUTTER, 1.0), ("cart_add", BREAD, 0.5))) == []


def test_a_pair_has_a_direction():
    strength = Complement().fit(shop()).strength
    assert strength[PRINTER, INK] > 2 * strength[INK, PRINTER] > 0


def test_a_rare_pair_and_an_accident_are_left_out():
    assert Complement(support=7).fit(shop()).strength[PRINTER, INK] == 0
    rng = np.random.default_rng(2)
    chance = {str(one): [(5.0, f"i{item:02d}") for item in np.flatnonzero(rng.random(20) < 0.3)] for one in range(300)}
    past = tiny_interactions({who: rows for who, rows in chance.items() if rows}, NOW)
    kept = Complement(support=1).fit(past).strength.nnz / (20 * 19)
    loose = Complement(support=1, surprise=0.0).fit(past).strength.nnz / (20 * 19)
    assert kept < 0.03  # half of one in a hundred, as only pairs above chance count
    assert loose > 0.3


def test_the_log_likelihood_ratio_is_that_of_independence():
    from scipy.stats import chi2_contingency

    expected = chi2_contingency([[10, 10], [10, 70]], correction=False, lambda_="log-likelihood").statistic
    found = log_likelihood_ratio(np.array([10.0]), np.array([20.0]), np.array([20.0]), 100.0)
    np.testing.assert_allclose(found, expected)


def test_a_wholesalers_basket_joins_nothing():
    wide = {str(one): [(5.0, f"i{item:03d}") for item in range(250)] for one in range(5)}
    assert Complement(surprise=0.0).fit(tiny_interactions(wide, NOW)).strength.nnz == 0


def test_the_reason_names_the_item_and_the_day():
    bought = shop(("purchase", BREAD, 5.0))
    fit = Complement().fit(bought)
    who, what = np.array([40], np.int32), np.array([BUTTER], np.int32)
    (said,) = fit.reasons(bought, who, what)
    assert (said.en, said.zh) == ("goes with what you bought on Friday (Bread)", "与您周五购买的Bread搭配")
    (said,) = fit.reasons(shop(("purchase", PRINTER, 5.0), ("cart_add", BREAD, 1.0)), who, what)
    assert (said.en, said.zh) == ("goes with Bread in your cart", "与您购物车中的Bread搭配")
    (said,) = fit.reasons(bought, who, np.array([INK], np.int32))
    assert said.en.startswith("not often")
