from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cortado.data import images
from cortado.errors import DataError, FileError, ParameterError
from cortado.layers import Phase
from cortado.testing.layers import LayerRun, make_layer

COUNT = 7


@pytest.fixture
def photos() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (COUNT, 6, 8, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path, photos: np.ndarray) -> Path:
    (tmp_path / "photos").mkdir()
    for number, photo in enumerate(photos):
        (tmp_path / "photos" / f"my {number}.png").write_bytes(images.encode(photo, "png"))
    lines = "".join(f"my {number}.png {number}\n" for number in range(COUNT))
    (tmp_path / "list.txt").write_text(lines)
    return tmp_path


def make(
    folder: Path, more: str = "", batch: int = 3, transform: str = "", root: str = "photos/", **context
) -> LayerRun:
    source = f'source: "{folder / "list.txt"}" root_folder: "{folder}/{root}" batch_size: {batch} {more}'
    text = f'type: "ImageData" transform_param {{ {transform} }} image_data_param {{ {source} }}'
    return make_layer(text, **{"dtype": np.float32, "phase": Phase.TEST, **context})


def labels(run: LayerRun, batches: int) -> list[int]:
    return [int(x) for _ in range(batches) for x in run.forward()[1]]


@pytest.mark.parametrize("root", ["photos/", "photos", "photos/my "])
def test_images_in_the_order_of_the_list(folder, photos, root):
    if root.endswith(" "):
        (folder / "list.txt").write_text("".join(f"{n}.png {n}\n" for n in range(COUNT)))
    run = make(folder, root=root)
    assert [b.shape for b in run.top] == [(3, 3, 6, 8), (3,)]
    for start in range(0, 15, 3):
        rows = np.arange(start, start + 3) % COUNT
        data, label = run.forward()
        np.testing.assert_array_equal(data, photos[rows].transpose(0, 3, 1, 2))
        np.testing.assert_array_equal(label, rows)


def test_resized_and_grey(folder, photos):
    data, _ = make(folder, "new_height: 4 new_width: 5 is_color: false").forward()
    expected = images.resize(images.read_image(folder / "photos" / "my 1.png", color=False), 4, 5)
    np.testing.assert_array_equal(data[1], expected.transpose(2, 0, 1))


def test_transformed(folder, photos):
    data, _ = make(folder, transform="crop_size: 4 mean_value: 5 scale: 2").forward()
    np.testing.assert_array_equal(data[0], (photos[0, 1:5, 2:6].transpose(2, 0, 1) - np.float32(5)) * 2)


def test_shuffle_and_skip(folder):
    run = make(folder, "shuffle: true", batch=COUNT, seed=1)
    epochs = [tuple(labels(run, 1)) for _ in range(4)]
    assert all(sorted(epoch) == list(range(COUNT)) for epoch in epochs)
    assert len(set(epochs)) == 4
    starts = {labels(make(folder, "rand_skip: 5", batch=1, seed=seed), 1)[0] for seed in range(30)}
    assert starts == set(range(5))


@pytest.mark.parametrize("more", ["", "shuffle: true rand_skip: 3"])
def test_state_goes_on_exactly(folder, more):
    settings = {"more": more, "transform": "crop_size: 4 mirror: true", "phase": Phase.TRAIN}
    run = make(folder, **settings)
    labels(run, 4)
    state = run.layer.state()
    ahead = [run.forward() for _ in range(5)]
    other = make(folder, **settings)
    other.layer.restore(state)
    for data, label in ahead:
        got = other.forward()
        np.testing.assert_array_equal(got[0], data)
        np.testing.assert_array_equal(got[1], label)


def test_processes_share_the_list(folder):
    whole = labels(make(folder, "shuffle: true", batch=6, phase=Phase.TRAIN), 1)
    shares = [labels(make(folder, "shuffle: true", batch=3, phase=Phase.TRAIN, rank=r, world=2), 1) for r in range(2)]
    assert [shares[i % 2][i // 2] for i in range(6)] == whole


def test_refusals(folder):
    with pytest.raises(ParameterError, match="must be set together; got new_height 4, new_width 0"):
        make(folder, "new_height: 4")
    with pytest.raises(ParameterError, match="rand_skip must leave lines of the 7 in the list; got 10000"):
        make(folder, "rand_skip: 10000")
    with pytest.raises(FileError, match="there is no list of images"):
        make(folder / "x")
    with pytest.raises(DataError, match=r"cannot read the image .*nowhere/my 0\.png"):
        make(folder, root="nowhere/")
    with pytest.raises(ParameterError, match="crop_size 7 must not exceed"):
        make(folder, transform="crop_size: 7")
    (folder / "photos" / "my 4.png").write_bytes(images.encode(np.zeros((5, 5, 3), np.uint8), "png"))
    run = make(folder)
    run.forward()
    with pytest.raises(DataError, match=r"image my 4.png: all records of a batch must be 3x6x8; got 3x5x5"):
        run.forward()


def test_shapes_without_the_images(folder):
    run = make(folder, "new_height: 4 new_width: 5")
    layer, top = run.layer, run.top
    layer.param.source = "nowhere"
    assert layer.infer_shapes([], top)
    assert [b.shape for b in top] == [(3, 3, 4, 5), (3,)]
    layer.param.is_color = False
    assert layer.infer_shapes([], top)
    assert top[0].shape == (3, 1, 4, 5)
    layer.param.new_height = layer.param.new_width = 0
    assert not layer.infer_shapes([], top)
