"""What customers want next: what the lists hold, how often lists like these were right, and five of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.text import Text
from holdfast.report import words
from holdfast.report.html import Html, el, name_of
from holdfast.report.parts import Col, Section, absent, figure, table
from holdfast.report.plot import Axis, Plot, share_axis
from holdfast.report.story import Story
from holdfast.report.voice import Voice, isolated

_TITLE = Text("What customers want next", "客户接下来想要什么")
_LEAD = Text(
    "{n} customers have a list of up to {count} items, each with its reason; the whole of it is in {file}. "
    "{items} of {sale} items on sale are recommended to somebody.",
    "{n}位客户各有一份最多{count}件商品的名单，每件都附原因，完整名单见 {file}。在售的{sale}件商品中有{items}件被推荐给至少一位客户。",
)
_PROOF = Text(
    "At {day} such lists named at least one item that was then bought within {horizon} for {hit} ({low}–{high}) of the "
    "{n} customers who had a history and bought something; a list of what many buy did for {popular}.",
    "在{day}，对有购买历史且其后{horizon}内有购买的{n}位客户，这样的名单在{hit}（{low}–{high}）的情况下至少猜中一件；热销榜为{popular}。",
)
_UNPROVED = Text(
    "Too few customers bought in a closed horizon to say how good such lists were.",
    "已结束的预测期内购买的客户太少，无法检验名单的好坏。",
)
_ABSENT = Text("No lists: {why}.", "没有推荐名单：{why}。")
_NONE = Text("this release has none", "本次发布没有")
_HIT = Text("At least one of {count} was bought", "{count}件中至少一件被购买")
_CAPTION = Text(
    "Lists of {count} made at {day}, held against what {n} customers bought within {horizon}; lines are 95% intervals.",
    "{day}制作的{count}件名单，与{n}位客户其后{horizon}内的购买比较；竖线为95%区间。",
)
_MODELS = {
    "list": Text("published list", "发布的名单"),
    "relevance": Text("by relevance alone", "仅按相关性"),
    "frequency": Text("own favourites", "自己的常购商品"),
    "popular": Text("what many buy", "热销商品"),
}
_HEADS = (
    Text("List", "名单"),
    Text("at least one bought", "至少购买一件"),
    Text("share of purchases named", "购买中被猜中的占比"),
    Text("nDCG", "nDCG"),
)
_HOW = Text("How often they were right", "猜中率")
_LANES = Text("What the lists hold", "名单构成")
_LANE, _SHARE = Text("Kind", "类型"), Text("share of entries", "占比")
_TOP = Text("Recommended most often", "推荐最多的商品")
_ITEM, _TO = Text("Item", "商品"), Text("share of customers", "客户占比")
_EXAMPLES = Text("Five customers", "五位客户")
_WEIGHTS = Text("What each recommender counts for: {weights}.", "各推荐方法的权重：{weights}。")
_CEILING = Text(
    "Of what was bought, {share} was among the candidates: no order of them could have named more.",
    "实际购买中有{share}在候选商品之内，任何排序都不可能猜中更多。",
)
_MEANS = Text(
    "nDCG counts an item more the higher it stands, 1 is a perfect list. Seen items may return.",
    "nDCG 对排名靠前的商品计分更高，1为完美名单。已购商品可再次出现。",
)
_FILE = "lists/recommended.csv"


def wanted(story: Story, voice: Voice) -> Section:
    """The lists as a whole, the honest line on how good such lists were, and the head of five of them."""
    facts = story.outlook.get("recommend") or {}
    if not facts.get("entries"):
        why = str(facts.get("undetermined") or voice.say(_NONE)).rstrip(".。")
        return Section("wanted", voice.say(_TITLE), None, absent(_ABSENT, voice, why=why))
    before, after = voice.say(
        _LEAD, n=voice.count(facts["customers"]), count=facts["count"], items=voice.count(facts["items"]),
        sale=voice.count(facts["on_sale"]), file="\0",
    ).split("\0")  # fmt: skip
    lead = [before, el("a", _FILE, href=f"../{_FILE}"), after, " ", _proof(facts.get("judged") or {}, voice)]
    pictures = [one for one in (_chart(facts.get("judged") or {}, voice), _lanes(facts, voice)) if one is not None]
    body = [el("div", pictures, class_="pair"), _top(facts, voice), _examples(facts.get("examples") or [], voice)]
    return Section("wanted", voice.say(_TITLE), lead, body, _note(facts, voice))


def _proof(judged: Mapping[str, Any], voice: Voice) -> str:
    rows = {one["model"]: one["hit"] for one in judged.get("rows") or []}
    if "list" not in rows:
        return voice.say(_UNPROVED)
    hit, popular = rows["list"], rows.get("popular") or {}
    return voice.say(
        _PROOF, day=voice.day(judged["cutoff"]), horizon=_horizon(judged, voice), n=voice.count(judged["customers"]),
        hit=voice.percent(hit["value"]), low=voice.percent(hit["low"]).rstrip("%"), high=voice.percent(hit["high"]),
        popular=voice.percent(popular.get("value")),
    )  # fmt: skip


def _horizon(judged: Mapping[str, Any], voice: Voice) -> str:
    return voice.days(float(str(judged["horizon"]).rstrip("d")))


def _chart(judged: Mapping[str, Any], voice: Voice) -> Html | None:
    rows = judged.get("rows") or []
    if not rows:
        return None
    names = [voice.say(_MODELS.get(one["model"], Text(one["model"], one["model"]))) for one in rows]
    most = max(one["hit"]["high"] or one["hit"]["value"] for one in rows)
    x = Axis(0, len(rows), tuple((at + 0.5, name) for at, name in enumerate(names)))
    plot = Plot(x, share_axis(voice, "", most), voice.say(_HIT, count=judged["count"]), 240)
    cells = []
    for at, (name, one) in enumerate(zip(names, rows, strict=True)):
        hit = one["hit"]
        if hit["low"] is not None:
            plot.whisker(at + 0.5, hit["low"], hit["high"], "chosen")
        plot.dot(at + 0.5, hit["value"], "chosen", f"{name} {voice.percent(hit['value'])}", 11)
        cells.append((name, _with(hit, voice), _with(one["recall"], voice), voice.number(one["ndcg"]["value"], 3)))
    heads = [Col(voice.say(_HEADS[0])), *(Col(voice.say(one), "num") for one in _HEADS[1:])]
    caption = voice.say(
        _CAPTION, count=judged["count"], day=voice.day(judged["cutoff"]), n=voice.count(judged["customers"]),
        horizon=_horizon(judged, voice),
    )  # fmt: skip
    numbers = table(heads, cells, label=voice.say(_HOW))
    return el("div", el("h3", voice.say(_HOW)), figure(plot.html(), caption, numbers, voice))


def _with(one: Mapping[str, Any], voice: Voice) -> str:
    return f"{voice.percent(one['value'])} ({voice.interval(one['low'], one['high'])})"


def _lanes(facts: Mapping[str, Any], voice: Voice) -> Html:
    rows = [(voice.say(words.lane(name)), voice.percent(share)) for name, share in facts["lanes"].items() if share > 0]
    heads = [Col(voice.say(_LANE)), Col(voice.say(_SHARE), "num")]
    return el("div", el("h3", voice.say(_LANES)), table(heads, rows, label=voice.say(_LANES)))


def _top(facts: Mapping[str, Any], voice: Voice) -> Html:
    heads = [Col(voice.say(_ITEM), "wide"), Col(voice.say(_TO), "num")]
    rows = [(_item(one), voice.percent(one["share"])) for one in facts["top"]]
    return el("details", el("summary", voice.say(_TOP)), table(heads, rows, label=voice.say(_TOP)))


def _examples(examples: Sequence[Mapping[str, Any]], voice: Voice) -> Html:
    heads = [
        Col(voice.say(words.CUSTOMER)), Col(voice.say(_ITEM), "wide", voice.say(_ITEM)),
        Col(voice.say(_LANE), "text", voice.say(_LANE)), Col(voice.say(words.REASONS), "wide", voice.say(words.REASONS)),
    ]  # fmt: skip
    rows = [
        (name_of(one["customer_id"]) if not at else "", _item(item), voice.say(words.lane(item["lane"])),
         isolated(item["reason"] or "", 200))
        for one in examples for at, item in enumerate(one["items"][:3])
    ]  # fmt: skip
    grid = table(heads, rows, label=voice.say(_EXAMPLES), class_="people")
    return el("div", el("h3", voice.say(_EXAMPLES)), grid)


def _item(one: Mapping[str, Any]) -> Html:
    return el("bdi", isolated(words.named(one["item_id"], one.get("title")), 80))


def _note(facts: Mapping[str, Any], voice: Voice) -> str:
    said = [voice.say(_MEANS)]
    if facts.get("note"):
        said.append(voice.say(facts["note"]))
    if facts.get("weights"):
        weights = voice.listed(
            [f"{name} {voice.percent(share)}" for name, share in facts["weights"].items() if share > 0]
        )
        said.append(voice.say(_WEIGHTS, weights=weights))
    if (facts.get("judged") or {}).get("candidate_recall") is not None:
        said.append(voice.say(_CEILING, share=voice.percent(facts["judged"]["candidate_recall"])))
    return voice.pick(" ", "").join(said)
