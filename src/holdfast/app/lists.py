"""`lists/*.csv` for the owner who opens Excel: UTF-8 with BOM, no formula can run, plain words."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from holdfast.core.cells import safe
from holdfast.core.text import Language, Text
from holdfast.report.words import band, lane, named, state

AT_RISK = (
    Text("customer", "客户"),
    Text("risk band", "风险等级"),
    Text("chance of no order", "不下单概率"),
    Text("from", "下限"),
    Text("to", "上限"),
    Text("value at risk", "风险价值"),
    Text("currency", "货币"),
    Text("days since last order", "距上次下单天数"),
    Text("life-cycle", "生命周期"),
    Text("why", "原因"),
)
WHY = (Text("customer", "客户"), Text("strength", "强度"), Text("reason", "原因"))
RECOMMENDED = (
    Text("customer", "客户"),
    Text("rank", "排名"),
    Text("item", "商品"),
    Text("kind", "类型"),
    Text("why", "原因"),
)

ALERTS = (
    Text("customer", "客户"),
    Text("raised on", "提醒日期"),
    Text("risk band", "风险等级"),
    Text("value at risk", "风险价值"),
    Text("days left", "剩余天数"),
    Text("why", "原因"),
    Text("what to do", "建议措施"),
)


def write(path: Path, head: Sequence[Text], rows: Iterable[Sequence[Any]], language: Language) -> None:
    """One list as CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([one.render(language) for one in head])
    writer.writerows([safe(cell) for cell in row] for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.getvalue().encode("utf-8-sig"))


def write_lists(
    folder: Path, customers: Sequence[dict[str, Any]], language: Language, wanted: Sequence[dict[str, Any]] = (),
    alerts: Sequence[dict[str, Any]] = (),
) -> None:  # fmt: skip
    """The at-risk list (most value first), the reasons behind it, the recommended list, and whom to call."""
    risky = (one for one in customers if one["risk_band"] != "low")
    ranked = sorted(risky, key=lambda c: (-c["value_at_risk"], c["customer_id"]))
    write(folder / "at_risk.csv", AT_RISK, (_at_risk_row(one, language) for one in ranked), language)
    why = (
        (one["customer_id"], round(reason["contribution"], 3), reason["text"])
        for one in ranked
        for reason in one["reasons"]
    )
    write(folder / "why.csv", WHY, why, language)
    write(folder / "recommended.csv", RECOMMENDED, (_wanted_row(one, language) for one in wanted), language)
    write(folder / "alerts.csv", ALERTS, (alert_row(one, language) for one in alerts), language)


def alert_row(one: dict[str, Any], language: Language) -> tuple[Any, ...]:
    """One alert in the columns of ALERTS; `raised_on` is its local day."""
    return (
        one["customer_id"],
        one["raised_on"],
        band(one["risk_band"]).render(language),
        round(one["value_at_risk"], 2),
        round(one["lead_days"]),
        one["reason"],
        one["treatment_id"],
    )


def _at_risk_row(one: dict[str, Any], language: Language) -> tuple[Any, ...]:
    days = one["days_since_last_order"]
    return (
        one["customer_id"],
        band(one["risk_band"]).render(language),
        round(one["p_churn"], 3),
        round(one["p_churn_low"], 3),
        round(one["p_churn_high"], 3),
        round(one["value_at_risk"], 2),
        one["currency"],
        None if days is None else int(days),
        state(one["lifecycle"]).render(language),
        ("；" if language == "zh" else "; ").join(reason["text"] for reason in one["reasons"]),
    )


def _wanted_row(one: dict[str, Any], language: Language) -> tuple[Any, ...]:
    item = named(one["item_id"], one["title"])
    return one["customer_id"], one["rank"], item, lane(one["lane"]).render(language), one["reason"]
