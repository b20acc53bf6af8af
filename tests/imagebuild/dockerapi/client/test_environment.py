# SPDX-License-Identifier: Apache-2.0
"""Which engine is used: each case by our client and by the real ``docker``, against scripted engines.

A case sets variables and writes files; its end is the name of the engine that was reached, ``at ADDRESS`` where nothing
listens, or ``refused`` where the settings themselves are wrong.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support import programs, scripted_engines

from imagebuild.dockerapi import Client
from imagebuild.dockerapi.client.address import UNIX
from imagebuild.errors import DaemonError, NotFoundError, UnsupportedError, UsageError

RELAY = """
import socket, sys, threading
with open(sys.argv[2], "a") as told:
    told.write(" ".join(sys.argv[3:]) + "\\n")
there = socket.socket(socket.AF_UNIX)
there.connect(sys.argv[1])
def out():
    while data := there.recv(65536):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
threading.Thread(target=out, daemon=True).start()
while data := sys.stdin.buffer.raw.read(65536):
    there.sendall(data)
"""


@dataclass(frozen=True)
class World:
    """Engines that run, and folders that cases name in braces."""

    home: Path
    names: Mapping[str, str]
    ssh: Path

    def fill(self, text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: self.names[found[1]], text)


@dataclass(frozen=True)
class Case:
    """What is set, and what docker makes of it. ``files`` are below the home folder; ``ours`` where we differ."""

    name: str
    end: str
    said: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Any] = field(default_factory=dict)
    ours: str = ""


def context(name: str, host: Any, *, tls: str = "", **more: Any) -> dict[str, Any]:
    """The files of a context; ``tls`` names the folder whose certificates it has."""
    key = hashlib.sha256(name.encode()).hexdigest()
    files: dict[str, Any] = {f".docker/contexts/meta/{key}/meta.json": {
        "Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False, **more}}}}
    if tls:
        files[f".docker/contexts/tls/{key}/docker"] = Path(tls)
    return files


def meta(name: str, text: Any) -> dict[str, Any]:
    """The file of a context, as it is written here."""
    return {f".docker/contexts/meta/{hashlib.sha256(name.encode()).hexdigest()}/meta.json": text}


VERIFY = {"DOCKER_TLS_VERIFY": "1"}
CERTS = {"DOCKER_CERT_PATH": "{certs}"}
CURRENT = {".docker/config.json": {"currentContext": "a"}}
A = context("a", "unix://{a}")

CASES = [
    Case("nothing is set", f"at unix://{UNIX}"),
    Case("a socket", "a", {"DOCKER_HOST": "unix://{a}"}),
    Case("a socket with spaces around", "a", {"DOCKER_HOST": " unix://{a} "}),
    Case("a socket that is not there", "at unix://{none}", {"DOCKER_HOST": "unix://{none}"}),
    Case("the usual socket", f"at unix://{UNIX}", {"DOCKER_HOST": "unix://"}),
    Case("tcp", "tcp", {"DOCKER_HOST": "tcp://127.0.0.1:{tcp}"}),
    Case("tcp by name", "tcp", {"DOCKER_HOST": "tcp://localhost:{tcp}"}),
    Case("a name and a port", "tcp", {"DOCKER_HOST": "127.0.0.1:{tcp}"}),
    Case("a port alone", "tcp", {"DOCKER_HOST": "tcp://:{tcp}"}),
    Case("tcp with a path", "tcp /some/v1.44/version", {"DOCKER_HOST": "tcp://127.0.0.1:{tcp}/some"}),
    Case("tcp with a user", "tcp", {"DOCKER_HOST": "tcp://me:pw@127.0.0.1:{tcp}"}),
    Case("tcp without a port", "at tcp://127.0.0.1:2375", {"DOCKER_HOST": "tcp://127.0.0.1"}),
    Case("tcp without a name", "at tcp://localhost:2375", {"DOCKER_HOST": "tcp://"}),
    Case("http is refused", "refused", {"DOCKER_HOST": "http://127.0.0.1:{tcp}"}),
    Case("another kind is refused", "refused", {"DOCKER_HOST": "foo://x"}),
    Case("a kind in capitals is refused", "refused", {"DOCKER_HOST": "UNIX://{a}"}),
    Case("a port that is a word", "refused", {"DOCKER_HOST": "tcp://x:port"}),
    Case("two addresses", "refused", {"DOCKER_HOST": "tcp://127.0.0.1:1,unix:///x"}),
    # --- contexts
    Case("a context by its variable", "a", {"DOCKER_CONTEXT": "a"}, A),
    Case("the current context", "a", {}, {**A, **CURRENT}),
    Case("an empty variable is none", "a", {"DOCKER_CONTEXT": ""}, {**A, **CURRENT}),
    Case("the variable goes before the current one", "b", {"DOCKER_CONTEXT": "b"},
         {**A, **CURRENT, **context("b", "unix://{b}")}),
    Case("the host goes before a context", "b", {"DOCKER_CONTEXT": "a", "DOCKER_HOST": "unix://{b}"}, A),
    Case("the host goes before the current one", "b", {"DOCKER_HOST": "unix://{b}"}, {**A, **CURRENT}),
    Case("default is no context", f"at unix://{UNIX}", {"DOCKER_CONTEXT": "default"}, {**A, **CURRENT}),
    Case("default with TLS", "mtls", {"DOCKER_CONTEXT": "default", "DOCKER_HOST": "tcp://127.0.0.1:{mtls}", **VERIFY,
                                      **CERTS}, {**A, **CURRENT}),
    Case("a context that is not there", "refused", {"DOCKER_CONTEXT": "nope"}, A),
    Case("a name that is a path", "refused", {"DOCKER_CONTEXT": "../a"}, A),
    Case("a current context that is not there", "refused", {}, {".docker/config.json": {"currentContext": "nope"}}),
    Case("a context of another folder", "a", {"DOCKER_CONFIG": "{home}/other", "DOCKER_CONTEXT": "a"},
         {path.replace(".docker", "other"): data for path, data in A.items()}),
    Case("a context over tcp", "tcp", {"DOCKER_CONTEXT": "t"}, context("t", "tcp://127.0.0.1:{tcp}")),
    Case("a context with a path", "tcp /p/v1.44/version", {"DOCKER_CONTEXT": "t"},
         context("t", "tcp://127.0.0.1:{tcp}/p")),
    Case("a context without a host", f"at unix://{UNIX}", {"DOCKER_CONTEXT": "e"}, context("e", "")),
    Case("fields in small letters", "a", {"DOCKER_CONTEXT": "s"},
         meta("s", {"name": "s", "endpoints": {"docker": {"host": "unix://{a}"}}})),
    Case("a context of another name", "a", {"DOCKER_CONTEXT": "s"},
         meta("s", {"Name": "x", "Endpoints": {"docker": {"Host": "unix://{a}"}}})),
    Case("a context that is cut", "refused", {"DOCKER_CONTEXT": "c"}, meta("c", '{"Name":')),
    Case("a context that is empty", "refused", {"DOCKER_CONTEXT": "c"}, meta("c", "")),
    Case("a context that is a list", "refused", {"DOCKER_CONTEXT": "c"}, meta("c", [])),
    Case("a context without endpoints", "refused", {"DOCKER_CONTEXT": "c"}, meta("c", {"Name": "c"})),
    Case("a context for something else", "refused", {"DOCKER_CONTEXT": "c"},
         meta("c", {"Endpoints": {"kubernetes": {"Host": "unix://{a}"}}})),
    Case("a context whose host is a number", "refused", {"DOCKER_CONTEXT": "c"}, context("c", 3)),
    Case("a context whose endpoint is a word", "refused", {"DOCKER_CONTEXT": "c"},
         meta("c", {"Endpoints": {"docker": "x"}})),
    Case("settings that are cut choose nothing", f"at unix://{UNIX}", {}, {**A, ".docker/config.json": '{"curr'}),
    Case("settings that are a list choose nothing", f"at unix://{UNIX}", {}, {**A, ".docker/config.json": []}),
    Case("a current context that is a number", f"at unix://{UNIX}", {}, {".docker/config.json": {"currentContext": 1}}),
    # --- TLS
    Case("TLS with our certificate", "mtls", {"DOCKER_HOST": "tcp://127.0.0.1:{mtls}", **VERIFY, **CERTS}),
    Case("any text is yes", "mtls", {"DOCKER_HOST": "tcp://127.0.0.1:{mtls}", **CERTS, "DOCKER_TLS_VERIFY": "0"}),
    Case("empty is no", "broken", {"DOCKER_HOST": "tcp://127.0.0.1:{mtls}", **CERTS, "DOCKER_TLS_VERIFY": ""}),
    Case("certificates alone are no TLS", "broken", {"DOCKER_HOST": "tcp://127.0.0.1:{mtls}", **CERTS}),
    Case("TLS without checking", "mtls", {"DOCKER_HOST": "tcp://127.0.0.1:{mtls}", "DOCKER_TLS": "1",
                                          "DOCKER_CERT_PATH": "{otherca}"}),
    Case("TLS with another CA", "broken", {"DOCKER_HOST": "tcp://127.0.0.1:{mtls}", **VERIFY,
                                           "DOCKER_CERT_PATH": "{otherca}"}),
    Case("certificates of the settings' folder", "mtls", {"DOCKER_HOST": "tcp://127.0.0.1:{mtls}", **VERIFY},
         {".docker": Path("{certs}")}),
    Case("certificates of DOCKER_CONFIG", "mtls", {"DOCKER_HOST": "tcp://127.0.0.1:{mtls}", **VERIFY,
                                                   "DOCKER_CONFIG": "{certs}"}),
    Case("no CA there", "refused", {"DOCKER_HOST": "tcp://127.0.0.1:{mtls}", **VERIFY}),
    Case("no CA in that folder", "refused", {"DOCKER_HOST": "tcp://127.0.0.1:{mtls}", **VERIFY,
                                             "DOCKER_CERT_PATH": "{home}"}),
    Case("a CA alone", "tls", {"DOCKER_HOST": "tcp://127.0.0.1:{tls}", **VERIFY, "DOCKER_CERT_PATH": "{onlyca}"}),
    Case("a CA alone where ours is wanted", "broken", {"DOCKER_HOST": "tcp://127.0.0.1:{mtls}", **VERIFY,
                                                       "DOCKER_CERT_PATH": "{onlyca}"}),
    Case("a CA that is none", "refused", {"DOCKER_HOST": "tcp://127.0.0.1:{tls}", **VERIFY,
                                          "DOCKER_CERT_PATH": "{badca}"}),
    Case("a key that is none", "refused", {"DOCKER_HOST": "tcp://127.0.0.1:{tls}", **VERIFY,
                                           "DOCKER_CERT_PATH": "{badkey}"}),
    Case("a certificate that is none", "refused", {"DOCKER_HOST": "tcp://127.0.0.1:{tls}", **VERIFY,
                                                   "DOCKER_CERT_PATH": "{badcert}"}),
    Case("TLS and no host", "at tcp://localhost:2376", {**VERIFY, **CERTS}),
    Case("TLS where there is none", "broken", {"DOCKER_HOST": "tcp://127.0.0.1:{tcp}", **VERIFY, **CERTS}),
    Case("a context with certificates", "mtls", {"DOCKER_CONTEXT": "m"},
         context("m", "tcp://127.0.0.1:{mtls}", tls="{certs}")),
    Case("a context with a CA alone", "tls", {"DOCKER_CONTEXT": "m"},
         context("m", "tcp://127.0.0.1:{tls}", tls="{onlyca}")),
    Case("a context that checks nothing", "tls", {"DOCKER_CONTEXT": "m"},
         context("m", "tcp://127.0.0.1:{tls}", SkipTLSVerify=True)),
    Case("a context whose key is none", "refused", {"DOCKER_CONTEXT": "m"},
         context("m", "tcp://127.0.0.1:{mtls}", tls="{badkey}")),
    Case("a context whose certificates were deleted", "broken", {"DOCKER_CONTEXT": "m"},
         context("m", "tcp://127.0.0.1:{mtls}")),
    Case("TLS variables are not a context's", "broken", {"DOCKER_CONTEXT": "m", **VERIFY, **CERTS},
         context("m", "tcp://127.0.0.1:{mtls}")),
    # --- the version
    Case("a version", "a /v1.40/version", {"DOCKER_HOST": "unix://{a}", "DOCKER_API_VERSION": "1.40"}),
    Case("a version with its letter", "a /v1.40/version", {"DOCKER_HOST": "unix://{a}", "DOCKER_API_VERSION": "v1.40"}),
    Case("no version", "a /v1.44/version", {"DOCKER_HOST": "unix://{a}", "DOCKER_API_VERSION": ""}),
    Case("a version newer than the engine's", "a /v1.99/version", {"DOCKER_HOST": "unix://{a}",
                                                                   "DOCKER_API_VERSION": "1.99"}),
    Case("a version for a context", "a /v1.40/version", {"DOCKER_CONTEXT": "a", "DOCKER_API_VERSION": "1.40"}, A),
    # --- ssh
    Case("ssh", "ssh h docker system dial-stdio", {"DOCKER_HOST": "ssh://h"}),
    Case("ssh with user and port", "ssh -l me -p 2222 h docker system dial-stdio", {"DOCKER_HOST": "ssh://me@h:2222"}),
    Case("ssh and a name in capitals", "ssh Host docker system dial-stdio", {"DOCKER_HOST": "ssh://Host"}),
    Case("ssh to a socket there", "ssh h docker --host unix:///run/d.sock system dial-stdio",
         {"DOCKER_HOST": "ssh://h/run/d.sock"}),
    Case("a context over ssh", "ssh -l me h docker system dial-stdio", {"DOCKER_CONTEXT": "s"},
         context("s", "ssh://me@h")),
    Case("ssh with a password", "refused", {"DOCKER_HOST": "ssh://u:secret@h"}),
    Case("ssh without a host", "refused", {"DOCKER_HOST": "ssh://"}),
    Case("ssh with a query", "refused", {"DOCKER_HOST": "ssh://h?x=1"}),
    # --- where docker fails, or goes on with what cannot be meant
    Case("a socket with TLS wanted", "broken", {"DOCKER_HOST": "unix://{a}", **VERIFY, **CERTS}, ours="a"),
    Case("a version that is none", "a /vjunk/version", {"DOCKER_HOST": "unix://{a}", "DOCKER_API_VERSION": "junk"},
         ours="refused"),
    Case("a pipe on Linux", "crashed", {"DOCKER_HOST": "npipe:////./pipe/docker_engine"}, ours="refused"),
    Case("a descriptor", "crashed", {"DOCKER_HOST": "fd://"}, ours="refused"),
    Case("an option of ssh as a host", "ssh -oX=y docker --host unix:/// system dial-stdio",
         {"DOCKER_HOST": "ssh://-oX=y/"}, ours="refused"),
    Case("a context without a kind", "crashed", {"DOCKER_CONTEXT": "k"}, context("k", "localhost:1"), ours="refused"),
    Case("a context of another kind", "broken", {"DOCKER_CONTEXT": "k"}, context("k", "foo://127.0.0.1:{tls}"),
         ours="refused"),
    Case("a context without a port", "at tcp://localhost", {"DOCKER_CONTEXT": "k"}, context("k", "tcp://localhost"),
         ours="at tcp://localhost:2375"),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("engines")
    with programs.skipping():
        programs.certificate(folder / "certs")
        programs.certificate(folder / "otherca")
    cert, key = (folder / "certs/cert.pem").read_bytes(), (folder / "certs/key.pem").read_bytes()
    for name, ca, ours, private in (("certs", cert, cert, key), ("onlyca", cert, None, None),
                                    ("badca", b"none", cert, key), ("badkey", cert, cert, b"none"),
                                    ("badcert", cert, b"none", key),
                                    ("otherca", (folder / "otherca/cert.pem").read_bytes(), cert, key)):
        (folder / name).mkdir(exist_ok=True)
        for file, data in (("ca.pem", ca), ("cert.pem", ours), ("key.pem", private)):
            if data is not None:
                (folder / name / file).write_bytes(data)
    tls, mtls = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2))
    for one in (tls, mtls):
        one.load_cert_chain(folder / "certs/cert.pem", folder / "certs/key.pem")
    mtls.verify_mode = ssl.CERT_REQUIRED
    mtls.load_verify_locations(folder / "certs/ca.pem")
    (folder / "relay.py").write_text(RELAY)
    (folder / "bin").mkdir()
    (folder / "bin/ssh").write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{folder}/relay.py" "{folder}/a.sock" '
                                    f'"{folder}/ssh.log" "$@"\n')
    (folder / "bin/ssh").chmod(0o755)
    called = scripted_engines.called
    with contextlib.ExitStack() as stack:
        for name in "ab":
            stack.enter_context(scripted_engines.on_unix(folder / f"{name}.sock", called(name)))
        ports = {name: str(stack.enter_context(scripted_engines.on_tcp(called(name), context)))
                 for name, context in (("tcp", None), ("tls", tls), ("mtls", mtls))}
        home = folder / "home"
        yield World(home, {**ports, "a": f"{folder}/a.sock", "b": f"{folder}/b.sock", "none": f"{folder}/none.sock",
                           "home": str(home), **{name: str(folder / name) for name in (
                               "certs", "onlyca", "badca", "badkey", "badcert", "otherca")}}, folder)


@pytest.fixture(params=CASES, ids=lambda case: case.name.replace(" ", "-"))
def case(request: pytest.FixtureRequest, world: World) -> Case:
    one: Case = request.param
    if UNIX in one.end and Path(UNIX).exists():
        pytest.skip(f"an engine of this machine has {UNIX}")
    subprocess.run(["rm", "-rf", str(world.home)], check=True)
    world.home.mkdir()
    for name, data in one.files.items():
        path = world.home / name
        if isinstance(data, Path):
            path.mkdir(parents=True, exist_ok=True)
            for file in Path(world.fill(str(data))).iterdir():
                (path / file.name).write_bytes(file.read_bytes())
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(data if isinstance(data, str) else filled(data, world))
    (world.ssh / "ssh.log").write_text("")
    return one


def filled(data: Any, world: World) -> str:
    """A document as JSON, with the names in braces filled in."""
    return re.sub(r"\{(a|b|tcp|tls|mtls)\}", lambda found: world.names[found[1]], json.dumps(data))


def environment(case: Case, world: World) -> dict[str, str]:
    return {"PATH": f"{world.ssh}/bin:{os.environ['PATH']}", "HOME": str(world.home),
            **{name: world.fill(text) for name, text in case.said.items()}}


def reached(world: World, case_end: str, version: str, path: str) -> str:
    """The end of a case whose engine answered, in as many words as the case has."""
    told = (world.ssh / "ssh.log").read_text().splitlines()
    if told:
        line = f"ssh {told[0]} "
        for option in ("-o ConnectTimeout=30", "-T", "--"):  # newer dockers have -T
            line = line.replace(f" {option} ", " ", 1)
        return line.strip()
    return f"{version} {path}" if " " in case_end else version


def test_our_client_uses_the_engine_that_the_case_names(case: Case, world: World,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    said = environment(case, world)
    monkeypatch.setenv("PATH", said["PATH"])
    end = case.ours or case.end
    client = None
    try:
        client = Client.from_environment(said, timeout=5)
        with client:
            document = client.json("GET", "/version")
            found = reached(world, end, document["Version"], document["Path"])
    except (UsageError, UnsupportedError, NotFoundError) as error:
        found = "refused"
        assert "secret" not in str(error)
    except DaemonError as error:
        assert client is not None
        found = f"at {client.host}" if "nothing listens" in error.why or "there is no socket" in error.why else "broken"
    assert found == world.fill(end)


def test_docker_does_what_the_case_says(case: Case, world: World) -> None:
    with programs.skipping():
        program = programs.find("docker")
    template = "{{.Server.Version}}"
    done = subprocess.run([program, "version", "--format", template], capture_output=True, text=True, check=False,
                          timeout=30, env=environment(case, world))
    said = " ".join(done.stderr.split())
    if done.stdout.strip() and not done.returncode:
        found = reached(world, "", done.stdout.strip(), "")
    elif at := re.search(r"Cannot connect to the Docker daemon at (\S+)\. Is", said):
        found = f"at {at[1]}"
    else:
        found = ("refused" if "Failed to initialize" in said else "crashed" if "panic:" in said else "broken")
    expected = world.fill(case.end)
    assert found == (expected if expected.startswith(("ssh", "at ")) else expected.split(" ")[0]), said
