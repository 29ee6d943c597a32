"""An order file that nobody described: which column is which, from its name and from what it holds.

Each pair of canonical column and file column is scored 0 to 1: the name (in several languages) proposes, the values
dispose. The best pairs win, one column for one meaning, and the scores are shown as confidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.schema import EVENT_TYPES
from holdfast.core.text import Text
from holdfast.log.sources.dates import parse_instants
from holdfast.log.sources.ids import as_text, or_null
from holdfast.log.sources.numbers import parse_numbers
from holdfast.log.sources.preset import PRESETS, Head, Preset, plain

#: Words of event columns, lower case, and what they are here.
WORDS: dict[str, str] = {
    "buy": "purchase", "bought": "purchase", "order": "purchase", "sale": "purchase", "sold": "purchase", "paid": "purchase",
    "transaction": "purchase", "completed": "purchase", "complete": "purchase", "pv": "view", "page_view": "view",
    "pageview": "view", "product_view": "view", "view_item": "view", "cart": "cart_add", "add_to_cart": "cart_add",
    "addtocart": "cart_add", "remove_from_cart": "cart_remove", "fav": "wishlist", "favorite": "wishlist",
    "shipped": "purchase", "delivered": "purchase", "processing": "purchase", "fulfilled": "purchase", "closed": "purchase",
    "success": "purchase", "pending": "checkout", "unpaid": "checkout", "failed": "checkout", "declined": "checkout",
    "return": "refund", "returned": "refund", "refunded": "refund", "cancelled": "cancel", "canceled": "cancel",
    "购买": "purchase", "下单": "purchase", "已完成": "purchase", "交易成功": "purchase", "浏览": "view", "点击": "click",
    "已发货": "purchase", "已签收": "purchase", "已付款": "purchase", "待付款": "checkout", "未付款": "checkout",
    "加购": "cart_add", "收藏": "wishlist", "退款": "refund", "退货": "refund", "已取消": "cancel", "取消": "cancel",
}  # fmt: skip
#: Canonical column -> names it goes by, surest first. Compared without case, blanks and punctuation.
NAMES: dict[str, tuple[str, ...]] = {
    "customer_id": (
        "customer_id", "customer no", "customer number", "customer code", "cust id", "custid", "client id", "client no",
        "user id", "uid", "member id", "member no", "buyer id", "shopper id", "account id", "account number", "contact id",
        "visitor id", "customer", "client", "user", "member", "buyer", "account", "shopper", "customer email", "buyer email",
        "email address", "email", "e-mail", "customer name", "kundennummer", "kundennr", "kunden-id", "kunde", "id client",
        "numéro client", "cliente", "id cliente", "客户id", "客户编号", "客户号", "顾客id", "用户id", "用户编号", "会员id",
        "会员号", "会员编号", "会员卡号", "买家id", "买家会员名", "买家", "客户", "会员", "用户", "手机号", "mobile", "phone",
    ),
    "occurred_at": (
        "occurred_at", "order date", "order datetime", "order time", "ordered at", "order purchase timestamp",
        "purchase date", "purchased at", "purchase time", "transaction date", "transaction time", "invoice date",
        "sale date", "sales date", "event time", "event date", "timestamp", "datetime", "date time", "created at",
        "created", "creation date", "date", "time", "day", "ts", "paid at", "payment date", "bestelldatum", "rechnungsdatum",
        "datum", "date de commande", "date commande", "fecha", "fecha de pedido", "data", "下单时间", "订单日期", "订单时间",
        "下单日期", "购买时间", "购买日期", "交易时间", "交易日期", "消费时间", "消费日期", "付款时间", "订单付款时间",
        "订单创建时间", "创建时间", "时间", "日期",
    ),
    "order_id": (
        "order_id", "order no", "order number", "order ref", "order reference", "order code", "order key", "order",
        "invoice no", "invoice number", "invoice id", "invoice", "receipt",
        "receipt no", "receipt id", "transaction id", "transaction no", "basket id", "bill no", "bestellnummer",
        "rechnungsnummer", "bestell-nr", "numéro de commande", "commande", "pedido", "id pedido", "订单号", "订单编号",
        "订单id", "交易号", "单号", "小票号",
    ),
    "item_id": (
        "item_id", "product id", "sku", "stock code", "product code", "item code", "item no", "article id", "article",
        "asin", "ean", "upc", "product sku", "item", "product", "product name", "item name", "artikelnummer", "artikelnr",
        "artikel", "référence", "produit", "producto", "codigo", "商品id", "商品编号", "商品编码", "货号", "产品id",
        "宝贝id", "商品名称", "商品", "产品",
    ),
    "title": (
        "title", "product name", "item name", "description", "product title", "product description", "item description",
        "name", "bezeichnung", "artikelname", "商品名称", "商品标题", "宝贝标题", "产品名称",
    ),
    "category": (
        "category", "product category", "item category", "category name", "department", "category id", "kategorie",
        "catégorie", "categoria", "类目", "品类", "商品类目", "类别", "分类", "商品分类",
    ),
    "brand": ("brand", "brand name", "vendor", "manufacturer", "marke", "marque", "marca", "品牌"),
    "quantity": (
        "quantity", "qty", "units", "quantity ordered", "order quantity", "pieces", "count", "number of items", "menge",
        "anzahl", "quantité", "cantidad", "quantidade", "数量", "件数", "购买数量", "商品数量",
    ),
    "unit_price": (
        "unit_price", "price", "item price", "price each", "unit cost", "selling price", "sale price", "einzelpreis",
        "stückpreis", "preis", "prix unitaire", "prix", "precio", "precio unitario", "preço", "单价", "价格", "商品单价",
        "成交价", "售价",
    ),
    "line_total": (
        "line_total", "amount", "total", "total amount", "total price", "order total", "order value", "order amount", "sales",
        "revenue", "spend", "value", "sales amount", "net amount", "gross amount", "subtotal", "payment value", "amount paid",
        "monetary", "gesamtpreis", "gesamt", "betrag", "umsatz", "summe", "montant", "montant total", "importe", "valor",
        "金额", "总价", "总金额", "订单金额", "实付金额", "支付金额", "消费金额", "销售额", "成交金额", "买家实际支付金额",
    ),
    "discount": ("discount", "discount amount", "rabatt", "remise", "descuento", "折扣金额", "优惠金额", "优惠"),
    "currency": ("currency", "currency code", "währung", "devise", "moneda", "币种", "货币"),
    "coupon_code": ("coupon_code", "coupon", "promo code", "discount code", "voucher", "优惠券", "优惠码"),
    "channel": ("channel", "sales channel", "order channel", "source channel", "渠道", "销售渠道"),
    "platform": ("platform", "marketplace", "store", "shop", "店铺", "平台", "门店"),
    "event_type": ("event_type", "event", "event name", "action", "behavior", "behaviour", "behavior type", "activity", "type",
                   "order status", "status", "行为", "行为类型", "事件", "事件类型", "订单状态", "状态"),
    "session_id": ("session_id", "session", "user session", "visit id", "会话id"),
    "email": ("email", "email address", "customer email", "e-mail", "邮箱", "电子邮箱"),
    "phone": ("phone", "phone number", "mobile", "telephone", "手机号", "手机", "电话", "联系电话"),
}  # fmt: skip
_LEAST = 0.3
_WIDEST = 300


@dataclass(frozen=True)
class Columns:
    """Canonical column -> the file's column, how sure each is, and how sure the whole."""

    found: Mapping[str, str]
    sure: Mapping[str, float]

    @property
    def confidence(self) -> float:
        """No surer than the weaker of the two columns that everything hangs on."""
        return min((self.sure.get(name, 0.0) for name in ("customer_id", "occurred_at")), default=0.0)


