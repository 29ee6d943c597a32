"""Synthetic customers after a shop's own: the same habits in sum, and nobody's history.

Fitted from order lines. A synthetic customer gets about as many orders as somebody like them placed; when they came and
when they last ordered, what they spend and how many lines they buy are drawn around real values and moved by a kernel, so that
habits hang together as they do in the shop (frequent customers may spend more). Gaps between orders, order values and
baskets are rebuilt from what all customers share: normalised gaps on a calendar that runs with the shop's seasons and
weekdays, values around the customer's own level, lines of the right size from the whole shop. What is faithful, and
whether anybody was copied, is measured in `synth/fidelity.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.errors import TooLittleData, UsageError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Columns of the order lines that a sampler learns from and gives: unit_price in any money, local_day as a date.
COLUMNS = ("customer_id", "local_day", "order_id", "item_id", "quantity", "unit_price")
LEAST_CUSTOMERS = 20
#: Kernel width in standard deviations of what is smoothed: Silverman's rule, but never less than this.
_LEAST_WIDTH = 0.35
#: How much the number of orders of frequent customers moves, in log units.
_COUNT_WIDTH = 0.2
#: Normalised gaps are pooled by how many orders a customer placed: rhythm differs with frequency.
_CLASSES = (3, 6, 12)
_SEASON_DAYS = 28
_NEAR = 0.2  # how far (log) a line may lie from the wanted value


@dataclass(frozen=True, eq=False)
class Lines:
    """Order lines as arrays, sorted by customer, day and order; orders and customers numbered in that order."""

    customer: Ints  # number of the customer of each line
    order: Ints  # number of the order of each line
    day: Ints  # days since 1970
    value: Floats
    item: Ints
    quantity: Floats
    price: Floats
    items: pa.Array

    @classmethod
    def of(cls, table: pa.Table) -> Lines:
        """Read a table with `COLUMNS`; lines without customer or day, or with a price or quantity below 0, are left out."""
        lost = [name for name in COLUMNS if name not in table.column_names]
        if lost:
            raise UsageError(f"the order lines lack {lost[0]!r}", remedy=f"give the columns {', '.join(COLUMNS)}")
        table = table.select(COLUMNS).combine_chunks()
        quantity, price = (_floats(table[name]) for name in ("quantity", "unit_price"))
        whole = pc.and_(table["customer_id"].is_valid(), table["local_day"].is_valid()).to_numpy(zero_copy_only=False)
        keep = np.flatnonzero(whole & np.isfinite(quantity) & np.isfinite(price) & (quantity > 0) & (price >= 0))
        table, quantity, price = table.take(pa.array(keep)), quantity[keep], price[keep]
        day = table["local_day"].cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int64)
        who, _ = _codes(table["customer_id"])
        item, items = _codes(table["item_id"])
        number, _ = _codes(table["order_id"])
        order = np.lexsort((number, day, who))
        who, day, number = who[order], day[order], number[order]
        fresh = np.r_[True, (who[1:] != who[:-1]) | (day[1:] != day[:-1]) | (number[1:] != number[:-1])][: len(who)]
        return cls(
            who, np.cumsum(fresh) - 1, day, (quantity * price)[order], item[order], quantity[order], price[order], items
        )

    def orders(self) -> tuple[Ints, Ints, Floats, Ints]:
        """customer, day, value, lines of each order."""
        first = np.flatnonzero(np.r_[True, self.order[1:] != self.order[:-1]])
        value, size = np.bincount(self.order, self.value), np.bincount(self.order)
        return self.customer[first], self.day[first], np.asarray(value, np.float64), size.astype(np.int64)


@dataclass(frozen=True, eq=False)
class Sampler:
    """What was learnt of a shop. `sample` gives as many synthetic customers as wanted."""

    habits: Floats  # real customers x (when they came, log silence: both by the clock; log value, log lines): what is smoothed
    counts: Ints  # orders of each real customer
    width: Floats  # kernel width of each habit
    first: int
    last: int
    clock: Floats  # cumulated pace at the start of each day from `first`: one more than days
    gaps: tuple[Floats, ...]  # normalised gaps by class of frequency
    value_noise: Floats  # log order value less the customer's level
    line_noise: Floats
    shares: tuple[Floats, ...]  # what part of an order's value a line is, by lines of the order (1, 2-3, 4-8, more)
    pool: Lines  # all lines, by value
    loyalty: float

    @classmethod
    def fit(cls, table: pa.Table) -> Sampler:
        """Learn from order lines; raises `TooLittleData` below 20 customers."""
        lines = Lines.of(table)
        if not len(lines.order) or int(lines.customer.max()) + 1 < LEAST_CUSTOMERS:
            raise TooLittleData(
                f"a sampler learns from at least {LEAST_CUSTOMERS} customers with orders",
                remedy="import more orders, or sample from a World instead",
            )
        who, day, value, size = lines.orders()
        n = int(who.max()) + 1
        counts = np.bincount(who, minlength=n)
        begins = np.flatnonzero(np.r_[True, who[1:] != who[:-1]])
        first, last = day[begins], day[np.r_[begins[1:], len(day)] - 1]
        level, lots = np.log(np.maximum(value, 1e-6)), np.log(size)
        own_value, own_lines = (np.bincount(who, one) / counts for one in (level, lots))
        clock = _clock(day, int(day.min()), int(day.max()))
        came, left = (0.5 * (clock[one - day.min()] + clock[one - day.min() + 1]) for one in (first, last))
        habits = np.column_stack([came, np.log1p(clock[-1] - left), own_value, own_lines])
        return cls(
            habits, counts, _width(habits, counts), int(day.min()), int(day.max()), clock,
            _gaps(who, day, counts, clock), _noise(level, own_value, who, counts), _noise(lots, own_lines, who, counts),
            _shares(lines, value, size),
            _by_value(lines), _loyalty(lines),
        )  # fmt: skip

    def sample(self, customers: int, seed: int = 1, *, prefix: str = "s") -> pa.Table:
        """Order lines of so many synthetic customers, columns `COLUMNS`; the same seed gives the same lines.

        Ids begin with `prefix`, so that they collide with nobody's; prices keep the unit they were given in.
        """
        if customers < 1:
            raise UsageError(f"{customers} customers cannot be sampled", remedy="ask for at least one")
        random = np.random.default_rng([seed, customers, 47])
        donor = random.integers(0, len(self.counts), customers)
        habit = self.habits[donor] + self.width * random.standard_normal((customers, self.habits.shape[1]))
        middle, spread = self.habits.mean(axis=0)[1:], self.habits.std(axis=0)[1:]
        # Drawn in by what the kernel adds, so that no habit becomes more spread than it is.
        habit[:, 1:] = middle + (habit[:, 1:] - middle) / np.sqrt(1 + (self.width[1:] / np.maximum(spread, 1e-9)) ** 2)
        moved = np.exp(_COUNT_WIDTH * random.standard_normal(customers)) * self.counts[donor]
        counts = np.where(self.counts[donor] > 2, np.maximum(np.round(moved), 2), self.counts[donor]).astype(np.int64)
        who, day = self._days(habit, counts, random)
        value, size = self._sizes(habit, who, random)
        return self._lines(who, day, value, size, prefix, random)

    def _days(self, habit: Floats, counts: Ints, random: np.random.Generator) -> tuple[Ints, Ints]:
        """Customer and day of every order: first and last by habit, those between by rebuilt gaps on the shop's clock."""
        top = float(self.clock[-1]) * (1 - 1e-12)
        begins = np.clip(_mirrored(habit[:, 0], 0.0, top), 0.0, top)
        ends = np.clip(top - np.maximum(np.expm1(habit[:, 1]), 0.0), 0.0, top)
        ends = np.where(counts > 1, ends, begins)
        begins, ends = np.minimum(begins, ends), np.maximum(begins, ends)
        who = np.repeat(np.arange(len(counts)), counts)
        place = np.arange(len(who)) - np.repeat(np.cumsum(counts) - counts, counts)
        raw = np.ones(len(who))
        kind = np.searchsorted(_CLASSES, counts[who], side="right")
        for one, pool in enumerate(self.gaps):
            mine = kind == one
            raw[mine] = pool[random.integers(0, len(pool), int(mine.sum()))]
        raw[place == 0] = 0.0
        upto = np.cumsum(raw)
        upto = upto - np.repeat(upto[place == 0], counts)
        whole = np.maximum(np.bincount(who, raw, minlength=len(counts)), 1e-12)
        at = begins[who] + (ends - begins)[who] * upto / whole[who]
        day = np.floor(self._day(np.clip(at, 0.0, top))).astype(np.int64)
        day = np.clip(day, self.first, self.last)
        order = np.lexsort((day, who))
        return who[order], day[order]

    def _day(self, reading: Floats) -> Floats:
        return np.asarray(np.interp(reading, self.clock, np.arange(len(self.clock)))) + self.first

    def _sizes(self, habit: Floats, who: Ints, random: np.random.Generator) -> tuple[Floats, Ints]:
        """Value and number of lines of every order; the two deviate together, as they did in some real order."""
        drawn = random.integers(0, len(self.value_noise), len(who))
        noise = np.column_stack([self.value_noise[drawn], self.line_noise[drawn]])
        noise[:, 0] += 0.05 * random.standard_normal(len(who))
        count = np.bincount(who)
        for one in noise.T:  # a customer's orders lie around the own level, which is smoothed already
            one -= (np.bincount(who, one) / count)[who]
        value, size = np.exp(habit[who, 2] + noise[:, 0]), np.exp(habit[who, 3] + noise[:, 1])
        most = int(np.exp(self.habits[:, 3].max() + self.line_noise.max())) + 1
        return value, np.clip(np.floor(size + random.random(len(who))), 1, most).astype(np.int64)

    def _lines(
        self, who: Ints, day: Ints, value: Floats, size: Ints, prefix: str, random: np.random.Generator
    ) -> pa.Table:
        order = np.repeat(np.arange(len(who)), size)
        raw, kind = np.ones(len(order)), np.searchsorted(_SIZES, size[order], side="right")
        for one, parts in enumerate(self.shares):
            mine = kind == one
            raw[mine] = parts[random.integers(0, len(parts), int(mine.sum()))]
        wanted = value[order] * raw / np.bincount(order, raw)[order]
        pick = self._pick(wanted, day[order], random)
        pick = _again(pick, who[order], order, self.loyalty, random)
        pool = self.pool
        # The line's item and price are the catalogue's; the quantity makes it the wanted size again.
        price, quantity = pool.price[pick], pool.quantity[pick]
        whole = bool(np.all(pool.quantity == np.round(pool.quantity)))
        fitting = np.divide(wanted, price, out=quantity.copy(), where=price > 0)
        quantity = np.maximum(np.round(fitting), 1.0) if whole else np.maximum(fitting, 1e-3)
        width = max(5, len(str(int(who.max()) + 1)))
        names = pa.array([f"{prefix}{one:0{width}d}" for one in range(int(who.max()) + 1)])
        return pa.table(
            {
                "customer_id": names.take(pa.array(who[order])),
                "local_day": pa.array(day[order].astype(np.int32)).cast(pa.date32()),
                "order_id": pc.binary_join_element_wise(f"{prefix}o", pa.array(order).cast(pa.string()), ""),
                "item_id": pool.items.take(pa.array(pool.item[pick])),
                "quantity": quantity,
                "unit_price": price,
            }
        )

    def _pick(self, wanted: Floats, day: Ints, random: np.random.Generator) -> Ints:
        """A line of about the wanted value; of three drawn the one nearest to the day, as assortments change."""
        value = self.pool.value
        low = np.minimum(np.searchsorted(value, wanted * np.exp(-_NEAR), side="left"), len(value) - 1)
        high = np.maximum(np.searchsorted(value, wanted * np.exp(_NEAR), side="right"), low + 1)
        near = low[:, None] + np.floor(random.random((len(wanted), 3)) * (high - low)[:, None]).astype(np.int64)
        best = np.abs(self.pool.day[near] - day[:, None]).argmin(axis=1)
        return np.asarray(near[np.arange(len(near)), best])


