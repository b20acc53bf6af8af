# SPDX-License-Identifier: Apache-2.0
"""The facts of ``wcow inspect`` as text for people."""

from __future__ import annotations

import json
from typing import Any

from ...images.inspect.tree import shown
from ..output import day, fields, table
from ..render import human

_LONG = 100
"""Characters of a history line that are shown; all of it is in ``--format json``."""


def index_text(facts: dict[str, Any]) -> list[str]:
    """An index: its entries in the order a client tries them."""
    rows = [(_platform(entry["platform"]), ",".join((entry["platform"] or {}).get("os.features", [])),
             human(entry["size"]), entry["digest"]) for entry in facts["manifests"]]
    return [
        *fields([("Name", facts["name"]), ("Digest", facts["digest"]), ("Type", f"index ({facts['media_type']})"),
                 *_pairs("Annotation", facts["annotations"])]),
        "", f"{len(rows)} manifest{'s' if len(rows) != 1 else ''}:",
        *table(("PLATFORM", "FEATURES", "SIZE", "DIGEST"), rows, right=(2,)),
    ]


def image_text(facts: dict[str, Any]) -> list[str]:
    """An image: what it is, how it starts, its layers and its history."""
    base = facts["base"] or {}
    run = facts["config"]
    lines = fields([
        ("Name", facts["name"]), ("Location", facts["location"] if facts["location"] != facts["name"] else ""),
        ("Digest", facts["digest"]), ("From index", facts["index"] or ""), ("Type", facts["media_type"]),
        ("Platform", _platform(facts["platform"])), ("Features", ", ".join(facts["platform"]["os.features"])),
        ("Created", day(facts["created"])), ("Author", facts["author"]), ("Size", human(facts["size"])),
        ("Base", " @ ".join(text for text in (base.get("name"), base.get("digest")) if text)),
        ("Config", facts["config_digest"]),
        *[(name, _value(run[name])) for name in sorted(run) if name not in ("Env", "Labels")],
        *[("Env", text) for text in run.get("Env") or ()],
        *_pairs("Label", run.get("Labels") or {}), *_pairs("Annotation", facts["annotations"]),
    ])
    lines += ["", f"{len(facts['layers'])} layer{'s' if len(facts['layers']) != 1 else ''}, the lowest first:"]
    lines += table(("LAYER", "SIZE", "DIGEST", "DIFF ID", "TYPE"), [
        (str(layer["number"]), human(layer["size"]), layer["digest"][:19], layer["diff_id"][:19],
         layer["media_type"].rpartition(".")[2] + (" (foreign)" if layer["foreign"] else ""))
        for layer in facts["layers"]], right=(0, 1))
    if facts["history"]:
        lines += ["", "History:"]
        lines += [f"  {day(step['created']) or '-':<16}  {'     ' if step['empty_layer'] else 'layer'}  "
                  f"{_cut(shown(step['created_by'] or step['comment'] or '-'))}" for step in facts["history"]]
    return lines


def _platform(platform: dict[str, Any] | None) -> str:
    if platform is None:
        return "-"
    version = f"({platform['os.version']})" if platform["os.version"] else ""
    variant = f"/{platform['variant']}" if platform["variant"] else ""
    return f"{platform['os']}{version}/{platform['architecture']}{variant}"


def _pairs(name: str, values: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, f"{key}={value}") for key, value in sorted(values.items())]


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else text[:_LONG - 1] + "…"
