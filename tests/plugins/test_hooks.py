"""Every hook: in the list of kinds, documented with its exact signature and an example, and exercised by that."""

from __future__ import annotations

import inspect
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import cortado
from cortado.plugins import KINDS, PluginManager, fields, hookspecs, use_plugin_manager
from cortado.plugins.dialects import parse_net_text
from cortado.proto import parse_text
from cortado.testing import CHECKS, check_layer

PAGE = Path(__file__).parents[2].joinpath("docs", "plugins.md").read_text(encoding="utf-8")
HOOKS = {name: item for name, item in vars(hookspecs).items() if name.startswith("cortado_")}
KIND_OF = {kind.hook: kind for kind in KINDS.values()}
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def section(heading: str) -> str:
    """The text of the page from a heading to the next of its depth."""
    start = PAGE.index(heading)
    depth = heading.partition(" ")[0]
    end = re.search(rf"^#{{2,{len(depth)}}} ", PAGE[start + len(heading) :], re.M)
    return PAGE[start : start + len(heading) + end.start()] if end else PAGE[start:]


def run(code: str, name: str) -> ModuleType:
    """A module made of *code*."""
    module = ModuleType(name)
    exec(compile(code, f"docs/plugins.md: {name}", "exec"), vars(module))
    return module


def signature(hook: str) -> str:
    text = inspect.signature(HOOKS[hook])
    arguments = ", ".join(text.parameters)
    return f"{hook}({arguments}) -> {text.return_annotation}"


@pytest.fixture
def plugins() -> Iterator[PluginManager]:
    manager = PluginManager(external=False)
    before = use_plugin_manager(manager)
    yield manager
    use_plugin_manager(before)


@pytest.fixture
def example(plugins: PluginManager) -> Callable[[str], ModuleType]:
    """``example(hook)``: the example of the page, registered as a plugin."""

    def register(hook: str) -> ModuleType:
        (code,) = BLOCK.findall(section(f"### `{signature(hook)}`"))
        module = run(code, f"example_{hook}")
        plugins.register(module, f"example_{hook}")
        return module

    return register


def test_every_hook_is_a_kind_and_every_kind_has_a_hook() -> None:
    assert set(HOOKS) == set(KIND_OF)


