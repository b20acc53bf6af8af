# SPDX-License-Identifier: Apache-2.0
"""The options of a container's log: how much is kept, and what ``docker logs --details`` shows.

Which options there are is checked at the create (:mod:`..validation.config`), their values when the log is opened, as
in moby (``daemon/logger/jsonfilelog``, ``daemon/logger/local``). ``compress`` is read and has no effect: rotated files
stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote_plus

from ...dockerapi import faults, shapes
from ..gotext import atoi, human_size, parse_bool
from .output import Limit

if TYPE_CHECKING:
    from ..containers.container import Container

T = TypeVar("T")

JSON_LINE = len('{"log":"\\n","stream":"stdout","time":"2000-01-01T00:00:00.000000000Z"}')
"""What the json-file driver writes for a line beside its bytes, its own end not among them."""
LOCAL_LINE = 24
"""The same of the local driver, about."""
LOCAL_SIZE, LOCAL_FILES = 20 << 20, 5
_FIELD = re.compile(r"\{\{ ?\.(ID|FullID|Name|ImageID|ImageFullID|ImageName|DaemonName) ?\}\}")


def limit_of(log: shapes.LogConfig) -> Limit | None:
    """What is kept of a container's output, ``None`` for all of it; Internal for a value that an option cannot have."""
    options = log.config or {}
    try:
        if log.type == "local":
            return _local(options)
        return _json(options) if log.type in ("", "json-file") else None
    except ValueError as error:
        raise faults.Internal(str(error)) from None


def log_limit(container: Container) -> Limit | None:
    """The same at a container's start, with moby's words for what is wrong."""
    try:
        return limit_of(container.host.log_config)
    except faults.Internal as fault:
        raise faults.Internal(f"failed to initialize logging driver: {fault.message}") from None


def _json(options: Mapping[str, str]) -> Limit | None:
    size = human_size(options["max-size"]) if "max-size" in options else None
    if size is not None and size <= 0:
        raise ValueError("max-size must be a positive number")
    files = atoi(options["max-file"]) if "max-file" in options else 1
    if files < 1:
        raise ValueError("max-file cannot be less than 1")
    if parse_bool(options.get("compress", "false")) and (files == 1 or size is None):
        raise ValueError("compress cannot be true when max-file is less than 2 or max-size is not set")
    return Limit(size, files, JSON_LINE) if size is not None else None


def _local(options: Mapping[str, str]) -> Limit:
    size, files, compress = LOCAL_SIZE, LOCAL_FILES, True
    if (text := options.get("max-size")) is not None:
        size = _said(f"invalid value for max-size: {text}", human_size, text)
    if (text := options.get("max-file")) is not None:
        files = _said(f"invalid value for max-file: {text}", atoi, text)
    if (text := options.get("compress")) is not None:
        compress = _said("error reading compress log option", parse_bool, text)
    if files < 0:
        raise ValueError("max file count cannot be less than 0")
    if compress and files <= 1:
        raise ValueError("compression cannot be enabled when max file count is 1")
    return Limit(max(size, 1), max(files, 1), LOCAL_LINE)


def _said(words: str, read: Callable[[str], T], text: str) -> T:
    try:
        return read(text)
    except ValueError as error:
        raise ValueError(f"{words}: {error}") from None


def details_of(container: Container) -> bytes:
    """What ``docker logs --details`` writes before each line: the labels and variables that the options name, and the
    tag. Only json-file keeps them. The options that are patterns (``labels-regex``, ``env-regex``) choose nothing here:
    a pattern of a client's may take for ever."""
    log = container.host.log_config
    options = log.config or {}
    if log.type != "json-file":
        return b" "
    labels = container.config.labels or {}
    variables = dict(line.partition("=")[::2] for line in container.config.env or () if "=" in line)
    found = {name: known[name] for option, known in (("labels", labels), ("env", variables))
             for name in options.get(option, "").split(",") if name in known}
    if options.get("tag"):
        found["tag"] = _tag(options["tag"], container)
    return ",".join(f"{quote_plus(name)}={quote_plus(found[name])}" for name in sorted(found)).encode() + b" "


def _tag(template: str, container: Container) -> str:
    """The tag, of whose template only plain fields are filled in."""
    image = container.image.removeprefix("sha256:")
    known = {"ID": container.short, "FullID": container.id, "Name": container.name, "ImageID": image[:12],
             "ImageFullID": container.image, "ImageName": container.config.image, "DaemonName": "docker"}
    return _FIELD.sub(lambda field: known[field[1]], template)
