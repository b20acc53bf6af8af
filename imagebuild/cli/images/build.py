# SPDX-License-Identifier: Apache-2.0
"""``wcow build`` and ``wcow plan``."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import click

from ...builder import BuildRequest, Built, BuiltIndex, Plan, Workshop, build_many, plan_only
from ...builder import build as build_image
from ...builder.cache.cache import Cache
from ...builder.cache.remote import CachePlace, RemoteCache
from ...builder.many import ALL
from ...builder.plan.secrets import Secrets
from ...builder.provenance import SPDX, attach, materials, statement
from ...builder.request import pairs
from ...codec import Compression
from ...errors import NotFoundError, UsageError, WcowError
from ...events import Event
from ...images.copy import copy, holds_indexes
from ...oci import Location, Reference
from ...tools import sbom as list_materials
from ...wiring import OpenLibrary, Settings, cache_folders, open_library, workshop
from ..options import FILE_NAME, docker_host_option, format_option, progress_option, registry_options, settings_from
from ..output import print_json
from ..render import Style, follow
from .plan_text import plan_facts, plan_lines


def build_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what is built; ``build`` and ``plan`` share them."""
    for option in reversed((
        click.argument("context", default=".", type=click.Path()),
        click.option("-f", "--file", "dockerfile", metavar="FILE", type=click.Path(),
                     help="The Dockerfile; default: Dockerfile in the context. - is standard input."),
        click.option("--target", metavar="STAGE", help="Build up to this stage."),
        click.option("--platform", "platforms", multiple=True, metavar="OS[(VERSION)]/ARCH",
                     help="What to build for; default: windows/amd64. Repeated: an index of all of them."),
        click.option("--os-version", "os_versions", multiple=True, metavar="10.0.BUILD[.REV]|all",
                     help="Windows version to build for; several (comma or repeated), or all that the base has, "
                          "make an index."),
        click.option("--build-arg", "build_args", multiple=True, metavar="NAME[=VALUE]",
                     help="Value of an ARG; without =VALUE it is taken from the environment."),
        click.option("--build-context", "build_contexts", multiple=True, metavar="NAME=DIR|IMAGE",
                     help="Replace a stage or an image by a folder, or by docker-image://NAME or oci-layout://DIR."),
        click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="Add a label."),
        click.option("--annotation", "annotations", multiple=True, metavar="NAME=VALUE",
                     help="Add an annotation to the manifest."),
        click.option("--base-metadata", type=click.Choice(["fetch", "known"]), default="fetch", show_default=True,
                     help="Where ACLs and times of existing folders come from: the base's layers, read once and "
                          "remembered, or a table of well-known folders, without downloading any layer."),
        click.option("--run", "run", default="engine", show_default=True, metavar="engine|none|ADDRESS",
                     help="What executes RUN: the embedded engine, nothing, or Docker on a Windows host "
                          "(winrm://, ssh://, tcp://, …)."),
        click.option("--network", type=click.Choice(["default", "none"]), default="default", show_default=True,
                     help="Network of each RUN that names none with --network."),
        click.option("--linux-builder", type=click.Choice(("auto", "buildah", "buildx", "none")), default="auto",
                     show_default=True, help="What builds the stages for Linux (FROM --platform=$BUILDPLATFORM …) that "
                                             "files are taken from; auto is buildah, else docker buildx."),
        click.option("--pull", is_flag=True, help="Ask the registry for bases even when the local store has them."),
        registry_options,
        progress_option,
    )):
        function = option(function)
    return function


@click.command()
@build_options
@click.option("-t", "--tag", "tags", multiple=True, metavar="NAME[:TAG]", help="Name the image; may be repeated.")
@click.option("--push", is_flag=True, help="Push every name to its registry.")
@click.option("--load", is_flag=True,
              help="Load the image into the docker engine of this machine, or of --docker-host.")
@docker_host_option
@click.option("-o", "--output", "outputs", multiple=True, metavar="TYPE,dest=PATH",
              help="Write the image: type=oci,dest=FILE, with tar=false a folder; type=docker,dest=FILE; "
                   "type=registry.")
