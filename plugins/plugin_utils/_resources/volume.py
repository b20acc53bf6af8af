# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes: there as they shall be, or gone."""

from __future__ import annotations

from typing import Any

from ....imagebuild.dockerapi import faults, shapes
from ....imagebuild.errors import quoted
from .. import _secret
from .._task import Plan, Task, TaskError, filters_of


def find(task: Task, name: str) -> shapes.Volume | None:
    """A volume of the engine, ``None`` when there is none of that name."""
    try:
        return task.client.json("GET", f"/volumes/{name}", shape=shapes.Volume)
    except faults.NotFound:
        return None


def volume(task: Task) -> dict[str, Any]:
    """``wcow.containers.volume``."""
    name = task.text("name")
    found = find(task, name)
    plan = Plan()
    if task.args["state"] == "absent":
        if found is not None:
            plan.differs("state", "present", "absent")
            plan.add("remove", lambda: _remove(task, name))
        return plan.run(task)
    wanted = _wanted(task)
    different = _different(wanted, found) if found is not None else {}
    again = task.args["recreate"]
    if found is not None and (again == "always" or (again == "options-changed" and different)):
        plan.add("remove", lambda: _remove(task, name))
        for key, (before, after) in different.items():
            plan.differs(key, before, after)
        found = None
    elif different:
        said = ", ".join(f"{key} is {quoted(before)}" for key, (before, _after) in different.items())
        raise TaskError(f"the volume {name} is there with other options: {said}. recreate: options-changed makes it"
                        " anew, and its files are lost", volume=_secret.volume_document(found))
    if found is None:
        plan.differs("state", "absent", "present")
        plan.add("create", lambda: task.client.json("POST", "/volumes/create", body=wanted))
    result = plan.run(task)
    there = find(task, name)
    return {**result, "volume": _secret.volume_document(there)}


def volume_info(task: Task) -> dict[str, Any]:
    """``wcow.containers.volume_info``."""
    name = task.text("name")
    if name:
        one = find(task, name)
        found = [one] if one is not None else []
    else:
        found = list(task.client.json("GET", "/volumes", shape=shapes.VolumeList,
                                      query={"filters": filters_of(task.args.get("filters"))}).volumes or ())
    return {"changed": False, "exists": bool(found), "volumes": [_secret.volume_document(one) for one in found]}


def _wanted(task: Task) -> shapes.VolumeCreate:
    return shapes.VolumeCreate(name=task.text("name"), driver=task.text("driver"),
                               driver_opts=task.args["driver_options"] or None, labels=task.args["labels"] or None)


def _different(wanted: shapes.VolumeCreate, found: shapes.Volume) -> dict[str, tuple[object, object]]:
    out: dict[str, tuple[object, object]] = {}
    if wanted.driver and wanted.driver != found.driver:
        out["driver"] = found.driver, wanted.driver
    for name, there, asked in (("driver_options", found.options, wanted.driver_opts),
                               ("labels", found.labels, wanted.labels)):
        for key, text in (asked or {}).items():
            if (there or {}).get(key) != text:
                pair = (text, (there or {}).get(key))
                wanted_text, found_text = _secret.hidden_pair(*pair) if _secret.is_secret(f"{name}.") else pair
                out[f"{name}.{key}"] = found_text, wanted_text
    return out


def _remove(task: Task, name: str) -> None:
    task.client.call("DELETE", f"/volumes/{name}").close()
