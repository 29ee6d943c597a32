"""The demo: a synthetic shop whose truth is known, put through everything a real shop goes through."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.app.shop import Shop
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress

#: Share of rows that are made wrong on purpose, so that the quality page has something to find.
DIRT = 0.004

#: Kind and channel of treatments that are no coupons and do not go by mail.
_WAYS = {"postcard": ("reminder", "post"), "call": ("service_call", "phone")}

if TYPE_CHECKING:
    from holdfast.app.releases import ReleaseFolder
    from holdfast.core.decide import Treatment
    from holdfast.synth.parameters import World


def demo(
    folder: Path | str,
    *,
    customers: int = 5000,
    days: int = 730,
    seed: int = 1,
    language: str | None = None,
    progress: Progress = SILENT,
) -> ReleaseFolder:
    """Make the shop's files in `folder/raw`, import them, run. The same folder again starts over."""
    from holdfast.synth.parameters import World

    world = World(customers=customers, days=days, seed=seed, dirt=DIRT)
    return demo_of(folder, world, language=language, progress=progress)


def demo_of(
    folder: Path | str, world: World, *, language: str | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None, progress: Progress = SILENT,
) -> ReleaseFolder:  # fmt: skip
    """The same for any world; `settings` by section are written into its `holdfast.toml`."""
    from holdfast.app.plan.offered import FILE
    from holdfast.decide.treatments import render
    from holdfast.synth.raw import write_raw
    from holdfast.synth.world import make

    target = Path(folder)
    _clear(target)
    files = write_raw(make(world, progress), target / "raw")
    shop = Shop.create(
        target, preset="holdfast", zone=world.zone, currency=world.currency, language=language, settings=settings
    )
    (target / FILE).write_text(render(treatments(world)), encoding="utf-8")
    shop.add(*files, progress=progress)
    return shop.run(progress=progress)


def treatments(world: World) -> list[Treatment]:
    """What the campaigns of a world do, as its shop would write it down; effects are guesses, the truth is the world's.

    >>> from holdfast.synth.parameters import World
    >>> [one.treatment_id for one in treatments(World())]
    ['reminder', 'voucher', 'postcard']
    """
    from holdfast.core.decide import Treatment

    found = []
    for arm in world.arms:
        if arm.contacts:
            kind, channel = ("coupon", "mail") if arm.discount else _WAYS.get(arm.treatment_id, ("reminder", "mail"))
            title = f"{arm.treatment_id.capitalize()}{f', {arm.discount:.0%} off' if arm.discount else ''}"
            found.append(
                Treatment(arm.treatment_id, kind, title, arm.cost, discount=arm.discount, channel=channel, effect=0.03)
            )
    return found


def _clear(folder: Path) -> None:
    """Delete an older demo; anything else in the way is left alone and named."""
    import shutil

    if not folder.exists():
        return
    if not (folder / "raw").is_dir() and any(folder.iterdir()):
        raise UsageError("this folder holds something else than a demo", where=str(folder), remedy="name another one")
    shutil.rmtree(folder)
