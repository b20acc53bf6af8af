# SPDX-License-Identifier: Apache-2.0
"""The files of ``RUN --mount=type=bind`` as images of one layer, made as COPY makes layers."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from ...errors import UnsupportedError
from ...events import Event
from ...layer import Kind
from ...oci import Config, create
from ...windows.filetime import to_iso
from ..context.changes import Change, Changes
from ..plan.mounts import INSIDE
from ..plan.plan import Execute, RunMount, Transfer
from .gather import Gatherer
from .stage import StageBuild
from .view_of import over_nothing


def bound(step: Execute, stage: StageBuild, gatherer: Gatherer) -> Generator[Event, None, Execute]:
    """Return a RUN whose binds have their images; the layers are in the store of the stage's committer."""
    mounts = []
    for mount in step.mounts:
        mounts.append((yield from _with_image(mount, mount.content, stage, gatherer)) if mount.content else mount)
    return replace(step, mounts=tuple(mounts)) if step.mounts else step


def _with_image(mount: RunMount, content: Transfer, stage: StageBuild, gatherer: Gatherer
                ) -> Generator[Event, None, RunMount]:
    view, old = over_nothing(), stage.image.config
    changes = yield from gatherer.transfer(content, view)
    if any(isinstance(one, Change) and one.path == (INSIDE,) and one.kind is not Kind.DIRECTORY
           for one in changes.items):
        raise UnsupportedError(f"{content.text} cannot be mounted", why="Windows mounts folders, and this is a file",
                               hint="mount the folder that it is in")
    if not any(isinstance(one, Change) and one.path == (INSIDE,) for one in changes.items):
        changes = Changes((Change((INSIDE,), Kind.DIRECTORY), *changes.items), changes.owner)
    epoch = stage.looks.epoch
    config = Config(os=old.os, architecture=old.architecture, os_version=old.os_version, created=to_iso(epoch))
    looks = replace(stage.looks, acls={}, attributes={})
    part = StageBuild(replace(stage.planned, name=f"{stage.planned.title()} mount", author=""), create(config), view,
                      looks, stage.committer, from_scratch=True)
    yield from part.apply(changes, content.text)
    return replace(mount, image=part.image)


__all__ = ["bound"]
