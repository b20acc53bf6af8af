# SPDX-License-Identifier: Apache-2.0
"""The config of an image: its platform, how it starts, its layers' diff ids and its history.

Fields and their order: image-spec ``config.md`` and ``specs-go/v1/config.go``; ``Healthcheck``, ``OnBuild``,
``Shell`` and ``StopTimeout`` are Docker's additions (moby ``docs/docker-image-spec``). Names here follow Python.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import quoted
from .descriptor import Platform
from .digest import Digest
from .document import Extra, Object, Pairs, Writer, pairs, read


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How to ask a container whether it is well. Times are nanoseconds, 0 means "not said"."""

    test: tuple[str, ...] | None = None
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0
    extra: Extra = ()

    _NUMBERS = (("Interval", "interval"), ("Timeout", "timeout"), ("StartPeriod", "start_period"),
                ("StartInterval", "start_interval"), ("Retries", "retries"))

    def to_json(self) -> str:
        """The check as canonical JSON text."""
        out = Writer()
        out.strings("Test", self.test, keep_empty=True)
        for name, attribute in self._NUMBERS:
            number = getattr(self, attribute)
            out.raw(name, str(number) if number else "")
        out.extra(self.extra)
        return out.text()

    @classmethod
    def from_object(cls, fields: Object) -> HealthCheck:
        """The check in a JSON object."""
        return cls(fields.strings("Test"), fields.integer("Interval", default=0), fields.integer("Timeout", default=0),
                   fields.integer("StartPeriod", default=0), fields.integer("StartInterval", default=0),
                   fields.integer("Retries", default=0), extra=fields.rest())


@dataclass(frozen=True, slots=True)
class RunConfig:
    """How containers of the image start. ``None`` and ``()`` differ for ``entrypoint``, ``cmd`` and ``shell``: not
    said, and said to be empty.

    ``args_escaped`` (Windows only): ``entrypoint`` or ``cmd`` is one command line, already quoted, which the engine
    must not quote again.
    """

    user: str = ""
    exposed_ports: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    volumes: tuple[str, ...] = ()
    working_dir: str = ""
    labels: Pairs = ()
    stop_signal: str = ""
    args_escaped: bool = False
    healthcheck: HealthCheck | None = None
    on_build: tuple[str, ...] = ()
    shell: tuple[str, ...] | None = None
    stop_timeout: int | None = None
    extra: Extra = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", pairs(self.labels))
        object.__setattr__(self, "exposed_ports", tuple(sorted(set(self.exposed_ports))))
        object.__setattr__(self, "volumes", tuple(sorted(set(self.volumes))))

    def to_json(self) -> str:
        """This part of the config as canonical JSON text."""
        out = Writer()
        out.string("User", self.user)
        out.names("ExposedPorts", self.exposed_ports)
        out.strings("Env", self.env)
        out.strings("Entrypoint", self.entrypoint, keep_empty=True)
        out.strings("Cmd", self.cmd, keep_empty=True)
        out.names("Volumes", self.volumes)
        out.string("WorkingDir", self.working_dir)
        out.string_map("Labels", self.labels)
        out.string("StopSignal", self.stop_signal)
        out.flag("ArgsEscaped", self.args_escaped)
        out.raw("Healthcheck", self.healthcheck.to_json() if self.healthcheck else "")
        out.strings("OnBuild", self.on_build)
        out.raw("StopTimeout", "" if self.stop_timeout is None else str(self.stop_timeout))
        out.strings("Shell", self.shell, keep_empty=True)
        out.extra(self.extra)
        return out.text()

    @classmethod
    def from_object(cls, fields: Object) -> RunConfig:
        """The part of a config in a JSON object."""
        check = fields.object("Healthcheck")
        return cls(
            user=fields.string("User"), exposed_ports=fields.names("ExposedPorts"), env=fields.strings("Env") or (),
            entrypoint=fields.strings("Entrypoint"), cmd=fields.strings("Cmd"), volumes=fields.names("Volumes"),
            working_dir=fields.string("WorkingDir"), labels=fields.string_map("Labels"),
            stop_signal=fields.string("StopSignal"), args_escaped=fields.boolean("ArgsEscaped"),
            healthcheck=HealthCheck.from_object(check) if check else None, on_build=fields.strings("OnBuild") or (),
            shell=fields.strings("Shell"),
            stop_timeout=fields.integer("StopTimeout") if fields.has("StopTimeout") else None, extra=fields.rest())


