# SPDX-License-Identifier: Apache-2.0
"""Downloads from a server on loopback, good and bad."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from imagebuild.errors import FetchError, InputError, IntegrityError, UnsupportedError
from imagebuild.fetch import DownloadMap, NetworkFetcher, fetch_url
from imagebuild.fetch.url import url_file_name

BODY = b"content " * 1000
SHA = "sha256:" + hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


def fetch(url: str, spool: Path, **more: Any) -> Any:
    return fetch_url(url, folder=spool, proxies={}, sleep=lambda _: None, **more)


def refused(url: str, spool: Path, **more: Any) -> FetchError:
    """The error of a download, which must leave nothing behind and no secret."""
    with pytest.raises(FetchError) as caught:
        fetch(url, spool, **more)
    assert list(spool.iterdir()) == []
    assert "secret" not in "\n".join(caught.value.lines()) + repr(caught.value.facts)
    return caught.value


def test_a_file_comes_with_all_that_add_wants_to_know(web: Any, spool: Path) -> None:
    web.pages["/a%20b.zip?v=1"] = (200, {
        "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT", "ETag": '"x"', "Content-Type": "Application/Zip; a=b",
        "Content-Disposition": 'attachment; filename="../other.zip"'}, BODY)
    seen: list[tuple[int, int | None]] = []
    with fetch(f"{web.base}/a%20b.zip?v=1", spool, checksum=SHA.upper().replace("SHA256", "sha256"),
               progress=lambda *step: seen.append(step)) as got:
        assert got.path.read_bytes() == BODY
        assert (got.name, got.size, got.digest) == ("a b.zip", len(BODY), SHA)
        assert got.modified_ns == 784111777 * 10**9
        assert (got.etag, got.disposition, got.media_type) == ('"x"', "other.zip", "application/zip")
        assert got.url == f"{web.base}/a%20b.zip?v=…"
    assert not got.path.exists()
    assert seen[-1] == (len(BODY), len(BODY))
    assert web.seen[0][1]["accept-encoding"] == "identity"


@pytest.mark.parametrize(("url", "name"), [
    ("https://h/a/b.zip", "b.zip"), ("https://h/a/", "a"), ("https://h/", ""), ("https://h", ""),
    ("https://h/a%2Fb", "b"), ("https://h/x?y=/z", "x"), ("https://h/..", ""),
])
def test_the_name_is_the_last_part_of_the_path(url: str, name: str) -> None:
    assert url_file_name(url) == name


def test_missing_headers_are_nothing_special(web: Any, spool: Path) -> None:
    web.pages["/x"] = (200, {"Last-Modified": "yesterday", "Content-Length": ""}, BODY)
    with fetch(f"{web.base}/x", spool) as got:
        assert (got.modified_ns, got.etag, got.disposition, got.size) == (None, "", "", len(BODY))


def test_redirects_are_followed_and_the_name_stays(web: Any, spool: Path) -> None:
    web.pages["/first.zip"] = (302, {"Location": "/second"}, b"")
    web.pages["/second"] = (307, {"Location": f"{web.base}/third?sig=secret"}, b"")
    web.pages["/third?sig=secret"] = (200, {}, BODY)
    with fetch(f"{web.base}/first.zip", spool) as got:
        assert (got.name, got.url) == ("first.zip", f"{web.base}/third?sig=…")


def test_a_circle_of_redirects_ends(web: Any, spool: Path) -> None:
    web.pages["/x"] = (302, {"Location": "/x"}, b"")
    assert "more than 10 redirects" in refused(f"{web.base}/x", spool).why
    assert len(web.seen) == 11


@pytest.mark.parametrize("where", ["file:///etc/passwd", "ftp://h/x", "gopher://h/x"])
def test_a_redirect_to_another_scheme_is_not_followed(web: Any, spool: Path, where: str) -> None:
    web.pages["/x"] = (302, {"Location": where}, b"")
    assert "only http and https" in refused(f"{web.base}/x", spool).why


def test_a_redirect_from_https_to_http_needs_a_checksum(spool: Path) -> None:
    class Answer:
        def __init__(self, status: int, headers: dict[str, str]) -> None:
            self.status, self.headers, self.left = status, headers, BODY

        def read(self, size: int) -> bytes:
            data, self.left = self.left[:size], self.left[size:]
            return data

        def close(self) -> None:
            pass

    def opener(url: str, headers: dict[str, str], timeout: float) -> Answer:
        return Answer(302, {"Location": "http://h/x"}) if url.startswith("https") else Answer(200, {})

    assert "anybody can change" in refused("https://h/x", spool, opener=opener).why
    with fetch("https://h/x", spool, opener=opener, checksum=SHA) as got:
        assert got.url == "http://h/x"


def test_credentials_go_to_their_host_only_and_into_no_error(web: Any, spool: Path) -> None:
    web.pages["/x"] = (302, {"Location": f"http://localhost:{web.port}/y"}, b"")
    error = refused(f"http://me:se%63ret@127.0.0.1:{web.port}/x", spool)
    assert "404" in error.why and error.facts["status"] == 404
    assert web.seen[0][1]["authorization"] == "Basic bWU6c2VjcmV0"
    assert "authorization" not in web.seen[1][1]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://h/x", "x.zip", "data:,x", "http:x"])
def test_other_schemes_are_refused(url: str, spool: Path) -> None:
    with pytest.raises(UnsupportedError, match="only http and https"):
        fetch(url, spool)


def test_a_wrong_checksum_is_an_integrity_error_that_holds_both(web: Any, spool: Path) -> None:
    web.pages["/x"] = (200, {}, BODY)
    with pytest.raises(IntegrityError) as caught:
        fetch(f"{web.base}/x", spool, checksum="sha512:" + "0" * 128)
    assert caught.value.facts["found"] == "sha512:" + hashlib.sha512(BODY).hexdigest()
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("checksum", ["sha256:12", "md5:" + "0" * 32, "0" * 64, ""])
def test_a_checksum_that_is_none_is_refused(spool: Path, checksum: str) -> None:
    with pytest.raises(InputError, match="checksum"):
        fetch("http://h/x", spool, checksum=checksum)


@pytest.mark.parametrize("headers", [{}, {"Content-Length": ""}])
def test_more_than_the_limit_is_refused_told_or_not(web: Any, spool: Path, headers: dict[str, str]) -> None:
    web.pages["/x"] = (200, headers, BODY)
    assert "are allowed" in refused(f"{web.base}/x", spool, limit=100).why
    with fetch(f"{web.base}/x", spool, limit=len(BODY)):
        pass


def test_a_cut_connection_is_tried_again_and_then_an_error(web: Any, spool: Path) -> None:
    web.pages["/x"] = lambda times: (200, {"Content-Length": str(len(BODY))}, BODY if times == 3 else BODY[:77])
    with fetch(f"{web.base}/x", spool) as got:
        assert got.size == len(BODY)
    web.seen.clear()
    assert f"77 of {len(BODY)} bytes" in refused(f"{web.base}/x", spool, attempts=2).why


def test_a_busy_server_is_asked_again_after_the_time_it_names(web: Any, spool: Path) -> None:
    web.pages["/x"] = lambda times: (429, {"Retry-After": "7"}, b"") if times < 2 else (200, {}, BODY)
    waits: list[float] = []
    fetch_url(f"{web.base}/x", folder=spool, proxies={}, sleep=waits.append).close()
    assert waits == [7]
    web.pages["/y"] = (404, {}, b"")
    refused(f"{web.base}/y", spool)
    assert [path for path, _ in web.seen].count("/y") == 1


def test_a_server_that_is_not_there_is_named(spool: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = refused(f"http://me:secret@127.0.0.1:{port}/x?sig=secret", spool)
    assert "refused" in error.why and f"127.0.0.1:{port}/x?sig=…" in error.what


def test_a_silent_server_is_left_after_the_timeout(spool: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        error = refused(f"http://127.0.0.1:{server.getsockname()[1]}/x", spool, timeout=0.1, attempts=1)
    assert "timed out" in error.why


def test_an_answer_that_is_no_http_is_an_error(spool: Path) -> None:
    import threading

    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer() -> None:
            client, _ = server.accept()
            with client:
                client.recv(4096)
                client.sendall(b"SSH-2.0-x\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        refused(f"http://127.0.0.1:{server.getsockname()[1]}/x", spool, attempts=1)
        thread.join()


def test_an_interruption_leaves_no_file(web: Any, spool: Path) -> None:
    web.pages["/x"] = (200, {}, BODY)

    def stop(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(f"{web.base}/x", spool, progress=stop)
    assert list(spool.iterdir()) == []


def test_a_full_disk_is_one_clear_error(web: Any, spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    web.pages["/x"] = (200, {}, BODY)
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    name = spool / "full"
    monkeypatch.setattr("tempfile.mkstemp", lambda **_: (os.open("/dev/full", os.O_WRONLY), str(name)))
    monkeypatch.setattr("os.fdopen", lambda handle, mode: open(handle, mode, buffering=0))  # noqa: PTH123, SIM115
    error = refused(f"{web.base}/x", spool)
    assert "No space left" in error.why and "TMPDIR" in error.hint


def test_a_proxy_is_asked_in_place_of_the_host(web: Any, spool: Path) -> None:
    web.pages["http://example.invalid/x"] = (200, {}, BODY)
    with fetch_url("http://example.invalid/x", folder=spool, proxies={"http": web.base}) as got:
        assert got.url == "http://example.invalid/x"


def test_the_environment_names_the_proxy(web: Any, spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", web.base)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("REQUEST_METHOD", raising=False)
    web.pages["http://example.invalid/x"] = (200, {}, BODY)
    web.pages["/y"] = (200, {}, BODY)
    fetch_url("http://example.invalid/x", folder=spool).close()
    fetch_url(f"{web.base}/y", folder=spool).close()
    assert [path for path, _ in web.seen] == ["http://example.invalid/x", "/y"]


def test_a_mapped_folder_stands_in_and_its_file_stays(tmp_path: Path, spool: Path) -> None:
    (tmp_path / "x.zip").write_bytes(BODY)
    os.utime(tmp_path / "x.zip", ns=(0, 5))
    fetcher = NetworkFetcher(DownloadMap.parse({"https://h/": str(tmp_path)}), offline=True)
    with fetcher.url("https://h/x.zip", checksum=SHA) as got:
        assert (got.path, got.digest, got.modified_ns, got.name) == (tmp_path / "x.zip", SHA, 5, "x.zip")
    assert got.path.exists()
    with pytest.raises(FetchError, match="No such file"):
        fetcher.url("https://h/y.zip")
    with pytest.raises(IntegrityError):
        fetcher.url("https://h/x.zip", checksum="sha256:" + "0" * 64)
    with pytest.raises(FetchError, match="--offline"):
        fetcher.url("https://elsewhere/x.zip")


def test_a_mapped_prefix_is_asked_in_place_of_the_origin(web: Any, spool: Path) -> None:
    web.pages["/mirror/x.zip"] = (200, {}, BODY)
    table = DownloadMap.parse({"https://h/": f"{web.base}/mirror/"})
    with fetch("https://h/x.zip", spool, downloads=table) as got:
        assert (got.name, got.url) == ("x.zip", f"{web.base}/mirror/x.zip")
