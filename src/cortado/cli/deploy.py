"""``cortado deploy``."""

from __future__ import annotations

import click

from ._net_options import shapes, shapes_of
from ._options import file, level, read_labels, stage_list, stages


@click.command(epilog="Example: cortado deploy examples/digits/net.prototxt -o digits_deploy.prototxt")
@click.argument("train_net")
@click.option("--output", "-o", type=file, metavar="FILE", help="Where to write it.  [default: standard output]")
@click.option("--batch", type=click.IntRange(0), default=1, show_default=True, help="Records at a time; 0: as given.")
@click.option(
    "--weights",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Write the preprocessing beside these weights, for `cortado predict`.",
)
@click.option("--labels", type=click.Path(exists=True), help="A file of class names, one per line, to store with it.")
@shapes
@level
@stages
def command(
    train_net: str,
    output: str | None,
    batch: int,
    weights: str | None,
    labels: str | None,
    shapes: tuple[str, ...],
    level: int | None,
    stage: tuple[str, ...],
) -> None:
    """Derive the deploy net of TRAIN_NET: inputs instead of data, predictions instead of losses, phase TEST.

    SoftmaxWithLoss becomes Softmax `prob`, SigmoidCrossEntropyLoss becomes Sigmoid; accuracies and all else that needs
    a label is left out, as are rules, fillers and learning rates.
    """
    from ..netdef.deploy import deploy
    from ..netdef.preprocessing import beside
    from ..proto import atomic_write, check_writable, format_text

    names = read_labels(labels)
    check_writable(*([output] if output else []), *([beside(weights)] if weights else []))
    made = deploy(train_net, batch=batch or None, level=level, stages=stage_list(stage), shapes=shapes_of(shapes))
    text = format_text(made.message)
    if output:
        atomic_write(output, text)
        click.echo(f"{output}: {len(made.message.layer)} layers", err=True)
    else:
        click.echo(text, nl=False)
    for note in made.notes:
        click.echo(f"  {note}", err=True)
    if labels:
        made.preprocessing.labels = names
    if weights:
        made.preprocessing.save(beside(weights))
        click.echo(f"preprocessing: {beside(weights)}", err=True)
