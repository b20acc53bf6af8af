# SPDX-License-Identifier: Apache-2.0
"""What every way of RUN does with images: the one that a command sees, and the layers that its commit adds."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ...codec import Compression
from ...hive.edits.clamp import clamped
from ...images.put import put_layer
from ...layer import Entry, Kind, LayerWriter, Times, read
from ...oci import Descriptor, Image, RunConfig, with_config
from ...stores import Store
from ...windows.upcase import fold
from ..cache.cache import RunLayer
from .label import STEP

ALWAYS = frozenset({"Files", "Hives"})
"""What a layer has that changes nothing."""
LEFT_OUT = (
    # PowerShell keeps a profile of its start, and what it found in modules; both hold times and sizes of the machine.
    r"files/users/[^/]+/appdata/local/microsoft(/windows)?/powershell/startupprofiledata-[^/]*",
    r"files/users/[^/]+/appdata/local/microsoft(/windows)?/powershell/([^/]+/)?moduleanalysiscache[^/]*",
    r"files/users/[^/]+/appdata/local/microsoft(/windows)?/powershell/commandanalysis(/.*)?",
    # .NET's first start of a tool: a lock and a mark of the user, and the pipes of its diagnostics.
    r"files/users/[^/]+/appdata/local/temp/\.net(/.*)?",
    r"files/users/[^/]+/appdata/local/temp/clr-debug-pipe-[^/]*",
    r"files/users/[^/]+/appdata/local/temp/dotnet-diagnostic-[^/]*",
)
"""Paths of layers, lower case, that programs write by themselves when they start: a command did not mean them."""
EMPTY_FOLDERS = (
    # Wine makes them when a program first asks whether a file is signed. Catalogues that a command puts there stay.
    r"files/windows/system32/catroot(/[^/]+)?",
)
"""Folders, lower case, that are left out as long as nothing is in them."""
_LEFT_OUT = re.compile("|".join(f"(?:{pattern})" for pattern in LEFT_OUT))
_EMPTY_FOLDERS = re.compile("|".join(f"(?:{pattern})" for pattern in EMPTY_FOLDERS))
_HIVE_SIZE = 64 << 20


def seen_by_command(image: Image) -> Image:
    """Return an image with only those settings that a command of RUN sees, and the label of a step besides its own.

    Its own labels say whether it stands on a stand-in, which has PowerShell by its name alone. A health check would
    run beside the command, what a volume holds would be lost with the container, and a CMD in shell form would stop
    the engine from quoting the command's words.
    """
    run = image.config.run
    return with_config(image, run=RunConfig(env=run.env, user=run.user, working_dir=run.working_dir,
                                            labels=(*run.labels, (STEP, uuid.uuid4().hex))))


def added_layers(before: Image, after: Image, taken: Callable[[Descriptor], object] = lambda layer: None
                 ) -> list[RunLayer]:
    """Return the layers of a commit that its image did not have, with the place of each; ``taken`` is called with
    each."""
    made: list[RunLayer] = []
    for position, (layer, diff_id) in enumerate(zip(after.layers, after.diff_ids, strict=True)):
        if diff_id not in before.diff_ids:
            taken(layer)
            made.append(RunLayer(position, layer, diff_id))
    return made


def settled(layers: list[RunLayer], store: Store, epoch: int, compression: Compression) -> list[RunLayer]:
    """Write the layers of a commit again as a build's: no time is later than ``epoch`` (a FILETIME), and what programs
    write by themselves (:data:`LEFT_OUT`) is not there. Layers that then change nothing are left out.

    ``store`` has the layers, and gets the new ones.
    """
    made: list[RunLayer] = []
    gone = 0
    for one in layers:
        kept = _kept(store, one.descriptor)
        if kept <= ALWAYS:
            gone += 1
            continue
        fill = partial(_fill, store=store, layer=one.descriptor, kept=kept, epoch=epoch)
        layer = put_layer(store, fill, compression)
        made.append(RunLayer(one.position - gone, layer.descriptor, layer.diff_id))
    return made


def _kept(store: Store, layer: Descriptor) -> frozenset[str]:
    """The paths of a layer that stay: neither what is left out, nor folders that it has for the sake of that alone."""
    out, kept, folders = set[str](), set[str](ALWAYS), set[str]()
    with store.open_blob(layer) as blob:
        for entry, _content in read(blob):
            path = entry.path.lower()
            if entry.kind is not Kind.WHITEOUT and _LEFT_OUT.fullmatch(path):  # what a command removed was meant
                out.add(fold(entry.path))
            elif entry.kind is Kind.DIRECTORY:
                folders.add(entry.path)
                if _EMPTY_FOLDERS.fullmatch(path):
                    out.add(fold(entry.path))
            else:
                kept.add(entry.path)
    above_gone = out | {above for key in out for above in _above(key)}
    kept |= {path for path in folders if fold(path) not in above_gone}
    above_kept = {fold(above) for path in kept for above in _above(path)}
    return frozenset(kept | {path for path in folders if fold(path) in above_kept})


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _fill(writer: LayerWriter, store: Store, layer: Descriptor, kept: frozenset[str], epoch: int) -> None:
    with store.open_blob(layer) as blob:
        for entry, content in read(blob):
            if entry.path not in kept:
                continue
            entry = _clamped(entry, epoch)
            if content is not None and _is_hive(entry):
                data = clamped(content.read(), epoch, source=entry.path)
                writer.add(replace(entry, size=len(data)), data)
            else:
                writer.add(entry, content)


def _clamped(entry: Entry, epoch: int) -> Entry:
    times = entry.times
    if times is None:
        return entry
    moments = times.created, times.modified, times.accessed, times.changed
    return replace(entry, times=Times(*(min(one, epoch) for one in moments)))


def _is_hive(entry: Entry) -> bool:
    """Whether an entry is a registry delta, which holds times of its keys."""
    return entry.path.startswith("Hives/") and entry.size <= _HIVE_SIZE
