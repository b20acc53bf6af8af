# SPDX-License-Identifier: Apache-2.0
"""Which layer a step made before, keyed by what the step would do: the diff ids below it, its words, its content.

A cache is a folder of small JSON files; a key names one. It never says that a layer is *here*: the builder asks the
store for the blob, and works again when it has gone. Writing is atomic, a damaged record counts as none.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import WcowError
from ...fetch import Fetched
from ...files import write_whole
from ...images.put import Layer
from ...oci import Descriptor, Digest

VERSION = 2
"""Raised whenever the same instruction would make other bytes than before, or gets another key."""


@dataclass(frozen=True, slots=True)
class RunLayer:
    """A layer that a RUN made, with its place in the image: a registry delta goes below the layers of files."""

    position: int
    descriptor: Descriptor
    diff_id: Digest


class Cache:
    """The records of one folder; ``None`` as folder is a cache that forgets everything."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, key: str) -> Layer | None:
        """The layer recorded under ``key``, or ``None``."""
        if self._folder is None:
            return None
        layer = read_record(self._folder / key)
        if layer is not None:
            with suppress(OSError):
                os.utime(self._folder / key)  # 'wcow system prune --older-than' goes by the last use
        return layer

    def knows_shape(self, shape: str) -> bool:
        """Whether a layer with these names, sizes and metadata was ever recorded, whatever its files held.

        If not, nobody need hash the files to find out that the layer is new.
        """
        return self._folder is not None and (self._folder / f"shape-{shape}").exists()

    def shape_of(self, key: str) -> str:
        """The shape under which a layer was recorded; empty when there is no record."""
        if self._folder is None:
            return ""
        try:
            return str(json.loads((self._folder / key).read_bytes()).get("shape", ""))
        except (OSError, ValueError, AttributeError):
            return ""

    def get_run(self, key: str) -> list[RunLayer] | None:
        """The layers that a RUN recorded under ``key`` made, in order (none: it changed nothing), or ``None``."""
        if self._folder is None:
            return None
        try:
            record = json.loads((self._folder / f"run-{key}").read_bytes())
            if record["version"] != VERSION:
                return None
            return [RunLayer(int(one["position"]), Descriptor.from_json(one["descriptor"]),
                             Digest.parse(one["diff_id"])) for one in record["layers"]]
        except (OSError, ValueError, LookupError, TypeError, WcowError):
            return None

    def get_fetched(self, key: str) -> tuple[Fetched, ...] | None:
        """What a RUN recorded under ``key`` downloaded, or ``None`` where that is not known."""
        if self._folder is None:
            return None
        try:
            record = json.loads((self._folder / f"run-{key}").read_bytes())
            found = record["fetched"]
            return None if found is None else tuple(Fetched(str(url), str(digest)) for url, digest in found)
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def put_run(self, key: str, layers: Sequence[RunLayer], fetched: tuple[Fetched, ...] | None = None) -> None:
        """Record what a RUN made, and what it downloaded where that is known. On a full disk nothing is recorded, and
        the next build runs it again."""
        if self._folder is None:
            return
        told = None if fetched is None else [(one.url, one.digest) for one in fetched]
        record = {"version": VERSION, "fetched": told, "layers": [
            {"position": one.position, "descriptor": one.descriptor.to_json(), "diff_id": str(one.diff_id)}
            for one in layers]}
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._folder / f"run-{key}", json.dumps(record).encode())
        for number, one in enumerate(layers):  # what keeps its blob, as that of any step ('wcow system prune')
            self.put(key_of(run=key, number=number), Layer(one.descriptor, one.diff_id, 0))

    def put(self, key: str, layer: Layer, *, shape: str = "") -> None:
        """Record ``layer`` under ``key``. A full disk is no error: the next build only works again."""
        if self._folder is None:
            return
        record = {"version": VERSION, "descriptor": layer.descriptor.to_json(), "diff_id": str(layer.diff_id),
                  "diff_size": layer.diff_size, "shape": shape}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".tmp-", dir=self._folder)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as out:
                    json.dump(record, out)
                Path(name).replace(self._folder / key)
                if shape:
                    (self._folder / f"shape-{shape}").touch()
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError:
            return


def read_record(path: Path) -> Layer | None:
    """The layer that a record speaks of; ``None`` when it is damaged, of another version, or not there."""
    try:
        record = json.loads(path.read_bytes())
        if record["version"] != VERSION:
            return None
        return Layer(Descriptor.from_json(record["descriptor"]), Digest.parse(record["diff_id"]),
                     int(record["diff_size"]))
    except (OSError, ValueError, LookupError, TypeError, WcowError):
        return None


def key_of(**facts: Any) -> str:
    """The key for a step, from facts that JSON can hold. Order of the keywords does not matter."""
    text = json.dumps({"version": VERSION, **facts}, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
