# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The containers of an engine as hosts: their variables, and the groups that they are in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...imagebuild.dockerapi import Client, faults, shapes
from ._resources.container import find
from ._task import filters_of


def facts_of(client: Client, *, stopped: bool, filters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The variables of each container, in the order of their names."""
    rows = client.json("GET", "/containers/json", query={"all": stopped, "filters": filters_of(filters)}) or []
    found = [one for row in rows if (one := find(client, str(row["Id"]))) is not None]
    versions: dict[str, str] = {}
    for one in found:
        if one.image not in versions:
            versions[one.image] = _os_version(client, one.image)
    return sorted((_facts(one, versions[one.image]) for one in found), key=lambda facts: str(facts["wcow_name"]))


def groups_of(facts: Mapping[str, Any], by: Sequence[str]) -> Iterator[str]:
    """The names of a container's groups, before Ansible takes out what no name may have."""
    if "image" in by:
        yield f"image_{facts['wcow_image'].rpartition('@')[0] or facts['wcow_image']}"
    if "build" in by and facts["wcow_build"]:
        yield f"build_{facts['wcow_build']}"
    if "isolation" in by and facts["wcow_isolation"]:
        yield f"isolation_{facts['wcow_isolation']}"
    if "label" in by:
        for key, value in facts["wcow_labels"].items():
            yield f"label_{key}_{value}" if value else f"label_{key}"


def _facts(found: shapes.Inspect, version: str) -> dict[str, Any]:
    parts = version.split(".")
    networks = found.network_settings.networks or {}
    return {
        "wcow_name": found.name.removeprefix("/"), "wcow_id": found.id, "wcow_image": found.config.image,
        "wcow_state": found.state.status, "wcow_isolation": found.host_config.isolation or "default",
        "wcow_os_version": version, "wcow_build": parts[2] if len(parts) > 2 else "",
        "wcow_labels": dict(found.config.labels or {}),
        "wcow_networks": {name: one.ip_address for name, one in networks.items()},
    }


def _os_version(client: Client, image: str) -> str:
    """The Windows version of an image; empty for one that was removed under its container."""
    try:
        return str((client.json("GET", f"/images/{image}/json") or {}).get("OsVersion") or "")
    except faults.NotFound:
        return ""
