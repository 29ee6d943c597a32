"""What cleaning does, and how source ids become customers: sections `[clean]` and `[identity]`."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.settings import SECTIONS, setting


@dataclass(frozen=True)
class CleanSettings:
    """Section `[clean]`. A preset proposes values; what `holdfast.toml` sets wins."""

    merge_duplicates: bool = setting(True, "Merge rows that repeat another row of their file exactly.")
    shop_start: str = setting("", "Day the shop opened (2010-12-01); earlier rows are set aside. Empty: not checked.")
    product_pattern: str = setting("", "Pattern that item ids of products match from their start. Empty: all do.")
    non_product_pattern: str = setting("", "Pattern of item ids that are no products: postage, fees, vouchers.")
    zero_prices: str = setting("reject", "What becomes of lines with price zero.", choices=("reject", "keep"))
    test_pattern: str = setting(
        r"(?i)^(test|teste?r|dummy|qa)([-_ .@+0-9]|$)", "Pattern of customer, order or item ids of test orders."
    )
    match_cancellations: bool = setting(
        True, "Void an order line and its cancellation of the same local day, one to one."
    )
    rates: dict[str, float] = setting(  # noqa: RUF009 - setting() makes a fresh dict for each instance
        {}, "Exchange rates into the shop's currency: { USD = 0.79 }."
    )
    bot_events_per_day: int = setting(2000, "Flag customers with more events than this in one local day.")
    bot_views_per_order: int = setting(0, "Flag customers with more views than this for each order; 0: not checked.")
    outlier_spread: float = setting(3.0, "Flag customers whose spend lies this many quartile ranges above the rest.")
    fill_prices: bool = setting(False, "Fill a missing price with the item's last known one.")
    fill_categories: bool = setting(False, "Fill a missing category from the item's title.")
    title_words: dict[str, str] = setting(  # noqa: RUF009 - setting() makes a fresh dict for each instance
        {}, "Category by a word of the title: { MUG = 'Kitchen > Mugs' }. Empty: the title's last word is its category."
    )


@dataclass(frozen=True)
class IdentitySettings:
    """Section `[identity]`: which keys prove that two source ids are one customer."""

    keys: tuple[str, ...] = setting(("email", "phone", "login"), "Kinds of keys that merge source ids.")
    max_ids_per_key: int = setting(5, "A key that more source ids share than this proves nothing and is ignored.")
    blocked: tuple[str, ...] = setting((), "Keys that prove nothing, beside the built-in list (shared addresses).")
    shared_ids: tuple[str, ...] = setting(
        (), "Sources whose customer ids mean the same customers, as when one shop exports several files."
    )
    pepper: str = setting(
        "", "Secret mixed into the hashes of keys. Set it before the first import, then never change it."
    )


SECTIONS.add("clean", CleanSettings)
SECTIONS.add("identity", IdentitySettings)
