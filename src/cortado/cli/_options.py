"""Options that several commands share. Caffe's spelling (``-model``, ``-weights``) works beside the usual one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def file(value: str) -> str:
    """The type of options and arguments that name a file, or several with commas between.

    One that names none, as a variable of the shell that is not set does, is refused: without it a command would do
    something else in silence.
    """
    if not value.replace(",", " ").strip():
        raise click.BadParameter(f"it must name a file; got '{value}'")
    return value


def seed_of(what: str) -> Callable[[F], F]:
    """The option ``--seed`` of a command that draws *what* again the same unless it is told otherwise."""
    return click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help=f"Seed of {what}.")


engine = click.option(
    "--engine", default="auto", show_default=True, help="Array kernels: auto, native, reference, or a plugin's."
)
threads = click.option("--threads", type=click.IntRange(1, 1024), help="Threads for the kernels.  [default: all cores]")
seed = click.option("--seed", type=click.IntRange(0), help="Seed of all random numbers.")
python_layers = click.option(
    "--allow-python-layers", is_flag=True, help="Let Python layers import the modules they name. They run code."
)
root_folder = click.option(
    *("--root-folder", "root_folder"),
    type=click.Path(exists=True, file_okay=False),
    help="Refuse paths in prototxt files and lists that leave this folder.",
)
level = click.option("--level", "-level", type=int, help="Level of the net's state.")
stages = click.option("--stage", "-stage", "stage", multiple=True, help="Stage of the net's state; may be repeated.")
strict = click.option("--strict", is_flag=True, help="Refuse weights that do not have just the layers of the net.")
skip_mismatch = click.option(
    *("--skip-mismatch", "skip_mismatch"),
    is_flag=True,
    help="Leave layers whose shapes differ from the weights' as they are.",
)
gpu = click.option("--gpu", "-gpu", hidden=True, help="Accepted for Caffe's command lines; the CPU computes.")


@dataclass(frozen=True)
class Common:
    """What the options say that ``common`` adds."""

    engine: str
    threads: int | None
    seed: int | None
    allow_python_layers: bool
    root_folder: str | None
    level: int | None
    stage: tuple[str, ...]
    gpu: str | None

    def arguments(self, threads: int | None = None) -> dict[str, Any]:
        """As arguments of ``Net``, ``Solver`` and ``diagnose``; *threads* where the user gave none."""
        return {
            "engine": make_engine(self.engine, self.threads or threads),
            "seed": self.seed,
            "allow_python_layers": self.allow_python_layers,
            "root": self.root_folder,
            "level": self.level,
            "stages": stage_list(self.stage),
        }

    def __post_init__(self) -> None:
        if self.gpu:
            click.echo("note: there is no GPU engine; the CPU computes", err=True)


def gathered(kind: type[Any], name: str, function: F) -> F:
    """*function*, which gets the options that the dataclass *kind* has fields for as one argument *name*."""

    @wraps(function)
    def collected(**options: Any) -> Any:
        given = kind(**{field.name: options.pop(field.name) for field in fields(kind)})
        return function(**{name: given}, **options)

    return collected  # type: ignore[return-value]


def common(function: F) -> F:
    """--engine, --threads, --seed, --allow-python-layers, --root-folder, --level, --stage, given to *function* as one
    argument ``common``."""
    made = gathered(Common, "common", function)
    for option in (engine, threads, seed, python_layers, root_folder, level, stages, gpu):
        made = option(made)
    return made


def loading(function: F) -> F:
    """--strict, --skip-mismatch."""
    return strict(skip_mismatch(function))


def stage_list(stage: tuple[str, ...]) -> list[str]:
    """The stages of repeated options and comma lists."""
    return [part.strip() for item in stage for part in item.split(",") if part.strip()]


def make_engine(name: str, threads: int | None) -> Any:
    """The engine called *name*, with its number of threads set where it has one to set."""
    from ..layers import choose_engine
    from ..plugins import plugin_manager

    engine: Any = choose_engine(name, plugin_manager())
    if threads and hasattr(engine, "set_threads"):
        engine.set_threads(threads)
    return engine


def read_labels(path: str | None) -> list[str]:
    """The class names in the text file *path*, one per line. Errors: click.UsageError for another kind of file."""
    from ..proto import read_text

    if path is None:
        return []
    names = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    if not names or not all(name.isprintable() for name in names):
        what = "something else" if names else "empty"
        raise click.UsageError(f"--labels is a text file, one class name per line; {path} is {what}")
    return names


def file_argument(name: str, what: str) -> Callable[[F], F]:
    """A file as the argument *name* or, in Caffe's spelling, as the option of that name, given to the function as
    ``path``; *what* it is. Errors: click.UsageError for none or both."""

    def decorate(function: F) -> F:
        @wraps(function)
        def resolved(**options: Any) -> Any:
            first, second = options.pop(name), options.pop(f"{name}_option")
            if bool(first) == bool(second):
                raise click.UsageError(f"give the {what} file once, as an argument or as an option")
            return function(path=first or second, **options)

        text = f"The {what} file, in Caffe's spelling."
        option = click.option(f"--{name}", f"-{name}", f"{name}_option", help=text)
        return click.argument(name, required=False)(option(resolved))  # type: ignore[return-value]

    return decorate