@click.option("--compression", default="gzip", show_default=True, metavar="gzip|zstd|none[:LEVEL]",
              help="Compression of new layers.")
@click.option("--reproducible", is_flag=True,
              help="Compress with classic zlib: slower, the same bytes on every machine.")
@click.option("--timestamps", type=click.Choice(["fixed", "source"]), default="fixed", show_default=True,
              help="Times of new files: fixed (SOURCE_DATE_EPOCH, else the base's creation time) or their sources'.")
@click.option("--symlinks", type=click.Choice(["keep", "follow", "refuse"]), default="keep", show_default=True,
              help="Symlinks of the context: keep them as Windows symlinks, copy what they point at, or refuse.")
@click.option("--acl", "acls", multiple=True, metavar="PATH=SDDL", help="Security of a file or folder of the image.")
@click.option("--attr", "attributes", multiple=True, metavar="PATH=+RHS",
              help="Attributes to set (+) or clear (-): R read-only, H hidden, S system, A archive.")
@click.option("--junction", "junctions", multiple=True, metavar="PATH=TARGET", help="Make a junction.")
@click.option("--lint", type=click.Choice(["error", "warn", "off"]), default="error", show_default=True,
              help="What to do about things that Windows would refuse.")
@click.option("--secret", "secrets", multiple=True, metavar="id=NAME,src=FILE|env=NAME",
              help="What RUN --mount=type=secret,id=NAME gets: a file's content, or a variable's value.")
@click.option("--ssh", "ssh", multiple=True, metavar="default|NAME", help="Refused: Windows containers reach no agent.")
@click.option("--downloads", nargs=2, type=(click.Choice(["record", "replay"]), click.Path(file_okay=False)),
              metavar="record|replay DIR",
              help="Keep in DIR what ADD and RUN download, or take it from there and from nowhere else.")
@click.option("--no-cache", is_flag=True, help="Write every layer anew.")
@click.option("--cache-from", "cache_from", multiple=True, metavar="NAME|type=registry,ref=NAME|type=local,src=DIR",
              help="Take layers of earlier builds from here.")
@click.option("--cache-to", "cache_to", multiple=True, metavar="NAME|type=registry,ref=NAME|type=local,dest=DIR",
              help="Keep this build's layers there; mode=max: those of all stages.")
@click.option("--plan", "only_plan", is_flag=True, help="Show what would be done, and do none of it.")
@click.option("--iidfile", type=FILE_NAME, metavar="FILE",
              help="Write the config's digest (docker's image id) to a file.")
@click.option("--provenance/--no-provenance", default=False,
              help="Attach a statement of where the image comes from (in-toto, SLSA), and put it into --metadata-file.")
