# SPDX-License-Identifier: Apache-2.0
"""Every error this package raises on purpose, in one tree.

::

    WcowError                      what failed, why, what to do; exit code 3 unless said
    ├── UsageError                 the caller asked for something that has no meaning     (2)
    ├── InputError                 what we were given to work on is wrong                 (2)
    │   ├── FormatError            bytes that are not what they claim, with the offset
    │   ├── DockerfileError        a Dockerfile, with file, line and instruction
    │   ├── ContextError           a build context: a path that escapes, collides, loops
    │   └── UnsupportedError       understood, and refused by name with the reason
    ├── NotFoundError              an image, blob, tag, file or key that is not there     (2)
    ├── IntegrityError             content that does not match its digest or its size     (3)
    ├── StoreError                 a place that keeps images failed (disk full, locked)   (3)
    │   ├── RegistryError          a registry answered with an error, with status and codes
    │   │   └── AuthError          ... because of who we are (401, 403)
    │   └── DaemonError            a container engine answered with an error
    ├── HostError                  a Windows host could not be reached, or refused us      (3)
    ├── FetchError                 a download, a git clone or a folder could not be had   (3)
    ├── RunError                   a RUN of a build failed, with its exit code             (1)
    ├── ToolError                  another program failed or is missing, with its name    (3)
    │   └── DependencyError        a Python package is missing, with its name
    ├── OutputError                standard output cannot be written                      (3)
    │                              ... because its reader is gone                         (141)
    ├── FaultError                 a mistake of ours                                      (70)
    └── Interrupted                the user stopped us; everything half-done was removed  (130)

An error keeps its facts as attributes and makes its sentences from them. :meth:`WcowError.lines`
is what the command line prints: one line what, one line why, one line what to do.
"""

from __future__ import annotations


def quoted(value: object) -> str:
    """Return a value as a message shows it: a text in quotes with its backslashes as they are, which Python's ``repr``
    doubles, and what cannot be printed as an escape; lists and mappings likewise; anything else as ``repr`` has it."""
    if isinstance(value, str):
        mark = '"' if "'" in value and '"' not in value else "'"
        return mark + "".join(char if char.isprintable() else repr(char)[1:-1] for char in value) + mark
    if isinstance(value, (list, tuple)):
        begin, end = "[]" if isinstance(value, list) else "()"
        return begin + ", ".join(map(quoted, value)) + end
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)}: {quoted(one)}" for key, one in value.items()) + "}"
    return repr(value)


class WcowError(Exception):
    """What failed, why, and what to do about it.

    ``what`` is a sentence without a full stop ("cannot read layer sha256:12… of app:1"), ``why`` names the fact
    that was found (path, offset, rule, code, what was allowed), ``hint`` says what the user can do. Every other
    keyword becomes an attribute of that name, for code that wants to decide on it.
    """

    exit_code = 3

    def __init__(self, what: str, *, why: str = "", hint: str = "", **facts: object) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.hint = hint
        self.facts = facts
        for name, value in facts.items():
            setattr(self, name, value)

    def __str__(self) -> str:
        return f"{self.what}: {self.why}" if self.why else self.what

    def lines(self) -> list[str]:
        """The error as at most three lines: what, why, what to do."""
        out = [self.what]
        if self.why:
            out.append(self.why)
        if self.hint:
            out.append(self.hint)
        return out


class UsageError(WcowError):
    """A flag, name or combination that has no meaning."""

    exit_code = 2


class InputError(WcowError):
    """What we were given to work on is wrong."""

    exit_code = 2


class FormatError(InputError):
    """Bytes that are not what they claim to be.

    ``offset`` is the position of the first bad byte in ``source`` (a file, blob or field name), or ``None`` where
    a position has no meaning (text that was typed).
    """

    offset: int | None
    source: str

    def __init__(self, what: str, *, offset: int | None = None, source: str = "", why: str = "", hint: str = "",
                 **facts: object) -> None:
        place = "" if offset is None else f"at byte {offset}" + (f" of {source}" if source else "")
        if source and offset is None:
            place = f"in {source}"
        why = f"{why} ({place})" if why and place else why or place
        super().__init__(what, why=why, hint=hint, offset=offset, source=source, **facts)


class DockerfileError(InputError):
    """A Dockerfile that cannot be built; ``file``, ``line`` (1-based) and ``instruction`` say where."""

    file: str
    line: int
    instruction: str

    def __init__(self, what: str, *, file: str = "Dockerfile", line: int = 0, instruction: str = "", why: str = "",
                 hint: str = "", **facts: object) -> None:
        place = f"{file}:{line}" if line else file
        where = f"{place}: {instruction}" if instruction else place
        super().__init__(f"{where}: {what}", why=why, hint=hint, file=file, line=line, instruction=instruction, **facts)


class ContextError(InputError):
    """A build context that cannot become an image; ``path`` is relative to the context."""


class UnsupportedError(InputError):
    """Understood, and refused: Windows, the format or this version cannot do it, and ``why`` says which."""


class NotFoundError(WcowError):
    """An image, blob, tag, file or key that is not there."""

    exit_code = 2


class IntegrityError(WcowError):
    """Content that does not match its digest or its size; ``expected`` and ``found`` hold both."""


class StoreError(WcowError):
    """A place that keeps images failed."""


class RegistryError(StoreError):
    """A registry answered with an error.

    ``status`` is the HTTP status (0 when no answer came), ``codes`` the registry's own error codes, ``temporary``
    whether the same call may succeed later.
    """

    status: int
    codes: tuple[str, ...]
    temporary: bool

    def __init__(self, what: str, *, status: int = 0, codes: tuple[str, ...] = (), temporary: bool = False,
                 why: str = "", hint: str = "", **facts: object) -> None:
        super().__init__(what, why=why, hint=hint, status=status, codes=codes, temporary=temporary, **facts)


class AuthError(RegistryError):
    """A registry refused us for who we are (401, 403, a token service that said no)."""


class DaemonError(StoreError):
    """A container engine answered with an error; ``status`` is the HTTP status, 0 when it could not be reached."""


class HostError(WcowError):
    """A host could not be reached, refused us, or was lost while it worked.

    ``address`` is the host's, without credentials. ``status`` is the HTTP status (0 when no answer came), ``code`` the
    number of WS-Management's fault (0 without one), ``temporary`` whether the same call may succeed later.
    """

    address: str
    status: int
    code: int
    temporary: bool

    def __init__(self, what: str, *, address: str = "", status: int = 0, code: int = 0, temporary: bool = False,
                 why: str = "", hint: str = "", **facts: object) -> None:
        super().__init__(what, why=why, hint=hint, address=address, status=status, code=code, temporary=temporary,
                         **facts)


class FetchError(WcowError):
    """A download, a git clone or a folder could not be had; ``url`` carries no credentials."""


class RunError(WcowError):
    """The command of a RUN ended badly; ``code`` is its exit code, unsigned, 32 bits."""

    exit_code = 1


class ToolError(WcowError):
    """Another program failed or is missing; ``program`` names it."""


class DependencyError(ToolError):
    """A Python package that an optional part needs is not installed; ``package`` names it."""


class OutputError(WcowError):
    """Standard output cannot be written; ``unread`` says that its reader is gone. The exit code is then that of a
    program which SIGPIPE ended, as shells know it."""

    unread: bool

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return 141 if self.unread else 3


class FaultError(WcowError):
    """An exception that this package did not foresee: a mistake of ours."""

    exit_code = 70


class Interrupted(WcowError):
    """The user stopped us; whatever was half done has been removed."""

    exit_code = 130
