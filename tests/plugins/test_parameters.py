from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

import cortado
from cortado.errors import ParameterError, ParseError, PluginError, SolverError
from cortado.layers import Filler
from cortado.plugins import (
    Bool,
    Choice,
    Double,
    Field,
    Float,
    Int,
    Int64,
    Message,
    Parameters,
    PluginManager,
    Provider,
    String,
    UInt,
    UInt64,
)
from cortado.proto import Schema, format_text, parse_text
from cortado.solver import Regularizer


class AllParameter(Parameters, field="all_param", number=81_000_001):
    """One field of every kind."""

    ratio = Float(1, default=0.1, minimum=0, below=1, doc="a share")
    exact = Double(2, default=0.1, maximum=0.1)
    count = Int(3, default=-3, minimum=-3)
    size = UInt(4, above=0, default=1)
    big = Int64(5, default=-(2**40))
    bigger = UInt64(6, default=2**63)
    on = Bool(7, default=True)
    text = String(8, default='a "quoted" text', check=lambda s: None if s else "must not be empty")
    mode = Choice(9, ("NONE", "SOME"), default="SOME")
    other = Choice(10, ("NONE", "ALL"))
    filler = Message(11, "FillerParameter")
    scales = Float(12, repeated=True, above=0)
    modes = Choice(13, ("A", "B"), repeated=True)
    shapes = Message(14, "BlobShape", repeated=True)
    number_ = Int(15, name="number", check=lambda n: "must be even" if n % 2 else None)

    @classmethod
    def check(cls, param: Any) -> str | None:
        return "size must not be above count" if param.HasField("count") and param.size > param.count else None


class AllLayer(cortado.Layer):
    type = "All"
    parameters = AllParameter

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape_like(bottom[0])


@pytest.fixture
def schema() -> Schema:
    return Schema.compose([AllParameter.addition("test 1")])


def read(schema: Schema, text: str) -> Any:
    layer: Any = parse_text(f"all_param {{ {text} }}", schema.message("LayerParameter"), "net.prototxt").message
    return layer.all_param


def problem(schema: Schema, text: str) -> str:
    with pytest.raises(ParseError) as caught:
        read(schema, text)
    return str(caught.value)


def test_every_kind_of_field_parses(schema: Schema) -> None:
    param = read(
        schema,
        """ratio: 0.5 exact: -2 count: 7 size: 7 big: 1 bigger: 2 on: false text: "x" mode: NONE other: ALL
        filler { type: "gaussian" std: 2 } scales: 1 scales: [2, 3] modes: [B, A] shapes { dim: 2 } number: 4""",
    )
    assert (param.ratio, param.exact, param.count, param.size, param.big, param.bigger) == (0.5, -2, 7, 7, 1, 2)
    assert (param.on, param.text, param.filler.std, list(param.scales)) == (False, "x", 2, [1, 2, 3])
    assert (param.mode, param.other, list(param.modes), list(param.shapes[0].dim), param.number) == (
        0,
        1,
        [1, 0],
        [2],
        4,
    )
    assert AllParameter.mode.choice(param.mode) == "NONE"
    assert AllParameter.other.choice(param.other) == "ALL"


def test_every_default_is_what_was_declared(schema: Schema) -> None:
    param = read(schema, "")
    for name, field in AllParameter.fields.items():
        if field.default is not None:
            value = getattr(param, name)
            expected = field.choices.index(field.default) if field.choices else field.default
            assert value == (np.float32(expected) if field.kind == "float" else expected), name
    assert (param.number, list(param.scales), param.filler.type) == (0, [], "constant")
    assert AllParameter.broken(param) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ratio: -0.01", "1:20: AllParameter.ratio: must be at least 0 and less than 1; got -0.01"),
        ("ratio: 1", "1:20: AllParameter.ratio: must be at least 0 and less than 1; got 1"),
        ("ratio: nan", "AllParameter.ratio: must be at least 0 and less than 1; got nan"),
        ("ratio: 0.5x", "AllParameter.ratio is a number; got 0.5x"),
        ("exact: 0.10000001", "AllParameter.exact: must be at most 0.1; got 0.10000001"),
        ("count: -4", "AllParameter.count: must be at least -3; got -4"),
        ("count: 1.5", "AllParameter.count is an integer"),
        ("count: 3000000000", "AllParameter.count is an integer from"),
        ("size: 0", "AllParameter.size: must be greater than 0; got 0"),
        ("size: -1", "AllParameter.size is an integer from 0"),
        ("on: yes", "AllParameter.on is true or false; got yes"),
        ('text: ""', "AllParameter.text: must not be empty"),
        ("mode: ALL", "AllParameter.mode is one of NONE, SOME; got ALL"),
        ("mode: some", "(did you mean 'SOME'?)"),
        ("scales: 1 scales: 0", "1:31: AllParameter.scales: must be greater than 0; got 0"),
        ("scales: [1, 2, -3]", "AllParameter.scales: must be greater than 0; got -3"),
        ("number: 3", "AllParameter.number: must be even; got 3"),
        ("count: 1 size: 2", "net.prototxt:1:1: LayerParameter.all_param: size must not be above count"),
        ("rato: 1", "AllParameter has no field 'rato' (did you mean 'ratio'?)"),
        ("ratio: 0.1 ratio: 0.2", "AllParameter.ratio takes one value"),
    ],
)
def test_bad_values_are_refused_where_they_stand(schema: Schema, text: str, message: str) -> None:
    assert message in problem(schema, text)


