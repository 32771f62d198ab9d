from __future__ import annotations

import gc
import threading
from pathlib import Path

import numpy as np
import pytest

from cortado.data import array_to_datum, create_source, images, write_mean
from cortado.data.datum import datum_class
from cortado.errors import DataError, FileError, ParameterError
from cortado.layers import Phase
from cortado.testing.layers import LayerRun, make_layer

COUNT = 10


@pytest.fixture
def arrays() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (COUNT, 3, 8, 9), dtype=np.uint8)


@pytest.fixture
def source(tmp_path: Path, arrays: np.ndarray) -> Path:
    with create_source("LMDB", tmp_path / "db") as writer:
        for number, array in enumerate(arrays):
            writer.put(b"%04d" % number, array_to_datum(array, number).SerializeToString())
    return tmp_path / "db"


def make(
    source: object,
    transform: str = "",
    batch: int = 4,
    extra: str = "",
    tops: int = 2,
    prefetch: int = 4,
    **more: object,
) -> LayerRun:
    names = " ".join(f'top: "{name}"' for name in ("data", "label")[:tops])
    text = f"""type: "Data" {names} transform_param {{ {transform} }} {extra}
        data_param {{ source: "{source}" backend: LMDB batch_size: {batch} prefetch: {prefetch} }}"""
    return make_layer(text, **{"phase": Phase.TEST, "dtype": np.float32, **more})


def reading() -> set[threading.Thread]:
    """The threads that make batches."""
    gc.collect()
    return {t for t in threading.enumerate() if t.name == "cortado-data" and t.is_alive()}


@pytest.mark.parametrize("prefetch", [0, 1, 4])
def test_batches_go_round_in_the_middle(source, arrays, prefetch):
    run = make(source, prefetch=prefetch)
    assert [blob.shape for blob in run.top] == [(4, 3, 8, 9), (4,)]
    for start in range(0, 40, 4):
        rows = np.arange(start, start + 4) % COUNT
        data, label = run.forward()
        np.testing.assert_array_equal(data, arrays[rows])
        np.testing.assert_array_equal(label, rows)


def test_without_labels_and_larger_than_the_source(source, arrays):
    (data,) = make(source, batch=25, tops=1).forward()
    np.testing.assert_array_equal(data, arrays[np.arange(25) % COUNT])


def test_building_reads_one_record_and_starts_no_thread(source):
    before = reading()
    run = make(source)
    assert reading() <= before
    run.forward()
    assert not reading() <= before


def test_random_crops_are_cut_from_their_image_and_do_not_depend_on_the_prefetching(source, arrays):
    runs = [make(source, "crop_size: 5 mirror: true", prefetch=n, phase=Phase.TRAIN, seed=3) for n in (0, 3)]
    seen = set()
    for _ in range(10):
        (data, label), (again, _) = (run.forward() for run in runs)
        np.testing.assert_array_equal(data, again)
        for crop, number in zip(data, label.astype(int), strict=True):
            seen.add(place_of(crop, arrays[number]))
    assert len(seen) > 15
    (other, _) = make(source, "crop_size: 5 mirror: true", phase=Phase.TRAIN, seed=4).forward()
    (first, _) = make(source, "crop_size: 5 mirror: true", phase=Phase.TRAIN, seed=3).forward()
    assert not np.array_equal(first, other)


def place_of(crop: np.ndarray, image: np.ndarray) -> tuple[int, int, bool]:
    """Where *crop* was cut; fails if nowhere."""
    for mirror in (False, True):
        wanted = crop[..., ::-1] if mirror else crop
        for top in range(4):
            for left in range(5):
                if np.array_equal(image[:, top : top + 5, left : left + 5], wanted):
                    return top, left, mirror
    raise AssertionError("not a crop of its image")


def test_shuffle_takes_every_record_once_an_epoch(source):
    run = make(source, batch=COUNT, extra="cortado_data_param { shuffle: true }", seed=1)
    epochs = [tuple(run.forward()[1].astype(int)) for _ in range(4)]
    assert all(sorted(epoch) == list(range(COUNT)) for epoch in epochs)
    assert len(set(epochs)) == 4
    again = make(source, batch=COUNT, extra="cortado_data_param { shuffle: true }", seed=1)
    assert tuple(again.forward()[1].astype(int)) == epochs[0]


