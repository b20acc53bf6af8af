# SPDX-License-Identifier: Apache-2.0
"""A matrix as one HTML page that stands alone: no script, nothing loaded, reasons behind each cell.

A cell is a button that opens its reasons with the browser's own popover, so the page works from disk and in a mail.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterator
from pathlib import Path

from ...compat.grid import Cell, Matrix
from ...compat.report import Report
from ...compat.verdict import Verdict
from ...images.inspect.tree import shown
from ...windows.facts.host import HostFacts

WORDS = {"yes": "yes", "likely": "likely", "maybe": "maybe", "no": "no", "unknown": "?"}


def page(found: Matrix) -> str:
    """The whole page."""
    style = Path(__file__).with_name("compat_matrix.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    head = "".join(f"<th scope=\"col\">{_text(subject.name)}</th>" for subject in found.images)
    rows: list[str] = []
    notes: list[str] = []
    for place, (host, row) in enumerate(zip(found.hosts, found.rows, strict=True)):
        cells = []
        for column, parts in enumerate(row):
            buttons = []
            for cell in parts:
                name = f"r{place}c{column}{cell.isolation[0]}"
                buttons.append(_button(cell, name))
                notes.append(_note(cell, name, host, found.images[column].name))
            cells.append(f"<td>{''.join(buttons)}</td>")
        rows.append(f"<tr><th scope=\"row\">{_host(host)}</th>{''.join(cells)}</tr>")
    count = f"{len(found.hosts)} hosts, {len(found.images)} images"
    return (
        "<!DOCTYPE html>\n<!-- SPDX-License-Identifier: Apache-2.0 -->\n<html lang=\"en\">\n<head>\n"
        "<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<meta name=\"generator\" content=\"wcow\">\n<title>What runs where</title>\n"
        f"<style>{style}</style>\n</head>\n<body>\n<header><h1>What runs where</h1>\n<p>{count}. "
        f"{_legend(found)} Press a cell for the reasons.</p></header>\n<main>\n<table>\n"
        f"<thead><tr><td></td>{head}</tr></thead>\n<tbody>\n" + "\n".join(rows) + "\n</tbody>\n</table>\n</main>\n"
        + "\n".join(notes) + "\n</body>\n</html>\n")


def _legend(found: Matrix) -> str:
    both = len(found.isolations) == 2
    return ("In each cell: process isolation, then Hyper-V. " if both else
            f"With {found.isolations[0]} isolation. ") + (
        "<i>likely</i>: it should; <i>maybe</i>: it depends, or reports differ.")


def _host(host: HostFacts) -> str:
    version = str(host.version) if host.version else host.os
    return f"{_text(host.name)}<small>{_text(version)}</small>" if host.name and host.name != version else \
        _text(version)


def _button(cell: Cell, name: str) -> str:
    letter = "P" if cell.isolation == "process" else "H"
    return (f"<button type=\"button\" class=\"{cell.runs}\" popovertarget=\"{name}\"><span>{letter}</span> "
            f"{WORDS[cell.runs]}</button>")


def _note(cell: Cell, name: str, host: HostFacts, image: str) -> str:
    title = f"{_text(image)} on {_text(host.name or str(host.version or host.os))}, {cell.isolation} isolation"
    body = "".join(_pick(cell)) + ("".join(_report(cell.report)) if cell.report else "")
    return f"<section popover id=\"{name}\"><h2>{title}</h2>{body}</section>"


def _pick(cell: Cell) -> Iterator[str]:
    found = cell.pick
    if found is None:
        return
    if found.place is None:
        yield f"<p>{_text(found.engine.name)} takes nothing from the index: <code>{_text(found.error)}</code></p>"
    else:
        yield f"<p>{_text(found.engine.name)} takes entry {found.place} of the index.</p>"
    if found.place is not None and found.better is not None:
        yield f"<p>Entry {found.better} would do better.</p>"


def _report(report: Report) -> Iterator[str]:
    yield f"<p class=\"summary\">{_text(report.summary)}</p><dl>"
    for name, verdict in (("support", report.support), ("engine", report.engine), ("start", report.start)):
        yield f"<dt>{name} <b class=\"{verdict.answer}\">{WORDS[verdict.answer]}</b>{_sure(verdict)}</dt>"
        for reason in (*verdict.reasons, *(report.warnings if name == "start" else ())):
            source = f"<small>{_text(reason.sources)}</small>" if reason.sources else ""
            yield f"<dd>{_text(reason.text)}{source}</dd>"
    yield "</dl>"
    if report.remedies and report.runs != "yes":
        yield "<h3>What to do</h3><ul>" + "".join(f"<li>{_text(item)}</li>" for item in report.remedies) + "</ul>"


def _sure(verdict: Verdict) -> str:
    return f" <small>{verdict.confidence}</small>" if verdict.confidence != "none" else ""


def _text(text: str) -> str:
    return html.escape(shown(text))
