from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cortado
from cortado.data import Transform, make_transformer
from cortado.data.transformer import DataTransformer
from cortado.errors import DataError, ParameterError, PluginError
from cortado.plugins import Float, Int, Parameters, PluginManager
from cortado.proto import parse_text

IMAGE = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4)


@pytest.fixture
def plugins() -> PluginManager:
    return PluginManager(external=False)


def transformer(plugins: PluginManager, text: str, train: bool = True) -> DataTransformer:
    message = parse_text(text, plugins.schema().message("TransformationParameter"), "net.prototxt").message
    return make_transformer(message, plugins, train)  # type: ignore[arg-type]


def applied(made: DataTransformer, image: np.ndarray = IMAGE, seed: int = 0, count: int = 1) -> list[np.ndarray]:
    draws = made.draw(np.random.default_rng(seed), count)
    outs = [np.empty(made.output_shape(image.shape), np.float32) for _ in range(count)]
    for index, out in enumerate(outs):
        made.apply(image, out, None if draws is None else draws[index], f"record {index}")
    return outs


def plugin(**transforms: type[Transform]) -> Any:
    return type("P", (), {"cortado_transforms": staticmethod(cortado.hookimpl(lambda: list(transforms.values())))})()


class NegativeParameter(Parameters, field="negative_param", number=81_000_040, owner="TransformationParameter"):
    white = Float(1, default=255, above=0)


class Negative(Transform):
    type = "negative"
    parameters = NegativeParameter

    def apply(self, image: Any, rng: Any) -> Any:
        return np.float32(self.param.white) - image


class HalfParameter(Parameters, field="half_param", number=81_000_041, owner="TransformationParameter"):
    step = Int(1, default=2)


