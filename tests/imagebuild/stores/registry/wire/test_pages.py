# SPDX-License-Identifier: Apache-2.0
"""Captive portals, proxies and web servers that answer everything with 200 and a page for people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import plain_images as images
from support.registry_double import Auth, RegistryDouble, answer, cut
from support.registry_lab import DATA, LOGIN, Lab, described, everything

from imagebuild.errors import NotFoundError, RegistryError, WcowError
from imagebuild.oci import Descriptor, Digest
from imagebuild.stores import DockerConfig, LayoutStore, Mirrors, RegistryStore, copy_blob, login, put_bytes
from imagebuild.stores.registry.wire.pages import is_page

PAGE = (b"\xef\xbb\xbf\n<!DOCTYPE html>\n<html><head><title>Hotel\n WiFi</title></head><body>Your room number?</body>"
        b"</html>")
IMAGE = images.sample(DATA)


def portal(headers: dict[str, str] | None = None, body: bytes = PAGE) -> Any:
    return answer(200, {"Content-Type": "text/html; charset=utf-8", **(headers or {})}, body)


def resolve(store: RegistryStore) -> object:
    return store.resolve("1")


def read_manifest(store: RegistryStore) -> object:
    return store.manifest(IMAGE.descriptor())


def read_config(store: RegistryStore) -> object:
    return store.manifest(IMAGE.manifest.config)


def read_blob(store: RegistryStore) -> object:
    with store.open_blob(described(DATA)) as stream:
        return stream.read()


def list_tags(store: RegistryStore) -> object:
    return store.tags()


def list_referrers(store: RegistryStore) -> object:
    return store.referrers(IMAGE.descriptor())


def ask_for_blob(store: RegistryStore) -> object:
    return store.has_blob(described(DATA))


def push_blob(store: RegistryStore) -> object:
    with store.new_blob() as blob:
        blob.write(b"data")
        blob.commit(Digest.of(b"data"), 4)


def push_manifest(store: RegistryStore) -> object:
    return store.put_manifest(IMAGE.manifest_bytes(), IMAGE.manifest.kind, tag="1")


def remove_tag(store: RegistryStore) -> object:
    return store.untag("1")


EVERYTHING = [resolve, read_manifest, read_config, read_blob, list_tags, list_referrers, ask_for_blob, push_blob,
              push_manifest, remove_tag]


@pytest.mark.parametrize("verb", EVERYTHING)
def test_a_page_in_place_of_any_answer_is_one_error_that_says_where_and_what_to_do(
        lab: Lab, verb: Callable[[RegistryStore], object]) -> None:
    lab.double.script = lambda number, seen: portal()
    with pytest.raises(RegistryError) as caught:
        verb(lab.store())
    what, why, hint = caught.value.lines()
    assert what.startswith("cannot ") and f"{lab.double.host}/app" in what
    assert why.startswith(f"{lab.double.host} answered 200 with a web page")
    assert "log in to the network" in hint and "HTTPS_PROXY" in hint
    assert (caught.value.status, caught.value.temporary, lab.waits) == (200, False, [])


@pytest.mark.parametrize("verb", [verb for verb in EVERYTHING if verb not in (ask_for_blob,)])
def test_the_page_s_own_title_is_shown(lab: Lab, verb: Callable[[RegistryStore], object]) -> None:
    lab.double.script = lambda number, seen: portal()
    with pytest.raises(RegistryError, match='"Hotel WiFi"'):
        verb(lab.store())


@pytest.mark.parametrize("verb", [resolve, read_manifest, list_tags, list_referrers, push_manifest, remove_tag])
def test_a_page_that_does_not_call_itself_one_is_known_by_its_beginning(
        lab: Lab, verb: Callable[[RegistryStore], object]) -> None:
    lab.double.script = lambda number, seen: portal({"Content-Type": "application/json"})
    with pytest.raises(RegistryError, match="web page"):
        verb(lab.store())


def test_what_a_page_says_cannot_drive_the_terminal_or_show_a_secret(guarded: Lab) -> None:
    store = guarded.store(login=LOGIN)
    store.tags()
    page = b"<html><title>\x1b[2J see https://u:hunter22@x.example/?sig=abcdef\x07" + b"x" * 10_000 + b"</title>"
    guarded.double.next("GET", "/tags/", portal(body=page.replace(b"x" * 10_000, b"x" * 100)))
    with pytest.raises(RegistryError) as caught:
        store.tags()
    text = everything(caught.value)
    assert not {"\x1b", "\x07"} & set(text)
    assert "hunter22" not in text and "abcdef" not in text
    guarded.double.next("GET", "/tags/", portal(body=page))
    with pytest.raises(RegistryError) as caught:
        store.tags()
    assert len(everything(caught.value)) < 2000


def test_a_page_behind_a_redirect_names_the_host_it_came_from(lab: Lab) -> None:
    with RegistryDouble() as wall:
        wall.script = lambda number, seen: portal()
        lab.double.next("GET", "/tags/", answer(302, {"Location": f"{wall.url}/login?next=secret-thing"}))
        with pytest.raises(RegistryError) as caught:
            lab.store().tags()
    assert wall.host in caught.value.why
    assert "secret-thing" not in everything(caught.value)


def test_a_login_at_a_page_is_refused_and_not_kept(tmp_path: Path) -> None:
    config = DockerConfig(tmp_path / "config.json")
    with RegistryDouble() as double:
        double.script = lambda number, seen: portal()
        with pytest.raises(RegistryError, match="web page"):
            login(double.host, "user", "a secret word", config=config)
    assert not config.path.exists()


def test_a_short_answer_that_only_calls_itself_a_page_is_none(tmp_path: Path) -> None:
    """Quay answers ``/v2/`` with ``true``, under the type its web framework takes where nobody says otherwise."""
    config = DockerConfig(tmp_path / "config.json")
    with RegistryDouble() as double:
        double.script = lambda number, seen: portal(body=b"true")
        login(double.host, "user", "a secret word", config=config)
    assert config.path.exists()


def test_empty_answers_to_a_push_that_only_call_themselves_pages_are_none(lab: Lab) -> None:
    put_bytes(lab.store(), IMAGE.config_bytes(), "x")
    lab.double.next("PUT", "/manifests/", portal(body=b""))
    lab.store().put_manifest(IMAGE.manifest_bytes(), IMAGE.manifest.kind, tag="1")
    lab.double.next("POST", "/uploads/", answer(202, {"Content-Type": "text/html",
                                                      "Location": "/v2/app/blobs/uploads/u"}))
    lab.double.uploads["u"] = bytearray()
    put_bytes(lab.store(), b"small", "x")
    assert lab.double.blobs[Digest.of(b"small")] == b"small"


def test_a_token_service_that_answers_with_a_page_is_named(guarded: Lab) -> None:
    guarded.double.next("GET", "/token", portal())
    with pytest.raises(RegistryError) as caught:
        guarded.store(login=LOGIN).resolve("1")
    what, why, hint = caught.value.lines()
    assert what == f"cannot get a token for {guarded.double.host}"
    assert why.startswith("127.0.0.1") and 'a web page ("Hotel WiFi")' in why
    assert "log in to the network" in hint
    assert LOGIN.password not in everything(caught.value)


def test_a_registry_whose_challenge_is_a_page_says_unauthorized_all_the_same() -> None:
    with RegistryDouble(auth=Auth("basic")) as double:
        lab = Lab(double)
        double.script = lambda number, seen: answer(401, {"Content-Type": "text/html"}, PAGE)
        with pytest.raises(RegistryError, match="401 Unauthorized"):
            lab.store().resolve("1")
        lab.clients[0].close()


def test_network_authentication_required_is_no_trouble_of_the_registry_s(lab: Lab) -> None:
    lab.double.script = lambda number, seen: answer(511, {"Content-Type": "text/html"}, PAGE)
    with pytest.raises(RegistryError) as caught:
        lab.store().tags()
    assert "log in to the network" in caught.value.hint
    assert (caught.value.temporary, lab.waits) == (False, [])


def test_of_a_page_nothing_is_kept(lab: Lab, tmp_path: Path) -> None:
    lab.double.put_blob(DATA)
    with LayoutStore(tmp_path / "layout", create=True) as target:
        for headers in ({}, {"Content-Type": "application/octet-stream"}):
            lab.double.next("GET", "/blobs/", portal(headers), times=9)
            with pytest.raises(WcowError):
                copy_blob(lab.store(), target, described(DATA))
        assert not target.has_blob(described(DATA))
        assert [path for path in (tmp_path / "layout").rglob("*") if path.is_file() and path.stat().st_size > 100] == []


def test_a_page_after_a_cut_is_no_rest_of_a_blob(lab: Lab) -> None:
    lab.double.put_blob(DATA)
    lab.double.next("GET", "/blobs/", cut(after=1000))
    lab.double.next("GET", "/blobs/", portal())
    with pytest.raises(RegistryError, match="web page"):
        read_blob(lab.store())


def test_a_mirror_that_shows_a_page_is_passed_over(lab: Lab) -> None:
    with RegistryDouble() as mirror:
        mirror.script = lambda number, seen: portal()
        images.store(lab.store(), IMAGE, DATA, tag="1")
        store = lab.store(f"{lab.double.host}/app:1", mirrors=Mirrors.parse([f"{lab.double.host}={mirror.host}"]))
        assert store.resolve("1") == IMAGE.descriptor()
        assert store.manifest(IMAGE.descriptor()) == IMAGE.manifest_bytes()
        assert read_blob(store) == DATA
        assert store.tags() == ["1"]
        assert len(mirror.lines()) == 5


def test_a_blob_may_be_a_page_itself(lab: Lab) -> None:
    lab.double.put_blob(PAGE)
    lab.double.next("GET", "/blobs/", portal())
    with lab.store().open_blob(described(PAGE)) as stream:
        assert stream.read() == PAGE
    lab.double.next("HEAD", "/blobs/", portal())
    assert lab.store().has_blob(described(PAGE))


def test_an_upload_whose_end_is_answered_by_a_page_has_not_ended(lab: Lab) -> None:
    lab.double.next("PUT", "/uploads/", portal())
    lab.double.next("HEAD", "/blobs/", answer(404))
    lab.double.next("HEAD", "/blobs/", portal())
    with pytest.raises(RegistryError, match="web page"):
        put_bytes(lab.store(), b"small", "x")
    assert lab.double.blobs == {}


def test_a_url_of_a_foreign_layer_that_shows_a_page_is_passed_over(lab: Lab) -> None:
    with RegistryDouble() as far:
        far.put_blob(DATA)
        far.next("GET", "/first", portal())
        layer = Descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Digest.of(DATA), len(DATA),
                           urls=(f"{far.url}/first", f"{far.url}/v2/x/blobs/{Digest.of(DATA)}"))
        with lab.store().open_blob(layer) as stream:
            assert stream.read() == DATA


def test_a_404_that_is_a_page_is_still_not_found(lab: Lab) -> None:
    lab.double.script = lambda number, seen: answer(404, {"Content-Type": "text/html"}, PAGE)
    with pytest.raises(NotFoundError):
        lab.store().resolve("1")


@pytest.mark.parametrize(("data", "page"), [
    (PAGE, True), (b"<?xml version='1.0'?>", True), (b" \r\n\t<a>", True), (b"", False), (b"{}", False),
    (b'"<html>"', False), (b"true", False)])
def test_json_and_pages_are_told_apart_by_their_beginning(data: bytes, page: bool) -> None:
    assert is_page(data) is page
