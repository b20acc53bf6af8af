# SPDX-License-Identifier: Apache-2.0
"""The docker daemon: a double on a socket, and the real one in both of its kinds."""

from __future__ import annotations

import contextlib
import io
import json
import socketserver
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from support import plain_images as images
from support import programs

from imagebuild.dockerapi import Client
from imagebuild.errors import DaemonError, NotFoundError, StoreError
from imagebuild.oci import media
from imagebuild.stores import ArchiveStore, DaemonStore, put_bytes
from imagebuild.stores.daemon.daemon import load
from imagebuild.stores.daemon.words import refused

LAYER = images.layer_tar()
APP = "docker.io/library/app:1"


class DaemonDouble:
    """As much of a daemon as moving images needs. ``say`` is what it answers to a load instead."""

    def __init__(self) -> None:
        self.images: dict[str, bytes] = {}
        self.say: list[dict[str, Any]] = []
        self.status = 200
        self.seen: list[str] = []


@pytest.fixture
def double(tmp_path: Path) -> Iterator[tuple[DaemonDouble, DaemonStore]]:
    state = DaemonDouble()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

        def address_string(self) -> str:
            return ""

        def reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Api-Version", "1.45")
            self.end_headers()
            self.wfile.write(body)

        def do(self) -> None:
            parts = urlsplit(self.path.removeprefix("/v1.45"))
            query = parse_qs(parts.query)
            state.seen.append(f"{self.command} {unquote(parts.path)}")
            name = unquote(parts.path).removeprefix("/images/").removesuffix("/json").removesuffix("/tag")
            if parts.path == "/_ping":
                self.reply(200, b"OK")
            elif parts.path == "/images/load":
                data = self.rfile.read(int(self.headers["Content-Length"]))
                if not state.say:
                    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                        table = tar.extractfile("manifest.json")
                        assert table is not None
                        for row in json.load(table):
                            state.images.update(dict.fromkeys(row["RepoTags"], data))
                lines = state.say or [{"stream": "Loaded image: app:1\n"}]
                self.reply(state.status, "\r\n".join(json.dumps(line) for line in lines).encode())
            elif parts.path == "/images/get":
                self.reply(200, state.images[query["names"][0]])
            elif parts.path == "/images/json":
                self.reply(200, json.dumps([{"RepoTags": list(state.images)}, {"RepoTags": None}]).encode())
            elif name not in state.images:
                self.reply(404, json.dumps({"message": f"No such image: {name}"}).encode())
            elif self.command == "DELETE":
                del state.images[name]
                self.reply(200, b"[]")
            elif parts.path.endswith("/tag"):
                state.images[f"{query['repo'][0]}:{query['tag'][0]}"] = state.images[name]
                self.reply(201, b"")
            else:
                self.reply(200, b'{"Id":"sha256:1"}')

        do_GET = do_POST = do_DELETE = do

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    path = str(tmp_path / "docker.sock")
    with Server(path, Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        with DaemonStore(Client.at(f"unix://{path}")) as store:
            yield state, store
        server.shutdown()
        thread.join()


def test_an_image_goes_in_and_comes_out(double: tuple[DaemonDouble, DaemonStore]) -> None:
    state, store = double
    image = images.sample(LAYER)
    images.store(store, image, LAYER, tag=APP)
    assert list(state.images) == ["app:1"]
    assert "GET /images/app:1/json" in state.seen
    assert store.tags() == [APP]
    found = store.resolve("app:1")
    assert found.digest == image.descriptor().digest
    assert store.manifest(found) == image.manifest_bytes()
    with store.open_blob(image.layers[0]) as stream:
        assert stream.read() == LAYER


def test_a_second_name_sends_nothing_again(double: tuple[DaemonDouble, DaemonStore]) -> None:
    state, store = double
    image = images.sample(LAYER)
    images.store(store, image, LAYER, tag=APP)
    store.put_manifest(image.manifest_bytes(), image.manifest.kind, tag="app:2")
    assert sorted(state.images) == ["app:1", "app:2"]
    assert state.seen.count("POST /images/load") == 1
    store.untag("app:2")
    assert list(state.images) == ["app:1"]
    with pytest.raises(NotFoundError):
        store.untag("app:2")


def test_what_is_not_there_is_not_found(double: tuple[DaemonDouble, DaemonStore]) -> None:
    _, store = double
    with pytest.raises(NotFoundError, match="No such image"):
        store.resolve("nothing")
    with pytest.raises(NotFoundError):
        store.open_blob(images.sample(LAYER).layers[0])
    with pytest.raises(StoreError):
        store.put_manifest(images.sample(LAYER).manifest_bytes(), media.OCI_MANIFEST, tag=APP)


REFUSALS = [
    ("cannot load windows image on linux", "classic image store", "containerd-snapshotter"),
    ("open /var/lib/docker/tmp/docker-import-1/blobs/json: no such file or directory", "manifest.json",
     "docker-archive:"),
    ('image operating system "windows" cannot be used on this platform', "pulls only", "wcow pull"),
]


@pytest.mark.parametrize(("text", "why", "hint"), REFUSALS)
def test_the_daemons_refusals_are_translated_and_kept(text: str, why: str, hint: str) -> None:
    error = refused("cannot load app:1 into docker", text)
    assert why in error.why
    assert hint in error.hint
    assert text in error.why


def test_a_text_nobody_knows_is_told_as_it_is() -> None:
    error = refused("cannot load", "something else\x1b[0m", status=500)
    assert (error.why, error.hint, error.status) == ("docker says: something else [0m", "", 500)


@pytest.mark.parametrize("status", [200, 500])
def test_a_refusal_in_the_stream_or_by_status_is_an_error(double: tuple[DaemonDouble, DaemonStore],
                                                          status: int) -> None:
    state, store = double
    text = REFUSALS[0][0]
    state.status = status
    state.say = [{"stream": "Loading"}, {"errorDetail": {"message": text}, "error": text}] if status == 200 else \
        [{"message": text}]
    with pytest.raises(DaemonError, match="classic image store") as caught:
        images.store(store, images.sample(LAYER), LAYER, tag=APP)
    assert str(caught.value).count("cannot load") == str(caught.value).count(text) + 1  # the text has it, too
    assert state.images == {}


def test_an_image_the_daemon_took_and_does_not_know_is_an_error(double: tuple[DaemonDouble, DaemonStore]) -> None:
    state, store = double
    state.say = [{"stream": "Loaded"}]
    with pytest.raises(DaemonError, match="does not know"):
        images.store(store, images.sample(LAYER), LAYER, tag=APP)


def test_no_daemon_is_an_error_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(DaemonError) as caught:
        DaemonStore().tags()
    assert "DOCKER_HOST" in caught.value.hint
    with pytest.raises(DaemonError, match="nothing listens there"):
        DaemonStore(Client.at("tcp://127.0.0.1:1")).tags()


def test_nothing_stays_behind(double: tuple[DaemonDouble, DaemonStore], tmp_path: Path,
                              monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    _, store = double
    with contextlib.suppress(RuntimeError):
        put_bytes(store, LAYER, "x")
        raise RuntimeError
    store.close()
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.slow
def test_a_real_daemon_with_the_containerd_store_takes_and_gives_an_image(dockerd: programs.Daemon) -> None:
    image = images.sample(LAYER)
    with DaemonStore(Client.at(dockerd.host)) as store:
        images.store(store, image, LAYER, tag=APP)
        assert APP in store.tags()
    told = json.loads(dockerd.docker("image", "inspect", "app:1").stdout)
    assert told[0]["Os"] == "windows"
    with DaemonStore(Client.at(dockerd.host)) as store:
        found = store.resolve("app:1")
        assert found.digest == image.descriptor().digest
        with store.open_blob(image.layers[0]) as stream:
            assert stream.read() == LAYER
        store.untag("app:1")


@pytest.mark.slow
def test_a_real_daemon_with_its_default_store_refuses_in_words_we_translate(plain_dockerd: programs.Daemon,
                                                                           tmp_path: Path) -> None:
    with DaemonStore(Client.at(plain_dockerd.host)) as store, pytest.raises(DaemonError) as caught:
        images.store(store, images.sample(LAYER), LAYER, tag=APP)
    assert "cannot load windows image on linux" in caught.value.why
    assert "containerd-snapshotter" in caught.value.hint
    with ArchiveStore(tmp_path / "a.tar", create=True) as archive:
        images.store(archive, images.sample(LAYER), LAYER, tag=APP)
    with tarfile.open(tmp_path / "a.tar") as whole, tarfile.open(tmp_path / "b.tar", "w") as part:
        for member in whole:
            if member.name != "manifest.json":
                part.addfile(member, whole.extractfile(member) if member.isfile() else None)
    with ((tmp_path / "b.tar").open("rb") as stream, Client.at(plain_dockerd.host) as client,
          pytest.raises(DaemonError) as caught):
        load(client, stream, what="cannot load b.tar")
    assert "has none" in caught.value.why
    assert "docker-archive" in caught.value.hint
