# SPDX-License-Identifier: Apache-2.0
"""Which adapter does the work: settings in, stores, library, caches and fetcher out.

Nothing here looks at the environment or at a file: front ends collect the :class:`Settings` (see ``cli/config.py``),
and whoever uses the library from Python makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache as once
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from .dockerapi import Client
from .errors import NotFoundError, ToolError, UsageError
from .fetch import (
    DownloadMap,
    Fetcher,
    NetworkFetcher,
    RecordingFetcher,
    Recordings,
    ReplayFetcher,
)
from .files import cache_folder
from .images.inspect.rootfs import IndexCache
from .images.library import Library
from .oci import Location, Reference
from .stores import (
    ArchiveStore,
    DaemonStore,
    DirectoryStore,
    DockerConfig,
    LayoutStore,
    Mirrors,
    RegistryClient,
    RegistryStore,
    Retries,
    Store,
    Tls,
    local_path,
)
from .stores.daemon.daemon import SILENCE

RUN_IDLE = 600
"""Seconds for which an engine that a build started stays when nothing runs in it."""

if TYPE_CHECKING:
    from .builder import Workshop
    from .builder.cache.cache import Cache
    from .builder.execute.linux_stages import LinuxBuilder
    from .builder.plan.secrets import Secrets
    from .builder.run.downloads import Downloads
    from .builder.run.runner import Runner
    from .engine.core import Engine
    from .engine.images.transfer.registry import Registries
    from .engine.settings import EngineSettings
    from .fetch.proxy.proxy import RunDownloads
    from .host import Host
    from .host.address import HostAddress


def _no_password(address: HostAddress) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user decided about places and the network.

    ``store`` is the folder of the local store and ``cache`` the one for what can be made again; ``None`` is the
    user's own. ``mirrors`` are rules (``mcr.microsoft.com=localhost:5000``); with ``air_gapped`` nothing but mirrors
    is asked, or pushed to. ``insecure`` takes any certificate and plain http from every registry,
    ``insecure_registries`` from those hosts. ``ca_file`` is a PEM file. ``retries`` counts tries of a request.
    ``docker_config`` is the folder with Docker's ``config.json``, ``docker_host`` the engine's address or that of a
    host (``winrm://…``, a name in ``hosts``); empty is what Docker itself would take. ``hosts`` are the addresses of
    hosts by name, ``password`` gives the password for one. Proxies come from ``HTTPS_PROXY`` and its sisters.
    """

    store: Path | None = None
    cache: Path | None = None
    mirrors: tuple[str, ...] = ()
    air_gapped: bool = False
    insecure: bool = False
    insecure_registries: tuple[str, ...] = ()
    ca_file: str = ""
    offline: bool = False
    retries: int = 5
    downloads: DownloadMap = field(default_factory=DownloadMap)
    docker_config: str = ""
    docker_host: str = ""
    hosts: Mapping[str, HostAddress] = field(default_factory=dict)
    password: Callable[[HostAddress], str] = field(default=_no_password, repr=False, compare=False)

    def tls(self, host: str = "") -> Tls:
        """How to trust a registry."""
        return Tls(ca_file=self.ca_file, insecure=self.insecure or host in self.insecure_registries)


@dataclass(frozen=True, slots=True)
class CacheFolders:
    """Folders for what can be made again: indexes of layers, records of build steps, and one for anything else."""

    root: Path
    indexes: Path
    steps: Path


def cache_folders(settings: Settings) -> CacheFolders:
    """Where caches are; the folders may not exist yet."""
    root = settings.cache
    if root is None:
        root = cache_folder()
    return CacheFolders(root, root / "indexes", root / "steps")


def index_cache(settings: Settings) -> IndexCache:
    """The indexes of layers that were read before."""
    return IndexCache(cache_folders(settings).indexes)


def fetcher(settings: Settings) -> NetworkFetcher:
    """What downloads files and clones repositories."""
    return NetworkFetcher(downloads=settings.downloads, offline=settings.offline)


def docker_config(settings: Settings) -> DockerConfig:
    """Where logins are kept."""
    return DockerConfig(Path(settings.docker_config) / "config.json" if settings.docker_config else None)


def docker_client(settings: Settings) -> Client:
    """A client of the engine that the settings name, else of the one that the docker command would use. Closing it
    closes the way to a host, too."""
    if names_host(settings, settings.docker_host) or settings.docker_host.startswith("context://"):
        host = host_named(settings, settings.docker_host)
        client = host.engine()
        client.silence, client.on_close = SILENCE, host.close
        return client
    return Client.from_environment(host=settings.docker_host, silence=SILENCE,
                                   config=Path(settings.docker_config) if settings.docker_config else None)


