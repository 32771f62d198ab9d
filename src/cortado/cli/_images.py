"""What the commands share that show images to a net."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ._net_options import shapes, shapes_of
from ._options import engine, file, gathered, level, make_engine, python_layers, stage_list, stages, threads

if TYPE_CHECKING:
    from ..layers import Blob
    from ..netdef import Net
    from ..netdef.prepare import Preparation
    from ..netdef.preprocessing import Preprocessing

F = TypeVar("F", bound=Callable[..., Any])
preprocessing = click.option(
    "--preprocessing", type=file, metavar="FILE", help="What to do to images.  [default: the file beside WEIGHTS]"
)


@dataclass(frozen=True)
class Viewer:
    """``net``, for one image at a time, which ``preparation`` brings into its input ``blob`` as ``steps`` say."""

    net: Net
    blob: Blob
    steps: Preprocessing
    preparation: Preparation

    def show(self, image: str | Path) -> None:
        """Make *image* the net's input."""
        self.blob.data[0] = self.preparation.read(image)


@dataclass(frozen=True)
class Viewing:
    """What the options say that ``viewing`` adds."""

    preprocessing: str | None
    shapes: tuple[str, ...]
    engine: str
    threads: int | None
    allow_python_layers: bool
    level: int | None
    stage: tuple[str, ...]

    def net(self, source: Any, weights: str, **options: Any) -> Net:
        """A net for testing."""
        from ..netdef import Net

        return Net(source, weights=weights, engine=make_engine(self.engine, self.threads),
                   allow_python_layers=self.allow_python_layers, **options)  # fmt: skip

    def viewer(self, net: str, weights: str) -> Viewer:
        """The deploy net of *net*. Errors: click.UsageError for a net with several inputs."""
        from ..netdef.prepare import Preparation

        message, steps = self._deployed(net, weights)
        made = self.net(message, weights, folder=Path(net).parent)
        if len(made.inputs) != 1:
            raise click.UsageError(f"a net for images has one input; {net} has {', '.join(made.inputs) or 'none'}")
        blob = made.blobs[made.inputs[0]]
        ready = Preparation(steps, blob.shape, Path(self.preprocessing or weights).parent)
        blob.reshape((1, *blob.shape[1:]))
        return Viewer(made, blob, steps, ready)

    def _deployed(self, net: str, weights: str) -> tuple[Any, Preprocessing]:
        """The deploy net, and what is done to images first: as ``--preprocessing`` or the file beside *weights* say."""
        from ..netdef.deploy import deploy
        from ..netdef.preprocessing import Preprocessing, beside

        made = deploy(net, level=self.level, stages=stage_list(self.stage), shapes=shapes_of(self.shapes))
        path = Path(self.preprocessing) if self.preprocessing else beside(weights)
        if self.preprocessing or os.path.exists(path):
            return made.message, Preprocessing.load(path)
        if made.preprocessing == Preprocessing() and os.path.exists(weights):
            click.echo(f"note: {path} is not there; images go in as they are, 0 to 255", err=True)
        return made.message, made.preprocessing


def viewing(function: F) -> F:
    """--preprocessing, --shape, --engine, --threads, --allow-python-layers, --level, --stage, given to *function* as
    one argument ``viewing``."""
    made = gathered(Viewing, "viewing", function)
    for option in (stages, level, python_layers, threads, engine, shapes, preprocessing):
        made = option(made)
    return made
