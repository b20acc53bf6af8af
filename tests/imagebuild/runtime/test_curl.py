# SPDX-License-Identifier: Apache-2.0
"""curl.exe of boxes: what it fetches, what it says, the codes it ends with, which are those of curl."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import box_network, programs
from support.sandboxes import Boxes, Done, run, start

from imagebuild.runtime import Box
from imagebuild.runtime.linux import account

pytestmark = pytest.mark.slow

SERVER = r"""
import http.server, sys
FAILED = []
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/big.bin":
            self.answer(200, bytes(range(256)) * 4000)
        elif path == "/redirect":
            self.answer(302, b"go there", Location="/dir/file.txt")
        elif path == "/busy":
            FAILED.append(1)
            self.answer(503 if len(FAILED) < 3 else 200, b"late" if len(FAILED) >= 3 else b"busy")
        elif path == "/missing":
            self.answer(404, b"not here")
        elif path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"half")
        elif path == "/loop":
            self.answer(302, b"", Location="/loop")
        else:
            size = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(size).decode()
            head = "".join(f"{name}: {value}\n" for name, value in self.headers.items())
            self.answer(200, f"{self.command} {self.path}\n{head}\n{body}".encode())
    do_POST = do_PUT = do_HEAD = do_GET
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


@dataclass
class Place:
    """A box in a network with the server."""

    box: Box
    url: str
    upper: Path

    def curl(self, words: str) -> Done:
        """curl with ``URL`` in its words replaced."""
        return run(self.box, "curl " + words.replace("URL", self.url), main=False)


@pytest.fixture
def place(boxes: Boxes) -> Iterator[Place]:
    with programs.skipping(), box_network.serving(account.choose(), SERVER) as (network, port):
        if not port:
            raise programs.Unavailable("no network namespace can be made here")
        box = boxes.open(network=network)
        start(box, "cmd /c ping -n 100 127.0.0.1 >nul")
        yield Place(box, f"http://127.0.0.1:{port.strip()}", boxes.root / "box" / "upper")


def test_a_file_arrives_whole_under_the_name_that_is_asked_for(place: Place) -> None:
    assert place.curl(r"-sSLo C:\a.bin URL/big.bin") == Done(0, "", "")
    assert place.curl(r"-fsSL URL/big.bin --output-dir C:\new\sub --create-dirs -O").code == 0
    for path in ("a.bin", "new/sub/big.bin"):
        assert (place.upper / path).read_bytes() == bytes(range(256)) * 4000


def test_standard_output_is_the_default(place: Place) -> None:
    done = place.curl("-s URL/hello?a=b#part")
    assert done.code == 0
    assert done.out.startswith("GET /hello?a=b\n")
    assert "User-Agent: curl/" in done.out
    assert "Accept: */*" in done.out


def test_headers_login_agent_method_and_data_are_sent(place: Place) -> None:
    done = place.curl('-s -X PUT -H "X-One: 1" -H "Content-Type: text/plain" -A me -u "user:pass word" -d a=1 -d b=2 '
                      "URL/x")
    assert done.out.startswith("PUT /x\n")
    assert "X-One: 1\n" in done.out
    assert "Content-Type: text/plain\n" in done.out
    assert "User-Agent: me\n" in done.out
    assert "Authorization: Basic dXNlcjpwYXNzIHdvcmQ=\n" in done.out
    assert done.out.endswith("\na=1&b=2")
    run(place.box, r"cmd /c (echo line1& echo line2) > C:\body.txt", main=False)
    assert place.curl(r"-s --data-binary @C:\body.txt URL/x").out.endswith("\nline1\nline2\n")
    assert place.curl(r"-s -d @C:\body.txt URL/x").out.endswith("\nline1line2")


@pytest.mark.parametrize(("words", "code", "said"), [
    ("-f URL/missing", 22, "curl: (22) The requested URL returned error: 404\n"),
    ("-fs URL/missing", 22, ""),
    ("-fsS URL/missing", 22, "curl: (22) The requested URL returned error: 404\n"),
    ("http://nosuch.invalid/", 6, "curl: (6) Could not resolve host: nosuch.invalid\n"),
    ("http://127.0.0.1:9/", 7, "curl: (7) Failed to connect to 127.0.0.1 port 9"),
    ("ftp://127.0.0.1/x", 1, 'curl: (1) Protocol "ftp" not supported'),
    ("--nosuch URL/", 2, "curl: option --nosuch: is unknown\n"),
    ("-sZ URL/", 2, "curl: option -Z: is unknown\n"),
    ("--proto =https URL/", 1, 'curl: (1) Protocol "http" disabled\n'),
    ("--proto all,-ftp URL/", 2, "is known here with =https alone"),
    ("-o", 2, "curl: option -o: requires parameter\n"),
    ("-s", 2, "curl: (2) no URL specified\n"),
    (r"-o C:\nosuch\x URL/a", 23, "curl: (23) Failure writing output"),
    ("-O URL/", 23, "curl: (23) Remote filename has no length\n"),
    ("--retry many URL/", 2, "expected a proper numerical parameter"),
    ("URL/cut", 18, "curl: (18) end of response with 96 bytes missing\n"),
    ("-L --max-redirs 3 URL/loop", 47, "curl: (47) Maximum (3) redirects followed\n"),
    ("-d @C:\\nosuch URL/", 26, "reading a file"),
])
def test_what_fails_has_curls_code_and_words(place: Place, words: str, code: int, said: str) -> None:
    done = place.curl(words)
    assert done.code == code, done
    assert said in done.err
    if not said:
        assert done.err == ""


def test_redirects_are_followed_where_that_is_asked_for(place: Place) -> None:
    assert place.curl("-s URL/redirect").out == "go there"
    assert place.curl("-sL URL/redirect").out.startswith("GET /dir/file.txt\n")
    assert place.curl(r"-s -o nul -w %{http_code}\n URL/redirect").out == "302\n"


def test_a_busy_server_is_asked_again(place: Place) -> None:
    assert place.curl("-s --retry 0 URL/busy").out == "busy"
    done = place.curl("--retry 4 --retry-delay 1 -f URL/busy")
    assert (done.code, done.out) == (0, "late")
    assert "will retry in 1 second" in done.err


def test_a_head_and_the_headers(place: Place) -> None:
    done = place.curl("-sI URL/missing")
    assert done.out.startswith("HTTP/1.0 404")
    assert "not here" not in done.out
    done = place.curl("-si URL/redirect")
    assert "Location: /dir/file.txt" in done.out
    assert done.out.endswith("go there")


def test_several_urls_go_to_their_outputs(place: Place) -> None:
    assert place.curl(r"-s -o C:\1.txt URL/one -o C:\2.txt URL/two").code == 0
    assert "/one" in run(place.box, r"cmd /c type C:\1.txt", main=False).out
    assert "/two" in run(place.box, r"cmd /c type C:\2.txt", main=False).out


def test_a_proxy_is_asked_where_a_variable_or_an_option_names_one(place: Place) -> None:
    there = place.url.partition("//")[2]
    done = run(place.box, "curl -s http://far.example/x", main=False, environment={"HTTP_PROXY": place.url})
    assert done.out.startswith("GET http://far.example")
    assert place.curl(f"-s -x {there} http://far.example/y").out.startswith("GET http://far.example")
