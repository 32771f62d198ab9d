"""How many bottoms or tops a layer takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Arity:
    """A range of counts; ``maximum`` None is unbounded."""

    minimum: int
    maximum: int | None

    def accepts(self, count: int) -> bool:
        return self.minimum <= count and (self.maximum is None or count <= self.maximum)

    def __str__(self) -> str:
        if self.maximum is None:
            return f"at least {self.minimum}"
        if self.minimum == self.maximum:
            return str(self.minimum)
        return f"{self.minimum} to {self.maximum}"


def exactly(count: int) -> Arity:
    """Just *count*."""
    return Arity(count, count)


def at_least(count: int) -> Arity:
    """*count* or more."""
    return Arity(count, None)


def between(minimum: int, maximum: int) -> Arity:
    """From *minimum* to *maximum*, both included."""
    return Arity(minimum, maximum)
