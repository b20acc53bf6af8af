# SPDX-License-Identifier: Apache-2.0
"""syft as a program: what it is given, and what may go wrong. The program here is a script that stands in for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagebuild.errors import ToolError
from imagebuild.tools import sbom


def script(folder: Path, text: str) -> str:
    path = folder / "syft"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_syft_is_asked_for_spdx_of_the_layout_and_its_words_are_kept(tmp_path: Path) -> None:
    program = script(tmp_path, 'printf \'{"spdxVersion":"SPDX-2.3","args":"%s"}\' "$*"')
    data = sbom(tmp_path / "layout", program=program)
    assert json.loads(data)["args"] == f"scan oci-dir:{tmp_path / 'layout'} --output spdx-json --quiet"


def test_a_missing_program_is_named_with_where_to_get_it() -> None:
    with pytest.raises(ToolError, match="cannot list") as caught:
        sbom(Path("x"), program="no-such-syft")
    assert caught.value.program == "no-such-syft"  # type: ignore[attr-defined]
    assert "anchore/syft" in caught.value.hint
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(("text", "why"), [
    ("echo something broke >&2; exit 3", "ended with 3: something broke"), ("exit 1", "it said nothing"),
    ("echo hello", "no SPDX"), ("echo '[]'", "no SPDX"), ("echo '{\"spdxVersion\": 2}'", "no SPDX")])
def test_trouble_is_one_error_with_the_programs_last_words(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ToolError) as caught:
        sbom(tmp_path, program=script(tmp_path, text))
    assert why in caught.value.why
