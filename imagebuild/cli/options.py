# SPDX-License-Identifier: Apache-2.0
"""Options that several verbs share, as decorators, and the settings that come of them.

::

    @click.command()
    @registry_options          # --mirror --ca --insecure --offline --air-gapped --store
    @platform_options          # platform: str | None, os_version: str | None
    @progress_option           # progress: Style (--quiet included)
    @format_option             # as_json: bool
    @click.pass_context
    def verb(ctx, platform, os_version, progress, as_json, **options):
        settings = settings_from(ctx, **options)
"""

from __future__ import annotations

import functools
import os
import re
import socket
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar

import click
from click.shell_completion import CompletionItem

from ..errors import UsageError, WcowError, quoted
from ..oci import Platform
from ..stores import Mirrors
from ..wiring import Settings
from . import config
from .hosts.passwords import password_of

if TYPE_CHECKING:
    _Number: TypeAlias = click.ParamType[int]
    _Text: TypeAlias = click.ParamType[str]
else:  # generic since Click 8.2 only
    _Number = _Text = click.ParamType

P = ParamSpec("P")
R = TypeVar("R")
Decorated = Callable[..., Any]
FILE_NAME = click.Path(readable=False)
"""A file or folder as a text: a shell completes it, and whoever opens it says what is wrong with it."""

REGISTRY_OPTIONS = ("mirror", "ca", "insecure", "offline", "air_gapped", "store")
_PLATFORM = re.compile(r"(?P<os>[a-z0-9]+)(?:\((?P<version>[0-9.]*)\))?(?:/(?P<architecture>[a-z0-9_]+))?"
                       r"(?:/(?P<variant>[a-z0-9.]+))?")


def registry_options(function: Decorated) -> Decorated:
    """The options of :func:`network_options` and ``--store``; see :func:`settings_from`."""
    return network_options(store_option(function))


def network_options(function: Decorated) -> Decorated:
    """``--mirror``, ``--ca``, ``--insecure``, ``--offline`` and ``--air-gapped``."""
    for option in reversed((
        click.option("--mirror", "mirror", multiple=True, metavar="NAME=HOST[/PATH]",
                     help="Read NAME (like mcr.microsoft.com) from another registry. Also WCOW_MIRRORS, [mirrors]."),
        click.option("--ca", "ca", type=FILE_NAME, metavar="FILE",
                     help="Trust the CAs in this PEM file. Also WCOW_CA_FILE."),
        click.option("--insecure", is_flag=True, default=None,
                     help="Take any certificate, and plain http. Also WCOW_INSECURE."),
        click.option("--offline/--no-offline", default=None,
                     help="Use the local store only. Also WCOW_OFFLINE."),
        click.option("--air-gapped/--no-air-gapped", default=None,
                     help="Ask mirrors, and push to mirrors, and to nobody else. Also WCOW_AIR_GAPPED."),
    )):
        function = option(function)
    return function


def docker_host_option(function: Decorated) -> Decorated:
    """``--docker-host``: whose images ``docker-daemon:`` and ``--load`` mean."""
    return click.option("--docker-host", metavar="ADDRESS", help="The engine of docker-daemon: and --load: an engine's "
                        "address, winrm://[user@]host, ssh://…, host://NAME, or a name of [hosts]. Also "
                        "WCOW_DOCKER_HOST, docker_host; else the one docker would use.")(function)


def store_option(function: Decorated) -> Decorated:
    """``--store``: another local store."""
    return click.option("--store", type=click.Path(file_okay=False), metavar="DIR",
                        help="Folder of the local store. Also WCOW_STORE.")(function)


def platform_options(function: Decorated) -> Decorated:
    """``--platform`` and ``--os-version``, as texts or ``None``; :func:`wanted_platform` makes one value of them."""
    function = click.option("--os-version", metavar="10.0.BUILD[.REV]",
                            help="Windows version to take from an index.")(function)
    return click.option("--platform", metavar="OS/ARCH",
                        help="Platform to take from an index, like windows/amd64 or windows(10.0.20348.1)/amd64.",
                        )(function)


def progress_option(function: Decorated) -> Decorated:
    """``--progress`` and ``--quiet`` as one argument ``progress``."""

    @functools.wraps(function)
    def wrapper(*args: Any, quiet: bool, progress: str, **others: Any) -> Any:
        return function(*args, progress="quiet" if quiet else progress, **others)

    wrapped: Decorated = click.option("-q", "--quiet", is_flag=True, help="No progress; the same as --progress quiet.")(
        wrapper)
    return click.option("--progress", type=click.Choice(["auto", "plain", "tty", "json", "quiet"]), default="auto",
                        envvar="WCOW_PROGRESS", help="How to show what goes on (on standard error).")(wrapped)


def format_option(function: Decorated) -> Decorated:
    """``--format text|json`` as the argument ``as_json``."""
    return click.option("--format", "as_json", type=click.Choice(["text", "json"]), default="text",
                        callback=lambda ctx, parameter, value: value == "json",
                        help="Text for people or JSON for programs.")(function)


class MemorySize(_Number):
    """Bytes as Docker writes them (``512m``, ``4g``); 0 for no limit."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of bytes."""
        from ..engine.gotext import ram_in_bytes

        try:
            size = value if isinstance(value, int) else ram_in_bytes(value)
        except (ValueError, OverflowError):
            self.fail(f"{quoted(str(value)[:40])} is not a size: write 512m or 4g", param, ctx)
        if 0 < size < _LEAST_MEMORY:
            self.fail(f"{value} is less than a build needs to begin (256m)", param, ctx)
        return size


_LEAST_MEMORY = 256 << 20


