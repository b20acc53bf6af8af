# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether an engine takes an image that is to be loaded: known before anything is sent, so a check tells it, too."""

from __future__ import annotations

from ....imagebuild.compat import check, engine_of, from_docker, from_platform
from ....imagebuild.oci import Platform
from .._task import Task, TaskError

REFUSED = ("above-host", "linux-image")
"""What dockerd compares at a load (moby image/tarexport/load.go). That it runs on its host is seen."""


def expect_taken(task: Task, name: str, platform: Platform) -> None:
    """Raise TaskError where the engine refuses images of this platform. Docker's own store on Windows does; other
    stores take any, and refuse to start it."""
    info, version = task.client.json("GET", "/info"), task.client.json("GET", "/version")
    host = from_docker(info, version)
    engine = engine_of(host)
    if (info or {}).get("OSType") != "windows" or engine.rule().algorithm != "dockerd-graphdriver":
        return
    verdict = check(host, from_platform(platform, name=name), engine=engine).engine
    reason = verdict.reasons[0]
    if verdict.answer != "no" or reason.code not in REFUSED:
        return
    said = [f"the engine does not take {name}", reason.text, reason.remedy]
    raise TaskError(". ".join(filter(None, said)), host=str(host.version or ""), os_version=platform.os_version)
