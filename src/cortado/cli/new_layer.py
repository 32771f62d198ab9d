"""``cortado new-layer``."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from string import Template
from zlib import crc32

import click

from ._options import file

TEMPLATES = Path(__file__).with_name("_templates")
PACKAGE = {
    "pyproject.toml": "package/pyproject.toml.tmpl",
    "README.md": "package/README.md.tmpl",
    ".gitignore": "package/gitignore.tmpl",
    "src/$package/__init__.py": "package/src/init.py.tmpl",
    "src/$package/$module.py": "layer.py.tmpl",
    "tests/conftest.py": "package/tests/conftest.py.tmpl",
    "tests/test_$module.py": "package/tests/test_layer.py.tmpl",
    "docs/$module.md": "package/docs/layer.md.tmpl",
}
"""The files of a new package, and the templates they are made from."""

FIRST_NUMBER, NUMBERS = 300_000_000, 200_000_000
"""Field numbers are drawn from so many that two plugins hardly meet; dialects use those below."""


@click.command(epilog="Example: cortado new-layer SoftBend --dir .")
@click.argument("name")
@click.option("--dir", "folder", type=file, default=".", show_default=True, help="The folder to write into.")
@click.option("--one-file", is_flag=True, help="Write a single file, for --plugins-dir, instead of a package.")
def command(name: str, folder: str, one_file: bool) -> None:
    """Write a package with a layer of type NAME that can be installed, and whose tests pass.

    It has the layer, its own typed parameters, tests with the conformance kit, and docs; change the formula and go on
    from there. Nothing that exists is overwritten.
    """
    words = _words(name)
    if one_file:
        path = Path(folder, f"{words['module']}.py")
        _write({path: _filled("layer.py.tmpl", words) + _filled("hook.py.tmpl", words)})
        click.echo(f"{path}\ntry it: cortado --plugins-dir {folder} layers {name}")
        return
    home = Path(folder, words["distribution"])
    files = {home / Template(path).substitute(words): _filled(template, words) for path, template in PACKAGE.items()}
    _write(files)
    for path in files:
        click.echo(path)
    click.echo(f"test it:    cd {home} && python -m pytest\ninstall it: pip install -e {home}")


def _words(name: str) -> dict[str, str]:
    """What the templates are filled with. Errors: click.UsageError for a name that makes no type."""
    from ..plugins import plugin_manager

    if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name):
        raise click.UsageError(f"a layer type is named in capitals and letters, such as SoftBend; got '{name}'")
    known = plugin_manager().registry("layers").entries.get(name)
    if known:
        raise click.UsageError(f"layer type '{name}' is there already, from {known[0].provider}")
    module = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    field = f"{module}_param"
    return {
        "type": name,
        "module": module,
        "package": f"cortado_{module}",
        "distribution": f"cortado-{module.replace('_', '-')}",
        "field": field,
        "number": str(FIRST_NUMBER + crc32(field.encode()) % NUMBERS),
    }


def _filled(template: str, words: dict[str, str]) -> str:
    return Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(words)


def _write(files: dict[Path, str]) -> None:
    """Write all *files*, or none. Errors: FileError, before anything is written, where one of them exists."""
    from ..errors import FileError
    from ..proto import atomic_write

    for path in files:
        if os.path.exists(path):
            raise FileError("this file is there already, and is left as it is", where=str(path.absolute()))
    made: list[Path] = []
    try:
        for path, text in files.items():
            missing = [folder for folder in path.parents if not folder.exists()]
            made += reversed(missing)
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(path, text)
            made.append(path)
    except BaseException as error:
        for path in reversed(made):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        if isinstance(error, OSError):
            raise FileError(f"cannot write: {error.strerror}", where=str(error.filename)) from None
        raise
