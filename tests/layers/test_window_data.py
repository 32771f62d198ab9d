from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cortado.data import images, write_mean
from cortado.errors import DataError, FileError, ParameterError
from cortado.layers import Phase
from cortado.testing.layers import LayerRun, make_layer

WINDOWS = """# 0
a.png
3
20
30
4
1 0.9 2 3 11 12
2 0.7 5 5 24 14
0 0.1 0 0 29 19
3 0.2 1 1 8 16
# 1
b.png
3
12
12
1
0 0 0 0 11 11
"""


@pytest.fixture
def photos() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in ((20, 30), (12, 12))]


@pytest.fixture
def folder(tmp_path: Path, photos: list[np.ndarray]) -> Path:
    for name, photo in zip("ab", photos, strict=True):
        (tmp_path / f"{name}.png").write_bytes(images.encode(photo, "png"))
    (tmp_path / "windows.txt").write_text(WINDOWS)
    return tmp_path


def make(folder: Path, more: str = "", transform: str = "crop_size: 10", batch: int = 8, **context: object) -> LayerRun:
    source = f'source: "{folder / "windows.txt"}" root_folder: "{folder}/" batch_size: {batch} {more}'
    text = f'type: "WindowData" transform_param {{ {transform} }} window_data_param {{ {source} }}'
    return make_layer(text, **{"dtype": np.float32, **context})


def test_shares_and_labels(folder):
    run = make(folder, "fg_fraction: 0.375", batch=8)
    assert [b.shape for b in run.top] == [(8, 3, 10, 10), (8,)]
    seen = set()
    for _ in range(20):
        _, label = run.forward()
        assert (label[:5] == 0).all()
        assert set(label[5:]) <= {1, 2}
        seen |= set(label[5:])
    assert seen == {1, 2}


@pytest.mark.parametrize("cache", ["", "cache_images: true"])
def test_windows_are_cut_warped_and_shifted_by_the_mean(folder, photos, cache):
    boxes = [photos[0][0:20, 0:30], photos[0][1:17, 1:9], photos[1]]
    expected = [images.resize(box, 10, 10).transpose(2, 0, 1) for box in boxes]
    run = make(folder, f"fg_fraction: 0 {cache}", "crop_size: 10 mean_value: 7 scale: 0.5")
    found = set()
    for _ in range(5):
        for got in run.forward()[0]:
            pixels = got * 2 + 7
            matches = [i for i, e in enumerate(expected) if np.array_equal(e, pixels)]
            assert matches
            found |= set(matches)
    assert found == {0, 1, 2}


def test_mirror(folder, photos):
    plain = photos[0][3:13, 2:12].transpose(2, 0, 1)
    run = make(folder, "fg_fraction: 1 fg_threshold: 0.8", "crop_size: 10 mirror: true")
    seen = [np.array_equal(got, plain) + 2 * np.array_equal(got, plain[..., ::-1]) for got in run.forward()[0]]
    assert set(seen) == {1, 2}


def test_context_beyond_the_image_stays_zero(folder):
    run = make(folder, "fg_fraction: 0 context_pad: 2", "crop_size: 10 mean_value: -1")
    data, _ = run.forward()
    assert (data[:, :, 0, :] == 0).all()
    assert (data[:, :, 5, 5] >= 1).all()


def test_the_middle_of_the_mean_file(folder, photos):
    mean = np.random.default_rng(1).integers(0, 99, (3, 14, 13)).astype(np.float32)
    write_mean(folder / "mean", mean)
    run = make(folder, "fg_fraction: 1 fg_threshold: 0.8", f'crop_size: 10 mean_file: "{folder / "mean"}"')
    expected = photos[0][3:13, 2:12].transpose(2, 0, 1) - mean[:, 2:12, 1:11]
    np.testing.assert_array_equal(run.forward()[0][0], expected)


def test_same_seed_same_windows_and_state(folder):
    one, two = make(folder, seed=3), make(folder, seed=3)
    for _ in range(3):
        np.testing.assert_array_equal(one.forward()[0], two.forward()[0])
    state = one.layer.state()
    ahead = one.forward()[0]
    other = make(folder, seed=3)
    other.layer.restore(state)
    np.testing.assert_array_equal(other.forward()[0], ahead)
    assert not np.array_equal(make(folder, seed=4).forward()[0], make(folder, seed=3).forward()[0])
    assert not np.array_equal(make(folder, seed=3, rank=1, world=2).forward()[0], make(folder, seed=3).forward()[0])


@pytest.mark.parametrize(
    ("more", "transform", "message"),
    [
        ("", "", "needs a crop_size in transform_param"),
        ("context_pad: 5", "crop_size: 10", "less than half the crop_size 10; got 5"),
        ('crop_mode: "round"', "crop_size: 10", "crop_mode must be warp or square; got round"),
        ("fg_fraction: 1.5", "crop_size: 10", "fg_fraction must be from 0 to 1; got 1.5"),
        ("", "crop_size: 10 mean_value: 1 mean_value: 2", "once, or for each of 3 channels"),
    ],
)
def test_parameters(folder, more, transform, message):
    with pytest.raises(ParameterError) as caught:
        make(folder, more, transform)
    assert message in str(caught.value)
    assert "layer 'layer' (WindowData)" in str(caught.value)


def test_files_that_are_of_no_use(folder):
    with pytest.raises(DataError, match="must hold objects, 8 are wanted in each batch"):
        make(folder, "fg_fraction: 1 fg_threshold: 0.99")
    with pytest.raises(FileError, match="there is no window file"):
        make(folder / "x")
    (folder / "windows.txt").write_text(WINDOWS.replace("1 0.9", "0 0.9"))
    with pytest.raises(DataError, match="a class of at least 1"):
        make(folder)
    (folder / "windows.txt").write_text(WINDOWS.replace("29 19", "30 19"))
    run = make(folder, "fg_fraction: 0", batch=40)
    with pytest.raises(DataError, match=r"windows must lie in their image of 30x20 pixels"):
        run.forward()


def test_shapes_without_the_file(folder):
    run = make(folder)
    run.layer.param.source = "nowhere"
    assert run.layer.infer_shapes([], run.top)
    assert run.top[0].shape == (8, 3, 10, 10)


def test_phase_makes_no_difference(folder):
    assert np.array_equal(make(folder, phase=Phase.TEST).forward()[0], make(folder, phase=Phase.TRAIN).forward()[0])