_SIZES = (2, 4, 9)


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _codes(column: pa.ChunkedArray) -> tuple[Ints, pa.Array]:
    """Numbers in the order of the values, and the values."""
    text = column.combine_chunks().cast(pa.string()).fill_null("")
    names = text.unique().sort()
    return pc.index_in(text, value_set=names).to_numpy(zero_copy_only=False).astype(np.int64), names


def _noise(values: Floats, own: Floats, who: Ints, counts: Ints) -> Floats:
    """Deviations of orders from their customer's mean, as wide as if that mean were known; 0 where nobody came twice."""
    many = counts[who] > 1
    found = ((values - own[who]) * np.sqrt(counts[who] / np.maximum(counts[who] - 1, 1)))[many]
    return found if len(found) else np.zeros(1)


def _width(habits: Floats, counts: Ints) -> Floats:
    """Silverman's width of each habit; days of arrival move by a week or more."""
    n, d = habits.shape
    share = max((4 / (d + 2)) ** (1 / (d + 4)) * n ** (-1 / (d + 4)) / 2, _LEAST_WIDTH)
    spread = habits.std(axis=0)
    often = habits[counts > 1, 1]
    spread[1] = often.std() if len(often) else 0.0
    width = share * spread
    width[0] = np.clip(width[0], 7.0, 20.0)
    return np.asarray(width)


