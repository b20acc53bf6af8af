# SPDX-License-Identifier: Apache-2.0
"""Checks of names, before anything is asked about what they stand for."""

from __future__ import annotations

import re

from ...errors import quoted
from ...layer import Limits
from ...windows.names import MAX_NAME, MAX_PATH, is_reserved
from ..report import Report

_ODD = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|\\")  # empty, "." and ".." components, backslashes
SUSPICIOUS = re.compile(r'[\x00-\x1f<>:"|?*\ud800-\udfff\U00010000-\U0010ffff]|[. ]$|^\.wh\.'
                        r'|^(?:con|prn|aux|nul|com.|lpt.|conin\$|conout\$) *(?:\.|$)', re.IGNORECASE)
"""Anything that may be wrong with a name: looked at closely only when this finds something."""
HARMLESS = re.compile(r"[\w\-.+ ()~@,=]{0,200}[\w\-+()~@]", re.ASCII).fullmatch
"""Most names, in a third of the time; those that begin like :data:`DEVICES` are still to be looked at."""
DEVICES = frozenset({"CON", "PRN", "AUX", "NUL", "COM", "LPT", ".WH"})
_FORBIDDEN = re.compile(r'[\x00-\x1f<>"|?*]')
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def text_of(raw: bytes, offset: int | None, report: Report) -> str:
    """A raw name as text; what is not UTF-8 becomes U+FFFD, as Go does it on Windows."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "replace")
        report("name-not-unicode", f"{quoted(raw[:200])} is not UTF-8", text, offset)
        return text


def tidy(name: str, offset: int | None, report: Report, limits: Limits) -> str:
    """The path of a name, without slashes at its end; empty when it has no place in the tree."""
    path = name[:-1] if name.endswith("/") else name
    if len(path) > 1000 and too_long(path, offset, report, limits):
        return ""
    if path and not _ODD.search(path):
        return path
    if "\\" in path:
        report("backslash-in-name", "Windows takes the backslash for a slash", name, offset)
        path = path.replace("\\", "/")
    parts = path.split("/")
    names = [part for part in parts if part not in ("", ".")]
    if not names:
        report("root-entry", "it stands for the root of the tar", name, offset)
        return ""
    absolute = path.startswith("/")
    if absolute:
        report("absolute-path", "it begins with a slash", name, offset)
    if ".." in names:
        report("parent-reference", "it has '..' in it", name, offset)
        return ""
    if len(names) < len(parts) - absolute:
        report("unclean-path", f"it means {'/'.join(names)}", name, offset)
    return "/".join(names)


def too_long(path: str, offset: int | None, report: Report, limits: Limits) -> bool:
    """Whether a path is longer or deeper than Windows, or anybody, can hold."""
    units = len(path) if len(path) > MAX_PATH else len(path.encode("utf-16-le", "surrogatepass")) // 2
    depth = path.count("/") + 1
    if units <= MAX_PATH and depth <= limits.depth:
        return False
    what = f"{units} characters, {MAX_PATH} are allowed" if units > MAX_PATH else \
        f"{depth} folders deep, {limits.depth} are looked at"
    report("name-too-long", f"the path is too long: {what}", path[:200] + "...", offset)
    return True


def check_component(base: str, path: str, offset: int | None, report: Report) -> None:
    """One name of a path that :data:`SUSPICIOUS` found, or that is long. Colons are looked at elsewhere."""
    found = _FORBIDDEN.search(base)
    if found:
        shown = quoted(found[0]) if found[0] > "\x1f" else f"the control character U+{ord(found[0]):04X}"
        report("forbidden-character", f"{quoted(base[:100])} has {shown} in it", path, offset)
    if _SURROGATE.search(base):
        report("name-not-unicode", f"{quoted(base[:100])} has half a surrogate pair in it", path, offset)
    if base[-1:] in (".", " "):
        report("trailing-dot-or-space", f"{quoted(base[:100])} ends with {quoted(base[-1])}", path, offset)
    if is_reserved(base):
        report("reserved-name", f"{quoted(base[:100])} is a device on Windows", path, offset)
    units = len(base) + sum(char > "\uffff" for char in base)
    if units > MAX_NAME:
        report("name-too-long", f"{quoted(base[:60])}... has {units} UTF-16 units, {MAX_NAME} are allowed", path,
               offset)


def is_stream(name: str, owner: str, path: str, offset: int | None, report: Report) -> bool:
    """Whether a name with a colon is an alternate stream of ``owner``, the entry before it, to the letter."""
    file, _unused, stream = name.partition(":")
    bare, _unused, kind = stream.partition(":")
    if file == owner and bare and "/" not in stream and kind.upper() in ("", "$DATA"):
        if kind:
            report("stream-with-type", f"the stream {bare} of {file}, with its type", path, offset)
        else:
            report("stream-without-type", f"the stream {bare} of {file}, without its type", path, offset)
        return True
    report("colon-in-name", f"{quoted(name[:100])} is no stream of the entry before it", path, offset)
    return False


__all__ = ["DEVICES", "HARMLESS", "SUSPICIOUS", "check_component", "is_stream", "text_of", "tidy", "too_long"]
