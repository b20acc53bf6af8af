# SPDX-License-Identifier: Apache-2.0
"""Builds from Dockerfile to image, on stand-in bases in memory."""

from __future__ import annotations

import io
import tarfile

import pytest
from support.builds import NANOSERVER, Bench, acl, letters

from imagebuild.builder import BuildRequest, build
from imagebuild.errors import ContextError, DockerfileError, NotFoundError, UsageError, WcowError
from imagebuild.events import Warn
from imagebuild.hive import Key, write
from imagebuild.layer import Kind, Times
from imagebuild.oci import Digest, add_history
from imagebuild.windows import filetime

FROM = f"# escape=`\nFROM {NANOSERVER}\n"
OLD = "10.0.17763.1"


def test_a_copied_file_inherits_from_its_folder_as_ntfs_would_have_it(bench: Bench) -> None:
    built = bench.build(FROM + "COPY a.txt C:\\app\\a.txt\n", {"a.txt": "hello"})
    layer = bench.layer(built)
    assert list(layer) == ["Files", "Files/app", "Files/app/a.txt", "Hives"]
    assert acl(layer["Files/app"]) == ("O:BAG:SYD:AI(A;OICIID;FA;;;BA)(A;OICIID;FA;;;SY)"
                                       "(A;OICIIOID;GA;;;CO)(A;OICIID;0x1200a9;;;BU)(A;CIID;LC;;;BU)(A;CIID;DC;;;BU)")
    assert acl(layer["Files/app/a.txt"]) == "O:BAG:SYD:AI(A;ID;FA;;;BA)(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)"
    assert letters(layer["Files/app/a.txt"]) == "A"
    assert bench.content(built, "Files/app/a.txt") == b"hello"


def test_folders_of_the_base_keep_security_attributes_times_and_casing(bench: Bench) -> None:
    built = bench.build(FROM + "COPY a.dll c:/WINDOWS/system32/A.dll\n", {"a.dll": "x"})
    base, layer = bench.layer(built, 0), bench.layer(built)
    assert list(layer) == ["Files", "Files/Windows", "Files/Windows/System32", "Files/Windows/System32/A.dll", "Hives"]
    for name in ("Files/Windows", "Files/Windows/System32"):
        assert layer[name] == base[name]


def test_files_and_hives_carry_times_and_attributes_but_no_security(bench: Bench) -> None:
    layer = bench.layer(bench.build(FROM + "COPY a C:\\a\n", {"a": "x"}))
    for name in ("Files", "Hives"):
        assert layer[name].security is None
        assert layer[name].attributes == 0x10
        assert layer[name].times == Times.all(filetime.DOS_EPOCH)


def test_a_replaced_file_keeps_what_the_base_says_of_it(bench: Bench) -> None:
    bench.build(FROM + "COPY a C:\\Windows\\old.txt\n", {"a": "old"})
    first = bench.events[-1].value  # type: ignore[union-attr]
    bench.local.put_manifest(first.image.manifest_bytes(), first.descriptor.media_type, tag="docker.io/library/mid:1")
    built = bench.build("FROM mid:1\nCOPY a /windows/OLD.TXT\n", {"a": "new!"},
                        attributes=(("C:\\Windows\\old.txt", "+R"),))
    was, now = bench.layer(first)["Files/Windows/old.txt"], bench.layer(built)["Files/Windows/old.txt"]
    assert (now.security, now.times) == (was.security, was.times)
    assert letters(now) == "RA"
    assert bench.content(built, "Files/Windows/old.txt") == b"new!"


def test_symlinks_of_the_context_become_windows_symlinks(bench: Bench) -> None:
    files = {"d/f": "x", "to_file": "-> d/f", "to_folder": "-> d"}
    layer = bench.layer(bench.build(FROM + "COPY . C:\\app\\\n", files))
    assert (layer["Files/app/to_file"].kind, layer["Files/app/to_file"].target) == (Kind.SYMLINK, "d\\f")
    assert (layer["Files/app/to_folder"].kind, layer["Files/app/to_folder"].target) == (Kind.DIRECTORY_SYMLINK, "d")
    assert layer["Files/app/to_folder"].attributes == 0x410
    assert layer["Files/app/to_file"].attributes == 0x420


