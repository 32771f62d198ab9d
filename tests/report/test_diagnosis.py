"""``cortado diagnose``: nothing wrong with the digits example, and each of ten planted mistakes found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cortado.cli import program
from cortado.data import array_to_datum, create_source, datum_to_array, open_source, parse_datum
from cortado.report.diagnosis import Diagnosis, diagnose

pytest.importorskip("lmdb")
ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits"
NET = (DIGITS / "net.prototxt").read_text()
SOLVER = """net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 max_iter: 10 random_seed: 1
"""
RELU = 'layer { name: "sigmoid1" type: "ReLU" bottom: "ip1" top: "ip1" }'
SIGMOID = 'layer { name: "sigmoid1" type: "Sigmoid" bottom: "ip1" top: "ip1" }'
IP1 = 'inner_product_param { num_output: 64 weight_filler { type: "xavier" } }'


@pytest.fixture
def examine(tmp_path: Path) -> Callable[..., Diagnosis]:
    """Diagnose the digits net, changed by pairs of (old, new) text, on records with labels changed by a function."""

    def run(*changes: tuple[str, str], labels: Callable[[np.ndarray], np.ndarray] | None = None,
            pixels: Callable[[np.ndarray], np.ndarray] | None = None, rate: str = "0.1",
            quick: bool = False) -> Diagnosis:  # fmt: skip
        text = NET
        database = DIGITS / "train_lmdb"
        if labels is not None or pixels is not None:
            _copy(database, tmp_path / "db", labels or (lambda v: v), pixels or (lambda v: v))
            database = tmp_path / "db"
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        text = text.replace("examples/digits/train_lmdb", str(database))
        (tmp_path / "net.prototxt").write_text(text)
        (tmp_path / "solver.prototxt").write_text(SOLVER.replace("0.1", rate, 1))
        found = diagnose(tmp_path / "solver.prototxt", iterations=5 if quick else 40)
        if quick:  # the experiments are too short to tell anything
            found.findings = [f for f in found.findings if f.kind not in ("cannot-overfit", "no-relation")]
        return found

    return run


def _copy(source: Path, target: Path, labels: Callable[[np.ndarray], np.ndarray],
          pixels: Callable[[np.ndarray], np.ndarray]) -> None:  # fmt: skip
    records = open_source("LMDB", source)
    datums = [parse_datum(record.value, record.name) for record in records.records()]
    records.close()
    changed = labels(np.array([datum.label for datum in datums]))
    with create_source("LMDB", target) as writer:
        for index, (datum, label) in enumerate(zip(datums, changed, strict=True)):
            made = array_to_datum(pixels(datum_to_array(datum)), int(label))
            writer.put(f"{index:08}".encode(), made.SerializeToString())


def test_nothing_is_wrong(examine: Callable[..., Diagnosis]) -> None:
    found = examine()
    assert found.findings == []
    assert found.first_loss == pytest.approx(found.expected, rel=0.3)
    assert found.overfit is not None
    assert found.overfit[1] < 0.3 * found.overfit[0]
    assert len(found.sweep) == 6
    assert [row[0] for row in found.ratios][:2] == ["conv1[0]", "conv1[1]"]


def test_1_zero_filler(examine: Callable[..., Diagnosis]) -> None:
    found = examine((IP1, "inner_product_param { num_output: 64 }"), quick=True)
    assert ("constant-weights", "ip1") in [(f.kind, f.layer) for f in found.findings]


def test_2_rate_100_times_too_high(examine: Callable[..., Diagnosis]) -> None:
    found = examine(rate="10")
    assert found.kinds() == ["rate-high"]
    assert "set base_lr: 0.1" in found.findings[0].remedy


def test_3_labels_shifted(examine: Callable[..., Diagnosis]) -> None:
    found = examine(labels=lambda v: v + 1)
    assert found.kinds()[0] == "labels"
    assert "count from 0" in found.findings[0].remedy


def test_4_mean_not_subtracted(examine: Callable[..., Diagnosis]) -> None:
    found = examine(("scale: 0.0625", "scale: 1"), pixels=lambda v: (v * 8 + 100).astype(np.uint8), quick=True)
    assert ("mean", "data") in [(f.kind, f.layer) for f in found.findings]


def test_5_dead_relus(examine: Callable[..., Diagnosis]) -> None:
    bias = IP1.replace('"xavier" } }', '"xavier" } bias_filler { value: -20 } }')
    found = examine((SIGMOID, RELU), (IP1, bias), quick=True)
    assert ("dead", "sigmoid1") in [(f.kind, f.layer) for f in found.findings]


def test_6_sigmoid_saturation(examine: Callable[..., Diagnosis]) -> None:
    found = examine((IP1, IP1.replace('type: "xavier"', 'type: "gaussian" std: 30')), quick=True)
    assert ("saturated", "sigmoid1") in [(f.kind, f.layer) for f in found.findings]


def test_7_forgotten_scale(examine: Callable[..., Diagnosis]) -> None:
    relu = 'layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }'
    norm = 'layer { name: "bn" type: "BatchNorm" bottom: "conv1" top: "conv1" }\n'
    found = examine((relu, norm + relu), quick=True)
    assert found.kinds() == ["no-scale"]
    scale = 'layer { name: "sc" type: "Scale" bottom: "conv1" top: "conv1" scale_param { bias_term: true } }\n'
    assert examine((relu, norm + scale + relu), quick=True).kinds() == []


def test_8_frozen_layer(examine: Callable[..., Diagnosis]) -> None:
    text = NET[NET.index('name: "conv2"') : NET.index("convolution_param", NET.index('name: "conv2"'))]
    frozen = text.replace("lr_mult: 1", "lr_mult: 0").replace("lr_mult: 2", "lr_mult: 0")
    found = examine((text, frozen), quick=True)
    assert [(f.kind, f.layer) for f in found.findings] == [("frozen", "conv2")]


@pytest.mark.parametrize(("count", "seen"), [(8, "there are 8 outputs"), (25, "labels only run from 0 to 9")])
def test_9_wrong_number_of_outputs(examine: Callable[..., Diagnosis], count: int, seen: str) -> None:
    found = examine(("num_output: 10", f"num_output: {count}"), quick=True)
    finding = next(f for f in found.findings if f.kind == "outputs")
    assert seen in finding.seen
    assert finding.remedy.startswith("set num_output: 10")


def test_10_shuffled_labels(examine: Callable[..., Diagnosis]) -> None:
    found = examine(labels=lambda v: np.random.default_rng(0).permutation(v))
    assert found.kinds() == ["no-relation"]
    assert "shuffled" in found.findings[0].remedy


def test_unused_data_and_everything_frozen(examine: Callable[..., Diagnosis]) -> None:
    loss = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }'
    other = 'layer { name: "loss" type: "Reduction" bottom: "ip2" top: "loss" loss_weight: 1 }'
    found = examine((loss, other), quick=True)
    assert "unused-data" in found.kinds()
    found = examine(("lr_mult: 1", "lr_mult: 0"), ("lr_mult: 2", "lr_mult: 0"), quick=True)
    assert ("frozen", "*") in [(f.kind, f.layer) for f in found.findings]


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    run = CliRunner()
    text = run.invoke(program, ["diagnose", "--help"]).output
    line = next(one for one in text.splitlines() if "Example:" in one)
    result = run.invoke(program, [*line.split()[2:], "--plot", "sweep.svg"])
    assert result.exit_code == 0, result.output
    assert "nothing wrong was found" in result.output
    assert (tmp_path / "sweep.svg").read_text().startswith("<svg")
