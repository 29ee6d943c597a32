"""The rules in force: caps, quiet hours, what silence on consent means, whom never to write to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.core.contact import ALL, Cap
from holdfast.core.text import Text
from holdfast.decide.contact.quiet import Quiet
from holdfast.decide.contact.suppression import Suppression

if TYPE_CHECKING:
    from holdfast.decide.contact.settings import ContactSettings


@dataclass(frozen=True)
class Rules:
    """Contact rules, ready to be applied. `quiet` None: no quiet hours on that channel.

    >>> rules = Rules(caps=caps_of({"all": "3 per 7d", "mail": "1 per 1d"}))
    >>> [str(cap) for _, cap in rules.caps_on("mail")], rules.off("mail")
    (['3 per 7d', '1 per 1d'], False)
    """

    caps: Mapping[str, tuple[Cap, ...]] = field(default_factory=dict)
    quiet: Mapping[str, Quiet | None] = field(default_factory=dict)
    unknown_allowed: bool = False
    transactional: frozenset[str] = frozenset({"transactional"})
    suppression: Suppression = field(default_factory=Suppression)

    @classmethod
    def of(cls, settings: ContactSettings, *, consents_recorded: bool, suppression: Suppression | None = None) -> Rules:
        """The rules that the settings say; `consents_recorded`: whether the shop has anybody's consent on record."""
        allowed = {"deny": False, "allow": True, "where_recorded": not consents_recorded}[settings.unknown_consent]
        return cls(
            caps_of(settings.caps),
            {channel: Quiet.parse(hours) for channel, hours in settings.quiet.items()},
            allowed,
            frozenset(settings.transactional),
            suppression or Suppression(),
        )

    def caps_on(self, channel: str) -> list[tuple[str, Cap]]:
        """Every cap that binds on a channel, with its scope: those over all channels, then its own."""
        return [(scope, cap) for scope in (ALL, channel) for cap in self.caps.get(scope, ())]

    def off(self, channel: str) -> bool:
        """Whether a cap of 0 switches the channel off."""
        return any(cap.count == 0 for _, cap in self.caps_on(channel))

    def quiet_on(self, channel: str) -> Quiet | None:
        """The channel's own hours, else those of all."""
        return self.quiet.get(channel, self.quiet.get(ALL))

    def exempt(self, purpose: str) -> bool:
        """Whether a purpose is transactional."""
        return purpose in self.transactional

    @property
    def stated(self) -> Text:
        """What is done where no consent is on record: every plan says so."""
        if self.unknown_allowed:
            return Text("Customers without a consent on record are contacted.", "没有同意记录的客户也会被联系。")
        return Text(
            "Customers without a consent on record are not contacted for marketing.",
            "没有同意记录的客户不会收到营销信息。",
        )


def caps_of(texts: Mapping[str, str]) -> dict[str, tuple[Cap, ...]]:
    """Caps by scope from `{"mail": "1 per 1d, 3 per 7d"}`.

    >>> [str(one) for one in caps_of({"mail": "1 per 1d, 3 per 7d"})["mail"]]
    ['1 per 1d', '3 per 7d']
    """
    return {scope: tuple(Cap.parse(one) for one in str(text).split(",")) for scope, text in texts.items()}