def guess_columns(sample: pa.Table, zone: str = "UTC") -> Columns:
    """Which column of an unknown order file is which.

    >>> table = pa.table({"Kunde": ["7", "8", "7"], "Datum": ["1.2.2024", "2.2.2024", "9.2.2024"], "Betrag": ["9,50"] * 3})
    >>> guess_columns(table).found
    {'customer_id': 'Kunde', 'occurred_at': 'Datum', 'line_total': 'Betrag'}
    """
    names = sample.column_names
    scores: list[tuple[float, int, int, str, str]] = []
    profiles: dict[str, _Profile] = {}
    for place, column in enumerate(names):
        wide = place >= _WIDEST
        for rank, canonical in enumerate(NAMES):
            by_name = _name_score(column, canonical)
            if by_name == 0.0 and (wide or canonical not in ("customer_id", "occurred_at")):
                continue
            if column not in profiles:
                profiles[column] = _Profile.of(column, sample[column], zone)
            score = _score(canonical, by_name, profiles[column])
            if score >= _LEAST:
                scores.append((-score, rank, place, canonical, column))
    found: dict[str, str] = {}
    sure: dict[str, float] = {}
    for negative, _, _, canonical, column in sorted(scores):
        if canonical not in found and column not in found.values():
            found[canonical], sure[canonical] = column, round(-negative, 2)
    _tidy(found, sure)
    order = [name for name in NAMES if name in found]
    return Columns({name: found[name] for name in order}, {name: sure[name] for name in order})


