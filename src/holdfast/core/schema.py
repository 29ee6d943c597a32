"""The canonical tables: every column with its type, unit, meaning of null and whether it is part of the key.

`text` columns are UTF-8; `instant` is UTC microseconds; `money` is int64 in 1/10,000 of the currency unit.
Release tables keep the same shape from the first release: a column that later work fills is there, and null.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

INSTANT = pa.timestamp("us", tz="UTC")
MONEY = pa.int64()
DAY = pa.date32()
TEXT = pa.string()
REASON = pa.struct([("feature", TEXT), ("value", pa.float64()), ("contribution", pa.float64()), ("text", TEXT)])
INTEREST = pa.struct(
    [
        ("category", TEXT), ("strength", pa.float64()), ("lift", pa.float64()), ("views", pa.int64()),
        ("all_views", pa.int64()), ("wishes", pa.int64()), ("orders", pa.int64()),
    ]
)  # fmt: skip
ARM = pa.struct([("treatment_id", TEXT), ("propensity", pa.float64())])


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a canonical table."""

    name: str
    dtype: pa.DataType
    meaning: str
    null: str = "never"
    unit: str = ""
    key: bool = False

    @property
    def nullable(self) -> bool:
        return self.null != "never"


@dataclass(frozen=True, slots=True)
class Table:
    """A canonical table: its columns in order.

    >>> EVENTS.key
    ('event_id', 'recorded_at')
    >>> PRICES.empty().num_rows
    0
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.key)

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([pa.field(c.name, c.dtype, nullable=c.nullable) for c in self.columns])

    def empty(self) -> pa.Table:
        """The table with no row."""
        return self.schema.empty_table()

    def conform(self, table: pa.Table) -> pa.Table:
        """`table` with exactly these columns, in order, cast; a column it lacks becomes null.

        Raises `pyarrow.ArrowInvalid` where a value does not fit its type.
        """
        arrays = [
            table[c.name].cast(c.dtype) if c.name in table.column_names else pa.nulls(table.num_rows, c.dtype)
            for c in self.columns
        ]
        return pa.Table.from_arrays(arrays, schema=pa.schema([(c.name, c.dtype) for c in self.columns]))


EVENT_TYPES: tuple[str, ...] = (
    "visit", "view", "list_view", "search", "cart_add", "cart_remove", "wishlist", "checkout", "purchase", "refund",
    "cancel", "coupon", "review", "message", "message_open", "unsubscribe", "ticket", "delivery", "delivery_failed",
    "share", "exposure", "click", "dismiss",
)  # fmt: skip
#: What the shop did or the post did: never a sign of life of the customer.
NOT_OWN_ACTS: tuple[str, ...] = ("refund", "cancel", "message", "delivery", "delivery_failed", "exposure")

EVENTS = Table(
    "events",
    "Everything that happened, one row per line of it. Append-only; a changed row is a new version.",
    (
        Column("event_id", TEXT, "Identity of the row: the source's own, or a hash of its content.", key=True),
        Column("customer_id", TEXT, "Who, after identity resolution."),
        Column("occurred_at", INSTANT, "When it happened."),
        Column("recorded_at", INSTANT, "When the shop's source knew it.", key=True),
        Column("event_type", TEXT, "One of EVENT_TYPES."),
        Column("item_id", TEXT, "What it was about.", "the event is not about an item"),
        Column(
            "quantity",
            pa.float64(),
            "How many; always positive, event_type gives the sign.",
            "not applicable",
            "units",
        ),
        Column("unit_price", MONEY, "Price of one, before discount.", "not known", "1/10,000 of currency"),
        Column("currency", TEXT, "ISO 4217 code.", "the shop's own currency"),
        Column("order_id", TEXT, "The order a line belongs to.", "no order"),
        Column("session_id", TEXT, "The visit it was part of.", "sessions not tracked"),
        Column("duration_seconds", pa.float64(), "Time spent.", "not measured", "seconds"),
        Column("channel", TEXT, "How the customer came: web, app, store, mail.", "not known"),
        Column("platform", TEXT, "Which of the shop's platforms: site, Tmall, Amazon.", "one platform only"),
        Column("rating", pa.float64(), "Stars of a review, 1 to 5.", "no rating"),
        Column("discount", MONEY, "Taken off the whole line.", "none", "1/10,000 of currency"),
        Column("coupon_code", TEXT, "Coupon used.", "none"),
        Column("treatment_id", TEXT, "Treatment a message belongs to.", "none"),
        Column("decision_id", TEXT, "Decision that caused it.", "none"),
        Column("text", TEXT, "Search query.", "none"),
        Column("properties", TEXT, "Everything else the source said, as JSON.", "nothing else"),
        Column("source", TEXT, "Which import source it came from."),
        Column("source_id", TEXT, "The customer's id in that source, before identity resolution."),
    ),
)

#: Columns that the lake stores beside the canonical ones; see docs/adr/0003.
EVENTS_STORED = Table(
    "events_stored",
    "Lake rows of `events`: the canonical columns, but who, and what the store needs to keep them honest.",
    (
        # Who a source id is, is resolved when the log is opened: a merge, or its reversal, rewrites nothing.
        *(column for column in EVENTS.columns if column.name != "customer_id"),
        Column("local_day", DAY, "Day of occurred_at in the shop's zone."),
        Column("local_hour", pa.int8(), "Hour of occurred_at in the shop's zone.", unit="0 to 23"),
        Column("loaded_at", INSTANT, "When Holdfast imported it; features ignore it."),
        Column("source_file", TEXT, "Name of the file it came from."),
        Column("source_row", pa.int64(), "Row of that file, first data row = 1."),
        Column("repeat", pa.int32(), "0 for the first of identical rows of a file, 1 for the second, ..."),
    ),
)

#: What the log hands to `snapshot`: cleaned rows, and from when on a row no longer counts.
EVENTS_CLEAN = Table(
    "events_clean",
    "Cleaned events. A row counts at cutoff c if occurred_at < c, recorded_at < c and not retracted_at < c.",
    (
        *EVENTS.columns,
        Column("local_day", DAY, "Day of occurred_at in the shop's zone."),
        Column("local_hour", pa.int8(), "Hour of occurred_at in the shop's zone.", unit="0 to 23"),
        Column("retracted_at", INSTANT, "recorded_at of what voided or replaced it.", "it still counts"),
    ),
)

ITEMS = Table(
    "items",
    "The catalogue.",
    (
        Column("item_id", TEXT, "Identity.", key=True),
        Column("kind", TEXT, "What sort of thing: goods, course, article, activity, ...", "goods"),
        Column("title", TEXT, "Name shown to customers.", "not known"),
        Column("category", TEXT, "Path, `A > B > C`.", "not known"),
        Column("brand", TEXT, "Maker.", "not known"),
        Column("price", MONEY, "Last known price.", "not known", "1/10,000 of currency"),
        Column("margin_rate", pa.float64(), "Margin as a share of price.", "not known", "share"),
        Column("description", TEXT, "Long text.", "none"),
        Column("image", TEXT, "File name or address.", "none"),
        Column("embedding", pa.list_(pa.float32()), "Vector given by the shop.", "none"),
        Column("stock", pa.int64(), "Units on hand.", "not tracked", "units"),
        Column("min_age", pa.float64(), "Youngest age it may be shown to.", "any age", "years"),
        Column("active_from", INSTANT, "On sale from.", "always"),
        Column("active_to", INSTANT, "On sale until.", "still"),
        Column(
            "valid_from",
            INSTANT,
            "When these attributes became known.",
            "not known: no feature in a backtest",
        ),
    ),
)

CUSTOMERS = Table(
    "customers",
    "Who the customers are.",
    (
        Column("customer_id", TEXT, "Identity.", key=True),
        Column("created_at", INSTANT, "When the account was opened.", "not known"),
        Column("attributes", TEXT, "What the shop knows, as JSON.", "nothing"),
        Column("consents", TEXT, "Consent by purpose and channel, as JSON.", "not recorded"),
        Column(
            "valid_from",
            INSTANT,
            "When these attributes became known.",
            "not known: no feature in a backtest",
        ),
    ),
)

TEXTS = Table(
    "texts",
    "What customers wrote and were told.",
    (
        Column("text_id", TEXT, "Identity.", key=True),
        Column("customer_id", TEXT, "Who.", "anonymous"),
        Column("item_id", TEXT, "About what.", "no item"),
        Column("occurred_at", INSTANT, "When it was written."),
        Column("recorded_at", INSTANT, "When the shop's source knew it."),
        Column("kind", TEXT, "review, chat or call."),
        Column("author", TEXT, "customer, agent or bot."),
        Column("rating", pa.float64(), "Stars, 1 to 5.", "none"),
        Column("language", TEXT, "ISO 639 code.", "not known"),
        Column("text", TEXT, "The words.", "none"),
    ),
)

PRICES = Table(
    "prices",
    "Prices over time.",
    (
        Column("item_id", TEXT, "Identity.", key=True),
        Column("price", MONEY, "Price from then on.", unit="1/10,000 of currency"),
        Column("valid_from", INSTANT, "From when.", key=True),
    ),
)

CALENDAR = Table(
    "calendar",
    "Days that are not like others.",
    (
        Column("day", DAY, "Local day.", key=True),
        Column("kind", TEXT, "promotion, holiday or stock_out.", key=True),
        Column("known_from", INSTANT, "When it was decided."),
    ),
)

TEXT_SCORES = Table(
    "text_scores",
    "What a scorer read out of a text.",
    (
        Column("text_id", TEXT, "Identity.", key=True),
        Column("sentiment", pa.float64(), "-1 to 1.", "not scored"),
        Column("intent", TEXT, "What the customer wants.", "not scored"),
        Column("scorer_id", TEXT, "Who scored.", key=True),
    ),
)

TIES = Table(
    "ties",
    "Who knows whom.",
    (
        Column("customer_id", TEXT, "One.", key=True),
        Column("other_id", TEXT, "The other.", key=True),
        Column("kind", TEXT, "friend, follows, household.", key=True),
        Column("weight", pa.float64(), "Strength.", "not known"),
        Column("since", INSTANT, "From when.", "not known"),
    ),
)

IDENTITIES = Table(
    "identities",
    "Who was known as whom, and when.",
    (
        Column("source", TEXT, "Import source.", key=True),
        Column("source_id", TEXT, "The id there.", key=True),
        Column("customer_id", TEXT, "The customer it belongs to."),
        Column("evidence", TEXT, "Key that proved it: e-mail, phone, login; or `alone`."),
        Column("valid_from", INSTANT, "From when we knew.", key=True),
        Column("valid_to", INSTANT, "Until when.", "still"),
    ),
)

EXPOSURES = Table(
    "exposures",
    "What was decided for whom, and delivered.",
    (
        Column("decision_id", TEXT, "Identity.", key=True),
        Column("customer_id", TEXT, "Who."),
        Column("treatment_id", TEXT, "What."),
        Column("campaign_id", TEXT, "In which campaign.", "none"),
        Column("arm", TEXT, "Experimental arm.", "no experiment"),
        Column("propensity", pa.float64(), "Probability of this arm."),
        Column("arm_propensities", pa.list_(ARM), "Of all arms.", "not logged"),
        Column("cost", MONEY, "What it cost.", "not known", "1/10,000 of currency"),
        Column("decided_at", INSTANT, "When decided."),
        Column("delivered_at", INSTANT, "When delivered.", "not delivered"),
    ),
)

REJECTED = Table(
    "rejected",
    "Rows set aside at import, kept so that they can be replayed.",
    (
        Column("source", TEXT, "Import source."),
        Column("source_file", TEXT, "File name."),
        Column("source_row", pa.int64(), "Row of the file, first data row = 1."),
        Column("column", TEXT, "Column that was wrong.", "the row as a whole"),
        Column("value", TEXT, "Its value, shortened.", "missing"),
        Column("reason", TEXT, "Why, as a short word: missing_customer_id, bad_date, ..."),
        Column(
            "amount",
            MONEY,
            "quantity x price of the row, signed.",
            "could not be read",
            "1/10,000 of currency",
        ),
        Column("raw", TEXT, "The row as it came, as JSON."),
    ),
)

CANONICAL: dict[str, Table] = {
    table.name: table
    for table in (
        EVENTS, ITEMS, CUSTOMERS, TEXTS, PRICES, CALENDAR, TEXT_SCORES, TIES, IDENTITIES, EXPOSURES, REJECTED,
    )
}  # fmt: skip

RELEASE_CUSTOMERS = Table(
    "customers",
    "One row per customer of the population.",
    (
        Column("customer_id", TEXT, "Identity.", key=True),
        Column("cutoff", INSTANT, "Instant of knowledge.", key=True),
        Column("p_churn", pa.float64(), "Probability of no order in the horizon.", "never", "probability"),
        Column("p_churn_low", pa.float64(), "Lower end of this one customer's 90% interval.", "never", "probability"),
        Column("p_churn_high", pa.float64(), "Upper end of it.", "never", "probability"),
        Column("p_alive", pa.float64(), "Probability of still being a customer.", "not identified on this data", "probability"),
        Column("expected_orders", pa.float64(), "Mean orders in the horizon.", "too little history", "orders"),
        Column("p_second_order", pa.float64(), "Probability that a one-order customer orders again within 90 days.", "has more orders, or too little history", "probability"),
        Column("clv", pa.float64(), "Discounted expected margin over the value horizon.", "too little history", "currency"),
        Column("clv_low", pa.float64(), "Lower end of what the customer will really bring, 90%.", "too little history", "currency"),
        Column("clv_high", pa.float64(), "Upper end of it.", "too little history", "currency"),
        Column("value_at_risk", pa.float64(), "max(0, own spend rate x horizon x season - expected revenue).", "never", "currency"),
        Column("currency", TEXT, "Of the money columns.", "never"),
        Column("days_since_last_order", pa.float64(), "Days from the last order to the cutoff.", "no order yet", "days"),
        Column("next_order_at", INSTANT, "First date with P(order by then) >= 0.5.", "beyond 180 days, or too little history"),
        Column("risk_band", TEXT, "low, watch, high or critical."),
        Column("segment", TEXT, "Segment.", "not computed yet"),
        Column("lifecycle", TEXT, "new, active, slowing, dormant, returned or lost; none: no order yet."),
        Column("interests", pa.list_(TEXT), "What the customer likes.", "not computed yet"),
        Column("reasons", pa.list_(REASON), "Why, strongest first."),
    ),
)  # fmt: skip

RELEASE_SURVIVAL = Table(
    "survival",
    "P(no order within so many days).",
    (
        Column("customer_id", TEXT, "Identity.", key=True),
        Column("day", pa.int32(), "Days after the cutoff: 7, 14, 30, 60, 90, 180.", key=True),
        Column("survival", pa.float64(), "P(no order within `day` days).", unit="probability"),
    ),
)
RELEASE_RECOMMENDATIONS = Table(
    "recommendations",
    "What each customer wants next.",
    (
        Column("customer_id", TEXT, "Identity.", key=True),
        Column("rank", pa.int32(), "1 is first.", key=True),
        Column("item_id", TEXT, "What."),
        Column("title", TEXT, "Its name.", "the catalogue has none"),
        Column("score", pa.float64(), "How much, within one customer."),
        Column("lane", TEXT, "again, explore, complement or new."),
        Column("source", TEXT, "Id of the recommender."),
        Column(
            "propensity",
            pa.float64(),
            "Probability that this entry was drawn; 1 where nothing was drawn.",
            unit="probability",
        ),
        Column("reason", TEXT, "Why, as a sentence.", "the recommender gives none"),
    ),
)
RELEASE_ALERTS = Table(
    "alerts",
    "Who to look at now.",
    (
        Column("customer_id", TEXT, "Identity.", key=True),
        Column("raised_at", INSTANT, "When."),
        Column("risk_band", TEXT, "low, watch, high or critical."),
        Column("value_at_risk", pa.float64(), "As in customers.", unit="currency"),
        Column(
            "lead_days",
            pa.float64(),
            "Days before silence passes the customer's own 95% quantile.",
            unit="days",
        ),
        Column("reason", TEXT, "Why, as a sentence."),
        Column("treatment_id", TEXT, "What to do.", "no suggestion"),
    ),
)
RELEASE_DECISIONS = Table(
    "decisions",
    "What was chosen for each customer, nothing included.",
    (
        Column("customer_id", TEXT, "Identity.", key=True),
        Column("treatment_id", TEXT, "What was chosen."),
        Column("propensity", pa.float64(), "Probability of it, over 0.", unit="probability"),
        Column("arm_propensities", pa.list_(ARM), "Of every arm."),
        Column("uplift", pa.float64(), "Effect per customer, good is positive.", "not measured yet"),
        Column("expected_profit", pa.float64(), "What it should earn.", "not measured yet", "currency"),
        Column("cost", pa.float64(), "What it costs.", unit="currency"),
        Column("holdout", pa.bool_(), "Never treated."),
        Column("reason", TEXT, "Why."),
    ),
)
RELEASE_PROFILES = Table(
    "profiles",
    "Who each customer of the population is: grid, tier, stage, habits, prices, service; over the window of `[profile]`.",
    (
        Column("customer_id", TEXT, "Identity.", key=True),
        Column("cutoff", INSTANT, "Instant of knowledge.", key=True),
        Column("rfm_cell", TEXT, "Recency, frequency and money, 1 to 5 each, as `543`.", "never ordered, or not computed"),
        Column("rfm_group", TEXT, "The name of that part of the grid: champions, loyal, promising, ...", "never ordered, or not computed"),
        Column("value_tier", TEXT, "top, high, middle or low: who brings the first 50%, 80%, 95% and 100% of revenue.", "spent nothing in the window"),
        Column("aipl", TEXT, "aware, interest, purchase or loyal in the window; none: out of touch.", "not computed"),
        Column("segments", pa.list_(TEXT), "Every rule of segments.toml that holds, in order.", "there is no segments.toml, or not computed"),
        Column("learnt_segment", TEXT, "The learnt segment.", "none was stable, or not computed"),
        Column("interests", pa.list_(INTEREST), "Categories liked more than others like them, the surest first, with evidence.", "nothing of a known category was seen or bought"),
        Column("price_sensitivity", pa.float64(), "Share of orders on a discount, coupon or promotion day, shrunk to the shop's.", "no order in the window, or the shop has no deals", "share"),
        Column("price_level", pa.float64(), "Prices paid against the usual of the same categories, shrunk; 1 is usual.", "no priced order of a known category", "ratio"),
        Column("channel", TEXT, "Where the customer shops: surely more often than chance.", "cannot be told: too few occasions, or no preference"),
        Column("channel_share", pa.float64(), "Share of occasions there.", "as channel", "share"),
        Column("hour", pa.int8(), "Hour of the day around which the customer shops (one hour either side).", "cannot be told", "0 to 23"),
        Column("hour_share", pa.float64(), "Share of occasions in those three hours.", "as hour", "share"),
        Column("weekday", pa.int8(), "Day of the week on which the customer shops; 0 is Monday.", "cannot be told", "0 to 6"),
        Column("weekday_share", pa.float64(), "Share of occasions on it.", "as weekday", "share"),
        Column("occasion_count", pa.int64(), "Different hours in which the customer shopped.", "not computed"),
        Column("usual_gap_days", pa.float64(), "Usual gap between order days, shrunk to the shop's.", "no order yet", "days"),
        Column("ticket_count", pa.int64(), "Support tickets, ever.", "not computed"),
        Column("refund_count", pa.int64(), "Lines sent back, ever.", "not computed"),
        Column("delivery_failed_count", pa.int64(), "Failed deliveries, ever.", "not computed"),
        Column("rating", pa.float64(), "Mean rating given.", "none given", "stars"),
        Column("message_count", pa.int64(), "Messages received, ever.", "not computed"),
        Column("message_open_count", pa.int64(), "Messages opened or clicked, ever.", "not computed"),
        Column("treated_count", pa.int64(), "Treatments delivered, ever.", "not computed"),
        Column("platforms", pa.list_(TEXT), "Platforms bought on, most used first.", "one platform only, or none named"),
    ),
)  # fmt: skip
RELEASE_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        RELEASE_CUSTOMERS,
        RELEASE_SURVIVAL,
        RELEASE_RECOMMENDATIONS,
        RELEASE_ALERTS,
        RELEASE_DECISIONS,
        RELEASE_PROFILES,
    )
}
