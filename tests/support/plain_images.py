# SPDX-License-Identifier: Apache-2.0
"""Images for tests of formats and stores: small ones whose layers are any bytes, and any that could be (hypothesis)."""

from __future__ import annotations

import io
import tarfile

from hypothesis import strategies as st

from imagebuild import oci
from imagebuild.oci import Config, Descriptor, Digest, HealthCheck, History, Image, Index, Manifest, Platform, RunConfig
from imagebuild.stores import Store, put_bytes

texts = st.text(max_size=12)
words = st.text(min_size=1, max_size=12)
numbers = st.integers(min_value=0, max_value=2**63 - 1)
pairs = st.dictionaries(words, texts, max_size=3).map(lambda found: tuple(sorted(found.items())))
lists = st.lists(texts, max_size=3).map(tuple)
maybe_lists = st.none() | lists
digests = st.binary(max_size=4).map(Digest.of)
extras = st.dictionaries(st.sampled_from(["x-one", "X Two", "ünknown", "zz<"]), st.sampled_from(
    ["1.50", "1e400", '{"b": [1, null]}', '"\\u00e9<"', "[]", "true", "123456789012345678901234567890"]), max_size=2,
).map(lambda found: tuple(found.items()))

platforms = st.builds(Platform, os=texts, architecture=texts, os_version=texts, os_features=lists, variant=texts,
                      extra=extras)
media_types = st.sampled_from([oci.media.OCI_LAYER_GZIP, oci.media.DOCKER_LAYER, "application/x-unknown", ""])
descriptors = st.builds(Descriptor, media_type=media_types, digest=digests, size=numbers, urls=lists,
                        annotations=pairs, platform=st.none() | platforms, artifact_type=texts, extra=extras)
checks = st.builds(HealthCheck, test=maybe_lists, interval=numbers, timeout=numbers, start_period=numbers,
                   start_interval=numbers, retries=numbers, extra=extras)
runs = st.builds(RunConfig, user=texts, exposed_ports=lists, env=lists, entrypoint=maybe_lists, cmd=maybe_lists,
                 volumes=lists, working_dir=texts, labels=pairs, stop_signal=texts, args_escaped=st.booleans(),
                 healthcheck=st.none() | checks, on_build=lists, shell=maybe_lists, stop_timeout=st.none() | numbers,
                 extra=extras)
histories = st.builds(History, created=texts, created_by=texts, author=texts, comment=texts, empty_layer=st.booleans(),
                      extra=extras)
configs = st.builds(Config, os=texts, architecture=texts, os_version=texts, os_features=lists, variant=texts,
                    created=texts, author=texts, run=runs, diff_ids=st.lists(digests, max_size=3).map(tuple),
                    history=st.lists(histories, max_size=3).map(tuple), rootfs_extra=extras, extra=extras)
manifests = st.builds(Manifest, config=descriptors, layers=st.lists(descriptors, max_size=3).map(tuple),
                      media_type=st.sampled_from([oci.media.OCI_MANIFEST, oci.media.DOCKER_MANIFEST, ""]),
                      artifact_type=texts, subject=st.none() | descriptors, annotations=pairs, extra=extras)
indexes = st.builds(Index, manifests=st.lists(descriptors, max_size=3).map(tuple),
                    media_type=st.sampled_from([oci.media.OCI_INDEX, oci.media.DOCKER_INDEX, ""]),
                    artifact_type=texts, subject=st.none() | descriptors, annotations=pairs, extra=extras)


def layer_tar(name: str = "Files/hello.txt", content: bytes = b"hello") -> bytes:
    """A tar of one file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def sample(*layers: bytes, family: oci.media.Family = "oci", os_version: str = "10.0.20348.2966") -> Image:
    """A Windows image of plain layers; nothing of it is stored."""
    image = oci.create(Config(os="windows", architecture="amd64", os_version=os_version,
                              run=RunConfig(cmd=("cmd.exe",))), family=family)
    for data in layers:
        described = Descriptor(oci.media.layer_type(family, "none"), Digest.of(data), len(data))
        image = oci.append(image, described, described.digest, History(created_by="COPY"))
    return image


def store(target: Store, image: Image, *layers: bytes, tag: str | None = None) -> Descriptor:
    """Put an image and its layers into a store; gives the manifest's descriptor."""
    for data in layers:
        put_bytes(target, data, image.layers[0].media_type)
    put_bytes(target, image.config_bytes(), image.manifest.config.media_type)
    return target.put_manifest(image.manifest_bytes(), image.manifest.kind, tag=tag)