class Stores:
    """Opens the stores that locations name. All registries share their connections; closing this closes those."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._clients: dict[Tls, RegistryClient] = {}

    def local(self) -> LayoutStore:
        """The local store, made if it is not there."""
        return LayoutStore(self.settings.store or local_path(), create=True, opener=self.open)

    def open(self, location: Location) -> Store:
        """A store to read from. NotFoundError for a folder or file that is not there, and for a registry offline."""
        if location.transport in ("", "docker"):
            assert location.reference is not None
            return self._registry(location.reference)
        if location.transport == "oci":
            return LayoutStore(location.path)
        if location.transport == "dir":
            return DirectoryStore(location.path)
        if location.transport == "docker-daemon":
            return DaemonStore(docker_client(self.settings))
        return ArchiveStore(location.path)

    def create(self, location: Location) -> Store:
        """A store to write to: a folder is made, an archive begins anew and appears whole when it is closed."""
        self.expect_push(location)
        if location.transport == "oci":
            return LayoutStore(location.path, create=True)
        if location.transport == "dir":
            return DirectoryStore(location.path, create=True)
        if location.transport in ("oci-archive", "docker-archive"):
            return ArchiveStore(location.path, create=True)
        return self.open(location)

    def expect_push(self, location: Location) -> None:
        """Raise now, before work is done, what a push there would: NotFoundError offline, UsageError in air-gapped use
        unless it is a mirror. Asks nobody; says nothing about other places."""
        if location.transport == "docker" and location.reference is not None:
            self._registry(location.reference).expect_push()

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _registry(self, reference: Reference) -> RegistryStore:
        settings = self.settings
        if settings.offline:
            raise NotFoundError(f"cannot ask the registry {reference.domain}", why="--offline was given")
        tls = settings.tls(reference.domain)
        client = self._clients.get(tls)
        if client is None:
            client = RegistryClient(credentials=docker_config(settings), tls=tls,
                                    mirrors=Mirrors.parse(settings.mirrors, only=settings.air_gapped),
                                    retries=Retries(attempts=settings.retries))
            self._clients[tls] = client
        return client.repository(reference)


class OpenLibrary(Library):
    """A library with its stores; a context manager that closes them."""

    def __init__(self, settings: Settings) -> None:
        self.stores = Stores(settings)
        self.settings = settings
        super().__init__(self.stores.local(), self.stores.open, offline=settings.offline)

    def close(self) -> None:
        """Close every store and connection."""
        super().close()
        self.stores.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def engine_registries(settings: Settings) -> Registries:
    """How the embedded engine reaches registries: with our mirrors and trust, and the login that each request brings.
    It never uses the logins of whoever runs it."""
    from .engine.images.transfer.registry import Registries

    if settings.offline:
        nobody = Mirrors.parse((), only=True)
        return Registries(lambda credentials: RegistryClient(credentials=credentials, mirrors=nobody))
    return Registries(lambda credentials: RegistryClient(
        credentials=credentials, tls=settings.tls(), mirrors=Mirrors.parse(settings.mirrors, only=settings.air_gapped),
        retries=Retries(attempts=settings.retries)))


def engine_build_tools(settings: Settings) -> Downloads:
    """What builds of the embedded engine may use."""
    from .builder.run.downloads import Downloads

    return Downloads(settings.downloads.rules, settings.offline)


def open_library(settings: Settings) -> OpenLibrary:
    """The library of local and remote images; close it, or use it as a context manager."""
    return OpenLibrary(settings)


def workshop(library: OpenLibrary, settings: Settings, cache: Cache | None = None, stdin: BinaryIO | None = None, *,
             run: str = "none", downloads: tuple[str, Path] | None = None, secrets: Secrets | None = None,
             linux: str = "none") -> Workshop:
    """What a build works with; ``cache`` is the user's own when it is not given, ``stdin`` what ``-`` names, and
    ``run`` is the way of RUN. ``downloads`` is ``record`` or ``replay`` and the folder where downloads are kept,
    ``secrets`` are what ``RUN --mount=type=secret`` may ask for, and ``linux`` is what builds stages for Linux."""
    from .builder import Workshop
    from .builder.cache.cache import Cache

    folders, rules = cache_folders(settings), run_downloads(settings, downloads)
    return Workshop(library, index_cache(settings), cache or Cache(folders.steps), _fetcher(settings, rules),
                    folders.root / "stat", stdin, runner=runner(settings, library.local, run, rules, secrets),
                    linux=lambda: linux_builder(linux))


def run_downloads(settings: Settings, asked: tuple[str, Path] | None = None) -> RunDownloads | None:
    """How commands of RUN download where that is looked at: with the download map, or recorded or replayed as
    ``asked`` (see :func:`workshop`)."""
    if asked is None and not settings.downloads.rules:
        return None
    from .fetch.proxy.origin import Origin
    from .fetch.proxy.proxy import RunDownloads

    origin = Origin(settings.downloads, settings.offline)
    if asked is None:
        return RunDownloads("map", origin)
    mode, folder = asked
    if mode == "record":
        return RunDownloads("record", origin, Recordings.open(folder, create=True))
    return RunDownloads("replay", origin, Recordings.open(folder))


def _fetcher(settings: Settings, rules: RunDownloads | None) -> Fetcher:
    """What ADD downloads with."""
    if rules is None or rules.recordings is None:
        return fetcher(settings)
    if rules.mode == "replay":
        return ReplayFetcher(rules.recordings)
    return RecordingFetcher(fetcher(settings), rules.recordings)


def make_engine(place: EngineSettings, settings: Settings) -> Engine:
    """The embedded engine over Wine. Called on the event loop that it lives on."""
    from .engine.core import Engine
    from .engine.events import Events
    from .engine.images.collection import Images
    from .engine.images.unpack import Ground
    from .engine.networks.collection import Networks
    from .engine.volumes.volumes import Volumes
    from .programs import ProgramStore, WindowsPowerShell
    from .runtime.wine.sandbox import WineSandbox

    common = place.shared or place.root
    events, home = Events(), common / "sandbox"
    sandbox = WineSandbox(home, ca=place.ca)
    powershell = WindowsPowerShell(ProgramStore(common / "programs"), sandbox, home)
    images = Images(place, events, registries=engine_registries(settings), ground=lambda: Ground.of_wine(home),
                    build_tools=engine_build_tools(settings), powershell=powershell.layer)
    return Engine(place, sandbox, events, images, Volumes(place, events), Networks(place, events))


def runner(settings: Settings, local: Store, way: str, downloads: RunDownloads | None = None,
           secrets: Secrets | None = None) -> Runner | None:
    """What executes RUN: the embedded engine (``engine``), which is started when the first RUN comes, Docker on a host
    (its address), or nothing (``none``). ``downloads`` are looked at in the embedded engine. UsageError for what is not
    an address, and for recording on a host."""
    if way == "none":
        return None
    from .builder.run.engine import EngineRunner

    if way != "engine":
        from .host.address import parse

        parse(way, settings.hosts)  # a word that names nothing is refused before anything is built
        if downloads is not None and downloads.mode != "map":
            raise UsageError(f"--downloads {downloads.mode} does not go with --run {way}",
                             why="programs on a host reach no proxy of this machine", hint="--run engine")
        host = once(lambda: host_named(settings, way))
        return EngineRunner(lambda version: host().engine(), local, secrets=secrets)
    return EngineRunner(_engine_for, local, downloads, secrets)


def _engine_for(version: str) -> Client:
    """A client of the embedded engine, which is started where none runs, of the image's Windows or a newer one."""
    from .engine import EngineSettings, engine_place, ensure  # few verbs need them

    place = engine_place()
    settings = EngineSettings(place.root)
    parts = version.split(".")
    if len(parts) > 2 and parts[2].isdigit():
        settings = replace(settings, build=max(settings.build, int(parts[2])))
    client = Client.at(ensure(settings, place.socket, idle=RUN_IDLE).host, timeout=60)
    of_engine = client.json("GET", "/info")["OSVersion"]
    if int(of_engine.split(".")[2]) < settings.build:
        client.close()
        raise ToolError("cannot run it", program="the engine",
                        why=f"the image is of Windows {version}, and the engine that runs is of {of_engine}",
                        hint=f"'wcow engine stop' ends it, and the next build starts one of build {settings.build}")
    return client


