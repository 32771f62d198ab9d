"""What the pycaffe face says of arguments it cannot use, where no other test asks for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cortado import pycaffe as caffe
from cortado.errors import CortadoError, FileError, NetError, ParameterError, ShapeError
from cortado.netdef.spec import layers
from cortado.pycaffe import io
from cortado.pycaffe.coord_map import AxisMismatchException, UndefinedMapException, compose, coord_map, crop
from cortado.pycaffe.draw import draw_net

TWO = """layer { name: "in" type: "Input" top: "a" top: "b"
  input_param { shape { dim: 1 dim: 2 } shape { dim: 1 dim: 2 } } }
layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "c" }"""


@pytest.fixture
def net(tmp_path: Path) -> Any:
    (tmp_path / "net.prototxt").write_text(TWO)
    return caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)


def test_inputs_of_a_net(net: Any) -> None:
    with pytest.raises(NetError, match=r"must be given, or none; got \['a'\] of \['a', 'b'\]"):
        net.forward(a=np.zeros((1, 2)))
    with pytest.raises(NetError, match=r"set_input_arrays\(\) needs a MemoryData layer, net '.*' has none"):
        net.set_input_arrays(np.zeros((1, 1, 1, 1)), np.zeros(1))


def test_pictures(net: Any) -> None:
    with pytest.raises(ParameterError, match="pictures of nets are svg, html or png; got gif"):
        draw_net(net.net.definition, "LR", "gif")


def conv(bottom: Any, **fields: Any) -> Any:
    return layers.Convolution(bottom, num_output=1, **fields)


def test_coordinates() -> None:
    data = layers.Input(input_param={"shape": {"dim": [1, 1, 8, 8]}})
    with pytest.raises(
        NetError, match="Convolution: coordinates are mapped for square windows; got kernel_h, kernel_w"
    ):
        coord_map(conv(data, kernel_h=3, kernel_w=2).fn)
    with pytest.raises(UndefinedMapException, match="coordinates mean nothing over a layer of type InnerProduct"):
        coord_map(layers.InnerProduct(data, num_output=1).fn)
    with pytest.raises(AxisMismatchException, match="maps must be over the same axes; got 1 and 2"):
        compose((1, 1, 0), (2, 1, 0))
    with pytest.raises(NetError, match="a crop can only cut: the offset must not be negative; got b = "):
        crop(conv(data, kernel_size=3), data)
    with pytest.raises(NetError, match="a crop needs whole offsets; got b = "):
        crop(data, layers.Deconvolution(conv(data, kernel_size=4, stride=2), convolution_param={
            "num_output": 1, "kernel_size": 3, "stride": 2}))  # fmt: skip


def test_selective_search() -> None:
    with pytest.raises(CortadoError, match=r"does not run \(find windows with another program and call detect_windows"):
        caffe.Detector.detect_selective_search(None, [])  # type: ignore[arg-type]


def test_windows() -> None:
    detector: Any = SimpleNamespace(context_pad=1, blobs={"a": np.zeros((1, 3, 4, 4))}, inputs=["a"])
    with pytest.raises(ParameterError, match=r"a window must lie in its image; got \(20, 20, 22, 22\) in \(5, 5\)"):
        caffe.Detector.crop(detector, np.zeros((5, 5, 3)), (20, 20, 22, 22))


def test_images(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=f"{tmp_path}/none.png: cannot read this image: No such file"):
        io.load_image(tmp_path / "none.png")
    with pytest.raises(ParameterError, match=r"interp_order is 0 \(nearest\) or 1 \(bilinear\); got 3"):
        io.resize_image(np.zeros((4, 4, 1)), (2, 2), 3)
    with pytest.raises(ShapeError, match="a crop of 9x9 must fit the images; got 4x4"):
        io.oversample([np.zeros((4, 4, 1))], (9, 9))


def test_transformers() -> None:
    made = io.Transformer({"data": (1, 3, 4, 4)})
    with pytest.raises(ParameterError, match=r"the order of 'data' has as many axes as the input; got \(0, 1\)"):
        made.set_transpose("data", (0, 1))
    with pytest.raises(ParameterError, match=r"the channel swap of 'data' names each channel; got \(0,\)"):
        made.set_channel_swap("data", (0,))
    with pytest.raises(ShapeError, match=r"the mean has a number per channel of 'data' \(3\); got \(2,\)"):
        made.set_mean("data", np.ones(2))
    with pytest.raises(ShapeError, match=r"the mean fits the input 'data' \(1, 3, 4, 4\); got \(2, 4, 4\)"):
        made.set_mean("data", np.ones((2, 4, 4)))
    with pytest.raises(ParameterError, match=r"'label' must be one of the inputs \('data',\)"):
        made.preprocess("label", np.zeros((4, 4, 3)))
