"""Learnable parameters, and which of them are one."""

from __future__ import annotations

import numpy as np
import pytest

from cortado import NetError, ShapeError

TWO = """layer {{ name: "a" type: "InnerProduct" bottom: "x" top: "a" {a}
  inner_product_param {{ num_output: 3 bias_term: false weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "b" type: "InnerProduct" bottom: "a" top: "b" {b}
  inner_product_param {{ num_output: {n} bias_term: false weight_filler {{ type: "xavier" }} }} }}"""


def test_shared_blobs_are_one_memory(make, head: str) -> None:
    net = make(head + TWO.format(a='param { name: "w" }', b='param { name: "w" }', n=3))
    assert [(p.label, p.name) for p in net.learnable] == [("a[0]", "w")]
    a, b = net.params["a"][0], net.params["b"][0]
    a.data[...] = 7
    assert (b.data == 7).all()
    assert np.shares_memory(a.diff, b.diff)


def test_the_owners_filler_fills(make, head: str) -> None:
    net = make(head + TWO.format(a='param { name: "w" }', b='param { name: "w" }', n=3))
    alone = make(head + TWO.format(a="", b="", n=3))
    assert (net.params["b"][0].data == alone.params["a"][0].data).all()


def test_gradients_of_both_uses_add_up(make, head: str) -> None:
    net = make(
        head + "force_backward: true " + TWO.format(a='param { name: "w" }', b='param { name: "w" }', n=3), dtype="f8"
    )
    x, w = np.arange(6.0).reshape(2, 3) / 10, net.params["a"][0].data.copy()
    net.blobs["x"].data[...] = x
    net.forward()
    net.blobs["b"].diff[...] = 1
    net.clear_param_diffs()
    net.backward()
    top = np.ones((2, 3))
    want = top.T @ (x @ w.T) + (top @ w).T @ x
    np.testing.assert_allclose(net.params["a"][0].diff, want)


@pytest.mark.parametrize(
    ("a", "b", "n", "error", "message"),
    [
        ('param { name: "w" }', 'param { name: "w" }', 4, ShapeError, "share_mode: PERMISSIVE needs only equal counts"),
        (
            'param { name: "w" }',
            'param { name: "w" share_mode: PERMISSIVE }',
            4,
            ShapeError,
            "its counts must be equal",
        ),
        ('param { name: "w" lr_mult: 1 }', 'param { name: "w" lr_mult: 2 }', 3, NetError, "got a[0] 1, b[0] 2"),
        ('param { name: "w" decay_mult: 1 }', 'param { name: "w" decay_mult: 0 }', 3, NetError, "its decay_mult must"),
        ("param { } param { }", "", 3, NetError, "no more param blocks than learned blobs (1)"),
    ],
)
def test_refused(a: str, b: str, n: int, error: type, message: str, make, head: str) -> None:
    with pytest.raises(error) as caught:
        make(head + TWO.format(a=a, b=b, n=n))
    assert message in str(caught.value)


def test_a_multiplier_given_later_counts(make, head: str) -> None:
    net = make(head + TWO.format(a='param { name: "w" }', b='param { name: "w" lr_mult: 3 }', n=3))
    assert net.learnable[0].lr_mult == 3
