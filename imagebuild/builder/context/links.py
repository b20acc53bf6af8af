# SPDX-License-Identifier: Apache-2.0
"""Symlinks of a context as Windows keeps them: a target with backslashes, and a kind that says what it leads to.

On Windows a symlink to a folder and one to a file are two different things (FILE_FLAG_DIRECTORY of
``CreateSymbolicLink``; in a layer the directory attribute), so a link can be kept only where its target is known.
"""

from __future__ import annotations

import posixpath
from typing import Literal

from ...errors import ContextError, UnsupportedError
from ...layer import Kind
from ...windows.names import check_name
from .context import Context, is_absolute
from .tree import Item, Sort, shown

Policy = Literal["keep", "follow", "refuse"]
"""``keep``: a symlink stays one; ``follow``: a copy of what it leads to; ``refuse``: an error."""

_HINT = "copy what it leads to with --symlinks follow, replace it, or name it in .dockerignore"


def link_of(context: Context, item: Item, *, dangling: bool = False) -> tuple[Kind, str]:
    """The kind and the Windows target of a symlink that is kept.

    Refused with a ContextError: a target that is absolute, leads out of the context, in a circle or to nothing, or
    that Windows cannot spell. With ``dangling`` a link to nothing is kept: as a folder's if its text ends in ``/``,
    else as a file's.
    """
    if not item.target or is_absolute(item.target):
        raise _refused(item, f"its target {shown(item.target)} is absolute and would mean another place in the image")
    found, real, _unused = context.resolve(item.path)
    if found is None and not dangling:
        raise _refused(item, f"its target {shown(item.target)} is not in the build context, so it is unknown whether "
                             "it is a link to a file or to a folder")
    if found is not None and found.sort is Sort.SPECIAL:
        raise _refused(item, f"its target is {found.note}")
    folder = found.sort is Sort.DIRECTORY if found is not None else item.target.endswith("/")
    return Kind.DIRECTORY_SYMLINK if folder else Kind.SYMLINK, _target(context, item, real)


def _target(context: Context, item: Item, real: str) -> str:
    """The target for Windows, which works ``..`` out on the text, while Linux first follows what is before it."""
    names = [name for name in item.target.split("/") if name not in ("", ".")]
    climbs = next((index for index, name in enumerate(names) if name != ".."), len(names))
    if ".." in names[climbs:]:
        names = posixpath.relpath(f"/{real}", f"/{item.path.rpartition('/')[0]}").split("/")
    for name in names:
        if name in ("..", "."):
            continue
        try:
            check_name(name)
        except UnsupportedError as error:
            why = f"its target holds {shown(name)}, which cannot be a name on Windows: {error.why}"
            raise _refused(item, why) from None
    return "\\".join(names) or "."


def _refused(item: Item, why: str) -> ContextError:
    return ContextError(f"cannot keep the symlink {shown(item.path)}", path=item.path, why=why, hint=_HINT)
