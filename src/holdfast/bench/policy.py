"""Policies in worlds whose every effect is known: value, regret to the oracle, share of what the oracle gains.

Data: `zero` and `zero_free` (nothing has any effect), `harm` (each arm helps some and harms more), `mixed` (arms help
different customers), `faint` (the same with a third of the effects), `uniform` (one arm is right for nearly all),
`turning` (who responds changes half way), `habits`, `habits_tireless` and `habits_zero` (customers over periods: contacts
tire them, or do not, or do nothing but cost). Values are exact expectations over customers that no policy learnt from;
the only chance is in the logs. Means over seeds with their 95% t interval; shares of worlds with the Clopper-Pearson
interval. Two processes share the work.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from holdfast.bench.registry import BENCHES
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score

#: What one job found: (protocol, model, metric) -> value; NaN where it makes no sense.
Found = dict[tuple[str, str, str], float]
#: Metrics that are 1 or 0 in each world.
SHARES = ("deviates", "sends_nothing_costly", "coverage", "refused")
PROCESSES = 2


@dataclass(frozen=True)
class Job:
    """One world, one seed."""

    data: str
    work: Callable[..., Found]
    seed: int
    size: int = 0


@BENCHES.register("policy")
def policy(*, data: str | None = None, full: bool = False, progress: Progress = SILENT) -> list[Score]:
    """Regret to the oracle of nothing, uniform arms, churn risk, naive uplift, the guard, bandits, sequential policies."""
    jobs = [one for one in plan(full) if data in (None, one.data)]
    if not jobs:
        known = dict.fromkeys(one.data for one in plan(False))
        raise UsageError(f"the policy bench knows no data {data!r}", remedy=f"one of: {', '.join(known)}")
    return summed(run(jobs, progress))


def plan(full: bool) -> list[Job]:
    """The jobs, longest first: 20 seeds, 400 worlds without effect; with `--full` 40 and 2,000."""
    from holdfast.bench.policy_periods import live_periods, off_policy, quiet_periods
    from holdfast.bench.policy_rivals import bandits, compete
    from holdfast.bench.policy_turning import turn
    from holdfast.bench.policy_zero import guard_alone

    seeds, worlds = (40, 2_000) if full else (20, 400)
    kinds = ("mixed", "harm", "uniform")
    sizes = [(kind, size) for size in (50_000, 10_000, 2_000) for kind in kinds] + [("faint", 50_000), ("zero", 10_000)]
    sizes = [("faint", 200_000)] * full + sizes
    jobs = [
        Job(*one, seed)
        for one in (("habits", live_periods), ("habits_tireless", live_periods))
        for seed in range(1, seeds + 1)
    ]
    for work in (compete, bandits):
        jobs += [Job(kind, work, seed, size) for kind, size in sizes for seed in range(1, seeds + 1)]
    jobs += [Job("turning", turn, seed) for seed in range(1, seeds + 1)]
    jobs += [Job("habits", off_policy, seed) for seed in range(1, 2 * seeds + 1)]
    jobs += [Job("habits_zero", quiet_periods, seed, 500) for seed in range(1, worlds // 2 + 1)]
    zero = [("zero", worlds), ("zero_free", worlds // 2)]
    return jobs + [Job(kind, guard_alone, seed, 2_000) for kind, count in zero for seed in range(1, count + 1)]


def run(jobs: Sequence[Job], progress: Progress) -> list[tuple[Job, Found]]:
    """What every job found, in the order of the jobs."""
    found: dict[int, Found] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        waiting = {pool.submit(done, one): at for at, one in enumerate(jobs)}
        for one in as_completed(waiting):
            found[waiting[one]] = one.result()
            progress.step("policies", len(found), len(jobs))
    return [(job, found[at]) for at, job in enumerate(jobs)]


def done(job: Job) -> Found:
    """One job on one thread."""
    from holdfast.core.threads import one_thread

    return one_thread(job.work)(job.data, job.seed, job.size)


def summed(results: Sequence[tuple[Job, Found]]) -> list[Score]:
    """Rows of the bench: means and shares over the seeds of a world."""
    values: dict[tuple[str, str, str, str], list[float]] = {}
    for job, found in results:
        for (protocol, model, metric), value in found.items():
            values.setdefault((job.data, protocol, model, metric), []).append(value)
    return list(_rows(values))


def _rows(values: dict[tuple[str, str, str, str], list[float]]) -> Iterator[Score]:
    import numpy as np

    for (data, protocol, model, metric), every in values.items():
        seen = np.array(every)
        seen = seen[np.isfinite(seen)]
        if len(seen):
            low, high = binomial(int(seen.sum()), len(seen)) if metric in SHARES else spread(seen)
            yield Score("policy", data, protocol, model, metric, float(seen.mean()), low, high, len(seen))


def spread(seen: Any) -> tuple[float | None, float | None]:
    """The 95% t interval of a mean over seeds."""
    from scipy.stats import t

    if len(seen) < 2:
        return None, None
    half = float(t.ppf(0.975, len(seen) - 1) * seen.std(ddof=1) / len(seen) ** 0.5)
    return float(seen.mean()) - half, float(seen.mean()) + half


def binomial(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of a share by Clopper & Pearson (1934).

    >>> [round(one, 4) for one in binomial(0, 400)]
    [0.0, 0.0092]
    """
    from scipy.stats import beta

    tail = (1 - level) / 2
    low = float(beta.ppf(tail, hits, n - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, n - hits)) if hits < n else 1.0
    return low, high
