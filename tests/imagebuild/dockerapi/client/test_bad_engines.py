# SPDX-License-Identifier: Apache-2.0
"""Engines that misbehave, places that are not what they seem: one clear error each, in time, nothing left."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import scripted_engines

from imagebuild.dockerapi import Client, faults
from imagebuild.errors import DaemonError, FormatError, NotFoundError, UsageError, WcowError

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SECONDS = 0.3
PATIENT = 20.0
"""No other error here needs as long as this, however busy the machine is."""


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No thread and no descriptor is left of a client."""
    threads, descriptors = set(threading.enumerate()), len(list(Path("/proc/self/fd").iterdir()))
    yield
    left = [one for one in threading.enumerate() if one not in threads]
    assert not left
    assert len(list(Path("/proc/self/fd").iterdir())) <= descriptors


@contextlib.contextmanager
def engine(folder: Path, *said: bytes, hang: bool = True, drip: float = 0,
           seconds: float = PATIENT) -> Iterator[Client]:
    """A client of an engine that says this to each request, and then keeps silent (``hang``) or hangs up."""
    over = threading.Event()

    def handle(there: socket.socket) -> None:
        while scripted_engines.request_head(there):
            for data in said:
                there.sendall(data)
                if drip:
                    time.sleep(drip)
            if hang:
                over.wait(60)
            return

    with (scripted_engines.on_unix(folder / "bad.sock", handle),
          Client.at(f"unix://{folder}/bad.sock", version="1.45", timeout=seconds, deadline=seconds,
                    silence=seconds) as client):
        try:
            yield client
        finally:
            over.set()


def error_of(client: Client, *, stream: bool = False) -> WcowError:
    start = time.monotonic()
    with pytest.raises(WcowError) as caught:
        if stream:
            list(client.lines("GET", "/events"))
        else:
            client.json("GET", "/info")
    assert time.monotonic() - start < PATIENT
    return caught.value


def test_an_engine_that_answers_nothing_is_silent(tmp_path: Path) -> None:
    with engine(tmp_path, seconds=SECONDS) as client:
        error = error_of(client)
        assert "is silent" in error.what and "did not answer within 0.3 s" in error.why
        assert error.facts["cause"] == "engine-silent" and error.facts["status"] == 0
        with pytest.raises(DaemonError, match="is silent"):
            client.ping()
        with pytest.raises(DaemonError, match="is silent"):
            client.attach("/containers/a/attach")


def test_an_engine_that_is_asked_for_its_version_and_says_nothing_is_silent(tmp_path: Path) -> None:
    with engine(tmp_path):
        patient = Client.at(f"unix://{tmp_path}/bad.sock", timeout=SECONDS)  # without a deadline
        with patient, pytest.raises(DaemonError, match="is silent"):
            patient.json("GET", "/info")


@pytest.mark.parametrize(("said", "why"), [
    (b"HTTP/1.1 20", "closed the connection in the head"), (OK, "closed the connection in the head"),
    (b"", "without an answer"), (OK + b"Content-Length: 10\r\n\r\n{}", "in the middle of its answer"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}", "in the middle of its answer"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", "in the middle of its answer"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", "in the middle of its answer"),
])
def test_half_an_answer_is_an_answer_that_broke_off(tmp_path: Path, said: bytes, why: str) -> None:
    with engine(tmp_path, said, hang=False) as client:
        error = error_of(client)
    assert error.what == "the connection to the engine broke" and why in error.why


