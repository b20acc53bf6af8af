# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove what is not used."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime
from typing import Any

from ....imagebuild.dockerapi.duration import parse_duration
from ....imagebuild.errors import FormatError, quoted
from .._task import Task, TaskError, filters_of

KINDS = {"containers": "ContainersDeleted", "images": "ImagesDeleted", "networks": "NetworksDeleted",
         "volumes": "VolumesDeleted", "builder_cache": "CachesDeleted"}


def prune(task: Task) -> dict[str, Any]:
    """``wcow.containers.prune``."""
    wanted = [kind for kind in KINDS if task.args[kind]]
    result: dict[str, Any] = {"changed": False, "actions": [], "space_reclaimed": 0}
    for kind in wanted:
        filters = filters_of(task.args.get(f"{kind}_filters"))
        if task.check:
            gone = _would_go(task, kind, filters)
        else:
            path = "/build/prune" if kind == "builder_cache" else f"/{kind}/prune"
            said = task.client.json("POST", path, query={"filters": filters}) or {}
            gone = [_name(one) for one in said.get(KINDS[kind]) or []]
            result["space_reclaimed"] += int(said.get("SpaceReclaimed") or 0)
        result[kind] = gone
        if gone:
            result["changed"] = True
            result["actions"].append(f"remove {len(gone)} {kind.replace('_', ' ')}")
    result["diff"] = {"before": {kind: result[kind] for kind in wanted if result[kind]},
                      "after": {kind: [] for kind in wanted if result[kind]}}
    return result


def _would_go(task: Task, kind: str, filters: Any) -> list[str]:
    """What a prune would remove, told without removing it."""
    client = task.client
    if kind == "containers":
        rows = client.json("GET", "/containers/json", query={"all": True, "filters": {
            **_without(filters, "until"), "status": ["created", "exited", "dead"]}}) or []
        return [str(row["Id"]) for row in rows if _old(row["Created"], filters)]
    if kind == "volumes":
        rows = (client.json("GET", "/volumes", query={"filters": {**_without(filters, "all"), "dangling": ["true"]}})
                or {}).get("Volumes") or []
        everything = "true" in _texts((filters or {}).get("all"))
        return [str(row["Name"]) for row in rows if everything or "com.docker.volume.anonymous" in
                (row.get("Labels") or {})]
    if kind == "networks":
        rows = client.json("GET", "/networks", query={"filters": {**_without(filters, "until"), "type": ["custom"],
                                                                  "dangling": ["true"]}}) or []
        return [str(row["Name"]) for row in rows if _old(row["Created"], filters)]
    if kind == "images":
        every = "false" in _texts((filters or {}).get("dangling"))
        used = {row["ImageID"] for row in client.json("GET", "/containers/json", query={"all": True}) or []}
        rows = client.json("GET", "/images/json", query={"filters": {
            **_without(filters, "dangling", "until"), **({} if every else {"dangling": ["true"]})}}) or []
        return [str(row["Id"]) for row in rows if row["Id"] not in used and _old(row["Created"], filters)]
    return []


def _without(filters: Any, *names: str) -> dict[str, Any]:
    return {key: value for key, value in (filters or {}).items() if key not in names}


def _old(created: Any, filters: Any) -> bool:
    """Whether a thing is as old as the filter ``until`` asks for: lists do not know that filter, only prune does."""
    return all(_moment(str(created)) <= _moment(text, ago=True) for text in _texts((filters or {}).get("until")))


def _moment(text: str, *, ago: bool = False) -> float:
    """Seconds since 1970 of a number, a timestamp, or a duration before now. Raises TaskError for another text."""
    with suppress(ValueError):
        return float(text)
    with suppress(ValueError):
        return datetime.fromisoformat(text.upper()).timestamp()
    if ago:
        with suppress(FormatError):
            return time.time() - parse_duration(text) / 1e9
    raise TaskError(f"until is {quoted(text)}, and it has to be a duration like 24h, or a timestamp")


def _texts(value: Any) -> list[str]:
    return [str(one).lower() for one in value or []]


def _name(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("Deleted") or value.get("Untagged") or value.get("ID") or "")
    return str(value)
