"""``cortado export``."""

from __future__ import annotations

import click

from ._group import Group
from ._net_options import shapes, shapes_of
from ._options import engine, file, level, make_engine, python_layers, stage_list, stages, threads


@click.group(cls=Group, epilog="Example: cortado export onnx deploy.prototxt digits.caffemodel -o digits.onnx")
def command() -> None:
    """Bring a trained net to other programs."""


@command.command(epilog="Example: cortado export onnx deploy.prototxt digits.caffemodel -o digits.onnx")
@click.argument("net")
@click.argument("weights", type=file)
@click.option("--output", "-o", type=file, required=True, metavar="FILE", help="The .onnx file to write.")
@click.option("--batch", type=click.IntRange(1), help="Records at a time.  [default: as NET says]")
@click.option("--dynamic-batch", is_flag=True, help="Any number of records at a time.")
@click.option("--compare/--no-compare", default=True, show_default=True, help="Check the numbers with ONNX Runtime.")
@shapes
@engine
@threads
@python_layers
@level
@stages
def onnx(
    net: str,
    weights: str,
    output: str,
    batch: int | None,
    dynamic_batch: bool,
    compare: bool,
    shapes: tuple[str, ...],
    engine: str,
    threads: int | None,
    allow_python_layers: bool,
    level: int | None,
    stage: tuple[str, ...],
) -> None:
    """Write NET with WEIGHTS as an ONNX model, and check that ONNX Runtime computes the same from it.

    NET is a deploy net, or the net that was trained (its deploy net is derived). A layer that ONNX has no words for is
    an error with its line. Shapes are fixed, but for the batch with --dynamic-batch, which is checked with two sizes.
    Nothing is written unless all outputs agree within 1e-4.
    """
    from ..export.to_onnx import export_onnx
    from ..proto import check_writable

    check_writable(output)
    made = export_onnx(net, weights, batch=batch, dynamic_batch=dynamic_batch, shapes=shapes_of(shapes), level=level,
                       stages=stage_list(stage), compare=compare, engine=make_engine(engine, threads),
                       allow_python_layers=allow_python_layers)  # fmt: skip
    made.save(output)
    nodes = len(made.model.graph.node)
    click.echo(f"{output}: opset {made.opset}, {nodes} nodes, inputs {_shapes(made.model.graph.input)}, "
               f"outputs {_shapes(made.model.graph.output)}")  # fmt: skip
    if compare:
        told = ", ".join(f"{name} {found.judged:.1e}" for name, found in made.differences.items())
        click.echo(f"ONNX Runtime agrees with the {made.net.engine.name} engine; largest differences: {told}")
    for note in made.notes:
        click.echo(f"note: {note}", err=True)


def _shapes(values: object) -> str:
    parts = []
    for one in values:  # type: ignore[attr-defined]
        dims = "x".join(dim.dim_param or str(dim.dim_value or "?") for dim in one.type.tensor_type.shape.dim)
        parts.append(f"{one.name} {dims or 'scalar'}")
    return ", ".join(parts)
