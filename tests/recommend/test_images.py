"""Pictures as vectors: colour and texture, a model by name, and clear words where something is missing."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest
from tests.conftest import missing

from holdfast.bench.recommend_cold_world import HUES, drawn
from holdfast.core.clock import Cutoff
from holdfast.core.errors import UsageError
from holdfast.core.interactions import Items, tiny_interactions
from holdfast.recommend.content.describe import centred
from holdfast.recommend.content.images import _hsv, descriptor, image_vectors
from holdfast.recommend.content.lane import Content

CUTOFF = Cutoff.parse("2024-01-10")


@pytest.fixture
def pictures(tmp_path):
    """Files: two red discs, a red chequered square, a blue disc, one that is no picture; a name without a file."""
    image = pytest.importorskip("PIL.Image", reason="pillow (extra images) is not installed")
    random = np.random.default_rng(0)
    made = {"a": (0, "disc"), "b": (0, "disc"), "c": (0, "checks"), "d": (3, "disc")}
    for name, (colour, shape) in made.items():
        image.fromarray(drawn(HUES[colour], shape, random)).save(tmp_path / f"{name}.png")
    (tmp_path / "e.png").write_bytes(b"this is no picture")
    names = [*"abcdefg"]
    return tmp_path, Items.named(names, image=[*(f"{one}.png" for one in "abcdef"), "https://example.org/g.png"])


def test_a_picture_is_near_to_what_looks_like_it(pictures):
    folder, items = pictures
    found = centred(image_vectors(items, "descriptors", folder=str(folder)))
    alike = found @ found.T
    assert alike[0, 1] > max(alike[0, 2], alike[0, 3])
    assert alike[0, 1] > 0.5
    assert not found[4:].any()


def test_the_lane_reads_pictures_and_is_silent_about_what_has_none(pictures):
    folder, items = pictures
    past = tiny_interactions({"ann": [(1, "a")]}, CUTOFF).over(items)
    fit = Content(images="descriptors", image_folder=str(folder)).fit(past)
    lists = fit.recommend(past, 9, seen="exclude").to_arrow()
    assert lists["item_id"].to_pylist()[0] == "b"
    assert set(lists["item_id"].to_pylist()) <= set("bcd")
    assert Content().fit(past).recommend(past, 9).counts.tolist() == [0]


def test_hue_is_that_of_the_standard_library():
    import colorsys

    colours = np.random.default_rng(1).random((50, 3))
    found = np.column_stack(_hsv(colours))
    assert np.allclose(found, [colorsys.rgb_to_hsv(*one) for one in colours])
    assert _hsv(np.zeros((1, 3)))[0].tolist() == [0]


def test_edges_turn_with_the_picture():
    """Stripes and the same stripes turned by a quarter have other edges, but the same texture."""
    stripes = np.repeat((np.arange(64) // 8 % 2 * 255).astype(np.uint8)[None, :], 64, axis=0)
    across, down = (descriptor(np.repeat(one[:, :, None], 3, axis=2)) for one in (stripes, stripes.T))
    colours, patterns = slice(0, 108), slice(108, 118)
    assert np.allclose(across[colours], down[colours])
    assert np.allclose(across[patterns], down[patterns])
    assert across[118:] @ down[118:] < 0.2


def test_without_the_library_it_says_what_to_install(pictures, monkeypatch):
    folder, items = pictures
    whole = importlib.import_module

    def without(name, *args):
        if name.startswith("PIL"):
            raise ImportError(name)
        return whole(name, *args)

    monkeypatch.setattr("holdfast.recommend.content.images.importlib.import_module", without)
    with pytest.raises(UsageError, match=r"images need PIL.*holdfast\[images\]"):
        image_vectors(items, "descriptors", folder=str(folder))


@pytest.fixture
def onnx():
    try:
        import onnx as module
        import onnxruntime  # noqa: F401 - the code under test imports it by name
    except ImportError as error:
        missing(f"{error.name} is not installed")
        raise
    return module


def model(onnx, path, shape, last=False):
    """The mean of each channel, in the place of a network."""
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    mean = helper.make_node(
        "ReduceMean", ["pictures"], ["out"], axes=[1, 2] if last else [2, 3], keepdims=0
    )  # fmt: skip
    graph = helper.make_graph(
        [mean], "mean", [helper.make_tensor_value_info("pictures", number, shape)],
        [helper.make_tensor_value_info("out", number, [shape[0], 3])],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(made.SerializeToString())
    return str(path)


@pytest.mark.parametrize(
    ("shape", "last"), [(["n", 3, 16, 16], False), (["n", 16, 16, 3], True), ([3, 3, 16, 16], False), (["n", 3, "h", "w"], False)]
)  # fmt: skip
def test_a_model_by_name_says_the_vectors(pictures, onnx, shape, last):
    folder, items = pictures
    path = model(onnx, folder / "model.onnx", shape, last)
    found = image_vectors(items, "onnx", folder=str(folder), model=path)
    from holdfast.recommend.content.images import read

    side = 16 if 16 in shape else 224
    for place, name in enumerate("abcd"):
        pixels = read(folder / f"{name}.png", side, side) / 255.0
        expected = (pixels.mean(axis=(0, 1)) - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        assert np.allclose(found[place], expected, atol=1e-4)
    assert np.isnan(found[4:]).all()


def test_a_model_that_is_not_there_or_takes_no_pictures_is_refused(pictures, onnx):
    folder, items = pictures
    with pytest.raises(UsageError, match=r"not there.*image_model"):
        image_vectors(items, "onnx", folder=str(folder), model=str(folder / "none.onnx"))
    with pytest.raises(UsageError, match="cannot be read"):
        image_vectors(items, "onnx", folder=str(folder), model=str(folder / "e.png"))
    wrong = model(onnx, folder / "wrong.onnx", ["n", 5, 16, 16])
    with pytest.raises(UsageError, match="not one batch of pictures"):
        image_vectors(items, "onnx", folder=str(folder), model=wrong)


def test_pictures_and_words_together_know_more_than_either(tmp_path):
    """Each carries a taste that the other does not; together they must beat both, by more than chance."""
    pytest.importorskip("PIL.Image", reason="pillow (extra images) is not installed")
    from holdfast.bench.recommend_cold import cold_items, outcomes
    from holdfast.bench.recommend_cold_world import world

    made = world(300, 240, tmp_path)
    cold = np.arange(240) % 5 == 0
    plain = Content(half_life=None, images="descriptors", image_folder=str(tmp_path), weights="learned")
    models = {"text": replace(plain, images="none"), "image": replace(plain, weights="given", words=0.0), "both": plain}
    rows = cold_items(
        made.past, outcomes(made.past, cold[made.past.item]), cold, models, data="pictures", truth=made.utility,
        pairs=[("both", "text"), ("both", "image"), ("text", "chance"), ("image", "chance"), ("truth", "both")],
    )  # fmt: skip
    gains = [row for row in rows if "gain" in row.protocol and row.metric == "ndcg_at_10"]
    assert len(gains) == 5
    for row in gains:
        assert row.low > 0, (row.model, row.protocol)
