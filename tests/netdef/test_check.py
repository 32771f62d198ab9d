"""Static checks find what building would, without data."""

from __future__ import annotations

from pathlib import Path

from cortado import Phase
from cortado.netdef import check_file

GOOD = """layer { name: "d" type: "Data" top: "data" top: "label"
  transform_param { crop_size: 32 } data_param { source: "nowhere_lmdb" batch_size: 4 backend: LMDB } }
layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 2 kernel_size: 5 } }
layer { name: "f" type: "InnerProduct" bottom: "c" top: "f" inner_product_param { num_output: 10 } }
layer { name: "l" type: "SoftmaxWithLoss" bottom: "f" bottom: "label" }
"""


def check(tmp_path: Path, text: str, **options):
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    return check_file(path, **options)


def test_absent_data_is_no_problem(tmp_path: Path) -> None:
    report = check(tmp_path, GOOD)
    assert report.ok, [str(p) for p in report.problems]
    assert [s.parameters for s in report.states] == [2 * 3 * 25 + 2 + 2 * 28 * 28 * 10 + 10] * 2


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("kernel_size: 5", "kernel_size: 50").replace('bottom: "f" bottom', 'bottom: "g" bottom')
    text += 'layer { name: "x" type: "Conv" bottom: "f" top: "x" }'
    messages = [str(p) for p in check(tmp_path, text).problems]
    assert len(messages) == 3
    assert any("unknown layer type 'Conv' (did you mean" in m for m in messages)
    assert any("unknown bottom blob 'g'" in m for m in messages)
    assert any("layer 'c' (Convolution)" in m and "net.prototxt:3:" in m for m in messages)


def test_unknown_shapes_leave_layers_unchecked_unless_given(tmp_path: Path) -> None:
    text = GOOD.replace("transform_param { crop_size: 32 }", "").replace("num_output: 10", "num_output: 10 axis: 9")
    report = check(tmp_path, text)
    assert report.ok
    assert report.states[0].unchecked == ["d", "c", "f", "l"]
    report = check(tmp_path, text, shapes={"data": (4, 3, 8, 8), "label": (4,)})
    assert not report.ok
    assert "axis" in str(report.problems[0])


def test_syntax_and_field_errors_come_together(tmp_path: Path) -> None:
    report = check(tmp_path, 'layer { name: "a" typ: "ReLU" bootom: "x" }')
    assert [str(p).split(": ", 1)[1] for p in report.problems] == [
        "LayerParameter has no field 'typ' (did you mean 'type'?)",
        "LayerParameter has no field 'bootom' (did you mean 'bottom'?)",
    ]


def test_a_phase_without_data_is_not_held_against_the_file(tmp_path: Path) -> None:
    text = GOOD.replace('top: "label"', 'top: "label" include { phase: TRAIN }', 1)
    report = check(tmp_path, text)
    assert report.ok
    assert report.states[1].note == "no layer brings data in for phase TEST"
    assert not check(tmp_path, text, phases=[Phase.TEST]).ok


def test_a_shape_for_a_blob_that_has_one(tmp_path: Path) -> None:
    assert check(tmp_path, GOOD, shapes={"data": (1, 3, 32, 32)}).ok  # the size of the batch may be another
    report = check(tmp_path, GOOD, shapes={"data": (1, 3, 16, 16)})
    rule = "only a blob whose shape the data tells can be given one; 'data' is 4x3x32x32; got 1x3x16x16"
    assert f"{rule} (change it in the file)" in str(report.problems[0])
