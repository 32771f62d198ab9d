"""pycaffe's ``caffe.draw``, by ``cortado draw``: no Graphviz is needed."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..errors import ParameterError
from ..layers import Phase


def draw_net(
    caffe_net: Any, rankdir: str = "TB", ext: str = "png", phase: int | None = None, display_lrm: bool = False
) -> bytes:
    """The picture of a NetParameter as ``svg``, ``html`` or ``png``. *rankdir* and *display_lrm* change nothing."""
    from ..netdef.draw import draw_html, draw_png, draw_svg
    from ..netdef.summary import summarize

    found = summarize(caffe_net, None if phase is None else Phase(phase))
    if ext == "svg":
        return draw_svg(found).encode()
    if ext == "html":
        return draw_html(found).encode()
    if ext != "png":
        raise ParameterError("pictures of nets are svg, html or png", got=ext)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "net.png"
        draw_png(found, path)
        return path.read_bytes()


def draw_net_to_file(
    caffe_net: Any, filename: str, rankdir: str = "TB", phase: int | None = None, display_lrm: bool = False
) -> None:
    """Draw a NetParameter into a file; its ending says what kind."""
    from ..proto import atomic_write

    atomic_write(filename, draw_net(caffe_net, rankdir, Path(filename).suffix[1:].lower(), phase, display_lrm))