@click.option("--sbom/--no-sbom", default=False, help="Attach a bill of materials, made by the program syft.")
@click.option("--metadata-file", type=FILE_NAME, metavar="FILE", help="Write digests and names to a JSON file.")
@click.pass_context
def build(ctx: click.Context, /, tags: tuple[str, ...], push: bool, load: bool, outputs: tuple[str, ...],
          only_plan: bool, provenance: bool, sbom: bool, iidfile: str | None, metadata_file: str | None,
          progress: Style, **options: Any) -> None:
    """Build a Windows image from a Dockerfile, without Windows.

    CONTEXT is a folder, a tarball, - (a tarball on standard input), a URL or a git address. The image goes to the
    local store under its names; the last line of the output is its digest.

    \b
    Examples:
      wcow build -t registry.example/app:1 --push .
      wcow build -o type=oci,dest=app.tar --acl 'C:\\app=D:(A;OICI;FA;;;BA)' .
      wcow build --plan -f Dockerfile.windows .
      wcow build -t registry.example/app:1 --os-version all --push .
    """
    request = _request(options)
    settings = settings_from(ctx, **options)
    if options["ssh"]:
        raise UsageError("--ssh cannot be used", why="no agent's socket reaches programs in a Windows container",
                         hint="give a key or a token as a secret: --secret, and RUN --mount=type=secret")
    secrets = Secrets.parse(options["secrets"], os.environ)
    names = [_name(tag) for tag in tags]
    targets = [_output(text) for text in outputs]
    if (push or any(target is None for target in targets)) and not names:
        raise UsageError("nothing to push", why="the image has no name", hint="-t REGISTRY/NAME:TAG")
    caches = [CachePlace.parse(text, "--cache-to") for text in options["cache_to"]]
    if caches and request.no_cache:
        raise UsageError("--no-cache and --cache-to exclude each other", why="without a cache nothing is recorded")
    pushed = [Location("docker", reference) for reference in names] if push or None in targets else []
    with open_library(settings) as library:
        library.keep_pinned = not only_plan
        for place in (*pushed, *(kept.location for kept in caches)) if not only_plan else ():
            library.stores.expect_push(place)
        cache = _cache(library, settings, options["cache_from"])
        shop = _workshop(library, settings, cache, request, options["downloads"], secrets)
        if only_plan:
            ctx.exit(_print_plan(follow(plan_only(request, shop), progress), as_json=False))
        platforms, versions = options["platforms"], _versions(options)
        built: Built | BuiltIndex
        if len(platforms) > 1 or len(versions) > 1 or versions == (ALL,):
            built = follow(build_many(request, shop, platforms, versions), progress)
        else:
            built = follow(build_image(request, shop), progress)
        _keep(library, built, names)
        statements = _attach(library, request, built, names) if provenance else {}
        if sbom:
            _list_materials(library, built, names, progress)
        places = [*(target for target in targets if target is not None), *pushed]
        if load:
            places.append(Location("docker-daemon", (names or [Reference.parse("wcow/built").tagged()])[0]))
        for place in places:
            follow(_deliver(library, built, place, names, attached=provenance or sbom), progress)
        for kept in caches:
            _export(library, cache, kept, built)
    _write_files(built, names, statements, iidfile, metadata_file)
    click.echo(built.descriptor.digest)


@click.command()
@build_options
@format_option
@click.pass_context
def plan(ctx: click.Context, /, progress: Style, as_json: bool, **options: Any) -> None:
    """Show what a build would do: stages, instructions, sizes, and how each RUN would be executed.

    Looks up the configs of the images and reads the Dockerfile; downloads no layer and writes nothing. Exit code 1: a
    COPY or ADD cannot be done. Files that come from an image or a stage are not looked at.
    """
    request = _request(options)
    settings = settings_from(ctx, **options)
    with open_library(settings) as library:
        shop = _workshop(library, settings, Cache(None), request)
        ctx.exit(_print_plan(follow(plan_only(request, shop), progress), as_json=as_json))


def _print_plan(found: Plan, *, as_json: bool) -> int:
    """Print the plan. The exit code: 1 where a COPY or ADD cannot be done. A RUN is shown with its way; it is not a
    mistake of the Dockerfile."""
    if as_json:
        print_json(plan_facts(found))
    else:
        for line in plan_lines(found):
            click.echo(line)
    return 1 if found.problems else 0


