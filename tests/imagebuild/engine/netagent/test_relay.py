# SPDX-License-Identifier: Apache-2.0
"""Published TCP and UDP ports, carried over sockets of this machine."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest
from support.networking import eventually

from imagebuild.engine.netagent import relay
from imagebuild.engine.netagent.datagrams import UdpPort
from imagebuild.engine.netagent.loop import READ, Loop
from imagebuild.engine.netagent.relay import TcpPort


@pytest.fixture
def loop(stack: ExitStack) -> Iterator[Loop]:
    """A loop that runs, and has ended before what is in ``stack`` is closed."""
    made = Loop()
    ours, theirs = socket.socketpair()
    made.want(theirs, READ, lambda _: setattr(made, "running", False))
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    yield made
    ours.send(b"x")
    thread.join(10)
    ours.close()
    theirs.close()
    assert not thread.is_alive()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def in_loop(loop: Loop, work: Callable[[], None]) -> None:
    """Do something on the loop's thread."""
    ours, theirs = socket.socketpair()
    done = threading.Event()

    def ready(_: int) -> None:
        loop.forget(theirs)
        work()
        done.set()

    loop.want(theirs, READ, ready)
    ours.send(b"x")
    assert done.wait(10)
    ours.close()


def server(stack: ExitStack, serve: Callable[[socket.socket], None]) -> tuple[str, int]:
    """A program that listens on this machine, a thread for each connection."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            serve(connection)

    threading.Thread(target=accept, daemon=True).start()
    stack.callback(listener.shutdown, socket.SHUT_RDWR)
    address: tuple[str, int] = listener.getsockname()
    return address


def published(stack: ExitStack, loop: Loop, target: tuple[str, int]) -> tuple[tuple[str, int], TcpPort]:
    listener = socket.create_server(("127.0.0.1", 0))
    address: tuple[str, int] = listener.getsockname()
    port = TcpPort(loop, listener, target)
    stack.callback(port.close)
    return address, port


def everything(connection: socket.socket) -> bytes:
    data = bytearray()
    while piece := connection.recv(1 << 16):
        data += piece
    return bytes(data)


def upper(connection: socket.socket) -> None:
    connection.sendall(everything(connection).upper())


def test_an_answer_comes_after_the_question_has_ended(loop: Loop, stack: ExitStack) -> None:
    address, _ = published(stack, loop, server(stack, upper))
    for _ in range(20):
        with socket.create_connection(address, 10) as client:
            client.sendall(b"half")
            client.sendall(b"-closed")
            client.shutdown(socket.SHUT_WR)
            assert everything(client) == b"HALF-CLOSED"


def test_a_server_that_ends_first_still_hears_the_client(loop: Loop, stack: ExitStack) -> None:
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"bye")
        connection.shutdown(socket.SHUT_WR)
        heard.append(everything(connection))

    address, _ = published(stack, loop, server(stack, serve))
    with socket.create_connection(address, 10) as client:
        assert everything(client) == b"bye"
        client.sendall(b"one more thing")
    eventually(lambda: heard == [b"one more thing"])


def test_much_data_arrives_whole_both_ways_at_once_though_the_reader_is_slow(loop: Loop, stack: ExitStack) -> None:
    there, back = os.urandom(1 << 20) * 24, os.urandom(1 << 20) * 24
    digests: list[str] = []

    def serve(connection: socket.socket) -> None:
        sender = threading.Thread(target=connection.sendall, args=(back,))
        sender.start()
        digests.append(hashlib.sha256(everything(connection)).hexdigest())
        sender.join()

    address, _ = published(stack, loop, server(stack, serve))
    with socket.create_connection(address, 30) as client:
        sender = threading.Thread(target=lambda: (client.sendall(there), client.shutdown(socket.SHUT_WR)))
        sender.start()
        assert hashlib.sha256(everything(client)).digest() == hashlib.sha256(back).digest()
        sender.join()
    eventually(lambda: digests == [hashlib.sha256(there).hexdigest()])


def test_many_connections_at_once_keep_apart(loop: Loop, stack: ExitStack) -> None:
    address, _ = published(stack, loop, server(stack, upper))
    clients = [stack.enter_context(socket.create_connection(address, 10)) for _ in range(100)]
    for number, client in enumerate(clients):
        client.sendall(b"client %d" % number)
        client.shutdown(socket.SHUT_WR)
    assert [everything(client) for client in clients] == [b"CLIENT %d" % number for number in range(100)]


def test_where_nobody_listens_the_client_is_cut_off(loop: Loop, stack: ExitStack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        target = gone.getsockname()
    address, _ = published(stack, loop, target)
    with pytest.raises(ConnectionResetError), socket.create_connection(address, 10) as client:
        client.recv(1)


def test_a_reset_reaches_the_other_side(loop: Loop, stack: ExitStack) -> None:
    ended: list[object] = []

    def serve(connection: socket.socket) -> None:
        try:
            ended.append(connection.recv(1))
        except OSError as error:
            ended.append(error)

    address, _ = published(stack, loop, server(stack, serve))
    with socket.create_connection(address, 10) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    eventually(lambda: ended)


def test_what_a_cut_connection_left_behind_reaches_nobody_else(loop: Loop, stack: ExitStack) -> None:
    end = threading.Event()
    stack.callback(end.set)
    deaf, _ = published(stack, loop, server(stack, lambda connection: void(end.wait(30))))
    for _ in range(4):
        with socket.create_connection(deaf, 10) as client:
            client.settimeout(0.3)
            with suppress(TimeoutError):
                while True:
                    client.sendall(b"secret" * 10000)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    eventually(lambda: len(relay._PIPES) <= relay.MOST_SPARE)
    address, _ = published(stack, loop, server(stack, upper))
    for _ in range(20):
        with socket.create_connection(address, 10) as client:
            client.sendall(b"mine")
            client.shutdown(socket.SHUT_WR)
            assert everything(client) == b"MINE"


def void(_: object) -> None:
    """Nothing."""


def test_a_closed_port_cuts_what_is_connected_and_takes_no_more(loop: Loop, stack: ExitStack) -> None:
    def talk(connection: socket.socket) -> None:
        while data := connection.recv(10):
            connection.sendall(data)

    address, port = published(stack, loop, server(stack, talk))
    with socket.create_connection(address, 10) as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        in_loop(loop, port.close)
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 10)


def test_each_udp_client_gets_its_own_answers(loop: Loop, stack: ExitStack) -> None:
    inside = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    inside.bind(("127.0.0.1", 0))
    inside.settimeout(10)
    outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    outside.bind(("127.0.0.1", 0))
    address = outside.getsockname()
    port = UdpPort(loop, outside, inside.getsockname())
    clients = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2)]
    for number, client in enumerate(clients):
        client.settimeout(10)
        client.sendto(b"%d" % number, address)
    for _ in clients:
        data, peer = inside.recvfrom(100)
        inside.sendto(b"to " + data, peer)
    assert [client.recv(100) for client in clients] == [b"to 0", b"to 1"]
    clients[0].sendto(b"", address)  # an empty datagram is one too
    assert inside.recvfrom(100)[0] == b""
    big = os.urandom(60000)
    clients[1].sendto(big, address)
    assert inside.recvfrom(65535)[0] == big
    in_loop(loop, port.close)


def test_an_idle_udp_client_is_forgotten(loop: Loop, stack: ExitStack) -> None:
    outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    outside.bind(("127.0.0.1", 0))
    address = outside.getsockname()
    port = UdpPort(loop, outside, ("127.0.0.1", 9))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", address)
        eventually(lambda: port._clients)
    in_loop(loop, lambda: port._tick(1e18))
    assert not port._clients
    in_loop(loop, port.close)
