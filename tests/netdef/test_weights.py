"""Loading weights: the report, strict, skipping mismatches, and what the messages say."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cortado import Net, Solver, WeightsError
from cortado.netdef.weights import load_all
from cortado.proto import Schema

DATA = 'layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 6 dim: 6 } } }'
GAUSS = 'weight_filler { type: "gaussian" } bias_filler { type: "uniform" }'


def conv(name: str = "conv", bottom: str = "data", **fields: object) -> str:
    params = " ".join(f"{key}: {value}" for key, value in {"num_output": 4, "kernel_size": 3, **fields}.items())
    return (
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" '
        f"convolution_param {{ {params} {GAUSS} }} }}"
    )


def ip(name: str = "ip", bottom: str = "conv", **fields: object) -> str:
    params = " ".join(f"{key}: {value}" for key, value in {"num_output": 5, **fields}.items())
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}" '
        f"inner_product_param {{ {params} {GAUSS} }} }}"
    )


Make = Callable[..., Net]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(*layers: str, **options: object) -> Net:
        path = tmp_path / "net.prototxt"
        path.write_text("\n".join(['name: "n"', DATA, *layers]))
        return Net(path, **{"seed": 1, **options})

    return made


@pytest.fixture
def weights(make: Make, tmp_path: Path) -> Path:
    """The weights of conv and ip."""
    path = tmp_path / "w.caffemodel"
    make(conv(), ip(), seed=2).save(path)
    return path


def snapshot(net: Net) -> dict[tuple[str, int], np.ndarray]:
    return {(name, i): b.data.copy() for name, blobs in net.params.items() for i, b in enumerate(blobs)}


def changed(net: Net, before: dict[tuple[str, int], np.ndarray]) -> set[str]:
    return {name for (name, i), array in before.items() if not np.array_equal(array, net.params[name][i].data)}


def test_everything_loaded(make: Make, weights: Path) -> None:
    net = make(conv(), ip())
    for blobs in net.params.values():
        for blob in blobs:
            blob.data[...] = 7
    report = net.load(weights)
    assert [(row.layer, row.status) for row in report.layers] == [("conv", "loaded"), ("ip", "loaded")]
    assert str(report) == f"{weights}: 2 loaded"
    assert not report.notable
    assert not (net.params["conv"][0].data == 7).any()


def test_report_names_both_sides_with_near_names(make: Make, weights: Path) -> None:
    net = make(conv("conv_1"), ip(bottom="conv_1"), ip("fc9", "ip"))
    before = snapshot(net)
    report = net.load(weights)
    rows = {row.layer: (row.status, row.note) for row in report.layers}
    assert rows["ip"] == ("loaded", "")
    assert rows["conv"] == ("ignored", "the net has no layer of this name; did you mean 'conv_1'?")
    assert rows["conv_1"] == ("initialised", "not in the file, keeps its initial values; did you mean 'conv'?")
    assert rows["fc9"] == ("initialised", "not in the file, keeps its initial values")
    assert report.notable
    assert report.summary == f"{weights}: 1 ignored, 1 loaded, 2 initialised"
    assert len(str(report).splitlines()) == 4
    assert changed(net, before) == {"ip"}


@pytest.mark.parametrize(
    ("layers", "layer", "says"),
    [
        (
            [conv(), ip(num_output=7)],
            "ip",
            "blob 0 is (5, 64) in the file and (7, 64) in the net: num_output 5 against 7",
        ),
        ([conv(), ip(num_output=7, bias_term="false")], "ip", "2 blobs for this layer, the net 1: the file has a bias"),
        (
            [conv(kernel_size=5), ip()],
            "conv",
            "(4, 3, 3, 3) in the file and (4, 3, 5, 5) in the net: kernel_size 3 against 5",
        ),
        ([conv(kernel_size="[3, 5]"), ip()], "conv", "kernel_size 3 against 5"),
        ([conv(num_output=2), ip()], "conv", "num_output 4 against 2"),
        ([conv("c0", kernel_size=1), conv(bottom="c0"), ip()], "conv", "channels of its bottom per group 3 against 4"),
        ([conv(stride=2), ip()], "ip", "(5, 64) in the file and (5, 16) in the net: size of its bottom 64 against 16"),
        ([conv(), ip(transpose="true")], "ip", "(5, 64) in the file and (64, 5) in the net: one is the transpose"),
        ([conv(), ip(axis=2)], "ip", "blob 0 is (5, 64) in the file and (5, 16) in the net"),
    ],
)
def test_a_mismatch_says_both_shapes_why_and_how_to_go_on(
    layers: list[str], layer: str, says: str, make: Make, weights: Path
) -> None:
    net = make(*layers)
    before = snapshot(net)
    with pytest.raises(WeightsError) as caught:
        net.load(weights)
    text = str(caught.value)
    assert text.startswith(f"{weights}: layer '{layer}' (")
    assert says in text
    assert "rename the layer" in text
    assert "skip_mismatch" in text
    assert not changed(net, before), "a load that fails changes nothing"


def test_skip_mismatch(make: Make, weights: Path) -> None:
    net = make(conv(), ip(num_output=7))
    before = snapshot(net)
    report = net.load(weights, skip_mismatch=True)
    assert [(row.layer, row.status) for row in report.layers] == [("conv", "loaded"), ("ip", "skipped")]
    assert "(5, 64) in the file and (7, 64) in the net" in str(report)
    assert changed(net, before) == {"conv"}
    with pytest.raises(WeightsError, match="ip skipped"):
        net.load(weights, strict=True, skip_mismatch=True)


@pytest.mark.parametrize("layers", [[conv()], [conv(), ip(), ip("more", "ip")], [conv(), ip("ip2")]])
def test_strict_needs_just_the_layers_of_the_net(layers: list[str], make: Make, weights: Path) -> None:
    net = make(*layers)
    before = snapshot(net)
    with pytest.raises(
        WeightsError, match=r"strict loading needs just the layers of the net; got .*(ignored|initialised)"
    ):
        net.load(weights, strict=True)
    assert not changed(net, before)
    make(conv(), ip()).load(weights, strict=True)


def test_several_files_are_strict_together(make: Make, tmp_path: Path) -> None:
    make(conv()).save(tmp_path / "a.caffemodel")
    net = make(conv("other"), ip("ip", "other"))
    net.save(tmp_path / "b.caffemodel")
    whole = make(conv(), conv("other"), ip("ip", "other"))
    paths = [tmp_path / "a.caffemodel", tmp_path / "b.caffemodel"]
    assert [len(r.names("loaded")) for r in load_all(whole, paths, strict=True)] == [1, 2]
    with pytest.raises(WeightsError, match="initialised"):
        load_all(whole, paths[:1], strict=True)


def test_later_files_win(make: Make, tmp_path: Path) -> None:
    net = make(conv(), ip())
    for value in (1, 2):
        net.params["ip"][0].data[...] = value
        net.save(tmp_path / f"{value}.caffemodel")
    load_all(net, [tmp_path / "2.caffemodel", tmp_path / "1.caffemodel"])
    assert (net.params["ip"][0].data == 1).all()


def test_weights_of_another_net(make: Make, weights: Path) -> None:
    net = make(conv("first"), ip("second", "first"))
    with pytest.raises(WeightsError) as caught:
        net.load(weights)
    for name in ("'first', 'second'", "'conv', 'ip'", "another net", str(weights)):
        assert name in str(caught.value)
    make('layer { name: "r" type: "ReLU" bottom: "data" top: "r" }').load(weights)  # has nothing to load into


def test_old_shapes_fit_and_are_told(make: Make, weights: Path, tmp_path: Path) -> None:
    message = Schema.default().message("NetParameter").FromString(weights.read_bytes())
    for layer in message.layer:
        for blob in layer.blobs:
            sizes = ([1] * 4 + list(blob.shape.dim))[-4:]
            blob.ClearField("shape")
            blob.num, blob.channels, blob.height, blob.width = sizes
    old = tmp_path / "old.caffemodel"
    old.write_bytes(message.SerializeToString())
    net = make(conv(), ip())
    report = net.load(old, strict=True)
    assert report.names("reshaped") == ["conv", "ip"]
    assert {row.layer: row.note for row in report.layers}["ip"] == "(1, 1, 5, 64) -> (5, 64), (1, 1, 1, 5) -> (5,)"
    assert str(report) == f"{old}: 2 reshaped"
    with pytest.raises(
        WeightsError, match=r"blob 0 is \(1, 1, 5, 64\) in the file and \(64, 5\) in the net: one is the"
    ):
        make(conv(), ip(transpose="true")).load(old)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_values_that_are_no_numbers_are_told(value: float, make: Make, tmp_path: Path) -> None:
    net = make(conv(), ip(), dtype=np.float64)
    net.params["ip"][1].data[2] = value
    net.save(tmp_path / "w.caffemodel")
    report = make(conv(), ip()).load(tmp_path / "w.caffemodel")
    assert str(report).splitlines()[1:] == ["  loaded      ip  holds NaN or infinity"]
    assert report.notable


def test_a_net_made_with_weights_warns_of_what_they_leave_out(
    make: Make, weights: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make(conv(), ip(), weights=weights)
    assert not caplog.records
    make(conv(), ip("fc", "conv"), weights=weights)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "initialised fc" in " ".join(caplog.text.split())
    with pytest.raises(WeightsError, match="strict"):
        make(conv(), ip("fc", "conv"), weights=weights, strict=True)
    with pytest.raises(WeightsError, match="num_output"):
        make(conv(), ip(num_output=9), weights=str(weights))
    make(conv(), ip(num_output=9), weights=str(weights), skip_mismatch=True)


@pytest.mark.parametrize("suffix", ["caffemodel", "caffemodel.h5"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_round_trip_with_gradients(suffix: str, dtype: type, make: Make, tmp_path: Path) -> None:
    net = make(conv(), ip(), dtype=dtype)
    rng = np.random.default_rng(0)
    for parameter in net.learnable:
        parameter.blob.data[...] = rng.standard_normal(parameter.blob.shape)
        parameter.blob.diff[...] = rng.standard_normal(parameter.blob.shape)
    path = tmp_path / f"w.{suffix}"
    net.save(path, with_diff=True)
    other = make(conv(), ip(), dtype=dtype)
    other.load(path, strict=True)
    for mine, theirs in zip(net.learnable, other.learnable, strict=True):
        np.testing.assert_array_equal(mine.blob.data, theirs.blob.data)
    if suffix == "caffemodel":
        stored = Schema.default().message("NetParameter").FromString(path.read_bytes()).layer[1].blobs[0]
        diff = stored.double_diff if dtype is np.float64 else stored.diff
        np.testing.assert_array_equal(np.array(diff), net.params["conv"][0].diff.ravel())


def test_shared_blobs_stand_once_in_hdf5(make: Make, tmp_path: Path) -> None:
    share = 'param { name: "w" } param { name: "b" } inner_product_param'
    layers = [conv(), ip().replace("inner_product_param", share), ip("twin").replace("inner_product_param", share)]
    net = make(*layers)
    net.save(tmp_path / "w.h5")
    other = make(*layers)
    other.params["ip"][0].data[...] = 0
    assert other.load(tmp_path / "w.h5", strict=True).names("loaded") == ["conv", "ip", "twin"]
    np.testing.assert_array_equal(other.params["twin"][0].data, net.params["ip"][0].data)
    with pytest.raises(WeightsError, match="0 blobs for this layer, the net 2"):
        make(conv(), ip(), ip("twin")).load(tmp_path / "w.h5")


def test_layer_names_with_slashes(make: Make, tmp_path: Path) -> None:
    layers = [conv("a/b/1x1"), ip(bottom="a/b/1x1"), ip("a/b", "ip")]
    net = make(*layers)
    net.save(tmp_path / "w.h5")
    assert sorted(make(*layers).load(tmp_path / "w.h5", strict=True).names("loaded")) == ["a/b", "a/b/1x1", "ip"]


SOLVER = """
net_param {{ name: "n"
  layer {{ name: "d" type: "DummyData" top: "data" top: "label" dummy_data_param {{
    shape {{ dim: 2 dim: 3 }} shape {{ dim: 2 }} data_filler {{ type: "gaussian" }} data_filler {{ value: 0 }} }} }}
  {layers}
  layer {{ name: "{head}" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param {{
    num_output: {outputs} weight_filler {{ type: "gaussian" }} }} }}
  layer {{ name: "extra" type: "InnerProduct" bottom: "data" top: "extra" include {{ phase: TEST }}
    inner_product_param {{ num_output: 2 weight_filler {{ type: "gaussian" }} }} }}
  layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss"
    include {{ phase: TRAIN }} }} }}
