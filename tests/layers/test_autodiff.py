"""Layers that give only their forward: the derived backward passes the same checks as one written by hand."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cortado
from cortado.errors import MissingExtraError, PluginError
from cortado.layers import exactly
from cortado.layers.autodiff import AutodiffLayer
from cortado.plugins import Float, Parameters, PluginManager, plugin_manager, register, use_plugin_manager
from cortado.testing import check_gradient, check_layer, make_layer

pytest.importorskip("autograd")


@pytest.fixture(autouse=True)
def own() -> Any:
    before = use_plugin_manager(PluginManager(external=False))
    yield
    use_plugin_manager(before)


class Elementwise(AutodiffLayer):
    """One bottom, one top of the same shape; subclasses say what is computed."""

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape_like(bottom[0])


def layer(forward: Callable[[Any, Any], None], base: type[AutodiffLayer] = Elementwise, **attributes: Any) -> str:
    """Register a layer class with this forward(bottom, top) and return the text that uses it."""
    body = {"type": "Derived", "forward": lambda self, bottom, top: forward(bottom, top), **attributes}
    register(type("Derived", (base,), body))
    return 'type: "Derived"'


def function(compute: Callable[[Any], Any]) -> str:
    """A layer whose top is *compute* of its bottom."""

    def forward(bottom: Any, top: Any) -> None:
        top[0].data[...] = compute(bottom[0].data)

    return layer(forward)


FUNCTIONS = {
    "operators": lambda x: (2 - x) * x / (x**2 + 1) - -x,
    "ufuncs": lambda x: np.tanh(x) + np.exp(-np.square(x)) * np.sin(x) + np.sqrt(1 + np.abs(x)) + np.log1p(x * x),
    "two arguments": lambda x: np.maximum(x, 0.1) + np.minimum(x, x * x) + np.power(np.abs(x) + 1, 1.5),
    "where": lambda x: np.where(x > 0, x, 0.2 * x),
    "clip": lambda x: np.clip(x, -0.5, 0.5) + x.clip(-1, 1),
    "reductions": lambda x: x - x.mean(axis=1, keepdims=True) + np.sum(x, axis=0) + np.add.reduce(x, axis=0),
    "softmax": lambda x: (
        np.exp(x - x.max(axis=1, keepdims=True)) / np.exp(x - x.max(axis=1, keepdims=True)).sum(1)[:, None]
    ),
    "statistics": lambda x: (x - x.mean()) / np.sqrt(x.var() + 0.1) + np.std(x, axis=0),
    "shapes": lambda x: (
        np.transpose(x.reshape(4, 3).T.reshape(3, 4), (0, 1)) @ np.ones((4, 4)) + x.ravel().reshape(3, 4)
    ),
    "joining": lambda x: (
        np.concatenate([x[:, :2], x[:, 2:] * 2], axis=1) + np.stack([x[:, i] for i in range(4)], axis=1)
    ),
    "indices": lambda x: x[[2, 0, 1]] * x[::-1, ::-1] + x[0] + x[x > -9].reshape(3, 4),
    "products": lambda x: np.dot(x, x.T) @ x + np.einsum("ij,kj->ik", x, x) @ x + np.tensordot(x, np.eye(4), 1),
    "linear algebra": lambda x: np.linalg.inv(np.eye(3) * 3 + 0.1 * x @ x.T) @ x,
    "iteration": lambda x: np.stack([row * k for k, row in enumerate(x, 1)]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_numpy_code_is_followed(name: str, rng: np.random.Generator) -> None:
    check_gradient(function(FUNCTIONS[name]), [rng.normal(size=(3, 4))], skip_kinks=True)


def test_assignments_to_parts_and_in_place_operators(rng: np.random.Generator) -> None:
    def forward(bottom: Any, top: Any) -> None:
        x, y = bottom[0].data, top[0].data
        z = np.exp(x)
        z /= z.sum(axis=1, keepdims=True)
        z[0] = 3
        z[1, 1:] = x[1, 1:] ** 2
        z[z > 2.5] *= x[0, 0]
        np.multiply(z, 2, out=y)
        y[:, 0] += x[:, 1]
        top[0].data *= x

    check_gradient(layer(forward), [rng.normal(size=(3, 4))])


def test_a_derived_layer_keeps_the_whole_contract() -> None:
    class SoftsignParameter(Parameters, field="softsign_param", number=81_000_011):
        scale = Float(1, default=1, above=0, doc="slope at 0")

    class Softsign(Elementwise):
        """The softsign function ``x / (1 + |x|)``.

        Example::

            layer { name: "s" type: "Softsign" bottom: "x" top: "y" softsign_param { scale: 2 } }
        """

        type = "Softsign"
        parameters = SoftsignParameter

        def forward(self, bottom: Any, top: Any) -> None:
            x = self.param.scale * bottom[0].data
            top[0].data[...] = x / (1 + abs(x))

    results = {r.check: r.status for r in check_layer(Softsign, [(2, 3, 4)])}
    assert set(results.values()) == {"passed", "not applicable"}
    assert results["gradients"] == results["definition"] == results["threads"] == "passed"
    assert "Softsign" not in plugin_manager().registry("layers").names(), "it is registered for the checks alone"


def test_learned_blobs_several_bottoms_and_tops() -> None:
    class Bilinear(AutodiffLayer):
        """``y = x W z`` per row, and the sum of x.

        Example::

            layer { name: "b" type: "Bilinear" bottom: "x" bottom: "z" top: "y" top: "sum" }
        """

        type = "Bilinear"
        bottoms, tops = exactly(2), exactly(2)

        def setup(self, bottom: Any, top: Any) -> None:
            self.add_param((bottom[0].shape[1], bottom[1].shape[1]))
            self.add_param((1,), value=0.5)

        def reshape(self, bottom: Any, top: Any) -> None:
            top[0].reshape(bottom[0].shape[0])
            top[1].reshape(())

        def forward(self, bottom: Any, top: Any) -> None:
            w, b = (blob.data for blob in self.blobs)
            top[0].data[...] = (bottom[0].data @ w * bottom[1].data).sum(axis=1) + b
            top[1].data[...] = bottom[0].data.sum()

    results = {r.check: r.status for r in check_layer(Bilinear, [(4, 2), (4, 3)])}
    assert results["parameter-gradients"] == results["propagate-down"] == results["save-load"] == "passed"


def test_draws_are_the_same_in_the_backward() -> None:
    class Noisy(Elementwise):
        type = "Noisy"
        stochastic = True

        def forward(self, bottom: Any, top: Any) -> None:
            top[0].data[...] = bottom[0].data * self.rng.normal(size=bottom[0].shape)

    register(Noisy)
    run = make_layer('type: "Noisy"', [np.ones(5)])
    for _ in range(2):
        (y,) = run.forward()
        (dx,) = run.backward(np.ones(5))
        np.testing.assert_allclose(dx, y)
    check_gradient('type: "Noisy"', [np.ones(5)])


def test_a_net_learns_through_it_as_through_the_layer_written_by_hand(tmp_path: Any) -> None:
    def train(kind: str) -> list[float]:
        path = tmp_path / "net.prototxt"
        path.write_text(f"""
            layer {{ name: "x" type: "DummyData" top: "x" dummy_data_param {{ shape {{ dim: 8 dim: 3 }}
                     data_filler {{ type: "uniform" max: 1 }} }} }}
            layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
                     inner_product_param {{ num_output: 3 weight_filler {{ type: "xavier" }} }} }}
            layer {{ name: "soft" {kind} bottom: "ip" top: "y" }}
            layer {{ name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "x" top: "loss" }}""")
        solver = tmp_path / "solver.prototxt"
        solver.write_text(f'net: "{path}" base_lr: 0.1 lr_policy: "fixed" max_iter: 20 random_seed: 2')
        return [m.loss for m in cortado.Solver(solver).train()]

    derived = train(function(lambda x: np.log1p(np.exp(x))))
    np.testing.assert_allclose(derived, train('type: "BNLL"'), rtol=1e-4)
    assert len(set(derived)) == 20


@pytest.mark.parametrize(
    ("compute", "reason"),
    [
        (lambda x: np.asarray(x, dtype=float), "cannot be made a plain one, nor be handed to other code"),
        (lambda x: x * float(x.sum()), "a number that depends on the inputs cannot be made a plain one"),
        (lambda x: x if x.sum() > 1e9 else np.frexp(x)[0], "frexp"),
        (np.maximum.accumulate, r"numpy.maximum.accumulate has no derivative here"),
        (lambda x: np.add(x, 1, out=x * 0, where=x.shape == (3,)), r"numpy.add\(…, where=…\) has no derivative here"),
        (lambda x: np.add(x, 1, out=np.zeros(3)), "written into a plain array"),
    ],
)
def test_what_cannot_be_followed_is_an_error_with_the_reason(compute: Callable[[Any], Any], reason: str) -> None:
    run = make_layer(function(compute), [np.ones(3)])
    run.forward()
    with pytest.raises(
        PluginError, match=rf"layer 'layer' \(Derived\): the backward cannot be derived: .*{reason}"
    ) as caught:
        run.backward(np.ones(3))
    assert caught.value.hint is not None
    assert "write backward() by hand" in caught.value.hint


def test_without_autograd_the_forward_works_and_the_backward_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = make_layer(function(np.tanh), [np.ones(3)])
    monkeypatch.setitem(sys.modules, "autograd", None)
    run.forward()
    run.backward(np.ones(3), propagate_down=[False])
    with pytest.raises(
        MissingExtraError,
        match=r"layer 'layer' \(Derived\) needs the package autograd \(pip install 'cortado\[autodiff",
    ):
        run.backward(np.ones(3))


@pytest.mark.parametrize("what", ["in_place", "stateful"])
def test_declarations_that_a_second_forward_cannot_keep(what: str) -> None:
    with pytest.raises(PluginError, match=f"an AutodiffLayer cannot be declared {what}"):
        type("Wrong", (AutodiffLayer,), {"type": "Wrong", what: True})
