# SPDX-License-Identifier: Apache-2.0
"""The texts of system errors are read from a package of this machine; what is not one gives none."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagebuild.runtime.messages import sources


def test_impackets_table_is_read_and_not_run(tmp_path: Path) -> None:
    path = tmp_path / "system_errors.py"
    path.write_text('raise SystemExit\nERROR_MESSAGES = {\n 2: ("NOT_FOUND", "The system  cannot\\nfind it."),\n}\n')
    assert sources.read_impacket(path) == {2: "The system cannot find it."}


@pytest.mark.parametrize("text", ["", "ERROR_MESSAGES = f()", "ERROR_MESSAGES = [1]", "ERROR_MESSAGES = {1: 2}",
                                  "(" * 300, "ERROR_MESSAGES = {1: ('a', None)}", "\0"])
def test_a_file_of_another_form_gives_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "system_errors.py"
    path.write_text(text)
    assert sources.read_impacket(path) == {}
    assert sources.read_impacket(tmp_path / "nothing") == {}


def test_impacket_is_preferred_and_without_any_package_wines_texts_stay(tmp_path: Path,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "system_errors.py"
    path.write_text('ERROR_MESSAGES = {5: ("ERROR_ACCESS_DENIED", "Access is denied.")}')
    monkeypatch.setattr(sources, "_impacket_files", lambda: [path])
    found = sources.find()
    assert found.name == "impacket" and found.read() == {5: "Access is denied."}
    monkeypatch.setattr(sources, "_impacket_files", list)
    monkeypatch.setattr(sources, "_samba", lambda: None)
    assert sources.find() == sources.Source("wine", "wine") and sources.find().read() == {}


def test_sambas_texts_are_those_of_windows() -> None:
    if sources._samba() is None:
        pytest.skip("libsamba-errors is not here; apt-get install samba-libs ends this skip")
    texts = sources.Source("samba-libs", "samba").read()
    assert texts[2] == "The system cannot find the file specified." and texts[5] == "Access is denied."
    assert 1000 < len(texts) < 4000 and not any("code 0x" in text for text in texts.values())