test_iter: 1 test_interval: 10 base_lr: 0.1 lr_policy: "fixed" max_iter: 1 random_seed: 1
"""


def test_solver(tmp_path: Path) -> None:
    def solver(head: str = "ip", outputs: int = 3, **options: object) -> Solver:
        path = tmp_path / "solver.prototxt"
        path.write_text(SOLVER.format(head=head, outputs=outputs, layers=""))
        return Solver(path, **options)

    first = solver()
    first.net.save(tmp_path / "w.caffemodel")
    first.test_nets[0].params["extra"][0].data[...] = 5
    first.test_nets[0].save(tmp_path / "test.caffemodel")
    options = {"weights": tmp_path / "w.caffemodel"}
    assert solver(**options).load_reports[0].names("loaded") == ["ip"]
    with pytest.raises(WeightsError, match="skip_mismatch"):
        solver(outputs=4, **options)
    assert solver(outputs=4, skip_mismatch=True, **options).load_reports[0].names("skipped") == ["ip"]
    with pytest.raises(WeightsError, match="another net"):
        solver(head="fc", **options)
    with pytest.raises(WeightsError, match=r"strict.*extra ignored"):
        solver(weights=tmp_path / "test.caffemodel", strict=True)
    # a layer that only the test net has is filled too
    filled = solver(weights=str(tmp_path / "test.caffemodel"))
    assert (filled.test_nets[0].params["extra"][0].data == 5).all()
    assert filled.test_nets[0].params["ip"][0].data is not None


def test_command_line(make: Make, weights: Path, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from cortado.cli import program

    make(conv(), ip(num_output=7))
    args = ["test", str(tmp_path / "net.prototxt"), "--weights", str(weights), "--iterations", "1", "-q"]
    runner = CliRunner()
    assert isinstance(runner.invoke(program, args).exception, WeightsError)
    result = runner.invoke(program, [*args, "--skip-mismatch"])
    assert result.exit_code == 0
    assert "skipped     ip" in result.output
    assert isinstance(runner.invoke(program, [*args, "--skip-mismatch", "--strict"]).exception, WeightsError)
    solver = tmp_path / "solver.prototxt"
    solver.write_text(SOLVER.format(head="conv", outputs=4, layers=""))
    args = ["train", str(solver), "--weights", str(weights), "--log"]
    assert isinstance(runner.invoke(program, args).exception, WeightsError)
    result = runner.invoke(program, [*args, "--skip-mismatch"], catch_exceptions=False)
    assert "skipped     conv" in result.output
