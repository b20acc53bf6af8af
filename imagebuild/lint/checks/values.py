# SPDX-License-Identifier: Apache-2.0
"""Checks of what entries carry: the records of their PAX headers, and what goes with which kind."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode

from ...errors import WcowError, quoted
from ...layer import Kind
from ...layer.tarstream import is_sparse
from ...windows.security import SecurityDescriptor
from ..report import Report
from .item import Facts, Item

_DIRECTORY, _REPARSE = 0x10, 0x400
_TIME = re.compile(rb"-?[0-9]{1,19}(?:\.[0-9]*)?")
_UNIX_LIMIT = 9_223_372_036  # seconds from 1970 that Go's nanoseconds reach: 1678 to 2262
_TIMES = (b"mtime", b"atime", b"ctime", b"LIBARCHIVE.creationtime")
_KNOWN = frozenset({b"MSWINDOWS.fileattr", b"MSWINDOWS.rawsd", b"MSWINDOWS.sd", b"MSWINDOWS.mountpoint"})
_ABSOLUTE = re.compile(r"[A-Za-z]:\\|\\\\\?\\|\\\?\?\\")
_NO_FILES = b"346"  # devices and FIFOs


class Records:
    """Reads the records of headers; remembers what many headers share."""

    def __init__(self) -> None:
        self._facts: dict[int, tuple[dict[bytes, bytes], Facts]] = {}
        self._security: dict[bytes, tuple[bytes | None, tuple[tuple[str, str], ...]]] = {}

    def facts(self, pax: dict[bytes, bytes], *, timed: bool = False) -> Facts:
        """What a header's records say. ``timed``: the times are known from elsewhere."""
        if not pax:
            return _BARE_TIMED if timed else _BARE
        kept = self._facts.get(id(pax))
        if kept is not None and kept[0] is pax:
            return kept[1]
        found = self._read(pax, timed)
        if len(self._facts) >= 16:
            self._facts.clear()
        self._facts[id(pax)] = (pax, found)
        return found

    def _read(self, pax: dict[bytes, bytes], timed: bool) -> Facts:
        problems: list[tuple[str, str]] = []
        security: bytes | None = None
        secured = False
        text = pax.get(b"MSWINDOWS.rawsd")
        if text is not None:
            secured = True
            known = self._security.get(text)
            if known is None:
                known = read_security(text)
                if len(self._security) >= 1024:
                    self._security.clear()
                if len(text) <= 1 << 13:
                    self._security[text] = known
            security = known[0]
            problems += known[1]
        elif b"MSWINDOWS.sd" in pax:
            secured = True
            security, wrong = read_sddl(pax[b"MSWINDOWS.sd"])
            problems += wrong
        untimed = ""
        if not timed:
            _read_times(pax, problems)
            untimed = " and no ".join(key.decode() for key in (b"atime", b"ctime") if not pax.get(key))
        odd = [key for key in pax if key.startswith(b"MSWINDOWS.") and key not in _KNOWN]
        if odd:
            _read_others(odd, pax, problems)
        attributes = pax.get(b"MSWINDOWS.fileattr")
        return Facts(read_attributes(attributes, problems), security, secured, untimed,
                     b"MSWINDOWS.mountpoint" in pax, is_sparse(b"", pax), tuple(problems))


_BARE = Facts(untimed="atime and no ctime")
_BARE_TIMED = Facts()


def read_attributes(text: bytes | None, problems: list[tuple[str, str]]) -> int | None:
    """MSWINDOWS.fileattr as a number."""
    if text is None:
        return None
    if text.isdigit() and len(text) <= 10 and int(text) <= 0xFFFFFFFF:
        return int(text)
    problems.append(("attributes-malformed", f"MSWINDOWS.fileattr is {quoted(text[:30])}"))
    return None


def read_security(text: bytes) -> tuple[bytes | None, tuple[tuple[str, str], ...]]:
    """MSWINDOWS.rawsd as bytes, and what is wrong with it."""
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None, (("security-malformed", f"MSWINDOWS.rawsd is not base64: {quoted(text[:40])}"),)
    return _look_at(data)


def read_sddl(text: bytes) -> tuple[bytes | None, tuple[tuple[str, str], ...]]:
    """The old MSWINDOWS.sd, SDDL, as bytes."""
    from ...windows.acl.sddl import parse_sddl

    try:
        return _look_at(parse_sddl(text.decode()).to_bytes())
    except (UnicodeDecodeError, WcowError) as error:
        return None, (("security-malformed", f"MSWINDOWS.sd is no SDDL: {error}"[:200]),)


