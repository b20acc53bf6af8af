# SPDX-License-Identifier: Apache-2.0
"""An image that says linux and holds Windows files by their plain paths, as the e2e images of Kubernetes do."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

from imagebuild import oci
from imagebuild.oci import Config, Descriptor, Digest
from imagebuild.stores import Store, put_bytes


def linux_image(store: Store, name: str, members: Mapping[str, bytes]) -> None:
    """Put one with these files into a store."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, content in members.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    data = out.getvalue()
    layer = Descriptor(oci.media.layer_type("oci", "none"), Digest.of(data), len(data))
    image = oci.append(oci.create(Config(os="linux", architecture="amd64")), layer, layer.digest,
                       oci.History(created_by="COPY"))
    put_bytes(store, data, layer.media_type)
    put_bytes(store, image.config_bytes(), image.manifest.config.media_type)
    store.put_manifest(image.manifest_bytes(), image.manifest.kind, tag=name)
