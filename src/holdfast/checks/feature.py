"""What every declared feature must obey; run it on a feature of your own before you publish it."""

from __future__ import annotations

import re
import string

from holdfast.core.text import LANGUAGES
from holdfast.features import compile as compiled
from holdfast.features import plain
from holdfast.features.declare import FEATURES, Feature, Leaf, Rhythm, Since, Total, Variety, leaves
from holdfast.snapshot.measures import COUNTED, MEASURES


def check_feature(feature: Feature) -> None:
    """Raise `AssertionError`, saying what is wrong, unless the declaration is whole and both readers can read it.

    That the two readers agree and never see the future is checked on random shops by the laws in
    `tests/features/test_laws.py`, which walk the registry too.

    >>> check_feature(FEATURES["overdue_ratio"])
    """
    _check_name(feature)
    for what in ("family", "unit", "missing"):
        _hold(getattr(feature, what).strip(), f"{feature.name}: {what} is empty")
    reads = list(leaves(feature.formula))
    _hold(reads, f"{feature.name}: the formula reads nothing")
    for leaf in reads:
        _hold(_known(leaf), f"{feature.name}: nothing can read {leaf}")
    _check_sentence(feature)


def _hold(condition: object, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _known(leaf: Leaf) -> bool:
    if isinstance(leaf, (Total, Since)):
        return leaf.measure in MEASURES or leaf.measure in COUNTED
    if isinstance(leaf, Rhythm):
        return leaf.what in compiled.RHYTHM and leaf.what in plain.RHYTHM
    if isinstance(leaf, Variety):
        counts = leaf.what == "count" or (leaf.what == "seen" and leaf.of == "item")
        return counts or (leaf.what in compiled.VARIETY and leaf.what in plain.VARIETY)
    return True


def _check_name(feature: Feature) -> None:
    name = feature.name
    _hold(re.fullmatch(r"[a-zA-Z][a-zA-Z0-9]*(_[a-zA-Z0-9]+)*", name), f"{name}: not a snake-case name")
    _hold(not feature.window or name.endswith(f"_{feature.window}"), f"{name}: the window {feature.window} comes last")
    longest = max((getattr(leaf, "window", None) or 0 for leaf in leaves(feature.formula)), default=0)
    if feature.window and longest:
        _hold(f"{longest}d" == feature.window, f"{name}: reads {longest} days, says {feature.window}")


def _check_sentence(feature: Feature) -> None:
    said = {language: _placeholders(feature.sentence.render(language)) for language in LANGUAGES}
    _hold(said["en"] == said["zh"], f"{feature.name}: the languages use different numbers: {said}")
    _hold(said["en"], f"{feature.name}: the sentence says no number of the customer's own")
    unknown = said["en"] - {"value"} - set(FEATURES)
    _hold(not unknown, f"{feature.name}: the sentence uses {sorted(unknown)}, which is no feature")


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
