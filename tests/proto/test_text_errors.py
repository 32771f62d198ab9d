"""The exact words of the parser's complaints, with line and column."""

from __future__ import annotations

import pytest

from cortado.errors import ParseError
from cortado.proto import Schema, parse_text

STOCK = Schema.stock()


def complaint(text: str | bytes, message: str = "NetParameter") -> str:
    with pytest.raises(ParseError) as caught:
        parse_text(text, STOCK.message(message), "net.prototxt")
    return str(caught.value).removeprefix("net.prototxt:")


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("layer {\n  pooling_parm {}\n}",
         "2:3: LayerParameter has no field 'pooling_parm' (did you mean 'pooling_param'?)"),
        ("nothing_like_it: 1", "1:1: NetParameter has no field 'nothing_like_it'"),
        ("layer { stable_prod_grad: true }", "1:9: LayerParameter has no field 'stable_prod_grad'"
         " (it belongs in eltwise_param { })"),
        ("layer { batch_size: 3 }", "1:9: LayerParameter has no field 'batch_size'"),
        ("force_backward: maybe", "1:17: NetParameter.force_backward is true or false; got maybe"),
        ("force_backward: 'true'", "1:17: NetParameter.force_backward is true or false; got 'true'"
         " (write it without quotes)"),
        ("force_backward: 2", "1:17: NetParameter.force_backward is true or false; got 2"),
        ("force_backward: -0", "1:17: NetParameter.force_backward is true or false; got -0"),
        ("name: net", '1:7: NetParameter.name is text in quotes; got net (write "net")'),
        ("name: '\\q'", "1:7: NetParameter.name is text in quotes, where a backslash starts an escape:"
         " one of \\n \\t \\r \\\\ \\\" \\' \\ooo \\xhh; got '\\q'"),
        ("name: { }", "1:7: NetParameter.name is text in quotes; got {"),
        ("name: 'a'\nname: 'b'", "2:1: NetParameter.name takes one value; got a second one (the first is on line 1)"),
        ("state { }\nstate { level: 1 }", "2:1: NetParameter.state takes one value; got a second one"
         " (the first is on line 1)"),
        ("name: ['a']", "1:7: NetParameter.name takes one value; got a list"),
        ("state: 5", "1:8: NetParameter.state is a group in braces; got 5"),
        ("input_dim: 1.5", "1:12: NetParameter.input_dim is an integer from -2147483648 to 2147483647; got 1.5"),
        ("input_dim: 2147483648", "1:12: NetParameter.input_dim is an integer from -2147483648 to 2147483647;"
         " got 2147483648"),
        ("layer { lrn_param { local_size: -1 } }",
         "1:33: LRNParameter.local_size is an integer from 0 to 4294967295; got -1"),
        ("layer { loss_weight: 1..2 }", "1:22: LayerParameter.loss_weight is a number; got 1..2"),
        ("layer { loss_weight: 0x10 }", "1:22: LayerParameter.loss_weight is a number; got 0x10"),
        ("layer { pooling_param { pool: MEAN } }",
         "1:31: PoolingParameter.pool is one of MAX, AVE, STOCHASTIC; got MEAN"),
        ("layer { pooling_param { pool: Max } }",
         "1:31: PoolingParameter.pool is one of MAX, AVE, STOCHASTIC; got Max"
         " (did you mean 'MAX'?)"),
        ("layer { pooling_param { pool: 'MAX' } }",
         "1:31: PoolingParameter.pool is one of MAX, AVE, STOCHASTIC; got 'MAX'"
         " (write it without quotes)"),
        ("layers { type: \"ReLU\" }",
         "1:16: V1LayerParameter.type is one of NONE, ABSVAL, ACCURACY, ARGMAX, BNLL, CONCAT,"
         " CONTRASTIVE_LOSS, CONVOLUTION, ... (40 names); got \"ReLU\""
         " (type: \"ReLU\" is the new format, which is written 'layer', not 'layers')"),
        ("layer { type: RELU }", "1:15: LayerParameter.type is text in quotes; got RELU (a type in capitals is the old"
         " format, which is written 'layers'; here it is in quotes)"),
        ("layer {\n clip_param { min: 0 } }", "2:2: ClipParameter needs 'max'"),
        ("layer { clip_param { } }", "1:9: ClipParameter needs 'min'\nnet.prototxt:1:9: ClipParameter needs 'max'"),
    ],
)  # fmt: skip
def test_what_the_schema_refuses(text: str, want: str) -> None:
    assert complaint(text) == want


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("5", "1:1: a field name is expected; got 5"),
        ("layer { 5 }", "1:9: a field name or '}' is expected; got 5"),
        ("layer < 5 >", "1:9: a field name or '>' is expected; got 5"),
        ('name: "a\nb"', "1:7: a string ends on the line where it starts; got \"a"),
        ("name: 'a", "1:7: a string ends on the line where it starts; got 'a"),
        ('name: "a\\"', '1:7: a string ends on the line where it starts; got "a\\"'),
        ("name:", "1:6: a value follows the name 'name'; got the end of the file"),
        ("name: }", "1:7: a value follows the name 'name'; got }"),
        ("name: \x00", "1:7: a value follows the name 'name'; got \\x00"),
        ("name 'a'", "1:6: ':' or '{' follows the name 'name'; got 'a'"),
        ("name name: 'a'", "1:6: ':' or '{' follows the name 'name'; got name"),
        ("name", "1:5: ':' or '{' follows the name 'name'; got the end of the file"),
        ("layer {\n name: 'a'", "2:11: '}' closes this group; got the end of the file (opened on line 1)"),
        ("layer { name: 'a' >", "1:19: '}' closes this group; got '>' (opened on line 1)"),
        ("layer < name: 'a' }", "1:19: '>' closes this group; got '}' (opened on line 1)"),
        ("name: 'a' }", "1:11: '}' closes a group, and none is open"),
        ("name: 'a';; input: 'b'", "1:11: a field name is expected; got ;"),
        ("input: ['a' 'b' 3]", "1:17: ',' or ']' follows a value of a list; got 3"),
        ("input: ['a',]", "1:13: a list holds values, with commas between them; got ]"),
        ("input: ['a'", "1:12: ',' or ']' follows a value of a list; got the end of the file"),
        ("input ['a']", "1:8: ':' follows the name 'input'; got 'a'"),
        ("[caffe.x]: 1", "1:1: a field name is expected; got [ (extensions are not part of Caffe's files)"),
        ("input_dim: 1input_dim: 2", "1:22: a field name is expected; got :"),
        ("\u00e9: 1", "1:1: a field name is expected; got \u00e9"),
    ],
)  # fmt: skip
def test_what_is_not_text_format(text: str, want: str) -> None:
    got = complaint(text)
    assert got.splitlines()[-1].removeprefix("net.prototxt:") == want