def _tidy(found: dict[str, str], sure: dict[str, float]) -> None:
    """A price of one needs no total; who is known by e-mail, or what by title alone, has that as its id."""
    if "unit_price" in found and "line_total" in found:
        drop = "line_total" if "quantity" in found else "unit_price"
        del found[drop], sure[drop]
    for contact in ("email", "phone"):
        if contact in found and "customer_id" not in found:
            found["customer_id"], sure["customer_id"] = found[contact], round(0.8 * sure[contact], 2)
    if "title" in found and "item_id" not in found:
        found["item_id"], sure["item_id"] = found["title"], sure["title"]


@dataclass(frozen=True)
class _Profile:
    """Shares of a column's filled cells: dates, numbers, distinct values, known event words, empty cells."""

    rows: int
    filled: float
    dates: float
    numbers: float
    whole: float
    distinct: float
    words: float
    clocky: bool
    eventful: bool

    @classmethod
    def of(cls, name: str, column: Any, zone: str) -> _Profile:
        typed = column.combine_chunks()
        text = or_null(as_text(typed))
        some = np.asarray(pc.is_valid(text))
        count = int(some.sum())
        if not count:
            return cls(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, False, False)
        instants = parse_instants(typed, zone, "dmy")
        good = instants.good[some]
        sound = good & (instants.micros[some] > _OLDEST) & (instants.micros[some] < _NEWEST)
        numbers = parse_numbers(typed)
        real = numbers.good[some]
        filled = pc.drop_null(text)
        known = pc.is_in(pc.utf8_lower(filled), pa.array([*EVENT_TYPES, *WORDS]))
        return cls(
            rows=count,
            filled=count / len(some),
            dates=float(sound.mean()),
            numbers=float(real.mean()),
            whole=float((real & (np.mod(np.where(real, numbers.values[some], 0), 1) == 0)).mean()),
            distinct=pc.count_distinct(filled).as_py() / count,
            words=float(np.asarray(known).mean()),
            eventful=plain(name) in _EVENTFUL,
            clocky="typed" in instants.shapes or not set(instants.shapes) <= {"unix", "compact"},
        )


_OLDEST, _NEWEST = -2_208_988_800_000_000, 4_102_444_800_000_000  # 1900 and 2100, microseconds


#: Names of columns that hold events and nothing else.
_EVENTFUL = frozenset(
    map(
        plain,
        (
            "event_type",
            "event",
            "event name",
            "action",
            "behavior",
            "behaviour",
            "behavior type",
            "行为",
            "行为类型",
            "事件",
            "事件类型",
        ),
    )
)
#: Words that many columns hold: `order` is in order_status, too.
_VAGUE = frozenset(
    {"order", "item", "product", "article", "name", "type", "status", "event", "count", "value", "store", "shop"}
)
#: The same names without case and punctuation, with their place; and those long enough to be found inside a name.
_EXACT = {
    key: {plain(name): place / len(names) for place, name in reversed([*enumerate(names)])}
    for key, names in NAMES.items()
}
_INSIDE = {
    key: tuple(one for one in exact if one not in _VAGUE and len(one) >= (2 if ord(one[0]) > 255 else 4))
    for key, exact in _EXACT.items()
}


