# SPDX-License-Identifier: Apache-2.0
"""What the verbs of ``wcow compat`` are asked about: hosts, engines and images, as people name them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ...compat.documents import Subject
from ...compat.engine import Engine, engine_of, parse_engine
from ...compat.hosts.hosts import detect, from_machine, from_text
from ...compat.image import ImageFacts
from ...compat.rules.generations import GENERATIONS, Generation
from ...errors import FormatError, InputError, UsageError
from ...images import Library
from ...images.inspect.rootfs import Rootfs
from ...images.subject import find_subject, look_inside, read_subject
from ...windows.facts.host import HostFacts, Store
from ...windows.releases import find_release
from ...wiring import Settings, host_named, index_cache, open_library
from ..options import network_options, wanted_platform
from ..render import Style, follow

Decorated = Callable[..., Any]
LARGEST = 64 << 20
"""Bytes of a file of host facts; what Ansible gathers of a host is a hundredth of that."""


def engine_options(function: Decorated) -> Decorated:
    """``--engine``, ``--store``, ``--generation``."""
    for option in reversed((
        click.option("--engine", metavar="ENGINE", help="docker-29.6, containerd-2.1, docker … (default: the host's, "
                                                        "where its facts name one, else a new Docker)."),
        click.option("--store", type=click.Choice(["graphdriver", "containerd"]),
                     help="Where docker keeps images: its own store (the default on Windows) or containerd's."),
        click.option("--generation", type=click.Choice(GENERATIONS),
                     help="The engine's rule for builds, instead of what its version has."),
    )):
        function = option(function)
    return function


def image_options(function: Decorated) -> Decorated:
    """Where images come from. The local store is ``--local-store`` here, for ``--store`` is the engine's."""
    return network_options(click.option(
        "--local-store", type=click.Path(file_okay=False), metavar="DIR",
        help="Folder of the local store. Also WCOW_STORE.")(function))


def host_options(function: Decorated) -> Decorated:
    """What is said of a host beside its version."""
    for option in reversed((
        click.option("--product", type=click.Choice(["server", "client"]), help="What kind of Windows the hosts are."),
        click.option("--arch", "architecture", type=click.Choice(["amd64", "arm64"]),
                     help="Their processor (default: amd64)."),
        click.option("--hyperv/--no-hyperv", default=None, help="Whether Hyper-V runs there."),
        click.option("--isolation", type=click.Choice(["process", "hyperv"]),
                     help="The isolation asked for (default: the one the engine would choose)."),
    )):
        function = option(function)
    return function


def host_of(text: str, settings: Settings | None = None, **said: Any) -> list[HostFacts]:
    """The hosts that ``--host`` names: a version as people write it, ``local``, a file of facts (``docker info`` or
    ``docker version``, Ansible's facts, a Kubernetes node, CIM or registry values, what 'wcow doctor facts' prints),
    or the address of a host or an engine, which is asked.

    ``said`` overrules what was found: ``product``, ``architecture``, ``hyperv``.
    """
    changes = {name: value for name, value in said.items() if value is not None}
    settings = settings or Settings()
    if text == "local" or "://" in text or text in settings.hosts:
        host = host_named(settings, text)
        try:
            hosts = [from_machine(host.facts())]
        finally:
            host.close()
    elif Path(text).is_file():
        hosts = list(_from_file(Path(text)))
    else:
        hosts = [from_text(text)]
    return [replace(host, **changes) for host in hosts]


def _from_file(path: Path) -> tuple[HostFacts, ...]:
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}", why=error.strerror or str(error)) from error
    if len(data) > LARGEST:
        raise FormatError(f"cannot read the facts of a host in {path}", why=f"more than {LARGEST:,} bytes")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        document = json.loads(data.decode(encoding))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"cannot read {path} as JSON", why=str(error)[:200],
                          hint="--host takes a version, or a file of facts: docker info --format json > host.json"
                          ) from None
    try:
        return detect(document).hosts
    except FormatError as error:
        error.what = f"{path}: {error.what}"
        raise


def engine_for(host: HostFacts, engine: str | None, store: Store | None, generation: Generation | None) -> Engine:
    """The engine asked for, else the host's."""
    if engine:
        return parse_engine(engine, store or "", generation)
    return engine_of(host, store or "", generation)


def subject_for(name: str, settings: Settings, *, inside: bool, progress: Style) -> Subject:
    """What IMAGE is: a Windows version as people write it (``ltsc2022``, ``10.0.20348.2527``), a file (a saved index,
    config or ``docker image inspect``, the SOFTWARE hive of a base), or an image by name."""
    path = Path(name)
    if path.is_file():
        if inside:
            raise UsageError("--look-inside reads the layers of an image", why=f"{name} is a file")
        return read_subject(path, name)
    typed = _typed(name)
    if typed is not None:
        return Subject(name, typed)
    with ExitStack() as stack:
        library = stack.enter_context(open_library(settings))
        subject = find_subject(library, name)
        return _inside(subject, name, library, settings, progress) if inside else subject


def _inside(subject: Subject, name: str, library: Library, settings: Settings, progress: Style) -> Subject:
    """The image with what its layers tell; of an index nothing is read, for nobody knows yet which entry it will be."""
    if subject.image is None:
        raise UsageError("--look-inside reads the layers of one image", why=f"{name} is an index of several",
                         hint="name one of them by its digest: NAME@sha256:…")
    found = library.find(name, wanted_platform(f"{subject.image.os}/{subject.image.architecture}", None))
    rootfs = Rootfs(found.image, found.store, index_cache(settings), name=name)
    try:
        facts: ImageFacts = follow(look_inside(subject.image, rootfs), progress)
    finally:
        rootfs.close()
    return replace(subject, image=facts)


def _typed(name: str) -> ImageFacts | None:
    """A version that was typed in the place of an image."""
    pieces = name.split(".")
    if len(pieces) in (3, 4) and all(piece.isascii() and piece.isdigit() for piece in pieces):
        return ImageFacts("windows", "", name, name=name)
    found = find_release(name) if re.fullmatch(r"[A-Za-z0-9-]{4,16}", name) else None
    if found is None or not found.tag:
        return None
    architecture = "arm64" if name.lower().endswith("-arm64") else ""
    return ImageFacts("windows", architecture, f"10.0.{found.build}", name=name)