def publish_option(when: str = "") -> Callable[[Decorated], Decorated]:
    """``--publish-address``; ``when`` ends its help."""
    return click.option("--publish-address", type=HostAddress(), default="127.0.0.1", show_default=True,
                        metavar="ADDRESS", envvar="WCOW_ENGINE_PUBLISH_ADDRESS", show_envvar=True,
                        help=f"Where ports are published when no address is named{when}.")


def container_ca_option(name: str = "--ca", when: str = "") -> Callable[[Decorated], Decorated]:
    """``--ca`` of an engine; ``when`` ends its help."""
    return click.option(name, "container_ca", type=click.Path(exists=True, dir_okay=False, path_type=Path),
                        default=None, metavar="FILE", envvar="WCOW_ENGINE_CA", show_envvar=True,
                        help="The certificate authorities that containers trust, in place of this machine's (PEM)"
                             f"{when}.")


def settings_from(ctx: click.Context, **options: Any) -> Settings:
    """The settings of this run: its options over ``WCOW_*`` over the configuration file over the defaults.

    ``options`` may hold others than those of :func:`registry_options`; they are left alone.
    """
    given: config.Values = {}
    if options.get("mirror"):
        Mirrors.parse(options["mirror"])
        given["mirrors"] = tuple(options["mirror"])
    if options.get("ca"):
        given["ca_file"] = options["ca"]
    for name in ("insecure", "offline", "air_gapped"):
        if options.get(name) is not None:
            given[name] = options[name]
    if options.get("store"):
        given["store"] = Path(options["store"])
    named = (ctx.find_root().obj or {}).get("config")
    if options.get("docker_host"):
        given["docker_host"] = options["docker_host"]
    found = config.settle(given, config.from_environment(os.environ), config.load(named, _here()).values)
    settings = replace(found, password=password_of)
    if settings.ca_file and not Path(settings.ca_file).is_file():
        raise UsageError(f"there is no file {settings.ca_file}", why="the CAs of registries were to be read from it",
                         hint="--ca FILE, WCOW_CA_FILE or ca_file in wcow.toml name it")
    return settings


def _here() -> Path:
    """The working directory; one that has been deleted has no configuration file in or above it."""
    try:
        return Path.cwd()
    except OSError:
        return Path()


def wanted_platform(platform: str | None, os_version: str | None) -> Platform:
    """The platform asked for; ``windows/amd64`` when none was. UsageError when the text is none."""
    found = _PLATFORM.fullmatch(platform or "windows/amd64")
    if found is None:
        raise UsageError(f"{quoted(platform)} is not a platform", why="wanted OS/ARCH or OS(VERSION)/ARCH",
                         hint="--platform windows/amd64")
    version = os_version or found["version"] or ""
    if os_version and found["version"] and os_version != found["version"]:
        raise UsageError(f"--os-version {os_version} and --platform {platform} name two versions")
    if version and not re.fullmatch(r"\d+(\.\d+){0,3}", version):
        raise UsageError(f"{quoted(version)} is not a Windows version", why="wanted 10.0.BUILD or 10.0.BUILD.REVISION",
                         hint="--os-version 10.0.20348")
    return Platform(found["os"], found["architecture"] or "amd64", version, variant=found["variant"] or "")


class HostAddress(_Text):
    """An IPv4 address that this machine can listen on; a shell completes the two that are everywhere."""

    name = "address"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address as it stands; BadParameter when nothing could listen there."""
        try:
            if IPv4Address(value).is_multicast or value == "255.255.255.255":  # these can be bound to, and no more
                raise ValueError
            with socket.socket() as probe:
                probe.bind((value, 0))
        except (ValueError, OSError):
            self.fail(f"{quoted(value)} is no IPv4 address of this machine, as 127.0.0.1 is, or 0.0.0.0 for all of "
                      "them", param, ctx)
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """This machine alone, and all its addresses."""
        return [CompletionItem(value, help=about) for value, about in (
            ("127.0.0.1", "this machine only"), ("0.0.0.0", "all addresses of this machine"))
            if value.startswith(incomplete)]


class ImageName(_Text):
    """An image name; a shell completes those of the local store."""

    name = "image"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Names in the local store that begin so; folders and files after ``oci:`` and the like."""
        transport, colon, rest = incomplete.partition(":")
        if colon and transport in ("oci", "oci-archive", "docker-archive", "dir"):
            return [CompletionItem(f"{transport}:{path}") for path in _paths(rest, folders=transport in ("oci", "dir"))]
        try:
            names = local_names(settings_from(ctx))
        except WcowError:
            return []  # nobody wants an error message in the middle of a word
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class ImageOrFile(ImageName):
    """An image name, or a file."""

    name = "target"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Names in the local store that begin so, and files and folders."""
        files = [CompletionItem(path) for path in _paths(incomplete, folders=False)]
        return [*super().shell_complete(ctx, param, incomplete), *files]


def _paths(begin: str, *, folders: bool) -> list[str]:
    """Paths that begin so; folders end with a slash, so that completion can go on below."""
    folder, slash, name = begin.rpartition("/")
    try:
        entries = sorted(Path(f"{folder}{slash}" or ".").iterdir())
    except OSError:
        return []
    return [f"{folder}{slash}{entry.name}" + ("/" if entry.is_dir() else "") for entry in entries
            if entry.name.startswith(name) and (entry.is_dir() or not folders)]


def local_names(settings: Settings) -> list[str]:
    """The names in the local store, short as people type them. Makes no store where there is none."""
    from ..oci import Reference
    from ..stores import LayoutStore, local_path

    path = settings.store or local_path()
    if not (path / "index.json").is_file():
        return []
    return sorted(Reference.parse(tag).familiar for tag in LayoutStore(path).tags())