def _name_score(column: str, canonical: str) -> float:
    """1 for the surest name, a little less down the list; less where the name only contains it.

    >>> _name_score("Order Date", "occurred_at") > _name_score("Date", "occurred_at") > _name_score("update", "occurred_at")
    True
    """
    name = plain(column)
    if name in _EXACT[canonical]:
        return 1.0 - 0.2 * _EXACT[canonical][name]
    return 0.5 if any(one in name for one in _INSIDE[canonical]) else 0.0


def _score(canonical: str, by_name: float, profile: _Profile) -> float:
    """The name's score as far as the values allow it."""
    if profile.filled == 0.0 and canonical != "customer_id":
        return 0.0
    if canonical == "occurred_at":
        if by_name >= 0.8 and profile.dates > 0.0:
            return max(
                _LEAST, by_name * profile.dates
            )  # so named, it is shown with its bad dates rather than passed over
        if profile.dates < 0.5:
            return 0.0
        return max(by_name, 0.45 if profile.clocky and profile.dates > 0.95 else 0.0) * profile.dates
    if canonical in ("quantity", "unit_price", "line_total", "discount"):
        return by_name * profile.numbers * (0.7 + 0.3 * profile.whole if canonical == "quantity" else 1.0)
    if canonical == "event_type":
        # A column that says it holds events is one even if its words are unknown: they are set aside and can be mapped.
        # Taking them for purchases would be worse.
        sure = by_name > 0.0 and (profile.words > 0.95 or (profile.eventful and profile.distinct * profile.rows <= 200))
        return by_name if sure else 0.0
    if canonical == "customer_id":
        return _as_customer(by_name, profile)
    if canonical in ("order_id", "item_id", "session_id", "email", "phone") and profile.dates > 0.9 and profile.clocky:
        return 0.0
    return by_name


def _as_customer(by_name: float, profile: _Profile) -> float:
    """A customer column repeats itself, and holds no dates or fractions."""
    if (profile.dates > 0.9 and profile.clocky) or (profile.numbers > 0.9 and profile.whole < 0.9):
        return _LEAST if by_name >= 0.8 else 0.0
    unlike = profile.rows >= 50 and profile.distinct > 0.995
    return by_name * (0.8 if unlike else 1.0) * (0.5 + 0.5 * profile.filled)


def guessed(sample: pa.Table, zone: str) -> tuple[Preset, Columns]:
    """A preset made for this one file."""
    columns = guess_columns(sample, zone)
    notes = (_REPEATED,) if _repeats_total(sample, columns.found) else ()
    found = {name: (column,) for name, column in columns.found.items()}
    return Preset(name="orders", title=_TITLE, columns=found, event_types=WORDS, notes=notes), columns


def _repeats_total(sample: pa.Table, found: Mapping[str, str]) -> bool:
    """Does each line of an order carry the same amount? Then it may be the order's total, counted once a line."""
    if not {"order_id", "line_total"} <= set(found):
        return False
    lines = pa.table({"order": as_text(sample[found["order_id"]]), "amount": as_text(sample[found["line_total"]])})
    orders = lines.group_by("order").aggregate([("amount", "count"), ("amount", "count_distinct")])
    several = orders.filter(pc.greater(orders["amount_count"], 1))
    return several.num_rows >= 3 and bool(pc.max(several["amount_count_distinct"]).as_py() == 1)


_REPEATED = Text(
    "Every line of an order has the same amount: if that is the order's total, it is counted once a line. "
    "Map unit_price, or leave line_total out of [mapping] columns.",
    "同一订单的每一行金额都相同：如果这是订单总额，会按行重复计算。请改用 unit_price，或在 [mapping] columns 中去掉 line_total。",
)


def _never(head: Head) -> bool:
    return False


_TITLE = Text("an order file, columns guessed", "订单文件（自动识别列）")
PRESETS.add("orders", Preset(name="orders", title=_TITLE, columns={}, looks=_never))
