# SPDX-License-Identifier: Apache-2.0
"""Images that are not what they say: from a registry that lies or stops, and in archives that were cut or made to get
out. Each is refused in Docker's shape, nothing of it stays, and the same image comes in when it is whole."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import images, plain_images
from support.engine_images import Answer, Served, connect, owner, repository, serving
from support.registry_double import RegistryDouble, answer, corrupt, cut

from imagebuild.engine.images.transfer.registry import Registries
from imagebuild.images.put import put_image
from imagebuild.oci import Digest, create
from imagebuild.stores import ArchiveStore


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(owner(tmp_path / "root", registries=Registries(connect)), tmp_path) as server:
        yield server


def blobs(served: Served) -> list[str]:
    """What there is of images below the engine's folder, half or whole."""
    root = served.engine.settings.root
    found = [path for path in (root / "images").rglob("*") if path.is_file()]
    return [path.name for path in [*found, *(root / "tmp").glob("*")]
            if path.name not in ("index.json", "oci-layout", "lock")]


def pull(served: Served, double: RegistryDouble) -> Answer:
    return served.ask("POST", "/images/create", fromImage=f"{double.host}/team/app:1")


def said(reply: Answer) -> str:
    """The error of a reply: its own, or the last line of the stream."""
    return reply.message if reply.status >= 400 else str(reply.lines[-1].get("error", ""))


@pytest.mark.parametrize("act", [
    corrupt(lambda data: data[:-1] + b"?"), corrupt(lambda data: data[:len(data) // 2]), corrupt(lambda data: b""),
    corrupt(lambda data: data + b"more"), cut(after=20), cut(after=0), answer(404), answer(500), answer(200, {}, b"x")],
    ids=["other bytes", "short", "nothing", "long", "cut", "no answer", "404", "500", "other"])
@pytest.mark.parametrize("what", ["layer", "config", "manifest"])
def test_a_registry_that_lies_or_stops_gives_no_image(served: Served, what: str, act: Any) -> None:
    with RegistryDouble() as double:
        image, descriptor = images.sample(repository(double), "1")
        pattern = {"layer": f"/blobs/{image.layers[1].digest}", "config": f"/blobs/{image.manifest.config.digest}",
                   "manifest": "/manifests/"}[what]
        before = double.manifests
        double.next("GET", pattern, act, times=99)
        name = f"{double.host}/team/app"
        reply = served.ask("POST", "/images/create", fromImage=name, tag=str(descriptor.digest))
        assert said(reply), reply
        assert served.ask("GET", "/images/json").json == []
        assert blobs(served) == []
        double._rules.clear()
        double.manifests = before
        assert pull(served, double).lines[-1]["status"].startswith("Status: Downloaded")


def lying(store: Any) -> None:
    """An image whose config says another diff id than its layer has."""
    good = plain_images.sample(plain_images.layer_tar())
    plain_images.store(store, good, plain_images.layer_tar())
    wrong = create(replace(good.config, diff_ids=(Digest.of(b"other"),)), layers=good.layers)
    put_image(store, wrong, tag="1")


def test_a_layer_with_another_diff_id_is_refused_and_leaves_nothing(served: Served) -> None:
    with RegistryDouble() as double:
        lying(repository(double))
        assert "diffID" in said(pull(served, double)) or "filesystem layer verification" in said(pull(served, double))
    assert served.ask("GET", "/images/json").json == []
    assert blobs(served) == []


def archive(folder: Path) -> bytes:
    with ArchiveStore(folder / "made.tar", create=True) as made:
        images.sample(made, "docker.io/library/app:1")
    return (folder / "made.tar").read_bytes()


def rewritten(data: bytes, change: Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None]) -> bytes:
    """A tar with its members changed, or left out."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(data)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for member in old:
            stream = old.extractfile(member)
            changed = change(member, stream.read() if stream is not None else b"")
            if changed is not None:
                changed[0].size = len(changed[1])
                new.addfile(changed[0], io.BytesIO(changed[1]))
    return out.getvalue()


def damaged(data: bytes, kind: str) -> bytes:
    """A damaged archive: what is wrong with it."""
    if kind == "cut":
        return data[:len(data) * 2 // 3]
    if kind == "empty":
        return b""
    if kind == "noise":
        return b"\x1f\x8b" + bytes(range(256)) * 20

    def change(member: tarfile.TarInfo, content: bytes) -> tuple[tarfile.TarInfo, bytes] | None:
        is_blob = "blobs/" in member.name and member.isfile()
        if kind == "json" and member.name in ("index.json", "manifest.json"):
            return member, b'{"manifests": ["'
        if kind == "types" and member.name in ("index.json", "manifest.json"):
            return member, b'[{"Config": 1, "Layers": {"a": null}, "RepoTags": "x"}]'
        if kind == "lacks" and is_blob and len(content) > 1000:
            return None
        if kind == "bytes" and is_blob and len(content) > 1000:
            return member, content[:-9] + b"?" + content[-8:]
        if kind == "names" and is_blob:
            member.name = "../" * 9 + "tmp/" + member.name
        if kind == "links" and is_blob and len(content) > 1000:
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            return member, b""
        return member, content

    return rewritten(data, change)


@pytest.mark.parametrize("kind", ["cut", "empty", "noise", "json", "types", "lacks", "bytes", "names", "links"])
def test_a_damaged_archive_is_refused_and_leaves_nothing(served: Served, tmp_path: Path, kind: str) -> None:
    whole = archive(tmp_path)
    reply = served.ask("POST", "/images/load", damaged(whole, kind))
    assert said(reply), reply
    assert "Traceback" not in said(reply) and str(tmp_path) not in said(reply)
    assert served.ask("GET", "/images/json").json == []
    assert blobs(served) == []
    assert served.ask("POST", "/images/load", whole).status == 200
    assert [row["RepoTags"] for row in served.ask("GET", "/images/json").json] == [["app:1"]]
