"""The ``cortado`` program: ``python -m cortado`` is the same."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def main() -> None:
    """Run the command line. Exit status 0: done; 1: an error, named in one message; 2: a wrong call; 130: Ctrl-C."""
    try:
        import click

        from .cli import program
        from .errors import CortadoError
    except KeyboardInterrupt:
        sys.exit(130)
    try:
        sys.exit(program(prog_name="cortado", standalone_mode=False) or 0)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except CortadoError as error:
        _say(error)
    except MemoryError as error:
        _say(f"there is not enough memory: {error}".removesuffix(": "))
    except OSError as error:
        if os.environ.get("CORTADO_TRACEBACK"):
            raise
        place = f"{error.filename}: " if error.filename else ""
        _say(f"{place}the system refuses this: {error.strerror or error}")
    except Exception as error:
        if os.environ.get("CORTADO_TRACEBACK"):
            raise
        text = f"{type(error).__name__}: {error}"
        click.echo(f"internal error: {text}\nThis is a defect of Cortado; CORTADO_TRACEBACK=1 shows where.", err=True)
        sys.exit(1)


def _say(error: object) -> NoReturn:
    import click

    click.echo(f"{click.style('error:', fg='red', bold=True)} {error}", err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
