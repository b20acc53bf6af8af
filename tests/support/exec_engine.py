# SPDX-License-Identifier: Apache-2.0
"""An engine for :mod:`.scripted_engines` that starts execs: the head of its answer and the first frame of output are
one packet, as any engine may send them. It also takes images, and says their hash."""

from __future__ import annotations

import hashlib
import json
import re
import socket

from imagebuild.dockerapi.streams import STDERR, STDOUT, frame

START = re.compile(rb"POST (?:/v[\d.]+)?/exec/(\w+)/start HTTP/1.1\r\n")
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def said(identity: str) -> tuple[bytes, bytes]:
    """What the exec of this identity writes to its streams; it differs from that of others."""
    return f"out of {identity}\r\n".encode(), f"err of {identity}\r\n".encode()


def engine(there: socket.socket) -> None:
    """Answers creates, inspects and starts of execs; the head of a start and its first frame are one packet."""
    held = b""
    while True:
        while b"\r\n\r\n" not in held:
            data = there.recv(65536)
            if not data:
                return
            held += data
        head, _, held = held.partition(b"\r\n\r\n")
        found = LENGTH.search(head)
        while len(held) < (int(found[1]) if found else 0):
            held += there.recv(65536)
        body, held = held[:int(found[1]) if found else 0], held[int(found[1]) if found else 0:]
        if started := START.match(head):
            out, err = said(started[1].decode())
            status = b"101 UPGRADED" if b"pgrade: tcp" in head else b"200 OK"
            there.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n"
                          b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n" + frame(STDOUT, out))
            there.sendall(frame(STDERR, err))
            return
        if b"/images/load" in head:
            answer = {"stream": hashlib.sha256(body).hexdigest()}
        elif b"/json" in head.partition(b"\r")[0]:
            answer = {"Running": False, "ExitCode": 0}
        else:
            answer = {"Id": json.loads(body)["Cmd"][0]} if body else {}
        text = json.dumps(answer).encode()
        there.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text)
                      + (b"" if head.startswith(b"HEAD") else text))
