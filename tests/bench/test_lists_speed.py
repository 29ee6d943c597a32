"""The lists bench on a small shop: every step runs, and says how long it took and what it held."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.bench.lists_speed import STEPS, rows
from holdfast.bench.lists_step import given, history, main, outcomes


@pytest.mark.parametrize("step", STEPS)
def test_every_step_is_measured(step):
    said = main(step, 200, 300, 20)
    found = rows(step, 200, said)
    assert [one.metric for one in found] == [f"{step}_seconds", f"{step}_peak_mb"]
    assert all(one.value >= 0 and one.n == 200 for one in found)
    assert found[1].value > 10


def test_the_simulated_lists_are_lists():
    random = np.random.default_rng(1)
    past = history(50, 300, random)
    lists, later = given(past, 20, random), outcomes(past, random)
    assert (lists.counts == 20).all()
    for start, stop in zip(lists.offsets[:-1], lists.offsets[1:], strict=True):
        assert len(set(lists.item[start:stop].tolist())) == 20
    assert ((later.counts >= 1) & (later.counts <= 5)).all()