def test_symlinks_can_be_followed_or_refused(bench: Bench) -> None:
    files = {"d/f": "x", "l": "-> d/f"}
    layer = bench.layer(bench.build(FROM + "COPY . C:\\app\\\n", files, symlinks="follow"))
    assert layer["Files/app/l"].kind is Kind.FILE
    with pytest.raises(ContextError, match="symlink"):
        bench.build(FROM + "COPY . C:\\app\\\n", files, symlinks="refuse")


def test_workdir_makes_the_folder_once_and_sets_the_config(bench: Bench) -> None:
    built = bench.build(FROM + "WORKDIR /app\nWORKDIR sub\nWORKDIR C:/APP\n")
    assert built.image.config.run.working_dir == "C:\\APP"
    assert len(built.image.layers) == 3
    assert [step.empty_layer for step in built.image.config.history[1:]] == [False, False, True]
    assert "Files/app/sub" in bench.layer(built)


def test_a_junction_an_acl_and_attributes_are_kept(bench: Bench) -> None:
    built = bench.build(FROM + "COPY a C:\\app\\a\n", {"a": "x"}, junctions=(("C:\\data", "C:\\app"),),
                        acls=(("C:\\app", "D:P(A;OICI;FA;;;BA)"), ("C:\\ProgramData", "D:P(A;OICI;FA;;;SY)")),
                        attributes=(("C:\\app\\a", "+H"),))
    union = bench.union(built)
    found = {name: union.get(f"Files/{name}") for name in ("data", "app", "app/a", "ProgramData")}
    assert all(found.values())
    data, app, file, program = (item.entry for item in found.values() if item)
    assert (data.kind, data.target, data.attributes) == (Kind.JUNCTION, "C:\\app", 0x410)
    assert acl(app) == "O:BAG:SYD:PAI(A;OICI;FA;;;BA)"
    assert acl(file) == "O:BAG:SYD:AI(A;ID;FA;;;BA)"
    assert letters(file) == "HA"
    assert acl(program).endswith("D:PAI(A;OICI;FA;;;SY)")


def test_an_acl_for_a_path_that_is_not_there_is_an_error(bench: Bench) -> None:
    with pytest.raises(ContextError, match="no such file"):
        bench.build(FROM + "COPY a C:\\a\n", {"a": "x"}, acls=(("C:\\nowhere", "D:P(A;;FA;;;BA)"),))
    with pytest.raises(UsageError, match="cannot be kept"):
        bench.build(FROM, acls=(("C:\\", "D:P(A;;FA;;;BA)"),))
    with pytest.raises(UsageError, match="--acl"):
        bench.build(FROM, acls=(("C:\\a", "nonsense"),))


def test_chown_makes_the_owner_and_grants_full_control_at_the_top_of_the_copy(bench: Bench) -> None:
    layer = bench.layer(bench.build(FROM + "COPY --chown=ContainerUser d C:\\own\n", {"d/f": "x"}))
    top, inside = acl(layer["Files/own"]), acl(layer["Files/own/f"])
    assert top.startswith("O:S-1-5-93-2-2G:SY")
    assert "(A;OICI;FA;;;S-1-5-93-2-2)" in top
    assert inside.startswith("O:S-1-5-93-2-2")
    assert "(A;ID;FA;;;S-1-5-93-2-2)" in inside
    assert "(A;;FA;;;S-1-5-93-2-2)" not in inside
    single = bench.layer(bench.build(FROM + "COPY --chown=S-1-5-32-545 f C:\\f\n", {"f": "x"}))["Files/f"]
    assert "(A;;FA;;;BU)" in acl(single)


