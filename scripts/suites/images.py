# SPDX-License-Identifier: Apache-2.0
"""The images that the suites ask for, made as Windows images: a stand-in nanoserver with one program of ours under many
names (``programs/``), and for ``registry:2`` the real registry, compiled for Windows. A registry of the distribution
keeps them under the names of Docker Hub, and the engine reads that one in the Hub's place."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from support import programs
from support.workbench import NANOSERVER, Workbench

SOURCES = Path(__file__).parent / "programs"
NAMES = ("ash", "bash", "cat", "chmod", "chown", "cp", "date", "echo", "env", "false", "find", "grep", "hello",
         "helloworld", "ls", "mkdir", "mv", "nginx", "nslookup", "ping", "printf", "ps", "pwd", "python", "rm", "sh",
         "sleep", "socat", "stay", "tail", "test", "top", "touch", "true", "wc", "wget")
"""The names of the program in ``C:\\bin``."""


@dataclass(frozen=True, slots=True)
class Made:
    """An image: its repository on Docker Hub, its tags, and what it starts."""

    repository: str
    tags: tuple[str, ...]
    command: tuple[str, ...] = ("sh",)
    more: str = ""
    """More lines of its Dockerfile."""
    go: str = ""
    """A program of ``programs/go``, put in ``C:\\bin``."""


IMAGES = (
    Made("library/alpine", ("latest", "3.10", "3.12"), ("/bin/sh",)),
    Made("library/bash", ("latest",), ("bash",)),
    Made("library/busybox", ("latest", "buildroot-2014.02")),
    Made("library/hello-world", ("latest",), ("hello",)),
    Made("library/nginx", ("latest", "alpine", "alpine-slim", "1.25.4-alpine-slim"), ("nginx",), "EXPOSE 80"),
    Made("library/python", ("latest", "3.13-alpine", "3.14-alpine"), ("python",)),
    Made("library/postgres", ("latest",), ("stay",)),
    Made("library/ubuntu", ("latest",), ("bash",)),
    Made("library/registry", ("2",), ("registry",), "EXPOSE 5000", "registry"),
    Made("alpine/socat", ("latest", "1.7.4.3-r0"), ("socat",), 'ENTRYPOINT ["socat"]'),
    Made("testcontainers/helloworld", ("1.2.0",), ("helloworld",), "EXPOSE 8080 8081"),
)


def put(kept: Path, registry: programs.Registry) -> None:
    """Give the registry every image. They are built once for what they are made of, and kept below ``kept``."""
    sources = b"".join(path.read_bytes() for path in (Path(__file__), *sorted(SOURCES.rglob("*.*"))) if path.is_file())
    storage = kept / f"images-{hashlib.sha256(sources).hexdigest()[:16]}"
    if not storage.is_dir():
        with tempfile.TemporaryDirectory(prefix="wcow-suites-") as folder:
            _make(Path(folder), registry)
        half = kept / f"half-{os.getpid()}"
        shutil.copytree(registry.root, half)
        half.rename(storage)
    else:
        shutil.copytree(storage, registry.root, dirs_exist_ok=True)


def _make(folder: Path, registry: programs.Registry) -> None:
    """Build every image and push it to the registry."""
    bench = Workbench(folder / "bench", insecure=True)
    bench.base("nanoserver", NANOSERVER)
    program = _compiled(folder).read_bytes()
    tree = {f"bin/{name}.exe": program for name in NAMES}
    bench.build({**tree, "Dockerfile": BASE}, tag="suites-base:1")
    for image in IMAGES:
        name = f"suites-{image.repository.replace('/', '-')}"
        command = ", ".join(json.dumps(part) for part in image.command)
        more = f"{image.more}\n" if image.more else ""
        cmd = "" if "ENTRYPOINT" in more else f"CMD [{command}]\n"
        tree = {}
        if image.go:
            tree = {f"{image.go}.exe": _compiled_go(folder, image.go).read_bytes()}
            more += f"COPY {image.go}.exe C:/bin/\n"
        # A label of its own: two names are two images, as on Docker Hub.
        lines = f"FROM suites-base:1\nLABEL of={image.repository}\n{more}{cmd}"
        bench.build({**tree, "Dockerfile": lines}, tag=f"{name}:1")
        for tag in image.tags:
            bench.copy(f"{name}:1", f"docker://{registry.host}/{image.repository}:{tag}")
    _for_many_platforms(registry, "library/busybox", "latest")


BASE = f"""\
FROM {NANOSERVER}
COPY bin/ C:/bin/
COPY bin/true.exe C:/tmp/keep
COPY bin/true.exe C:/var/opt/keep
COPY bin/true.exe C:/root/keep
COPY bin/true.exe C:/etc/nginx/conf.d/keep
COPY bin/true.exe C:/usr/share/nginx/html/keep
ENV PATH="C:\\bin;C:\\Windows\\system32;C:\\Windows" HOME=/root
WORKDIR C:/
SHELL ["/bin/sh", "-C"]
"""


def _compiled(folder: Path) -> Path:
    """The program, compiled for Windows."""
    sources = sorted(SOURCES.glob("*.c"))
    out = folder / "toolbox.exe"
    compiler = programs.find("x86_64-w64-mingw32-gcc")
    programs.run(compiler, "-Os", "-s", "-Wall", "-Wextra", "-Werror", "-o", out, *sources, "-lws2_32")
    return out


def _compiled_go(folder: Path, name: str) -> Path:
    """A program of ``programs/go``, compiled for Windows from it and from Debian's sources: no network is asked."""
    out = folder / f"{name}.exe"
    env = {"GO111MODULE": "off", "GOPATH": f"{SOURCES / 'go'}:{programs.GO_SOURCES}", "GOFLAGS": "", "CGO_ENABLED": "0",
           "GOCACHE": str(programs.user_cache() / "go-build"), "GOTOOLCHAIN": "local", "GOOS": "windows",
           "GOARCH": "amd64"}
    programs.run(programs.find("go"), "build", "-ldflags", "-s -w", "-o", out, name, env=env, timeout=900)
    return out


