"""Finding: something that may keep a net from training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that may be wrong: its *kind*, the *layer* (``*``: the whole net), what was seen, and what to do."""

    kind: str
    layer: str
    seen: str
    remedy: str

    def __str__(self) -> str:
        place = "" if self.layer == "*" else f"layer '{self.layer}': "
        return f"{place}{self.seen}. What to do: {self.remedy}"
