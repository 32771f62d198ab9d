"""Every error that Cortado raises, in one hierarchy and one grammar.

    CortadoError
    ├── ParseError              text that the grammar or the schema refuses
    ├── FormatError             a binary file that is damaged, or is not what it should be
    ├── FileError               a file, folder or database that cannot be opened or written
    ├── NetError                a net definition that cannot be built
    │   ├── UnknownLayerError   a layer type that no enabled plugin provides
    │   ├── ParameterError      a layer parameter outside its rule
    │   └── ShapeError          blobs whose shapes do not fit together
    ├── SolverError             a solver definition that cannot be run
    ├── WeightsError            weights that do not fit the net they are loaded into
    ├── DataError               a record that cannot be used
    ├── NumericsError           NaN or infinity where numbers were expected
    ├── PluginError             a plugin that breaks its contract, or clashes with another
    ├── CommunicationError      a process of a data-parallel run that does not answer
    ├── PermissionRefused       something a file asks for that the caller has not allowed
    └── MissingExtraError       an optional package that is not installed

A message reads ``where: who: rule; got what (hint)``: where is ``file:line:column``, who the layer with its type, the
solver or the plugin. All five parts are also attributes, for programs that want to show them in their own way.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Position(NamedTuple):
    """A place in a text file; lines and columns count from 1, and 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        parts = [self.file] + [str(n) for n in (self.line, self.column) if n]
        return ":".join(parts)


class CortadoError(Exception):
    """The base of all errors.

    Parameters: *rule*, what must hold, with named numbers; *where*, a position or path; *who*, the layer, solver or
    plugin that asks for it; *got*, what came instead; *hint*, the way out.
    """

    def __init__(
        self,
        rule: str,
        *,
        where: Position | str | None = None,
        who: str | None = None,
        got: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(rule)
        self.rule, self.where, self.who, self.got, self.hint = rule, where, who, got, hint

    def __str__(self) -> str:
        head = "".join(f"{part}: " for part in (self.where, self.who) if part)
        got = f"; got {self.got}" if self.got else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{head}{self.rule}{got}{hint}"

    def located(self, where: Position | str | None = None, who: str | None = None) -> CortadoError:
        """Fill in a place and a name that the raiser did not know; returns itself, for ``raise err.located(...)``."""
        self.where = self.where or where
        self.who = self.who or who
        return self


class ParseError(CortadoError):
    """Text that the grammar or the schema refuses. ``problems`` lists every one found, each a ParseError; ``instead``
    names the message that the text is of, where it is a whole one of another kind."""

    problems: tuple[ParseError, ...] = ()
    instead: str = ""

    @classmethod
    def gather(cls, problems: Iterable[ParseError]) -> ParseError:
        """One error that stands for all *problems*: it reads as the first, then counts and lists the others."""
        found = tuple(problems)
        first = found[0]
        error = cls(first.rule, where=first.where, who=first.who, got=first.got, hint=first.hint)
        error.problems = found
        return error

    def __str__(self) -> str:
        lines = [super().__str__()] + [str(p) for p in self.problems[1:]]
        return "\n".join(lines)


class FormatError(CortadoError):
    """A binary file that is damaged, or is not what it should be."""


class FileError(CortadoError):
    """A file, folder or database that cannot be opened or written."""


class NetError(CortadoError):
    """A net definition that cannot be built."""


class UnknownLayerError(NetError):
    """A layer type that no enabled plugin provides."""


class ParameterError(NetError):
    """A layer parameter outside its rule."""


class ShapeError(NetError):
    """Blobs whose shapes do not fit together."""


class SolverError(CortadoError):
    """A solver definition that cannot be run."""


class WeightsError(CortadoError):
    """Weights that do not fit the net they are loaded into."""


class DataError(CortadoError):
    """A record that cannot be used. ``item`` is the blob that it is in, and its index there, where that is known."""

    item: tuple[str, int] | None = None


class NumericsError(CortadoError):
    """NaN or infinity where numbers were expected.

    From a training run it also says in which ``iteration``, ``layer`` and ``blob``, and ``when``: in the forward or
    backward pass, or in the update.
    """

    iteration: int | None = None
    layer: str = ""
    blob: str = ""
    when: str = ""


class PluginError(CortadoError):
    """A plugin that breaks its contract, or clashes with another."""


class CommunicationError(CortadoError):
    """A process of a data-parallel run that does not answer. ``speaker``: whether, of the processes that noticed it,
    this is the one to tell."""

    speaker: bool = True


class PermissionRefused(CortadoError):  # noqa: N818 - says what happened, as PermissionError is taken
    """Something a file asks for that the caller has not allowed."""


class MissingExtraError(CortadoError):
    """An optional package that is not installed."""

    @classmethod
    def for_package(cls, package: str, extra: str, need: str) -> MissingExtraError:
        """The error for a missing *package*, that *extra* of Cortado installs, needed to do *need*."""
        return cls(f"{need} needs the package {package}", hint=f"pip install 'cortado[{extra}]'")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """``did you mean 'x'?`` for the known name that is closest to *name*, or None."""
    names = sorted(set(known))
    folded = {n.lower().replace("_", ""): n for n in names}
    same = folded.get(name.lower().replace("_", ""))
    close = [same] if same else difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else None


def choice(name: str, known: Sequence[str], most: int = 12) -> str | None:
    """The nearest of the *known* names, or all of them, up to *most*; None where there are none."""
    more = ", ..." if len(known) > most else ""
    return nearest(name, known) or (f"there are {', '.join(known[:most])}{more}" if known else None)
