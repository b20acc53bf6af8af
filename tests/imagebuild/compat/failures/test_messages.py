# SPDX-License-Identifier: Apache-2.0
"""What messages of engines say."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.compat.failures import messages
from imagebuild.compat.failures.messages import MessageFacts

SHARED = Path(os.environ.get("WCOW_SHARED", Path(__file__).parents[5] / "shared")) / "research" / "compat-vectors.json"


@given(st.text())
def test_any_text_says_something_or_nothing(text: str) -> None:
    assert list(messages.find(text)) == ([] if messages.parse(text) is None else list(messages.find(text)))


def test_every_vector_is_read() -> None:
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there")
    group = next(group for group in json.loads(SHARED.read_bytes())["groups"] if group["id"] == "messages")
    assert len(group["vectors"]) == group["count"]
    for vector in group["vectors"]:
        said = messages.parse(vector["message"])
        assert said is not None, vector["message"]
        assert said.facts() == vector["parsed"]


@pytest.mark.parametrize(("text", "facts"), [
    ("no matching manifest for windows/arm64 10.0.26100 in the manifest list entries",
     {"kind": "no-manifest", "host": "10.0.26100", "arch": "arm64"}),
    ("no matching manifest for windows/amd64 in the manifest list entries", {"kind": "no-manifest", "arch": "amd64"}),
    ("no matching manifest for windows(10.0.22631+win32k)/amd64 in the manifest list entries",
     {"kind": "no-manifest", "host": "10.0.22631", "arch": "amd64"}),
    ("no matching manifest for linux/amd64 in the manifest list entries",
     {"kind": "no-linux-manifest", "arch": "amd64"}),
    ("a Windows version 10.0.26100-based image is incompatible with a 10.0.17763 host.",
     {"kind": "image-newer-than-host", "image": "10.0.26100", "host": "10.0.17763"}),
    ("Windows client operating systems only support Hyper-V containers", {"kind": "client-process-unsupported"}),
    ("Docker Desktop requires Windows 10 Pro/Enterprise (15063+) or Windows 10 Home (19018+)",
     {"kind": "desktop-too-old", "min_build": 15063}),
    ("Windows containers support requires a Windows 10 build >=14372", {"kind": "desktop-too-old", "min_build": 14372}),
    ('image operating system "windows" cannot be used on this platform', {"kind": "wrong-os", "image_os": "windows"}),
    ("client is newer than server (client API version: 1.25, server API version: 1.24)",
     {"kind": "client-too-new", "client_api": "1.25", "server_api": "1.24"}),
    ("client version 1.24 is too old. Minimum supported API version is 1.44, please upgrade",
     {"kind": "client-too-old", "client_api": "1.24", "min_api": "1.44"}),
])
def test_a_message_says_its_facts_and_no_others(text: str, facts: dict[str, Any]) -> None:
    for shown in (text, f"docker: Error response from daemon: {text}\nSee 'docker run --help'.", text.upper()):
        said = messages.parse(shown)
        assert said is not None
        assert {name: str(value).lower() for name, value in said.facts().items()} == \
            {name: str(value) for name, value in facts.items()}


def test_several_messages_are_found_in_the_order_of_the_text() -> None:
    text = ('image operating system "linux" cannot be used on this platform\n'
            "a Windows version 10.0.20348-based image is incompatible with a 10.0.17763 host\nno match for platform in "
            "manifest: not found")
    assert [said.kind for said in messages.find(text)] == ["wrong-os", "image-newer-than-host", "no-manifest"]


@pytest.mark.parametrize("text", ["", "no matching manifest", "a Windows version 10.0-based image is incompatible",
                                  "client is newer than server", "build 17763 is required"])
def test_half_a_message_says_nothing(text: str) -> None:
    assert messages.parse(text) is None


def test_what_is_not_said_is_left_out() -> None:
    assert MessageFacts("x").facts() == {"kind": "x"}
