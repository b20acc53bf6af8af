# SPDX-License-Identifier: Apache-2.0
"""Files of a container that outlive it: its log, what the engine says of it, what happened to it."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .._run import Made, Run


def write_artifacts(run: Run, made: Made) -> None:
    """Write them where that was asked for. Nothing that goes wrong here fails a test; it is told in the summary."""
    from imagebuild.errors import WcowError

    asked = run.options.artifacts
    if asked == "off" or (asked == "retain-on-failure" and not made.failed):
        return
    test = re.sub(r"[^\w.-]+", "-", made.test).strip("-")[:120]
    folder = Path(run.options.artifacts_dir) / f"{test}-{made.container.id[:12]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log.txt").write_text(made.container.logs(), encoding="utf-8")
        (folder / "log.raw").write_bytes(made.container.raw_logs())
        (folder / "inspect.json").write_text(json.dumps(inspected(made), indent=1), encoding="utf-8")
        (folder / "events.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in events(made)), encoding="utf-8")
    except (WcowError, OSError) as error:
        run.leftovers.append(f"the artifacts of {made.test} are not whole: {error}")


def inspected(made: Made) -> Any:
    """What the engine says of a container, without the values of its environment, which may be secret."""
    found = made.container.client.json("GET", f"/containers/{made.container.id}/json")
    config = found.get("Config") or {}
    config["Env"] = [f"{line.partition('=')[0]}=…" for line in config.get("Env") or ()]
    return found


def events(made: Made) -> list[Any]:
    """What happened to a container until now."""
    from imagebuild.dockerapi import Filters

    now = time.time()
    return list(made.container.client.lines("GET", "/events", query={
        "since": 0, "until": f"{now:.6f}", "filters": Filters.of(container=[made.container.id])}))