class Half(Transform):
    type = "half"
    parameters = HalfParameter
    order = -1

    def output_shape(self, shape: Any) -> Any:
        return (shape[0], shape[1] // 2, shape[2] // 2)

    def apply(self, image: Any, rng: Any) -> Any:
        return image[:, :: self.param.step, :: self.param.step]


def test_without_a_block_it_is_the_plain_transformer(plugins: PluginManager) -> None:
    assert type(transformer(plugins, "scale: 2 mirror: true")) is DataTransformer


def test_a_plugin_s_transform_works_before_crop_mean_and_scale(plugins: PluginManager) -> None:
    plugins.register(plugin(a=Negative), "p")
    made = transformer(plugins, "scale: 2 mean_value: 5 crop_size: 2 negative_param { white: 100 }", train=False)
    (out,) = applied(made)
    np.testing.assert_array_equal(out, (100 - IMAGE[:, 1:3, 1:3].astype(float) - 5) * 2)
    assert not made.is_random


def test_the_order_is_declared_and_shapes_follow(plugins: PluginManager) -> None:
    plugins.register(plugin(a=Negative, b=Half), "p")
    made = transformer(plugins, "negative_param { } half_param { }")
    assert made.output_shape((2, 4, 4)) == (2, 2, 2)
    (out,) = applied(made)
    np.testing.assert_array_equal(out, 255 - IMAGE[:, ::2, ::2].astype(float))
    with pytest.raises(ParameterError, match="crop_size 3 must not exceed"):
        transformer(plugins, "crop_size: 3 half_param { }").check((2, 4, 4))


def test_values_are_checked_at_their_line_and_without_text(plugins: PluginManager) -> None:
    plugins.register(plugin(a=Negative), "p")
    with pytest.raises(cortado.ParseError, match=r"net.prototxt:1:25: NegativeParameter.white: must be greater than 0"):
        transformer(plugins, "negative_param { white: 0 }")
    message: Any = plugins.schema().message("TransformationParameter")()
    message.negative_param.white = -1
    with pytest.raises(ParameterError, match="transform 'negative': white must be greater than 0; got -1"):
        make_transformer(message, plugins, True)


def test_a_wrong_output_shape_is_the_plugin_s_fault(plugins: PluginManager) -> None:
    wrong = type("Wrong", (Half,), {"output_shape": lambda self, shape: shape})
    plugins.register(plugin(a=wrong), "p")
    with pytest.raises(
        PluginError, match=r"transform 'half': output_shape\(\) says \(2, 4, 4\) and apply\(\) makes \(2, 2, 2\)"
    ):
        applied(transformer(plugins, "half_param { }"))


def test_a_record_that_a_transform_refuses_is_named(plugins: PluginManager) -> None:
    def refuse(self: Any, image: Any, rng: Any) -> Any:
        raise DataError("too dark")

    plugins.register(plugin(a=type("Picky", (Negative,), {"apply": refuse})), "p")
    with pytest.raises(DataError, match="record 0: too dark"):
        applied(transformer(plugins, "negative_param { }"))


def test_flip_comes_in_all_positions_in_train_and_none_in_test(plugins: PluginManager) -> None:
    made = transformer(plugins, "mirror: true flip_param { transpose: true }")
    positions = {out.tobytes() for out in applied(made, count=200)}
    assert len(positions) == 8
    assert {out.tobytes() for out in applied(transformer(plugins, "flip_param { }"), count=50)} <= positions
    still = transformer(plugins, "flip_param { transpose: true }", train=False)
    assert not still.is_random
    np.testing.assert_array_equal(applied(still)[0], IMAGE)
    with pytest.raises(ParameterError, match=r"needs square images; got 2x4"):
        made.output_shape((2, 2, 4))


def test_jitter_draws_within_its_bounds(plugins: PluginManager) -> None:
    made = transformer(plugins, "jitter_param { brightness: 10 }")
    shifts = [out - IMAGE for out in applied(made, count=100)]
    assert all(np.ptp(shift) < 1e-4 for shift in shifts)
    drawn = np.array([shift.mean() for shift in shifts])
    assert -10 <= drawn.min() < -7
    assert 7 < drawn.max() <= 10
    contrast = applied(transformer(plugins, "jitter_param { contrast: 0.5 }"), count=100)
    ratios = np.array([out.std() / IMAGE.std() for out in contrast])
    assert 0.5 <= ratios.min() < 0.7
    assert 1.3 < ratios.max() <= 1.5
    assert all(out.mean() == pytest.approx(IMAGE.mean(), rel=1e-5) for out in contrast)
    colors = applied(transformer(plugins, "jitter_param { color: 0.2 }"), count=50)
    assert len({round(float(out[1].sum() / out[0].sum()), 6) for out in colors}) == 50
    still = transformer(plugins, "jitter_param { brightness: 10 contrast: 0.5 color: 0.2 }", train=False)
    np.testing.assert_array_equal(applied(still)[0], IMAGE)


def test_the_same_draws_give_the_same_images(plugins: PluginManager) -> None:
    text = "mirror: true crop_size: 3 flip_param { transpose: true } jitter_param { brightness: 9 color: 0.3 }"
    first, second = (np.array(applied(transformer(plugins, text), seed=3, count=5)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert len({out.tobytes() for out in first}) == 5
    before = IMAGE.copy()
    applied(transformer(plugins, text), count=20)
    np.testing.assert_array_equal(IMAGE, before)


def test_in_a_data_layer(plugins: PluginManager) -> None:
    plugins.register(plugin(a=Negative), "p")
    text = """layer { name: "m" type: "MemoryData" top: "data" top: "label"
              transform_param { negative_param { white: 9 } }
              memory_data_param { batch_size: 1 channels: 2 height: 4 width: 4 } }"""
    message: Any = parse_text(text, plugins.schema().message("NetParameter"), "net.prototxt").message
    net = cortado.Net(message, plugins=plugins)
    layer: Any = net.layers[0]
    layer.add_images([IMAGE.transpose(1, 2, 0)], [1])
    net.forward()
    np.testing.assert_array_equal(net.blobs["data"].data[0], 9 - IMAGE.astype(float))
