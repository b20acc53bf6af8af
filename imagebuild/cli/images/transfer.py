# SPDX-License-Identifier: Apache-2.0
"""``wcow copy``, ``push`` and ``pull``: images from one place to another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import click

from ...errors import AuthError, UsageError
from ...images import Copied, Event, copy_image, find_local, holds_indexes, pick, selector
from ...oci import Descriptor, Digest, Location, Reference, is_index
from ...stores import Store
from ...wiring import OpenLibrary, open_library
from ..options import (
    ImageName,
    docker_host_option,
    format_option,
    platform_options,
    progress_option,
    registry_options,
    settings_from,
    wanted_platform,
)
from ..output import print_json
from ..render import Style, follow


@click.command(short_help="Copy an image from one place to another.")
@click.argument("source", type=ImageName())
@click.argument("destination", type=ImageName())
@click.option("--foreign-layers", "foreign", is_flag=True,
              help="Push layers, too, that their owner does not let others hand out.")
@click.option("--all", "attached", is_flag=True,
              help="Copy what is attached to the image, too: signatures, SBOMs, provenance.")
@platform_options
@docker_host_option
@registry_options
@progress_option
@format_option
@click.pass_context
def copy(ctx: click.Context, /, source: str, destination: str, foreign: bool, attached: bool, platform: str | None,
         os_version: str | None, progress: Style, as_json: bool, **options: Any) -> None:
    """Copy an image, byte for byte, from SOURCE to DESTINATION and print its digest.

    Places: docker://NAME, oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME], dir:DIR (as
    skopeo), docker-daemon:NAME. A bare name is looked for in the local store and then in its registry; as a destination
    it means the local store.

    Of an index (many Windows versions under one name) everything is copied; --platform or --os-version take one image.
    Docker archives and the docker daemon hold one image under a name, so there one must be chosen.

    \b
    Examples:
      wcow copy docker://mcr.microsoft.com/windows/nanoserver:ltsc2022 docker://registry.lab/nanoserver:ltsc2022
      wcow copy app:1 oci-archive:app.tar
      wcow copy --os-version 10.0.20348 app:1 docker-daemon:app:1
      wcow copy --docker-host winrm://Administrator@build1 app:1 docker-daemon:app:1
    """
    settings = settings_from(ctx, **options)
    wanted = wanted_platform(platform, os_version) if platform or os_version else None
    target = Location.parse(destination)
    if attached and target.transport in ("docker-archive", "docker-daemon"):
        raise UsageError(f"cannot copy what is attached to an image to {target}",
                         why="a docker archive and the docker daemon hold images only")
    with open_library(settings) as library, ExitStack() as stack:
        library.stores.expect_push(target)
        store, place, descriptor = library.resolve(source)
        place = replace(place, reference=place.reference or _named(library, store, place, descriptor))
        to = library.local if not target.transport else _managed(stack, library.stores.create(target))
        events = copy_image(store, descriptor, to, tag=_tag(target, place), name=source, platform=wanted,
                            whole=holds_indexes(target), foreign=foreign, digest=_digest(target), attached=attached)
        copied = _run(events, progress, f"cannot copy {source} to {target}")
    _say(copied, as_json, source=str(place), destination=str(target))


@click.command(short_help="Send an image of the local store to its registry.")
@click.argument("name", type=ImageName())
@click.argument("destination", required=False, type=ImageName())
@click.option("--foreign-layers", "foreign", is_flag=True,
              help="Push layers, too, that their owner does not let others hand out.")
@platform_options
@registry_options
@progress_option
@format_option
@click.pass_context
def push(ctx: click.Context, /, name: str, destination: str | None, foreign: bool, platform: str | None,
         os_version: str | None, progress: Style, as_json: bool, **options: Any) -> None:
    """Push the image NAME of the local store to the registry its name says, or as DESTINATION, and print its digest.

    \b
    Examples:
      wcow push registry.lab/team/app:1
      wcow push app:1 registry.lab/team/app:1
      wcow push --insecure app:1 192.0.2.7:5000/app:1
    """
    settings = settings_from(ctx, **options)
    wanted = wanted_platform(platform, os_version) if platform or os_version else None
    here = Location.parse(name)
    target = Location.parse(destination or name)
    if target.transport not in ("", "docker") or target.reference is None:
        raise UsageError(f"cannot push to {target}", why="a push always goes to a registry",
                         hint=f"wcow copy {name} {destination or 'DESTINATION'}")
    target = replace(target, transport="docker", reference=target.reference.tagged())
    assert target.reference is not None
    origin = replace(target, reference=replace(target.reference, tag="", digest=None))
    with open_library(settings) as library:
        library.stores.expect_push(target)
        store = library.open(here)
        descriptor = store.resolve(selector(here)) if here.transport else find_local(store, name)
        events = copy_image(store, descriptor, library.open(target), tag=_tag(target, here), name=name,
                            platform=wanted, foreign=foreign, origin=origin, digest=_digest(target))
        copied = _run(events, progress, f"cannot push {name} to {target.reference}")
    _say(copied, as_json, source=str(here), destination=str(target))


@click.command(short_help="Fetch an image from its registry into the local store.")
@click.argument("name", type=ImageName())
@click.option("--all", "everything", is_flag=True, help="Of an index, pull the images for all platforms.")
@platform_options
@registry_options
@progress_option
@format_option
@click.pass_context
def pull(ctx: click.Context, /, name: str, everything: bool, platform: str | None, os_version: str | None,
         progress: Style, as_json: bool, **options: Any) -> None:
    """Pull the image NAME into the local store and print its digest.

    Of an index the first image that fits windows/amd64, --platform or --os-version is taken, as docker does, and the
    name means that one image here; --all takes the whole index.

    \b
    Examples:
      wcow pull mcr.microsoft.com/windows/nanoserver:ltsc2022
      wcow pull --mirror mcr.microsoft.com=localhost:5000 mcr.microsoft.com/windows/servercore:ltsc2022
      wcow pull --all registry.lab/team/app:1
    """
    settings = settings_from(ctx, **options)
    if everything and (platform or os_version):
        raise UsageError("--all and --platform or --os-version exclude each other")
    wanted = wanted_platform(platform, os_version)
    location = Location.parse(name)
    if location.transport not in ("", "docker") or location.reference is None:
        raise UsageError(f"cannot pull {location}", why="a pull comes from a registry",
                         hint=f"wcow copy {name} NAME brings it into the local store")
    remote = replace(location, transport="docker", reference=location.reference.tagged())
    with open_library(settings) as library:
        store = library.open(remote)
        descriptor = store.resolve(selector(remote))
        local = str(remote.reference)
        if is_index(descriptor.media_type) and not everything:
            descriptor = pick(store, descriptor, wanted, name=name)
            if location.reference.digest is not None:  # that was the index's; the image has its own
                local = str(location.reference.with_digest(descriptor.digest))
                click.echo(f"warning: {location.reference.digest} is an index: its image for {wanted} is kept as "
                           f"{local}", err=True)
        origin = Location("docker", replace(location.reference, tag="", digest=descriptor.digest))
        events = copy_image(store, descriptor, library.local, tag=local, name=name, origin=origin)
        copied = _run(events, progress, f"cannot pull {name}")
    _say(copied, as_json, source=str(remote), destination=local)


def _run(events: Iterator[Event], progress: Style, what: str) -> Copied:
    """The copy itself. Who is refused wants to know for what, not for which of its blobs."""
    try:
        copied: Copied = follow(events, progress)
    except AuthError as error:
        error.what = what
        raise
    return copied


def _managed(stack: ExitStack, store: Any) -> Store:
    """A target that finishes when all went well, and leaves nothing when it did not."""
    kept: Store = stack.enter_context(store) if hasattr(store, "__exit__") else store
    return kept


def _named(library: OpenLibrary, store: Store, place: Location, descriptor: Descriptor) -> Reference | None:
    """The full name an image has in a folder or archive, which an archive made of it will keep."""
    if place.transport in ("", "docker", "docker-daemon"):
        return place.reference
    for tag in [place.tag] if place.tag else store.tags():
        if "/" in tag and (place.tag or store.resolve(tag).digest == descriptor.digest):
            return Reference.parse(tag)
    return None


def _tag(target: Location, source: Location) -> str | None:
    """The name a copy gets at its destination; see :class:`~...stores.port.Store` on tags."""
    reference = target.reference
    if target.transport == "docker" and reference is not None:
        return None if reference.digest is not None else reference.target
    if target.transport == "docker-daemon":
        return reference.familiar if reference is not None else target.tag
    if reference is not None:
        return str(reference.tagged())
    if target.tag:
        return str(Reference.parse(target.tag).tagged()) if target.transport == "docker-archive" else target.tag
    named = source.reference
    if target.transport in ("oci-archive", "docker-archive") and named is not None and named.digest is None:
        return str(named.tagged())
    return ""


def _digest(target: Location) -> Digest | None:
    """The digest a destination insists on."""
    return target.reference.digest if target.transport == "docker" and target.reference else None


def _say(copied: Copied, as_json: bool, **places: str) -> None:
    descriptor = copied.descriptor
    if as_json:
        print_json({**places, "digest": str(descriptor.digest), "media_type": descriptor.media_type,
                    "size": descriptor.size, "blobs": copied.tally.facts()})
    else:
        click.echo(str(descriptor.digest))
