"""Why an encoder thinks so: what each event adds to the log-odds of churn, grouped and said in sentences.

Two ways. Integrated gradients (Sundararajan, Taly & Yan 2017) walk from a customer about whom nothing is known to this
one and add up; the parts sum to the whole. Occlusion leaves out a group of events and asks again: it needs no attention
weights, and answers "what if that week had not been".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import DAY_MICROS, from_micros, zone
from holdfast.core.schema import EVENT_TYPES
from holdfast.core.sequences import EventSequences
from holdfast.core.text import Language, Text
from holdfast.encoder.backend import settled
from holdfast.encoder.fitted import FittedEncoder
from holdfast.encoder.settings import DAYS
from holdfast.encoder.tokens import STANDING, Tokens, pad, standing_of
from holdfast.encoder.words import ABOUT, ABOUT_ONE, HISTORY, IN_WEEK, NEVER, day_text, events_text, silence_text

Floats = NDArray[np.float64]
#: How events are grouped into reasons: by type and week, by type, by category, or everything of a week.
By = Literal["week", "event_type", "category", "whole_week"]
Method = Literal["gradients", "occlusion"]
Group = tuple[str, int, int]
_QUIET = 4  # numbers of `standing` that tell the silence; the rest tells age and how many events there were


@dataclass(frozen=True, eq=False)
class Attributed:
    """Parts in log-odds of churn within the horizon: `base` + all parts of a row = `total`, but for `missed`.

    `events` has one number for each of the sequences' positions; `silence` and `history` one for each row.
    """

    base: float
    events: Floats
    silence: Floats
    history: Floats
    total: Floats
    missed: Floats


def integrated_gradients(encoder: FittedEncoder, told: EventSequences, *, steps: int = 32) -> Attributed:
    """What each event, the silence since the last and the length of the history add, for each row.

    The way begins at events of which nothing is known (not at zero, where a layer norm jumps) and at the average standing
    of these rows; it is walked by Gauss-Legendre steps. `missed` is what they leave over.
    """
    told = told.newest(encoder.config.length)
    stand = standing_of(told)
    middle = stand.mean(axis=0, keepdims=True) if len(told) else stand
    events = np.zeros(len(told.positions))
    rest, base, total = np.zeros((len(told), STANDING)), np.zeros(len(told)), np.zeros(len(told))
    tokens = Tokens.of(told, encoder.words)
    with settled(encoder.config.seed, encoder.config.threads):
        for row in range(len(told)):
            begin, end = int(told.offsets[row]), int(told.offsets[row + 1])
            parts = _walk(encoder, tokens, begin, end, stand[row], middle[0], steps)
            events[begin:end], rest[row], base[row], total[row] = parts
    owned = np.bincount(told.row_of, events, minlength=len(told))
    missed = total - base - owned - rest.sum(axis=1)
    # rows differ in length, so their empty beginnings differ a little: what is beyond their mean belongs to history
    usual = float(base.mean()) if len(told) else 0.0
    history = rest[:, _QUIET:].sum(axis=1) + base - usual
    return Attributed(usual, events, rest[:, :_QUIET].sum(axis=1), history, total, missed)


def _walk(
    encoder: FittedEncoder, tokens: Tokens, begin: int, end: int, stand: Any, middle: Any, steps: int
) -> tuple[Floats, Floats, float, float]:
    """One row: parts of its events, parts of its standing, log-odds at the beginning and at the end of the way."""
    network, torch = encoder.network, encoder.network.torch
    batch = pad(tokens, np.array([begin]), np.array([end]))
    with torch.no_grad():
        entered = network.entered(batch)[0]
    empty = entered[:1].expand_as(entered)  # what opens every window: a token of which nothing is known
    device = network.device
    here, usual = (torch.as_tensor(one, device=device) for one in (stand, middle))
    points, weights = np.polynomial.legendre.leggauss(steps)
    share = torch.as_tensor(np.concatenate([[0.0], (points + 1) / 2, [1.0]]).astype(np.float32), device=device)
    weight = torch.as_tensor((weights / 2).astype(np.float32), device=device)
    way = (empty + share[:, None, None] * (entered - empty)).requires_grad_()
    stood = (usual + share[:, None] * (here - usual)).requires_grad_()
    with torch.backends.cudnn.flags(enabled=False):  # cuDNN gives no gradients of a network that is not being taught
        said = _log_odds(encoder, network.embedding(network.states(way)[:, -1], stood))
        slope, slope_stood = torch.autograd.grad(said[1:-1].sum(), (way, stood))
    parts = (torch.einsum("s,spw->pw", weight, slope[1:-1]) * (entered - empty)).sum(dim=-1)[1:]
    rest = (weight @ slope_stood[1:-1]) * (here - usual)
    first, last = said[0].item(), said[-1].item()
    return parts.double().cpu().numpy(), rest.double().cpu().numpy(), first, last


def _log_odds(encoder: FittedEncoder, embedding: Any) -> Any:
    """Log-odds of no order within the horizon, as `FittedEncoder.survival` has it, but for gradients."""
    network, torch = encoder.network, encoder.network.torch
    ends = np.array([0, *DAYS], np.float64)
    share = np.clip((encoder.horizon.days - ends[:-1]) / np.diff(ends), 0.0, None)
    share[:-1] = np.minimum(share[:-1], 1.0)
    if encoder.intervals < len(DAYS):  # later intervals go on at the rate of the last one that was taught
        last, width = encoder.intervals - 1, np.diff(ends)
        share[last] += (share[last + 1 :] * width[last + 1 :]).sum() / width[last]
        share[last + 1 :] = 0.0
    chance = torch.nn.functional.softplus(network.parts["hazard"](embedding).float())  # -log(1 - hazard)
    total = chance @ torch.as_tensor(share, dtype=chance.dtype, device=chance.device)
    return -total - torch.log(-torch.expm1(-total))


def occlusion(encoder: FittedEncoder, told: EventSequences, groups: NDArray[np.int64]) -> Floats:
    """How much each group of events adds to the log-odds of churn: as it is, less what it would be without them.

    `groups` numbers the group of each of the sequences' positions within its row (from 0; at most as many as the row has
    events). Returns (rows, groups) with 0 where a row has no such group. Left out in the newest events, the silence is longer.
    """
    many = int(groups.max(initial=-1)) + 1
    found = np.zeros((len(told), many))
    whole = _said(encoder, told)
    for group in range(many):
        there = np.bincount(told.row_of, groups == group, minlength=len(told)) > 0
        left = told.keeping(groups != group).take(there)
        found[there, group] = whole[there] - _said(encoder, left)
    return found


def _said(encoder: FittedEncoder, told: EventSequences) -> Floats:
    p = encoder.survival(encoder.embedded(told), encoder.horizon.days)
    return np.log(p / (1 - p))


def weeks(told: EventSequences) -> NDArray[np.int64]:
    """How many whole weeks before its row's cutoff each event lies."""
    ago = told.key.cutoff[told.row_of] - told.events.occurred_at[told.positions]
    return np.asarray(ago // (7 * DAY_MICROS), np.int64)


def reasons(
    encoder: FittedEncoder, told: EventSequences, *, by: By = "week", method: Method = "gradients", top: int = 3,
    language: Language = "en", zone_name: str = "UTC", attributed: Attributed | None = None,
) -> list[list[dict[str, Any]]]:  # fmt: skip
    """For each row at most `top` of {feature, value, contribution, text}, strongest first, on the side of the forecast.

    A customer more likely to leave than to stay gets what raises p_churn, any other what lowers it. Events of one group
    (`By`) are one reason; so are the silence and the length of the history. `gradients` share the forecast out among
    all of them; `occlusion` says of each group of events what its absence would change, and shares nothing out.
    """
    told = told.newest(encoder.config.length)
    groups, names = grouped(told, by)
    if method == "occlusion":
        side, pulls = _said(encoder, told), occlusion(encoder, told, groups)
        rest = np.zeros((len(told), 2))
    else:
        parts = integrated_gradients(encoder, told) if attributed is None else attributed
        side, pulls = parts.total, _summed(parts.events, told, groups)
        rest = np.column_stack([parts.silence, parts.history])
    found = []
    for row in range(len(told)):
        lean = 1.0 if side[row] >= 0 else -1.0
        each = [
            *_standing_reasons(told, row, rest[row], zone_name),
            *_group_reasons(told, row, names[row], pulls[row], by, zone_name),
        ]
        each = sorted((one for one in each if lean * one[2] > 1e-9), key=lambda one: (-lean * one[2], one[0]))
        found.append(
            [
                {"feature": name, "value": value, "contribution": pull, "text": text.render(language)}
                for name, value, pull, text in each[:top]
            ]
        )
    return found


def grouped(told: EventSequences, by: By) -> tuple[NDArray[np.int64], list[list[Group]]]:
    """The group of each position within its row, and each row's groups as (name, weeks ago, number of events).

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.sequences import tiny_sequences
    >>> told = tiny_sequences({"ann": [(9, "view"), (8, "view"), (1, "view")]}, Cutoff.parse("2024-01-10"))
    >>> grouped(told, "week")[1]
    [[('view', 1, 2), ('view', 0, 1)]]
    """
    week = weeks(told) if by in ("week", "whole_week") else np.zeros(len(told.positions), np.int64)
    kind, category = told.events.kind[told.positions], told.category
    number, names = np.zeros(len(told.positions), np.int64), []
    for row in range(len(told)):
        mine: dict[tuple[str, int], list[int]] = {}
        for at in range(int(told.offsets[row]), int(told.offsets[row + 1])):
            if by == "category":
                name = str(told.categories[int(category[at])].as_py()) if category[at] >= 0 else ""
            else:
                name = "" if by == "whole_week" else EVENT_TYPES[kind[at]] if kind[at] >= 0 else "event"
            places = mine.setdefault((name, int(week[at])), [len(mine), 0])
            number[at], places[1] = places[0], places[1] + 1
        names.append([(name, ago, places[1]) for (name, ago), places in mine.items()])
    return number, names


def _summed(events: Floats, told: EventSequences, groups: NDArray[np.int64]) -> Floats:
    found = np.zeros((len(told), int(groups.max(initial=-1)) + 1))
    np.add.at(found, (told.row_of, groups), events)
    return found


def _standing_reasons(
    told: EventSequences, row: int, pulls: Floats, zone_name: str
) -> Iterator[tuple[str, float, float, Text]]:
    """The silence and the history of a row: name, value, contribution, sentence."""
    cutoff, seen = int(told.key.cutoff[row]), int(told.seen[row])
    yield _silence(told, row, cutoff, float(pulls[0]), zone_name)
    days = (cutoff - int(told.first_at[row])) // DAY_MICROS
    history = Text(HISTORY.render("en", count=seen, days=days), HISTORY.render("zh", count=seen, days=days))
    yield "history", float(seen), float(pulls[1]), history


def _group_reasons(
    told: EventSequences, row: int, names: list[Group], pulls: Floats, by: By, zone_name: str
) -> Iterator[tuple[str, float, float, Text]]:
    for number, (name, ago, count) in enumerate(names):
        if by != "category" or name:
            text = _group_text(name, count, by, ago, int(told.key.cutoff[row]), zone_name)
            yield f"{by}:{name}".rstrip(":"), float(count), float(pulls[number]), text


def _group_text(name: str, count: int, by: By, ago: int, cutoff: int, zone_name: str) -> Text:
    if by == "category":
        about = ABOUT_ONE if count == 1 else ABOUT
        return Text(about.render("en", count=count, name=name), about.render("zh", count=count, name=name))
    what = events_text(name, count)
    if by == "event_type":
        return what
    day = _local(cutoff - (ago + 1) * 7 * DAY_MICROS, zone_name)
    return Text(
        IN_WEEK.render("en", what=what.en, day=day_text(day, "en")),
        IN_WEEK.render("zh", what=what.zh, day=day_text(day, "zh")),
    )


def _silence(
    told: EventSequences, row: int, cutoff: int, pull: float, zone_name: str
) -> tuple[str, float, float, Text]:
    begin, end = int(told.offsets[row]), int(told.offsets[row + 1])
    if begin == end:
        return "silence", 0.0, pull, NEVER
    last = int(told.events.occurred_at[told.positions[end - 1]])
    whole = (cutoff - last) // (7 * DAY_MICROS)
    return "silence", (cutoff - last) / DAY_MICROS, pull, silence_text(int(whole), _local(last, zone_name))


def _local(micros: int, zone_name: str) -> date:
    return from_micros(micros).astimezone(zone(zone_name)).date()
