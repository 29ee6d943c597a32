"""From days to events: visits become clicks, orders become lines, parcels, refunds, reviews; campaigns become mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import DAY_MICROS
from holdfast.core.schema import EXPOSURES, TEXTS
from holdfast.synth.catalogue import Catalogue
from holdfast.synth.life import Life
from holdfast.synth.parameters import World
from holdfast.synth.people import CHANNELS, Floats, Ints, People
from holdfast.synth.rows import Rows, coded, ids, instants
from holdfast.synth.tempo import Tempo
from holdfast.synth.wording import complaints, reviews

_SECOND = 1_000_000
_STORE = CHANNELS.index("store")
_MAIL = len(CHANNELS)
_LATEST = 21.8  # hours: what starts by then ends on the same local day, also on days of 23 hours
_PROMOTION_OFF = 0.20


@dataclass(frozen=True, eq=False)
class Street:
    """All that shopping needs to know."""

    world: World
    people: People
    tempo: Tempo
    goods: Catalogue
    life: Life
    rng: np.random.Generator
    midnight: Ints  # UTC microseconds at which each day of the world begins

    def at(self, day: Ints, hour: Floats) -> Ints:
        """Instants (whole seconds) of local hours; the clock change may move them by an hour, never to another day."""
        return np.asarray(self.midnight[day] + (np.clip(hour, 0.0, 22.8) * 3600).astype(np.int64) * _SECOND)

    def category(self, who: Ints) -> Ints:
        """One category per row by the customer's tastes."""
        cumulated = np.cumsum(self.people.tastes, axis=1)[who]
        return np.asarray((self.rng.random(len(who))[:, None] > cumulated).sum(axis=1).clip(0, cumulated.shape[1] - 1))

    def hours(self, channel: NDArray[Any]) -> Floats:
        """When people shop: evenings and lunch online, a few at night; opening hours in the store."""
        n, rng = len(channel), self.rng
        online = np.where(rng.random(n) < 0.6, 19.8 + 1.8 * rng.standard_normal(n), 13 + 2.5 * rng.standard_normal(n))
        online = np.where(rng.random(n) < 0.04, 6 * rng.random(n), online)
        return np.clip(np.where(channel == _STORE, 9.5 + 9.5 * rng.random(n), online), 0.01, _LATEST)

    def channel(self, who: Ints, *, online: bool) -> Ints:
        shares = self.people.channels[who].copy()
        if online:
            shares[:, _STORE] = 0
        cumulated = np.cumsum(shares, axis=1)
        draw = self.rng.random(len(who)) * cumulated[:, -1]
        return np.asarray((draw[:, None] >= cumulated).sum(axis=1).clip(0, _STORE - 1 if online else _STORE))


def visits(street: Street, rows: Rows) -> int:
    """Visits without an order; returns how many sessions were used up."""
    who, day, rng = street.life.visit_who, street.life.visit_day, street.rng
    n = len(who)
    channel = street.channel(who, online=True)
    start, session = street.at(day, street.hours(channel)), np.arange(n)
    views = 1 + rng.poisson(1.3, n)
    same = {"channel": channel, "session": session}
    rows.add("visit", who, start, seconds=np.round(20 + 35 * views * rng.gamma(2, 0.5, n)), **same)
    for kind, share, second in (("search", 0.3, 5), ("list_view", 0.25, 8)):
        some = np.flatnonzero(rng.random(n) < share)
        more = {"query": street.category(who[some])} if kind == "search" else {}
        rows.add(kind, who[some], start[some] + second * _SECOND, channel=channel[some], session=some, **more)
    visit = np.repeat(session, views)
    step = np.arange(len(visit)) - np.repeat(np.cumsum(views) - views, views)
    item = street.goods.pick(street.category(who[visit]), day[visit], rng)
    seen = start[visit] + (15 + 30 * step) * _SECOND
    rows.add("view", who[visit], seen, item=item, channel=channel[visit], session=visit)
    for kind, share in (("cart_add", 0.06), ("wishlist", 0.02)):
        some = np.flatnonzero(rng.random(len(visit)) < share)
        one = visit[some]
        rows.add(kind, who[one], seen[some] + 12 * _SECOND, item=item[some], channel=channel[one], session=one)
    return n


@dataclass(frozen=True, eq=False)
class Lines:
    """Order lines: `order` numbers them within the life's log of orders."""

    order: Ints
    item: Ints
    quantity: Floats
    price: NDArray[np.int64]
    discount: NDArray[np.int64]


