# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether an image runs on a host."""

from __future__ import annotations

from typing import Any

from ...imagebuild.compat import check, engine_of, from_docker, from_platform
from ...imagebuild.oci import Platform
from . import _image
from ._task import Task, TaskError


def image_compat(task: Task) -> dict[str, Any]:
    """``wcow.containers.image_compat``: whether an image of the engine, or a version, runs on the engine's host."""
    client = task.client
    info, version = client.json("GET", "/info"), client.json("GET", "/version")
    host = from_docker(info, version)
    name, os_version = task.text("name"), task.text("os_version")
    if name:
        found = _image.find(task, name)
        if found is None:
            raise TaskError(f"the image {name} is not there; image_compat judges images of the engine, or os_version")
        platform = Platform(os=found.os, architecture=found.architecture, os_version=found.os_version)
    else:
        platform = Platform(os="windows", architecture=task.text("architecture") or "amd64", os_version=os_version)
    report = check(host, from_platform(platform, name=name), task.args["isolation"] or None, engine=engine_of(host))
    values = {"changed": False, "runs": report.runs, "isolation": report.isolation, "summary": report.summary,
              "remedies": list(report.remedies), "host": str(host.version or ""),
              "image": platform.os_version or "",
              "verdicts": {kind: {"answer": verdict.answer, "reasons": [str(one.text) for one in verdict.reasons]}
                           for kind, verdict in (("engine", report.engine), ("start", report.start),
                                                 ("support", report.support))}}
    if task.args["fail"] and report.runs == "no":
        raise TaskError(report.summary, **values)
    return values