def test_the_page_has_the_hooks_and_no_others() -> None:
    headings = re.findall(r"^### `(cortado_.*)`$", PAGE, re.M)
    assert sorted(headings) == sorted(signature(hook) for hook in HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_the_docstring_of_a_hook_has_a_sentence_and_an_example(hook: str) -> None:
    doc = inspect.getdoc(HOOKS[hook]) or ""
    assert doc.partition("\n")[0].strip()
    assert f"@cortado.hookimpl\n        def {hook}():" in (HOOKS[hook].__doc__ or "").replace("\n    ", "\n    ")
    base = KIND_OF[hook].base
    assert not base.startswith("cortado.") or base in doc, "the base class is named"


@pytest.mark.parametrize("hook", HOOKS)
def test_the_base_class_is_where_the_docs_say_and_explains_itself(hook: str) -> None:
    base = KIND_OF[hook].base
    if not base.startswith("cortado."):
        return
    module, _, name = base.rpartition(".")
    found = getattr(__import__(module, fromlist=[name]), name)
    assert "Example" in (found.__doc__ or "") or found is cortado.Parameters
    assert f"`{base}`" in section(f"### `{signature(hook)}`")


@pytest.mark.parametrize("hook", HOOKS)
def test_the_example_contributes(hook: str, example: Callable[[str], ModuleType], plugins: PluginManager) -> None:
    example(hook)
    kind = next(name for name, kind in KINDS.items() if kind.hook == hook)
    mine = [entry for entry in plugins.registry(kind).all() if entry.provider.plugin == f"example_{hook}"]
    assert len(mine) == 1
    assert plugins.get(kind, mine[0].name) is mine[0]


# -- what each example is good for ----------------------------------------------------------------------------------

NET = """
layer {{ name: "x" type: "DummyData" top: "x" dummy_data_param {{ shape {{ dim: 4 dim: 3 }}
         data_filler {{ type: "gaussian" }} }} }}
layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param {{ num_output: 3
         weight_filler {{ type: "{filler}" std: 2 }} }} }}
layer {{ name: "relu" type: "ReLU" bottom: "ip" top: "y" }}
layer {{ name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "x" top: "loss" }}
"""


def net(plugins: PluginManager, filler: str = "gaussian", **options: Any) -> cortado.Net:
    document = parse_net_text(NET.format(filler=filler), "net.prototxt", plugins)
    return cortado.Net(document, cortado.Phase.TRAIN, plugins=plugins, seed=1, **options)


def solver(plugins: PluginManager, **changes: Any) -> cortado.Solver:
    schema = plugins.schema()
    document: Any = parse_net_text(NET.format(filler="gaussian"), "net.prototxt", plugins)
    param: Any = schema.message("SolverParameter")(base_lr=0.01, lr_policy="fixed", max_iter=20)
    param.net_param.CopyFrom(document.message)
    for name, value in changes.items():
        setattr(param, name, value)
    return cortado.Solver(param, plugins=plugins, seed=1)


def layers(plugins: PluginManager, module: ModuleType, folder: Path) -> None:
    check_layer('type: "AbsoluteError"', [(2, 3), (2, 3)], only=[c for c in CHECKS if c != "docstring"])


def fillers(plugins: PluginManager, module: ModuleType, folder: Path) -> None:
    w = net(plugins, filler="orthogonal").params["ip"][0].data
    np.testing.assert_allclose(w @ w.T, 4 * np.eye(3), atol=1e-5)


def optimizers(plugins: PluginManager, module: ModuleType, folder: Path) -> None:
    made = solver(plugins, type="SignSGD")
    before = made.net.params["ip"][0].data.copy()
    made.step(1)
    np.testing.assert_allclose(abs(made.net.params["ip"][0].data - before), 0.01, rtol=1e-4)


def regularizers(plugins: PluginManager, module: ModuleType, folder: Path) -> None:
    made = solver(plugins, regularization_type="PseudoHuber", weight_decay=1.0)
    w = np.array([0.5, -3.0])
    g = np.zeros(2)
    made.regularizer.add_gradient(w, g, 2.0)
    step = 1e-6
    for i in range(2):
        moved = w + step * (np.arange(2) == i)
        numeric = (made.regularizer.loss(moved, 2.0) - made.regularizer.loss(w, 2.0)) / step
        assert g[i] == pytest.approx(numeric, rel=1e-4)


def lr_policies(plugins: PluginManager, module: ModuleType, folder: Path) -> None:
    made = solver(plugins, lr_policy="triangular", stepsize=4)
    assert [m.rate for m in made.train(5)] == pytest.approx([0, 0.005, 0.01, 0.005, 0])
    with pytest.raises(cortado.SolverError, match="lr_policy 'triangular' needs stepsize > 0"):
        solver(plugins, lr_policy="triangular")


def callbacks(plugins: PluginManager, module: ModuleType, folder: Path) -> None:
    made = solver(plugins)
    stop = plugins.get("callbacks", "stop-at-loss").item()
    stop.limit = 1e9
    made.callbacks.append(stop)
    made.step(10)
    assert made.iteration == 1


def communicators(plugins: PluginManager, module: ModuleType, folder: Path) -> None:
    from cortado.solver.parallel import choose_communicator

    assert choose_communicator("alone", plugins).size == 1


def sources(plugins: PluginManager, module: ModuleType, folder: Path) -> None:
    from cortado.data import array_to_datum

    with zipfile.ZipFile(folder / "data.zip", "w") as archive:
        for index in range(3):
            archive.writestr(f"{index}", array_to_datum(np.full((1, 2, 2), index, np.uint8), index).SerializeToString())
    text = f"""layer {{ name: "d" type: "Data" top: "x" top: "label" cortado_data_param {{ backend: "ZIP" }}
               data_param {{ source: "{(folder / "data.zip").as_posix()}" batch_size: 3 }} }}"""
    made = cortado.Net(parse_net_text(text, "net.prototxt", plugins), plugins=plugins)
    made.forward()
    assert made.blobs["label"].data.tolist() == [0, 1, 2]
    made.layers[0].close()  # type: ignore[attr-defined]


def transforms(plugins: PluginManager, module: ModuleType, folder: Path) -> None:
    text = """layer { name: "m" type: "MemoryData" top: "x" top: "label" transform_param { negative_param { } }
              memory_data_param { batch_size: 1 channels: 1 height: 2 width: 2 } }"""
    made = cortado.Net(parse_net_text(text, "net.prototxt", plugins), plugins=plugins)
    made.layers[0].add_images([np.full((2, 2), 5, np.uint8)], [0])  # type: ignore[attr-defined]
    made.forward()
    assert (made.blobs["x"].data == 250).all()


def engines(plugins: PluginManager, module: ModuleType, folder: Path) -> None:
    made = net(plugins, engine="counting")
    made.forward()
    assert made.engine.count == 1  # type: ignore[attr-defined]


def net_passes(plugins: PluginManager, module: ModuleType, folder: Path) -> None:
    plugins.configure(passes=["leaky"])
    made = net(plugins)
    assert made.layers[made.layer_index("relu")].param.negative_slope == pytest.approx(0.1)


def weight_formats(plugins: PluginManager, module: ModuleType, folder: Path) -> None:
    one, two = net(plugins), net(plugins, filler="xavier")
    one.save(folder / "w.weights.json")
    assert two.load(folder / "w.weights.json").names("loaded") == ["ip"]
    np.testing.assert_allclose(one.params["ip"][0].data, two.params["ip"][0].data)


def exporters(plugins: PluginManager, module: ModuleType, folder: Path) -> None:
    class Export:
        x, outputs = "x", ("y",)

        def op(self, *arguments: Any) -> None:
            self.made = arguments

    export = Export()
    plugins.get("exporters", "Softsign").item(export)
    assert export.made == ("Softsign", ["x"], "y")


def parameters(plugins: PluginManager, module: ModuleType, folder: Path) -> None:
    message = plugins.schema().message("NetParameter")
    found: Any = parse_text('provenance_param { author: "Ada" score: 0.99 }', message, "net.prototxt").message
    assert found.provenance_param.author == "Ada"
    with pytest.raises(cortado.ParseError, match=r"ProvenanceParameter.score: must be at least 0 and at most 1; got 2"):
        parse_text("provenance_param { score: 2 }", message, "net.prototxt")


def dialects(plugins: PluginManager, module: ModuleType, folder: Path) -> None:
    text = 'layer { name: "t" type: "Twist" twist_param { angle: 3 } }'
    document: Any = parse_net_text(text, "net.prototxt", plugins)
    assert document.message.layer[0].twist_param.angle == 3
    assert "the fork of our company" in document.notes[0]


def commands(plugins: PluginManager, module: ModuleType, folder: Path) -> None:
    from click.testing import CliRunner

    from cortado.cli import program

    assert CliRunner().invoke(program, ["hello", "--name", "Ada"]).output == "Good day, Ada.\n"


USES: dict[str, Callable[[PluginManager, ModuleType, Path], None]] = {
    f"cortado_{use.__name__}": use
    for use in (
        *(
            layers,
            fillers,
            optimizers,
            regularizers,
            lr_policies,
            callbacks,
            communicators,
            sources,
            transforms,
            engines,
        ),
        *(net_passes, weight_formats, exporters, parameters, dialects, commands),
    )
}


def test_every_hook_has_a_use_below() -> None:
    assert set(USES) == set(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_the_example_does_what_the_hook_is_for(
    hook: str, example: Callable[[str], ModuleType], plugins: PluginManager, tmp_path: Path
) -> None:
    USES[hook](plugins, example(hook), tmp_path)


# -- the rest of the page -------------------------------------------------------------------------------------------


def test_the_first_example_keeps_the_contract(plugins: PluginManager) -> None:
    plugins.register(run(BLOCK.findall(section("## What a plugin is"))[0], "cube"), "cube")
    check_layer('type: "Cube"', [(2, 3)], only=[c for c in CHECKS if c != "docstring"])


def test_the_parameters_of_the_page(plugins: PluginManager) -> None:
    text = section("## Typed parameters")
    module = run(BLOCK.findall(text)[0], "warp")
    layer = type("Warp", (cortado.Layer,), {"type": "Warp", "parameters": module.WarpParameter})
    cortado.register(layer)
    (line,) = re.findall(r"^    (layer \{ name: \"w\".*)$", text, re.M)
    param = parse_net_text(line, "net.prototxt", plugins).message.layer[0].warp_param
    assert (param.angle, list(param.scales), param.steps) == (30, [1, 2], 8)
    assert module.WarpParameter.border.choice(param.border) == "ZERO"
    for bad, rule in (
        ("angle: 180", "less than 180"),
        ("steps: 3", "must be even"),
        ("angle: 0 scales: 1", "must not be given"),
    ):
        with pytest.raises(cortado.ParseError, match=rule):
            parse_net_text(f'layer {{ type: "Warp" warp_param {{ {bad} }} }}', "net.prototxt", plugins)


def test_every_kind_of_field_is_on_the_page() -> None:
    kinds = ["Float", "Double", "Int", "UInt", "Int64", "UInt64", "Bool", "String", "Choice", "Message"]
    assert all(hasattr(fields, kind) for kind in kinds)
    table = section("## Typed parameters")
    assert all(re.search(rf"`{kind}[`(]", table) for kind in kinds)
    options = set(inspect.signature(fields.Field).parameters) - {"number", "kind", "choices"}
    assert all(option in table for option in options)


def test_the_table_of_checks_is_the_kit_s() -> None:
    assert re.findall(r"^\| `([a-z0-9-]+)` \|", section("## The kit for tests"), re.M) == list(CHECKS)


def test_the_variables_and_options_exist() -> None:
    from cortado.cli import program
    from cortado.plugins import manager

    rows = re.findall(r"^\| `(--[a-z-]+) \w+` \| `(\w+)` \|", PAGE, re.M)
    known = {option for parameter in program.params for option in parameter.opts}
    assert len(rows) == 3
    assert {option for option, _ in rows} <= known
    assert {variable for _, variable in rows} == {manager.ALLOW, manager.DENY, manager.FOLDERS}
