# SPDX-License-Identifier: Apache-2.0
"""Platforms, ports, durations, sizes, booleans, numbers."""

from __future__ import annotations

import pytest

from imagebuild.dockerfile.values import TargetPlatform, boolean, duration, exposed_ports, size, unsigned
from imagebuild.errors import FormatError


@pytest.mark.parametrize("text, expected", [
    ("windows/amd64", TargetPlatform("windows", architecture="amd64")),
    ("windows(10.0.20348.1)/amd64", TargetPlatform("windows", "10.0.20348.1", architecture="amd64")),
    ("windows(10.0.17763+win32k+a)/amd64", TargetPlatform("windows", "10.0.17763", ("a", "win32k"), "amd64")),
    ("Linux/ARM64/v8", TargetPlatform("linux", architecture="arm64", variant="v8")),
    ("linux/x86_64", TargetPlatform("linux", architecture="amd64")),
    ("windows", TargetPlatform("windows")),
    ("windows(10.0.20348.1)", TargetPlatform("windows", "10.0.20348.1")),
    ("macos/arm64", TargetPlatform("darwin", architecture="arm64")),
    ("aarch64", TargetPlatform(architecture="arm64")),
])
def test_a_platform_has_parts(text, expected):
    assert TargetPlatform.parse(text) == expected


@pytest.mark.parametrize("text", ["", "/", "windows/", "windows/a/b/c", "windows(10/amd64", "win dows",
    "windows/am d64"])
def test_a_bad_platform_is_refused(text):
    with pytest.raises(FormatError, match="not a platform"):
        TargetPlatform.parse(text)


@pytest.mark.parametrize("words, ports", [
    (["80"], ("80/tcp",)),
    (["80/UDP", "443/", "53/sctp"], ("80/udp", "443/tcp", "53/sctp")),
    (["8000-8002/udp", "8001/udp"], ("8000/udp", "8001/udp", "8002/udp")),
    (["8080:80", "127.0.0.1:81:82", "[::1]:83:84", "85:86-86"], ("80/tcp", "82/tcp", "84/tcp", "86/tcp")),
    (["0", "65535"], ("0/tcp", "65535/tcp")),
    ([], ()),
])
def test_ports_are_written_out(words, ports):
    assert exposed_ports(words) == ports


@pytest.mark.parametrize("word", ["", "/tcp", "http", "80/icmp", "65536", "-1", "80-", "90-80", "80,81", "x:1:80",
                                  "1-2:3-5", "٨٠", "8" * 5000])
def test_bad_ports_are_refused(word):
    with pytest.raises(FormatError, match="is not a port"):
        exposed_ports([word])


@pytest.mark.parametrize("text, nanoseconds", [
    ("0", 0), ("1s", 10**9), ("1m30s", 90 * 10**9), ("1.5h", 5400 * 10**9), (".5s", 5 * 10**8), ("1.s", 10**9),
    ("100ms", 10**8), ("1us", 1000), ("1µs", 1000), ("7ns", 7), ("-2s", -2 * 10**9), ("+2s", 2 * 10**9),
])
def test_a_duration_is_nanoseconds(text, nanoseconds):
    assert duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "1", "s", ".s", "1d", "1s ", "1 s", "-", "1s2", "9" * 30 + "h", "1e3s"])
def test_a_bad_duration_is_refused(text):
    with pytest.raises(FormatError, match="is not a duration"):
        duration(text)


@pytest.mark.parametrize("text, count", [("10", 10), ("10b", 10), ("1k", 1024), ("1.5KiB", 1536), ("2 MB", 2 << 20),
                                         ("1g", 1 << 30), ("1t", 1 << 40), ("1p", 1 << 50), ("1.", 1), (".5k", 512)])
def test_a_size_is_bytes(text, count):
    assert size(text) == count


@pytest.mark.parametrize("text", ["", "k", "-1", "1x", "1kk", "1 kilo", "1..5k", "9" * 40])
def test_a_bad_size_is_refused(text):
    with pytest.raises(FormatError, match="is not a size"):
        size(text)


def test_booleans_are_what_go_takes():
    assert all(map(boolean, ["1", "t", "T", "true", "TRUE", "True"]))
    assert not any(map(boolean, ["0", "f", "F", "false", "FALSE", "False"]))
    for text in ("", "yes", "tRue"):
        with pytest.raises(FormatError):
            boolean(text)


def test_numbers_fit_32_bits():
    assert (unsigned("4294967295"), unsigned("0755", 8)) == (2**32 - 1, 0o755)
    for text, base in (("", 10), ("4294967296", 10), ("8", 8), ("-1", 10), ("1_0", 10), ("٣", 10)):
        with pytest.raises(FormatError):
            unsigned(text, base)
