"""The speed bench on a handful of cells: the same rows, and an accuracy that chance does not reach."""

from __future__ import annotations

from holdfast.bench import recommend_speed, recommend_speed_step
from holdfast.bench.recommend_speed_step import everybody, ials, load, make, one, recall


def test_steps_learn_what_was_hidden(tmp_path):
    size = ("6000", "700", "200")
    assert make(tmp_path, *size)["cells"] <= 6000
    known, asked, held = load(tmp_path, "6000")
    assert known.shape == (700, 200)
    assert len(asked)
    assert not set((asked[:, None] * 200 + known[asked].toarray().argmax(axis=1)[:, None]).ravel()) & set(held)
    found = ials(tmp_path, "6000", "8", "4", "1", "numpy")
    assert len(found["seconds"]) == len(found["processor"]) == 3
    assert recall(tmp_path, "6000", "ours.npz") > 2 * 10 / 200
    assert everybody(tmp_path, "6000")["customers"] == 700
    assert len(one(tmp_path, "300", "5")["clock"]) == 2


def test_the_bench_gives_its_rows_without_a_peer(monkeypatch, tmp_path):
    monkeypatch.delenv(recommend_speed.PEER, raising=False)

    def step(name, folder, *settings):
        found = recommend_speed_step.STEPS[name](folder, *map(str, settings))
        return found | {"peak_mb": 1.0}

    class Silent:
        def step(self, *_):
            pass

    monkeypatch.setattr(recommend_speed, "step", step)
    monkeypatch.setattr(recommend_speed, "SIZES", (((6000, 700, 200), 3, 1),))
    monkeypatch.setattr(recommend_speed, "FACTORS", (8,))
    monkeypatch.setattr(recommend_speed, "SERVED", (300,))
    monkeypatch.setattr(recommend_speed, "TIMES", 3)
    rows = recommend_speed.run(False, Silent())
    assert {(one.model, one.metric) for one in rows} == {
        ("ials", "iteration_seconds"), ("ials", "iteration_processor_seconds"), ("ials", "recall_at_10"),
        ("ease", "fit_seconds"), ("ials", "recommend_seconds"), ("ials", "latency_p50_ms"), ("ials", "latency_p99_ms"),
    }  # fmt: skip
