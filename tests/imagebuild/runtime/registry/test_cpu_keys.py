# SPDX-License-Identifier: Apache-2.0
"""What the registry says of this machine's processors."""

from __future__ import annotations

import os

import pytest
from support.sandboxes import Boxes

from imagebuild.runtime.registry.cpu_keys import cpu_keys, cpu_values

INFO = ("processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC: 9R14\n"
        "stepping\t: 1\ncpu MHz\t\t: 3699.971\n\nprocessor\t: 1\nmodel name\t: other\n")


def test_the_first_processor_speaks_for_all() -> None:
    assert cpu_values(INFO) == {
        "Identifier": "AMD64 Family 25 Model 17 Stepping 1", "ProcessorNameString": "AMD EPYC: 9R14",
        "VendorIdentifier": "AuthenticAMD", "~MHz": 3699}
    assert len(cpu_keys()) == os.cpu_count()


@pytest.mark.parametrize("text", ["", "cpu MHz: x", "cpu MHz\t: 99999999999\nmodel", "\n\n\n:"])
def test_what_linux_does_not_say_has_a_value_all_the_same(text: str) -> None:
    assert cpu_values(text)["~MHz"] == 1000


@pytest.mark.slow
def test_a_box_has_a_key_for_each_processor(boxes: Boxes) -> None:
    done = boxes.run(r"cmd /c reg query HKLM\HARDWARE\DESCRIPTION\System\CentralProcessor /s /v ProcessorNameString")
    assert done.out.count("ProcessorNameString") == os.cpu_count(), done