def test_chmod_and_unknown_accounts_are_refused_with_the_reason(bench: Bench) -> None:
    with pytest.raises(DockerfileError, match="Dockerfile:3: COPY: --chmod") as caught:
        bench.build(FROM + "COPY --chmod=755 a C:\\a\n", {"a": "x"})
    assert "no mode bits" in caught.value.why
    with pytest.raises(DockerfileError, match="no account"):
        bench.build(FROM + "COPY --chown=nobody a C:\\a\n", {"a": "x"})


def test_run_stops_before_anything_is_written(bench: Bench) -> None:
    with pytest.raises(DockerfileError, match=r"Dockerfile:4: RUN: cannot be executed .*stage 0, windows") as caught:
        bench.build(FROM + "COPY a C:\\a\nRUN echo hi\n", {"a": "x"})
    assert "--build-context" in caught.value.hint
    plan = bench.plan(FROM + "COPY a C:\\a\nRUN echo hi\n")
    assert [step.words for _, step in plan.runs()] == [("cmd /S /C echo hi",)]


def test_from_scratch_makes_a_base_layer_with_five_valid_hives_first(bench: Bench) -> None:
    built = bench.build("FROM scratch\nCOPY a C:\\\\a\nCOPY b C:\\\\b\n", {"a": "x", "b": "y"})
    first, second = bench.layer(built, 0), bench.layer(built, 1)
    config = "Files/Windows/System32/config/"
    assert {config + name for name in ("DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM")} <= set(first)
    assert "Hives" not in first and "Hives" in second
    assert bench.content(built, config + "SYSTEM").startswith(b"regf")
    assert built.image.config.os == "windows"
    assert built.image.config.os_version == ""
    assert bench.build("FROM scratch\n", os_version="10.0.20348.1").image.config.os_version == "10.0.20348.1"


def test_hives_that_are_copied_in_are_not_made(bench: Bench) -> None:
    mine = write(Key("MINE"))
    built = bench.build("FROM scratch\nCOPY hive C:/Windows/System32/config/system\n", {"hive": mine})
    assert bench.content(built, "Files/Windows/System32/config/system") == mine
    assert "Files/Windows/System32/config/SYSTEM" not in bench.layer(built, 0)


def test_an_empty_scratch_image_still_has_its_base_layer(bench: Bench) -> None:
    assert len(bench.build("FROM scratch\nCMD [\"x\"]\n").image.layers) == 1


def test_copy_from_a_stage_and_from_an_image_takes_single_files(bench: Bench) -> None:
    dockerfile = (f"FROM {NANOSERVER} AS one\nCOPY a /in/a.txt\nFROM {NANOSERVER}\n"
                  "COPY --from=one C:\\\\IN\\\\A.TXT C:\\\\out\\\\b.txt\nCOPY --from=0 /in /all\n"
                  f"COPY --from={NANOSERVER} /windows/system32/config/SOFTWARE /hive\n")
    built = bench.build(dockerfile, {"a": "stage"})
    assert bench.content(built, "Files/out/b.txt") == b"stage"
    assert bench.content(built, "Files/all/a.txt") == b"stage"
    assert bench.content(built, "Files/hive").startswith(b"regf")


def test_copy_from_a_path_that_is_not_there_names_the_line(bench: Bench) -> None:
    with pytest.raises(WcowError, match="Dockerfile:2: COPY: cannot copy /nothing"):
        bench.build(f"FROM {NANOSERVER}\nCOPY --from={NANOSERVER} /nothing /x\n")