def _clock(day: Ints, first: int, last: int) -> Floats:
    """Cumulated pace by day: orders a day as a smooth season times a weekday, so that rebuilt orders keep both."""
    count = np.bincount(day - first, minlength=last - first + 1).astype(np.float64)
    kernel = np.exp(-0.5 * (np.arange(-3 * _SEASON_DAYS, 3 * _SEASON_DAYS + 1) / (_SEASON_DAYS / 2)) ** 2)
    reach = slice(3 * _SEASON_DAYS, 3 * _SEASON_DAYS + len(count))
    smooth = np.convolve(count, kernel)[reach] / np.convolve(np.ones(len(count)), kernel)[reach]
    weekday = (np.arange(len(count)) + first) % 7
    factor = (np.bincount(weekday, count, 7) + 0.5) / (np.bincount(weekday, smooth, 7) + 0.5)
    pace = np.maximum(smooth * factor[weekday], 0.0) + 1e-9
    return np.concatenate([[0.0], np.cumsum(pace / pace.mean())])


def _gaps(who: Ints, day: Ints, counts: Ints, clock: Floats) -> tuple[Floats, ...]:
    """Gaps between a customer's orders on the shop's clock, each over the customer's mean, pooled by frequency."""
    reading = clock[day - int(day.min())] + 0.5
    same = who[1:] == who[:-1]
    gap, mine = np.diff(reading)[same], who[1:][same]
    mean = np.bincount(mine, gap, len(counts)) / np.maximum(counts - 1, 1)
    ratio = gap / np.maximum(mean[mine], 1e-9)
    kind = np.searchsorted(_CLASSES, counts[mine], side="right")
    pools = [ratio[kind == one] for one in range(len(_CLASSES) + 1)]
    whole = ratio if len(ratio) else np.ones(1)
    return tuple(np.maximum(one if len(one) >= 20 else whole, 0.0) for one in pools)


