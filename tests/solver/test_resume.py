"""A run that is stopped anywhere and resumed is, bit for bit, the run that was not stopped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cortado import Solver
from cortado.data import array_to_datum
from cortado.data.sources.lmdb import Lmdb
from cortado.errors import FormatError, WeightsError
from cortado.solver import Callback
from cortado.solver.run_file import read_run_file

DATA = """
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: %s }
  transform_param { mirror: true crop_size: 5 scale: 0.01 }
  data_param { source: "%s" backend: LMDB batch_size: %d } cortado_data_param { shuffle: %s } }
"""
REST = """
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "norm" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "drop" }
layer { name: "pool" type: "Pooling" bottom: "drop" top: "pool" pooling_param { pool: STOCHASTIC kernel_size: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }
"""
LSTM = """
layer { name: "data" type: "DummyData" top: "x" top: "cont" top: "y" dummy_data_param {
  shape { dim: 3 dim: 2 dim: 4 } shape { dim: 3 dim: 2 } shape { dim: 3 dim: 2 dim: 5 }
  data_filler { type: "gaussian" } data_filler { value: 1 } data_filler { type: "uniform" min: -1 max: 1 } } }
layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h"
  recurrent_param { num_output: 5 weight_filler { type: "gaussian" std: 0.5 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "h" bottom: "y" top: "loss" }
"""
SOLVER = """
base_lr: 0.05 momentum: 0.9 weight_decay: 0.001 lr_policy: "multistep" gamma: 0.5 stepvalue: 3 stepvalue: 7
max_iter: 12 average_loss: 4 iter_size: 2 display: 1 test_iter: 2 test_interval: 3
"""
LAST = 12


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    rng = np.random.default_rng(0)
    for name, count in (("train", 23), ("test", 11)):
        with Lmdb.create(folder / name) as writer:
            for index in range(count):
                image = rng.integers(0, 256, (2, 6, 7), np.uint8)
                writer.put(b"%04d" % index, array_to_datum(image, index % 3).SerializeToString())
    return folder


@pytest.fixture
def images(records: Path) -> str:
    train = DATA % ("TRAIN", records / "train", 4, "true")
    return train + DATA % ("TEST", records / "test", 3, "false") + REST


class Diary(Callback):
    """All numbers that a run tells, by iteration."""

    type = "diary"

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int], Any] = {}

    def on_iteration(self, solver: Solver, metrics: Any) -> None:
        self.rows["train", metrics.iteration] = (metrics.loss, metrics.smoothed, metrics.rate)

    def on_test(self, solver: Solver, result: Any) -> None:
        assert ("test", result.iteration) not in self.rows, "tested twice"
        self.rows["test", result.iteration] = (result.loss, result.outputs)


def weights_of(solver: Solver) -> list[bytes]:
    arrays = [p.blob.data for p in solver.net.learnable] + [a for slots in solver.history for a in slots]
    return [array.tobytes() for array in arrays]


def uninterrupted(make: Callable[..., Solver], **how: Any) -> tuple[Diary, list[bytes]]:
    diary = Diary()
    solver = make(callbacks=[diary], **how)
    solver.step(LAST)
    return diary, weights_of(solver)


@pytest.mark.parametrize("stop", range(LAST))
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_images(make: Callable[..., Solver], images: str, stop: int, kind: str) -> None:
    """No seed is given to the second process, which must take it from the first."""
    how: dict[str, Any] = {"net": images, "base": SOLVER, "fields": {"type": kind}}
    diary, weights = uninterrupted(make, seed=3, **how)
    first = make(callbacks=[half := Diary()], seed=3, **how)
    first.step(stop)
    state = first.snapshot()
    second = make(callbacks=[half], **how)
    second.restore(state)
    assert (second.iteration, second.seed, second.run_id) == (stop, 3, first.run_id)
    second.step(LAST - stop)
    assert half.rows == diary.rows
    assert weights_of(second) == weights


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("format_", ["HDF5", "BINARYPROTO"])
def test_lstm_in_both_formats_and_types(make: Callable[..., Solver], dtype: Any, format_: str) -> None:
    base = f"{SOLVER} snapshot_format: {format_}\n"
    how: dict[str, Any] = {"net": LSTM, "base": base, "dtype": dtype}
    diary, weights = uninterrupted(make, seed=4, **how)
    first = make(callbacks=[half := Diary()], seed=4, **how)
    first.step(5)
    second = make(callbacks=[half], **how)
    second.restore(first.snapshot())
    second.step(LAST - 5)
    assert half.rows == diary.rows
    assert weights_of(second) == weights


def test_a_stop_in_the_middle_of_a_test(make: Callable[..., Solver], images: str) -> None:
    how: dict[str, Any] = {"net": images, "base": SOLVER}
    diary, weights = uninterrupted(make, seed=3, **how)
    first = make(callbacks=[half := Diary()], seed=3, **how)
    first.test_nets[0].before_forward.append(lambda _: first.request_stop() if first.iteration == 6 else None)
    first.step(LAST)
    assert first.iteration == 6
    second = make(callbacks=[half], **how)
    second.restore(first.snapshot())
    second.step(LAST - 6)
    assert half.rows == diary.rows
    assert weights_of(second) == weights


def test_a_snapshot_taken_after_the_test_of_its_iteration(make: Callable[..., Solver], images: str) -> None:
    class TakeOne(Callback):
        def on_test(self, solver: Solver, result: Any) -> None:
            if result.iteration == 3:
                solver.snapshot()
                raise KeyboardInterrupt

    how: dict[str, Any] = {"net": images, "base": SOLVER}
    diary, weights = uninterrupted(make, seed=3, **how)
    half = Diary()
    with pytest.raises(KeyboardInterrupt):
        make(callbacks=[half, TakeOne()], seed=3, **how).step(LAST)
    del half.rows["test", 3]
    second = make(callbacks=[half], **how)
    second.restore(Path(second.param.snapshot_prefix + "_iter_3.solverstate"))
    second.step(LAST - 3)
    assert half.rows == diary.rows
    assert weights_of(second) == weights


def test_going_back_within_a_process(make: Callable[..., Solver], images: str) -> None:
    solver = make(net=images, base=SOLVER, seed=3)
    solver.step(4)
    state = solver.snapshot()
    first = [row.loss for row in solver.train(5)]
    solver.restore(state)
    assert [row.loss for row in solver.train(5)] == first


def test_a_shuffled_hdf5_file(make: Callable[..., Solver], tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file["x"], file["y"] = np.random.default_rng(0).normal(size=(13, 3)), np.arange(13.0).reshape(13, 1)
    (tmp_path / "list.txt").write_text(f"{tmp_path}/rows.h5\n")
    net = f"""
    layer {{ name: "data" type: "HDF5Data" top: "x" top: "y"
      hdf5_data_param {{ source: "{tmp_path}/list.txt" batch_size: 5 shuffle: true }} }}
    layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "p" inner_product_param {{ num_output: 1 }} }}
    layer {{ name: "loss" type: "EuclideanLoss" bottom: "p" bottom: "y" top: "loss" }}"""
    diary, weights = uninterrupted(make, net=net, base=SOLVER, seed=3)
    first = make(net=net, base=SOLVER, callbacks=[half := Diary()], seed=3)
    first.step(7)
    second = make(net=net, base=SOLVER)
    second.step(2)  # it has another seed, and has read already
    second.restore(first.snapshot())
    second.callbacks = [half]
    second.step(LAST - 7)
    assert half.rows == diary.rows
    assert weights_of(second) == weights


def test_callbacks_go_on(make: Callable[..., Solver], images: str) -> None:
    """Early stopping ends the resumed run where it ends the other."""
    base = SOLVER.replace("test_interval: 3", "test_interval: 1")
    base += 'early_stopping_param { metric: "accuracy" better: HIGHER patience: 4 }'
    whole = make(net=images, base=base, seed=1)
    whole.step(LAST)
    assert whole.stopped
    first = make(net=images, base=base, seed=1)
    first.step(whole.iteration - 1)
    assert not first.stopped
    second = make(net=images, base=base)
    second.restore(first.snapshot())
    second.step(LAST)
    assert (second.stopped, second.iteration) == (True, whole.iteration)


def test_the_plateau_policy_goes_on(make: Callable[..., Solver], images: str) -> None:
    base = SOLVER.replace("test_interval: 3", "test_interval: 1").replace('"multistep"', '"plateau"')
    how: dict[str, Any] = {"net": images, "base": base + "plateau_param { patience: 2 }"}
    diary, weights = uninterrupted(make, seed=3, **how)
    assert len({row[2] for key, row in diary.rows.items() if key[0] == "train"}) > 1
    for stop in (2, 5, 8):
        first = make(callbacks=[half := Diary()], seed=3, **how)
        first.step(stop)
        second = make(callbacks=[half], **how)
        second.restore(first.snapshot())
        second.step(LAST - stop)
        assert half.rows == diary.rows
        assert weights_of(second) == weights


def test_parts_of_plugins_go_on(make: Callable[..., Solver]) -> None:
    solver, again = make(), make()
    kept: dict[str, Any] = {}
    for part in ("policy", "optimizer"):
        getattr(solver, part).run_state = lambda part=part: {"of": part, "array": np.arange(3)}

        def restore(state: Mapping[str, Any], part: str = part) -> None:
            kept[part] = (state["of"], state["array"].tolist())

        getattr(again, part).restore_run_state = restore
    solver.step(1)
    again.restore(solver.snapshot())
    assert kept == {part: (part, [0, 1, 2]) for part in ("policy", "optimizer")}


def test_a_solver_state_alone_is_taken_as_caffe_takes_it(make: Callable[..., Solver], images: str) -> None:
    messages: list[str] = []

    class Listen(Callback):
        def on_message(self, solver: Solver, source: str, text: str) -> None:
            messages.append(text)

    first = make(net=images, base=SOLVER, seed=3)
    first.step(3)
    state = first.snapshot()
    state.with_suffix(".cortado").unlink()
    second = make(net=images, base=SOLVER, seed=8, callbacks=[Listen()])
    second.restore(state)
    assert weights_of(second) == weights_of(first)
    assert (second.iteration, second.seed) == (3, 8)
    assert "data and random numbers begin anew, as in Caffe" in messages[-1]


def test_differences_are_told(make: Callable[..., Solver], images: str) -> None:
    messages: list[str] = []

    class Listen(Callback):
        def on_message(self, solver: Solver, source: str, text: str) -> None:
            messages.append(text)

    first = make(net=images, base=SOLVER, seed=3)
    first.step(1)
    state = first.snapshot()
    second = make(
        net=images.replace("dim: 3", "dim: 4"), base=SOLVER.replace("gamma: 0.5", "gamma: 0.4"), callbacks=[Listen()]
    )
    second.restore(state)
    told = [text for text in messages if text.startswith("Not quite the same run")]
    assert len(told) == 1
    assert "solver was" in told[0]
    messages.clear()
    make(net=images, base=SOLVER.replace("max_iter: 12", "max_iter: 99"), callbacks=[Listen()]).restore(state)
    assert not [text for text in messages if text.startswith("Not quite the same run")]


@pytest.mark.parametrize("victim", ["caffemodel", "solverstate", "cortado"])
@pytest.mark.parametrize("damage", ["cut", "flip", "gone"])
def test_damage_is_found(make: Callable[..., Solver], victim: str, damage: str) -> None:
    solver = make()
    solver.step(2)
    state = solver.snapshot()
    file = state.with_suffix(f".{victim}")
    data = bytearray(file.read_bytes())
    if damage == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "flip":
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    else:
        file.unlink()
    target = state.with_suffix(".cortado")
    if victim == "cortado" and damage == "gone":
        return
    with pytest.raises(FormatError, match=f"{file.name}|damaged"):
        make().restore(target)


def test_a_moved_snapshot_takes_the_weights_beside_it(make: Callable[..., Solver], tmp_path: Path) -> None:
    solver = make()
    solver.step(2)
    state = solver.snapshot()
    (tmp_path / "moved").mkdir()
    for file in tmp_path.glob("s_iter_2.*"):
        shutil.copy(file, tmp_path / "moved" / file.name)
    state.with_suffix(".caffemodel").write_bytes(b"something else")
    again = make()
    again.restore(tmp_path / "moved" / state.name)
    assert weights_of(again) == weights_of(solver)


def test_another_net_is_refused_and_nothing_changes(make: Callable[..., Solver], images: str) -> None:
    state = make().snapshot()
    other = make(net=images, base=SOLVER, seed=1)
    before = weights_of(other)
    with pytest.raises(WeightsError, match="history"):
        other.restore(state)
    assert (weights_of(other), other.iteration, other.seed) == (before, 0, 1)


def test_what_a_run_file_records(make: Callable[..., Solver]) -> None:
    solver = make()
    solver.step(2)
    content = read_run_file(solver.snapshot().with_suffix(".cortado"))
    assert content["iteration"] == 2
    assert content["files"]["weights"]["name"] == "s_iter_2.caffemodel"
    assert {"seed", "cortado", "numpy", "engine", "threads", "net", "solver", "plugins"} <= set(content["facts"])
    assert content["facts"]["seed"] == 5