def test_a_build_context_replaces_a_stage_or_an_image(bench: Bench) -> None:
    folder = bench.context({"out/app.exe": "MZ"})
    dockerfile = (f"FROM {NANOSERVER} AS build\nRUN make\nFROM {NANOSERVER}\n"
                  "COPY --from=build C:/out/app.exe C:/app.exe\nCOPY --from=example.org/tools:1 /out C:/tools\n")
    built = bench.build(dockerfile, build_contexts=(("build", str(folder)), ("example.org/tools:1", str(folder))))
    assert bench.content(built, "Files/app.exe") == b"MZ"
    assert bench.content(built, "Files/tools/app.exe") == b"MZ"
    built = bench.build("FROM base\nCOPY a C:/a\n", {"a": "x"},
                        build_contexts=(("base", f"docker-image://{NANOSERVER}"),))
    assert built.image.config.os_version == "10.0.20348.2762"


def test_path_comes_from_the_registry_of_the_base_and_never_from_us(bench: Bench) -> None:
    built = bench.build(FROM + "ENV PATH=C:\\app;${PATH}\n")
    assert built.image.config.run.env == ("PATH=C:\\app;C:\\Windows\\system32;C:\\Windows;C:\\Windows\\System32\\Wbem;"
                                          "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\;"
                                          "C:\\Windows\\System32\\OpenSSH",)
    assert bench.build(FROM + "COPY a C:\\a\n", {"a": "x"}).image.config.run.env == ()
    with pytest.raises(DockerfileError, match=r"cannot resolve \$\{PATH\}"):
        bench.build(FROM + "ENV PATH=C:\\app;${PATH}\n", base_metadata="known")


