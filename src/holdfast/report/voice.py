"""One language and one currency: how the report says numbers, money, days and sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from holdfast.core.clock import zone as time_zone
from holdfast.core.text import Language, Text

_SIGNS = {"GBP": "£", "EUR": "€", "USD": "$", "CNY": "¥", "JPY": "¥", "INR": "₹", "KRW": "₩", "BRL": "R$"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Shown where a number is not known.
NONE = "–"


@dataclass(frozen=True)
class Voice:
    """How one report speaks.

    >>> voice = Voice("en", "GBP")
    >>> voice.money(12345.6), voice.percent(0.1234), voice.day("2011-11-09")
    ('£12,346', '12%', '9 Nov 2011')
    """

    language: Language = "en"
    currency: str = ""
    zone: str = "UTC"

    def say(self, text: Any, **values: object) -> str:
        """A sentence in this language: a `Text`, an {en, zh} mapping, or plain text as it is."""
        if isinstance(text, Text):
            return text.render(self.language, **values)
        if isinstance(text, Mapping):
            return str(text.get(self.language) or text.get("en") or "")
        return "" if text is None else str(text)

    def pick(self, en: str, zh: str) -> str:
        """One of two short words."""
        return zh if self.language == "zh" else en

    def count(self, number: float | None) -> str:
        return NONE if _unknown(number) else f"{number:,.0f}"

    def number(self, number: float | None, digits: int = 1) -> str:
        """A number with thousands separators; trailing zeros are kept, so that columns line up."""
        return NONE if _unknown(number) else f"{number:,.{digits}f}"

    def percent(self, share: float | None, digits: int = 0) -> str:
        if share is None or _unknown(share):
            return NONE
        small = digits == 0 and 0 < abs(share) < 0.01
        return f"{share:.1%}" if small else f"{share:.{digits}%}"

    def interval(self, low: float | None, high: float | None) -> str:
        """Two probabilities as a range."""
        if _unknown(low) or _unknown(high):
            return NONE
        return f"{self.percent(low).rstrip('%')}–{self.percent(high)}"

    def money(self, amount: float | None) -> str:
        """Whole units from 100 up; two digits below."""
        if amount is None or _unknown(amount):
            return NONE
        amount = 0.0 if abs(amount) < 0.005 else amount
        text = f"{abs(amount):,.0f}" if abs(amount) >= 99.995 or amount == 0 else f"{abs(amount):,.2f}"
        sign = "−" if amount < 0 else ""
        known = _SIGNS.get(self.currency)
        return f"{sign}{known}{text}" if known else f"{sign}{text} {self.currency}".rstrip()

    def cents(self, amount: float | None) -> str:
        """Money to the cent, where nothing may be rounded away."""
        if amount is None or _unknown(amount):
            return NONE
        known = _SIGNS.get(self.currency)
        text = f"{'−' if amount < 0 else ''}{known or ''}{abs(amount):,.2f}"
        return text if known else f"{text} {self.currency}".rstrip()

    def day(self, day: Any) -> str:
        """A date, an instant (shown as its local day) or ISO text of either."""
        found = self.local_day(day)
        if found is None:
            return NONE if day is None else str(day)
        if self.language == "zh":
            return f"{found.year}年{found.month}月{found.day}日"
        return f"{found.day} {_MONTHS[found.month - 1]} {found.year}"

    def short_day(self, day: Any) -> str:
        """A date without its year, for a crowded axis."""
        found = self.local_day(day)
        if found is None:
            return str(day)
        return f"{found.month}月{found.day}日" if self.language == "zh" else f"{found.day} {_MONTHS[found.month - 1]}"

    def local_day(self, day: Any) -> date | None:
        if isinstance(day, str):
            try:
                day = datetime.fromisoformat(day) if len(day) > 10 else date.fromisoformat(day)
            except ValueError:
                return None
        if isinstance(day, datetime):
            return (day.astimezone(time_zone(self.zone)) if day.tzinfo else day).date()
        return day if isinstance(day, date) else None

    def month(self, month: str) -> str:
        """`2011-11` as a short label."""
        year, number = month[:4], int(month[5:7])
        return f"{year[2:]}年{number}月" if self.language == "zh" else f"{_MONTHS[number - 1]} {year[2:]}"

    def days(self, number: float | None) -> str:
        """A length in days."""
        if number is None or _unknown(number):
            return NONE
        if self.language == "zh":
            return f"{number:,.0f}天"
        return f"{number:,.0f} day" + ("" if round(number) == 1 else "s")

    def listed(self, things: list[str]) -> str:
        """`a, b and c`."""
        if self.language == "zh":
            return "、".join(things)
        return things[0] if len(things) == 1 else f"{', '.join(things[:-1])} and {things[-1]}" if things else ""


def isolated(thing: object, longest: int = 60) -> str:
    """An id that came from data, fit for a line of text: no control characters, not endless; right-to-left text kept
    to itself.

    >>> isolated("17850"), isolated("a\\x1b[2Jb")
    ('17850', 'a[2Jb')
    """
    text = "".join(c for c in str(thing) if c.isprintable() or c in "\u200d\ufe0f").strip()
    short = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return short if text.isascii() else f"\u2068{short}\u2069"


def _unknown(number: float | None) -> bool:
    return number is None or not math.isfinite(number)
