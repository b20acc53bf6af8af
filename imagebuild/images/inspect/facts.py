# SPDX-License-Identifier: Apache-2.0
"""What an image says about itself, as plain facts: for JSON as they are, for people by ``cli/images/look.py``."""

from __future__ import annotations

import json
from typing import Any

from ...oci import BASE_DIGEST, BASE_NAME, Config, Descriptor, History, Image, Index, Platform, is_foreign
from ...oci import parse as parse_manifest
from ...stores import Store
from ..library import Found


def index_facts(store: Store, descriptor: Descriptor, name: str) -> dict[str, Any]:
    """An index: its digest, annotations, and one record for each entry, in the order a client tries them."""
    index = parse_manifest(store.manifest(descriptor), descriptor.media_type, source=name)
    assert isinstance(index, Index)
    return {
        "name": name, "digest": str(descriptor.digest), "media_type": descriptor.media_type, "size": descriptor.size,
        "annotations": dict(index.annotations),
        "manifests": [_entry_facts(entry) for entry in index.manifests],
    }


def image_facts(found: Found) -> dict[str, Any]:
    """An image: platform, how it starts, layers with sizes and diff ids, base, history."""
    image, config = found.image, found.image.config
    annotations = dict(image.annotations)
    facts: dict[str, Any] = {
        "name": found.name, "location": str(found.location), "digest": str(found.descriptor.digest),
        "media_type": found.descriptor.media_type, "size": sum(layer.size for layer in image.layers),
        "index": str(found.index.digest) if found.index else None,
        "platform": platform_facts(config.platform), "created": config.created, "author": config.author,
        "config_digest": str(image.manifest.config.digest), "config": _run_facts(config),
        "layers": _layer_facts(image), "annotations": annotations, "base": None,
        "history": [_history_facts(step) for step in config.history],
    }
    if BASE_NAME in annotations or BASE_DIGEST in annotations:
        facts["base"] = {"name": annotations.get(BASE_NAME, ""), "digest": annotations.get(BASE_DIGEST, "")}
    return facts


def platform_facts(platform: Platform) -> dict[str, Any]:
    """A platform, with the names of the image specification."""
    return {"os": platform.os, "architecture": platform.architecture, "os.version": platform.os_version,
            "os.features": list(platform.os_features), "variant": platform.variant}


def _entry_facts(entry: Descriptor) -> dict[str, Any]:
    return {"digest": str(entry.digest), "media_type": entry.media_type, "size": entry.size,
            "platform": platform_facts(entry.platform) if entry.platform else None,
            "annotations": dict(entry.annotations)}


def _layer_facts(image: Image) -> list[dict[str, Any]]:
    """Layers, lowest first. Which step made a layer is told by the history, whose empty steps made none."""
    made_by = [step.created_by for step in image.config.history if not step.empty_layer]
    if len(made_by) != len(image.layers):
        made_by = []
    out: list[dict[str, Any]] = []
    for number, layer in enumerate(image.layers):
        out.append({
            "number": number, "digest": str(layer.digest), "media_type": layer.media_type, "size": layer.size,
            "diff_id": str(image.diff_ids[number]) if number < len(image.diff_ids) else "",
            "created_by": made_by[number] if made_by else "",
            "foreign": is_foreign(layer.media_type), "urls": list(layer.urls),
            "annotations": dict(layer.annotations),
        })
    return out


def _history_facts(step: History) -> dict[str, Any]:
    return {"created": step.created, "created_by": step.created_by, "author": step.author, "comment": step.comment,
            "empty_layer": step.empty_layer}


def _run_facts(config: Config) -> dict[str, Any]:
    """The ``config`` part under its own field names, which everybody knows from ``docker inspect``."""
    run: dict[str, Any] = json.loads(config.run.to_json())
    return run


__all__ = ["image_facts", "index_facts", "platform_facts"]
