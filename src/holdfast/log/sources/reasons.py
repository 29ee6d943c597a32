"""Why rows are set aside, in words: what is wrong with the row and what would bring it back."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.text import Text


@dataclass(frozen=True)
class Reason:
    """A short word of `rejected.reason` in words, with its remedy."""

    title: Text
    remedy: Text


def _reason(en: str, zh: str, remedy_en: str, remedy_zh: str) -> Reason:
    return Reason(Text(en, zh), Text(remedy_en, remedy_zh))


REASONS: dict[str, Reason] = {
    "missing_customer_id": _reason(
        "No customer id", "缺少客户编号",
        "guest orders belong to nobody; export the e-mail and map it to customer_id if there is one",
        "访客订单不属于任何客户；如有邮箱，请导出并映射为 customer_id",
    ),
    "customer_id_too_long": _reason(
        "Customer id too long", "客户编号过长",
        "another column has probably slipped into this one; check the delimiter and quotes",
        "可能是其他列错位到此列；请检查分隔符和引号",
    ),
    "missing_date": _reason("No date", "缺少日期", "export the date of every row", "请导出每一行的日期"),
    "bad_date": _reason(
        "Date cannot be read", "日期无法识别", "write dates as 2024-03-05 10:00", "请将日期写成 2024-03-05 10:00 的形式"
    ),
    "ambiguous_date": _reason(
        "Day and month cannot be told apart", "无法区分日和月",
        "set date_order = 'dmy' or 'mdy' under [import], then replay", "在 [import] 中设置 date_order = 'dmy' 或 'mdy' 后重放",
    ),
    "bad_quantity": _reason("Quantity is no number", "数量不是数字", "correct it in the source", "请在来源处更正"),
    "bad_price": _reason("Price is no number", "价格不是数字", "correct it in the source", "请在来源处更正"),
    "bad_discount": _reason("Discount is no number", "折扣不是数字", "correct it in the source", "请在来源处更正"),
    "unknown_event_type": _reason(
        "Event type without a meaning here", "未定义的事件类型",
        "give it one under [mapping] event_types, then replay", "在 [mapping] event_types 中定义后重放",
    ),
    "too_few_fields": _reason(
        "Row has too few fields", "该行字段过少", "the row was cut off, or the delimiter differs; export it again",
        "该行被截断或分隔符不同；请重新导出",
    ),
    "too_many_fields": _reason(
        "Row has too many fields", "该行字段过多", "a field holds the delimiter without quotes; export it with quotes",
        "某字段含有分隔符但没有引号；请带引号导出",
    ),
    "unclosed_quote": _reason(
        "A quote is closed only rows later", "引号在数行之后才闭合",
        "set quote = '' under [import] if quotes are ordinary letters, and import the file again",
        "如果引号只是普通字符，请在 [import] 中设置 quote = '' 并重新导入",
    ),
    "bad_json": _reason("Line is no JSON object", "该行不是 JSON 对象", "export it again", "请重新导出"),
}  # fmt: skip


def reason_of(word: str) -> Reason:
    """The words for any reason of a source, also for columns that a table of your own brings.

    >>> reason_of("bad_date").title.en, reason_of("missing_decided_at").title.zh
    ('Date cannot be read', '缺少 decided_at')
    """
    if word in REASONS:
        return REASONS[word]
    kind, _, column = word.partition("_")
    if kind == "missing" and column:
        return _reason(f"No {column}", f"缺少 {column}", "fill it in the source", "请在来源处补全")
    if kind == "bad" and column:
        return _reason(f"{column} cannot be read", f"{column} 无法识别", "correct it in the source", "请在来源处更正")
    return _reason(word, word, "look at the rejected rows", "请查看被搁置的行")
