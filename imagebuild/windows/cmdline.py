# SPDX-License-Identifier: Apache-2.0
"""Command lines: Windows gives a program one string, which it cuts into arguments itself.

The rules are those of CommandLineToArgvW (Microsoft, "CommandLineToArgvW function" and "Parsing C command-line
arguments"): backslashes are plain except before a quote; inside quotes a doubled quote stands for one. The program's
own name is cut by simpler rules, without any escape. ``cmd.exe`` has rules of its own on top, which are not these.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UnsupportedError, quoted

_BLANKS = " \t"


def quote(argv: Sequence[str]) -> str:
    """One command line that :func:`split` (and a Windows program) cuts into exactly ``argv``.

    Arguments that need no quotes get none. ``UnsupportedError`` for what no command line can say: a NUL, or a quote
    in the program's name.
    """
    if any("\0" in argument for argument in argv):
        raise UnsupportedError("cannot write the command line", why="an argument contains a NUL character")
    if not argv:
        return ""
    if '"' in argv[0]:
        raise UnsupportedError(f"cannot start {quoted(argv[0])}",
                               why="a program's name cannot contain a quote on Windows")
    program = f'"{argv[0]}"' if not argv[0] or any(blank in argv[0] for blank in _BLANKS) else argv[0]
    return " ".join([program, *map(quote_argument, argv[1:])])


def quote_argument(argument: str) -> str:
    """One argument after the first, in quotes only where it needs them."""
    if argument and not any(char in ' \t\n\v"' for char in argument):
        return argument
    parts = ['"']
    backslashes = 0
    for char in argument:
        if char == "\\":
            backslashes += 1
            continue
        parts.append("\\" * (2 * backslashes + 1 if char == '"' else backslashes) + char)
        backslashes = 0
    return "".join(parts) + "\\" * (2 * backslashes) + '"'


def split(line: str) -> list[str]:
    """The arguments a Windows program sees in ``line``; an empty line gives none."""
    if not line:
        return []
    if line.startswith('"'):
        program, _unused, rest = line[1:].partition('"')
    else:
        end = next((at for at, char in enumerate(line) if char in _BLANKS), len(line))
        program, rest = line[:end], line[end:]
    return [program, *_arguments(rest)]


def _arguments(text: str) -> list[str]:
    arguments: list[str] = []
    at = 0
    while True:
        while at < len(text) and text[at] in _BLANKS:
            at += 1
        if at == len(text):
            return arguments
        argument, at = _argument(text, at)
        arguments.append(argument)


def _argument(text: str, at: int) -> tuple[str, int]:
    """The argument that starts at ``at``, and where it ends."""
    parts = []
    quoted = False
    while at < len(text) and (quoted or text[at] not in _BLANKS):
        start = at
        while at < len(text) and text[at] == "\\":
            at += 1
        backslashes = at - start
        if at == len(text) or text[at] != '"':
            parts.append("\\" * backslashes)
            if not backslashes:
                parts.append(text[at])
                at += 1
            continue
        parts.append("\\" * (backslashes // 2))
        at += 1
        if backslashes % 2:
            parts.append('"')
        elif quoted and text.startswith('"', at):
            parts.append('"')  # a doubled quote is one quote, and ends the quoted part
            at += 1
            quoted = False
        else:
            quoted = not quoted
    return "".join(parts), at