@pytest.mark.parametrize("extra", ["", "cortado_data_param { shuffle: true }"])
def test_processes_share_the_records(source, extra):
    whole = make(source, batch=12, extra=extra, phase=Phase.TRAIN).forward()[1]
    shares = [make(source, extra=extra, phase=Phase.TRAIN, rank=r, world=3).forward()[1] for r in range(3)]
    np.testing.assert_array_equal(np.stack(shares, 1).ravel(), whole)
    test = make(source, rank=2, world=3).forward()[1]
    np.testing.assert_array_equal(test, [0, 1, 2, 3])


def test_processes_draw_differently(source):
    crops = [make(source, "crop_size: 3", batch=10, phase=Phase.TRAIN, rank=r, world=10).forward()[0] for r in range(2)]
    assert not np.array_equal(crops[0], crops[1])


@pytest.mark.parametrize("extra", ["", "cortado_data_param { shuffle: true }"])
@pytest.mark.parametrize("prefetch", [0, 4])
def test_state_goes_on_exactly_in_another_net(source, extra, prefetch):
    settings = {"transform": "crop_size: 5 mirror: true", "extra": extra, "prefetch": prefetch, "phase": Phase.TRAIN}
    run = make(source, **settings)
    for _ in range(5):
        run.forward()
    state = run.layer.state()
    assert all(isinstance(value, int) for value in state.values())
    ahead = [run.forward() for _ in range(6)]
    other = make(source, **settings)
    other.forward()
    other.layer.restore(state)
    for data, label in ahead:
        got = other.forward()
        np.testing.assert_array_equal(got[0], data)
        np.testing.assert_array_equal(got[1], label)


def test_the_thread_ends_with_the_layer(source):
    run = make(source)
    before = reading()
    run.forward()
    assert len(reading() - before) == 1
    run.layer.close()
    assert reading() <= before
    run.forward()
    (thread,) = reading() - before
    del run
    gc.collect()
    thread.join(5)
    assert not thread.is_alive()


def test_shape_follows_the_first_record_of_a_batch(tmp_path):
    with create_source("LMDB", tmp_path / "db") as writer:
        for number in range(4):
            array = np.full((1, 2 + number // 2, 2), number, np.uint8)
            writer.put(b"%d" % number, array_to_datum(array).SerializeToString())
    run = make(tmp_path / "db", batch=2, tops=1)
    assert [run.forward()[0].shape for _ in range(3)] == [(2, 1, 2, 2), (2, 1, 3, 2), (2, 1, 2, 2)]
    mixed = make(tmp_path / "db", batch=3, tops=1)
    with pytest.raises(DataError) as caught:
        mixed.forward()
    expected = "layer 'layer' (Data): record '2': all records of a batch must be 1x2x2; got 1x3x2"
    assert expected in str(caught.value)
    assert str(caught.value).startswith("layer.prototxt:1:")


def test_encoded_records_and_forced_channels(tmp_path):
    photo = np.random.default_rng(1).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    with create_source("LMDB", tmp_path / "db") as writer:
        datum = datum_class()(data=images.encode(photo, "png"), encoded=True, label=4)
        writer.put(b"0", datum.SerializeToString())
    (data, label) = make(tmp_path / "db", batch=2).forward()
    np.testing.assert_array_equal(data[1], photo.transpose(2, 0, 1))
    assert label.tolist() == [4, 4]
    assert make(tmp_path / "db", "force_gray: true").top[0].shape == (4, 1, 6, 5)


def test_a_damaged_record_is_named(tmp_path, arrays):
    with create_source("LMDB", tmp_path / "db") as writer:
        writer.put(b"0", array_to_datum(arrays[0]).SerializeToString())
        writer.put(b"1", b"\xff\xff")
    run = make(tmp_path / "db", batch=2)
    for _ in range(2):
        with pytest.raises(DataError, match=r"layer 'layer' \(Data\): record '1' must be a Datum"):
            run.forward()


def test_a_missing_database_names_layer_path_and_neighbours(source):
    with pytest.raises(FileError) as caught:
        make(source.parent / "db2")
    message = str(caught.value)
    assert f"there is no LMDB database at {source.parent / 'db2'}" in message
    assert "did you mean 'db'?" in message


def test_paths_are_looked_for_beside_the_net(source, tmp_path):
    write_mean(tmp_path / "mean", np.zeros((3, 8, 9), np.float32))
    make(Path("db"), 'mean_file: "mean"', folder=tmp_path)
    with pytest.raises(FileError, match=f"paths are also looked for in {tmp_path}, where the net is"):
        make(Path("other"), folder=tmp_path)


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ("crop_size: 9", "crop_size 9 must not exceed the height and width of the records; got records of 3x8x9"),
        ("mean_value: 1 mean_value: 2", "mean_value must be given once, or once for each channel; there are 2"),
        ('mean_value: 1 mean_file: "m"', "mean_file or mean_value, not both"),
        ("force_color: true force_gray: true", "force_color or force_gray, not both"),
    ],
)
def test_parameters_are_checked_when_the_net_is_built(source, transform, message):
    with pytest.raises(ParameterError) as caught:
        make(source, transform)
    assert message in str(caught.value)
    assert str(caught.value.where).startswith("layer.prototxt:1:")


