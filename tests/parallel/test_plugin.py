"""Two processes train together by a communicator that a plugin brings, without MPI."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

import cortado

PLUGINS = Path(__file__).with_name("plugins")
NET = """
layer { name: "data" type: "Data" top: "data" top: "label" transform_param { scale: 0.01 }
  data_param { source: "%s/train" backend: LMDB batch_size: 4 } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
SOLVER = 'net: "net.prototxt" base_lr: 0.05 lr_policy: "fixed" max_iter: 8 display: 4 random_seed: 1 snapshot_prefix: '


def train(folder: Path, prefix: str, *options: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cortado", "train", "solver.prototxt", "--engine", "reference", "--log"]
    return subprocess.Popen(
        [*command, "--set", f"snapshot_prefix={folder}/{prefix}", *options], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **environment},
    )  # fmt: skip


def test_a_communicator_from_a_plugin_trains(records: Path, tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET % records)
    (tmp_path / "solver.prototxt").write_text(SOLVER + '"s"')
    (tmp_path / "mail").mkdir()
    shared = {"CORTADO_PLUGINS_DIR": str(PLUGINS), "MAILBOX": str(tmp_path / "mail"), "MAILBOX_SIZE": "2"}
    ranks = [train(tmp_path, "two", "--communicator", "mailbox", **shared, MAILBOX_RANK=str(rank)) for rank in range(2)]
    alone = train(tmp_path, "one", "--set", "iter_size=2")
    said = [job.communicate(timeout=120)[0] for job in (*ranks, alone)]
    assert [job.returncode for job in (*ranks, alone)] == [0, 0, 0], "\n".join(said)
    assert "2 ranks by 'mailbox'" in said[0]
    speed = r"rank {}: [\d.]+ records/s, [\d.]+ ms per iteration, [\d.]+% waiting for others, [\d.]+% starting"
    assert all(re.search(speed.format(rank), said[0]) for rank in range(2))
    assert "rank" not in said[1]  # one tells
    nets = [
        cortado.Net(tmp_path / "net.prototxt", 0, weights=tmp_path / f"{prefix}_iter_8.caffemodel")
        for prefix in ("one", "two")
    ]
    one, two = ([blob.data for blob in net.params["ip"]] for net in nets)
    for a, b in zip(one, two, strict=True):
        assert np.allclose(a, b, rtol=1e-5, atol=1e-6)
        assert a.any()
