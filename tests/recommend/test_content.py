"""Items by what they are: words, blocks, weights, kinds, reasons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from holdfast.core.clock import Cutoff
from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, Items, tiny_interactions
from holdfast.core.schema import EVENT_TYPES
from holdfast.recommend.content.cold import ContentToFactors, predicted
from holdfast.recommend.content.describe import blocks_of, centred, tf_idf
from holdfast.recommend.content.fuse import learn_weights
from holdfast.recommend.content.lane import Content, FittedContent
from holdfast.recommend.content.words import terms
from holdfast.recommend.matrix import weights

CUTOFF = Cutoff.parse("2024-01-10")
TITLES = {
    "bowl": "blue china bowl", "candle": "scented candle", "candles": "Scented CANDLES, large", "pot": "iron pot",
    "tea": "有机绿茶 礼盒", "tea2": "绿茶 散装",
}  # fmt: skip


def shop(history: dict[str, list[tuple[float, str]]], **columns: list[object]) -> Interactions:
    past = tiny_interactions(history, CUTOFF)
    names = list(TITLES)
    items = Items.named(names, title=list(TITLES.values()), **columns)
    return past.over(items)


def listed(fit: FittedContent, past: Interactions, customer: int = 0, **options: object) -> list[str]:
    lists = fit.recommend(past, 10, rows=np.array([customer]), **options)
    return lists.to_arrow()["item_id"].to_pylist()


def test_words_are_singular_and_chinese_goes_in_pairs():
    assert terms("The berries, boxes & glasses of Paris: 3 buses") == ["berry", "box", "glass", "pari", "3", "buse"]
    assert terms("绿茶的礼盒ＡＢ") == ["绿茶", "礼盒", "ab"]
    assert terms(None) == terms("!?") == []


def test_tf_idf_is_that_of_scikit_learn():
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = ["a b b c", "b c", "a c c c", "c z"]
    names, found = tf_idf([one.split() for one in texts])
    theirs = TfidfVectorizer(tokenizer=str.split, token_pattern=None, sublinear_tf=True, min_df=2)
    assert np.allclose(found.toarray(), theirs.fit_transform(texts).toarray(), atol=1e-6)
    assert list(names) == theirs.get_feature_names_out().tolist() == ["a", "b", "c"]


def test_what_shares_no_word_is_not_named():
    past = shop({"ann": [(3, "candle")], "bob": [(2, "tea")], "cy": []})
    fit = Content().fit(past)
    assert listed(fit, past, seen="exclude") == ["candles"]
    assert listed(fit, past, 1, seen="exclude") == ["tea2"]
    assert listed(fit, past, 2) == []


def test_newer_choices_count_more():
    past = shop({"ann": [(1, "candle"), (300, "tea")]})
    scores = Content(half_life=30.0).fit(past).score(past)[0]
    at = {name: place for place, name in enumerate(past.items.item_id.to_pylist())}
    assert scores[at["candles"]] > 10 * scores[at["tea2"]] > 0
    even = Content(half_life=None).fit(past).score(past)[0]
    assert even[at["tea2"]] > 0.3


def test_the_product_of_two_items_is_the_mean_of_their_blocks():
    items = Items.named(["a", "b", "c"], title=["red cup", "red cup", "red hat"], brand=["x", "y", "x"], price=[-1] * 3)
    found = blocks_of(items).weighed({"words": 3.0, "brand": 1.0})
    alike = (found.sparse @ found.sparse.T).toarray()
    assert alike[0, 1] > alike[0, 2] > 0
    assert np.allclose(alike.diagonal(), 1)
    only = blocks_of(items).weighed({"brand": 1.0})
    assert (only.sparse @ only.sparse.T).toarray()[0].tolist() == [1, 0, 1]


def test_prices_close_to_each_other_share_a_bucket():
    items = Items.named(list("abcd"), price=[99_900, 100_100, 140_000, 9_000_000])
    found = blocks_of(items).weighed({"price": 1.0})
    alike = (found.sparse @ found.sparse.T).toarray()
    assert alike[0, 1] > 0.99
    assert alike[0, 3] == 0


def test_only_one_kind_by_a_profile_of_all_kinds():
    items = Items.named(
        ["mat", "block", "yoga-class", "yoga-article", "pottery-class"],
        title=["yoga mat", "yoga block", "evening yoga", "why yoga", "pottery evening"],
        kind=[None, None, "course", "article", "course"],
    )
    past = tiny_interactions({"ann": [(3, "mat")], "bob": [(2, "pottery-class")]}, CUTOFF).over(items)
    ask = {"seen": "exclude"}
    assert listed(Content(only="course").fit(past), past, **ask) == ["yoga-class"]
    assert listed(Content(only="article").fit(past), past, **ask) == ["yoga-article"]
    assert listed(Content(only="goods").fit(past), past, **ask) == ["block"]
    assert set(listed(Content().fit(past), past, **ask)) == {"yoga-class", "yoga-article", "block"}
    assert listed(Content(only="course", kind=0.0).fit(past), past, 1, **ask) == ["yoga-class"]


def test_an_item_hardly_bought_is_new_and_the_others_to_be_explored():
    past = shop({f"c{one}": [(3, "candle")] for one in range(6)})
    lists = Content(cold_below=5).fit(past).recommend(past, 5, rows=np.array([0])).to_arrow()
    assert dict(zip(lists["item_id"].to_pylist(), lists["lane"].to_pylist(), strict=True)) == {
        "candle": "explore", "candles": "new",
    }  # fmt: skip


def test_reasons_name_what_both_have_and_the_day():
    past = shop({"ann": [(3, "candle"), (9, "tea")]}, brand=[None, "Wick", "wick", None, None, None])
    fit = Content().fit(past)
    at = fit.items.positions(pa.array(["candles", "tea2", "pot"]))
    said = fit.reasons(past, np.zeros(3, np.int32), at)
    assert (
        said[0].en == "like scented candle that you bought on 7 January 2024; both: candle, scented; of the brand wick"
    )
    assert said[1].zh == "与您2024年1月1日购买的有机绿茶 礼盒相似；共同点：绿茶"
    assert said[2].en == "nothing that you chose is like it"


def test_what_was_only_looked_at_is_not_called_bought():
    past = shop({"ann": [(3, "candle")]})
    looked = replace(past, event_type=np.full(past.size, EVENT_TYPES.index("view"), np.int8))
    fit = Content().fit(looked)
    said = fit.reasons(looked, np.zeros(1, np.int32), fit.items.positions(pa.array(["candles"])))
    assert "that you looked at on" in said[0].en
    assert "看过的" in said[0].zh


def test_given_vectors_count_and_rows_without_one_are_silent():
    vectors = np.array([[1, 0.1], [np.nan, np.nan], [0.9, 0], [-1, 0], [-1, 0.2]], np.float32)
    items = Items.named(list("abcde"), embedding=vectors)
    past = tiny_interactions({"ann": [(1, "a")]}, CUTOFF).over(items)
    fit = Content().fit(past)
    assert listed(fit, past, seen="exclude") == ["c"]
    assert fit.reasons(past, np.zeros(1, np.int32), np.array([2]))[0].en.endswith("both: of a similar look")
    assert not centred(vectors)[1].any()


def test_weights_are_learnt_from_what_was_chosen_next():
    """Everybody keeps to one brand and takes any word: the brand must get nearly all of the weight."""
    random = np.random.default_rng(0)
    names = [f"i{one:03d}" for one in range(120)]
    brands = [f"b{one % 6}" for one in range(120)]
    items = Items.named(names, title=[f"word{one}" for one in random.integers(0, 6, 120)], brand=brands)
    who = np.repeat(np.arange(80), 6)
    item = (random.integers(0, 20, len(who)) * 6 + who % 6).astype(np.int64)
    at = CUTOFF.micros - 1 - random.permutation(len(who)) * 1_000_000
    past = Interactions.of(
        pa.array([f"c{one}" for one in range(80)]), items, CUTOFF, customer=who, item=item, occurred_at=at
    )
    found = learn_weights(blocks_of(items), past, weights(past))
    assert found["brand"] > 0.8
    assert sum(found.values()) == pytest.approx(1)
    turned = past.take(np.arange(80)[::-1])
    assert learn_weights(blocks_of(items), turned, weights(turned)) == pytest.approx(found, abs=1e-3)


def test_unknown_settings_are_refused():
    past = shop({"ann": [(3, "candle")]})
    for wrong in (Content(weights="guessed"), Content(images="oil"), ContentToFactors(about="some")):
        with pytest.raises(UsageError, match="one of"):
            wrong.fit(past)


def two_tastes() -> Interactions:
    """Twenty customers of candles, twenty of tea; a new candle and a new tea that nobody has bought."""
    names = [f"{kind}{one}" for kind in ("candle", "tea") for one in range(6)] + ["candle-new", "tea-new"]
    items = Items.named(names, title=[one.rstrip("0123456789").replace("-", " ") for one in names])
    random = np.random.default_rng(1)
    history = {
        f"c{who:02d}": [(1 + day, f"{('candle', 'tea')[who % 2]}{one}") for day, one in enumerate(random.permutation(6)[:4])]
        for who in range(40)
    }  # fmt: skip
    return tiny_interactions(history, CUTOFF).over(items)


def test_new_items_get_the_factors_of_items_like_them():
    past = two_tastes()
    fit = ContentToFactors(size=2, about="cold").fit(past)
    lists = fit.recommend(past, 1).to_arrow()
    assert lists["item_id"].to_pylist() == ["candle-new", "tea-new"] * 20
    assert set(lists["lane"].to_pylist()) == {"new"}
    whole = ContentToFactors(size=2).fit(past).recommend(past, 20).to_arrow().to_pylist()
    assert {row["lane"] for row in whole if not row["item_id"].endswith("new")} == {"explore"}
    said = fit.reasons(past, np.array([0], np.int32), fit.items.positions(pa.array(["candle-new"])))
    assert said[0].en.startswith("for those who choose candle, that you bought on ")


def test_ridge_is_the_same_through_either_gram_matrix():
    from scipy.sparse import csr_matrix

    random = np.random.default_rng(2)
    for rows, columns in ((30, 8), (8, 30)):
        features, asked = (
            csr_matrix(random.random((n, columns)) * (random.random((n, columns)) < 0.5)) for n in (rows, 5)
        )
        targets = random.normal(size=(rows, 3))
        x = features.toarray()
        exact = asked.toarray() @ np.linalg.solve(x.T @ x + 0.7 * np.eye(columns), x.T @ targets)
        assert np.allclose(predicted(features, targets, 0.7, asked), exact)