@dataclass(frozen=True, slots=True)
class History:
    """One step that made the image. ``empty_layer`` steps changed only the config. ``created`` is RFC 3339 text."""

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False
    extra: Extra = ()

    def to_json(self) -> str:
        """The step as canonical JSON text."""
        out = Writer()
        out.string("created", self.created)
        out.string("created_by", self.created_by)
        out.string("author", self.author)
        out.string("comment", self.comment)
        out.flag("empty_layer", self.empty_layer)
        out.extra(self.extra)
        return out.text()

    @classmethod
    def from_object(cls, fields: Object) -> History:
        """The step in a JSON object."""
        return cls(fields.string("created"), fields.string("created_by"), fields.string("author"),
                   fields.string("comment"), fields.boolean("empty_layer"), extra=fields.rest())


@dataclass(frozen=True, slots=True)
class Config:
    """The config document of an image. ``diff_ids`` names each layer's plain tar, lowest first.

    Read with :meth:`from_bytes` and not edited, it gives back exactly the bytes it was read from; a new value made
    of it (``dataclasses.replace``) is written canonically.
    """

    os: str = ""
    architecture: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()
    variant: str = ""
    created: str = ""
    author: str = ""
    run: RunConfig = RunConfig()
    diff_ids: tuple[Digest, ...] = ()
    history: tuple[History, ...] = ()
    rootfs_extra: Extra = ()
    extra: Extra = ()
    # init=False: dataclasses.replace() does not copy it, so an edited value never shows stale bytes.
    _raw: bytes | None = field(default=None, init=False, compare=False, repr=False)

    def to_bytes(self) -> bytes:
        """The document."""
        if self._raw is not None:
            return self._raw
        rootfs = Writer()
        rootfs.string("type", "layers")
        rootfs.strings("diff_ids", self.diff_ids, keep_empty=True)
        rootfs.extra(self.rootfs_extra)
        out = Writer()
        out.string("created", self.created)
        out.string("author", self.author)
        out.string("architecture", self.architecture, always=True)
        out.string("os", self.os, always=True)
        out.string("os.version", self.os_version)
        out.strings("os.features", self.os_features)
        out.string("variant", self.variant)
        out.raw("config", self.run.to_json())
        out.raw("rootfs", rootfs.text())
        if self.history:
            out.objects("history", self.history, History.to_json)
        out.extra(self.extra)
        return out.text().encode()

    @classmethod
    def from_bytes(cls, data: bytes, *, source: str = "image config") -> Config:
        """The config in a document. FormatError for anything else."""
        fields = read(data, source=source)
        run, rootfs = fields.object("config"), fields.object("rootfs")
        diff_ids: tuple[str, ...] = ()
        rootfs_extra: Extra = ()
        if rootfs:
            kind = rootfs.string("type")
            if kind not in ("", "layers"):
                rootfs.fail(f"rootfs.type: {quoted(kind[:40])}, only 'layers' exists")
            diff_ids, rootfs_extra = rootfs.strings("diff_ids") or (), rootfs.rest()
        config = cls(
            os=fields.string("os"), architecture=fields.string("architecture"),
            os_version=fields.string("os.version"), os_features=fields.strings("os.features") or (),
            variant=fields.string("variant"), created=fields.string("created"), author=fields.string("author"),
            run=RunConfig.from_object(run) if run else RunConfig(),
            diff_ids=tuple(Digest.parse(item, source=f"{source}: rootfs.diff_ids") for item in diff_ids),
            history=tuple(History.from_object(item) for item in fields.objects("history") or ()),
            rootfs_extra=rootfs_extra, extra=fields.rest())
        object.__setattr__(config, "_raw", bytes(data))
        return config

    @property
    def platform(self) -> Platform:
        """What the image runs on, as an index would say it."""
        return Platform(self.os, self.architecture, self.os_version, self.os_features, self.variant)
