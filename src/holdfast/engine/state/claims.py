"""Which claims the ledger grants, in their order: pure, over what one transaction has read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from holdfast.core.contact import ALL, Cap

#: States of a reservation.
RESERVED, COMMITTED, RELEASED = 0, 1, 2
#: Accounts by (kind, name).
Account = tuple[str, str]


class Claim(NamedTuple):
    """One row of `core.state.CLAIMS`, `at` in microseconds."""

    decision_id: str
    customer_id: str
    treatment_id: str
    channel: str
    purpose: str
    at: int
    cost: int
    transactional: bool

    def draws(self) -> list[tuple[Account, int]]:
        """What it takes from which account."""
        message = [(("channel", self.channel), 1)] if self.channel else []
        return [(("money", ""), self.cost), *message, (("stock", self.treatment_id), 1)]


class Judge:
    """Grants claims one after the other while accounts and caps last; what is refused leaves room for later ones.

    `left`: what each limited account still has. `history`: contacts of each customer, (instant, channel or None where
    it is not known). `known`: state and content of decisions that were reserved before.

    >>> judge = Judge({("money", ""): 5}, {"mail": (Cap.parse("1 per 1d"),)}, {}, set(), {})
    >>> a, b = Claim("1", "c", "t", "mail", "m", 0, 3, False), Claim("2", "c", "t", "mail", "m", 9, 1, False)
    >>> judge.verdict(a), judge.verdict(b), judge.verdict(b._replace(customer_id="d", cost=3))
    ('granted', 'cap:mail', 'money')
    """

    def __init__(
        self,
        left: Mapping[Account, int],
        caps: Mapping[str, tuple[Cap, ...]],
        history: Mapping[str, list[tuple[int, str | None]]],
        holdout: set[str],
        known: Mapping[str, tuple[int, str, str, str, str, int]],
    ) -> None:
        self.left = dict(left)
        self.holdout = holdout
        self.known = dict(known)
        self._caps = caps
        self._history = defaultdict(list, history)

    def verdict(self, claim: Claim) -> str:
        """`granted`, `again` (it was before), or why not; a grant is taken from the accounts at once."""
        if (before := self.known.get(claim.decision_id)) is not None:
            same = before[1:] == _content(claim)
            if before[0] != RELEASED or not same:
                return "again" if same else "conflict"
        if claim.customer_id in self.holdout:
            return "holdout"
        draws = claim.draws()
        for account, amount in draws:
            if amount and amount > self.left.get(account, amount):
                return ":".join(account).rstrip(":")
        counted = bool(claim.channel) and not claim.transactional
        if counted and (full := self._full(claim)):
            return f"cap:{full}"
        for account, amount in draws:
            if account in self.left:
                self.left[account] -= amount
        if counted:
            self._history[claim.customer_id].append((claim.at, claim.channel))
        self.known[claim.decision_id] = (RESERVED, *_content(claim))
        return "granted"

    def _full(self, claim: Claim) -> str:
        """The scope of the first cap that one message more would break; empty: none."""
        history = self._history[claim.customer_id]
        for scope in (ALL, claim.channel):
            for cap in self._caps.get(scope, ()):
                times = [at for at, channel in history if scope == ALL or channel is None or channel == scope]
                if not cap.allows(claim.at, times):
                    return scope
        return ""


def _content(claim: Claim) -> tuple[Any, ...]:
    return claim.customer_id, claim.treatment_id, claim.channel, claim.purpose, claim.cost
