# SPDX-License-Identifier: Apache-2.0
"""What can be done with images: copy, look inside, keep names, make bases.

Operations are generators of :mod:`events <imagebuild.events>` that end with a :class:`Result`; plain look-ups are
functions.
:class:`Library` finds an image by the name people use, :class:`Rootfs` reads its files without unpacking,
:class:`Files` shows them as Windows would. Each name comes from its submodule when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..events import Advance, Event, Finish, Result, Step, Warn
    from .bases.base import BaseRequest, make_base
    from .bases.stand_in import bring_stand_in
    from .bring import bring_image
    from .copy import Copied, holds_indexes, pick
    from .copy import copy as copy_image
    from .inspect.cat import cat_file
    from .inspect.facts import image_facts, index_facts
    from .inspect.listing import Files, Item, rootfs_of_layer
    from .inspect.rootfs import IndexCache, Rootfs
    from .inspect.tree import draw_tree
    from .library import Found, Library, load, selector
    from .local import LocalImage, find_local, list_images, local_name, remove_names, tag_image
    from .put import Layer, put_image, put_layer

__all__ = [
    "Advance", "BaseRequest", "Copied", "Event", "Files", "Finish", "Found", "IndexCache", "Item", "Layer", "Library",
    "LocalImage", "Result", "Rootfs", "Step", "Warn", "bring_image",
    "bring_stand_in", "cat_file", "copy_image", "draw_tree",
    "find_local", "holds_indexes", "image_facts", "index_facts", "list_images", "load", "local_name", "make_base",
    "pick", "put_image", "put_layer", "remove_names", "rootfs_of_layer", "selector", "tag_image",
]

_HOME = {
    "BaseRequest": "bases.base", "make_base": "bases.base", "bring_image": "bring", "bring_stand_in": "bases.stand_in",
    "cat_file": "inspect.cat", "Copied": "copy", "holds_indexes": "copy", "pick": "copy",
    **dict.fromkeys(("Advance", "Event", "Finish", "Result", "Step", "Warn"), ".events"),
    "image_facts": "inspect.facts", "index_facts": "inspect.facts",
    **dict.fromkeys(("Found", "Library", "load", "selector"), "library"),
    **dict.fromkeys(("Files", "Item", "rootfs_of_layer"), "inspect.listing"),
    **dict.fromkeys(("LocalImage", "find_local", "list_images", "local_name", "remove_names", "tag_image"), "local"),
    **dict.fromkeys(("Layer", "put_image", "put_layer"), "put"), "IndexCache": "inspect.rootfs",
    "Rootfs": "inspect.rootfs",
    "draw_tree": "inspect.tree",
}


def __getattr__(name: str) -> object:
    if name not in _HOME and name != "copy_image":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    # "copy" itself would name the module as well as the function.
    home, own = (_HOME[name], name) if name in _HOME else ("copy", "copy")
    value: object = getattr(import_module(f".{home}", __name__), own)
    globals()[name] = value
    return value
