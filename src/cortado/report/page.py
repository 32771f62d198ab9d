"""Files of charts: SVG, and a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from .chart import STYLE

SIZES = re.compile(r'<svg class="chart"[^>]*viewBox="0 0 (\d+) (\d+)"')

PAGE_STYLE = """
:root{color-scheme:light dark}
body{margin:0 auto;max-width:960px;padding:16px;font:15px/1.5 Helvetica,Arial,sans-serif;background:#fff;color:#1d2429}
h1{font-size:22px;margin:8px 0}h2{font-size:17px;margin:28px 0 8px;border-bottom:1px solid #d5dbdf}
svg,img{max-width:100%;height:auto}
@media (prefers-color-scheme: dark){body{background:#14181b;color:#e6eaec}h2{border-color:#38434a}a{color:#7ab8f0}}
"""


def stack_svg(charts: Sequence[str]) -> str:
    """One SVG file with *charts* below each other."""
    y, width, parts = 0, 0, []
    for chart in charts:
        w, h = (int(n) for n in SIZES.match(chart).groups())  # type: ignore[union-attr]
        parts.append(chart.replace("<svg ", f'<svg y="{y}" ', 1))
        y, width = y + h, max(width, w)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" height="{y}">'
    return f'{head}<style>{STYLE}</style><rect class="paper" width="{width}" height="{y}"/>{"".join(parts)}</svg>\n'


def page(title: str, body: str, style: str = "") -> str:
    """A page of its own that needs no network."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{PAGE_STYLE}{STYLE}{style}</style></head><body>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )
