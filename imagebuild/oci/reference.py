# SPDX-License-Identifier: Apache-2.0
"""Image names as Docker writes and normalises them (distribution/reference: ``regexp.go``, ``normalize.go``)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ..errors import FormatError, UsageError, quoted
from .digest import Digest

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"
_MAX_PATH = 255
MAX_NAME = 1024
"""Characters of a whole name. Docker's own bounds leave 255 for the repository's path, 128 for the tag and 135 for a
digest; the rest is room for a host name (253) with its port. Checked before a pattern sees the text."""

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = rf"{_PART}(?:/{_PART})*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(rf"(?P<domain>{_DOMAIN})/(?P<path>{_PATH})(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?")
_HEX64 = re.compile(r"[a-f0-9]{64}")
_TAG_ONLY = re.compile(_TAG)
_TOKEN = re.compile(r"\S+")
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*+://)?")
_DIGEST_MARK = re.compile(r"@sha\d++:")


@dataclass(frozen=True, slots=True)
class Reference:
    """A normalised image name: ``domain/path[:tag][@digest]``. Make one with :meth:`parse`."""

    domain: str
    path: str
    tag: str = ""
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """The name ``text`` means to Docker: ``app`` is ``docker.io/library/app`` (no tag is added, see
        :meth:`tagged`). UsageError when it is no name."""
        if not text:
            raise _bad(text, "it is empty")
        if len(text) > MAX_NAME:
            raise _bad(text, f"it has {len(text)} characters, and a name has at most {MAX_NAME}: the repository "
                             f"{_MAX_PATH}, the tag 128")
        if _HEX64.fullmatch(text):
            raise _bad(text, "64 hex digits are an image id, not a name")
        domain, rest = _split_domain(text)
        name = rest.partition(":")[0]
        if name.lower() != name:
            raise _bad(text, f"the repository name {quoted(without_login(name)[:80])} must be lower case")
        found = _REFERENCE.fullmatch(f"{domain}/{rest}")
        if not found:
            raise _bad(text, _reason(rest))
        if len(found["path"]) > _MAX_PATH:
            raise _bad(text, f"the repository name is longer than {_MAX_PATH} characters")
        digest = None
        if found["digest"]:
            digest = _checked_digest(text, found["digest"])
        return cls(found["domain"], found["path"], found["tag"] or "", digest)

    @property
    def repository(self) -> str:
        """``domain/path``."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar(self) -> str:
        """The short form people type and Docker prints: ``app:1`` for ``docker.io/library/app:1``."""
        name = self.repository
        if self.domain == DEFAULT_DOMAIN:
            name = self.path
            short = name.removeprefix("library/")
            # "library/localhost/x" or "library/a.b/x" would read as a domain, so only one component is shortened.
            if "/" not in short:
                name = short
        return name + self._suffix()

    @property
    def target(self) -> str:
        """What to ask the repository for: the digest if there is one, else the tag, else ``latest``."""
        return str(self.digest) if self.digest else self.tag or DEFAULT_TAG

    def tagged(self, tag: str = DEFAULT_TAG) -> Reference:
        """The name with a tag if it has neither tag nor digest."""
        return self if self.tag or self.digest else replace(self, tag=tag)

    def with_tag(self, tag: str) -> Reference:
        """The name with this tag and no digest. UsageError when it is no tag."""
        if not is_tag(tag):
            raise UsageError(f"{quoted(tag[:140])} is not a tag",
                             why="wanted letters, digits, _ . - (first no . or -), at most 128")
        return replace(self, tag=tag, digest=None)

    def with_digest(self, digest: Digest) -> Reference:
        """The name pinned to a digest, its tag kept."""
        return replace(self, digest=digest)

    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        return self.repository + self._suffix()


def is_tag(text: str) -> bool:
    """Whether ``text`` may be a tag."""
    return _TAG_ONLY.fullmatch(text) is not None


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if not slash:
        return DEFAULT_DOMAIN, f"library/{text}"
    if first == "index.docker.io":
        domain, remote = DEFAULT_DOMAIN, rest
    elif first == "localhost" or "." in first or ":" in first or first.lower() != first:
        domain, remote = first, rest
    else:
        domain, remote = DEFAULT_DOMAIN, text
    if domain == DEFAULT_DOMAIN and "/" not in remote:
        remote = f"library/{remote}"
    return domain, remote


def _checked_digest(text: str, digest: str) -> Digest:
    algorithm = digest.partition(":")[0]
    if algorithm not in ("sha256", "sha384", "sha512"):
        raise _bad(text, f"the digest algorithm {quoted(algorithm)} is not supported")
    try:
        return Digest.parse(digest)
    except FormatError:
        raise _bad(text, f"{quoted(digest[:80])} is no {algorithm} digest") from None


def _reason(rest: str) -> str:
    if "://" in rest or rest.startswith("/"):
        return "a name has no scheme and no empty component"
    return "wanted [domain[:port]/]path[:tag][@digest]"


def without_login(text: str) -> str:
    """``text`` fit for an error: people put ``user:password@`` before a registry, where no name has one."""
    return _TOKEN.sub(lambda found: _hidden(found[0]), text)[:300]


def _hidden(token: str) -> str:
    """A word without what stands before its last ``@``, but for the one before a digest."""
    at = token.rfind("@")
    while at >= 0 and _DIGEST_MARK.match(token, at):
        at = token.rfind("@", 0, at)
    scheme = _SCHEME.match(token)
    assert scheme is not None
    return token if at < scheme.end() else f"{scheme[0]}…{token[at:]}"


def _bad(text: str, why: str) -> UsageError:
    first = _TOKEN.match(text)
    hint = "give the name without user and password: wcow login REGISTRY keeps those" \
        if first and _hidden(first[0]) != first[0] else ""
    if not hint and ("\\" in text or text.startswith(("/", "./", "../", "~"))):
        hint = "there is no such file or folder; an image in one is written oci:DIR, oci-archive:FILE or dir:DIR"
    return UsageError(f"'{without_login(text)}' is not an image name", why=why, hint=hint)
