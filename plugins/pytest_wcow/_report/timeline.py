# SPDX-License-Identifier: Apache-2.0
"""One page, without a network: a row for each worker and container, a bar for each thing that took time."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._run import Run, Span

COLOURS = {"pull": "#8e6bbf", "build": "#6b7fbf", "create": "#4d9de0", "start": "#3bb273", "wait": "#e1bc29",
           "test": "#9aa5b1", "stop": "#e15554"}

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>wcow: timeline</title><style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #1b2733; background: #fff; }}
h2 {{ font-size: 1em; margin: 1.2em 0 .3em; }}
.row {{ display: flex; align-items: center; margin: 2px 0; }}
.name {{ flex: 0 0 22em; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; padding-right: 1em; }}
.bars {{ position: relative; flex: 1; height: 16px; background: #f2f5f8; }}
.bar {{ position: absolute; top: 0; height: 16px; min-width: 2px; }}
.failed {{ outline: 2px solid #b00020; outline-offset: -2px; }}
.key span {{ display: inline-block; width: .9em; height: .9em; margin: 0 .3em 0 1em; vertical-align: -1px; }}
@media (prefers-color-scheme: dark) {{
body {{ background: #14191f; color: #dbe3ea; }}
.bars {{ background: #222b34; }} }}
</style></head><body>
<h1>wcow: timeline</h1>
<p>{seconds:.1f} s, {engine}. A red frame marks what failed.</p>
<p class="key">{key}</p>
{rows}
</body></html>
"""


def write_timeline(run: Run) -> None:
    """Write the page where --wcow-timeline says. A page that cannot be written is told in the summary."""
    try:
        Path(run.options.timeline).write_text(page(run.spans, ", ".join(run.options.engines)), encoding="utf-8")
    except OSError as error:
        run.leftovers.append(f"the timeline was not written: {error}")


def page(spans: list[Span], engine: str) -> str:
    """The page as text."""
    begin = min((one.begin for one in spans), default=0.0)
    total = max((one.end for one in spans), default=begin + 1.0) - begin or 1.0
    key = "".join(f'<span style="background:{colour}"></span>{what}' for what, colour in COLOURS.items())
    return _PAGE.format(seconds=total if spans else 0.0, engine=html.escape(engine), key=key,
                        rows="\n".join(_rows(spans, begin, total)))


def _rows(spans: list[Span], begin: float, total: float) -> Iterator[str]:
    for worker in sorted({one.worker for one in spans}):
        yield f"<h2>{html.escape(worker or 'this process')}</h2>"
        mine = [one for one in spans if one.worker == worker]
        rows: dict[str, list[Span]] = {}
        for one in mine:
            rows.setdefault(one.test or one.name, []).append(one)
        for name, row in rows.items():
            bars = "".join(_bar(one, begin, total) for one in sorted(row, key=lambda span: span.begin))
            text = html.escape(name)
            yield f'<div class="row"><div class="name" title="{text}">{text}</div><div class="bars">{bars}</div></div>'


def _bar(one: Span, begin: float, total: float) -> str:
    left, width = 100 * (one.begin - begin) / total, 100 * (one.end - one.begin) / total
    title = html.escape(f"{one.what} {one.name}: {one.end - one.begin:.3f} s" + (", failed" if one.failed else ""))
    failed = " failed" if one.failed else ""
    return (f'<div class="bar{failed}" title="{title}" style="left:{left:.3f}%;width:{width:.3f}%;'
            f'background:{COLOURS.get(one.what, "#777")}"></div>')
