# SPDX-License-Identifier: Apache-2.0
"""Other people's programs, started for a test and ended with it: registries, engines, crane, skopeo and more.

Each starter is a context manager that yields a small value saying how to reach the program. One that cannot start
raises :class:`Unavailable` with the reason (which Debian package is missing, who one would have to be); fixtures in
``conftest.py`` turn that into a skip. Everything a program keeps lies in a temporary folder; nothing of the machine's
own engine, registry or login is touched, and a test run that is killed takes its programs with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

USER = "tester"
PASSWORD = "a-test-password"
#: USER and PASSWORD as docker-registry wants them: bcrypt, cost 5.
HTPASSWD = f"{USER}:$2y$05$Q2JhbXBsZVNhbHRGb3JUZOGpHkp.oH2pNGO3BdVUnF3o/Nao8jZoO\n"

#: The Debian package of each program that is not in a minimal system.
PACKAGES = {
    "bsdtar": "libarchive-tools",
    "buildah": "buildah",
    "busybox": "busybox-static",
    "containerd": "containerd",
    "docker": "docker-cli",
    "docker-compose": "docker-compose",
    "docker-registry": "docker-registry",
    "dockerd": "docker.io",
    "git": "git",
    "go": "golang-go",
    "hivexregedit": "libwin-hivex-perl",
    "hivexsh": "libhivex-bin",
    "kadmin.local": "krb5-admin-server",
    "kdb5_util": "krb5-kdc",
    "kinit": "krb5-user",
    "krb5kdc": "krb5-kdc",
    "mkntfs": "ntfs-3g",
    "openssl": "openssl",
    "reged": "chntpw",
    "x86_64-w64-mingw32-gcc": "gcc-mingw-w64-x86-64 libz-mingw-w64-dev",
    "skopeo": "skopeo",
    "sshd": "openssh-server",
    "winrmcp": "winrmcp",
    "wixl": "wixl",
}

GO_SOURCES = Path("/usr/share/gocode")
CRANE_PACKAGE = "golang-github-google-go-containerregistry-dev"
WINRM_PACKAGE = "golang-github-masterzen-winrm-dev"


class Unavailable(Exception):
    """A program cannot be had on this machine; the text says why."""


class RunsAs(Protocol):
    """An account of this machine; :mod:`.users` has them."""

    def popen(self) -> dict[str, Any]: ...

    def environment(self) -> dict[str, str]: ...


@contextlib.contextmanager
def skipping() -> Iterator[None]:
    """Turn :class:`Unavailable` into a skipped test, or a failed one where ``WCOW_TEST_REQUIRE`` was set.

    (It is read before the test session clears the environment of ``WCOW_*``.)
    """
    try:
        yield
    except Unavailable as error:
        if REQUIRE:
            pytest.fail(str(error))
        pytest.skip(str(error))


REQUIRE = bool(os.environ.get("WCOW_TEST_REQUIRE"))


def user_cache() -> Path:
    """Where built programs are kept from run to run."""
    kept = os.environ.get("WCOW_TEST_CACHE")
    return Path(kept) if kept else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "wcow-tests")


def find(program: str) -> Path:
    """The path of an installed program; :class:`Unavailable` names the package to install."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin")
    if not path:
        raise Unavailable(f"{program} is not installed (Debian package {PACKAGES.get(program, program)})")
    return Path(path)


def run(*argv: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None, stdin: bytes | None = None,
        ok: bool = True, timeout: float = 120, user: RunsAs | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and keep what it said; with ``ok`` a failure fails the test and shows the output."""
    mine = user.environment() if user else os.environ
    done = subprocess.run([str(arg) for arg in argv], input=stdin, cwd=cwd, timeout=timeout, capture_output=True,
                          env={**mine, **(env or {})}, check=False, **(user.popen() if user else {}))
    out = subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode("utf-8", "replace"),
                                      done.stderr.decode("utf-8", "replace"))
    if ok and out.returncode:
        pytest.fail(f"{' '.join(out.args)}\nexit code {out.returncode}\n{out.stdout[-4000:]}\n{out.stderr[-4000:]}")
    return out


# --- A process that serves, and its end ------------------------------------------------------------------------------

@contextlib.contextmanager
def _serving(argv: list[str], log: Path, ready: Callable[[], bool], *, env: Mapping[str, str] | None = None,
             seconds: float = 30) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server, wait until ``ready``, stop it at the end. Its output goes to ``log``."""
    name = Path(argv[0]).name
    with log.open("wb") as out:
        # setpriv: the server dies with the test run, however that ends.
        process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *argv], stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}, start_new_session=True)
    try:
        end = time.monotonic() + seconds
        while not ready():
            if process.poll() is not None:
                raise Unavailable(f"{name} ended at once with code {process.returncode}: {_tail(log)}")
            if time.monotonic() > end:
                raise Unavailable(f"{name} was not ready within {seconds:.0f} s: {_tail(log)}")
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _tail(log: Path, lines: int = 6) -> str:
    return " / ".join(log.read_text("utf-8", "replace").splitlines()[-lines:]) or "(it said nothing)"


