# SPDX-License-Identifier: Apache-2.0
"""What is built is linted while it is written."""

from __future__ import annotations

import pytest
from support.builds import NANOSERVER, Bench

from imagebuild.errors import InputError
from imagebuild.hive import Key, write

BAD = "FROM scratch\nCOPY hive C:/Windows/System32/config/SYSTEM\n"


def test_what_windows_would_refuse_gets_no_name_and_no_blob(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    real = bench.local.new_blob

    def watched() -> object:
        blob = real()
        commit = blob.commit
        monkeypatch.setattr(blob, "commit", lambda digest, size: written.append(digest) or commit(digest, size),
                            raising=False)
        return blob

    monkeypatch.setattr(bench.local, "new_blob", watched)
    with pytest.raises(InputError, match="Dockerfile:2: COPY: Windows would not import") as caught:
        bench.build(BAD, {"hive": "no hive"})
    assert caught.value.exit_code == 2
    assert "base-hive-invalid" in caught.value.why
    assert "--explain base-hive-invalid" in caught.value.hint
    assert not written


def test_warn_says_it_and_goes_on_and_off_says_nothing(bench: Bench) -> None:
    bench.build(BAD, {"hive": "no hive"}, lint="warn")
    assert "base-hive-invalid" in bench.warnings()
    bench.build(BAD, {"hive": "no hive"}, lint="off")
    assert not bench.warnings()


@pytest.mark.parametrize("lines", ["COPY NTUSER.DAT C:/Users/me/NTUSER.DAT", "COPY . C:/Users/me/",
                                   "COPY --from=a /x/NTUSER.DAT C:/Users/me/"])
def test_a_hive_is_looked_into_wherever_it_comes_from(bench: Bench, lines: str) -> None:
    """A file of the context, of a folder, of another stage: a damaged one is warned of, a good one is not."""
    good = write(Key("ROOT", (), [Key("a"), Key("b")]))
    at = good.index(b"lh", 4096) + 8
    for hive, rules in ((good, []), (good[:at] + b"x" + good[at + 1:], ["hive-subkey-order"])):
        bench.build(f"FROM {NANOSERVER} AS a\nCOPY NTUSER.DAT C:/x/\nFROM {NANOSERVER}\n{lines}\n",
                    {"NTUSER.DAT": hive}, lint="warn")
        assert bench.warnings() == rules


def test_a_layer_that_was_let_through_is_looked_at_again(bench: Bench) -> None:
    bench.cached = True
    bench.build(BAD, {"hive": "no hive"}, lint="off")
    with pytest.raises(InputError):
        bench.build(BAD, {"hive": "no hive"})


def test_a_good_build_has_no_findings(bench: Bench) -> None:
    bench.build(f"FROM {NANOSERVER}\nWORKDIR C:/w\nCOPY . C:/app/\n", {"a": "x", "d/l": "-> ../a"},
                junctions=(("C:\\j", "C:\\app"),))
    assert not bench.warnings()


def test_the_config_is_looked_at_too(bench: Bench) -> None:
    with pytest.raises(InputError, match="would not import the image"):
        bench.build(f"FROM {NANOSERVER}\n" + "".join(f"COPY <<F C:/{number}\n{number}\nF\n" for number in range(126)))
