"""What layers say of files and blobs they cannot use, where no other test asks for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cortado.data import images, write_mean
from cortado.errors import DataError, NetError, ParameterError
from cortado.layers.data_base import DataLayer
from cortado.layers.window_data import WindowBatches
from cortado.testing import make_layer

WINDOWS = "# 0\n{path}\n3\n6\n6\n2\n1 0.9 0 0 5 5\n0 0.1 0 0 5 5\n"


def windows(folder: Path, transform: str, own: str = "") -> Any:
    path = folder / "a.png"
    path.write_bytes(images.encode(np.zeros((6, 6, 3), np.uint8), "png"))
    (folder / "w.txt").write_text(WINDOWS.format(path=path))
    text = f"""type: "WindowData" transform_param {{ crop_size: 4 {transform} }}
        window_data_param {{ source: "{folder}/w.txt" batch_size: 4 {own} }}"""
    return make_layer(text, dtype=np.float32)


def test_the_mean_of_windows(tmp_path: Path) -> None:
    rule = r"'\w+' \(WindowData\): transform_param takes mean_file or mean_value, not both"
    with pytest.raises(ParameterError, match=rule):
        windows(tmp_path, f'mean_file: "{tmp_path}/mean" mean_value: 3')
    write_mean(tmp_path / "mean", np.zeros((3, 2, 2), np.float32))
    rule = r"the mean must have 3 channels and at least crop_size 4 pixels each way; got \(3, 2, 2\)"
    with pytest.raises(ParameterError, match=rule):
        windows(tmp_path, f'mean_file: "{tmp_path}/mean"')


def test_images_of_windows(tmp_path: Path) -> None:
    run = windows(tmp_path, "", "cache_images: true")
    (tmp_path / "a.png").unlink()
    with pytest.raises(DataError, match=f"cannot read the image {tmp_path}/a.png: No such file or directory"):
        run.forward()
    maker: Any = SimpleNamespace(
        plan=None, find=Path, file=SimpleNamespace(images=[("a.png", 3, 6, 6)]), _image=lambda *_: np.zeros((6, 6, 1))
    )
    with pytest.raises(DataError, match=r"image a\.png must have 3 channels; got 1"):
        WindowBatches._fill_one(maker, SimpleNamespace(image=0), False, np.zeros((3, 4, 4)))  # type: ignore[arg-type]


def test_a_data_layer_that_forgets_something() -> None:
    class Half(DataLayer):
        type = "Half"

    layer = object.__new__(Half)
    layer.name = "h"
    layer.context = SimpleNamespace(position=lambda *_: "net:3")  # type: ignore[assignment]
    with pytest.raises(NetError, match=r"net:3: layer 'h' \(Half\): the layer does not implement open\(\)"):
        layer.open([])
    with pytest.raises(NetError, match=r"net:3: layer 'h' \(Half\): the layer does not implement setup\(\)"):
        layer.prefetcher  # noqa: B018
