from __future__ import annotations

import sys

import numpy as np
import pytest

from cortado.errors import PermissionRefused, PluginError, ShapeError
from cortado.layers import Layer, Phase
from cortado.testing import LayerRun, check_gradient, make_layer

PLAIN = """
class Affine:
    '''y = scale * x + b, from nothing but the four methods.'''

    def setup(self, bottom, top):
        self.scale = float(self.param_str or 1)
        self.blobs.add_blob(1)
        self.blobs[0].data[...] = 5

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        top[0].data[...] = self.scale * bottom[0].data + self.blobs[0].data

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            bottom[0].diff[...] = self.scale * top[0].diff
        self.blobs[0].diff[...] += top[0].diff.sum()


class Forward:
    def reshape(self, bottom, top):
        top[0].reshape(bottom[0].num, 1)

    def forward(self, bottom, top):
        top[0].data[...] = self.phase


class Counting:
    '''Shapes its top in reshape, as layers that load an image there do.'''

    def setup(self, bottom, top):
        self.calls = []

    def reshape(self, bottom, top):
        self.calls.append("r")
        top[0].reshape(len(self.calls))

    def forward(self, bottom, top):
        self.calls.append("f")


class Broken:
    def reshape(self, bottom, top):
        top[0].reshape_like(bottom[0])

    def forward(self, bottom, top):
        numbers = []
        numbers[3] = 1


class NoLayer:
    pass


not_a_class = 3
"""

