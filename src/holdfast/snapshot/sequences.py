"""Event sequences as of each cutoff, through the engine: what a sequence model reads.

The same law of time as for features: an event is there only if it occurred and was recorded before the cutoff and was
not retracted before it. What happens later changes no sequence at the cutoff, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff
from holdfast.core.schema import EVENT_TYPES
from holdfast.core.sequences import Events, EventSequences
from holdfast.core.tables import Key
from holdfast.snapshot.observed import Observed

#: `order`: the lines of an order that became known together are one event; `line`: every row is one.
Grain = Literal["order", "line"]
Ints = NDArray[np.int64]
_GROUP = ("who", "event_type", "token", "occurred_at", "recorded_at")
#: Amounts are bucketed later, so what lies beyond 55 million of a currency may be called just that.
_MOST_MONEY, _ITEM_BITS = 2**39, 23
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class History:
    """Every event that some cutoff may see, by customer and in order, with the stretch of time in which it counts.

    At cutoff c event i counts if `known[i] < c` and `lost[i] >= c`.
    """

    observed: Observed
    events: Events
    who: Ints  # rising
    known: Ints
    lost: Ints
    numbers: pa.Array  # customer_id of each `who`

    @classmethod
    def read(cls, observed: Observed, *, grain: Grain = "order") -> History:
        """Read the events known at the newest cutoff of `observed`."""
        rows = observed.engine.arrow(_merged(observed, grain).order_by([*_ORDER]).drop("token"))
        ids = observed.engine.arrow(observed.customers.order_by("who"))
        names = observed.engine.arrow(observed.ledger.item_ids.order_by("item"))
        events, who, known, lost = _columns(rows, names)
        return cls(observed, events, who, known, lost, ids["customer_id"].combine_chunks())

    def everybody(self, cutoffs: Sequence[Cutoff] | None = None) -> Key:
        """Whoever has an event at each cutoff (by default all), ordered by cutoff and customer_id."""
        parts = []
        for one in self.observed.cutoffs if cutoffs is None else cutoffs:
            inside = np.unique(self.who[self._visible(one.micros)])
            parts.append(Key.of(self.numbers.take(pa.array(inside)), one))
        ids = pa.concat_arrays([one.customer_id for one in parts])
        return Key(ids, np.concatenate([one.cutoff for one in parts]))

    def sequences(self, key: Key, length: int) -> EventSequences:
        """The newest `length` events of each row of `key` (at cutoffs of `observed`); nobody's are empty."""
        who = self._numbers_of(key)
        lengths, seen = np.zeros(len(key), np.int64), np.zeros(len(key), np.int64)
        first, found = key.cutoff.copy(), []
        for one in self.observed.cutoffs:
            rows = np.flatnonzero((key.cutoff == one.micros) & (who >= 0))
            if not len(rows):
                continue
            mine = np.flatnonzero(self._visible(one.micros))
            counts = np.bincount(self.who[mine], minlength=len(self.numbers))
            starts = np.concatenate([[0], np.cumsum(counts)])
            number = who[rows]
            seen[rows], lengths[rows] = counts[number], np.minimum(counts[number], length)
            some = rows[seen[rows] > 0]
            first[some] = self.events.occurred_at[mine[starts[who[some]]]]
            found.append((rows, mine, starts[number + 1] - lengths[rows]))
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        positions = np.zeros(int(offsets[-1]), np.int64)
        for rows, mine, start in found:
            inside = np.arange(lengths[rows].sum()) - np.repeat(np.cumsum(lengths[rows]) - lengths[rows], lengths[rows])
            target = np.repeat(offsets[rows], lengths[rows]) + inside
            positions[target] = mine[np.repeat(start, lengths[rows]) + inside]
        names, category_of = self._catalogue()
        cutoffs = self.observed.cutoffs
        return EventSequences(key, self.events, offsets, positions, seen, first, cutoffs, names, category_of)

    def _visible(self, cutoff: int) -> NDArray[np.bool_]:
        return np.asarray((self.known < cutoff) & (self.lost >= cutoff))

    def _numbers_of(self, key: Key) -> Ints:
        found = pa.compute.index_in(key.customer_id, value_set=self.numbers)
        return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)

    def _catalogue(self) -> tuple[pa.Array, NDArray[np.int32]]:
        """The names of categories, and for each cutoff and item the one it had."""
        catalogue = self.observed.catalogue
        if catalogue is None:
            return pa.array([], pa.string()), np.zeros((0, 0), np.int32)
        known = catalogue.filter(catalogue.category.notnull())
        rows = self.observed.engine.arrow(known.select("cut", "item", "category").order_by(["cut", "item"]))
        coded = rows["category"].combine_chunks().dictionary_encode()
        found = np.full((len(self.observed.cutoffs), len(self.events.items)), -1, np.int32)
        found[rows["cut"].to_numpy(), rows["item"].to_numpy()] = coded.indices.to_numpy()
        return coded.dictionary, found


