# SPDX-License-Identifier: Apache-2.0
"""What ``reg export`` writes of one key, read."""

from __future__ import annotations

from imagebuild.containers.inside.regtext import values

TEXT = r'''Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\Software\App]
@="own"
"S\\\"x"="a\\b\"c"
"N"=dword:0000000f
"Q"=hex(b):00,00,00,00,00,01,00,00
"B"=hex:01,02,\
  03
"E"=hex(2):25,00,50,00,25,00,00,00
"M"=hex(7):61,00,00,00,62,00,20,00,63,00,00,00,00,00

[HKEY_LOCAL_MACHINE\Software\App\Below]
"S"="not mine"
'''


def test_each_type_of_value_is_python_s_and_keys_below_are_left_out() -> None:
    assert values(TEXT, r"HKEY_LOCAL_MACHINE\SOFTWARE\app") == {
        "": "own", 'S\\"x': 'a\\b"c', "N": 15, "Q": 1 << 40, "B": b"\x01\x02\x03", "E": "%P%", "M": ("a", "b c")}
