import numpy as np
import pytest

from cortado.errors import NetError
from cortado.netdef import Net
from cortado.testing import check_gradient, make_layer


def test_forward_and_backward():
    run = make_layer('type: "AbsVal"', [[-2.0, 0.0, 3.0]])
    np.testing.assert_array_equal(run.forward()[0], [2, 0, 3])
    np.testing.assert_array_equal(run.backward([5.0, 5.0, 5.0])[0], [-5, 0, 5])


def test_gradient():
    check_gradient('type: "AbsVal"', [np.random.default_rng(0).normal(size=(2, 3, 4))], skip_kinks=True)


def test_in_place_is_refused(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(
        'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 } } }\n'
        'layer { name: "a" type: "AbsVal" bottom: "x" top: "x" }\n'
    )
    with pytest.raises(NetError, match=r"net\.prototxt:2:\d+: layer 'a' \(AbsVal\): .*in place"):
        Net(path)