def _request(options: dict[str, Any]) -> BuildRequest:
    """The request in the options of ``build`` or ``plan``."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch and not re.fullmatch(r"-?\d{1,12}", epoch):
        raise UsageError(f"SOURCE_DATE_EPOCH={epoch} is not a time", why="it is a number of seconds since 1970")
    versions = _versions(options)
    return BuildRequest(
        context=options["context"], dockerfile=options["dockerfile"], target=options["target"],
        platform=options["platforms"][0] if len(options["platforms"]) == 1 else None,
        os_version=versions[0] if len(versions) == 1 and versions != (ALL,) else None,
        build_args=pairs(options["build_args"], "--build-arg", environment=os.environ),
        build_contexts=pairs(options["build_contexts"], "--build-context"),
        labels=pairs(options["labels"], "--label"), annotations=pairs(options["annotations"], "--annotation"),
        compression=Compression.parse(options.get("compression", "gzip"),
                                      reproducible=options.get("reproducible", False)),
        timestamps=options.get("timestamps", "fixed"), epoch=int(epoch) if epoch else None,
        base_metadata=options["base_metadata"], symlinks=options.get("symlinks", "keep"),
        acls=pairs(options.get("acls", ()), "--acl"), attributes=pairs(options.get("attributes", ()), "--attr"),
        junctions=pairs(options.get("junctions", ()), "--junction"), no_cache=options.get("no_cache", False),
        lint=options.get("lint", "error"),
        pull=options["pull"], run=options["run"], network=options["network"],
        linux_builder=options["linux_builder"])


def _versions(options: dict[str, Any]) -> tuple[str, ...]:
    """The Windows versions asked for."""
    found = tuple(part.strip() for text in options["os_versions"] for part in text.split(",") if part.strip())
    for version in found:
        if version == ALL and len(found) > 1:
            raise UsageError("--os-version all goes with no other version")
        if version != ALL and not re.fullmatch(r"\d+(\.\d+){2,3}", version):
            raise UsageError(f"--os-version {version} is not a Windows version",
                             why="wanted 10.0.BUILD or 10.0.BUILD.REVISION, or all")
    return tuple(dict.fromkeys(found))


def _name(tag: str) -> Reference:
    reference = Reference.parse(tag).tagged()
    if reference.digest is not None:
        raise UsageError(f"an image cannot be called {tag}", why="its digest is what it is, not what one wishes",
                         hint="-t NAME:TAG")
    return reference


def _workshop(library: OpenLibrary, settings: Settings, cache: Cache, request: BuildRequest,
              downloads: tuple[str, str] | None = None, secrets: Secrets | None = None) -> Workshop:
    stdin = getattr(sys.stdin, "buffer", None)  # None where standard input was closed
    asked = (downloads[0], Path(downloads[1])) if downloads else None
    return workshop(library, settings, cache, stdin, run=request.run, downloads=asked, secrets=secrets,
                    linux=request.linux_builder)


def _cache(library: OpenLibrary, settings: Settings, texts: tuple[str, ...]) -> RemoteCache:
    """The user's own cache, with those of ``--cache-from`` behind it. One that cannot be read is a warning."""
    cache = RemoteCache(cache_folders(settings).steps, library.local)
    for text in texts:
        place = CachePlace.parse(text, "--cache-from")
        try:
            cache.add(library.stores.open(place.location), place)
        except NotFoundError:
            cache.warnings.append(f"the build cache {place.location} is not there yet")
    _say(cache)
    return cache


def _say(cache: RemoteCache) -> None:
    for warning in cache.warnings:
        click.echo(f"warning: {warning}", err=True)
    cache.warnings.clear()


def _export(library: OpenLibrary, cache: RemoteCache, place: CachePlace, built: Built | BuiltIndex) -> None:
    """Keep the layers of a build in a cache."""
    builds = (built,) if isinstance(built, Built) else built.builds
    only = None if place.whole else {layer.digest for one in builds for layer in one.image.layers}
    target = library.stores.create(place.location)
    try:
        cache.export(target, place.tag, only=only)
    finally:
        target.close()
    _say(cache)


_TRUTH = {**dict.fromkeys(("true", "1", "t"), True), **dict.fromkeys(("false", "0", "f"), False)}
"""What buildx takes for yes and no (Go's ParseBool)."""


def _output(text: str) -> Location | None:
    """Where ``--output`` says; ``None`` is the registry of each name."""
    if "=" not in text:
        raise UsageError(f"cannot write the image to {text}", why="an image is not unpacked into a folder",
                         hint=f"--output type=oci,tar=false,dest={text} makes an OCI layout")
    fields = dict(part.partition("=")[::2] for part in text.split(","))
    kind, path = fields.pop("type", "oci"), fields.pop("dest", "")
    tar = fields.pop("tar", None)
    if fields:
        raise UsageError(f"--output has no field {', '.join(fields)}", why="it has type, dest and tar")
    if tar is not None and (kind != "oci" or tar.lower() not in _TRUTH):
        raise UsageError(f"--output type={kind} takes no tar={tar}", why="type=oci takes tar=true and tar=false")
    if kind in ("registry", "image"):
        return None
    transports: dict[str, Literal["oci", "oci-archive", "docker-archive"]] = {
        "oci": "oci-archive" if _TRUTH[(tar or "true").lower()] else "oci", "oci-archive": "oci-archive",
        "docker": "docker-archive"}
    transport = transports.get(kind)
    if transport is None:
        raise UsageError(f"--output type={kind} is not known", why="known are oci, oci-archive, docker and registry")
    if not path:
        raise UsageError(f"--output type={kind} has no dest", hint=f"--output type={kind},dest=PATH")
    if path == "-":
        raise UsageError("cannot write the image to standard output", why="the digest is printed there",
                         hint=f"--output type={kind},dest=FILE")
    return Location(transport, path=path)


