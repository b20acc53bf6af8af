# SPDX-License-Identifier: Apache-2.0
"""Images as plain values: digests, descriptors, configs, manifests, indexes and names. No IO.

An edit gives a new value (:func:`append`, :func:`with_config`, :func:`with_base`). A document that was read and not
edited is written back byte for byte; fields we do not know survive an edit with the text they had. Each name is loaded
when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import media, versions
    from .config import Config, HealthCheck, History, RunConfig
    from .descriptor import Descriptor, Platform
    from .digest import Digest
    from .document import MAX_SIZE, Pairs
    from .image import (
        BASE_DIGEST,
        BASE_NAME,
        Image,
        add_history,
        annotate,
        append,
        convert,
        create,
        from_bytes,
        insert,
        with_base,
        with_config,
    )
    from .location import Location
    from .manifest import Index, Manifest, choose, describe, parse, sniff
    from .media import compression_of, is_foreign, is_index, is_layer, is_manifest
    from .reference import Reference, is_tag

_HOME = {
    "BASE_DIGEST": "image", "BASE_NAME": "image", "Config": "config", "Descriptor": "descriptor", "Digest": "digest",
    "HealthCheck": "config", "History": "config", "Image": "image", "Index": "manifest", "Location": "location",
    "MAX_SIZE": "document", "Manifest": "manifest", "Pairs": "document", "Platform": "descriptor",
    "Reference": "reference", "RunConfig": "config", "add_history": "image", "annotate": "image", "append": "image",
    "choose": "manifest", "compression_of": "media", "convert": "image", "create": "image", "describe": "manifest",
    "from_bytes": "image", "insert": "image", "is_foreign": "media", "is_index": "media", "is_layer": "media",
    "is_manifest": "media", "is_tag": "reference", "parse": "manifest", "sniff": "manifest", "with_base": "image",
    "with_config": "image",
}

__all__ = [
    "BASE_DIGEST", "BASE_NAME", "MAX_SIZE", "Config", "Descriptor", "Digest", "HealthCheck", "History", "Image",
    "Index", "Location", "Manifest", "Pairs", "Platform", "Reference", "RunConfig", "add_history", "annotate",
    "append", "choose", "compression_of", "convert", "create", "describe", "from_bytes", "insert", "is_foreign",
    "is_index", "is_layer", "is_manifest", "is_tag", "media", "parse", "sniff", "versions", "with_base",
    "with_config",
]


def __getattr__(name: str) -> object:
    if name not in _HOME and name not in ("media", "versions"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f".{_HOME.get(name, name)}", __name__)
    value: object = getattr(module, name) if name in _HOME else module
    globals()[name] = value
    return value
