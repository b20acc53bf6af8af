# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether an image runs on a host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ...imagebuild.compat import Report, check, engine_of, from_docker, from_platform, pick
from ...imagebuild.oci import Platform
from ...imagebuild.windows import HostFacts
from . import _facts
from ._resources import image
from ._task import Task, TaskError


def image_compat(task: Task) -> dict[str, Any]:
    """``wcow.containers.image_compat``: whether an image of the engine, or a version, runs on the engine's host."""
    client = task.client
    info, version = client.json("GET", "/info"), client.json("GET", "/version")
    host = from_docker(info, version)
    name, os_version = task.text("name"), task.text("os_version")
    if task.args["candidates"] is not None:
        return _picked(task, host)
    if name:
        found = image.find(task, name)
        if found is None:
            raise TaskError(f"the image {name} is not there; image_compat judges images of the engine, os_version or"
                            " candidates")
        platform = Platform(os=found.os, architecture=found.architecture, os_version=found.os_version)
    else:
        platform = Platform(os="windows", architecture=task.text("architecture") or "amd64", os_version=os_version)
    report = check(host, from_platform(platform, name=name), task.args["isolation"] or None, engine=engine_of(host))
    values = _values(host, report, platform.os_version or "")
    if task.args["fail"] and report.runs == "no":
        raise TaskError(report.summary, **values)
    return values


def _picked(task: Task, host: HostFacts) -> dict[str, Any]:
    """Choose what the engine would take from an index of the candidates, or a candidate that does better there."""
    architecture = task.text("architecture") or "amd64"
    isolation, engine = task.args["isolation"] or None, engine_of(host)
    platforms = [Platform(os="windows", architecture=architecture, os_version=_version(one))
                 for one in task.args["candidates"]]
    found = pick(platforms, host, engine, isolation=isolation)
    if found.report is None:
        raise TaskError("candidates is empty, so there is none to choose")
    place, report = found.place, found.report
    if place is not None and found.better is not None:
        place = found.better
        report = check(host, from_platform(platforms[place]), isolation, engine=engine)
    name = "" if place is None else str(task.args["candidates"][place]["name"])
    values = {**_values(host, report, "" if place is None else platforms[place].os_version), "picked": name}
    if place is None:
        values.update(runs="no", summary=f"{found.error}; the nearest: {report.summary}")
    if task.args["fail"] and values["runs"] == "no":
        raise TaskError(values["summary"], **values)
    return values


def _version(candidate: Mapping[str, Any]) -> str:
    try:
        return _facts.version_of(candidate["os_version"] or candidate["name"])
    except AnsibleFilterError as error:
        raise TaskError(f"cannot tell the Windows version of {candidate['name']}, so give os_version: {error}"
                        ) from None


def _values(host: HostFacts, report: Report, image: str) -> dict[str, Any]:
    return {"changed": False, "runs": report.runs, "isolation": report.isolation, "summary": report.summary,
            "remedies": list(report.remedies), "host": str(host.version or ""), "image": image,
            "verdicts": {kind: {"answer": verdict.answer, "reasons": [str(one.text) for one in verdict.reasons]}
                         for kind, verdict in (("engine", report.engine), ("start", report.start),
                                               ("support", report.support))}}
