# SPDX-License-Identifier: Apache-2.0
"""What can be done with images: copy, look inside, keep names, make bases.

Operations are generators of :mod:`events <.events>` that end with a :class:`Result`; plain look-ups are functions.
:class:`Library` finds an image by the name people use, :class:`Rootfs` reads its files without unpacking.
"""

from __future__ import annotations

from .cat import cat
from .copy import Copied, copy, holds_indexes, pick
from .events import Advance, Event, Finish, Result, Step, Warn
from .inspect import image_facts, index_facts
from .library import Found, Library, load, selector
from .listing import Files, Item
from .local import LocalImage, images, local_name, remove, tag
from .put import Layer, put_image, put_layer
from .rootfs import IndexCache, Rootfs
from .tree import tree

__all__ = [
    "Advance", "Copied", "Event", "Files", "Finish", "Found", "IndexCache", "Item", "Layer", "Library", "LocalImage",
    "Result", "Rootfs", "Step", "Warn", "cat", "copy", "holds_indexes", "image_facts", "images", "index_facts", "load",
    "local_name", "pick", "put_image", "put_layer", "remove", "selector", "tag", "tree",
]
