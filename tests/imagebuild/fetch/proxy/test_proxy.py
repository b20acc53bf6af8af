# SPDX-License-Identifier: Apache-2.0
"""What programs download goes by a proxy, which records it and gives it again."""

from __future__ import annotations

import hashlib
import http.client
import json
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.downloads import Answer, Site, ask, site

from imagebuild.fetch import DownloadMap, Fetched, Recordings
from imagebuild.fetch.proxy.authority import Authority
from imagebuild.fetch.proxy.origin import Origin, sender
from imagebuild.fetch.proxy.proxy import DownloadProxy, RunDownloads

CONTENT = bytes(range(256)) * 40
URL = "https://downloads.example.com"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("of the test")


@pytest.fixture
def server(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with site({"/a.zip": CONTENT, "/chunked": CONTENT, "/empty": b""}, authority=authority) as found:
        yield found


def rules(server: Site | None, folder: Path | None, mode: str = "record", limit: int = 1 << 30) -> RunDownloads:
    """How downloads go: those of :data:`URL` to the server."""
    there = DownloadMap.parse({f"{URL}/": f"https://localhost:{server.port}/"} if server else {})
    recordings = None if folder is None else Recordings.open(folder, create=mode == "record")
    return RunDownloads(mode, Origin(there, timeout=5), recordings, limit)  # type: ignore[arg-type]


def get(proxy: DownloadProxy, path: str, **more: object) -> Answer:
    return ask(proxy.path, f"{URL}{path}", trusted=proxy.certificate, **more)  # type: ignore[arg-type]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("path", ["/a.zip", "/chunked", "/empty"])
def test_what_was_recorded_is_replayed_when_the_server_is_gone(server: Site, tmp_path: Path, path: str) -> None:
    with rules(server, tmp_path / "kept").serve() as proxy:
        first = get(proxy, path)
        assert proxy.fetched == (Fetched(f"{URL}{path}", f"sha256:{sha256(first.body)}"),)
    assert server.asked == [f"GET {path}"]
    with rules(None, tmp_path / "kept", "replay").serve() as proxy:
        again = get(proxy, path)
        assert proxy.fetched == (Fetched(f"{URL}{path}", f"sha256:{sha256(first.body)}"),)
        assert not proxy.problems
    assert server.asked == [f"GET {path}"]
    assert (first.status, first.body) == (again.status, again.body) == (200, server.files[path])
    assert again.headers["Content-Type"] == "application/zip"


def test_the_index_has_no_cookie_and_names_its_files_by_digest(server: Site, tmp_path: Path) -> None:
    with rules(server, tmp_path / "kept").serve() as proxy:
        assert get(proxy, "/a.zip").headers["Set-Cookie"] == "login=secret"
    document = json.loads((tmp_path / "kept/index.json").read_bytes())
    assert document == {"version": 1, "downloads": [{
        "url": f"{URL}/a.zip", "file": f"sha256/{sha256(CONTENT)}", "size": len(CONTENT), "sha256": sha256(CONTENT),
        "headers": {"Content-Type": "application/zip"}}]}
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == [".lock", "index.json", "sha256"]


def test_an_index_written_by_hand_is_replayed(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"made up")
    (tmp_path / "index.json").write_text(json.dumps({"version": 1, "downloads": [
        {"url": "https://HOST.example.com:443/x.zip#top", "file": "x.zip"},
        {"url": "http://host.example.com/latest", "status": 302,
         "headers": {"Location": "https://host.example.com/x.zip"}}]}))
    with rules(None, tmp_path, "replay").serve() as proxy:
        found = ask(proxy.path, "https://host.example.com/x.zip", trusted=proxy.certificate)
        assert (found.status, found.body) == (200, b"made up")
        moved = ask(proxy.path, "http://host.example.com/latest")
        assert (moved.status, moved.headers["Location"]) == (302, "https://host.example.com/x.zip")
        assert proxy.fetched == (Fetched("https://host.example.com/x.zip", f"sha256:{sha256(b'made up')}"),)


def test_what_is_missing_is_answered_404_and_told_with_the_way_to_record_it(server: Site, tmp_path: Path) -> None:
    with rules(server, tmp_path / "kept").serve() as proxy:
        get(proxy, "/a.zip")
    with rules(server, tmp_path / "kept", "replay").serve() as proxy:
        found = get(proxy, "/other.zip?token=secret")
        assert found.status == 404
        text = f"GET {URL}/other.zip?token=… is not among the downloads of {tmp_path}/kept: " \
               f"'wcow build --downloads record {tmp_path}/kept' with a network records it"
        assert found.body.decode() == f"{text}\n"
        assert proxy.problems == (text,)
    assert server.asked == ["GET /a.zip"]


def test_a_content_that_was_changed_is_refused(server: Site, tmp_path: Path) -> None:
    with rules(server, tmp_path / "kept").serve() as proxy:
        get(proxy, "/a.zip")
    path = tmp_path / "kept/sha256" / sha256(CONTENT)
    path.write_bytes(CONTENT[::-1])
    with rules(None, tmp_path / "kept", "replay").serve() as proxy:
        found = get(proxy, "/a.zip")
        assert found.status == 502
        assert f"the SHA-256 of {path} is {sha256(CONTENT[::-1])}, not {sha256(CONTENT)}" in found.body.decode()
        path.unlink()
        assert b"there is no such file" in get(proxy, "/a.zip").body or b"No such file" in get(proxy, "/a.zip").body
        assert proxy.fetched == ()


def test_a_file_outside_of_the_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/link").symlink_to("../secret")
    (tmp_path / "kept/index.json").write_text(json.dumps({"version": 1, "downloads": [
        {"url": f"{URL}/1", "file": "../secret"}, {"url": f"{URL}/2", "file": "link"}]}))
    with rules(None, tmp_path / "kept", "replay").serve() as proxy:
        for path in ("/1", "/2"):
            found = get(proxy, path)
            assert found.status == 502
            assert b"is outside of" in found.body


def test_a_redirect_is_the_programs_own_and_recorded(server: Site, tmp_path: Path) -> None:
    server.redirects["/latest"] = f"{URL}/a.zip"
    with rules(server, tmp_path / "kept").serve() as proxy:
        first = get(proxy, "/latest")
    with rules(None, tmp_path / "kept", "replay").serve() as proxy:
        again = get(proxy, "/latest")
    for found in (first, again):
        assert (found.status, found.headers["Location"]) == (302, f"{URL}/a.zip")


def test_a_404_is_recorded_and_a_503_is_not(server: Site, tmp_path: Path) -> None:
    server.files["/busy"], server.statuses["/busy"] = b"later", 503
    with rules(server, tmp_path / "kept").serve() as proxy:
        assert get(proxy, "/none").status == 404
        assert get(proxy, "/busy").status == 503
    with rules(None, tmp_path / "kept", "replay").serve() as proxy:
        assert get(proxy, "/none").status == 404
        assert not proxy.problems
        assert get(proxy, "/busy").status == 404
        assert len(proxy.problems) == 1


@pytest.mark.parametrize(("asked", "status", "part"), [
    ("bytes=0-9", 206, CONTENT[:10]), ("bytes=100-", 206, CONTENT[100:]), ("bytes=-7", 206, CONTENT[-7:]),
    ("bytes=20000-", 416, b""), ("bytes=5-2", 200, CONTENT), ("bytes=0-1,4-5", 200, CONTENT), ("lines=1", 200, CONTENT),
    (f"bytes=0-{1 << 62}", 206, CONTENT)])
def test_a_part_is_given_of_the_whole_that_was_recorded(server: Site, tmp_path: Path, asked: str, status: int,
                                                        part: bytes) -> None:
    with rules(server, tmp_path / "kept").serve() as proxy:
        first = get(proxy, "/a.zip", headers={"Range": asked})
    assert "Range" not in server.headers[0]
    with rules(None, tmp_path / "kept", "replay").serve() as proxy:
        again = get(proxy, "/a.zip", headers={"Range": asked})
    for found in (first, again):
        assert (found.status, found.body) == (status, part)
        assert ("Content-Range" in found.headers) == (status in (206, 416))


def test_a_head_is_answered_from_what_a_get_brought(server: Site, tmp_path: Path) -> None:
    with rules(server, tmp_path / "kept").serve() as proxy:
        assert get(proxy, "/chunked", method="HEAD").status == 200
        get(proxy, "/a.zip")
    with rules(None, tmp_path / "kept", "replay").serve() as proxy:
        found = get(proxy, "/a.zip", method="HEAD")
        assert (found.status, found.headers["Content-Length"], found.body) == (200, str(len(CONTENT)), b"")


def test_a_post_is_recorded_by_its_body(server: Site, tmp_path: Path) -> None:
    server.files["/ask"] = b"the answer"
    with rules(server, tmp_path / "kept").serve() as proxy:
        assert get(proxy, "/ask", method="POST", body=b"a question").body == b"the answer"
    assert server.bodies == [b"a question"]
    with rules(None, tmp_path / "kept", "replay").serve() as proxy:
        assert get(proxy, "/ask", method="POST", body=b"a question").body == b"the answer"
        assert get(proxy, "/ask", method="POST", body=b"another").status == 404
        assert get(proxy, "/ask").status == 404


def test_a_download_without_an_end_is_cut_at_the_limit(server: Site, tmp_path: Path) -> None:
    with rules(server, tmp_path / "kept", limit=1 << 20).serve() as proxy:
        with pytest.raises((http.client.IncompleteRead, OSError)):
            get(proxy, "/endless")
        assert proxy.problems == (
            f"cannot download {URL}/endless: it has more than the {1 << 20} bytes that are allowed",)
    assert not (tmp_path / "kept/index.json").exists()
    assert not [path for path in (tmp_path / "kept").iterdir() if path.name.startswith(".download")]


def test_a_connection_that_breaks_is_told_and_not_recorded(server: Site, tmp_path: Path) -> None:
    with rules(server, tmp_path / "kept").serve() as proxy:
        with pytest.raises((http.client.IncompleteRead, OSError)):
            get(proxy, "/cut")
        assert "cannot download" in proxy.problems[0]
        assert proxy.fetched == ()
    assert not (tmp_path / "kept/index.json").exists()


def test_a_large_file_goes_through_little_memory(server: Site, tmp_path: Path) -> None:
    size = 100 << 20
    with (tmp_path / "large").open("wb") as file:
        file.truncate(size)
    there = RunDownloads("map", Origin(DownloadMap.parse({f"{URL}/": str(tmp_path)})))
    with there.serve() as proxy:
        assert get(proxy, "/large", method="HEAD").headers["Content-Length"] == str(size)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert get(proxy, "/large", headers={"Range": f"bytes={size - 5}-"}).body == bytes(5)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 << 10  # KiB


def test_a_server_that_is_down_is_a_502_that_names_it(tmp_path: Path) -> None:
    with site({}) as gone:
        port = gone.port
    there = DownloadMap.parse({f"{URL}/": f"https://localhost:{port}/"})
    with RunDownloads("record", Origin(there), Recordings.open(tmp_path, create=True)).serve() as proxy:
        found = get(proxy, "/a.zip")
        assert found.status == 502
        assert f"cannot download {URL}/a.zip: Connection refused" in found.body.decode()
        assert len(proxy.problems) == 1


def test_no_program_reaches_this_machine_by_the_proxy(server: Site, tmp_path: Path) -> None:
    with site({"/": b"of the machine"}) as here, rules(None, None, "map").serve() as proxy:
        for host in ("127.0.0.1", "localhost"):
            found = ask(proxy.path, f"http://{host}:{here.port}/")
            assert found.status == 502
            assert b"an address of this machine" in found.body
        secure = ask(proxy.path, f"https://localhost:{server.port}/a.zip", trusted=proxy.certificate)
        assert secure.status == 502
        assert here.asked == server.asked == []


def test_a_proxy_of_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with site({"http://far.example.com/x": b"by the proxy"}) as above:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{above.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        there = Origin(guarded=sender(guarded=True))
        with RunDownloads("record", there, Recordings.open(tmp_path, create=True)).serve() as proxy:
            assert ask(proxy.path, "http://far.example.com/x").body == b"by the proxy"
        assert above.asked == ["GET http://far.example.com/x"]


def test_offline_only_folders_of_the_map_answer(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"here")
    there = Origin(DownloadMap.parse({f"{URL}/": str(tmp_path)}), offline=True)
    with RunDownloads("map", there).serve() as proxy:
        assert get(proxy, "/x").body == b"here"
        assert get(proxy, "/y").status == 404
        assert b"--offline was given" in ask(proxy.path, "http://other.example.com/").body
        assert proxy.fetched == (Fetched(f"{URL}/x", f"sha256:{sha256(b'here')}"),)


def test_two_builds_record_into_one_folder(server: Site, tmp_path: Path) -> None:
    first, second = rules(server, tmp_path / "kept"), rules(server, tmp_path / "kept")
    with first.serve() as one, second.serve() as two:
        get(one, "/a.zip")
        get(two, "/empty")
    with rules(None, tmp_path / "kept", "replay").serve() as proxy:
        assert [get(proxy, path).status for path in ("/a.zip", "/empty")] == [200, 200]


def test_a_program_that_does_not_trust_the_proxy_is_told_of(server: Site, authority: Authority, tmp_path: Path) -> None:
    with rules(server, tmp_path / "kept").serve() as proxy:
        with pytest.raises(OSError, match="certificate"):
            ask(proxy.path, f"{URL}/a.zip", trusted=authority.pem)
        for _unused in range(100):
            if proxy.problems:
                break
            ask(proxy.path, "http://127.0.0.1:1/")
        assert any("refused the certificate of the proxy for downloads.example.com" in one for one in proxy.problems)


def test_a_whole_url_in_a_tunnel_is_taken_as_wines_winhttp_sends_it(server: Site, tmp_path: Path) -> None:
    with rules(server, tmp_path / "kept").serve() as proxy:
        found = ask(proxy.path, f"{URL}/a.zip", trusted=proxy.certificate, target=f"{URL}:443/a.zip")
        assert found.body == CONTENT
        assert [one.url for one in proxy.fetched] == [f"{URL}/a.zip"]


@pytest.mark.parametrize("wrong", ["/a", "ftp://host/x", "http:///x"])
def test_what_is_no_request_for_a_proxy_is_a_400(wrong: str) -> None:
    with rules(None, None, "map").serve() as proxy:
        assert ask(proxy.path, "http://host/", target=wrong).status == 400
        assert f"asked the proxy for {wrong}" in proxy.problems[0]
