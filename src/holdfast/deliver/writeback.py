"""Decisions written back to a table of the shop's own database, where its own programs pick them up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.core.contact import Message, Receipt
from holdfast.core.errors import InputRefused
from holdfast.deliver.audience import audience
from holdfast.deliver.secrets import secret
from holdfast.engine.upsert import upsert


@dataclass(frozen=True)
class WriteBack:
    """A channel that upserts messages by `decision_id`, a batch in one transaction.

    `url_env` names the variable that holds the database's URL with `?table=` (see docs: PostgreSQL, MariaDB, MySQL,
    SQLite). The table is made where it is missing; columns that the shop added are left alone.
    """

    name: str
    url_env: str

    def send(self, messages: Sequence[Message]) -> list[Receipt]:
        """Write these, all or none."""
        url = secret(self.url_env, f"channels.toml, [{self.name}]")
        try:
            upsert(url, audience(messages), "decision_id")
        except InputRefused as error:
            return [Receipt(one.decision_id, "later", error.what.splitlines()[0][:200]) for one in messages]
        return [Receipt(one.decision_id) for one in messages]