def test_the_number_on_the_wire_stays(schema: Schema) -> None:
    layer: Any = schema.message("LayerParameter")()
    layer.all_param.count = 1
    assert AllParameter.number == 81_000_001
    (field,) = (f for f in layer.DESCRIPTOR.fields if f.name == "all_param")
    assert field.number == 81_000_001
    copy: Any = schema.message("LayerParameter").FromString(layer.SerializeToString())  # type: ignore[attr-defined]
    assert copy == layer
    again: Any = parse_text(format_text(layer), schema.message("LayerParameter"), "x").message
    assert again == layer


class TestDeclaration:
    """A declaration that contradicts itself is refused when the class is made."""

    @pytest.mark.parametrize(
        ("field", "message"),
        [
            (Float(0), "its number must be from 1 to 536870911 and outside 19000 to 19999, not 0"),
            (Float(19500), "outside 19000 to 19999, not 19500"),
            (Float(2**29), "its number must be from 1"),
            (Float("1"), "its number must be"),  # type: ignore[arg-type]
            (Float(1, default="x"), "its default must be of type float, not 'x'"),
            (Float(1, default=True), "its default must be of type float, not True"),
            (Int(1, default=1.0), "its default must be of type int32, not 1.0"),
            (Int(1, default=2**31), "its default must be of type int32"),
            (UInt(1, default=-1), "its default must be of type uint32, not -1"),
            (Bool(1, default=1), "its default must be of type bool, not 1"),
            (String(1, default=1), "its default must be of type string, not 1"),
            (Float(1, default=2, maximum=1), "its default must be at most 1, not 2; or declare it required"),
            (Float(1, above=0), "its default must be greater than 0, not 0.0; or declare it required"),
            (Float(1, default=math.nan, minimum=0), "its default must be at least 0, not nan"),
            (Float(1, default=1, repeated=True), "a repeated field has no default"),
            (Float(1, default=1, required=True), "a required field has no default"),
            (String(1, minimum=1), "a range needs a number, and string is none"),
            (Choice(1, ()), "its choices must be different words"),
            (Choice(1, ("A", "A")), "its choices must be different words"),
            (Choice(1, ("a b",)), "its choices must be different words without spaces"),
            (Choice(1, ("A",), default="B"), "its default must be one of A, not 'B'"),
        ],
    )
    def test_of_a_field(self, field: Field, message: str) -> None:
        with pytest.raises(PluginError, match=re.escape(message)) as caught:
            type("P", (Parameters,), {"size": field}, field="p_param", number=7000)
        assert "class P: field 'size'" in str(caught.value)

    @pytest.mark.parametrize(
        "arguments",
        [{}, {"field": "x"}, {"number": 7000}, {"field": "x", "number": 19001}, {"field": "no name", "number": 7000}],
    )
    def test_of_the_class(self, arguments: dict[str, Any]) -> None:
        with pytest.raises(PluginError, match=r"class P: a Parameters class needs field=, a name, and number="):
            type("P", (Parameters,), {}, **arguments)

    def test_of_two_fields_with_one_number(self) -> None:
        fields = {"a": Int(1), "b": Int(1)}
        with pytest.raises(PluginError, match="field 'b': its number 1 is that of 'a' already"):
            type("P", (Parameters,), fields, field="p_param", number=7000)

    def test_of_a_field_with_a_name_that_is_taken_in_python(self) -> None:
        with pytest.raises(
            PluginError, match=r'cannot be called \'check\' in Python \(write check_ = …\(…, name="check"\)'
        ):
            type("P", (Parameters,), {"check": Int(1)}, field="p_param", number=7000)

    def test_fields_of_bases_are_inherited(self) -> None:
        class Common:
            rate = Float(1, default=2)

        class Both(Common, Parameters, field="both_param", number=7001):
            size = Int(2)

        assert list(Both.fields) == ["rate", "size"]


class NeedyParameter(Parameters, field="needy_param", number=81_000_002):
    size = Int(1, required=True, minimum=1)
    scales = Float(2, repeated=True, maximum=0.1)