def _shares(lines: Lines, value: Floats, size: Ints) -> tuple[Floats, ...]:
    part = lines.value / np.maximum(value[lines.order], 1e-12) * size[lines.order]
    kind = np.searchsorted(_SIZES, size[lines.order], side="right")
    pools = [part[kind == one] for one in range(len(_SIZES) + 1)]
    return tuple(np.maximum(one if len(one) else np.ones(1), 1e-6) for one in pools)


def _by_value(lines: Lines) -> Lines:
    order = np.argsort(lines.value, kind="stable")
    parts: dict[str, Any] = {
        name: getattr(lines, name)[order] for name in ("customer", "order", "day", "value", "item", "quantity", "price")
    }
    return Lines(**parts, items=lines.items)


def _loyalty(lines: Lines) -> float:
    """Share of lines, beyond a customer's first order, whose item that customer had bought before."""
    pair = lines.customer * len(lines.items) + lines.item
    _, first_line, which = np.unique(pair, return_index=True, return_inverse=True)
    before = lines.order[first_line][which] < lines.order
    begins = np.r_[True, lines.customer[1:] != lines.customer[:-1]]
    later = lines.order > lines.order[np.maximum.accumulate(np.where(begins, np.arange(len(begins)), 0))]
    return float(before[later].mean()) if later.any() else 0.0


def _again(pick: Ints, who: Ints, order: Ints, loyalty: float, random: np.random.Generator) -> Ints:
    """Some lines of later orders are replaced by one that the same synthetic customer had bought before."""
    begins = np.maximum.accumulate(np.where(np.r_[True, who[1:] != who[:-1]], np.arange(len(who)), 0))
    opens = np.maximum.accumulate(np.where(np.r_[True, order[1:] != order[:-1]], np.arange(len(order)), 0))
    earlier = opens - begins
    chosen = (earlier > 0) & (random.random(len(pick)) < loyalty)
    return np.where(chosen, pick[begins + np.floor(random.random(len(pick)) * earlier).astype(np.int64)], pick)


def _mirrored(values: Floats, low: float, high: float) -> Floats:
    """Values beyond an edge are mirrored into the range, so that no mass piles up on it."""
    inside = np.where(values < low, 2 * low - values, values)
    return np.asarray(np.where(inside > high, 2 * high - inside, inside))
