# SPDX-License-Identifier: Apache-2.0
"""What an image is, out of a JSON document that people have saved: an index, a config, what ``docker`` prints of it.

Recognised are an OCI index and a docker manifest list, an image config, ``docker image inspect`` and ``docker manifest
inspect`` (with ``-v`` too). Any other is a FormatError that says what was found.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ..errors import FormatError, quoted
from ..oci.descriptor import Platform
from .image import ImageFacts

MAX_SIZE = 8 << 20
"""Bytes of a document; what a registry takes of an index is half of that."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about: an ``image``, or the ``entries`` of an index in list order (``None``: one without a
    platform), with their ``digests``."""

    name: str
    image: ImageFacts | None = None
    entries: tuple[Platform | None, ...] = ()
    digests: tuple[str, ...] = ()


def subject_of(data: bytes, name: str) -> Subject:
    """The image or index in a document. FormatError when it is neither."""
    if len(data) > MAX_SIZE:
        raise FormatError(f"cannot read {name}", why=f"{len(data):,} bytes; a document has at most {MAX_SIZE:,}")
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"cannot read {name} as JSON", why=str(error)[:200],
                          hint="an index, a config, or what docker image inspect prints") from None
    first = document[0] if isinstance(document, list) and document else document
    if isinstance(first, dict):
        if isinstance(document, list) and "Descriptor" in first:
            return _index(name, [_member(entry, "Descriptor", dict, name) for entry in document])
        if "Descriptor" in first:
            return _index(name, [_member(first, "Descriptor", dict, name)])
        if "Os" in first:
            return _inspected(name, first)
        if "manifests" in first:
            return _index(name, _member(first, "manifests", list, name))
        if "os" in first and ("rootfs" in first or "architecture" in first):
            return _config(name, first)
        if "layers" in first:
            raise FormatError(f"{name} is a manifest", why="it does not say which Windows it is for",
                              hint="save its config instead: wcow inspect --config IMAGE > config.json")
    raise FormatError(f"{name} is no image", why=f"the document is {_kind(document)}",
                      hint="an index, a config, or what docker image inspect prints")


def _index(name: str, entries: list[Any]) -> Subject:
    platforms: list[Platform | None] = []
    digests: list[str] = []
    for entry in entries:
        if not isinstance(entry, dict):
            raise FormatError(f"cannot read {name} as an index", why=f"an entry is {_kind(entry)}")
        fields = entry.get("platform")
        digests.append(_text(entry, "digest", name))
        platforms.append(None if fields is None else _platform(fields, name))
    return Subject(name, None, tuple(platforms), tuple(digests))


def _platform(fields: Any, name: str) -> Platform:
    if not isinstance(fields, dict):
        raise FormatError(f"cannot read {name} as an index", why=f"a platform is {_kind(fields)}")
    return Platform(_text(fields, "os", name), _text(fields, "architecture", name), _text(fields, "os.version", name),
                    _texts(fields, "os.features", name), _text(fields, "variant", name))


def _config(name: str, fields: dict[str, Any]) -> Subject:
    return Subject(name, ImageFacts(
        _text(fields, "os", name), _text(fields, "architecture", name), _text(fields, "os.version", name),
        _texts(fields, "os.features", name), _text(fields, "variant", name), name=name))


def _inspected(name: str, fields: dict[str, Any]) -> Subject:
    return Subject(name, ImageFacts(_text(fields, "Os", name), _text(fields, "Architecture", name),
                                    _text(fields, "OsVersion", name), variant=_text(fields, "Variant", name),
                                    name=name))


def _member(fields: Any, key: str, kind: type, name: str) -> Any:
    value = fields.get(key) if isinstance(fields, dict) else None
    if not isinstance(value, kind):
        raise FormatError(f"cannot read {name}", why=f"{quoted(key)} is {_kind(value)}")
    return value


def _text(fields: dict[str, Any], key: str, name: str) -> str:
    value = fields.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FormatError(f"cannot read {name}", why=f"{quoted(key)} is {_kind(value)}, not a text")
    return value


def _texts(fields: dict[str, Any], key: str, name: str) -> tuple[str, ...]:
    value = fields.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise FormatError(f"cannot read {name}", why=f"{quoted(key)} is {_kind(value)}, not a list of texts")
    return tuple(value)


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "nothing"}.get(
        type(value), "a number")
