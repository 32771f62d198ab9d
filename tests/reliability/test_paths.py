"""Paths in files can be confined to a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cortado import Net, Solver
from cortado.data.sources.lmdb import Lmdb
from cortado.errors import CortadoError, PermissionRefused
from cortado.plugins import plugin_manager

RULE = "the paths that a file names must stay inside"


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """A folder to stay in; beside it lies another, with a database, a list and weights."""
    for folder in ("inside", "outside"):
        (tmp_path / folder).mkdir()
    for folder in ("inside", "outside"):
        with Lmdb.create(tmp_path / folder / "db") as writer:
            writer.put(b"0", b"\x08\x01\x10\x01\x18\x01\x22\x01\x05\x28\x01")
        (tmp_path / folder / "list.txt").write_text(f"{tmp_path}/outside/picture.png 0\n")
        (tmp_path / folder / "h5.txt").write_text(f"{tmp_path}/outside/rows.h5\n")
    (tmp_path / "inside" / "link").symlink_to(tmp_path / "outside")
    return tmp_path / "inside"


LAYERS: dict[str, Callable[[str], str]] = {
    "data": lambda path: f'type: "Data" top: "x" data_param {{ source: "{path}/db" backend: LMDB batch_size: 1 }}',
    "image data": lambda path: f'type: "ImageData" top: "x" top: "y" image_data_param {{ source: "{path}/list.txt" }}',
    "windows": lambda path: (
        f'type: "WindowData" top: "x" top: "y" window_data_param {{ source: "{path}/w.txt" batch_size: 4 }} '
        "transform_param { crop_size: 5 }"
    ),
    "hdf5": lambda path: f'type: "HDF5Data" top: "x" hdf5_data_param {{ source: "{path}/h5.txt" batch_size: 1 }}',
    "mean": lambda path: (
        'type: "Data" top: "x" data_param { source: "db" backend: LMDB batch_size: 1 } '
        f'transform_param {{ mean_file: "{path}/mean" }}'
    ),
    "output": lambda path: (
        f'type: "HDF5Output" bottom: "a" bottom: "a" hdf5_output_param {{ file_name: "{path}/out.h5" }}'
    ),
}
INPUT = 'layer { name: "in" type: "Input" top: "a" input_param { shape { dim: 1 } } }\n'
LEARNS = (
    INPUT.replace("dim: 1", "dim: 1 dim: 1")
    + 'layer { name: "ip" type: "InnerProduct" bottom: "a" top: "b" inner_product_param { num_output: 1 } }'
)


def build(text: str, inside: Path) -> Net:
    path = inside / "net.prototxt"
    path.write_text(f'{INPUT}layer {{ name: "l" {text} }}')
    return Net(path, 0, root=inside, engine="reference")


@pytest.mark.parametrize("kind", list(LAYERS))
@pytest.mark.parametrize("way", ["absolute", "relative", "link"])
def test_outside(inside: Path, kind: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(inside)
    path = {"absolute": str(inside.parent / "outside"), "relative": "../outside", "link": "link"}[way]
    with pytest.raises(PermissionRefused, match=RULE) as caught:
        build(LAYERS[kind](path), inside)
    assert "layer 'l'" in str(caught.value)
    assert "net.prototxt:2" in str(caught.value)


@pytest.mark.parametrize("kind", ["image data", "hdf5"])
def test_lists_inside_that_lead_outside(inside: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(inside)
    with pytest.raises(PermissionRefused, match=RULE):
        build(LAYERS[kind]("."), inside)


def test_inside(inside: Path) -> None:
    net = build(LAYERS["data"](str(inside)), inside)
    assert net.blobs["x"].shape == (1, 1, 1, 1)


@pytest.mark.parametrize(
    "line",
    ['net: "../outside/net.prototxt"', 'snapshot_prefix: "../outside/s"', 'weights: "../outside/w.caffemodel"'],
)
def test_solver_files(inside: Path, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(inside)
    (inside / "net.prototxt").write_text(LEARNS)
    (inside.parent / "outside" / "net.prototxt").write_text(LEARNS)
    own = "" if line.startswith("net") else 'net: "net.prototxt"\n'
    (inside / "solver.prototxt").write_text(f'{own}{line}\nbase_lr: 1\nlr_policy: "fixed"')
    with pytest.raises(PermissionRefused, match=RULE):
        Solver("solver.prototxt", root=inside).snapshot()


def test_a_database_inside_whose_file_is_a_link_outside(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(inside)
    (inside / "db" / "data.mdb").unlink()
    (inside / "db" / "data.mdb").symlink_to(inside.parent / "outside" / "db" / "data.mdb")
    with pytest.raises(PermissionRefused, match=RULE) as caught:
        build(LAYERS["data"]("."), inside)
    assert caught.value.got == "db/data.mdb"


def test_the_weights_that_a_solver_state_names(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(inside)
    (inside / "net.prototxt").write_text(LEARNS)
    (inside / "solver.prototxt").write_text('net: "net.prototxt" snapshot_prefix: "s" base_lr: 1 lr_policy: "fixed"')
    state = Solver("solver.prototxt", root=inside, engine="reference").snapshot()
    outside = inside.parent / "outside" / "w.caffemodel"
    Path("s_iter_0.caffemodel").rename(outside)
    Path("s_iter_0.cortado").unlink()
    message = plugin_manager().schema().SolverState()
    message.ParseFromString(Path(state).read_bytes())
    message.learned_net = str(outside)
    Path(state).write_bytes(message.SerializeToString())
    with pytest.raises(PermissionRefused, match=RULE):
        Solver("solver.prototxt", root=inside, engine="reference").restore(state)
    Solver("solver.prototxt", engine="reference").restore(state)


def test_a_link_within_an_hdf5_file_is_not_followed(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    h5py = pytest.importorskip("h5py")
    monkeypatch.chdir(inside)
    with h5py.File(inside.parent / "outside" / "rows.h5", "w") as file:
        file["x"] = [[1.0]]
    with h5py.File("rows.h5", "w") as file:
        file["x"] = h5py.ExternalLink(str(inside.parent / "outside" / "rows.h5"), "x")
    Path("h5.txt").write_text("rows.h5\n")
    with pytest.raises(CortadoError, match="link to another file"):
        build(LAYERS["hdf5"]("."), inside)


@pytest.mark.parametrize("kind", list(LAYERS))
@pytest.mark.parametrize("name", ["x" * 300, "a" * 200 + "/" + "b" * 300, "a\\000b"], ids=["long", "deep", "zero"])
def test_names_that_no_file_can_have(inside: Path, kind: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(inside)
    text = LAYERS[kind](name)
    with pytest.raises(CortadoError):
        build(text, inside).forward()


@pytest.mark.parametrize("field", ["net", "weights", "snapshot_prefix"])
@pytest.mark.parametrize("name", ["x" * 300, "a\\000b"], ids=["long", "zero"])
def test_such_names_in_solvers(tmp_path: Path, field: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text(LEARNS)
    own = "" if field == "net" else 'net: "net.prototxt"\n'
    Path("solver.prototxt").write_text(f'{own}{field}: "{name}"\nbase_lr: 1\nlr_policy: "fixed"\nmax_iter: 1')
    with pytest.raises(CortadoError):
        Solver("solver.prototxt", engine="reference").solve()
