"""Off-policy values on Open Bandit: `bts` from `random` logs and the reverse, against the value on the own log.

Clicks are under 1%, so nobody can rank estimators here. What can be asked: does the interval of the difference hold 0, and
does such an interval hold the truth as often as it says? The second is asked of worlds calibrated to the data
(`bench/ope_logs.py` states them and what is assumed of the `bts` policy).
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.bench.registry import BENCHES
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

if TYPE_CHECKING:
    from holdfast.bench.ope_logs import Shown
    from holdfast.measure.off_policy import LoggedDecisions
    from holdfast.metrics.off_policy import Bounded

CAMPAIGNS = ("men", "women")
#: Whose value is asked of whose log.
DIRECTIONS = (("bts", "random"), ("random", "bts"))
REPLICATES, WORLDS, WORLD_REPLICATES = 1000, 200, 200


@BENCHES.register("ope")
def ope(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Value of another policy from the log of this one, on Open Bandit; coverage in calibrated worlds."""
    from holdfast.bench.shops import data_file

    if data not in (None, "open_bandit"):
        raise UsageError(f"the ope bench knows no data {data!r}", remedy="open_bandit, or leave --data out")
    folder = data_file("open_bandit/random/men/men.csv.gz").parent.parent.parent
    found: list[Score] = []
    for at, campaign in enumerate(CAMPAIGNS):
        progress.step("campaigns", at, len(CAMPAIGNS))
        found += campaign_scores(folder, campaign, 5 * WORLDS if full else WORLDS)
    progress.step("campaigns", len(CAMPAIGNS), len(CAMPAIGNS))
    return found


def campaign_scores(folder: Path, campaign: str, worlds: int) -> list[Score]:
    """Both directions of one campaign, and how often such intervals cover."""
    from holdfast.bench.ope_logs import read

    logs = {policy: read(folder, policy, campaign) for policy in ("random", "bts")}
    found: list[Score] = []
    for target, source in DIRECTIONS:
        started = time.perf_counter()
        scores = [
            *told(logs[source], logs[target], target),
            *coverage(logs["random"], logs["bts"], target, source, worlds),
        ]
        seconds = round(time.perf_counter() - started, 1)
        for one in scores:
            protocol = f"value of {target} from {source} logs, {campaign}{one.protocol}"
            found.append(replace(one, data="open_bandit", protocol=protocol, seconds=seconds))
    return found


def told(here: Shown, there: Shown, target: str, count: int = REPLICATES) -> list[Score]:
    """Value, difference and relative error of each estimator, with 95% intervals; a refused one says only that.

    `, bootstrap`: the percentile interval of both logs resampled, beside it.
    """
    from holdfast.bench.ope_logs import Draws, replicated
    from holdfast.metrics.bootstrap import interval
    from holdfast.metrics.off_policy import difference_interval, effective_n, ratio_interval

    n, own, found = len(here.item), _own(there), []
    found.append(_score("own_log", "policy_value", own[0], own[1], own[2], len(there.item)))
    found.append(
        _score("weights", "effective_share", effective_n(_decisions(here, there, target).weights) / n, None, None, n)
    )
    draws = replicated(here, there, Draws.of(here, there, count, 1), estimated=target == "bts")
    for name, one in _bounded(here, there, target).items():
        if one is None:
            found.append(_score(name, "refused", 1.0, None, None, n))
            continue
        gap = one[0] - own[0]
        found.append(_score(name, "policy_value", *one, n))
        found.append(_score(name, "gap", gap, *difference_interval(one, own), n))
        low, high = ratio_interval(one, own)
        found.append(_score(name, "relative_error", gap / own[0], low - 1, high - 1, n))
        found.append(_score(name, "gap", gap, *interval(draws[name]), n, ", bootstrap"))
    return found


def _decisions(here: Shown, there: Shown, target: str) -> LoggedDecisions:
    import numpy as np

    from holdfast.bench.ope_logs import decisions

    whole = there.shares if target == "bts" else np.full(there.shares.shape, 1.0 / there.items)
    return decisions(here, whole)


def _own(there: Shown) -> Bounded:
    """The value on the own log with its interval."""
    import numpy as np

    from holdfast.metrics.off_policy import rare_interval

    return (float(there.click.mean()), *rare_interval(np.ones(len(there.click)), there.click))


def _bounded(here: Shown, there: Shown, target: str) -> dict[str, Bounded | None]:
    """(value, low, high) of each estimator; None where it refuses. Each is a shift plus a weighted count of clicks."""
    import numpy as np

    from holdfast.core.results import Undetermined
    from holdfast.measure.off_policy import values
    from holdfast.metrics.off_policy import rare_interval

    log = _decisions(here, there, target)
    w = log.weights
    capped = np.minimum(w, np.sqrt(len(w)))
    used = {"ips": w, "snips": w / w.mean(), "clipped": capped, "doubly_robust": capped}
    found: dict[str, Bounded | None] = {}
    for name, one in values(log).items():
        if isinstance(one, Undetermined):
            found[name] = None
            continue
        shift = one.estimate - float((used[name] * log.reward).mean())
        low, high = rare_interval(used[name], log.reward)
        found[name] = (one.estimate, low + shift, high + shift)
    return found


def coverage(random: Shown, bts: Shown, target: str, source: str, worlds: int) -> list[Score]:
    """How often the 95% interval of the difference holds 0, over worlds calibrated to both logs.

    `low`, `high`: 95% interval of that share. Worlds in which an estimator refuses are left out, and counted.
    """
    from holdfast.bench.measure import share_interval
    from holdfast.bench.ope_logs import Calibrated, Draws, replicated
    from holdfast.metrics.bootstrap import interval
    from holdfast.metrics.off_policy import difference_interval

    held: dict[tuple[str, str], list[bool]] = {}
    sized = {"random": random, "bts": bts}
    counts = Draws.of(sized[source], sized[target], WORLD_REPLICATES, 1)  # rows of a world are alike: drawn once
    for seed in range(1, worlds + 1):
        world = Calibrated.of(random, bts, seed)
        logs = {name: world.log(name, len(log.item), seed) for name, log in sized.items()}
        here, there = logs[source], logs[target]
        draws = replicated(here, there, counts, estimated=target == "bts")
        for name, one in _bounded(here, there, target).items():
            if one is None:
                continue
            low, high = interval(draws[name])
            ends = {"": difference_interval(one, _own(there)), ", bootstrap": (low or 0.0, high or 0.0)}
            for kind, (low, high) in ends.items():
                held.setdefault((name, kind), []).append(low <= 0 <= high)
    found = []
    for (name, kind), each in held.items():
        low, high = share_interval(sum(each), len(each))
        found.append(
            _score(name, "coverage", sum(each) / len(each), low, high, len(each), f", calibrated worlds{kind}")
        )
    return found


def _score(
    model: str, metric: str, value: float, low: float | None, high: float | None, n: int, protocol: str = ""
) -> Score:
    return Score("ope", "", protocol, model, metric, float(value), low, high, n)
