"""What a layer is told: random streams and paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from cortado import Phase, PluginError
from cortado.engines import get_engine
from cortado.layers import LayerContext, choose_engine, find_path
from cortado.plugins import plugin_manager


def context(seed: int = 1) -> LayerContext:
    return LayerContext(Phase.TRAIN, get_engine("reference"), plugin_manager(), seed=seed)


def test_streams_depend_on_seed_and_name_alone() -> None:
    draw = [
        context(seed).stream(*keys).random()
        for seed, keys in ((1, ("a", 0)), (1, ("a", 0)), (1, ("a", 1)), (2, ("a", 0)))
    ]
    assert draw[0] == draw[1]
    assert len(set(draw)) == 3


def test_paths_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "project" / "examples" / "net"
    folder.mkdir(parents=True)
    (folder / "a.txt").touch()
    monkeypatch.chdir(tmp_path)
    assert find_path("a.txt", folder) == folder / "a.txt"
    assert find_path("examples/net/a.txt", folder) == tmp_path / "project" / "examples" / "net" / "a.txt"
    assert find_path("absent.txt", folder) == Path("absent.txt")
    (tmp_path / "a.txt").touch()
    assert find_path("a.txt", folder) == Path("a.txt"), "the working directory comes first"


def test_engines_by_name() -> None:
    assert choose_engine("reference", plugin_manager()).name == "reference"
    engine = get_engine("reference")
    assert choose_engine(engine, plugin_manager()) is engine
    with pytest.raises(PluginError, match="did you mean 'reference'"):
        choose_engine("referense", plugin_manager())