DERIVED = """
import cortado
from cortado.layers import Layer


class Double(Layer):
    def setup(self, bottom, top):
        self.add_param((2, 2))
        self.text = self.param_str
        if bottom[0].shape == (13,):
            self.fail_shape("thirteen is refused", bottom[0])

    def reshape(self, bottom, top):
        top[0].reshape_like(bottom[0])

    def forward(self, bottom, top):
        self.engine.scale_by(2.0, bottom[0].data, top[0].data)

    def backward(self, top, propagate_down, bottom):
        self.engine.scale_by(2.0, top[0].diff, bottom[0].diff)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path):
    """Modules beside the net, forgotten afterwards."""
    known = set(sys.modules)
    (tmp_path / "plain_layers.py").write_text(PLAIN)
    (tmp_path / "derived_layers.py").write_text(DERIVED)
    (tmp_path / "wrong_layers.py").write_text("def f(:\n")
    (tmp_path / "needs_caffe.py").write_text("import nothing_of_this_name\n")
    path = list(sys.path)
    yield tmp_path
    assert sys.path == path
    for name in set(sys.modules) - known:
        if name.endswith(("_layers", "_caffe")):
            del sys.modules[name]


@pytest.fixture
def make(folder):
    def run(
        module: str, layer: str, *inputs: object, param_str: str = "", allow: bool = True, **options: object
    ) -> LayerRun:
        text = f'layer {{ name: "p" type: "Python" top: "y" python_param {{ module: "{module}" layer: "{layer}"'
        text += f' param_str: "{param_str}" }} }}'
        return make_layer(text, inputs or [[1.0, 2.0]], folder=folder, allow_python_layers=allow, **options)

    return run


def test_a_plain_class(make, folder):
    run = make("plain_layers", "Affine", param_str="3")
    np.testing.assert_array_equal(run.forward()[0], [8, 11])
    run.layer.blobs[0].diff[...] = 100
    np.testing.assert_array_equal(run.backward([1.0, 2.0])[0], [3, 6])
    assert run.layer.blobs[0].diff == 103
    assert run.layer.blobs[0].shape == (1,)


def test_phase(make):
    assert make("plain_layers", "Forward", phase=Phase.TEST).forward()[0].tolist() == [[1], [1]]
    assert make("plain_layers", "Forward", phase=Phase.TRAIN).forward()[0].tolist() == [[0], [0]]


def test_a_layer_class(make):
    run = make("derived_layers", "Double", param_str="hello")
    assert isinstance(run.layer.instance, Layer)
    assert run.layer.instance.text == "hello"
    assert [blob.shape for blob in run.layer.blobs] == [(2, 2)]
    np.testing.assert_array_equal(run.forward()[0], [2, 4])
    np.testing.assert_array_equal(run.backward([3.0, 4.0])[0], [6, 8])


def test_gradient(folder, rng):
    text = 'type: "Python" top: "y" python_param { module: "derived_layers" layer: "Double" }'
    check_gradient(text, [rng.normal(size=(2, 3))], check_params=[], folder=folder, allow_python_layers=True)


def test_reshape_comes_before_every_forward_once(make):
    run = make("plain_layers", "Counting")
    run.forward()
    run.forward()
    assert "".join(run.layer.instance.calls) == "rrfrf"
    run.forward([1.0, 2.0, 3.0])
    assert "".join(run.layer.instance.calls) == "rrfrfrf"
    assert run.top[0].shape == (6,)


def test_leave_is_needed(make):
    with pytest.raises(
        PermissionRefused, match=r"layer 'p' \(Python\): running the module 'plain_layers'.*--allow-python-layers"
    ):
        make("plain_layers", "Affine", allow=False)
    assert "plain_layers" not in sys.modules


def test_a_check_without_leave_knows_nothing_and_runs_nothing(make):
    run = make("plain_layers", "Affine")
    unshaped = type(run.layer)(run.layer.config, make_layer('type: "Silence"', [1.0]).layer.context)
    assert not unshaped.infer_shapes(run.bottom, run.top)
    assert run.layer.infer_shapes(run.bottom, run.top)


def test_an_error_in_the_class_names_its_file_and_line(make, folder):
    run = make("plain_layers", "Broken")
    line = PLAIN.splitlines().index("        numbers[3] = 1") + 1
    rule = rf"layer 'p' \(Python\): Broken.forward\(\) failed at .*plain_layers\.py:{line}; got IndexError: list"
    with pytest.raises(PluginError, match=rule) as caught:
        run.forward()
    assert isinstance(caught.value.__cause__, IndexError)


def test_an_error_of_cortado_stays_what_it_is(make):
    with pytest.raises(ShapeError, match=r"layer\.prototxt:1:1: layer 'p' \(.*\): thirteen is refused"):
        make("derived_layers", "Double", np.ones(13))


def test_a_missing_method_is_named(make):
    run = make("plain_layers", "Forward")
    tops = run.forward()
    with pytest.raises(PluginError, match=r"class plain_layers.Forward has no method backward\(\)"):
        run.backward(*tops)


@pytest.mark.parametrize(
    ("module", "layer", "rule"),
    [
        ("", "Affine", "module must be given"),
        ("plain_layers", "", "layer must be given"),
        ("plain_layers", "Afine", r"module 'plain_layers' has no class 'Afine' \(did you mean 'Affine'\?\)"),
        ("plain_layers", "not_a_class", "has no class 'not_a_class'"),
        ("plain_layers", "NoLayer", "class plain_layers.NoLayer must be a layer, with the methods forward and reshape"),
        ("not_there_layers", "X", r"import not_there_layers failed.*No module named.*\(put its folder on PYTHONPATH"),
        ("wrong_layers", "X", r"import wrong_layers failed at .*wrong_layers\.py:1; got SyntaxError"),
        ("needs_caffe", "X", r"needs_caffe\.py:1; got ModuleNotFoundError"),
    ],
)
def test_refused(make, module, layer, rule):
    with pytest.raises(Exception, match=rule) as caught:
        make(module, layer)
    assert str(caught.value).startswith("layer.prototxt:1:")


def test_add_blob_takes_sizes_or_a_shape(make):
    run = make("plain_layers", "Affine")
    assert run.layer.blobs.add_blob(2, 3).shape == (2, 3)
    assert run.layer.blobs.add_blob((4,)).shape == (4,)
    assert len(run.layer.blobs) == 3
