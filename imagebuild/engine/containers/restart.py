# SPDX-License-Identifier: Apache-2.0
"""Restart policies: whether a container that ended starts again, after which pause, and what an engine's start does.

Rules are moby's (``restartmanager``, ``daemon/monitor.go``, ``daemon/daemon.go``): a stop by hand lasts until somebody
starts the container, or, with ``always``, until the engine starts again.
"""

from __future__ import annotations

from .container import Container

FIRST, LONGEST = 0.1, 60.0
"""Seconds before the first restart, and at most; each time it is twice as long."""
STEADY = 10 * 1_000_000_000
"""A container that ran so long (nanoseconds) begins with the shortest pause again."""


def wanted(container: Container) -> bool:
    """Whether a container that has just ended is to start again."""
    policy = container.host.restart_policy
    if container.stopped_by_hand:
        return False
    if policy.name == "on-failure":
        return container.exit_code != 0 and (
            not policy.maximum_retry_count or container.restarts < policy.maximum_retry_count)
    return policy.name in ("always", "unless-stopped")


def pause_after(container: Container) -> float:
    """Seconds until the next start, given the pause before the last one."""
    if not container.pause or container.finished - container.started >= STEADY:
        return FIRST
    return min(container.pause * 2, LONGEST)


def at_engine_start(container: Container) -> bool:
    """Whether a container, which does not run, starts together with the engine. ``on-failure`` is not meant for that:
    what ended it was the engine."""
    policy = container.host.restart_policy.name
    return bool(container.started) and (policy == "always" or (
        policy == "unless-stopped" and not container.stopped_by_hand))