def lines(street: Street) -> Lines:
    """What is in every order: favourites bought again, or something new by taste."""
    life, people, rng = street.life, street.people, street.rng
    count = 1 + rng.poisson(people.basket[life.order_who])
    order = np.repeat(np.arange(len(count)), count)
    who, day = life.order_who[order], life.order_day[order]
    home = np.repeat(np.arange(len(people)), 3)
    favourites = street.goods.pick(street.category(home), np.zeros_like(home), rng).reshape(-1, 3)
    fresh = street.goods.pick(street.category(who), day, rng)
    again = rng.random(len(who)) < people.loyalty[who]
    item = np.where(again, favourites[who, rng.integers(0, 3, len(who))], fresh)
    # An order names an item once: the basket adds up what was put into it twice.
    pair, where = np.unique(order * len(street.goods.title) + item, return_inverse=True)
    quantity = np.bincount(where, 1.0 + rng.poisson(people.units[who])).astype(float)
    order, item = pair // len(street.goods.title), pair % len(street.goods.title)
    who, day = life.order_who[order], life.order_day[order]
    price = street.goods.price(item, day)
    rate = _PROMOTION_OFF * (street.tempo.promotion[day] & (rng.random(len(who)) < 0.5))
    rate = rate + np.array([arm.discount for arm in street.world.arms])[life.order_arm[order]]
    discount = np.round(price * quantity * rate / 100).astype(np.int64) * 100
    return Lines(order, item, quantity, price, np.where(discount > 0, discount, -1))


def orders(street: Street, rows: Rows, bought: Lines, sessions: int) -> Ints:
    """Every order with its session, parcel, cancellation and refunds; returns the instant of each order."""
    life, rng = street.life, street.rng
    who, day, n = life.order_who, life.order_day, len(life.order_who)
    channel = street.channel(who, online=False)
    store = channel == _STORE
    start = street.at(day, street.hours(channel))
    paid = start + np.where(store, 0, 300) * _SECOND
    # The store's till reports the next night.
    known = np.where(store, street.midnight[day + 1] + 2 * 3600 * _SECOND, paid)
    session = np.where(store, -1, sessions + np.arange(n))
    number, online = np.arange(n), np.flatnonzero(~store)
    same = {"channel": channel[online], "session": session[online]}
    rows.add("visit", who[online], start[online], seconds=np.round(240 + 200 * rng.random(len(online))), **same)
    rows.add("checkout", who[online], paid[online] - 40 * _SECOND, order=online, **same)
    one, coupon = bought.order, _coupon(street, bought)
    click = np.flatnonzero(~store[one])
    at = {"channel": channel[one[click]], "session": session[one[click]], "item": bought.item[click]}
    rows.add("view", who[one[click]], start[one[click]] + 30 * _SECOND, **at)
    rows.add("cart_add", who[one[click]], start[one[click]] + 90 * _SECOND, **at)
    what = {"item": bought.item, "quantity": bought.quantity, "price": bought.price, "order": number[one]}
    money = {"discount": bought.discount, "coupon": coupon, "arm": np.where(coupon >= 0, life.order_arm[one], -1)}
    rows.add(
        "purchase", who[one], paid[one], known=known[one], channel=channel[one], session=session[one], **what, **money
    )
    _undone(street, rows, bought, paid, channel)
    _parcels(street, rows, paid, channel)
    return np.asarray(paid)


def _coupon(street: Street, bought: Lines) -> Ints:
    arms = street.world.arms
    gives = np.array([i if arm.discount > 0 else -1 for i, arm in enumerate(arms)])
    return np.asarray(gives[street.life.order_arm[bought.order]])


def _undone(street: Street, rows: Rows, bought: Lines, paid: Ints, channel: Ints) -> None:
    """Cancellations on the same day (the order never was one), on a later day, and single lines sent back."""
    life, rng, n = street.life, street.rng, len(paid)
    late = ~life.order_void & (rng.random(n) < street.world.cancel_share)
    minutes = rng.integers(5, 45, n)
    after = np.where(life.order_void, minutes * 60 * _SECOND, DAY_MICROS + minutes * 60 * _SECOND)
    one = bought.order
    for kind, some, when in (
        ("cancel", np.flatnonzero((life.order_void | late)[one]), after),
        ("refund", _returned(street, bought, late), rng.integers(5, 20, n) * DAY_MICROS),
    ):
        order = one[some]
        what = {"item": bought.item[some], "quantity": bought.quantity[some], "price": bought.price[some]}
        rows.add(kind, life.order_who[order], paid[order] + when[order], order=order, channel=channel[order], **what)


def _returned(street: Street, bought: Lines, cancelled: NDArray[np.bool_]) -> Ints:
    kept = ~(street.life.order_void | cancelled)[bought.order]
    return np.flatnonzero(kept & (street.rng.random(len(bought.order)) < street.world.refund_share))