class Needy(cortado.Layer):
    type = "Needy"
    parameters = NeedyParameter

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape((self.param.size,))


class WidthParameter(Parameters, field="width_param", number=81_000_003, owner="SolverParameter"):
    width = Float(1, default=1, above=0)


class Wide(Regularizer):
    type = "Wide"
    parameters = WidthParameter


class SpreadParameter(Parameters, field="spread_param", number=81_000_004, owner="FillerParameter"):
    spread = Float(1, default=1, above=0)


class Spread(Filler):
    type = "spread"
    parameters = SpreadParameter

    def fill(self, array: Any, rng: Any) -> None:
        array[...] = self.param.spread_param.spread


class TestWithoutText:
    """Rules hold for nets and solvers that were never text."""

    @pytest.fixture
    def plugins(self, manager: PluginManager) -> PluginManager:
        for thing, hook in ((Needy, "cortado_layers"), (Wide, "cortado_regularizers"), (Spread, "cortado_fillers")):
            impl = cortado.hookimpl(lambda thing=thing: [thing])
            manager.register(type("P", (), {hook: staticmethod(impl)})(), thing.__name__, Provider(thing.__name__))
        return manager

    def net(self, plugins: PluginManager, needy: str) -> Any:
        text = f"""
            layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ dim: 2 dim: 3 }} }} }}
            layer {{ name: "n" type: "Needy" bottom: "x" top: "y" {needy} }}"""
        return parse_text(text, plugins.schema().message("NetParameter"), "net.prototxt").message

    def test_a_net_that_keeps_them_is_built(self, plugins: PluginManager) -> None:
        message = self.net(plugins, "needy_param { size: 4 scales: 0.1 }")
        net = cortado.Net(message, plugins=plugins)
        assert net.blobs["y"].shape == (4,), "0.1 as a float of 32 bits is above 0.1, and within its own maximum"
        binary = type(message).FromString(message.SerializeToString())
        assert cortado.Net(binary, plugins=plugins).blobs["y"].shape == (4,)

    def test_a_value_out_of_range(self, plugins: PluginManager) -> None:
        message = self.net(plugins, "needy_param { size: 4 }")
        message.layer[1].needy_param.size = 0
        with pytest.raises(ParameterError, match=r"layer 'n' \(Needy\): size must be at least 1; got 0"):
            cortado.Net(message, plugins=plugins)
        message.layer[1].needy_param.size = 1
        message.layer[1].needy_param.scales.extend([0.05, 0.25])
        with pytest.raises(ParameterError, match=r"scales must be at most 0.1; got 0.25"):
            cortado.Net(message, plugins=plugins)

    def test_a_block_with_a_required_field_that_is_left_out(self, plugins: PluginManager, tmp_path: Any) -> None:
        path = tmp_path / "net.prototxt"
        path.write_text(
            'layer { name: "in" type: "Input" top: "x" }\nlayer { name: "n" type: "Needy" bottom: "x" top: "y" }\n'
        )
        with pytest.raises(ParameterError, match=r"net.prototxt:2:1: layer 'n' \(Needy\): needy_param needs 'size'"):
            cortado.Net(path, plugins=plugins)

    def test_a_message_without_a_required_field(self, plugins: PluginManager) -> None:
        message = self.net(plugins, "needy_param { size: 4 }")
        message.layer[1].needy_param.ClearField("size")
        with pytest.raises(cortado.CortadoError, match="size"):
            cortado.Net(message, plugins=plugins)

    def test_a_solver(self, plugins: PluginManager) -> None:
        solver: Any = plugins.schema().message("SolverParameter")()
        solver.net_param.CopyFrom(self.net(plugins, "needy_param { size: 4 }"))
        solver.base_lr, solver.lr_policy, solver.regularization_type = 1.0, "fixed", "Wide"
        solver.width_param.width = -1
        with pytest.raises(SolverError, match=r"width must be greater than 0; got -1"):
            cortado.Solver(solver, plugins=plugins)

    def test_a_filler(self, plugins: PluginManager) -> None:
        text = """
            layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
            layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
                    inner_product_param { num_output: 1
                                          weight_filler { type: "spread" spread_param { spread: 3 } } } }"""
        message: Any = parse_text(text, plugins.schema().message("NetParameter"), "net.prototxt").message
        net = cortado.Net(message, plugins=plugins)
        assert (net.params["ip"][0].data == 3).all()
        message.layer[1].inner_product_param.weight_filler.spread_param.spread = 0
        with pytest.raises(ParameterError, match=r"layer 'ip' \(InnerProduct\): spread must be greater than 0; got 0"):
            cortado.Net(message, plugins=plugins)