# --- docker-registry -------------------------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Registry:
    """A running ``docker-registry`` (CNCF Distribution) on a free loopback port."""

    host: str
    """Address and port, as image references have it: ``127.0.0.1:40123``."""
    root: Path
    """Its storage folder."""
    log: Path
    user: str = ""
    password: str = field(default="", repr=False)
    ca: Path | None = None
    """The certificate to trust, where it speaks TLS."""

    @property
    def url(self) -> str:
        return f"{'https' if self.ca else 'http'}://{self.host}"

    def blob(self, digest: str) -> Path:
        """The file in which it keeps a blob (for tests that damage it)."""
        algorithm, hexes = digest.split(":")
        return self.root / "docker/registry/v2/blobs" / algorithm / hexes[:2] / hexes / "data"


@contextlib.contextmanager
def registry(*, login: bool = False, tls: bool = False) -> Iterator[Registry]:
    """Start an empty registry; with ``login`` it wants USER and PASSWORD, with ``tls`` it has its own certificate."""
    program = find("docker-registry")
    with tempfile.TemporaryDirectory(prefix="wcow-registry-") as temporary:
        folder = Path(temporary)
        config = [
            "version: 0.1",
            "log: {accesslog: {disabled: false}, level: info}",
            f"storage: {{filesystem: {{rootdirectory: {folder / 'storage'}}}, delete: {{enabled: true}}}}",
        ]
        http_section = "addr: '127.0.0.1:0'"
        ca = None
        if tls:
            ca = _certificate(folder)
            http_section += f", tls: {{certificate: {ca}, key: {folder / 'key.pem'}}}"
        config.append(f"http: {{{http_section}}}")
        if login:
            (folder / "htpasswd").write_text(HTPASSWD)
            config.append(f"auth: {{htpasswd: {{realm: tests, path: {folder / 'htpasswd'}}}}}")
        (folder / "config.yml").write_text("\n".join(config) + "\n")
        log = folder / "log"

        def port() -> str:  # the kernel chooses it; the registry tells
            found = re.search(r"listening on 127\.0\.0\.1:(\d+)", log.read_text("utf-8", "replace"))
            return found[1] if found else ""

        with _serving([str(program), "serve", str(folder / "config.yml")], log, lambda: bool(port()),
                      env={"OTEL_TRACES_EXPORTER": "none"}):
            server = Registry(f"127.0.0.1:{port()}", folder / "storage", log, ca=ca,
                              user=USER if login else "", password=PASSWORD if login else "")
            _expect(server, 401 if login else 200)
            yield server


