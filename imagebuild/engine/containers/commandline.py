# SPDX-License-Identifier: Apache-2.0
"""The one line that Windows gives a program, made of the words of a config or an exec as Docker makes it.

Sources: moby 26.1 ``daemon/oci_windows.go`` (``ArgsEscaped``), ``pkg/system/args_windows.go``; Go's
``windows.EscapeArg``, which :func:`escape` follows to the letter because ``cmd`` sees the letters. It quotes for a
blank only, so ``a"b`` becomes ``a\\"b``; :func:`~...windows.cmdline.split` reads both ways of quoting alike.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...dockerapi import shapes


def command_line(config: shapes.Config) -> str:
    """A container's command, its entrypoint before it; empty when there is neither.

    With ``ArgsEscaped`` the first word goes as it is, a whole line perhaps; what follows is escaped all the same.
    """
    words = (*(config.entrypoint or ()), *(config.cmd or ()))
    if not words:
        return ""
    if config.args_escaped:
        return " ".join((words[0], *map(escape, words[1:])))
    return exec_line(words)


def exec_line(words: Iterable[str]) -> str:
    """The command of an exec or a probe: every word escaped, there is no other way."""
    return " ".join(map(escape, words))


def escape(word: str) -> str:
    """One word as Go escapes it."""
    if not word:
        return '""'
    blank = " " in word or "\t" in word
    if '"' not in word:
        return f'"{word}{chr(92) * (len(word) - len(word.rstrip(chr(92))))}"' if blank else word
    out = []
    slashes = 0
    for char in word:
        if char == "\\":
            slashes += 1
        else:
            out.append("\\" * (slashes + 1) if char == '"' else "")
            slashes = 0
        out.append(char)
    return f'"{"".join(out)}{chr(92) * slashes}"' if blank else "".join(out)
