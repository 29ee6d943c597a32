"""What cleaning found: one finding per rule, counted, with its money and examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from holdfast.core.text import Text

#: What became of the rows. `kept` rows reach the models; `flagged`, `filled` and `changed` rows are kept rows, too.
Disposition = Literal["kept", "flagged", "filled", "changed", "rejected", "merged", "retracted"]


@dataclass(frozen=True)
class Finding:
    """What one rule did, to how many rows, worth how much (money, 1/10,000), with a few examples.

    An example is a mapping of source_file, source_row, column and value, plus what the rule wants to show.
    """

    rule: str
    disposition: Disposition
    rows: int
    amount: int
    sentence: Text
    examples: tuple[Mapping[str, Any], ...] = field(default=())

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        return {
            "rule": self.rule,
            "disposition": self.disposition,
            "rows": self.rows,
            "amount": self.amount / 10_000,
            "sentence": self.sentence.render("zh" if language == "zh" else "en"),
            "examples": [dict(example) for example in self.examples],
        }
