"""What customers did before one cutoff, counted per customer: tastes, habits, prices, service, platforms, paths.

The same law of time as for features: a row counts only if it occurred and was recorded before the cutoff and had not
been retracted before it. Every table is small (a few rows a customer) and ordered, so that nothing depends on threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.core.clock import Cutoff, Window
from holdfast.core.schema import NOT_OWN_ACTS
from holdfast.snapshot.days import cutoff_day
from holdfast.snapshot.folds import default_cutoff
from holdfast.snapshot.interactions import catalogue
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.observed import Observed
from holdfast.snapshot.settings import BY_ORDER

#: Acts of shopping: they say where and when somebody shops; reading mail and writing tickets do not.
SHOPPING = (
    "visit", "view", "list_view", "search", "cart_add", "cart_remove", "wishlist", "checkout", "purchase", "coupon", "share",
)  # fmt: skip
#: What the shop sends is no step of the customer's.
_SENT = ("message", "exposure")
WISHES = ("cart_add", "wishlist")
#: A category of an item, from its row of the catalogue.
Namer = Callable[[str | None, str | None], str | None]
_LOG_SCALE = 1_000_000
_SERVICE = (
    "ticket_count", "refund_count", "cancel_count", "delivery_failed_count", "rating_count", "rating", "low_rating_count",
    "message_count", "message_open_count", "unsubscribe_count", "line_count",
)  # fmt: skip


def top_level(category: str | None, kind: str | None) -> str | None:
    """The first part of a category's path; what is no goods and has none is called by its kind.

    >>> top_level("Garden > Tools", None), top_level(None, "course"), top_level(None, "goods")
    ('Garden', 'course', None)
    """
    if category:
        return category.split(">")[0].strip() or None
    return kind if kind and kind != "goods" else None


@dataclass(frozen=True)
class Acts:
    """Counts over what was known at `cutoff`, of acts within `window` before it. `namer` makes categories of items."""

    ledger: Ledger
    cutoff: Cutoff
    window: Window
    namer: Namer = top_level

    @property
    def engine(self) -> Any:
        return self.ledger.engine

    @cached_property
    def rows(self) -> Any:
        """The visible rows, computed once."""
        import ibis

        now, rows = ibis.literal(self.cutoff.at), self.ledger.log.events
        rows = rows.filter((rows.occurred_at < now) & (rows.recorded_at < now) & rows.customer_id.notnull())
        rows = rows.filter(rows.retracted_at.isnull() | (rows.retracted_at >= now))
        rows = rows.filter(rows.occurred_at >= ibis.literal(self.cutoff.minus(self.window).at))
        day = "d" + rows.local_day.cast("string")
        rows = rows.mutate(order_key=ibis.coalesce("o" + rows.order_id, day))
        kept = (
            "customer_id", "occurred_at", "local_day", "local_hour", "event_type", "item_id", "order_key", "channel",
            "platform", "unit_price", "quantity", "discount", "coupon_code",
        )  # fmt: skip
        rows = rows.select(*kept).left_join(self._categories, "item_id").drop("item_id_right")
        return self.engine.cached(rows)

    @cached_property
    def catalogue(self) -> pa.Table:
        """item_id, category: items whose category was known at the cutoff.

        At the end of the history that is what the catalogue says, also where it does not say since when; before it
        only rows with `valid_from` before the cutoff count.
        """
        now = self.cutoff >= default_cutoff(self.ledger.log)
        nobody = pa.chunked_array([pa.array([], pa.string())])
        items = catalogue(self.ledger, self.cutoff, nobody, attributes="newest" if now else "known")
        named = zip(items.item_id.to_pylist(), items.category.to_pylist(), items.kind.to_pylist(), strict=True)
        found = [(item, name) for item, category, kind in named if (name := self.namer(category, kind))]
        ids, names = zip(*found, strict=True) if found else ((), ())
        return pa.table({"item_id": pa.array(ids, pa.string()), "category": pa.array(names, pa.string())})

    @cached_property
    def _categories(self) -> Any:
        return self.engine.memory(self.catalogue)

    def tastes(self) -> pa.Table:
        """customer_id, category, view_count, wish_count, order_count, day_count: acts on items of known category."""
        rows = self.rows.filter(self.rows.category.notnull() & self.rows.event_type.notin([*NOT_OWN_ACTS]))
        kind = rows.event_type
        found = rows.group_by(["customer_id", "category"]).aggregate(
            view_count=kind.isin(["view"]).cast("int64").sum(),
            wish_count=kind.isin([*WISHES]).cast("int64").sum(),
            order_count=rows.order_key.nunique(where=kind == "purchase"),
            day_count=rows.local_day.nunique(),
        )
        return self._read(found, "customer_id", "category")

    def habits(self, by: str) -> pa.Table:
        """customer_id, `by` (channel, hour or weekday), occasions: different hours in which somebody shopped."""
        rows = self._occasions
        weekday = (rows.local_day.epoch_days() + 3) % 7  # 0 is Monday
        rows = rows.mutate(hour=rows.local_hour.cast("int64"), weekday=weekday.cast("int64"))
        rows = rows.filter(rows[by].notnull())
        return self._read(rows.group_by(["customer_id", by]).aggregate(occasions=rows.count()), "customer_id", by)

    @cached_property
    def _occasions(self) -> Any:
        rows = self.rows.filter(self.rows.event_type.isin([*SHOPPING]))
        return self.engine.cached(rows.select("customer_id", "local_day", "local_hour", "channel").distinct())

    def deals(self) -> pa.Table:
        """customer_id, order_count, deal_count: orders, and those with a discount, a coupon or on a promotion's day."""
        import ibis

        rows = self.rows.filter(self.rows.event_type == "purchase")
        off = (rows.discount.fill_null(0) > 0) | rows.coupon_code.notnull()
        off = off | rows.local_day.isin(self._promotions) if self._promotions else off
        orders = rows.group_by(["customer_id", "order_key"]).aggregate(deal=off.cast("int64").max())
        found = orders.group_by("customer_id").aggregate(
            order_count=orders.count(), deal_count=ibis.coalesce(orders.deal.sum(), 0)
        )
        return self._read(found, "customer_id")

    @cached_property
    def _promotions(self) -> list[Any]:
        """Days of promotions that were announced before the cutoff."""
        calendar = self.ledger.log.tables.get("calendar")
        if calendar is None:
            return []
        known = calendar.filter((calendar.kind == "promotion") & (calendar.known_from < self.cutoff.at))
        return sorted(self.engine.arrow(known.select("day").distinct())["day"].to_pylist())

    def price_levels(self) -> pa.Table:
        """customer_id, line_count, log_level: mean log price of the lines over the mean of their categories."""
        rows = self.rows
        rows = rows.filter((rows.event_type == "purchase") & rows.category.notnull() & (rows.unit_price > 0))
        # whole numbers, so that sums are the same in any order
        rows = rows.mutate(log=(rows.unit_price.cast("float64").ln() * _LOG_SCALE).round().cast("int64"))
        usual = rows.group_by("category").aggregate(all_sum=rows["log"].sum(), all_count=rows.count())
        mine = rows.group_by(["customer_id", "category"]).aggregate(own_sum=rows["log"].sum(), own_count=rows.count())
        table = self._read(mine.join(usual, "category"), "customer_id", "category")
        own, every = table["own_count"].to_numpy(), table["all_count"].to_numpy()
        mean = _floats(table["all_sum"]) / np.maximum(every, 1)
        over = (_floats(table["own_sum"]) - own * mean) / _LOG_SCALE
        ids = table["customer_id"].combine_chunks().dictionary_encode()
        code = ids.indices.to_numpy()
        lines, size = np.bincount(code, own, len(ids.dictionary)), len(ids.dictionary)
        level = np.bincount(code, over, size) / np.maximum(lines, 1)
        return pa.table({"customer_id": ids.dictionary, "line_count": lines.astype(np.int64), "log_level": level})

    def service(self) -> pa.Table:
        """customer_id and sums of tickets, returns, failed deliveries, ratings and messages over all time."""
        seen = Observed(self.ledger, (self.cutoff,), BY_ORDER)
        rows = seen.days.join(seen.customers, "who")
        days = int(self.window.days)
        sums = {name: rows[name].sum() for name in _SERVICE}
        sums |= {"recent_message_count": rows.message_count.sum(where=rows.age <= days)}
        return self._read(rows.group_by("customer_id").aggregate(**sums), "customer_id")

    def treated(self) -> pa.Table:
        """customer_id, treated_count: treatments other than nothing that were delivered before the cutoff."""
        rows = self.ledger.log.tables.get("exposures")
        if rows is None:
            return pa.table({"customer_id": pa.array([], pa.string()), "treated_count": pa.array([], pa.int64())})
        known = rows.filter((rows.delivered_at < self.cutoff.at) & (rows.treatment_id != "nothing"))
        return self._read(known.group_by("customer_id").aggregate(treated_count=known.count()), "customer_id")

    def platforms(self) -> pa.Table:
        """customer_id, platform, line_count: where customers bought, over all time."""
        seen = Observed(self.ledger, (self.cutoff,), BY_ORDER)
        rows = seen.platforms.join(seen.customers, "who")
        return self._read(
            rows.group_by(["customer_id", "platform"]).aggregate(line_count=rows.line_count.sum()),
            "customer_id",
            "platform",
        )

    def identities(self) -> pa.Table:
        """customer_id, source, source_id, evidence: who was known as whom at the cutoff."""
        rows = self.ledger.log.tables.get("identities")
        names = ("customer_id", "source", "source_id", "evidence")
        if rows is None:
            return pa.table({name: pa.array([], pa.string()) for name in names})
        now = self.cutoff.at
        known = rows.filter((rows.valid_from < now) & (rows.valid_to.isnull() | (rows.valid_to >= now)))
        return self._read(known.select(*names).distinct(), *names)

    def reach(self) -> pa.Table:
        """customer_id and counts of being reached, looking, wanting and ordering (days) in the window: for AIPL."""
        rows = self.rows
        kind = rows.event_type
        looking = kind.isin(["view", "search", "review", "share", *WISHES, "checkout", "coupon"])
        found = rows.group_by("customer_id").aggregate(
            reached_count=kind.isin(["message", "exposure", "visit", "list_view", "message_open", "click"])
            .cast("int64")
            .sum(),
            look_count=looking.cast("int64").sum(),
            order_day_count=rows.local_day.nunique(where=kind == "purchase"),
        )
        return self._read(found, "customer_id")

    def active_days(self, days: int = 365) -> pa.Table:
        """customer_id, local_day: days with an act of the customer's own, over the last `days`."""
        seen = Observed(self.ledger, (self.cutoff,), BY_ORDER)
        rows = seen.days.filter((seen.days.act_count > 0) & (seen.days.age <= days)).join(seen.customers, "who")
        table = self._read(rows.select("customer_id", "age").distinct(), "customer_id", "age")
        today = cutoff_day(self.cutoff, self.ledger.zone)
        day = pa.array(today - table["age"].to_numpy(), pa.int32()).cast(pa.date32())
        return pa.table({"customer_id": table["customer_id"], "local_day": day})

    def steps(self, length: int, *, categories: bool = False) -> pa.Table:
        """customer_id, step: each customer's last steps before the cutoff, oldest first.

        A step is an event type on a day (what is done ten times in a visit is one step), in the order in which types
        first came. What the shop sends is no step; with `categories` only looking and buying count, each with its category (`view Garden`).
        """
        import ibis

        rows, by = self.rows.filter(self.rows.event_type.notin([*_SENT])), ["customer_id", "local_day", "event_type"]
        if categories:
            rows = rows.filter(rows.category.notnull() & rows.event_type.isin(["view", "purchase"]))
            by = [*by, "category"]
        days = rows.group_by(by).aggregate(at=rows.occurred_at.min())
        days = days.mutate(step=days.event_type + " " + days.category if categories else days.event_type)
        newest = ibis.window(group_by="customer_id", order_by=[days["at"].desc(), days.step.desc()])
        days = days.mutate(back=ibis.row_number().over(newest))
        last = days.filter(days.back < length).select("customer_id", "back", "step")
        return self.engine.arrow(last.order_by(["customer_id", last.back.desc()])).drop_columns(["back"])

    def _read(self, expression: Any, *order: str) -> pa.Table:
        return self.engine.arrow(expression.order_by([*order]))


def _floats(column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)
