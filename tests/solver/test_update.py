"""An update that goes over a parameter in pieces is the update of the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from cortado.engines import get_engine
from cortado.errors import NumericsError
from cortado.plugins import plugin_manager
from cortado.solver import Callback, Optimizer, Regularizer, update
from cortado.solver.optimizers.sgd import SGD

NET = """
layer { name: "data" type: "DummyData" top: "x" top: "y"
  dummy_data_param { shape { dim: 4 dim: 37 } shape { dim: 4 dim: 11 }
    data_filler { type: "gaussian" std: 1 } data_filler { type: "gaussian" std: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "p"
  inner_product_param { num_output: 11 weight_filler { type: "gaussian" std: 1 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "p" bottom: "y" top: "loss" }
"""
SMALL = 64


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update, "PIECE", SMALL)


@pytest.mark.parametrize("regularizer", ["L1", "L2", "ElasticNet"])
@pytest.mark.parametrize("optimizer", plugin_manager().registry("optimizers").names())
def test_pieces_change_nothing(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, optimizer: str, regularizer: str
) -> None:
    base = 'base_lr: 0.01\nlr_policy: "fixed"\nmax_iter: 9\nrandom_seed: 5\niter_size: 2\nweight_decay: 0.1\n'
    text = f'type: "{optimizer}" clip_gradients: 5 ' + ("momentum: 0.9 " if optimizer in {"SGD", "Adam"} else "")
    kind = plugin_manager().get("optimizers", optimizer).item
    text += f'regularization_type: "{"L2" if kind.decoupled else regularizer}"'
    found = []
    for piece in (2**15, SMALL):
        monkeypatch.setattr(update, "PIECE", piece)
        solver = make(text, net=NET, base=base)
        assert update.takes_pieces(solver)
        solver.step(4)
        found.append([array.copy() for p in solver.net.learnable for array in (p.blob.data, p.blob.diff)])
        found[-1] += [slot.copy() for slots in solver.history for slot in slots]
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("regularizer", ["L1", "L2", "ElasticNet"])
@pytest.mark.parametrize("optimizer", plugin_manager().registry("optimizers").names())
def test_at_once_is_one_by_one(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, optimizer: str, regularizer: str
) -> None:
    if "native" in plugin_manager().broken:
        pytest.skip("the native engine is not there")
    base = 'base_lr: 0.01\nlr_policy: "inv" gamma: 0.1 power: 0.7\nmax_iter: 9\nrandom_seed: 5\niter_size: 3\n'
    text = f'type: "{optimizer}" weight_decay: 0.1 ' + ("momentum: 0.9 " if optimizer in {"SGD", "Adam"} else "")
    kind = plugin_manager().get("optimizers", optimizer).item
    text += f'regularization_type: "{"L2" if kind.decoupled else regularizer}"'
    monkeypatch.setattr(update, "PIECE", SMALL)
    found, told = [], []
    for together in (True, False):
        solver = make(text, net=NET, base=base, engine="native")
        make_updater = type(solver.engine).updater

        def updater(*arguments: Any, together: bool = together, make_updater: Any = make_updater) -> Any:
            update = make_updater(*arguments) if together else None

            def watched(*numbers: Any) -> Any:
                told.append(update(*numbers))
                return told[-1]

            return update and watched

        with monkeypatch.context() as patch:
            patch.setattr(type(solver.engine), "updater", updater)
            solver.step(4)
        found.append([array.copy() for p in solver.net.learnable for array in (p.blob.data, p.blob.diff)])
        found[-1] += [slot.copy() for slots in solver.history for slot in slots]
    own = kind.update is not Optimizer.update
    assert told == ([] if own else [(True, True)] * 4)
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_an_update_that_is_not_kept_leaves_no_gradient(make: Callable[..., Any], engine: str) -> None:
    if engine in plugin_manager().broken:
        pytest.skip("the native engine is not there")
    found: list[list[Any]] = []
    for keeps in (True, False):
        solver = make("iter_size: 2 momentum: 0.9", net=NET, engine=engine)
        solver.keeps_updates = keeps
        solver.step(3)
        gradients = [p.blob.diff.any() for p in solver.net.learnable]
        clear = not keeps and engine == "native"
        assert solver.net.gradients_are_clear is clear
        assert not any(gradients) if clear else all(gradients)
        solver.net.learnable[0].blob.diff[...] = 0 if clear else 1000  # which the next iteration clears
        solver.step(2)
        found.append([a.copy() for p in solver.net.learnable for a in (p.blob.data,)])
        solver.net.forward()
        solver.net.backward()
        assert not solver.net.gradients_are_clear
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


def test_snapshots_that_store_gradients_keep_the_updates(make: Callable[..., Any]) -> None:
    for stored in (True, False):
        solver = make(f"snapshot_diff: {str(stored).lower()}", net=NET)
        solver.spare_gradients()
        assert solver.net.gradients_are_shared
        assert solver.keeps_updates is stored


def test_other_multipliers_count_at_once(make: Callable[..., Any]) -> None:
    solver = make(net=NET)
    solver.step(3)
    solver.net.learnable[0].lr_mult = 0.0
    weights = solver.net.learnable[0].blob.data.copy()
    solver.history[0][0][...] = 0
    solver.step(1)
    assert np.array_equal(solver.net.learnable[0].blob.data, weights)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("engine", ["reference", "native"])
def test_a_gradient_that_is_not_finite_is_not_applied(make: Callable[..., Any], engine: str) -> None:
    if engine in plugin_manager().broken:
        pytest.skip("the native engine is not there")

    class Spoil(Callback):
        def on_gradients(self, solver: Any) -> None:
            if solver.iteration == 2:
                solver.net.learnable[0].blob.diff[0, 3] = np.nan

    solver = make(net=NET, engine=engine, callbacks=[Spoil()])
    solver.step(2)
    before = solver.net.learnable[0].blob.data.copy().ravel()
    with pytest.raises(NumericsError, match=r"iteration 2: layer 'ip'.*backward must make.* 1 NaN"):
        solver.step(1)
    after = solver.net.learnable[0].blob.data.ravel()
    assert np.isfinite(after).all()
    size = SMALL * getattr(solver.engine, "threads", 1) if engine == "reference" else SMALL
    assert np.array_equal(after[:size], before[:size]), "the piece with the NaN"
    assert not np.array_equal(after[size:], before[size:])


def test_sizes_of_pieces() -> None:
    w, g = np.arange(20.0).reshape(4, 5), np.zeros((4, 5))
    parts = list(update.pieces((w, g), 8))
    assert [[array.size for array in part] for part in parts] == [[8, 8], [8, 8], [4, 4]]
    for part in parts:
        part[1][...] = part[0]
    assert np.array_equal(w, g)
    for whole in (update.pieces((w, g), 0), update.pieces((w, g), 20), update.pieces((w.T, g.T), 8)):
        assert [[array.size for array in part] for part in whole] == [[20, 20]]


class Normed(SGD):
    """An optimizer that looks at a whole parameter, and derives from one that does not."""

    seen: tuple[int, ...] = ()

    def update(self, w: Any, g: Any, history: Sequence[Any], rate: float, iteration: int) -> None:
        self.seen += (w.size,)
        super().update(w, g, history, rate / float(np.linalg.norm(g)), iteration)


@pytest.mark.usefixtures("small_pieces")
def test_who_does_not_say_so_gets_the_whole(make: Callable[..., Any]) -> None:
    solver = make(net=NET)
    solver.optimizer = Normed(solver.param, solver.engine)
    solver.step(1)
    assert solver.optimizer.seen == (11 * 37, 11)
    solver = make("weight_decay: 0.1", net=NET)
    solver.regularizer = type("Own", (type(solver.regularizer),), {"add_gradient": lambda self, w, g, strength: None})(
        solver.param, solver.engine
    )
    assert not update.takes_pieces(solver)
    assert not Optimizer.elementwise
    assert not Regularizer.elementwise


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("engine", ["reference", "native"])
def test_a_weight_that_is_not_finite_is_found(make: Callable[..., Any], engine: str) -> None:
    if engine in plugin_manager().broken:
        pytest.skip("the native engine is not there")
    solver = make(net=NET)
    solver.engine = get_engine(engine)
    solver.step(1)
    solver.history[0][0][-1, -1] = np.inf
    with pytest.raises(NumericsError, match=r"iteration 1: layer 'ip'.*update"):
        solver.step(1)
