# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks: there as they shall be, or gone."""

from __future__ import annotations

from typing import Any

from ....imagebuild.dockerapi import faults, shapes
from .._task import Plan, Task, TaskError, filters_of

#: Drivers that take an adapter of the host for themselves, so that connections through it break for a while or for
#: good (docker/for-win#8427, #4581, moby/moby#30342).
OVER_AN_ADAPTER = ("transparent", "l2bridge", "l2tunnel", "overlay")
ADAPTER = "com.docker.network.windowsshim.interface"


def find(task: Task, name: str) -> shapes.Network | None:
    """A network of the engine, ``None`` when there is none of that name."""
    try:
        return task.client.json("GET", f"/networks/{name}", shape=shapes.Network)
    except faults.NotFound:
        return None


def network(task: Task) -> dict[str, Any]:
    """``wcow.containers.network``."""
    name = task.text("name")
    found = find(task, name)
    plan = Plan()
    if task.args["state"] == "absent":
        if found is not None:
            plan.differs("state", "present", "absent")
            _remove(task, plan, found)
        return plan.run(task)
    wanted = _wanted(task)
    if found is not None:
        different = _different(wanted, found)
        if different or task.args["recreate"]:
            for key, (before, after) in different.items():
                plan.differs(key, before, after)
            _remove(task, plan, found)
            found = None
    else:
        plan.differs("state", "absent", "present")
    if found is None:
        _allowed(task, wanted)
        plan.add("create", lambda: task.client.json("POST", "/networks/create", body=wanted))
    result = plan.run(task)
    there = find(task, name)
    return {**result, "network": shapes.to_json(there) if there is not None else {}}


def network_info(task: Task) -> dict[str, Any]:
    """``wcow.containers.network_info``."""
    name = task.text("name")
    if name:
        one = find(task, name)
        found = [shapes.to_json(one)] if one is not None else []
    else:
        found = task.client.json("GET", "/networks", query={"filters": filters_of(task.args.get("filters"))}) or []
    return {"changed": False, "exists": bool(found), "networks": found}


def _wanted(task: Task) -> shapes.NetworkCreate:
    pools = tuple(shapes.IpamConfig(
        subnet=pool.get("subnet") or "", gateway=pool.get("gateway") or "", ip_range=pool.get("iprange") or "",
        auxiliary_addresses=pool.get("aux_addresses") or None) for pool in task.args["ipam_config"] or [])
    ipam = shapes.Ipam(driver=task.text("ipam_driver") or "default", config=pools) if pools else None
    return shapes.NetworkCreate(
        name=task.text("name"), driver=task.text("driver") or "nat", check_duplicate=True, ipam=ipam,
        internal=bool(task.args["internal"]), options=task.args["driver_options"] or None,
        labels=task.args["labels"] or None)


def _different(wanted: shapes.NetworkCreate, found: shapes.Network) -> dict[str, tuple[object, object]]:
    out: dict[str, tuple[object, object]] = {}
    if wanted.driver != found.driver:
        out["driver"] = found.driver, wanted.driver
    if wanted.internal != found.internal:
        out["internal"] = found.internal, wanted.internal
    for name, there, asked in (("driver_options", found.options, wanted.options),
                               ("labels", found.labels, wanted.labels)):
        for key, text in (asked or {}).items():
            if (there or {}).get(key) != text:
                out[f"{name}.{key}"] = (there or {}).get(key), text
    pools = found.ipam.config or ()
    for number, pool in enumerate((wanted.ipam.config or ()) if wanted.ipam is not None else ()):
        at = next((one for one in pools if one.subnet == pool.subnet), None)
        for key in ("subnet", "gateway", "ip_range"):
            asked_for, there_is = getattr(pool, key), getattr(at, key, "")
            if asked_for and asked_for != there_is:
                out[f"ipam_config.{number}.{key}"] = there_is or None, asked_for
    return out


def _allowed(task: Task, wanted: shapes.NetworkCreate) -> None:
    chosen = (wanted.options or {}).get(ADAPTER)
    if wanted.driver in OVER_AN_ADAPTER and not chosen and not task.args["allow_adapter_loss"] and task.through != \
            "docker_host":
        raise TaskError(
            f"a {wanted.driver} network takes an adapter of the host, and the first one is the one that Ansible's"
            f" connection uses. Name another in driver_options ({ADAPTER}), or say allow_adapter_loss: true")


def _remove(task: Task, plan: Plan, found: shapes.Network) -> None:
    inside = {key: one.name for key, one in (found.containers or {}).items()}
    if inside and not task.args["force"]:
        raise TaskError(f"the network {found.name} has containers: {', '.join(sorted(inside.values()))}. force: true"
                        " takes them out of it first", containers=sorted(inside.values()))
    for container in inside:
        body = shapes.NetworkDisconnect(container=container, force=True)
        plan.add(f"disconnect {inside[container]}", lambda body=body: task.client.call(  # type: ignore[misc]
            "POST", f"/networks/{found.id}/disconnect", body=body).close())
    plan.add("remove", lambda: task.client.call("DELETE", f"/networks/{found.id}").close())
