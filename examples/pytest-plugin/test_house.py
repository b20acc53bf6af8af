# SPDX-License-Identifier: Apache-2.0
"""Tests that know nothing of the plugin, and have what it gives."""

from wcow_house import LATIN, PROXY


def test_every_container_has_the_proxy(nanoserver):
    assert nanoserver.environ["HTTPS_PROXY"] == PROXY


def test_variables_of_the_test_stay(container_factory):
    assert container_factory(environ={"MODE": "test"}).environ["MODE"] == "test"


def test_old_tools_are_read(nanoserver):
    nanoserver.path(r"C:\old.txt").write_bytes(LATIN + b"gr\xfc\xdfe\r\n")
    assert nanoserver.cmd(r"type C:\old.txt").check().stdout == "grüße\n"