def _parcels(street: Street, rows: Rows, paid: Ints, channel: Ints) -> None:
    """Deliveries, a few failed first, and tickets about the late ones."""
    life, rng = street.life, street.rng
    sent = np.flatnonzero(~life.order_void & (channel != _STORE))
    arrived = paid[sent] + delivery_days(life)[sent] * DAY_MICROS - 3 * 3600 * _SECOND
    failed = rng.random(len(sent)) < 0.03
    who, order = life.order_who[sent], sent
    rows.add("delivery_failed", who[failed], arrived[failed] - DAY_MICROS, order=order[failed])
    rows.add("delivery", who, arrived, order=order)
    angry = life.order_late[sent] & (rng.random(len(sent)) < 0.3)
    rows.add("ticket", who[angry], arrived[angry] - DAY_MICROS // 2, order=order[angry], channel=0)


def delivery_days(life: Life) -> Ints:
    """Two to four days, six more when late; a function of the log so that reviews agree with parcels."""
    return np.asarray(2 + np.arange(len(life.order_who)) % 3 + 6 * life.order_late)


def opinions(street: Street, rows: Rows, bought: Lines, paid: Ints, customer_ids: pa.Array, until: int) -> pa.Table:
    """Reviews some days after delivery, their stars from the experience and the item, and chats about late parcels."""
    life, rng, one = street.life, street.rng, bought.order
    mine = np.flatnonzero(~life.order_void[one] & (rng.random(len(one)) < street.people.reviews[life.order_who[one]]))
    order, item = one[mine], bought.item[mine]
    written = paid[order] + (delivery_days(life)[order] + rng.integers(1, 9, len(mine))) * DAY_MICROS
    feeling = 4.25 + 0.75 * life.experience[order] + street.goods.quality[item] + 0.4 * rng.standard_normal(len(mine))
    stars = np.clip(np.round(feeling), 1, 5)
    rows.add("review", life.order_who[order], written, item=item, order=order, rating=stars, channel=0)
    late = np.flatnonzero(life.order_late & ~life.order_void & (rng.random(len(paid)) < 0.15))
    asked = paid[late] + 6 * DAY_MICROS
    words = reviews(stars, life.order_late[order], [street.goods.noun[i] for i in item], rng)
    return _texts(street, customer_ids, (order, item, written, stars, words), (late, asked), until)


def _texts(
    street: Street, customer_ids: pa.Array, review: tuple[Ints, Ints, Ints, Floats, list[str]],
    chat: tuple[Ints, Ints], until: int,
) -> pa.Table:  # fmt: skip
    order, item, written, stars, words = review
    late, asked = chat
    who = street.life.order_who[np.concatenate([order, late])]
    at = np.concatenate([written, asked])
    chats = [None] * len(late)
    table = pa.table(
        {
            "customer_id": customer_ids.take(pa.array(who)),
            "item_id": pa.concat_arrays([street.goods.item_ids().take(pa.array(item)), pa.array(chats, pa.string())]),
            "occurred_at": instants(at),
            "recorded_at": instants(at),
            "kind": ["review"] * len(order) + ["chat"] * len(late),
            "author": ["customer"] * len(at),
            "rating": pa.array([*stars.tolist(), *chats], pa.float64()),
            "language": ["en"] * len(at),
            "text": words + complaints(len(late), street.rng),
        }
    )
    keep = np.flatnonzero(at < until)
    table = table.take(pa.array(keep[np.argsort(at[keep], kind="stable")]))
    return TEXTS.conform(table.append_column("text_id", ids("t", np.arange(len(table)), 7)))


def campaigns(street: Street, rows: Rows, customer_ids: pa.Array) -> pa.Table:
    """Mail of the randomised arms as events, and every assignment, `nothing` included, as exposures."""
    life, world, rng = street.life, street.world, street.rng
    arm, who, n = life.contact_arm, life.contact_who, len(life.contact_who)
    number = np.arange(n)
    at = street.midnight[life.contact_day] + 15 * 60 * _SECOND
    told = np.flatnonzero(arm > 0)
    mail = {"channel": _MAIL, "arm": arm[told], "decision": number[told]}
    rows.add("message", who[told], at[told], **mail)
    opened = told[rng.random(len(told)) < 0.45 * (1 - 0.8 * street.people.annoyance[who[told]])]
    read = at[opened] + rng.integers(0, 14 * 3600, len(opened)) * _SECOND
    rows.add("message_open", who[opened], read, channel=_MAIL, arm=arm[opened], decision=opened)
    some = rng.random(len(opened)) < 0.2
    rows.add(
        "click",
        who[opened[some]],
        read[some] + 20 * _SECOND,
        channel=_MAIL,
        arm=arm[opened[some]],
        decision=opened[some],
    )
    gone = np.flatnonzero(life.contact_left)
    rows.add("unsubscribe", who[gone], at[gone] + 3600 * _SECOND, channel=_MAIL, arm=arm[gone], decision=gone)
    names = [one.treatment_id for one in world.arms]
    campaign = street.tempo.campaign[life.contact_day]
    chance, kind = life.contact_chance, EXPOSURES.schema.field("arm_propensities").type
    flat = [coded(np.tile(np.arange(len(names)), n), names), pa.array(chance.ravel())]
    every = pa.StructArray.from_arrays(flat, fields=list(kind.value_type))
    table = pa.table(
        {
            "decision_id": ids("d", number, 8),
            "customer_id": customer_ids.take(pa.array(who)),
            "treatment_id": coded(arm, names),
            "campaign_id": ids("campaign-", campaign, 2),
            "arm": coded(arm, names),
            "propensity": chance[number, arm],
            "arm_propensities": pa.ListArray.from_arrays(np.arange(n + 1) * len(names), every).cast(kind),
            "cost": np.array([round(one.cost * 10_000) for one in world.arms])[arm],
            "decided_at": instants(at),
            "delivered_at": instants(np.where(arm > 0, at, -1)),
        }
    )
    return EXPOSURES.conform(table)
