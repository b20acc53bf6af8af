# SPDX-License-Identifier: Apache-2.0
"""Variables by name, as Windows finds them."""

from __future__ import annotations

import pytest

from imagebuild.containers import Environ


def test_a_name_is_found_in_any_case_and_shown_as_it_is_written() -> None:
    found = Environ.of_set("Path=C:\\Windows;C:\\a=b\r\nOS=Windows_NT\r\n\r\n")
    assert found["PATH"] == found["path"] == "C:\\Windows;C:\\a=b"
    assert "os" in found
    assert list(found) == ["Path", "OS"]
    assert found == {"Path": "C:\\Windows;C:\\a=b", "OS": "Windows_NT"}
    assert found.get("NOPE") is None
    with pytest.raises(KeyError, match="NOPE"):
        found["NOPE"]