def sequences(
    observed: Observed, key: Key | None = None, *, length: int = 128, grain: Grain = "order"
) -> EventSequences:
    """The newest `length` events of each row of `key` (at cutoffs of `observed`), or of everybody who ever did anything.

    Rows keep the order of `key`. A customer whom this history does not know has no events.
    """
    history = History.read(observed, grain=grain)
    return history.sequences(history.everybody() if key is None else key, length)


_ORDER = ("who", "occurred_at", "event_type", "token", "recorded_at", "since")


def _merged(observed: Observed, grain: Grain) -> Any:
    """One row for each event and stretch of time in which it looked as it did.

    Lines of an order that one retraction takes away leave an event of fewer lines; before it the event had them all.
    """
    import ibis

    lines = _lines(observed, grain)
    if observed.ledger.seen.plain:
        nothing = ibis.null("timestamp('UTC', 6)")
        return _sums(lines, [*_GROUP]).mutate(since=nothing, until=nothing)
    group = [*_GROUP]
    ends = lines.select(*group, until=lines.retracted_at).distinct()
    before = ibis.window(group_by=group, order_by=[ends.until.asc(nulls_first=False)])
    ends = ends.mutate(since=ends.until.lag().over(before))
    same = [lines[name] == ends[name] for name in group]
    both = lines.join(ends, [*same, lines.retracted_at.isnull() | (lines.retracted_at >= ends.until)])
    # a version that ends (`until`) holds the lines that end with it or later; the last one those that never end
    both = both.filter(both.until.notnull() | both.retracted_at.isnull())
    return _sums(both, [*group, "since", "until"])


def _lines(observed: Observed, grain: Grain) -> Any:
    """The log's rows that the newest cutoff may see, with who, item, the event they belong to, and their money."""
    import ibis

    ledger, newest = observed.ledger, ibis.literal(observed.cutoffs[-1].at)
    rows = ledger.log.events
    rows = rows.filter((rows.occurred_at < newest) & (rows.recorded_at < newest))
    rows = rows.join(ledger.customers, "customer_id").left_join(ledger.item_ids, "item_id")
    own = "e" + rows.event_id
    token = own if grain == "line" else ibis.ifelse(rows.order_id.isnull(), own, "o" + rows.order_id)
    paid = rows.quantity.fill_null(1.0) * rows.unit_price.cast("float64") - rows.discount.fill_null(0)
    money = ibis.least(ibis.greatest(paid, 0.0), float(_MOST_MONEY))
    money = ibis.ifelse(rows.unit_price.isnull(), 0.0, money).round().cast("int64")
    return rows.select(
        "who", "event_type", "occurred_at", "recorded_at", "retracted_at", "channel", "local_day", "local_hour",
        token=token,
        money=money,
        priced=rows.unit_price.notnull(),
        # the dearest line's item stands for the order: money above, item below, so that ties have one answer
        dearest=ibis.ifelse(rows.item.isnull(), -1, money * 2**_ITEM_BITS + rows.item.cast("int64")),
    )  # fmt: skip


def _sums(rows: Any, by: list[str]) -> Any:
    return rows.group_by(by).aggregate(
        amount=rows.money.sum().cast("int64"),
        priced=rows.priced.any(),
        lines=rows.count().cast("int64"),
        dearest=rows.dearest.max(),
        channel=rows.channel.max(),
        hour=rows.local_hour.min().cast("int8"),
        day=rows.local_day.min().epoch_days().cast("int32"),
    )


def _columns(rows: pa.Table, names: pa.Table) -> tuple[Events, Ints, Ints, Ints]:
    """The merged rows as numpy columns: events, who, known, lost."""
    occurred, recorded, since, until = (_micros(rows[n]) for n in ("occurred_at", "recorded_at", "since", "until"))
    kind = pa.compute.index_in(rows["event_type"].combine_chunks(), value_set=pa.array(EVENT_TYPES))
    dearest = rows["dearest"].to_numpy().astype(np.int64)
    amount = np.where(rows["priced"].to_numpy(zero_copy_only=False), rows["amount"].to_numpy(), -1)
    channel = rows["channel"].combine_chunks().dictionary_encode()
    channel_codes = channel.indices.fill_null(-1)
    events = Events(
        occurred_at=occurred,
        kind=kind.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int8),
        item=np.where(dearest < 0, -1, dearest % 2**_ITEM_BITS).astype(np.int32),
        channel=channel_codes.to_numpy(zero_copy_only=False).astype(np.int32),
        amount=amount.astype(np.int64),
        lines=rows["lines"].to_numpy().astype(np.int32),
        hour=rows["hour"].to_numpy(zero_copy_only=False).astype(np.int8),
        weekday=((rows["day"].to_numpy() + 3) % 7).astype(np.int8),
        items=names["item_id"].combine_chunks(),
        channels=channel.dictionary,
    )
    known = np.maximum(np.maximum(occurred, recorded), np.where(since == _NEVER, -_NEVER, since))
    return events, rows["who"].to_numpy().astype(np.int64), known, until


def _micros(column: pa.ChunkedArray) -> Ints:
    """Microseconds since 1970; null is never."""
    found = pa.compute.fill_null(column.cast(pa.int64()), int(_NEVER))
    return np.asarray(found.to_numpy(), np.int64)
