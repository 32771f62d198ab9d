"""The fields of a ``Parameters`` declaration: kind, default, permitted range, choices, and the words of each rule."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

ZERO: dict[str, Any] = {
    "float": 0.0, "double": 0.0, "int32": 0, "int64": 0, "uint32": 0, "uint64": 0, "bool": False, "string": ""
}  # fmt: skip
"""What protobuf gives for a field that is not set and has no default."""

RANGES = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

Check = Callable[[Any], "str | None"]
"""Looks at one value; returns the rule that it breaks, in words that follow a name (``must be even``), or None."""


@dataclass(frozen=True)
class Field:
    """One declared field.

    *number*, its wire number; *default*; *minimum* and *maximum*, themselves permitted; *above* and *below*, themselves
    not; *choices*; whether *repeated* or *required*; *check*, a function of a value that returns the rule it breaks
    (``"must be even"``); *doc*; *name*, where the prototxt calls it something that a class attribute cannot be called.
    """

    number: int
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    choices: Sequence[str] = ()
    repeated: bool = False
    required: bool = False
    check: Check | None = None
    doc: str = ""
    name: str = ""
    kind: str = "float"

    def rule(self, value: Any) -> str | None:
        """The rule that *value* breaks, as the words behind its name, or None. NaN lies in no range."""
        low, high, above, below = map(self._rounded, (self.minimum, self.maximum, self.above, self.below))
        number = self._rounded(value) if self.bounded else value
        inside = (
            (low is None or number >= low)
            and (high is None or number <= high)
            and (above is None or number > above)
            and (below is None or number < below)
        )
        if not inside:
            return f"must be {self.range}"
        return self.check(value) if self.check is not None else None

    def _rounded(self, value: Any) -> Any:
        """*value* as a field of 32 bits keeps it, so that text and binary files are judged alike."""
        if self.kind != "float" or value is None or not math.isfinite(value):
            return value
        try:
            return struct.unpack("<f", struct.pack("<f", value))[0]
        except OverflowError:
            return math.copysign(math.inf, value)

    @property
    def range(self) -> str:
        """The permitted values in words: ``at least 0 and less than 1``; nothing for a field without a range."""
        bounds = (
            ("at least", self.minimum),
            ("greater than", self.above),
            ("at most", self.maximum),
            ("less than", self.below),
        )
        return " and ".join(f"{phrase} {bound:g}" for phrase, bound in bounds if bound is not None)

    @property
    def bounded(self) -> bool:
        """Whether the field has a range."""
        return any(b is not None for b in (self.minimum, self.maximum, self.above, self.below))

    @property
    def ruled(self) -> bool:
        """Whether there are values that the field's type has and its rule refuses."""
        return self.bounded or self.check is not None

    def choice(self, value: int) -> str:
        """The name of the choice that a message holds as the number *value*."""
        return self.choices[value]

    def unset(self) -> Any:
        """The value of the field in a message that does not set it."""
        return ZERO.get(self.kind) if self.default is None else self.default

    def mistake(self) -> str | None:
        """What is wrong with the declaration itself, in words, or None."""
        if not isinstance(self.number, int) or not 0 < self.number < 2**29 or 19000 <= self.number < 20000:
            return f"its number must be from 1 to 536870911 and outside 19000 to 19999, not {self.number!r}"
        if self.default is not None and (self.repeated or self.required):
            return f"a {'repeated' if self.repeated else 'required'} field has no default"
        if self.kind == "enum":
            return self._choice_mistake()
        if self.default is not None and not self._fits(self.default):
            return f"its default must be of type {self.kind}, not {self.default!r}"
        return self._rule_mistake()

    def _rule_mistake(self) -> str | None:
        if self.bounded and self.kind not in ("float", "double", *RANGES):
            return f"a range needs a number, and {self.kind} is none"
        if self.ruled and self.kind in ZERO and not (self.repeated or self.required):
            broken = self.rule(self.unset())
            return broken and f"its default {broken}, not {self.unset()!r}; or declare it required"
        return None

    def _choice_mistake(self) -> str | None:
        names = list(self.choices)
        if not names or len(set(names)) != len(names) or not all(isinstance(n, str) and WORD.match(n) for n in names):
            return f"its choices must be different words without spaces, not {names}"
        if self.default not in (None, *names):
            return f"its default must be one of {', '.join(names)}, not {self.default!r}"
        return None

    def _fits(self, value: Any) -> bool:
        """Whether a Python value is one of the field's type."""
        if self.kind in ("bool", "string"):
            return isinstance(value, {"bool": bool, "string": str}[self.kind])
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if self.kind in RANGES:
            low, high = RANGES[self.kind]
            return isinstance(value, int) and low <= value <= high
        return self.kind in ("float", "double")


Float = partial(Field, kind="float")
Double = partial(Field, kind="double")
Int = partial(Field, kind="int32")
UInt = partial(Field, kind="uint32")
Int64 = partial(Field, kind="int64")
UInt64 = partial(Field, kind="uint64")
Bool = partial(Field, kind="bool")
String = partial(Field, kind="string")


def Choice(
    number: int,
    choices: Sequence[str],
    default: str | None = None,
    *,
    repeated: bool = False,
    required: bool = False,
    doc: str = "",
    name: str = "",
) -> Field:
    """A field that takes one of *choices*, written without quotes; the first is the default unless *default* says.

    A message holds the place of the choice in the list, from 0; ``MyParameters.mode.choice(self.param.mode)`` names it.
    """
    given = default if default is not None or repeated or required or not choices else choices[0]
    return Field(
        number, given, choices=tuple(choices), repeated=repeated, required=required, doc=doc, name=name, kind="enum"
    )


def Message(
    number: int, kind: str, *, repeated: bool = False, required: bool = False, doc: str = "", name: str = ""
) -> Field:
    """A field of another message type of the schema, such as ``FillerParameter`` or ``BlobShape``."""
    return Field(number, repeated=repeated, required=required, doc=doc, name=name, kind=kind)
