# SPDX-License-Identifier: Apache-2.0
"""One commit of a git repository, through the git program.

The user's and the machine's git configuration is not read: line endings, filters and hooks of this machine must not
change what an image contains. Git never asks, never runs a hook, and speaks only the protocols it is allowed to.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from ..errors import FetchError, IntegrityError, ToolError, quoted
from .giturl import SCHEMES, GitSource
from .port import Checkout
from .redact import scrub

_HASH = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_SETTINGS = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.autocrlf=false", "core.eol=lf", "core.symlinks=true",
    "core.protectNTFS=true", "core.protectHFS=true", "credential.helper=", "advice.detachedHead=false", "gc.auto=0",
    "maintenance.auto=false", "init.defaultBranch=main", "protocol.version=2",
)


def fetch_git(url: str | GitSource, *, keep_git_dir: bool = False, checksum: str | None = None,
              token: str | None = None, timeout: float = 600, folder: Path | None = None,
              protocols: tuple[str, ...] = SCHEMES, environ: Mapping[str, str] | None = None,
              program: str = "git") -> Checkout:
    """Clone one commit, no deeper than needed; the caller closes the :class:`Checkout`.

    ``checksum`` is the commit's hash or at least its first 7 digits (for an annotated tag also the tag's own hash).
    ``token``, or the ``user:password@`` of an http URL, is sent as a header and appears in no argument, file or error.
    ``timeout`` in seconds holds for each run of git. ``folder`` takes the checkout (default: the system's temporary
    folder). Submodules are checked out as BuildKit does. Raises FetchError, IntegrityError, ToolError, InputError.
    """
    source = url if isinstance(url, GitSource) else GitSource.parse(url, schemes=protocols)
    if shutil.which(program) is None:
        raise ToolError(f"cannot clone {source}", program="git", why="the program 'git' is missing",
                        hint="install it (Debian package git)")
    try:
        root = Path(tempfile.mkdtemp(prefix="wcow-git-", dir=folder))
    except OSError as error:
        raise FetchError(f"cannot clone {source}", url=str(source), why=error.strerror or str(error)) from error
    try:
        git = _Git(program, root, source, token, timeout, protocols, os.environ if environ is None else environ)
        return _clone(source, root, keep_git_dir or source.keep_git_dir, checksum or source.commit, git)
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        raise


def _clone(source: GitSource, root: Path, keep: bool, checksum: str, git: _Git) -> Checkout:
    git.run("init", "--quiet", "--template=", "--", str(root))
    git.run("remote", "add", "--", "origin", git.remote)
    want, found = source.ref or "HEAD", "FETCH_HEAD"
    options = ("--quiet", "--no-recurse-submodules")
    try:
        git.run("fetch", *options, "--depth=1", "--no-tags", "--", "origin", want)
    except FetchError:
        # Plain file servers give nothing shallow, some servers no single commit by its hash: take more, look there.
        if _HASH.fullmatch(want):
            git.run("fetch", *options, "--tags", "--force", "--", "origin", "+refs/heads/*:refs/remotes/origin/*")
            found = want
        else:
            git.run("fetch", *options, "--no-tags", "--", "origin", want)
    named = git.run("rev-parse", "--verify", "--end-of-options", found).strip()
    commit = git.run("rev-parse", "--verify", "--end-of-options", f"{found}^{{commit}}").strip()
    if checksum:
        low = checksum.lower()
        if not re.fullmatch("[0-9a-f]{7,64}", low) or not (commit.startswith(low) or named.startswith(low)):
            raise IntegrityError(f"cannot use the git repository {source}", expected=checksum, found=commit,
                                 why=f"it is commit {commit}, not {checksum}")
    git.run("checkout", "--quiet", "--force", "--detach", commit)
    if source.submodules and (root / ".gitmodules").is_file():
        git.run("submodule", "--quiet", "update", "--init", "--recursive", "--depth=1")
    committed = int(git.run("show", "--no-patch", "--format=%ct", commit).strip())
    if keep:
        (root / ".git" / "FETCH_HEAD").unlink(missing_ok=True)
    else:
        _strip(root, nested=source.submodules)
    path = root.joinpath(*source.subdir.split("/")) if source.subdir else root
    if not path.is_dir() or not path.resolve().is_relative_to(root.resolve()):
        raise FetchError(f"cannot use the git repository {source}", url=str(source),
                         why=f"commit {commit} has no folder {quoted(source.subdir)}")
    return Checkout(path, root, str(source), commit, committed)


def _strip(root: Path, *, nested: bool) -> None:
    """Remove git's own folder, and the files that name it in each submodule."""
    shutil.rmtree(root / ".git")
    for folder, folders, files in os.walk(root) if nested else ():
        if ".git" in files:
            Path(folder, ".git").unlink()
        if ".git" in folders:
            folders.remove(".git")
            shutil.rmtree(Path(folder, ".git"))


