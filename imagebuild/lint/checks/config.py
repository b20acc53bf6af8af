# SPDX-License-Identifier: Apache-2.0
"""Checks of manifest, config and index entry: what an engine decides by before it imports anything."""

from __future__ import annotations

from ...compat.image import from_image
from ...compat.rules.notes import warn_of
from ...errors import WcowError, quoted
from ...oci import Descriptor, Image, Index, media
from ...windows.releases import parse_os_version
from ..report import Report

MAX_LAYERS = 125


def check_image(image: Image, report: Report) -> None:
    """All that can be said without reading a layer."""
    config = image.config
    kind = image.manifest.config.media_type
    if not media.is_config(kind):
        report("config-media-type", f"the config is of type {kind[:100] or 'nothing'}")
    if config.os != "windows":
        report("config-os", f"os is {quoted(config.os[:40])}")
    if config.architecture not in ("amd64", "arm64"):
        report("config-architecture", f"architecture is {quoted(config.architecture[:40])}")
    if not config.os_version:
        report("os-version-missing", "os.version is not set")
    else:
        try:
            parse_os_version(config.os_version)
        except WcowError:
            report("os-version-malformed", f"os.version is {quoted(config.os_version[:60])}")
    for reason in warn_of(from_image(image)):
        report("release-ended" if reason.code == "ended" else "release-unlisted", reason.text)
    _check_layers(image, report)
    told = sum(not step.empty_layer for step in config.history)
    if config.history and told != len(image.layers):
        report("history-count", f"it speaks of {told} layers, there are {len(image.layers)}")
    _check_path(image, report)


def _check_layers(image: Image, report: Report) -> None:
    layers = image.layers
    if not layers:
        report("no-layers", "the manifest names no layer")
    if len(layers) != len(image.diff_ids):
        report("diff-ids-count", f"the manifest has {len(layers)} layers, the config {len(image.diff_ids)} diff ids")
    if len(layers) > MAX_LAYERS:
        report("too-many-layers", f"there are {len(layers)}")
    families = {media.family_of(image.manifest.kind), media.family_of(image.manifest.config.media_type)}
    ways = set()
    for number, layer in enumerate(layers):
        name = f"layer {number} ({layer.digest.hex[:12]})"
        if not media.is_layer(layer.media_type):
            report("layer-media-type", f"{name} is of type {layer.media_type[:100] or 'nothing'}")
            continue
        foreign = media.is_foreign(layer.media_type)
        if foreign and layer.urls:
            report("foreign-layer", f"{name} is to be had from {layer.urls[0][:200]}")
        elif foreign:
            report("foreign-layer-without-urls", f"{name} says nothing of where it is")
        else:
            families.add(media.family_of(layer.media_type))
        ways.add(media.compression_of(layer.media_type) or "none")
    if len(ways) > 1:
        report("mixed-compression", f"there are {', '.join(sorted(ways))}")
        if "none" in ways:
            report("plain-layer-among-compressed", f"there are {', '.join(sorted(ways))}")
    if len(families - {None}) > 1:
        report("media-type-families", "some types are Docker's, some OCI's")


def _check_path(image: Image, report: Report) -> None:
    for line in image.config.run.env:
        name, _unused, value = line.partition("=")
        if name.upper() == "PATH" and "system32" not in value.lower():
            report("path-without-system32", f"{name} is {value[:200]}")


def check_index_entry(image: Image, entry: Descriptor, report: Report) -> None:
    """Whether an index says of an image what its config says."""
    said, config = entry.platform, image.config
    if config.os_version and (said is None or not said.os_version):
        report("index-os-version-missing", f"the config's is {config.os_version}")
    if said is None:
        return
    wrong = [f"{what} {there[:60]} is {here[:60] or 'nothing'} in the config" for what, there, here in (
        ("os", said.os, config.os), ("architecture", said.architecture, config.architecture),
        ("os.version", said.os_version, config.os_version)) if there and there != here]
    if wrong:
        report("index-platform-mismatch", "; ".join(wrong))


def check_index(index: Index, report: Report) -> None:
    """Whether engines take from an index what runs."""
    from ...compat.advice import index_traps  # it knows every engine, which a build does not ask for

    for trap in index_traps(index):
        report("index-trap", f"{trap.text} ({trap.code})")


__all__ = ["check_image", "check_index", "check_index_entry"]
