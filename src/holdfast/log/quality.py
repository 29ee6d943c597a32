"""What became of every row and every cent, with proofs that nothing was lost on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.types as ir

from holdfast.core.findings import Finding
from holdfast.core.money import to_units
from holdfast.core.text import Language, Text
from holdfast.engine.duck import Engine
from holdfast.log.clean.pipeline import Cleaned
from holdfast.log.money import line_amount, signed_amount
from holdfast.log.steps import Step, step_list
from holdfast.log.store import Lake, Manifest


@dataclass(frozen=True)
class Proof:
    """Two counts made in different ways that must agree."""

    name: str
    sentence: Text
    left: int
    right: int
    money: bool = False

    @property
    def holds(self) -> bool:
        return self.left == self.right

    def as_dict(self, language: Language = "en") -> dict[str, Any]:
        show = to_units if self.money else int
        both = {"left": show(self.left), "right": show(self.right)}
        return {"proof": self.name, "sentence": self.sentence.render(language), **both, "holds": self.holds}


@dataclass(frozen=True)
class Quality:
    """The quality of a log: sequential steps, findings, proofs, facts of each source and of the whole.

    `as_dict(language)` is what `quality.json` holds; `to_json`/`from_json` keep it whole, in every language.
    """

    steps: tuple[Step, ...] = ()
    findings: tuple[Finding, ...] = ()
    proofs: tuple[Proof, ...] = ()
    sources: tuple[Mapping[str, Any], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reconciles(self) -> bool:
        """Every proof holds."""
        return all(proof.holds for proof in self.proofs)

    def as_dict(self, language: Language = "en") -> dict[str, Any]:
        return {
            "reconciles": self.reconciles,
            "steps": [step.as_dict(language) for step in self.steps],
            "findings": [finding.as_dict(language) for finding in self.findings],
            "proofs": [proof.as_dict(language) for proof in self.proofs],
            "sources": [dict(source) for source in self.sources],
            **self.facts,
        }

    def to_json(self) -> str:
        return json.dumps(_plain(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Quality:
        raw = json.loads(text)
        return cls(
            tuple(Step(**{**one, "title": Text(**one["title"])}) for one in raw["steps"]),
            tuple(
                Finding(**{**one, "sentence": Text(**one["sentence"]), "examples": tuple(one["examples"])})
                for one in raw["findings"]
            ),
            tuple(Proof(**{**one, "sentence": Text(**one["sentence"])}) for one in raw["proofs"]),
            tuple(raw["sources"]),
            raw["facts"],
        )


def _plain(quality: Quality) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(quality)


def measure(
    engine: Engine,
    lake: Lake,
    manifest: Manifest,
    cleaned: Cleaned,
    events: ir.Table,
    currency: str,
    more: tuple[Finding, ...] = (),
) -> Quality:
    """Count the lake, the marks and the finished log, each by itself, and lay them side by side.

    `more` are findings about other things than event rows: flagged customers, filled categories.
    """
    aside = _aside(engine, lake)
    stored = lake.table(engine, "events")
    money_in = int(engine.scalar(signed_amount(stored).sum().coalesce(0)))
    steps = step_list(aside, cleaned.tallies, cleaned.findings)
    facts = _facts(engine, manifest, events, currency)
    proofs = _proofs(manifest, aside, cleaned, steps, facts, money_in)
    return Quality(tuple(steps), (*cleaned.findings, *more), tuple(proofs), tuple(_sources(manifest)), facts)


def _aside(engine: Engine, lake: Lake) -> list[tuple[str, int, int]]:
    """(reason, rows, money) of rows set aside at import; those without a customer first."""
    rejected = lake.table(engine, "rejected")
    counted = rejected.group_by("reason").aggregate(rows=rejected.count(), amount=rejected.amount.sum().coalesce(0))
    found = [(one["reason"], int(one["rows"]), int(one["amount"])) for one in engine.arrow(counted).to_pylist()]
    return sorted(found, key=lambda one: (one[0] != "missing_customer_id", one[0]))


def _facts(engine: Engine, manifest: Manifest, events: ir.Table, currency: str) -> dict[str, Any]:
    standing = events.retracted_at.isnull()
    bought = standing & (events.event_type == "purchase")
    no_id = bought & events.order_id.isnull()
    day_of_customer = events.customer_id.concat("|", events.local_day.cast("string"))
    asked = events.aggregate(
        rows=events.count(),
        standing_rows=events.count(where=standing),
        standing_amount=signed_amount(events).sum(where=standing).coalesce(0),
        purchases=events.count(where=bought),
        spend=line_amount(events).sum(where=bought).coalesce(0),
        orders_with_id=events.order_id.nunique(where=bought),
        orders_without_id=day_of_customer.nunique(where=no_id),
        buyers=events.customer_id.nunique(where=bought),
        customers=events.customer_id.nunique(where=standing),
        items=events.item_id.nunique(where=bought),
        first=events.occurred_at.min(),
        last=events.occurred_at.max(),
    )
    row = engine.arrow(asked).to_pylist()[0]
    types = events.filter(standing).group_by("event_type").aggregate(rows=ibis._.count()).order_by("event_type")
    return {
        "currency": currency,
        "event_rows": int(row["standing_rows"]),
        "history_rows": int(row["rows"]),
        "standing_amount": to_units(row["standing_amount"]),
        "purchase_rows": int(row["purchases"]),
        "orders": int(row["orders_with_id"]) + int(row["orders_without_id"]),
        "customers": int(row["customers"]),
        "buyers": int(row["buyers"]),
        "items": int(row["items"]),
        "spend": to_units(row["spend"]),
        "first_event_at": row["first"] and row["first"].isoformat(),
        "last_event_at": row["last"] and row["last"].isoformat(),
        "event_types": {one["event_type"]: int(one["rows"]) for one in engine.arrow(types).to_pylist()},
        "recorded_at": _recorded(manifest),
    }


def _recorded(manifest: Manifest) -> str:
    """Whether the sources said when they knew: given, assumed, or mixed."""
    assumed = {bool(one["assumed_recorded_at"]) for one in manifest.imports if one["rows_by_table"].get("events")}
    return "mixed" if len(assumed) > 1 else "assumed" if assumed == {True} else "given"


def _sources(manifest: Manifest) -> list[dict[str, Any]]:
    found = []
    for source in manifest.sources:
        imports = [one for one in manifest.imports if one["source"] == source]
        found.append(
            {
                "source": source,
                "preset": imports[-1]["preset"],
                "files": [one["origin"] for one in imports],
                "recorded_at": "assumed" if any(one["assumed_recorded_at"] for one in imports) else "given",
                **{
                    name: sum(int(one[name]) for one in imports)
                    for name in ("read", "kept", "known", "rejected", "versions")
                },
            }
        )
    return found


#: What each proof says, in the order in which they are told; the second ones are about money.
_ROW_PROOFS = {
    "imports": Text(
        "Rows read = kept + known already + set aside, over all imports.", "读入行数 = 保留 + 已有 + 搁置（全部导入）。"
    ),
    "rows": Text("Rows in the lake = kept + rejected + merged.", "数据湖中的行数 = 保留 + 拒绝 + 合并。"),
    "rows_out": Text("Rows of the log = rows that the rules left standing.", "日志行数 = 规则保留的行数。"),
    "purchases": Text(
        "Purchase rows in the log = rows after the last step.", "日志中的购买行数 = 最后一步之后的行数。"
    ),
}
_MONEY_PROOFS = {
    "money_in": Text("Money in the lake = money that the rules saw.", "数据湖中的金额 = 规则看到的金额。"),
    "money_out": Text(
        "Money of the log = money in + what the rules took and gave.", "日志金额 = 读入金额 + 规则的增减。"
    ),
    "spend": Text("Spend in the log = money after the last step.", "日志中的消费额 = 最后一步之后的金额。"),
}


def _proofs(
    manifest: Manifest,
    aside: list[tuple[str, int, int]],
    cleaned: Cleaned,
    steps: list[Step],
    facts: Mapping[str, Any],
    money_in: int,
) -> list[Proof]:
    """Each count made twice: once from what is stored, once from what the rules said they did."""
    tallies = cleaned.tallies
    standing = [one for one in tallies if one.verdict is None and one.retracted_by is None]
    imported = {name: sum(int(one[name]) for one in manifest.imports) for name in ("read", "kept", "known", "rejected")}
    rows = {
        "imports": (imported["read"], imported["kept"] + imported["known"] + imported["rejected"]),
        "rows": (
            manifest.rows("events") + manifest.rows("rejected"),
            sum(one.rows for one in tallies) + sum(rows for _, rows, _ in aside),
        ),
        "rows_out": (int(facts["event_rows"]), sum(one.rows for one in standing)),
        "purchases": (int(facts["purchase_rows"]), steps[-1].rows),
    }
    money = {
        "money_in": (money_in, sum(one.amount_read for one in tallies)),
        "money_out": (_money(facts["standing_amount"]), sum(one.amount for one in standing)),
        "spend": (_money(facts["spend"]), steps[-1].amount),
    }
    return [
        *(Proof(name, sentence, *rows[name]) for name, sentence in _ROW_PROOFS.items()),
        *(Proof(name, sentence, *money[name], money=True) for name, sentence in _MONEY_PROOFS.items()),
    ]


def _money(units: float) -> int:
    from holdfast.core.money import to_money

    return to_money(units)
