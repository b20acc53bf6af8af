# SPDX-License-Identifier: Apache-2.0
"""moby's own Go types as an oracle: a program that reads a document into one and writes it again.

Built from Debian's sources of Docker, kept in the user's cache; nothing is asked of any network.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from . import programs

PACKAGE = "golang-github-docker-docker-dev"
_DOCKER = "github.com/docker/docker/api/types"
_IMPORTS = {"types": _DOCKER, "container": f"{_DOCKER}/container", "network": f"{_DOCKER}/network",
            "mount": f"{_DOCKER}/mount", "volume": f"{_DOCKER}/volume", "image": f"{_DOCKER}/image",
            "system": f"{_DOCKER}/system", "registry": f"{_DOCKER}/registry", "events": f"{_DOCKER}/events",
            "swarm": f"{_DOCKER}/swarm", "backend": f"{_DOCKER}/backend", "units": "github.com/docker/go-units",
            "nat": "github.com/docker/go-connections/nat"}
#: Types that have another name where they can be imported.
_RENAMED = {"v1.HealthcheckConfig": "container.HealthConfig", "runconfig.ContainerConfigWrapper": "wrapper"}

_SOURCE = """package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
%s
)

type wrapper struct {
	*container.Config
	HostConfig       *container.HostConfig     `json:",omitempty"`
	NetworkingConfig *network.NetworkingConfig `json:",omitempty"`
}

var made = map[string]func() any{
%s
}

type question struct {
	Type     string
	Document json.RawMessage
}

func main() {
	in, out := json.NewDecoder(bufio.NewReader(os.Stdin)), bufio.NewWriter(os.Stdout)
	defer out.Flush()
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for {
		var q question
		if in.Decode(&q) != nil {
			return
		}
		value := made[q.Type]()
		if err := json.Unmarshal(q.Document, value); err != nil {
			enc.Encode(fmt.Sprint("error: ", err))
		} else {
			enc.Encode(value)
		}
	}
}
"""


def through_go(questions: Iterable[tuple[str, Any]]) -> list[Any]:
    """For each (Go type, document): the document as Go writes it after reading it, or a text ``error: …``."""
    asked = list(questions)
    program = _program(sorted({name for name, _ in asked}))
    lines = "\n".join(json.dumps({"Type": name, "Document": document}) for name, document in asked)
    done = programs.run(program, stdin=lines.encode())
    return [json.loads(line) for line in done.stdout.splitlines()]


def _program(names: list[str]) -> Any:
    if not (programs.GO_SOURCES / "src" / _DOCKER).is_dir():
        raise programs.Unavailable(f"Docker's Go sources are not installed (Debian package {PACKAGE})")
    from filelock import FileLock

    go_names = {name: _RENAMED.get(name, name) for name in names}
    used = {go.partition(".")[0] for go in go_names.values() if "." in go} | {"container", "network"}
    source = _SOURCE % ("\n".join(f'\t"{_IMPORTS[one]}"' for one in sorted(used)),
                        "\n".join(f'\t"{name}": func() any {{ return new({go}) }},' for name, go in go_names.items()))
    version = programs.run("dpkg-query", "-W", "-f", "${Version}", PACKAGE, ok=False).stdout
    folder = programs.user_cache()
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"moby-types-{hashlib.sha256((version + source).encode()).hexdigest()[:16]}"
    with FileLock(folder / "moby-types.lock"):
        if not program.exists():
            work = folder / "moby-types.src"
            work.mkdir(exist_ok=True)
            (work / "main.go").write_text(source)
            env = {"GO111MODULE": "off", "GOPATH": str(programs.GO_SOURCES), "GOFLAGS": "", "CGO_ENABLED": "0",
                   "GOCACHE": str(folder / "go-build-moby"), "GOTOOLCHAIN": "local"}
            done = programs.run(programs.find("go"), "build", "-o", program.with_suffix(".half"), "main.go", cwd=work,
                                env=env, ok=False, timeout=900)
            if done.returncode:
                raise programs.Unavailable(f"moby's types could not be built: {done.stderr[-800:]}")
            program.with_suffix(".half").replace(program)
    return program