def certificate(folder: Path) -> Path:
    """A certificate for localhost that is its own authority, ``cert.pem``, with ``key.pem`` beside it in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    return _certificate(folder)


def _certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 and localhost that is its own authority."""
    run(find("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
    return folder / "cert.pem"


def _expect(server: Registry, status: int) -> None:
    """Ask a registry for its version and look at the status."""
    if server.ca:
        trust = ssl.create_default_context(cafile=str(server.ca))
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(server.host, context=trust, timeout=10)
    else:
        connection = http.client.HTTPConnection(server.host, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", "/v2/")
        answer = connection.getresponse()
        answer.read()
    if answer.status != status:
        raise Unavailable(f"docker-registry answers {answer.status} where {status} was expected: {_tail(server.log)}")


# --- dockerd ---------------------------------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Daemon:
    """A running ``dockerd`` with its own socket, images and client settings."""

    socket: Path
    log: Path
    config: Path
    """The ``DOCKER_CONFIG`` folder of its client."""

    @property
    def host(self) -> str:
        return f"unix://{self.socket}"

    @property
    def env(self) -> dict[str, str]:
        """What a program needs in its environment to use this daemon and nothing of the user's."""
        config = str(self.config)
        return {"DOCKER_HOST": self.host, "DOCKER_CONFIG": config, "BUILDX_CONFIG": f"{config}/buildx"}

    def docker(self, *args: str | Path, stdin: bytes | None = None, ok: bool = True,
               timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run the ``docker`` client against this daemon: ``daemon.docker("image", "ls")``."""
        return run(find("docker"), *args, env=self.env, stdin=stdin, ok=ok, timeout=timeout)


@contextlib.contextmanager
def dockerd(*, containerd_store: bool) -> Iterator[Daemon]:
    """Start a dockerd without any network, so that it changes nothing of the machine's firewall or bridges.

    With ``containerd_store`` images are kept by a containerd of its own (``features.containerd-snapshotter``), which
    takes images for any platform; without, by the default overlay2 graph driver, which takes Linux images only.
    """
    if os.geteuid() != 0:
        raise Unavailable("dockerd has to be started as root")
    daemon, containerd = find("dockerd"), find("containerd")
    find("docker")
    with tempfile.TemporaryDirectory(prefix="wcow-dockerd-") as temporary, contextlib.ExitStack() as stack:
        folder = Path(temporary)
        address = folder / "containerd.sock"
        stack.callback(_unmount_below, folder)
        # A containerd of our own: dockerd would take the machine's where that runs, and share its images.
        (folder / "containerd.toml").write_text(
            "version = 2\n"
            f"root = '{folder / 'containerd'}'\n"
            f"state = '{folder / 'containerd-state'}'\n"
            "disabled_plugins = ['io.containerd.grpc.v1.cri', 'io.containerd.internal.v1.opt']\n"
            f"[grpc]\naddress = '{address}'\n[ttrpc]\naddress = '{address}.ttrpc'\n")
        stack.enter_context(_serving([str(containerd), "--config", str(folder / "containerd.toml")],
                                     folder / "containerd.log", address.exists))
        (folder / "client").mkdir()
        (folder / "daemon.json").write_text(
            '{"features": {"containerd-snapshotter": %s}}\n' % ("true" if containerd_store else "false"))
        server = Daemon(folder / "docker.sock", folder / "dockerd.log", folder / "client")
        arguments = [
            str(daemon), "--config-file", str(folder / "daemon.json"), "--host", server.host,
            "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"),
            "--pidfile", str(folder / "dockerd.pid"), "--containerd", str(address), "--shutdown-timeout", "5",
            "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
        ]

        def answers() -> bool:
            return server.socket.exists() and not server.docker("version", ok=False).returncode

        stack.enter_context(_serving(arguments, server.log, answers))
        yield server


def _unmount_below(folder: Path) -> None:
    """Take away mounts that a stopped daemon left, so that its folder can be removed."""
    points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for point in sorted((p for p in points if p.startswith(f"{folder}/")), reverse=True):
        run("umount", "--lazy", point, ok=False)


def buildx() -> None:
    """Check that the docker client has its ``buildx`` plugin (BuildKit itself is in dockerd)."""
    if run(find("docker"), "buildx", "version", ok=False).returncode:
        raise Unavailable("docker buildx is not installed (Debian package docker-buildx)")


# --- Programs that come and go ---------------------------------------------------------------------------------------

def crane() -> Path:
    """The ``crane`` program, built from Debian's Go sources (half a minute)."""
    return _built("crane", CRANE_PACKAGE, "github.com/google/go-containerregistry", "/cmd/crane")


def winrm_client() -> Path:
    """``winrm_client.go``, built with masterzen's WinRM library from Debian's Go sources."""
    source = Path(__file__).with_name("winrm_client.go")
    return _built("winrm_client", WINRM_PACKAGE, "github.com/masterzen/winrm", source)


def _built(name: str, package: str, library: str, what: str | Path) -> Path:
    """A Go program in the user's cache: ``what`` is a folder below the ``library`` of a Debian package, or a file."""
    if not (GO_SOURCES / "src" / library).is_dir():
        raise Unavailable(f"the Go sources of {library} are not installed (Debian package {package})")
    from filelock import FileLock

    go = find("go")
    version = run("dpkg-query", "-W", "-f", "${Version}", package, ok=False).stdout or "unknown"
    if isinstance(what, Path):
        version += f"-{hashlib.sha256(what.read_bytes()).hexdigest()[:12]}"
    folder = user_cache()
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"{name}-{re.sub(r'[^0-9A-Za-z.+~-]', '_', version)}"
    with FileLock(folder / f"{name}.lock"):
        if not program.exists():
            half, cache = program.with_suffix(".half"), folder / f"go-build-{name}"
            # Debian's sources are a GOPATH, not modules: nothing is asked of any network.
            env = {"GO111MODULE": "off", "GOPATH": str(GO_SOURCES), "GOFLAGS": "", "CGO_ENABLED": "0",
                   "GOCACHE": str(cache), "GOTOOLCHAIN": "local"}
            done = run(go, "build", "-o", half, what if isinstance(what, Path) else library + what, env=env, ok=False,
                       timeout=900)
            if done.returncode:
                raise Unavailable(f"{name} could not be built: {done.stderr[-500:]}")
            half.replace(program)
            shutil.rmtree(cache, ignore_errors=True)
    return program


def buildah(folder: Path) -> list[str | Path]:
    """The beginning of a ``buildah`` command line that keeps its images in ``folder``."""
    return [find("buildah"), "--root", folder / "root", "--runroot", folder / "run", "--storage-driver", "vfs"]


def samba_python() -> Path:
    """The system's Python, if it has Samba's bindings (which no virtual environment has)."""
    python = Path("/usr/bin/python3")
    if not python.exists() or run(python, "-c", "import samba.dcerpc.security, samba.ndr", ok=False).returncode:
        raise Unavailable("Samba's Python bindings are not installed (Debian package python3-samba)")
    return python
