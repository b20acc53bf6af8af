# SPDX-License-Identifier: Apache-2.0
"""Images as plain values: digests, descriptors, configs, manifests, indexes and names. No IO.

An edit gives a new value (:func:`append`, :func:`with_config`, :func:`with_base`). A document that was read and not
edited is written back byte for byte; fields we do not know survive an edit with the text they had.
"""

from __future__ import annotations

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

__all__ = [
    "BASE_DIGEST", "BASE_NAME", "MAX_SIZE", "Config", "Descriptor", "Digest", "HealthCheck", "History", "Image",
    "Index", "Location", "Manifest", "Pairs", "Platform", "Reference", "RunConfig", "add_history", "annotate",
    "append", "choose", "compression_of", "convert", "create", "describe", "from_bytes", "insert", "is_foreign",
    "is_index", "is_layer", "is_manifest", "is_tag", "media", "parse", "sniff", "versions", "with_base",
    "with_config",
]
