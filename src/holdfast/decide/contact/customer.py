"""One customer as the contact rules see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple


class Unsubscribed(NamedTuple):
    """An unsubscription: from one channel, or from all where the log does not say which ("")."""

    channel: str
    at: datetime


@dataclass(frozen=True)
class Customer:
    """Who, by which clock, what they agreed to and since when, where they are reached, what they unsubscribed from.

    >>> Customer("c1", "Europe/Berlin", {"mail": True}).left("mail")
    False
    """

    customer_id: str
    zone: str = "UTC"
    consents: Mapping[str, Any] = field(default_factory=dict)
    consented_at: datetime | None = None
    addresses: Mapping[str, str] = field(default_factory=dict)
    unsubscribed: tuple[Unsubscribed, ...] = ()

    def left(self, channel: str) -> bool:
        """Unsubscribed from the channel, and no consent was recorded since."""
        return any(
            one.channel in ("", channel) and (self.consented_at is None or one.at >= self.consented_at)
            for one in self.unsubscribed
        )
