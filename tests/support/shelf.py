# SPDX-License-Identifier: Apache-2.0
"""Images of layers that are made byte for byte, and a shelf for their blobs."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from imagebuild.errors import NotFoundError
from imagebuild.oci import Config, Descriptor, Digest, Image, create, media


@dataclass
class Shelf:
    """Blobs by digest."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)

    def open_blob(self, descriptor: Descriptor, /) -> BinaryIO:
        self.opened.append(descriptor.digest)
        if descriptor.digest not in self.blobs:
            raise NotFoundError("no such blob")
        return io.BytesIO(self.blobs[descriptor.digest])

    def image(self, *layers: bytes, kind: str = media.OCI_LAYER, **changes: object) -> Image:
        """An image of these layers, base first."""
        described = []
        for data in layers:
            described.append(Descriptor(kind, Digest.of(data), len(data)))
            self.blobs[described[-1].digest] = data
        config = Config(os="windows", architecture="amd64", os_version="10.0.20348.1",
                        diff_ids=tuple(Digest.of(data) for data in layers))
        return create(replace(config, **changes), layers=tuple(described))  # type: ignore[arg-type]
