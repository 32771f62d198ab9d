"""PNG: an SVG picture as a PNG, by resvg."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ..errors import MissingExtraError

SHARP = 2
"""Pixels per unit of the drawing."""
DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{(.*?)\} /\* dark \*/", re.S)
"""The block of styles for dark pages, which renderers of still pictures do not know."""


def to_png(svg: str, *, dark: bool = False) -> bytes:
    """*svg* as a PNG, as it looks on a light page or a dark one. Errors: MissingExtraError without resvg_py."""
    try:
        import resvg_py
    except ImportError:
        raise MissingExtraError.for_package("resvg_py", "draw", "drawing a PNG") from None
    shown = DARK.sub(r"\1" if dark else "", svg)
    return bytes(resvg_py.svg_to_bytes(svg_string=shown, zoom=SHARP, **_fonts()))


def _fonts() -> dict[str, Any]:
    """A font for machines that have none: the one that comes with Matplotlib."""
    try:
        from matplotlib import get_data_path
    except ImportError:
        return {}
    folder = str(Path(get_data_path()) / "fonts" / "ttf")
    return {"font_dirs": [folder], "sans_serif_family": "DejaVu Sans", "font_family": "DejaVu Sans"}
