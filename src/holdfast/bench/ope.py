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
from holdfast.core.results import Score, Undetermined

if TYPE_CHECKING:
    from holdfast.bench.ope_logs import Shown

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
        scores = [*told(logs[source], logs[target], target), *coverage(logs["random"], logs["bts"], target, source, worlds)]
        seconds = round(time.perf_counter() - started, 1)
        for one in scores:
            protocol = f"value of {target} from {source} logs, {campaign}{one.protocol}"
            found.append(replace(one, data="open_bandit", protocol=protocol, seconds=seconds))
    return found


def told(here: Shown, there: Shown, target: str, count: int = REPLICATES) -> list[Score]:
    """Value, difference and relative error of each estimator, with 95% intervals; refused ones only say how much overlaps."""
    import numpy as np

    from holdfast.bench.ope_logs import Draws, decisions, replicated
    from holdfast.measure.off_policy import values
    from holdfast.metrics.bootstrap import interval
    from holdfast.metrics.off_policy import effective_n

    whole = there.shares if target == "bts" else np.full(there.shares.shape, 1.0 / there.items)
    log = decisions(here, whole)
    own = float(there.click.mean())
    draws = replicated(here, there, Draws.of(here, there, count, 1), estimated=target == "bts")
    low, high = interval(draws["own"])
    found = [_score("own_log", "policy_value", own, low, high, len(there.item), ", as logged")]
    found.append(_score("weights", "effective_share", effective_n(log.weights) / len(here.item), None, None, len(here.item)))
    for name, one in values(log).items():
        if isinstance(one, Undetermined):
            found.append(_score(name, "refused", 1.0, None, None, len(here.item)))
            continue
        gap = one.estimate - own
        ends = interval(draws[name] + draws["own"]), interval(draws[name]), interval(draws[name] / draws["own"])
        for metric, value, (low, high) in zip(
            ("policy_value", "gap", "relative_error"), (one.estimate, gap, gap / own), ends, strict=True
        ):
            found.append(_score(name, metric, value, low, high, len(here.item)))
    return found


def coverage(random: Shown, bts: Shown, target: str, source: str, worlds: int) -> list[Score]:
    """How often the 95% bootstrap interval of the difference holds 0, over worlds calibrated to both logs.

    `low`, `high`: 95% interval of that share. Worlds in which an estimator refuses are left out, and counted.
    """
    import numpy as np

    from holdfast.bench.ope_logs import Calibrated, Draws, decisions, replicated
    from holdfast.measure.off_policy import ESTIMATORS, values
    from holdfast.metrics.bootstrap import interval

    held: dict[str, list[bool]] = {name: [] for name in ESTIMATORS}
    for seed in range(1, worlds + 1):
        world = Calibrated.of(random, bts, seed)
        logs = {name: world.log(name, len(log.item), seed) for name, log in (("random", random), ("bts", bts))}
        here, there = logs[source], logs[target]
        whole = there.shares if target == "bts" else np.full(there.shares.shape, 1.0 / there.items)
        said = values(decisions(here, whole))
        draws = replicated(here, there, Draws.of(here, there, WORLD_REPLICATES, seed), estimated=target == "bts")
        for name, one in said.items():
            if not isinstance(one, Undetermined):
                low, high = interval(draws[name])
                held[name].append(low is not None and high is not None and low <= 0 <= high)
    found = []
    for name, each in held.items():
        found.append(_score(name, "refused", 1 - len(each) / worlds, None, None, worlds, ", calibrated worlds"))
        if each:
            low, high = _share_interval(sum(each), len(each))
            found.append(_score(name, "coverage", sum(each) / len(each), low, high, len(each), ", calibrated worlds"))
    return found


def _share_interval(k: int, n: int) -> tuple[float, float]:
    """95%, Wilson (1927)."""
    z = 1.959964
    middle, half = (k + z * z / 2) / (n + z * z), z * (k * (n - k) / n + z * z / 4) ** 0.5 / (n + z * z)
    return middle - half, middle + half


def _score(
    model: str, metric: str, value: float, low: float | None, high: float | None, n: int, protocol: str = ""
) -> Score:
    return Score("ope", "", protocol, model, metric, float(value), low, high, n)
