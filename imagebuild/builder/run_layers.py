# SPDX-License-Identifier: Apache-2.0
"""What every way of RUN does with images: the one that a command sees, and the layers that its commit adds."""

from __future__ import annotations

from collections.abc import Callable

from ..layer import read
from ..oci import Descriptor, Image, RunConfig, with_config
from ..stores import Store
from .cache import RunLayer

ALWAYS = frozenset({"Files", "Hives"})
"""What a layer has that changes nothing."""


def seen_by_command(image: Image, labels: tuple[tuple[str, str], ...] = ()) -> Image:
    """Return an image with only those settings that a command of RUN sees, and ``labels``.

    A health check would run beside the command, what a volume holds would be lost with the container, and a CMD in
    shell form would stop the engine from quoting the command's words.
    """
    run = image.config.run
    return with_config(image, run=RunConfig(env=run.env, user=run.user, working_dir=run.working_dir, labels=labels))


def added_layers(before: Image, after: Image, store: Store, taken: Callable[[Descriptor], object] = lambda layer: None
                 ) -> list[RunLayer]:
    """Return the layers of a commit that its image did not have and that change something, with the place of each.

    ``store`` has them; ``taken`` is called with each.
    """
    made: list[RunLayer] = []
    for position, (layer, diff_id) in enumerate(zip(after.layers, after.diff_ids, strict=True)):
        if diff_id not in before.diff_ids and not _is_empty(store, layer):
            taken(layer)
            made.append(RunLayer(min(position, len(before.layers) + len(made)), layer, diff_id))
    return made


def _is_empty(store: Store, layer: Descriptor) -> bool:
    with store.open_blob(layer) as blob:
        return all(entry.path in ALWAYS for entry, _content in read(blob))