def test_batch_size_and_source_must_be_set(source):
    with pytest.raises(ParameterError, match="batch_size must be at least 1; got 0"):
        make(source, batch=0)
    with pytest.raises(ParameterError, match="source must name a database"):
        make("")


def infer(text: str, tops: int = 2) -> list[tuple[int, ...]] | None:
    """The shapes that a check without data finds, or None."""
    from cortado.layers import Blob, LayerContext
    from cortado.plugins import plugin_manager
    from cortado.proto import parse_text

    message = plugin_manager().schema().message("NetParameter")
    document = parse_text(f'layer {{ name: "d" type: "Data" {text} }}', message, "net.prototxt")
    layer_class = plugin_manager().get("layers", "Data").item
    layer = layer_class(document.message.layer[0], LayerContext(Phase.TEST, None, plugin_manager()))
    top = [Blob() for _ in range(tops)]
    return [blob.shape for blob in top] if layer.infer_shapes([], top) else None


def test_shapes_without_the_database(tmp_path, source):
    nowhere = 'data_param { source: "nowhere" batch_size: 5 }'
    write_mean(tmp_path / "mean", np.zeros((2, 6, 7), np.float32))
    mean = f'mean_file: "{tmp_path / "mean"}"'
    assert infer(nowhere) is None
    assert infer(f"{nowhere} transform_param {{ crop_size: 6 }}") == [(5, 3, 6, 6), (5,)]
    assert infer(f"{nowhere} transform_param {{ crop_size: 6 force_gray: true }}", 1) == [(5, 1, 6, 6)]
    assert infer(f"{nowhere} transform_param {{ crop_size: 6 mean_value: 1 mean_value: 2 }}", 1) == [(5, 2, 6, 6)]
    assert infer(f"{nowhere} transform_param {{ {mean} }}", 1) == [(5, 2, 6, 7)]
    assert infer(f"{nowhere} transform_param {{ {mean} crop_size: 4 }}", 1) == [(5, 2, 4, 4)]
    assert infer(f'{nowhere} transform_param {{ mean_file: "nowhere" crop_size: 4 }}', 1) == [(5, 3, 4, 4)]
    there = f'data_param {{ source: "{source}" backend: LMDB batch_size: 5 }}'
    assert infer(there) == [(5, 3, 8, 9), (5,)]
    with pytest.raises(ParameterError, match="batch_size"):
        infer('data_param { source: "nowhere" }')


def test_a_folder_of_images_by_the_other_backend_field(tmp_path):
    for number, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        photo = np.full((4, 5, 3), 10 * number, np.uint8)
        (tmp_path / name / "a.png").write_bytes(images.encode(photo, "png"))
    run = make(tmp_path, batch=2, extra='cortado_data_param { backend: "FOLDER" }')
    data, label = run.forward()
    assert data.shape == (2, 3, 4, 5)
    assert label.tolist() == [0, 1]
    assert (data[1] == 10).all()


def test_leveldb_is_the_default(tmp_path, arrays):
    with create_source("LEVELDB", tmp_path / "level") as writer:
        writer.put(b"0", array_to_datum(arrays[0], 7).SerializeToString())
    text = f'type: "Data" data_param {{ source: "{tmp_path / "level"}" batch_size: 1 }} top: "data" top: "label"'
    data, label = make_layer(text).forward()
    np.testing.assert_array_equal(data[0], arrays[0])
    assert label.tolist() == [7]
    assert data.dtype == np.float64