def linux_builder(wanted: str) -> LinuxBuilder | None:
    """What builds stages for Linux: ``buildah``, ``buildx``, or with ``auto`` the first that is installed; ``None`` for
    ``none``, and where it is not installed."""
    from .tools.linux_builder import CommandBuilder, find_builder

    name = None if wanted == "none" else find_builder(wanted)
    return CommandBuilder(name) if name else None


def names_host(settings: Settings, text: str) -> bool:
    """Whether a text is the address of a machine, or a name of ``hosts``, and not an engine's address alone."""
    return text in settings.hosts or text.partition("://")[0].lower() in ("winrm", "winrm+http", "ssh", "host")


def host_named(settings: Settings, text: str, **changes: Any) -> Host:
    """The host of an address, of a name in ``hosts``, or of ``host://NAME``; ``changes`` replace parts of the address.
    UsageError for what is not an address; NotFoundError for a host of this machine that is not there."""
    from .host.address import parse

    found, password = parse(text, settings.hosts), ""
    if found.kind == "host":
        found, password = _stand_in(found.name)
    found = replace(found, **{"ca": found.ca or settings.ca_file, **changes})
    return reach(found, password or (settings.password(found) if found.needs_password else ""))


def _stand_in(name: str) -> tuple[HostAddress, str]:
    """How a host of ``wcow host`` is reached, and its password."""
    from .host.address import HostAddress
    from .hostd import record

    place = record.place_of(name)
    kept, running = record.read(place), record.running(place)
    if running is None:
        raise NotFoundError(f"the host {place.name} does not run", hint=f"'wcow host start {place.name}' starts it")
    if running.tls_port > 0:
        return HostAddress("winrm", kept.address, running.tls_port, kept.user,
                           ca=str(place.certificate[0])), kept.password
    return HostAddress("winrm+http", kept.address, running.port, kept.user), kept.password


def reach(address: HostAddress, password: str = "") -> Host:
    """The host at an address (not ``host://``, see :func:`host_named`)."""
    from .host import EngineHost, LocalHost, SshHost, WinrmHost

    if address.kind in ("winrm", "winrm+http"):
        return WinrmHost(address, password)
    if address.kind == "ssh":
        return SshHost(address)
    if address.kind == "local":
        return LocalHost()
    return EngineHost(address)
