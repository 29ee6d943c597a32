"""How often, when and on whose word customers are contacted."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.contact import ALL
from holdfast.core.errors import ConfigError, UsageError
from holdfast.core.settings import SECTIONS, setting
from holdfast.decide.contact.quiet import Quiet
from holdfast.decide.contact.rules import caps_of

_HERE = "holdfast.toml, [contact]"
#: What to do where no consent is on record.
UNKNOWN: tuple[str, ...] = ("where_recorded", "deny", "allow")


@dataclass(frozen=True)
class ContactSettings:
    """Section `[contact]`. Strict: a cap or an hour that cannot be read is an error, not a rule that never binds."""

    caps: dict[str, str] = setting(  # noqa: RUF009 - setting() makes a fresh dict for each instance
        {"all": "3 per 7d"},
        'Most messages per customer over rolling windows, by channel; all = over all channels. "3 per 7d", several with '
        'commas ("1 per 1d, 3 per 7d"), "0" switches the channel off; a channel not named has no cap of its own.',
    )
    quiet: dict[str, str] = setting(  # noqa: RUF009 - setting() makes a fresh dict for each instance
        {"all": "21:00-08:00"},
        "Hours in the customer's own zone in which nothing is sent, by channel; all = every channel without hours of "
        'its own; "" = none.',
    )
    unknown_consent: str = setting(
        "where_recorded",
        "Where no consent is on record: deny, allow, or where_recorded (deny if the shop records consent of anybody).",
        choices=UNKNOWN,
    )
    transactional: tuple[str, ...] = setting(
        ("transactional",),
        "Purposes exempt from caps, quiet hours and consent (receipts, delivery notices); never from suppression.",
    )
    suppression: str = setting("suppressed.csv", "File in the shop folder that lists whom never to write to.")
    zone_attribute: str = setting("zone", "Attribute of a customer that names their time zone; else the shop's.")
    addresses: dict[str, str] = setting(  # noqa: RUF009 - setting() makes a fresh dict for each instance
        {"mail": "email", "sms": "phone", "phone": "phone"},
        "Attribute of a customer that holds the address, by channel.",
    )

    def __post_init__(self) -> None:
        for name in ("caps", "quiet", "addresses"):
            for key, value in getattr(self, name).items():
                if not isinstance(value, str):
                    raise ConfigError(
                        f"{key} = {value!r} is not a text", where=f"{_HERE} {name}", remedy="put it in quotes"
                    )
        try:
            caps_of(self.caps)
            for hours in self.quiet.values():
                Quiet.parse(hours)
        except UsageError as error:
            raise ConfigError(error.what, where=_HERE, remedy=error.remedy) from error
        if ALL in self.addresses:
            raise ConfigError("`all` is no channel", where=f"{_HERE} addresses", remedy="name a channel")


SECTIONS.add("contact", ContactSettings)
