# SPDX-License-Identifier: Apache-2.0
"""What to warn of when an image is made or examined, whatever host it is for.

The day that counts is the one of the table of releases, so that equal input gets equal warnings on every day.
"""

from __future__ import annotations

from ...windows.releases import UPDATED, release
from ..image import ImageFacts, read
from ..verdict import Reason


def warn_of(image: ImageFacts) -> tuple[Reason, ...]:
    """What is to be said of the Windows an image is for: that nobody knows it, or that it gets no updates."""
    found = read(image.os_version)
    if found is None:
        return ()
    known = release(found[2])
    if known is None:
        return (Reason("unlisted-image", (found[2], UPDATED)),)
    last = max(known.support, key=lambda item: item.until, default=None)
    if last is not None and last.until < UPDATED:
        return (Reason("ended", (known.name, last.what, last.until), last.source),)
    return ()
