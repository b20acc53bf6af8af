# SPDX-License-Identifier: Apache-2.0
"""Images as the API shows them: rows of a list, one in full, the steps that made one, what all take.

Sources: moby ``daemon/images/image_list.go``, ``image_history.go``, ``api/server/router/image/image_routes.go``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ...dockerapi import faults
from ...dockerapi.duration import NEVER, SECOND, parse_moment
from ...dockerapi.filters import Filters
from ...dockerapi.shape import from_json
from ...dockerapi.shapes import Config, GraphDriver, HistoryItem, ImageInspect, ImageMetadata, ImageSummary, RootFs
from ...dockerapi.versions import ApiVersion
from ...errors import FormatError
from .collection import Images
from .layers import chain_ids, image_size, layer_sizes
from .names import fits
from .store import Kept

ACCEPTED = ("dangling", "label", "before", "since", "reference", "until")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The filters of a list: moments in nanoseconds, ``None`` where nothing was asked."""

    filters: Filters
    before: int | None
    since: int | None
    dangling: bool
    everything: bool

    def takes(self, kept: Kept) -> bool:
        """Whether an image is shown, as far as its names do not matter."""
        created = moment_of(kept.image.config.created)
        if self.before is not None and (created is None or created >= self.before):
            return False
        if self.since is not None and (created is None or created <= self.since):
            return False
        return self.filters.labels(dict(kept.image.config.run.labels))


def summaries(images: Images, filters: Filters, *, everything: bool = False, shared: bool = False,
              counted: bool = False) -> list[ImageSummary]:
    """The rows of a list, newest first. ``shared`` counts what is shared with others, ``counted`` containers."""
    wanted = _wanted(images, filters.check(ACCEPTED), everything)
    sizes = layer_sizes(images.shelf) if shared else {}
    out: list[tuple[int, ImageSummary]] = []
    for kept in images.shelf.all().values():
        row = _row(images, kept, wanted) if wanted.takes(kept) else None
        if row is None:
            continue
        if shared:
            row = replace(row, shared_size=sum(sizes[chain][0] for chain in chain_ids(kept.image.diff_ids)
                                               if sizes[chain][1] > 1))
        if counted:
            row = replace(row, containers=len(images.users(kept.id)))
        out.append((row.created, row))
    return [row for _unused, row in sorted(out, key=lambda item: (-item[0], item[1].id))]


def usage(images: Images) -> tuple[int, list[ImageSummary]]:
    """What ``system df`` says of images: the bytes of all layers, each once, and the images that a list shows, with
    their shares."""
    return sum(size for size, _unused in layer_sizes(images.shelf).values()), \
        summaries(images, Filters(), shared=True, counted=True)


def for_client(row: ImageSummary, version: ApiVersion) -> ImageSummary:
    """A row as a client of this version knows it."""
    if not version.at_least("1.43") and not row.repo_tags and not row.repo_digests:
        row = replace(row, repo_tags=("<none>:<none>",), repo_digests=("<none>@<none>",))
    return row if version.at_least("1.44") else replace(row, virtual_size=row.size)


def inspect(images: Images, reference: str, version: ApiVersion) -> ImageInspect:
    """One image in full."""
    kept = images.get(reference)
    config, size = kept.image.config, image_size(images.shelf, kept)
    chains = chain_ids(kept.image.diff_ids)
    run = from_json(Config, json.loads(config.run.to_json()))
    extra = {name: json.loads(text) for name, text in config.extra}
    said = {name: str(extra.get(name) or "") for name in ("comment", "container", "docker_version")}
    old = not version.at_least("1.44")
    return ImageInspect(
        id=kept.id, repo_tags=tuple(name.familiar for name in kept.tags),
        repo_digests=tuple(name.familiar for name in kept.digests), parent=kept.parent,
        comment=said["comment"] or (config.history[-1].comment if config.history else ""),
        created=config.created or (NEVER if old else ""),
        container="" if version.at_least("1.45") else said["container"],
        container_config=None if version.at_least("1.45") else Config(), docker_version=said["docker_version"],
        author=config.author, config=run, architecture=config.architecture, variant=config.variant, os=config.os,
        os_version=config.os_version, size=size, virtual_size=size if old else 0,
        graph_driver=GraphDriver(name="windowsfilter", data={"dir": str(
            images.settings.root / "layers" / (chains[-1].hex if chains else ""))}),
        root_fs=RootFs(type="layers", layers=tuple(kept.image.diff_ids)),
        metadata=ImageMetadata(last_tag_time=kept.tagged or NEVER))


def history(images: Images, reference: str) -> list[HistoryItem]:
    """The steps that made an image, newest first."""
    kept: Kept | None = images.get(reference)
    assert kept is not None
    diff_ids, rows, layers = kept.image.diff_ids, list[HistoryItem](), 0
    for step in kept.image.config.history:
        size = 0
        if not step.empty_layer:
            if layers >= len(diff_ids):
                raise faults.Internal("too many non-empty layers in History section")
            size, layers = images.shelf.size_of(diff_ids[layers]), layers + 1
        rows.insert(0, HistoryItem(created=_seconds(step.created), created_by=step.created_by, comment=step.comment,
                                   size=size))
    for number, row in enumerate(rows):
        if kept is None:
            break
        rows[number] = replace(row, id=kept.id, tags=tuple(name.familiar for name in kept.tags) or None)
        kept = next((other for other in images.shelf.all().values() if other.id == kept.parent), None)
    return rows


def moment_of(text: str) -> int | None:
    """A time of an image in nanoseconds since 1970; ``None`` for none."""
    try:
        return parse_moment(text) if text else None
    except FormatError:
        return None


def until_of(values: Iterable[str]) -> int | None:
    """The earliest moment of an ``until`` filter. BadRequest for one that is no time."""
    try:
        return min((parse_moment(value, now=time.time_ns()) for value in values), default=None)
    except FormatError as error:
        raise faults.BadRequest(str(error)) from None


def _seconds(text: str) -> int:
    moment = moment_of(text)
    return 0 if moment is None else moment // SECOND


def _wanted(images: Images, filters: Filters, everything: bool) -> _Wanted:
    def moments(name: str) -> list[int]:
        found = (moment_of(images.get(value).image.config.created) for value in filters.get(name))
        return [moment for moment in found if moment is not None]

    until = until_of(filters.get("until"))
    before = [*moments("before"), *([] if until is None else [until])]
    return _Wanted(filters, min(before, default=None), max(moments("since"), default=None), filters.flag("dangling"),
                   everything)


def _row(images: Images, kept: Kept, wanted: _Wanted) -> ImageSummary | None:
    tags, digests = kept.tags, kept.digests
    patterns = wanted.filters.get("reference")
    if patterns:
        tags = tuple(name for name in tags if fits(patterns, name))
        digests = tuple(name for name in digests if fits(patterns, name))
    parents = bool(images.shelf.children(kept.id))
    if wanted.dangling and (parents or tags):
        return None
    if not tags and not digests:
        hidden = parents and not wanted.everything
        if hidden or patterns or ("dangling" in wanted.filters and not wanted.dangling):
            return None
    config = kept.image.config
    return ImageSummary(id=kept.id, parent_id=kept.parent, created=_seconds(config.created),
                        labels=dict(config.run.labels) or None, repo_tags=tuple(name.familiar for name in tags),
                        repo_digests=tuple(name.familiar for name in digests), size=image_size(images.shelf, kept))


__all__ = ["for_client", "history", "inspect", "moment_of", "summaries", "until_of", "usage"]
