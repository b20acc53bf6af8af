# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove what is not used."""

from __future__ import annotations

from typing import Any

from ._task import Task, filters_of

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
            **(filters or {}), "status": ["created", "exited", "dead"]}}) or []
        return [str(row["Id"]) for row in rows]
    if kind == "volumes":
        rows = (client.json("GET", "/volumes", query={"filters": {**_without(filters, "all"), "dangling": ["true"]}})
                or {}).get("Volumes") or []
        everything = "true" in _texts((filters or {}).get("all"))
        return [str(row["Name"]) for row in rows if everything or "com.docker.volume.anonymous" in
                (row.get("Labels") or {})]
    if kind == "networks":
        rows = client.json("GET", "/networks", query={"filters": {**(filters or {}), "type": ["custom"],
                                                                  "dangling": ["true"]}}) or []
        return [str(row["Name"]) for row in rows]
    if kind == "images":
        every = "false" in _texts((filters or {}).get("dangling"))
        used = {row["ImageID"] for row in client.json("GET", "/containers/json", query={"all": True}) or []}
        rows = client.json("GET", "/images/json", query={"filters": {
            **_without(filters, "dangling"), **({} if every else {"dangling": ["true"]})}}) or []
        return [str(row["Id"]) for row in rows if row["Id"] not in used]
    return []


def _without(filters: Any, name: str) -> dict[str, Any]:
    return {key: value for key, value in (filters or {}).items() if key != name}


def _texts(value: Any) -> list[str]:
    return [str(one).lower() for one in (value if isinstance(value, list) else [] if value is None else [value])]


def _name(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("Deleted") or value.get("Untagged") or value.get("ID") or "")
    return str(value)