def test_all_problems_come_at_once_in_order() -> None:
    text = 'a: 1\nname: 5\nlayer { b { c: 1 } type: "x" }\nname "oops"'
    with pytest.raises(ParseError) as caught:
        parse_text(text, STOCK.NetParameter, "f")
    assert [str(problem) for problem in caught.value.problems] == [
        "f:1:1: NetParameter has no field 'a'",
        'f:2:7: NetParameter.name is text in quotes; got 5 (write "5")',
        "f:3:9: LayerParameter has no field 'b'",
        "f:4:6: ':' or '{' follows the name 'name'; got \"oops\"",
    ]
    assert str(caught.value).count("\n") == 3
    assert caught.value.where == ("f", 1, 1)


def test_twenty_problems_are_enough() -> None:
    with pytest.raises(ParseError) as caught:
        parse_text("x: 1\n" * 1000, STOCK.NetParameter, "f")
    assert len(caught.value.problems) == 20


def test_known_elsewhere_gives_the_hint() -> None:
    def elsewhere(message: str, field: str) -> str | None:
        return f"the dialect ssd has it in {message}" if field == "permute_param" else None

    text = "layer { permute_param { } reluparam { } }"
    with pytest.raises(ParseError) as caught:
        parse_text(text, STOCK.NetParameter, "f", known_elsewhere=elsewhere)
    first, second = caught.value.problems
    assert first.hint == "the dialect ssd has it in LayerParameter"
    assert second.hint == "did you mean 'relu_param'?"


def test_long_values_are_cut() -> None:
    assert complaint(f"input_dim: {'9' * 5000}").endswith("got 9999999999999999999999999999999999999...")
    assert len(complaint("name: '" + "a" * 5000)) < 120


def test_text_that_is_not_utf8_is_refused_where_it_matters() -> None:
    assert (
        complaint(b"name: '\xff'")
        == "1:7: NetParameter.name is text in quotes, where text in quotes is UTF-8; got '\\udcff'"
    )
    assert complaint(b"name: 'a'\n\xff") == "2:1: a field name is expected; got \\udcff"
