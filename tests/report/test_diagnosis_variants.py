"""``cortado diagnose`` on other nets than the example's: silent where nothing is wrong, and the mistakes are found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cortado.data import array_to_datum, create_source, datum_to_array, open_source, parse_datum
from cortado.report.diagnosis import Diagnosis, diagnose
from cortado.report.labels import Labels

pytest.importorskip("lmdb")
DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "train_lmdb"
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "out" bottom: "label" top: "loss" }\n'
SGD = 'base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 random_seed: 2 max_iter: 9\n'
ADAM = 'type: "Adam" base_lr: 0.003 lr_policy: "fixed" momentum: 0.9 momentum2: 0.999 random_seed: 3 max_iter: 9\n'
XAVIER = 'weight_filler { type: "xavier" }'


def layer(name: str, kind: str, bottom: str, top: str, rest: str = "") -> str:
    return f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" top: "{top}" {rest} }}\n'


def data(transform: str = "scale: 0.0625") -> str:
    return f"""layer {{ name: "in" type: "Data" top: "data" top: "label" transform_param {{ {transform} }}
                     data_param {{ source: "db" batch_size: 50 backend: LMDB }} }}
"""


def mlp(first: str = XAVIER, second: str = XAVIER, outputs: int = 10, rest: str = "", transform: str = "scale: 0.0625",
        gate: str = "TanH") -> str:  # fmt: skip
    """Two hidden layers."""
    ip = "inner_product_param { num_output: %s %s }"
    return (
        data(transform) + layer("h1", "InnerProduct", "data", "h1", rest + ip % (48, first))
        + layer("t1", gate, "h1", "h1") + layer("h2", "InnerProduct", "h1", "h2", ip % (32, second))
        + layer("t2", "ReLU", "h2", "h2") + layer("out", "InnerProduct", "h2", "out", ip % (outputs, XAVIER)) + LOSS
    )  # fmt: skip


def normed(scale: bool = True) -> str:
    """A convolution with BatchNorm, whose first loss is far above that of guessing."""
    conv = 'convolution_param { num_output: 12 kernel_size: 3 bias_term: false weight_filler { type: "msra" } }'
    return (
        data() + layer("c", "Convolution", "data", "c", conv) + layer("b", "BatchNorm", "c", "c")
        + (layer("s", "Scale", "c", "c", "scale_param { bias_term: true }") if scale else "")
        + layer("r", "ReLU", "c", "c")
        + layer("out", "InnerProduct", "c", "out",
                'inner_product_param { num_output: 10 weight_filler { type: "gaussian" std: 0.15 } }') + LOSS
    )  # fmt: skip


def coder(deviation: float = 1) -> str:
    """An autoencoder whose answers come from a Sigmoid."""
    ip = "inner_product_param { num_output: %s %s }"
    return (
        data().replace('top: "label"', "") + layer("flat", "Flatten", "data", "flat")
        + layer("e", "InnerProduct", "data", "e", ip % (20, XAVIER)) + layer("g", "Sigmoid", "e", "e")
        + layer("d", "InnerProduct", "e", "d", ip % (64, f'weight_filler {{ type: "gaussian" std: {deviation} }}'))
        + layer("p", "Sigmoid", "d", "p")
        + 'layer { name: "loss" type: "EuclideanLoss" bottom: "p" bottom: "flat" top: "loss" }\n'
    )  # fmt: skip


Examine = Callable[..., Diagnosis]
Change = Callable[[np.ndarray], np.ndarray]


@pytest.fixture
def examine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Examine:
    """Diagnose a net on the digits, with labels and pixels changed by functions."""
    monkeypatch.chdir(tmp_path)

    def run(net: str, solver: str = SGD, labels: Change = lambda v: v, pixels: Change = lambda v: v) -> Diagnosis:
        records = open_source("LMDB", DIGITS)
        datums = [parse_datum(record.value, record.name) for record in records.records()]
        records.close()
        changed = labels(np.array([datum.label for datum in datums]))
        with create_source("LMDB", "db") as writer:
            for index, (datum, label) in enumerate(zip(datums, changed, strict=True)):
                made = array_to_datum(pixels(datum_to_array(datum)), int(label))
                writer.put(f"{index:08}".encode(), made.SerializeToString())
        Path("net.prototxt").write_text(net)
        Path("solver.prototxt").write_text('net: "net.prototxt" ' + solver)
        return diagnose("solver.prototxt")

    return run


def shuffled(labels: np.ndarray) -> np.ndarray:
    return np.random.default_rng(5).permutation(labels)


@pytest.mark.parametrize(
    ("net", "solver"), [(mlp(), SGD), (normed(), ADAM), (coder(), SGD)],
    ids=["mlp", "normed", "coder"],
)  # fmt: skip
def test_silent_where_nothing_is_wrong(examine: Examine, net: str, solver: str) -> None:
    found = examine(net, solver)
    assert [str(one) for one in found.findings] == []


def test_answers_may_be_at_their_ends(examine: Examine) -> None:
    """Targets are, so answers should come to be."""
    assert "saturated" not in examine(coder(deviation=12)).kinds()


def test_pixels_of_0_to_255_less_their_mean_are_no_mistake(examine: Examine) -> None:
    net = mlp(first='weight_filler { type: "gaussian" std: 0.0005 }', transform="mean_value: 75")
    found = examine(net, SGD.replace("0.1", "0.001"), pixels=lambda v: (v.astype(int) * 15).astype(np.uint8))
    assert [str(one) for one in found.findings] == []


@pytest.mark.parametrize(
    ("mistake", "kind", "layer", "net"),
    [
        ("zero filler", "constant-weights", "h2", mlp(second="")),
        ("mean not subtracted", "mean", "data", mlp(transform="scale: 16")),
        ("dead ReLUs", "dead", "t2", mlp(second=XAVIER + "bias_filler { value: -9 }")),
        ("saturated", "saturated", "t1", mlp(first='weight_filler { type: "uniform" min: -5 max: 5 }')),
        ("saturated", "saturated", "t1", mlp(first=XAVIER + "bias_filler { value: 20 }", gate="Sigmoid")),
        ("forgotten Scale", "no-scale", "b", normed(scale=False)),
        ("frozen layer", "frozen", "h1", mlp(rest="param { lr_mult: 0 } param { lr_mult: 0 }")),
        ("too few outputs", "outputs", "loss", mlp(outputs=7)),
        ("ten times too many", "outputs", "loss", mlp(outputs=100)),
        ("a hundred times too many", "outputs", "loss", mlp(outputs=1000)),
    ],
)
def test_mistakes_in_the_net(examine: Examine, mistake: str, kind: str, layer: str, net: str) -> None:
    assert (kind, layer) in [(one.kind, one.layer) for one in examine(net).findings], mistake


@pytest.mark.parametrize(("net", "solver"), [(mlp(), SGD), (normed(), ADAM)], ids=["mlp", "normed"])
def test_shuffled_labels(examine: Examine, net: str, solver: str) -> None:
    """Also where the first loss is so high that falling to that of guessing looks like learning."""
    assert examine(net, solver, labels=shuffled).kinds() == ["no-relation"]


@pytest.mark.parametrize(
    ("net", "solver"), [(mlp(), SGD.replace("0.1", "10")), (normed(), ADAM.replace("0.003", "0.3"))],
    ids=["mlp", "normed"],
)  # fmt: skip
def test_a_rate_100_times_too_high(examine: Examine, net: str, solver: str) -> None:
    found = examine(net, solver)
    assert found.kinds() == ["rate-high"]
    assert "set base_lr: 0.0" in found.findings[0].remedy or "set base_lr: 0.1" in found.findings[0].remedy


@pytest.mark.parametrize("outputs", [10, 11])
def test_labels_shifted(examine: Examine, outputs: int) -> None:
    assert examine(mlp(outputs=outputs), labels=lambda v: v + 1).kinds()[0] == "labels"


# -- labels -------------------------------------------------------------------------------------------------------


def labels_of(values: np.ndarray, outputs: int, ignored: int | None = None) -> Labels:
    labels = Labels(outputs, ignored)
    labels.add(values)
    return labels


def kind(labels: Labels) -> str | None:
    found = labels.judge("loss")
    return found.kind if found else None


def test_a_class_that_is_missing_by_chance_is_none() -> None:
    assert kind(labels_of(np.arange(50), 1000)) == "outputs"
    assert kind(labels_of(np.arange(0, 990, 20), 1000)) is None, "50 records of 1000 classes need not have the last"
    assert kind(labels_of(np.array([1, 2, 3]), 4)) is None
    assert kind(labels_of(np.array([1, 2, 3, 4]), 4)) == "labels"
    assert kind(labels_of(np.array([0, 3, 6]), 4)) == "outputs"
    assert kind(labels_of(np.array([0, 3, 255]), 4, ignored=255)) is None


def test_pixels_of_one_record_are_not_so_many_records() -> None:
    assert kind(labels_of(np.zeros((1, 1, 100, 100)), 21)) is None
    assert kind(labels_of(np.zeros((500, 1, 2, 2)), 21)) == "outputs"


def test_what_guessing_gives() -> None:
    assert labels_of(np.repeat([0, 1], [90, 10]), 2).entropy == pytest.approx(0.3250830)
    assert labels_of(np.arange(10), 10).entropy is None, "too few to tell"