_GUARDED = ("/bin/sh", "-c", 'exec 3<&0 </dev/null; (exec >/dev/null 2>&1; read -r _ <&3; kill -9 0) & exec 3<&-; '
            'exec "$@"', "git") if os.name == "posix" else ()
"""In front of git: a process of its group that kills the group when the pipe in standard input is closed at its other
end, which is ours alone. So git and what it starts end with us, also when we are killed; the kernel's signal at the end
of a parent (PR_SET_PDEATHSIG) would reach git, and neither ssh nor git-remote-https."""


class _Git:
    """Runs git in one folder with one environment."""

    def __init__(self, program: str, root: Path, source: GitSource, token: str | None, timeout: float,
                 protocols: tuple[str, ...], environ: Mapping[str, str]) -> None:
        self.program = program
        self.root = root
        self.source = source
        self.timeout = timeout
        self.remote, secret = _without_secret(source.remote)
        if token and self.remote.startswith(("http://", "https://")):
            secret = f"x-access-token:{token}"
        # Ambient GIT_* would point git at other repositories or switch its checks off.
        self.environ = {name: value for name, value in environ.items()
                        if not name.startswith("GIT_") or name in ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO")}
        self.environ |= {
            "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "SSH_ASKPASS": "true", "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_ALLOW_PROTOCOL": ":".join(protocols), "GIT_LFS_SKIP_SMUDGE": "1",
            "GIT_ATTR_NOSYSTEM": "1", "LC_ALL": "C", "GIT_CONFIG_COUNT": "0",
        }
        self.environ.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
        if secret:
            host = urlunsplit((*urlsplit(self.remote)[:2], "/", "", ""))
            self.environ |= {
                "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"http.{host}.extraHeader",
                "GIT_CONFIG_VALUE_0": "Authorization: Basic " + base64.b64encode(secret.encode()).decode(),
            }

    def run(self, *arguments: str) -> str:
        """Run git and give what it printed. FetchError with git's own last words where it fails."""
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        guard, alive = os.pipe()
        try:
            process = subprocess.Popen([*_GUARDED, self.program, *settings, *arguments], cwd=self.root,
                                       env=self.environ, stdin=guard, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       start_new_session=True)
        except OSError as error:
            os.close(alive)
            raise ToolError(f"cannot clone {self.source}", program="git", why=error.strerror or str(error)) from error
        finally:
            os.close(guard)
        try:
            out, err = process.communicate(timeout=self.timeout)
        except BaseException as error:
            # Its children (ssh, git-remote-https) hold the pipes: the whole group goes.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                raise FetchError(f"cannot clone {self.source}", url=str(self.source),
                                 why=f"git {arguments[0]} did not end within {self.timeout:g} seconds") from error
            raise
        finally:
            os.close(alive)
        if process.returncode:
            said = [line for line in err.decode("utf-8", "replace").splitlines() if line.strip()]
            words = next((line for line in said if line.startswith(("fatal:", "error:"))), said[-1] if said else "")
            raise FetchError(f"cannot clone {self.source}", url=str(self.source),
                             why=scrub(words) or f"git {arguments[0]} ended with {process.returncode}",
                             hint="check the name of the repository and of the branch, and who may read it")
        return out.decode("utf-8", "replace")


def _without_secret(remote: str) -> tuple[str, str]:
    """A remote without what may be a password, and ``user:password`` where an http URL had one."""
    if "://" not in remote:
        return remote, ""
    parts = urlsplit(remote)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return remote, ""
    if parts.scheme in ("http", "https"):
        name, _unused, password = user.partition(":")
        return urlunsplit((*parts[:1], host, *parts[2:])), f"{unquote(name)}:{unquote(password)}"
    return urlunsplit((*parts[:1], f"{user.partition(':')[0]}@{host}", *parts[2:])), ""