@pytest.mark.parametrize("said", [b"HTTP/1.1 20", OK, OK + b"Content-Length: 10\r\n\r\n{}",
                                  OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}"])
def test_half_an_answer_and_then_nothing_is_silence(tmp_path: Path, said: bytes) -> None:
    with engine(tmp_path, said, seconds=SECONDS) as client:
        assert "is silent" in error_of(client).what


def test_an_answer_in_drops_does_not_outlast_the_deadline(tmp_path: Path) -> None:
    with engine(tmp_path, *([b"H", b"T", b"T", b"P"] + [b"x"] * 100), drip=0.05, seconds=SECONDS) as client:
        assert "did not answer within 0.3 s" in error_of(client).why
    drops = [OK + b"Content-Length: 1000\r\n\r\n", *([b" "] * 100)]
    (tmp_path / "bad.sock").unlink()
    with engine(tmp_path, *drops, drip=0.05, seconds=SECONDS) as client:
        assert "did not answer within 0.3 s" in error_of(client).why


@pytest.mark.parametrize(("said", "why"), [
    (OK + b"X: " + b"y" * 300_000, "longer than 256 KiB"),
    (OK + b"X: " + b"y" * 300_000 + b"\r\n\r\n", "longer than 256 KiB"),
    (OK + b"X: y\r\n" * 60_000, "longer than 256 KiB"),
    ((b"HTTP/1.1 100 Continue\r\n" + b"A: b\r\n" * 200 + b"\r\n") * 300, "longer than 256 KiB"),
    (b"SSH-2.0-OpenSSH_9.6\r\n", "begins with b'SSH-2.0"), (b"\x15\x03\x01\x00\x02\x02F", r"begins with b'\x15"),
    (b"HTTP/2 200 OK\r\n\r\n", "begins with b'HTTP/2 200"), (b"HTTP/1.1 2000 OK\r\n\r\n", "begins with"),
    (OK + b"no colon\r\n\r\n", "malformed: b'no colon'"), (OK + b"X: a\r\n folded\r\n\r\n", "malformed"),
    (OK + b"a b: c\r\n\r\n", "malformed"), (OK + b"X: a\0b\r\n\r\n", "malformed"),
    (OK + b"Content-Length: -1\r\n\r\n{}", "no usable length: '-1'"),
    (OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "no usable length: '2, 3'"),
    (OK + b"Content-Length: 1e3\r\n\r\n{}", "no usable length"),
    (OK + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n{}", "no usable length"),
    (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", "transfer coding that is not known"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}", "without its length"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}", "without its length"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n", "without its length"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx\r\n", "longer than it says"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n2" + b" " * 20_000, "too long"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 9_000, "trailers of its answer are longer"),
])
def test_what_is_not_http_is_said_to_be_that(tmp_path: Path, said: bytes, why: str) -> None:
    with engine(tmp_path, said) as client:
        error = error_of(client)
    assert error.what == f"cannot understand unix://{tmp_path}/bad.sock" and why in error.why, error.why
    assert error.facts["cause"] == "engine-not-http"


def test_a_body_without_end_stops_at_a_limit(tmp_path: Path) -> None:
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    with (engine(tmp_path, OK + b"Transfer-Encoding: chunked\r\n\r\n", *([piece] * 40)) as client,
          client.call("GET", "/info") as answer, pytest.raises(DaemonError, match="too long")):
        answer.read(1 << 20)


@pytest.mark.parametrize("text", [b"moon", b"{", b'"a', b"\xff\xfe", b"[" * 100_000, b"{}{}", b"NaN1"])
def test_json_that_is_none_is_said_to_be_that(tmp_path: Path, text: bytes) -> None:
    with engine(tmp_path, OK + b"Content-Length: %d\r\n\r\n" % len(text) + text) as client:
        error = error_of(client)
    assert error.what.startswith("cannot understand") and "was not answered with JSON" in error.why


@pytest.mark.parametrize("text", [b'{"status": "a"}\r\n{"sta', b'{"a": 1}\r\nmoon dust\r\n', b"[" * 100_000 + b"]"])
def test_a_stream_of_documents_that_breaks_is_an_error_after_what_came_before(tmp_path: Path, text: bytes) -> None:
    with engine(tmp_path, OK + b"\r\n" + text, hang=False) as client:
        assert "cannot understand" in error_of(client, stream=True).what


def test_a_stream_of_documents_that_falls_silent_is_an_error_only_where_that_was_asked_for(tmp_path: Path) -> None:
    with engine(tmp_path, OK + b"Transfer-Encoding: chunked\r\n\r\n", b'9\r\n{"a": 1}\n\r\n') as client:
        seen = []
        with pytest.raises(DaemonError, match=r"is silent: it said nothing for 0.1 s"):
            for one in client.lines("GET", "/events", silence=0.1):
                seen.append(one)
        assert seen == [{"a": 1}]


def test_output_that_stops_in_a_frame_is_an_error(tmp_path: Path) -> None:
    with (engine(tmp_path, OK + b"\r\n" + b"\x01\0\0\0\0\0\0\x05ab", hang=False) as client,
          pytest.raises(FormatError, match="ends within a frame")):
        list(client.output("GET", "/containers/a/logs"))


def test_an_attached_stream_that_falls_silent_ends_where_that_was_asked_for(tmp_path: Path) -> None:
    head = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    with engine(tmp_path, head + b"early") as client, client.attach("/containers/a/attach", silence=0.1) as stream:
        assert stream.read() == b"early"
        with pytest.raises(DaemonError, match=r"said nothing for 0.1 s"):
            stream.read()


def test_an_answer_that_is_not_wanted_any_more_is_not_waited_for(tmp_path: Path) -> None:
    with engine(tmp_path, OK + b"Content-Length: 10\r\n\r\n{}") as client:
        start = time.monotonic()
        client.call("GET", "/info", silence=PATIENT).close()
        assert time.monotonic() - start < PATIENT / 2
        assert len(client._idle) == 0


def test_an_engine_that_takes_no_more_of_a_body_is_silent(tmp_path: Path) -> None:
    with engine(tmp_path, seconds=SECONDS) as client, pytest.raises(DaemonError, match="is silent"):
        client.json("POST", "/images/load", body=(b"x" * 100_000 for _ in range(100)))


def test_a_refusal_while_a_body_is_sent_is_heard_and_the_rest_is_not_sent(tmp_path: Path) -> None:
    sent = [0]

    def body() -> Iterator[bytes]:
        for _ in range(1000):
            sent[0] += 1
            yield b"x" * 100_000

    refusal = b'HTTP/1.1 400 Bad Request\r\nContent-Length: 17\r\n\r\n{"message": "no"}'
    with engine(tmp_path, refusal) as client, pytest.raises(faults.BadRequest, match=r"^no$"):
        client.json("POST", "/images/load", body=body())
    assert sent[0] < 100


def test_an_answer_that_begins_while_a_body_is_sent_is_read_while_the_rest_goes_out(tmp_path: Path) -> None:
    """A load tells its progress while it reads. Its answer is longer than what the kernel holds."""
    got = [0]

    def handle(there: socket.socket) -> None:
        scripted_engines.request_head(there)
        there.sendall(OK + b"\r\n")
        ended = b""
        while not ended.endswith(b"0\r\n\r\n"):
            data = there.recv(65536)
            got[0] += len(data)
            ended = (ended + data)[-5:]
            there.sendall(b'{"status": "' + b"y" * 200_000 + b'"}\r\n')

    with (scripted_engines.on_unix(tmp_path / "s", handle),
          Client.at(f"unix://{tmp_path}/s", version="1.45") as client):
        said = list(client.lines("POST", "/images/load", silence=10, body=(b"x" * 300_000 for _ in range(20))))
    assert got[0] > 6_000_000 and len(said) >= 20


def test_a_body_that_cannot_be_read_is_its_own_error(tmp_path: Path) -> None:
    def body() -> Iterator[bytes]:
        yield b"x"
        raise PermissionError(13, "Permission denied", "layer.tar")

    with engine(tmp_path) as client, pytest.raises(PermissionError, match=r"layer.tar"):
        client.json("POST", "/images/load", body=body())


def test_a_file_that_shrinks_while_it_is_sent_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "layer.tar").write_bytes(b"x" * 3_000_000)

    def handle(there: socket.socket) -> None:
        scripted_engines.request_head(there)
        os.truncate(tmp_path / "layer.tar", 10)
        while there.recv(1 << 20):
            pass

    with (scripted_engines.on_unix(tmp_path / "s", handle), (tmp_path / "layer.tar").open("rb") as file,
          Client.at(f"unix://{tmp_path}/s", version="1.45") as client,
          pytest.raises(UsageError, match="it was 3000000 bytes long, and ended after ")):
        client.json("POST", "/images/load", body=file)