# --- an index ---------------------------------------------------------------------------------------------------------

def _for_many_platforms(registry: programs.Registry, repository: str, tag: str) -> None:
    """Make a tag an index, as Docker Hub's are: Linux first (an image without layers), then the Windows image."""
    base = f"http://{registry.host}/v2/{repository}"
    windows, kind = _get(f"{base}/manifests/{tag}")
    config = json.loads(_get(f"{base}/blobs/{json.loads(windows)['config']['digest']}")[0])
    linux = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                        "rootfs": {"type": "layers", "diff_ids": []}}).encode()
    _upload(base, linux)
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [],
                           "config": {"mediaType": "application/vnd.docker.container.image.v1+json",
                                      "size": len(linux), "digest": _digest(linux)}}).encode()
    _put(f"{base}/manifests/{_digest(manifest)}", manifest, MANIFEST)
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": MANIFEST, "size": len(manifest), "digest": _digest(manifest),
         "platform": {"architecture": "amd64", "os": "linux"}},
        {"mediaType": kind, "size": len(windows), "digest": _digest(windows),
         "platform": {"architecture": "amd64", "os": "windows", "os.version": config["os.version"]}}]}
    _put(f"{base}/manifests/{tag}", json.dumps(index).encode(), INDEX)


MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _get(url: str) -> tuple[bytes, str]:
    request = urllib.request.Request(url, headers={"Accept": f"{MANIFEST}, application/vnd.oci.image.manifest.v1+json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read(), answer.headers["Content-Type"]


def _put(url: str, data: bytes, kind: str) -> None:
    request = urllib.request.Request(url, data=data, method="PUT", headers={"Content-Type": kind})
    urllib.request.urlopen(request, timeout=30).close()


def _upload(base: str, data: bytes) -> None:
    begin = urllib.request.Request(f"{base}/blobs/uploads/", data=b"", method="POST")
    with urllib.request.urlopen(begin, timeout=30) as answer:
        place = answer.headers["Location"]
    _put(f"{place}{'&' if '?' in place else '?'}digest={_digest(data)}", data, "application/octet-stream")
