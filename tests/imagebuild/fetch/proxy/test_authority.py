# SPDX-License-Identifier: Apache-2.0
"""Certificates of the proxy of downloads: for any host, signed by an authority that lives as long as its object."""

from __future__ import annotations

import socket
import ssl
import threading

import pytest

from imagebuild.fetch.proxy.authority import Authority


@pytest.mark.parametrize("host", ["downloads.example.com", "127.0.0.1", "::1", "a." * 40 + "example.com"])
def test_a_client_that_trusts_the_authority_takes_any_host(host: str) -> None:
    authority = Authority()
    assert authority.context(host) is authority.context(host)
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=lambda: authority.context(host).wrap_socket(theirs, server_side=True).close())
    thread.start()
    with ssl.create_default_context(cadata=authority.pem.decode()).wrap_socket(ours, server_hostname=host) as client:
        assert client.getpeercert()
    thread.join()


def test_two_authorities_do_not_vouch_for_each_other() -> None:
    one, other = Authority(), Authority()
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with pytest.raises(OSError):
            one.context("host").wrap_socket(theirs, server_side=True)
        theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context(cadata=other.pem.decode()).wrap_socket(ours, server_hostname="host")
    ours.close()
    thread.join()