# --- places ----------------------------------------------------------------------------------------------------------

def ping(host: str) -> WcowError:
    with pytest.raises(WcowError) as caught, Client.at(host, timeout=5) as client:
        client.ping()
    return caught.value


def test_a_socket_that_is_left_over_is_named(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as once:
        once.bind(str(tmp_path / "s"))
        once.listen()
    error = ping(f"unix://{tmp_path}/s")
    assert "its socket is there, and nothing listens on it" in error.why
    assert error.facts["cause"] == "engine-not-there"


def test_a_place_that_is_not_a_socket_is_named(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("")
    assert "nothing listens on it" in ping(f"unix://{tmp_path}/s").why
    assert "Not a directory" in ping(f"unix://{tmp_path}/s/t").why
    assert "shorter than 108 bytes" in ping(f"unix://{tmp_path}/{'x' * 120}").why
    assert "there is no socket" in ping(f"unix://{tmp_path}/none").why


def test_a_place_of_another_user_is_named(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("root makes the place, and another user asks")
    with scripted_engines.on_unix(tmp_path / "s", scripted_engines.called("a")):
        (tmp_path / "s").chmod(0o600)
        for folder in (tmp_path, *tmp_path.parents):
            if folder.stat().st_uid == 0 and folder != Path("/"):
                folder.chmod(folder.stat().st_mode | 0o001)
        child = os.fork()
        if not child:
            code = 1
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                Client.at(f"unix://{tmp_path}/s").ping()
            except DaemonError as error:
                code = 0 if ("permission denied" in error.why and error.facts["cause"] == "engine-socket-denied"
                             and "group" in error.hint) else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_port_where_nothing_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = ping(f"tcp://127.0.0.1:{port}")
    assert error.why == "nothing listens there" and "DOCKER_HOST" in error.hint


def test_a_name_that_is_none_is_named() -> None:
    assert "cannot reach an engine at tcp://name.invalid:1" in ping("tcp://name.invalid:1").what


def test_a_context_that_is_missing_or_names_a_certificate_that_is_none_costs_no_connection(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no context of this name") as caught:
        Client.from_environment({"HOME": str(tmp_path), "DOCKER_CONTEXT": "mine"})
    assert caught.value.facts["cause"] == "docker-context"
    with pytest.raises(NotFoundError, match=r"there is no .*ca\.pem") as caught:
        Client.from_environment({"HOME": str(tmp_path), "DOCKER_TLS_VERIFY": "1"}, host="tcp://127.0.0.1:1")
    assert caught.value.facts["cause"] == "engine-tls"
