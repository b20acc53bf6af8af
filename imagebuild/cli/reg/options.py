# SPDX-License-Identifier: Apache-2.0
"""What the verbs of ``wcow reg`` share: the options that find a target, and how it is opened."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from ...errors import UsageError
from ...events import Event, Result
from ...images import Rootfs
from ...images.hives.read import Registry
from ...windows.filetime import DOS_EPOCH, UNIX_EPOCH
from ...wiring import index_cache, open_library
from ..options import platform_options, progress_option, registry_options, settings_from, wanted_platform
from ..render import Style, follow
from .target import HiveFile, ImageRegistry, Target, is_hive_file

Decorated = Callable[..., Any]
T = TypeVar("T")


def source_options(function: Decorated) -> Decorated:
    """What finds the target: an image's options, and those of a file."""
    for option in reversed((
        click.option("--root", metavar="KEY", help="Where the hive of a file belongs. Default: what its name says."),
        click.option("--user", default="", metavar="NAME|SID",
                     help="Whose hive HKEY_CURRENT_USER is. Default: the user that the image runs as."),
        platform_options, registry_options, progress_option,
    )):
        function = option(function)
    return function


@contextmanager
def open_target(ctx: click.Context, target: str, options: dict[str, Any], *, layer: int | None = None,
                forgiving: bool = False) -> Iterator[Target]:
    """The target as something that has keys."""
    if is_hive_file(target):
        if layer is not None:
            raise UsageError("--layer is for images", why=f"{target} is a file")
        opened = HiveFile(Path(target), root=options["root"], forgiving=forgiving)
        opened.tell()
        yield opened
        for error in opened.hive.damage:
            click.echo(f"warning: {error}", err=True)
        return
    settings = settings_from(ctx, **options)
    with open_library(settings) as library:
        found = library.find(target, wanted_platform(options["platform"], options["os_version"]))
        rootfs = Rootfs(found.image, found.store, index_cache(settings), name=target)
        follow(rootfs.prepare(), options["progress"])
        try:
            if layer is not None and layer >= len(found.image.layers):
                raise UsageError(f"{target} has no layer {layer}", why=f"it has {len(found.image.layers)}, from 0 on")
            yield ImageRegistry(Registry(rootfs, user=options["user"]), target, layer=layer)
        finally:
            rootfs.close()


def ask(work: Generator[Event, None, T], progress: Style) -> T:
    """Follow a generator of events that returns its answer."""
    def told() -> Iterator[Event]:
        answer = yield from work
        yield Result(answer)

    answer: T = follow(told(), progress)
    return answer


def epoch() -> int:
    """The FILETIME of what is new: SOURCE_DATE_EPOCH, or the fixed day that builds have."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch and not re.fullmatch(r"\d{1,12}", epoch):
        raise UsageError(f"SOURCE_DATE_EPOCH={epoch} is not a time", why="it is a number of seconds since 1970")
    return UNIX_EPOCH + int(epoch) * 10_000_000 if epoch else DOS_EPOCH