def _look_at(data: bytes) -> tuple[bytes | None, tuple[tuple[str, str], ...]]:
    try:
        found = SecurityDescriptor.from_bytes(data)
    except WcowError as error:
        return None, (("security-malformed", f"MSWINDOWS.rawsd is no security descriptor: {error.why}"),)
    if found.dacl is None:
        return data, (("security-without-dacl", "its security descriptor has no DACL: everyone may do everything"),)
    return data, ()


def _read_times(pax: dict[bytes, bytes], problems: list[tuple[str, str]]) -> None:
    for key in _TIMES:
        text = pax.get(key)
        if not text:
            continue
        if not _TIME.fullmatch(text):
            problems.append(("time-malformed", f"{key.decode()} is {quoted(text[:40])}"))
        elif len(text.partition(b".")[0]) > 9 and abs(int(text.partition(b".")[0])) > _UNIX_LIMIT:
            problems.append(("time-range", f"{key.decode()} is {text[:40].decode()}, seconds from 1970"))
    created, modified = pax.get(_TIMES[3], b"").partition(b"."), pax.get(b"mtime", b"").partition(b".")
    digits = modified[2].ljust(9, b"0")
    if digits.startswith(b"0") and created[0] == modified[0] and created[2] and created[2] == digits.lstrip(b"0"):
        problems.append(("creation-time-digits", f"the creation time's fraction is {created[2][:20].decode()}, that of "
                         f"mtime {modified[2][:20].decode()}"))


def _read_others(keys: list[bytes], pax: dict[bytes, bytes], problems: list[tuple[str, str]]) -> None:
    """Extended attributes, and records that mean nothing."""
    for key in keys[:100]:
        name = key.removeprefix(b"MSWINDOWS.xattr.")
        shown = key[:100].decode("utf-8", "replace")
        if name == key:
            problems.append(("record-ignored", f"nobody reads the record {shown}"))
            continue
        try:
            value = b64decode(pax[key], validate=True)
        except (binascii.Error, ValueError):
            problems.append(("ea-malformed", f"{shown} is not base64"))
            continue
        if not 0 < len(name) <= 254 or not name.isascii() or not name.decode("ascii").isprintable():
            problems.append(("ea-malformed", f"{shown} names an attribute that cannot be"))
        elif len(value) > 0xFFFF:
            problems.append(("ea-malformed", f"{shown} has {len(value)} bytes"))


def check_values(item: Item, report: Report) -> None:
    """Whether what an entry carries goes with what it is. Whiteouts carry nothing, hard links nothing that counts."""
    facts, kind, path, offset = item.facts, item.kind, item.path, item.offset
    for rule, message in facts.problems:
        report(rule, message, path, offset)
    if kind is Kind.WHITEOUT or kind is Kind.HARD_LINK:
        return
    if facts.untimed:
        report("times-missing", f"no {facts.untimed}", path, offset)
    if not facts.secured and path.startswith("Files/"):
        report("security-missing", "no MSWINDOWS.rawsd", path, offset)
    attributes = facts.attributes
    typeflag = item.typeflag
    if kind is Kind.FILE or kind is Kind.DIRECTORY:
        if attributes is not None:
            if bool(attributes & _DIRECTORY) != (kind is Kind.DIRECTORY):
                report("attributes-kind", f"a {kind.value} with the attributes {attributes:#x}", path, offset)
            if attributes & _REPARSE:
                report("reparse-without-link", f"a {kind.value} with the attributes {attributes:#x}", path, offset)
        if kind is Kind.FILE:
            if facts.sparse or typeflag == b"S":
                report("sparse-file", "its holes are not in the tar", path, offset)
            elif typeflag in _NO_FILES:
                what = {b"3": "character device", b"4": "block device"}.get(typeflag, "FIFO")
                report("special-file", f"a {what}", path, offset)
            elif typeflag not in b"07":
                report("unknown-typeflag", f"the type is {quoted(typeflag)}", path, offset)
    else:
        _check_link(item, report)


def _check_link(item: Item, report: Report) -> None:
    attributes, target, path, offset = item.facts.attributes, item.target, item.path, item.offset
    if attributes is not None and not attributes & _REPARSE:
        report("reparse-attributes", f"a {item.kind.value} with the attributes {attributes:#x}", path, offset)
    if not target:
        report("link-target", "the target is empty", path, offset)
    elif len(target.encode("utf-16-le", "surrogatepass")) > 2 * 8000:
        report("link-target", f"the target has {len(target)} characters", path, offset)
    if item.kind is Kind.JUNCTION:
        if not (attributes or 0) & _DIRECTORY:
            found = "no attributes" if attributes is None else f"attributes {attributes:#x}"
            report("junction-not-folder", found, path, offset)
        if target and not _ABSOLUTE.match(target):
            report("junction-relative", f"the target is {target[:100]}", path, offset)


__all__ = ["Records", "check_values", "read_security"]