def _keep(library: OpenLibrary, built: Built | BuiltIndex, names: list[Reference]) -> None:
    """Name the image in the local store."""
    local = library.local
    data = built.image.manifest_bytes() if isinstance(built, Built) else built.index.to_bytes()
    kind = built.descriptor.media_type
    for reference in names:
        local.put_manifest(data, kind, tag=str(reference))


def _deliver(library: OpenLibrary, built: Built | BuiltIndex, place: Location, names: list[Reference], *,
             attached: bool) -> Iterator[Event]:
    """Send the image to one place, under each of its names where the place keeps several."""
    if place.transport == "docker" or place.transport == "docker-daemon":
        assert place.reference is not None
        tags = [place.reference.tag if place.transport == "docker" else str(place.reference)]
    else:
        tags = [str(name) for name in names] or [""]
    target = library.stores.create(place)
    origin = None
    if place.transport == "docker" and place.reference is not None:  # the next push there moves none of these blobs
        origin = replace(place, reference=replace(place.reference, tag="", digest=None))
    try:
        for tag in tags:
            yield from copy(library.local, built.descriptor, target, tag=tag, name=str(place),
                            whole=holds_indexes(place), attached=attached and holds_indexes(place),
                            origin=origin)
    finally:
        target.close()


def _attach(library: OpenLibrary, request: BuildRequest, built: Built | BuiltIndex,
            names: list[Reference]) -> dict[str, Any]:
    """Attach a statement to each image, and return the statements by platform."""
    statements = {}
    for one in (built,) if isinstance(built, Built) else built.builds:
        data = statement(request, one, tuple(map(str, names)))
        attach(library.local, data, one.descriptor)
        statements[str(one.image.config.platform)] = json.loads(data)
    return statements


def _list_materials(library: OpenLibrary, built: Built | BuiltIndex, names: list[Reference], progress: Style) -> None:
    """Let syft look at each image, in a layout of its own, and attach what it says."""
    for one in (built,) if isinstance(built, Built) else built.builds:
        with tempfile.TemporaryDirectory(prefix="wcow-sbom-") as folder:
            place = Location("oci", path=str(Path(folder) / "layout"))
            target = library.stores.create(place)
            follow(copy(library.local, one.descriptor, target, tag="image", name="the image for syft"), progress)
            target.close()
            data = materials(one, list_materials(Path(place.path)), tuple(map(str, names)))
            attach(library.local, data, one.descriptor, SPDX)


def _write_files(built: Built | BuiltIndex, names: list[Reference], statements: dict[str, Any], iidfile: str | None,
                 metadata_file: str | None) -> None:
    facts: dict[str, Any] = {"containerimage.digest": str(built.descriptor.digest),
                             "containerimage.descriptor": json.loads(built.descriptor.to_json()),
                             "image.name": ",".join(map(str, names))}
    if isinstance(built, Built):
        identity = str(built.image.manifest.config.digest)
        facts["containerimage.config.digest"] = identity
    else:
        identity = str(built.descriptor.digest)  # an index has no config of its own: docker uses its digest, too
    for platform, found in statements.items():
        facts["buildx.build.provenance" + (f"/{platform}" if len(statements) > 1 else "")] = found["predicate"]
    if iidfile:
        _write(Path(iidfile), identity)
    if metadata_file:
        _write(Path(metadata_file), json.dumps(facts, indent=2) + "\n")


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise WcowError(f"cannot write {path}", why=error.strerror or str(error),
                        hint="the image itself is in the local store") from error
    finally:
        with suppress(OSError):  # it is renamed by now, or the error before it counts
            draft.unlink(missing_ok=True)
