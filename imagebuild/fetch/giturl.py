# SPDX-License-Identifier: Apache-2.0
"""Git repositories as Dockerfiles and build contexts name them.

BuildKit ``util/gitutil/git_url.go`` and ``git_ref.go``, Docker's "build context" page::

    https://host/owner/repo.git#ref:subdir      git@host:owner/repo.git#ref       ssh://git@host/repo
    git://host/repo   github.com/owner/repo     https://host/repo.git?branch=main&subdir=docs
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from ..errors import InputError, UnsupportedError, quoted
from .redact import redact

SCHEMES = ("https", "http", "ssh", "git")
_SCP = re.compile(r"(?P<user>[a-zA-Z0-9_.][a-zA-Z0-9_.-]*)@(?P<host>[a-zA-Z0-9.][a-zA-Z0-9.-]*):(?P<path>[^?#]+)")


@dataclass(frozen=True, slots=True)
class GitSource:
    """One commit of one repository: ``remote`` as git takes it, ``ref`` (empty for the remote's HEAD) a branch, a tag,
    a full ref or a full commit hash, ``subdir`` with ``/`` below the root, ``commit`` a hash it must turn out to be."""

    remote: str
    ref: str = ""
    subdir: str = ""
    commit: str = ""
    submodules: bool = True
    keep_git_dir: bool = False

    @classmethod
    def parse(cls, text: str, *, schemes: tuple[str, ...] = SCHEMES) -> GitSource:
        """A repository from its text. Raises InputError or UnsupportedError with the reason."""
        shown = redact(text)
        bare, _unused, fragment = text.partition("#")
        ref, _unused, subdir = fragment.partition(":")
        fields: dict[str, str] = {}
        if bare.startswith("github.com/"):
            bare = f"https://{bare}"
        if "://" in bare:
            try:
                parts = urlsplit(bare)
                host = parts.hostname or ""
            except ValueError as error:
                raise InputError(f"cannot use the git repository {shown}", why=str(error)) from error
            if parts.scheme.lower() not in schemes:
                raise UnsupportedError(f"cannot use the git repository {shown}",
                                       why=f"{parts.scheme}:// is not among {', '.join(schemes)}")
            if (not host and parts.scheme != "file") or "-" in (host[:1], parts.netloc[:1]):
                raise InputError(f"cannot use the git repository {shown}", why="it names no host")
            fields = _fields(parts.query, shown)
            remote = urlunsplit((parts.scheme.lower(), parts.netloc, parts.path, "", ""))
        elif found := _SCP.fullmatch(bare.partition("?")[0]):
            if "ssh" not in schemes:
                raise UnsupportedError(f"cannot use the git repository {shown}", why="ssh is not allowed")
            fields = _fields(bare.partition("?")[2], shown)
            remote = found[0]
        else:
            raise InputError(f"cannot use the git repository {shown}", why="it is not a URL and not user@host:path")
        if fields and fragment:
            raise InputError(f"cannot use the git repository {shown}", why="it has both a query and a #fragment")
        ref = fields.get("ref") or fields.get("branch") or fields.get("tag") or ref
        subdir = (fields.get("subdir") or subdir).strip("/")
        _check(ref, subdir, shown)
        return cls(remote, ref, subdir, fields.get("checksum") or fields.get("commit") or "",
                   fields.get("submodules", "true") not in ("0", "false"),
                   fields.get("keep-git-dir", "false") not in ("0", "false"))

    def __str__(self) -> str:
        fragment = self.ref + (f":{self.subdir}" if self.subdir else "")
        return redact(self.remote) + (f"#{fragment}" if fragment else "")


def is_git_url(text: str) -> bool:
    """Whether ADD or a build context takes a text for a git repository and not for a file to download."""
    bare = text.partition("#")[0]
    scheme, separator, rest = bare.partition("://")
    if separator:
        path = rest.partition("?")[0]
        return scheme.lower() in ("git", "ssh") or (scheme.lower() in ("http", "https") and path.endswith(".git"))
    return bare.startswith("github.com/") or _SCP.fullmatch(bare.partition("?")[0]) is not None


def _fields(query: str, shown: str) -> dict[str, str]:
    known = {"ref", "branch", "tag", "subdir", "checksum", "commit", "submodules", "keep-git-dir"}
    fields = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := sorted(set(fields) - known):
        raise InputError(f"cannot use the git repository {shown}",
                         why=f"{quoted(unknown[0])} is not one of {', '.join(sorted(known))}")
    for name in ("submodules", "keep-git-dir"):
        if fields.get(name) == "":
            fields[name] = "true"
    if len({"ref", "branch", "tag"} & set(fields)) > 1:
        raise InputError(f"cannot use the git repository {shown}", why="ref, branch and tag exclude each other")
    for name in ("branch", "tag"):
        if name in fields and not fields[name].startswith("refs/"):
            fields[name] = ("refs/heads/" if name == "branch" else "refs/tags/") + fields[name]
    return fields


def _check(ref: str, subdir: str, shown: str) -> None:
    # git check-ref-format: none of these can be in a ref; a leading dash would be read as an option
    if ref.startswith("-") or re.search(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|\.lock$|/$", ref):
        raise InputError(f"cannot use the git repository {shown}",
                         why=f"{quoted(ref)} is not the name of a branch, tag or commit")
    if any(part in ("..", ".git") for part in subdir.split("/")) or "\\" in subdir or "\0" in subdir:
        raise InputError(f"cannot use the git repository {shown}",
                         why=f"{quoted(subdir)} is not a folder inside the repository")
