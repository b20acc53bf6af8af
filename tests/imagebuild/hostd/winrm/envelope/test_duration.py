# SPDX-License-Identifier: Apache-2.0
"""Durations of XML Schema."""

from __future__ import annotations

import pytest

from imagebuild.errors import FormatError
from imagebuild.hostd.winrm.envelope import duration


@pytest.mark.parametrize(("text", "seconds"), [("PT20S", 20), ("PT1M30S", 90), ("P1DT2H", 93600), ("PT0.5S", 0.5),
                                               ("PT7200.000S", 7200)])
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    assert duration.parse(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "20", "PT-1S", "-PT1S", "P1Y", "PT1S1", "PT" + "9" * 99 + "S"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        duration.parse(text)


def test_times_are_written_as_windows_writes_them() -> None:
    assert duration.seconds(7200) == "PT7200.000S"
    assert duration.elapsed(62.9) == "P0DT0H1M2S" and duration.elapsed(90061) == "P1DT1H1M1S"
