"""What holds for every command: help, an example that parses, exit statuses, and one clear message for bad input."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest

import cortado
from cortado.cli import program
from cortado.plugins import PluginManager


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and group with its names."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = dict(commands(program))


def test_the_commands_are_there() -> None:
    names = {path[0] for path in ALL}
    assert {"train", "test", "time", "check", "layers", "plugins", "new-layer"} <= names


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_works_and_ends_with_an_example_that_parses(run: Run, path: tuple[str, ...]) -> None:
    done = run(*path, "--help")
    assert done.status == 0
    assert done.err == ""
    assert done.out.startswith(f"Usage: cortado {' '.join(path)}")
    command = ALL[path]
    assert command.help, "a command says what it does"
    epilog = command.epilog or ""
    assert epilog.startswith("Example: cortado "), "a command's help ends with an example"
    parse(shlex.split(epilog.removeprefix("Example: cortado ")), path)


def parse(words: list[str], path: tuple[str, ...]) -> None:
    """Parse a command line without running it; it must be one of the command *path* or of one beneath it."""
    group: click.Command = program
    parent: click.Context | None = None
    used: list[str] = []
    while isinstance(group, click.Group):
        context = group.make_context("cortado", list(words), parent=parent)
        name, found, words = group.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        assert name is not None
        used.append(name)
        group, parent = found, context
    group.make_context(used[-1], list(words), parent=parent)
    assert tuple(used[: len(path)]) == path


def test_the_options_that_help_shows_have_a_text() -> None:
    bare = [
        f"{' '.join(path)} {param.opts[0]}"
        for path, command in ALL.items()
        for param in command.params
        if isinstance(param, click.Option) and not param.hidden and not param.help
    ]
    assert not bare


def test_the_program_itself(run: Run) -> None:
    done = run("--help")
    assert (done.status, done.err) == (0, "")
    assert "new-layer" in done.out
    assert run("--version").out == f"cortado, version {cortado.__version__}\n"
    assert run().status == 2
    assert run("train", "-h") == run("train", "--help")


def test_a_wrong_call_has_status_2_and_names_the_nearest(run: Run) -> None:
    done = run("trian")
    assert done.status == 2
    assert "No such command 'trian'" in done.err
    assert "did you mean 'train'?" in done.err
    done = run("train", "--interations", "3")
    assert done.status == 2
    assert "--iterations" in done.err
    for arguments in (["train"], ["train", "a", "--solver", "b"], ["time", "x", "--iterations", "none"], ["check"]):
        done = run(*arguments)
        assert done.status == 2, arguments
        assert "Usage: cortado" in done.err


GARBAGE = bytes(range(256)) * 4


@pytest.fixture
def files(folder: Path) -> Path:
    """Files that are no good."""
    for name, content in {
        "empty": b"",
        "garbage": GARBAGE,
        "unclosed.prototxt": b'layer { name: "x"',
        "unknown_type.prototxt": b'layer { name: "x" type: "Relu" }',
        "unknown_field.prototxt": b'layer { name: "x" type: "ReLU" bottm: "y" }',
        "no_bottom.prototxt": b'layer { name: "x" type: "ReLU" bottom: "y" top: "x" }',
        "no_net_solver.prototxt": b'net: "nowhere.prototxt" base_lr: 1 lr_policy: "fixed"',
        "bad_policy.prototxt": b'net: "net.prototxt" base_lr: 1 lr_policy: "fixd"',
        "bad_type.prototxt": b'net: "net.prototxt" base_lr: 1 lr_policy: "fixed" type: "SDG"',
        "list.txt": b"nothing.png 0\n",
    }.items():
        folder.joinpath(name).write_bytes(content)
    folder.joinpath("a_folder").mkdir()
    return folder


BAD = [
    *(f"{command} {file}" for command in ("check", "time", "train", "summary", "draw", "deploy")
      for file in ("nowhere.prototxt", "a_folder", "empty", "garbage", "unclosed.prototxt")),
    *(f"{command} {file}" for command in ("check", "time", "summary")
      for file in ("unknown_type.prototxt", "unknown_field.prototxt", "no_bottom.prototxt")),
    "train net.prototxt",
    "train no_net_solver.prototxt",
    "train bad_policy.prototxt",
    "train bad_type.prototxt",
    "train solver.prototxt --weights nowhere.caffemodel",
    "train solver.prototxt --weights garbage",
    "train solver.prototxt --weights empty",
    "train solver.prototxt --weights net.prototxt",
    "train solver.prototxt --weights a_folder",
    "train solver.prototxt --snapshot nowhere.solverstate",
    "train solver.prototxt --snapshot garbage",
    "train solver.prototxt --snapshot net.prototxt",
    "train solver.prototxt --weights a --snapshot b",
    "train solver.prototxt --set nothing=1",
    "train solver.prototxt --set base_lr=fast",
    "train solver.prototxt --set base_lr",
    "train solver.prototxt --callback nothing",
    "train solver.prototxt --engine nothing",
    "train solver.prototxt --set snapshot_prefix=net.prototxt/x",
    "test net.prototxt",
    "test net.prototxt --weights nowhere",
    "test solver.prototxt --weights garbage",
    "test nowhere --weights garbage",
    "time net.prototxt --iterations 0",
    "time solver.prototxt",
    "check net.prototxt --shape x",
    "check net.prototxt --shape x=1xa",
    "check net.prototxt --phase DEPLOY",
    "layers Relu",
    "plugins info Relu",
    *(f"{command} solver.prototxt" for command in ("summary", "draw", "deploy", "gradcheck")),
    *(f"{command} net.prototxt" for command in ("diagnose", "test --weights garbage", "upgrade solver out")),
    "deploy net.prototxt --weights nowhere.caffemodel",
    "plot net.prototxt",
    "plot nowhere",
    "report net.prototxt",
    "report nowhere",
    "jacobian net.prototxt nothing",
    "formula x+",
    "predict net.prototxt garbage list.txt",
    "pictures net.prototxt garbage",
    "pictures garbage garbage",
    "export onnx net.prototxt nowhere -o x.onnx",
    "export onnx solver.prototxt garbage -o x.onnx",
    "convert-weights garbage x.npz",
    "convert-weights net.prototxt x.pt",
    "--plugins-dir nowhere layers",
    "--plugins-dir net.prototxt layers",
    "new-layer relu",
    "new-layer New --dir net.prototxt",
    "compute-mean nowhere mean.binaryproto",
    "compute-mean a_folder mean.binaryproto",
    "compute-mean garbage mean.binaryproto",
    "convert-imageset a_folder/ list.txt new_db",
    "convert-imageset nowhere/ nowhere.txt new_db",
    "convert-mnist a_folder new",
    "extract-features nowhere.caffemodel net.prototxt ip out 1 LMDB",
    "extract-features garbage net.prototxt ip out 1 LMDB",
    "parse-log nowhere.log .",
    "parse-log garbage .",
    "upgrade net nowhere out",
    "upgrade net garbage out",
    "upgrade solver nowhere out",
    "gradcheck nowhere",
    "gradcheck garbage",
]  # fmt: skip


@pytest.mark.parametrize("line", BAD)
def test_bad_input_gives_one_clear_message(run: Run, files: Path, line: str) -> None:
    done = run(*shlex.split(line))
    said = done.err + done.out
    assert done.status in (1, 2), said
    assert "Traceback" not in said
    assert "internal error" not in said
    if done.status == 2:
        assert "Usage: cortado" in done.err
        assert re.search(r"^Error: \S", done.err, re.M), said
    else:
        errors = [text for text in said.splitlines() if text.startswith("error: ")]
        assert len(errors) == 1 or line.startswith(("check", "summary")), said
        assert len(errors) >= 1, said
        assert len(errors[0]) > len("error: ") + 20, said


def test_a_file_of_the_other_kind_is_named(run: Run, folder: Path) -> None:
    told = run("train", "net.prototxt")
    assert "net.prototxt: a solver is expected here; got a net" in told.err
    assert len([line for line in told.err.splitlines() if "expected" in line or "no field" in line]) == 1
    assert "a net is expected here; got a solver (its net is net.prototxt)" in run("summary", "solver.prototxt").err


def test_an_interrupt_has_status_130(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cortado.netdef.net.Net.forward", interrupted)
    assert run("time", "net.prototxt").status == 130


def test_a_defect_is_told_as_one_and_its_place_on_request(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("oh")

    monkeypatch.setattr("cortado.netdef.net.Net.forward", broken)
    done = run("time", "net.prototxt")
    assert done.status == 1
    assert "internal error: RuntimeError: oh" in done.err
    assert "CORTADO_TRACEBACK=1" in done.err
    monkeypatch.setenv("CORTADO_TRACEBACK", "1")
    monkeypatch.setattr("sys.argv", ["cortado", "time", "net.prototxt"])
    from cortado.__main__ import main

    with pytest.raises(RuntimeError, match="oh"):
        main()


def test_commands_of_plugins(run: Run, cortado_plugins: PluginManager) -> None:
    hello = click.Command("hello", callback=lambda: click.echo("good day"))
    plugin = type("P", (), {"cortado_commands": staticmethod(cortado.hookimpl(lambda: {"hello": hello}))})
    cortado_plugins.register(plugin(), "greeter")
    assert "hello" in run("--help").out
    assert run("hello").out == "good day\n"
    assert run("greeter/hello").out == "good day\n"
    cortado_plugins.register(plugin(), "other")
    assert run("hello").out == "good day\n", "the same command from two plugins is no clash"
    other = type("P", (), {"cortado_commands": staticmethod(cortado.hookimpl(lambda: {"hello": click.Command("h")}))})
    cortado_plugins.register(other(), "other")
    done = run("hello")
    assert done.status == 1
    assert "command 'hello' is provided by greeter and other (write 'other/hello'" in done.err


def test_options_of_the_program_reach_the_plugin_manager(
    run: Run, folder: Path, cortado_plugins: PluginManager
) -> None:
    net = """
        layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 } } }
        layer { name: "d" type: "Dropout" bottom: "x" top: "d" }
        layer { name: "r" type: "ReLU" bottom: "d" top: "r" }"""
    folder.joinpath("short.prototxt").write_text(net)
    assert "TEST 3 layers" in run("check", "short.prototxt").out
    assert "TEST 2 layers" in run("--net-pass", "drop-identity", "check", "short.prototxt").out
    done = run("--net-pass", "drop_identity", "check", "short.prototxt")
    assert done.status == 1
    assert "unknown net pass 'drop_identity' (did you mean 'drop-identity'?)" in done.out
    cortado_plugins.passes = ()
    run("--dialect", "stock", "check", "short.prototxt")
    assert cortado_plugins.dialect == "stock"
