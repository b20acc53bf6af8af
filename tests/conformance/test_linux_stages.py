# SPDX-License-Identifier: Apache-2.0
"""Stages for Linux are built by the real buildah and by BuildKit, cross-compiling for Windows as people do."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs
from support.builds import NANOSERVER, Bench

from imagebuild.errors import ToolError
from imagebuild.tools.linux_builder import CommandBuilder, find_builder

pytestmark = pytest.mark.slow
DOCKERFILE = f"""# escape=`
FROM --platform=$BUILDPLATFORM scratch AS tools
SHELL ["/bin/sh", "-c"]
COPY sh /bin/sh

FROM tools AS build
ARG TARGETOS
ARG TARGETARCH
ARG WORD=none
WORKDIR /src
COPY words.txt .
RUN --network=none read word < words.txt; echo "$TARGETOS/$TARGETARCH $WORD $word" > made.txt
RUN --network=none echo 'second' > "name with space.txt"

FROM {NANOSERVER}
COPY --from=build /src/ C:/app/
"""


@pytest.fixture(params=["buildah", "buildx"])
def builder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with programs.skipping():
        if request.param == "buildah":
            programs.find("buildah")
            monkeypatch.setenv("BUILDAH_ISOLATION", "chroot")
            monkeypatch.setenv("STORAGE_DRIVER", "vfs")
            monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "storage.conf"))
            (tmp_path / "storage.conf").write_text(
                f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/storage"\nrunroot = "{tmp_path}/run"\n')
            limits = [f"{name}={soft}:{hard}" for name, kind in (("nproc", resource.RLIMIT_NPROC),
                                                                 ("nofile", resource.RLIMIT_NOFILE))
                      for soft, hard in [resource.getrlimit(kind)]]  # buildah would raise them, which few may
            (tmp_path / "containers.conf").write_text(f"[containers]\ndefault_ulimits = {limits}\n")
            monkeypatch.setenv("CONTAINERS_CONF", str(tmp_path / "containers.conf"))
            yield request.param
            return
        programs.buildx()
        with programs.dockerd(containerd_store=False) as daemon:
            for name, value in daemon.env.items():
                monkeypatch.setenv(name, value)
            yield request.param


@pytest.fixture
def bench(tmp_path: Path, builder: str) -> Bench:
    made = Bench(tmp_path)
    made.base()
    made.linux = CommandBuilder(builder)
    return made


def files() -> dict[str, bytes | str | None]:
    with programs.skipping():
        return {"sh": programs.find("busybox").read_bytes(), "words.txt": "from the context\n"}


def test_a_stage_is_built_for_the_target_and_its_files_are_copied(bench: Bench, builder: str) -> None:
    assert find_builder(builder) == builder
    context = bench.context({**files(), "Dockerfile": DOCKERFILE})
    (context / "sh").chmod(0o755)
    built = bench.run(context, linux_builder=builder, build_args=(("WORD", "given"),))
    assert bench.content(built, "Files/app/made.txt") == b"windows/amd64 given from the context\n"
    assert bench.content(built, "Files/app/name with space.txt") == b"second\n"
    if builder == "buildah":
        assert programs.run(programs.find("buildah"), "images", "--quiet").stdout == ""
    again = bench.run(context, linux_builder=builder, build_args=(("WORD", "given"),))
    assert bench.layer(again) == bench.layer(built)
    assert again.image.config == built.image.config
    assert again.descriptor == built.descriptor


def test_a_stage_that_fails_is_an_error_with_the_builders_last_word(bench: Bench, builder: str) -> None:
    context = bench.context({**files(), "Dockerfile": DOCKERFILE.replace("none read", "none exit 7; read")})
    shutil.copymode("/bin/sh", context / "sh")
    with pytest.raises(ToolError, match=r"Dockerfile:6: .*cannot build the stage build.*exit (status|code:) 7"):
        bench.run(context, linux_builder=builder)
