# SPDX-License-Identifier: Apache-2.0
"""``wcow index``: many Windows versions under one name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import click

from ...compat.advice import index_traps
from ...errors import UsageError, quoted
from ...images import find_local, index_facts, selector
from ...images import index as operations
from ...oci import Descriptor, Index, Location, Pairs, versions
from ...stores import Store
from ...windows.releases import release
from ...wiring import OpenLibrary, open_library
from ..lazy import Commands
from ..options import ImageName, format_option, progress_option, registry_options, settings_from
from ..output import fields, print_json, table
from ..render import Style, follow

Decorated = Callable[..., Any]


@click.group(cls=Commands)
def index() -> None:
    """Many Windows versions under one name."""


def _write_options(function: Decorated) -> Decorated:
    for option in reversed((
        click.option("--push", is_flag=True, help="In its registry, not in the local store."),
        click.option("--type", "family", type=click.Choice(["oci", "docker"]),
                     help="OCI index or docker manifest list. Default: what it is; a new one is docker's when all its "
                          "images are."),
        click.option("--any-version", is_flag=True, help="Take Windows images without os.version, as HostProcess "
                                                         "images are: every host takes them."),
        registry_options, progress_option, format_option,
    )):
        function = option(function)
    return function


@index.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", type=ImageName())
@click.option("-t", "--tag", "name", required=True, metavar="NAME", type=ImageName(),
              help="Where to: a name, oci:DIR[:TAG], oci-archive:FILE[:TAG], docker://NAME.")
@click.option("--replace", "replace_same", is_flag=True, help="Of two images for one platform take the later.")
@click.option("--annotation", "annotations", multiple=True, metavar="NAME=VALUE", help="Annotate the index.")
@click.option("--foreign-layers", "foreign", is_flag=True,
              help="Push layers, too, that their owner does not let others hand out.")
@_write_options
@click.pass_context
def create(ctx: click.Context, /, images: tuple[str, ...], name: str, replace_same: bool, annotations: tuple[str, ...],
           foreign: bool, push: bool, family: versions.Family | None, any_version: bool, progress: Style, as_json: bool,
           **options: Any) -> None:
    """Make an index of IMAGEs, from wherever they are, and print its digest. Of an IMAGE that is an index, all of it.

    os.version and os.features come from each image's config. The order on the command line does not matter: entries
    stand with the highest build first, then the highest revision, which every engine takes well.

    \b
    Examples:
      wcow index create -t app:1 app:1-ltsc2022 app:1-ltsc2025
      wcow index create --push -t registry.lab/app:1 docker://registry.lab/app:1-ltsc2022 app:1-ltsc2025
    """
    target = _target(name, push)
    operations.check_target(target)
    with open_library(settings_from(ctx, **options)) as library, ExitStack() as stack:
        store = _opened(library, target, stack)
        listed: operations.Listed = follow(operations.create(
            library, images, store, tag=_tag(target), family=family, replace_same=replace_same,
            any_version=any_version, annotations=_pairs(annotations), foreign=foreign, name=name), progress)
    _say(listed, as_json, str(target))


@index.command()
@click.argument("name", type=ImageName())
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", type=ImageName())
@click.option("--replace", "replace_same", is_flag=True, help="Put an IMAGE in the place of the one for its platform.")
@click.option("--foreign-layers", "foreign", is_flag=True,
              help="Push layers, too, that their owner does not let others hand out.")
@_write_options
@click.pass_context
def append(ctx: click.Context, /, name: str, images: tuple[str, ...], replace_same: bool, foreign: bool, push: bool,
           family: versions.Family | None, any_version: bool, progress: Style, as_json: bool, **options: Any) -> None:
    """Add IMAGEs to the index NAME and print its new digest.

    \b
    Examples:
      wcow index append app:1 app:1-ltsc2019
      wcow index append --push --replace registry.lab/app:1 app:1-ltsc2025
    """
    with open_library(settings_from(ctx, **options)) as library, ExitStack() as stack:
        store, target, _unused, found = _existing(library, name, push, stack)
        listed: operations.Listed = follow(operations.append(
            library, found, images, store, tag=_tag(target), family=family, replace_same=replace_same,
            any_version=any_version, foreign=foreign, name=name), progress)
    _say(listed, as_json, str(target))


@index.command()
@click.argument("name", type=ImageName())
@click.argument("entries", nargs=-1, metavar="[ENTRY]...")
@click.option("--annotation", "annotations", multiple=True, metavar="NAME=VALUE", help="Add or replace an annotation.")
@click.option("--remove-annotation", "without", multiple=True, metavar="NAME", help="Take an annotation away.")
@click.option("--os-version", metavar="10.0.BUILD.REV", help="Say of the ENTRY that it is this Windows version.")
@click.option("--os-features", metavar="NAME[,NAME]", help="Say of the ENTRY that it needs these features (win32k); "
                                                           "'' takes them away.")
@_write_options
@click.pass_context
def annotate(ctx: click.Context, /, name: str, entries: tuple[str, ...], annotations: tuple[str, ...],
             without: tuple[str, ...], os_version: str | None, os_features: str | None, push: bool,
             family: versions.Family | None, any_version: bool, progress: Style, as_json: bool, **options: Any) -> None:
    """Change what the index NAME says of its ENTRYs, or of itself when none is named; print its new digest.

    An ENTRY is a digest (or its beginning), an os.version (10.0.20348 is every revision of it) or a platform. The
    images themselves stay what they are. With --type alone the index is written as the other kind.

    \b
    Examples:
      wcow index annotate app:1 10.0.20348 --os-features win32k
      wcow index annotate app:1 --annotation org.opencontainers.image.source=https://git.lab/app
    """
    words = (os_version, os_features)
    if not entries and any(word is not None for word in words):
        raise UsageError("--os-version and --os-features say something of an ENTRY", why="none was named",
                         hint=f"'wcow index inspect {name}' lists them")
    if not (entries or annotations or without or family):
        raise UsageError("nothing to change", hint="--annotation, --remove-annotation, --os-version, --os-features")

    features = None if os_features is None else tuple(part for part in os_features.split(",") if part)

    def change(found: Index) -> Index:
        pairs = _pairs(annotations)
        if not entries:
            return versions.annotate_index(found, pairs, without=without)
        chosen = [entry for wanted in entries for entry in versions.select(found, wanted, name=name)]
        return versions.annotate_entry(found, chosen, os_version=os_version, os_features=features, annotations=pairs,
                                       without=without)

    _edit(ctx, name, change, push, family, any_version, progress, as_json, **options)


@index.command()
@click.argument("name", type=ImageName())
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY...")
@_write_options
@click.pass_context
def remove(ctx: click.Context, /, name: str, entries: tuple[str, ...], push: bool, family: versions.Family | None,
           any_version: bool, progress: Style, as_json: bool, **options: Any) -> None:
    """Take ENTRYs out of the index NAME and print its new digest.

    \b
    Examples:
      wcow index remove app:1 10.0.14393
    """

    def change(found: Index) -> Index:
        return versions.remove(found, [entry for wanted in entries
                                       for entry in versions.select(found, wanted, name=name)])

    _edit(ctx, name, change, push, family, any_version, progress, as_json, **options)


@index.command()
@click.argument("name", type=ImageName())
@registry_options
@format_option
@click.pass_context
def inspect(ctx: click.Context, /, name: str, as_json: bool, **options: Any) -> None:
    """Show the entries of the index NAME in the order engines read them, and what they would trip over.

    \b
    Examples:
      wcow index inspect mcr.microsoft.com/windows/nanoserver:ltsc2022
      wcow index inspect oci:out --format json
    """
    with open_library(settings_from(ctx, **options)) as library:
        store, _unused, descriptor = library.resolve(name)
        found = operations.load_index(store, descriptor, name)
        facts = index_facts(store, descriptor, name)
    traps = index_traps(found)
    if as_json:
        print_json({**facts, "traps": [{"code": trap.code, "text": trap.text, "entries": list(trap.entries)}
                                       for trap in traps]})
        return
    click.echo("\n".join(_text(facts, found, traps)))


def _text(facts: dict[str, Any], found: Index, traps: tuple[versions.Trap, ...]) -> list[str]:
    rows = [_row(number, entry) for number, entry in enumerate(found.manifests, 1)]
    used = [any(row[column] for row in rows) for column in range(len(_HEAD))]
    kept = [column for column, full in enumerate(used) if full or column in (0, 1, 2)]
    lines = fields([
        ("Name", facts["name"]), ("Digest", facts["digest"]), ("Type", facts["media_type"]),
        *[("Annotation", f"{key}={value}") for key, value in sorted(facts["annotations"].items())]])
    lines += ["", *table([_HEAD[column] for column in kept], [[row[column] for column in kept] for row in rows],
                         right=(0,))]
    for number, entry in enumerate(found.manifests, 1):
        lines += [f"  {number}: {key}={value}" for key, value in entry.annotations]
    if traps:
        lines += ["", *(f"warning: {trap.text} ({trap.code})" for trap in traps)]
    return lines


_HEAD = ("#", "PLATFORM", "OS.VERSION", "RELEASE", "FEATURES", "DIGEST")


def _row(number: int, entry: Descriptor) -> tuple[str, ...]:
    platform = entry.platform
    if platform is None or not versions.is_image(entry):
        about = entry.annotation(versions.ATTESTATION_OF)
        return str(number), f"about {about[:19]}" if about else "-", "-", "", "", str(entry.digest)
    version = versions.numbers(platform.os_version)
    known = release(version[2]) if version else None
    variant = f"/{platform.variant}" if platform.variant else ""
    return (str(number), f"{platform.os}/{platform.architecture}{variant}",
            platform.os_version or ("any" if platform.os == "windows" else "-"),
            (known.tag or known.name) if known else "", ",".join(platform.os_features), str(entry.digest))


def _edit(ctx: click.Context, name: str, change: Callable[[Index], Index], push: bool, family: versions.Family | None,
          any_version: bool, progress: Style, as_json: bool, **options: Any) -> None:
    with open_library(settings_from(ctx, **options)) as library, ExitStack() as stack:
        store, target, _unused, found = _existing(library, name, push, stack)
        listed: operations.Listed = follow(operations.edit(
            found, store, tag=_tag(target), change=change, family=family, any_version=any_version, name=name), progress)
    _say(listed, as_json, str(target))


def _target(name: str, push: bool) -> Location:
    """The place a name on the command line means to write to."""
    target = Location.parse(name)
    if push and target.transport not in ("", "docker"):
        raise UsageError(f"cannot push to {target}", why="a push always goes to a registry",
                         hint="leave --push out, or give a plain name")
    if target.reference is not None:
        if target.reference.digest is not None:
            raise UsageError(f"cannot call an index {name}", why="a digest is no name", hint="give a name and a tag")
        target = replace(target, reference=target.reference.tagged())
    return replace(target, transport="docker") if push else target


def _opened(library: OpenLibrary, target: Location, stack: ExitStack) -> Store:
    library.stores.expect_push(target)
    if target.transport in ("", "docker"):
        return library.open(target)  # the very store that is read from, where it is: nothing to copy then
    store: Any = library.stores.create(target)
    kept: Store = stack.enter_context(store)
    return kept


def _existing(library: OpenLibrary, name: str, push: bool,
              stack: ExitStack) -> tuple[Store, Location, Descriptor, Index]:
    """The index a name means, where it is, and its store, to be written to."""
    target = _target(name, push)
    operations.check_target(target)
    if target.transport in ("oci-archive", "dir"):
        raise UsageError(f"cannot change {target}", why="it is written once, from anew",
                         hint=f"wcow copy {name} oci:DIR, and change that")
    if not target.transport:
        descriptor = find_local(library.local, name)
        store: Store = library.local
    else:
        library.stores.expect_push(target)
        reader = library.open(target)
        descriptor = reader.resolve(selector(target))
        store = _opened(library, target, stack)
        if target.transport == "oci" and not target.tag:
            named = [tag for tag in reader.tags() if reader.resolve(tag) == descriptor]
            if len(named) != 1:
                raise UsageError(f"cannot change the index in {target.path}", why="it has no name that could be kept",
                                 hint=f"give it one: wcow copy {target} {target}:TAG")
            target = replace(target, tag=named[0])
    return store, target, descriptor, operations.load_index(store, descriptor, name)


def _tag(target: Location) -> str:
    """How the place's store calls it."""
    reference = target.reference
    if reference is None:
        return target.tag
    return reference.tag if target.transport == "docker" else str(reference)


def _pairs(texts: tuple[str, ...]) -> Pairs:
    out: list[tuple[str, str]] = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UsageError(f"{quoted(text)} is not an annotation", why="wanted NAME=VALUE")
        out.append((name, value))
    return tuple(out)


def _say(listed: operations.Listed, as_json: bool, destination: str) -> None:
    descriptor = listed.descriptor
    if as_json:
        print_json({"destination": destination, "digest": str(descriptor.digest), "media_type": descriptor.media_type,
                    "size": descriptor.size, "manifests": len(listed.index.manifests),
                    "traps": [{"code": trap.code, "text": trap.text, "entries": list(trap.entries)}
                              for trap in listed.traps]})
    else:
        click.echo(str(descriptor.digest))