def test_known_metadata_reads_no_layer_of_the_base(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = {entry.digest for entry in bench.build(FROM).image.layers}
    opened = []
    real = bench.local.open_blob
    monkeypatch.setattr(bench.local, "open_blob", lambda d, **k: opened.append(d.digest) or real(d, **k))
    dockerfile = FROM + "COPY a C:\\Windows\\System32\\a\nCOPY a C:\\new\\a\n"
    known = bench.build(dockerfile, {"a": "x"}, base_metadata="known")
    assert not layers & set(opened)
    fetched = bench.build(dockerfile, {"a": "x"})
    assert layers & set(opened)
    for number in (-1, -2):
        for path, entry in bench.layer(fetched, number).items():
            assert acl(bench.layer(known, number)[path]) == acl(entry) if entry.security else True


def test_from_without_a_value_names_the_build_arg(bench: Bench) -> None:
    with pytest.raises(DockerfileError, match=r"\$\{BASE\} has no value") as caught:
        bench.build("ARG BASE\nFROM ${BASE}\n")
    assert caught.value.hint == "--build-arg BASE=…"


def test_a_base_that_nobody_has_is_not_found(bench: Bench) -> None:
    with pytest.raises(NotFoundError, match=r"Dockerfile:2: FROM: no network"):
        bench.build("# a comment\nFROM example.org/none:1\n")


def test_timestamps_are_fixed_by_the_base_the_epoch_or_the_source(bench: Bench) -> None:
    bench.base(epoch=filetime.from_unix_ns(1_700_000_000 * 10**9))
    at = lambda **how: bench.layer(bench.build(FROM + "COPY a C:\\a\n", {"a": "x"}, **how))["Files/a"].times  # noqa: E731
    assert at() == Times.all(filetime.from_unix_ns(1_700_000_000 * 10**9))
    assert at(epoch=5) == Times.all(filetime.from_unix_ns(5 * 10**9))
    assert at(timestamps="source") == Times.all(filetime.from_unix_ns(1_600_000_000 * 10**9))


def test_the_result_names_its_base(bench: Bench) -> None:
    built = bench.build(FROM)
    assert dict(built.image.annotations)["org.opencontainers.image.base.name"] == NANOSERVER
    assert Digest.parse(dict(built.image.annotations)["org.opencontainers.image.base.digest"])
    assert built.image.config.os_version == "10.0.20348.2762"


def test_the_same_input_gives_the_same_digest_and_comes_from_the_cache(bench: Bench) -> None:
    bench.cached = True
    files = {"a": "x", "d/b": "y"}
    first = bench.build(FROM + "COPY . C:\\app\\\n", files)
    again = bench.build(FROM + "COPY . C:\\app\\\n", files)
    assert again.descriptor == first.descriptor
    assert any(getattr(event, "note", "") == "cached" for event in bench.events)
    other = bench.build(FROM + "COPY . C:\\app\\\n", {**files, "a": "z"})
    assert other.descriptor != first.descriptor
    anew = bench.build(FROM + "COPY . C:\\app\\\n", files, no_cache=True)
    assert anew.descriptor == first.descriptor
    assert not any(getattr(event, "note", "") == "cached" for event in bench.events)


def test_a_cached_layer_whose_blob_is_gone_is_written_again(bench: Bench) -> None:
    bench.cached = True
    first = bench.build(FROM + "COPY a C:\\a\n", {"a": "x"})
    bench.local = type(bench.local)()
    bench.base()
    again = bench.build(FROM + "COPY a C:\\a\n", {"a": "x"})
    assert again.descriptor == first.descriptor
    assert bench.content(again, "Files/a") == b"x"


def test_onbuild_of_the_base_runs_first_and_is_gone_afterwards(bench: Bench) -> None:
    first = bench.build(f"FROM {NANOSERVER}\nONBUILD COPY a C:/from-onbuild\n")
    assert first.image.config.run.on_build == ("COPY a C:/from-onbuild",)
    bench.local.put_manifest(first.image.manifest_bytes(), first.descriptor.media_type, tag="docker.io/library/on:1")
    built = bench.build("FROM on:1\nENV X=1\n", {"a": "x"})
    assert bench.content(built, "Files/from-onbuild") == b"x"
    assert built.image.config.run.on_build == ()


def test_add_unpacks_local_archives_and_copies_what_is_none(bench: Bench) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in ("in/one.txt", "in/two.txt"):
            info = tarfile.TarInfo(name)
            info.size = 3
            tar.addfile(info, io.BytesIO(name[3:6].encode()))
    files = {"x.tgz": packed.getvalue(), "plain.zip": b"PK\x03\x04"}
    built = bench.build(FROM + "ADD x.tgz plain.zip C:\\out\\\n", files)
    assert bench.content(built, "Files/out/in/two.txt") == b"two"
    assert bench.content(built, "Files/out/plain.zip") == b"PK\x03\x04"
    kept = bench.build(FROM + "ADD --unpack=false x.tgz C:\\out\\\n", files)
    assert bench.content(kept, "Files/out/x.tgz") == packed.getvalue()


def test_add_downloads_and_checks(bench: Bench) -> None:
    url = "https://example.org/tools/x.exe"
    bench.fetcher = type(bench.fetcher)({url: b"MZ"})
    digest = Digest.of(b"MZ")
    assert bench.content(bench.build(FROM + f"ADD --checksum={digest} {url} C:\\bin\\\n"), "Files/bin/x.exe") == b"MZ"
    with pytest.raises(WcowError, match="Dockerfile:3: ADD"):
        bench.build(FROM + f"ADD --checksum={Digest.of(b'other')} {url} C:\\bin\\\n")


def test_heredocs_become_files(bench: Bench) -> None:
    text = "ARG WHO=me\nCOPY <<hello.txt <<\"raw.txt\" C:\\docs\\\nhi $WHO\nhello.txt\n$WHO\nraw.txt\n"
    built = bench.build(FROM + text)
    assert bench.content(built, "Files/docs/hello.txt") == b"hi me\n"
    assert bench.content(built, "Files/docs/raw.txt") == b"$WHO\n"


def test_several_files_need_a_folder(bench: Bench) -> None:
    with pytest.raises(WcowError, match="must be"):
        bench.build(FROM + "COPY *.txt C:\\one\n", {"a.txt": "1", "b.txt": "2"})
    built = bench.build(FROM + "COPY *.txt C:\\one\\\n", {"a.txt": "1", "b.txt": "2"})
    assert {"Files/one/a.txt", "Files/one/b.txt"} <= set(bench.layer(built))


def test_a_file_goes_into_a_folder_that_is_there(bench: Bench) -> None:
    assert "Files/Windows/a" in bench.layer(bench.build(FROM + "COPY a C:\\Windows\n", {"a": "x"}))
    assert "Files/a" in bench.layer(bench.build(FROM + "COPY a C:\n", {"a": "x"}))


def test_a_link_on_the_way_to_the_destination_is_followed(bench: Bench) -> None:
    built = bench.build(FROM + "COPY d C:\\\nCOPY a C:\\link\\a\n", {"d/real/x": "x", "d/link": "-> real", "a": "y"})
    assert "Files/real/a" in bench.layer(built)


def test_what_collides_is_an_error_that_names_both(bench: Bench) -> None:
    with pytest.raises(WcowError, match="case"):
        bench.build(FROM + "COPY . C:\\\n", {"Read.me": "1", "read.ME": "2"})
    with pytest.raises(WcowError, match=r"Dockerfile:3: COPY: cannot write C:\\Windows"):
        bench.build(FROM + "COPY d C:\\\n", {"d/Windows": "a file"})


def test_linux_stages_can_be_read_but_not_written(bench: Bench) -> None:
    with pytest.raises(DockerfileError, match="last stage is a linux image"):
        bench.build("FROM --platform=linux/amd64 scratch\nCOPY a /a\n", {"a": "x"})


def test_the_target_stage_is_the_image(bench: Bench) -> None:
    dockerfile = f"FROM {NANOSERVER} AS first\nENV A=1\nFROM {NANOSERVER} AS second\nRUN no\n"
    assert bench.build(dockerfile, target="first").image.config.run.env == ("A=1",)
    with pytest.raises(UsageError, match="names no stage"):
        bench.build(dockerfile, target="third")


def test_a_tarball_a_lone_dockerfile_and_stdin_are_contexts(bench: Bench) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in (("Dockerfile", (FROM + "COPY a C:\\a\n").encode()), ("a", b"tarred")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    shop = bench.shop()
    for data, path in ((packed.getvalue(), "Files/a"), ((FROM + "WORKDIR C:\\w\n").encode(), "")):
        object.__setattr__(shop, "stdin", io.BytesIO(data))
        built = list(build(BuildRequest(context="-"), shop))[-1].value  # type: ignore[union-attr]
        if path:
            assert bench.content(built, path) == b"tarred"
        else:
            assert "Files/w" in bench.layer(built)


def test_dockerignore_is_obeyed(bench: Bench) -> None:
    built = bench.build(FROM + "COPY . C:\\app\\\n", {"a": "1", "secret": "2", ".dockerignore": "secret\n"})
    assert "Files/app/secret" not in bench.layer(built)
    assert "Files/app/a" in bench.layer(built)


def test_labels_and_annotations_of_the_request_are_added(bench: Bench) -> None:
    built = bench.build(FROM + "LABEL a=1\n", labels=(("b", "2"),), annotations=(("c", "3"),))
    labels = dict(built.image.config.run.labels)
    assert (labels["a"], labels["b"]) == ("1", "2")
    assert dict(built.image.annotations)["c"] == "3"


def test_a_plan_says_how_much_each_copy_takes_and_reads_none_of_it(bench: Bench) -> None:
    dockerfile = f"FROM {NANOSERVER} AS one\nFROM one\nCOPY d C:/d\nCOPY --from=one /x C:/x\n"
    plan = bench.plan(dockerfile, {"d/a": "12", "d/b": "345"})
    amounts = [plan.amounts.get(id(step)) for step in plan.target().steps]
    assert amounts[0] is not None and (amounts[0].files, amounts[0].size) == (2, 5)
    assert amounts[1] is None
    assert not bench.plan(FROM + "COPY nothing C:\\x\n").amounts
    assert bench.warnings() == ["cannot-copy"]


def test_known_metadata_reads_only_a_stages_own_layers(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    base = bench.build(FROM).image.layers[0].digest
    real = bench.local.open_blob

    def watched(descriptor: object, **how: int) -> object:
        assert descriptor.digest != base, "the base's layer was read"  # type: ignore[attr-defined]
        return real(descriptor, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.local, "open_blob", watched)
    built = bench.build(f"FROM {NANOSERVER} AS one\nCOPY a C:/in/a\nFROM {NANOSERVER}\nCOPY --from=one C:/in C:/out\n",
                        {"a": "x"}, base_metadata="known")
    assert "Files/out/a" in bench.layer(built)


def test_a_scratch_stage_that_only_lends_files_has_no_hives(bench: Bench) -> None:
    built = bench.build("FROM scratch AS files\nCOPY a /\n" + FROM + "COPY --from=files / C:\\app\\\n", {"a": "x"})
    assert sorted(bench.layer(built)) == ["Files", "Files/app", "Files/app/a", "Hives"]
    shipped = bench.build("FROM scratch AS base\nFROM base AS more\nCOPY a /\nFROM more\n", {"a": "x"})
    assert "Files/Windows/System32/config/SAM" in bench.layer(shipped, 0)


def test_a_new_layers_files_are_read_once_and_an_unchanged_ones_not_at_all(
        bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from imagebuild.builder.context.walk import FolderTree

    bench.cached = True
    hashed: list[str] = []
    real = FolderTree.digest
    monkeypatch.setattr(FolderTree, "digest", lambda tree, path: hashed.append(path) or real(tree, path))
    context = bench.context({"Dockerfile": FROM + "COPY a C:\\a\n", "a": "x"})
    first = bench.run(context)
    assert not hashed
    assert bench.run(context).descriptor == first.descriptor
    assert hashed == ["a"]
    (context / "a").write_bytes(b"y")
    assert bench.run(context).descriptor != first.descriptor


@pytest.mark.parametrize(("platform", "warned"), [
    ("windows/amd64", False), ("windows(10.0.20348)/amd64", False), ("windows(10.0.17763)/amd64", True),
    ("windows/arm64", True)])
def test_a_base_for_another_platform_than_asked_is_told(bench: Bench, platform: str, warned: bool) -> None:
    bench.build(FROM.replace("FROM", f"FROM --platform={platform}") + "COPY a C:\\a\n", {"a": "x"})
    told = [event.text for event in bench.events if isinstance(event, Warn) and event.code == "other-platform"]
    assert bool(told) is warned
    assert all("is for windows(10.0.20348.2762)/amd64, not for windows" in text for text in told)


def test_the_maintainer_is_the_author_and_the_history_has_every_flag(bench: Bench) -> None:
    text = "MAINTAINER me\nCOPY --link --exclude=*.md --parents a b C:\\x\\\n"
    built = bench.build(FROM + text, {"a": "1", "b": "2"})
    assert built.image.config.author == "me"
    assert built.image.config.history[-1].created_by == "COPY --exclude=*.md --parents --link a b C:\\x\\"


def test_an_error_about_an_asked_path_names_it_as_it_was_written(bench: Bench) -> None:
    with pytest.raises(ContextError, match=r"C:\\NoWhere\\x"):
        bench.build(FROM, acls=(("C:\\NoWhere\\x", "D:P(A;;FA;;;BA)"),))


def test_instructions_that_only_set_the_config_make_it_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0

    def counted(*args: object) -> object:
        nonlocal made
        made += 1
        return add_history(*args)  # type: ignore[arg-type]

    monkeypatch.setattr("imagebuild.builder.execute.stage.add_history", counted)
    built = bench.build(FROM + "ENV A=1\n" * 200 + "COPY a C:\\a\nENV B=1\n", {"a": "x"})
    told = [step.created_by for step in built.image.config.history][-202:]
    assert told == ["ENV A=1"] * 200 + ["COPY a C:\\a", "ENV B=1"]
    assert made == 2
