# SPDX-License-Identifier: Apache-2.0
"""Waiting for what a descriptor has to tell, with an end."""

from __future__ import annotations

import select


def wait(seconds: float, *descriptors: int) -> None:
    """Return when one of the descriptors can be read (a pidfd: when its process is over), or after this time."""
    poll = select.poll()  # select() knows the first 1024 descriptors only
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    poll.poll(max(seconds, 0) * 1000)


def ended(pidfd: int) -> bool:
    """Whether the process of this pidfd is over."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))
