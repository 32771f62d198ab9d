"""What the commands share that show images to a net."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..netdef.preprocessing import Preprocessing


def net_and_steps(
    net: str, weights: str, file: str | None, level: int | None, stage: list[str]
) -> tuple[Any, Preprocessing]:
    """The deploy net of *net*, and what is done to images first: as *file* says, or the file beside *weights*."""
    from ..netdef.deploy import deploy
    from ..netdef.preprocessing import Preprocessing, beside

    made = deploy(net, level=level, stages=stage)
    path = Path(file) if file else beside(weights)
    if file or path.exists():
        return made.message, Preprocessing.load(path)
    if made.preprocessing == Preprocessing():
        click.echo(f"note: {path} is not there; images go in as they are, 0 to 255", err=True)
    return made.message, made.preprocessing
