# SPDX-License-Identifier: Apache-2.0
"""Samba and we read and write the same security descriptors: 10,000 of them, field by field in binary.

Samba's dialect is smaller than Windows' (no KA KR KW KX, ML, SP, TL, NO_ACCESS_CONTROL; claims only of strings, octets
and negative numbers as they are written, with few characters in their names; every list has revision 4). What it lacks
is held by the tables of test_sddl.py.
"""

from __future__ import annotations

import json
import random
import struct
import subprocess
from pathlib import Path

import pytest

from imagebuild.windows.acl import tokens as letters
from imagebuild.windows.acl.sddl import format_guid, format_sddl, parse_sddl
from imagebuild.windows.security import Acl, SecurityDescriptor
from imagebuild.windows.sid import RELATIVE_ALIASES, WELL_KNOWN, Sid

COUNT = 10_000
PYTHON = "/usr/bin/python3"
DOMAIN = Sid.parse("S-1-5-21-1-2-3")
ALIASES = [known.alias for known in WELL_KNOWN if known.alias] + list(RELATIVE_ALIASES)
RIGHTS = [*letters.BITS, "FA", "FR", "FW", "FX"]
FLAGS = ["OI", "CI", "NP", "IO", "ID", "SA", "FA"]


def _account(random: random.Random) -> str:
    if random.random() < 0.7:
        return random.choice(ALIASES)
    numbers = [0, 1, 18, 544, 2**31, 2**32 - 1, random.getrandbits(32)]
    subs = random.choices(numbers, k=random.randint(1, 15))
    return "-".join(map(str, ["S-1", random.choice([0, 1, 5, 15, 2**32 - 1, random.getrandbits(31)]), *subs]))


def _rights(random: random.Random) -> str:
    way = random.random()
    if way < 0.4:
        return "".join(random.sample(RIGHTS, random.randint(0, 6)))
    masks = [0, 1, 0x1F01FF, 0x1200A9, 0x1301BF, 0xFFFFFFFF, random.getrandbits(32), 1 << random.randrange(32)]
    mask = random.choice(masks)
    return hex(mask) if way < 0.8 else str(mask) if way < 0.9 else f"0{mask:o}"


def _guid(random: random.Random) -> str:
    return format_guid(random.randbytes(16)) if random.random() < 0.6 else ""


def _claim(random: random.Random) -> str:
    name = "".join(random.choices("aB_/\u00e4:;", k=random.randint(1, 9)))
    kind = random.choice(["TS", "TI", "TX"])
    values = [{"TS": lambda: '"' + "".join(random.choices("xY ;,\u00fc()", k=random.randint(1, 8))) + '"',
               "TI": lambda: str(random.randint(-2**63 + 1, -1)),
               "TX": lambda: random.randbytes(random.randint(1, 9)).hex()}[kind]() for _ in range(random.randint(1, 4))]
    return f'("{name}",{kind},{hex(random.getrandbits(6) | random.getrandbits(16) << 16)},{",".join(values)})'


def _ace(random: random.Random, kinds: list[str]) -> str:
    kind = random.choice(kinds)
    flags = "".join(random.sample(FLAGS, random.randint(0, len(FLAGS))))
    if kind == "RA":
        return f"(RA;{flags};;;;WD;{_claim(random)})"
    objects = [_guid(random), _guid(random)] if kind in ("OA", "OD", "OU", "OL") else ["", ""]
    return f"({';'.join([kind, flags, _rights(random), *objects, _account(random)])})"


def _acl(random: random.Random, kinds: list[str]) -> str:
    flags = "".join(flag for flag in ("P", "AR", "AI") if random.random() < 0.3)
    return flags + "".join(_ace(random, kinds) for _ in range(random.choice([0, 1, 2, 3, 8])))


def _descriptor(random: random.Random) -> str:
    text = ""
    if random.random() < 0.9:
        text += "O:" + _account(random)
    if random.random() < 0.9:
        text += "G:" + _account(random)
    if random.random() < 0.9:
        text += "D:" + _acl(random, ["A", "D", "OA", "OD"])
    if random.random() < 0.4 or not text:
        text += "S:" + _acl(random, ["AU", "AL", "OU", "OL", "RA"])
    return text


def _sid(text: object) -> Sid | None:
    """Samba writes the authority 4294967295 in hex, Windows in decimal ([MS-DTYP] 2.4.2.1); the number counts."""
    return None if text is None else Sid.parse(str(text))


def _rows(rows: object) -> list[list[object]] | None:
    return None if rows is None else [[*row[:3], _sid(row[3]), *row[4:]] for row in rows]


def _fields(acl: Acl | None) -> list[list[object]] | None:
    if acl is None:
        return None
    return [[ace.type, ace.flags, ace.mask, ace.sid, format_guid(ace.object_type) or None,
             format_guid(ace.inherited_type) or None] for ace in acl.aces]


def _parts(data: bytes) -> list[bytes]:
    """Control, owner, group, and the entries of SACL and DACL, cut out of the bytes without our parser."""
    control, *places = struct.unpack_from("<2xHIIII", data)
    parts = [control.to_bytes(2, "little")]
    for place in places[:2]:
        parts.append(data[place:place + 8 + 4 * data[place + 1]] if place else b"")
    for place in places[2:]:
        size, count = struct.unpack_from("<2xHH", data, place) if place else (8, 0)
        parts.append(bytes([count & 0xFF]) + data[place + 8:place + size])
    return parts


def _samba(rows: list[tuple[str, str]]) -> list[dict[str, object]]:
    if not Path(PYTHON).exists() or subprocess.run([PYTHON, "-c", "import samba.dcerpc.security"], check=False,
                                                   capture_output=True).returncode:
        pytest.skip("Samba's Python bindings come with the Debian package python3-samba, which is not installed")
    worker = Path(__file__).with_name("samba_worker.py")
    text = "".join(json.dumps(row) + "\n" for row in rows)
    run = subprocess.run([PYTHON, worker], input=text, check=True, capture_output=True, text=True, encoding="utf-8")
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_samba_agrees_on_ten_thousand_descriptors() -> None:
    source = random.Random("windows container")
    texts = [_descriptor(source) for _ in range(COUNT)]
    ours = [parse_sddl(text, domain=DOMAIN) for text in texts]
    answers = _samba([(text, sd.to_bytes().hex()) for text, sd in zip(texts, ours, strict=True)])
    assert len(answers) == COUNT
    for text, sd, answer in zip(texts, ours, answers, strict=True):
        assert "refused" not in answer, (text, answer)
        theirs = bytes.fromhex(str(answer["bytes"]))
        assert _parts(sd.to_bytes()) == _parts(theirs), text
        assert answer["control"] == sd.control, text
        assert _sid(answer["owner"]) == sd.owner, text
        assert _sid(answer["group"]) == sd.group, text
        assert _rows(answer["dacl"]) == _fields(sd.dacl), text
        assert _rows(answer["sacl"]) == _fields(sd.sacl), text
        assert _parts(parse_sddl(str(answer["sddl"]), domain=DOMAIN).to_bytes()) == _parts(theirs), text
        again = SecurityDescriptor.from_bytes(theirs)
        assert again.to_bytes() == theirs, text
        assert _parts(parse_sddl(format_sddl(again)).to_bytes()) == _parts(theirs), text
