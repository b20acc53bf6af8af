# SPDX-License-Identifier: Apache-2.0
"""The local store's own verbs: what is there, one more name, names taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import NotFoundError, UsageError, WcowError
from ..oci import Descriptor, Digest, Index, Manifest, Platform, Reference, from_bytes, is_index
from ..oci import parse as parse_manifest
from ..stores import Store


@dataclass(frozen=True, slots=True)
class LocalImage:
    """One name of the local store.

    ``size`` counts the bytes of layers as stored, ``missing`` the layers that are only promised. ``platforms`` has one
    item, or one for each image of an index. ``problem`` says why an entry cannot be read.
    """

    name: str
    digest: Digest
    platforms: tuple[Platform, ...] = ()
    created: str = ""
    size: int = 0
    missing: int = 0
    problem: str = ""

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"name": self.name, "digest": str(self.digest), "created": self.created, "size": self.size,
                "platforms": [str(platform) for platform in self.platforms], "missing_layers": self.missing,
                "problem": self.problem}


def list_images(store: Store) -> list[LocalImage]:
    """Every name of the store, sorted. An image that is damaged is listed with its problem, not hidden."""
    out: list[LocalImage] = []
    for tag in store.tags():
        descriptor = store.resolve(tag)
        try:
            out.append(_image(store, tag, descriptor))
        except WcowError as error:
            out.append(LocalImage(tag, descriptor.digest, problem=str(error)))
    return out


def _image(store: Store, tag: str, descriptor: Descriptor) -> LocalImage:
    platforms: list[Platform] = []
    created = ""
    layers: dict[str, Descriptor] = {}
    for manifest in _manifests(store, descriptor, tag, 0):
        data = store.manifest(manifest)
        parsed = Manifest.from_bytes(data, source=tag)
        config = from_bytes(data, store.manifest(parsed.config), source=tag).config
        platforms.append(config.platform)
        created = max(created, config.created)
        layers.update({layer.digest: layer for layer in parsed.layers})
    missing = [layer for layer in layers.values() if not store.has_blob(layer)]
    size = sum(layer.size for layer in layers.values()) - sum(layer.size for layer in missing)
    return LocalImage(tag, descriptor.digest, tuple(platforms), created, size, len(missing))


def _manifests(store: Store, descriptor: Descriptor, tag: str, depth: int) -> list[Descriptor]:
    if not is_index(descriptor.media_type):
        return [descriptor]
    index = parse_manifest(store.manifest(descriptor), descriptor.media_type, source=tag)
    assert isinstance(index, Index)
    out: list[Descriptor] = []
    for entry in index.manifests if depth < 4 else ():
        if entry.platform is not None and entry.platform.os == "unknown":
            continue  # what BuildKit adds: a record of how the image was made, which is no image
        out += _manifests(store, entry, tag, depth + 1)
    return out


def find_local(store: Store, text: str) -> Descriptor:
    """What a name or a digest means in the local store. NotFoundError, with the name that may be meant."""
    # "app:1" has the form of a digest, too; only the algorithms in use are meant as one.
    is_digest = text.startswith(("sha256:", "sha384:", "sha512:"))
    full = str(Digest.parse(text) if is_digest else Reference.parse(text).tagged())
    try:
        return store.resolve(full)
    except NotFoundError as error:
        raise missing_image(text, store.tags()) from error


def missing_image(text: str, there: list[str]) -> NotFoundError:
    """The error for a name that is not among those ``there``, with the one that may be meant."""
    import difflib

    near = difflib.get_close_matches(text, [Reference.parse(tag).familiar for tag in there], n=1)
    return NotFoundError(f"no image {text} in the local store", why=f"did you mean {near[0]}?" if near else "",
                         hint="'wcow images' lists what is there", name=text)


def local_name(text: str) -> str:
    """The full name under which the local store keeps ``text``. UsageError for what is no plain name."""
    reference = Reference.parse(text)
    if reference.digest is not None:
        raise UsageError(f"{text} cannot be a name in the local store", why="a digest cannot be chosen",
                         hint="give a name and a tag")
    return str(reference.tagged())


def tag_image(store: Store, source: Descriptor, name: str) -> Descriptor:
    """Give what ``source`` names one more name in the same store; a name that was there moves."""
    return store.put_manifest(store.manifest(source), source.media_type, tag=local_name(name))


def remove_names(store: Store, names: tuple[str, ...]) -> list[str]:
    """Take names away; the blobs stay. All names are looked up first: NotFoundError leaves everything as it was."""
    wanted: list[str] = []
    there = store.tags()
    for text in names:
        full = str(Reference.parse(text).tagged())
        if full not in there:
            raise missing_image(text, there)
        wanted.append(full)
    for full in wanted:
        store.untag(full)
    return wanted


__all__ = ["LocalImage", "find_local", "list_images", "local_name", "missing_image", "remove_names", "tag_image"]
