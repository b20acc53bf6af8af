# SPDX-License-Identifier: Apache-2.0
"""What the sources of a COPY mean."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imagebuild.builder.context import select as context_select
from imagebuild.builder.context.context import Context
from imagebuild.builder.context.select import Selection, select
from imagebuild.dockerfile.ignore import Ignore
from imagebuild.errors import ContextError
from imagebuild.layer import Kind


def fill(root: Path, *names: str) -> Path:
    """Files with their own name as content; a name that ends in / is a folder, ``a -> b`` a symlink."""
    for name in names:
        name, arrow, target = name.partition(" -> ")
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if arrow:
            path.symlink_to(target)
        elif name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(os.fsencode(name))
    return root


def chosen(root: Path, *sources: str, ignore: bytes = b"", **more: Any) -> list[str]:
    """The selection as ``source > destination`` lines; ``!`` marks a file named itself, ``/`` a folder."""
    return lines(select(Context.from_folder(root, Ignore.parse(ignore)), sources, **more))


def lines(selection: Selection) -> list[str]:
    out = []
    for item in selection.items:
        mark = "!" if item.alone else "/" if item.kind is Kind.DIRECTORY else ""
        out.append(f"{item.source} > {'/'.join(item.path)}{mark}" + (f" -> {item.target}" if item.target else ""))
    return out


def refused(root: Path, *sources: str, **more: Any) -> ContextError:
    with pytest.raises(ContextError) as caught:
        chosen(root, *sources, **more)
    return caught.value


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return fill(tmp_path, "a.txt", "b.md", "src/x.c", "src/x.h", "src/sub/y.c", "src/empty/", "bin/app.exe", "z[1].txt")


def test_a_folder_means_what_is_in_it(tree: Path) -> None:
    assert chosen(tree, "src") == ["src > /", "src/empty > empty/", "src/sub > sub/", "src/sub/y.c > sub/y.c",
                                   "src/x.c > x.c", "src/x.h > x.h"]
    assert chosen(tree, "src/") == chosen(tree, "./src") == chosen(tree, "/src") == chosen(tree, "x/../src/.")


def test_the_context_itself_means_everything(tree: Path) -> None:
    for source in (".", "./", "/", "C:\\", ""):
        assert [line.partition(" ")[0] for line in chosen(tree, source)] == [
            "", "a.txt", "b.md", "bin", "bin/app.exe", "src", "src/empty", "src/sub", "src/sub/y.c", "src/x.c",
            "src/x.h", "z[1].txt"]


def test_a_file_named_itself_is_marked(tree: Path) -> None:
    assert chosen(tree, "a.txt", "src/x.c") == ["a.txt > a.txt!", "src/x.c > x.c!"]
    item = select(Context.from_folder(tree), ["a.txt"]).items[0]
    assert (item.kind, item.size, item.mtime_ns) == (Kind.FILE, 5, (tree / "a.txt").stat().st_mtime_ns)


def test_backslashes_separate_names_as_in_any_windows_dockerfile(tree: Path) -> None:
    assert chosen(tree, "src\\sub\\y.c") == chosen(tree, "C:\\src\\sub\\y.c") == ["src/sub/y.c > y.c!"]


def test_a_folder_that_a_wildcard_found_means_what_is_in_it(tree: Path) -> None:
    assert chosen(tree, "b*") == ["bin > /", "bin/app.exe > app.exe", "b.md > b.md!"]


def test_a_wildcard_that_finds_nothing_is_reported_and_no_error(tree: Path) -> None:
    selection = select(Context.from_folder(tree), ["a.txt", "*.none"])
    assert lines(selection) == ["a.txt > a.txt!"] and selection.unmatched == ("*.none",)


def test_a_folder_before_a_wildcard_must_be_there(tree: Path) -> None:
    assert "no gone in the build context" in refused(tree, "gone/*.c").why
    assert select(Context.from_folder(tree), ["a.txt/*"]).unmatched == ("a.txt/*",)


def test_a_bad_wildcard_is_refused(tree: Path) -> None:
    assert "[" in refused(tree, "src/[x").what


@pytest.mark.parametrize("source", ["../x", "a/../../x", "..\\x", "/../x", "C:..\\x"])
def test_a_source_outside_the_context_is_refused(tree: Path, source: str) -> None:
    error = refused(tree, source)
    assert "out of the build context" in error.why and "--build-context" in error.hint


def test_a_missing_source_says_what_could_be_meant(tree: Path) -> None:
    assert "no gone/x in the build context" in refused(tree, "gone/x").why
    assert "there is src/x.c" in refused(tree, "Src/X.c").hint
    assert "left out by .dockerignore" in refused(tree, "src/x.c", ignore=b"*.c\nsrc").why


def test_ignored_files_are_not_copied(tree: Path) -> None:
    assert chosen(tree, "src", ignore=b"**/*.c\n!src/sub/y.c") == ["src > /", "src/empty > empty/", "src/sub > sub/",
                                                              "src/sub/y.c > sub/y.c", "src/x.h > x.h"]


def test_excludes_are_relative_to_the_source_folder(tree: Path) -> None:
    assert chosen(tree, "src", excludes=("*.c",)) == \
        ["src > /", "src/empty > empty/", "src/sub > sub/", "src/sub/y.c > sub/y.c", "src/x.h > x.h"]
    assert chosen(tree, "src", excludes=("**\\*.c", "empty")) == ["src > /", "src/sub > sub/", "src/x.h > x.h"]
    assert chosen(tree, "src", excludes=("src/*.c",)) == chosen(tree, "src")
    assert chosen(tree, "src", excludes=("sub", "!sub/y.c", "empty", "x.*")) == \
        ["src > /", "src/sub > sub/", "src/sub/y.c > sub/y.c"]


def test_excludes_hold_for_files_that_are_named_too(tree: Path) -> None:
    assert chosen(tree, "*.*", excludes=("*.txt",)) == ["b.md > b.md!"]
    assert "--exclude=[" in refused(tree, "src", excludes=("[",)).what


def test_parents_are_kept_when_asked_for(tree: Path) -> None:
    assert chosen(tree, "./src/x.c", "bin/app.exe", parents=True) == \
        [" > /", "bin > bin/", "bin/app.exe > bin/app.exe", "src > src/", "src/x.c > src/x.c"]
    assert chosen(tree, "src/./sub/*.c", parents=True) == ["src > /", "src/sub > sub/", "src/sub/y.c > sub/y.c"]
    assert chosen(tree, "src/**/*.c", parents=True) == \
        [" > /", "src > src/", "src/sub > src/sub/", "src/sub/y.c > src/sub/y.c", "src/x.c > src/x.c"]
    assert chosen(tree, "src/sub", parents=True) == \
        [" > /", "src > src/", "src/sub > src/sub/", "src/sub/y.c > src/sub/y.c"]
    assert chosen(tree, "s*/./*.h", parents=True) == ["src > /", "src/x.h > x.h"]
    assert chosen(tree, ".", parents=True) == chosen(tree, ".")
    assert chosen(tree, "src", parents=True, excludes=("**/*.c", "src/empty")) == \
        [" > /", "src > src/", "src/sub > src/sub/", "src/x.h > src/x.h"]


def test_a_folder_that_is_left_out_is_taken_all_the_same_where_files_in_it_are_brought_back(tree: Path) -> None:
    assert chosen(tree, ".", excludes=("*", "!src/sub/*.c")) == [
        " > /", "src > src/", "src/sub > src/sub/", "src/sub/y.c > src/sub/y.c"]


def test_parents_of_nothing_are_an_error_only_without_wildcards(tree: Path) -> None:
    assert "no src/gone.c" in refused(tree, "src/gone.c", parents=True).why
    assert select(Context.from_folder(tree), ["src/*.gone"], parents=True).unmatched == ("src/*.gone",)
    assert chosen(tree, "*/./*.exe", parents=True) == ["bin > /", "bin/app.exe > app.exe"]
    assert "no a.txt/x" in refused(tree, "a.txt/./x", parents=True).why


def test_the_later_of_two_files_with_one_name_counts(tmp_path: Path) -> None:
    fill(tmp_path, "a/f", "b/f", "a/d/x", "b/d/y")
    assert chosen(tmp_path, "a", "b") == ["a > /", "a/d > d/", "a/d/x > d/x", "b/d/y > d/y", "b/f > f"]
    assert chosen(tmp_path, "a/f", "b/f") == ["b/f > f!"]


def test_a_file_and_a_folder_with_one_name_are_refused(tmp_path: Path) -> None:
    fill(tmp_path, "a/n", "b/n/x")
    assert "a/n and b/n" in refused(tmp_path, "a", "b").what


@pytest.mark.parametrize(("names", "sources", "both"), [
    (["d/Readme", "d/README"], ["d"], "d/README and d/Readme"),
    (["d/Sub/x", "d/sub/y"], ["d"], "d/Sub and d/sub"),
    (["d/é", "d/É"], ["d"], "d/É and d/é"),
    (["a/x", "b/X"], ["a", "b"], "a/x and b/X"),
    (["a/x", "b/X"], ["a/x", "b/X"], "a/x and b/X"),
])
def test_names_that_differ_only_in_case_are_refused_with_both(tmp_path: Path, names: list[str], sources: list[str],
                                                              both: str) -> None:
    error = refused(fill(tmp_path, *names), *sources)
    assert both in error.what and "only in case" in error.why
    assert chosen(fill(tmp_path / "other", "d/ß", "d/ss"), "d") == ["d > /", "d/ss > ss", "d/ß > ß"]


@pytest.mark.parametrize(("name", "said"), [
    ("aux.c", "device"), ("a:b", "':'"), ("a?", "'?'"), ("a.", "dot or space"), ("a ", "dot or space"),
    ("a\\b", "not allowed"),
    ("a\nb", "U+000A"), (".wh.x", "deletes"), (os.fsdecode(b"caf\xe9"), "not UTF-8"), ("nul/x", "device"),
])
def test_names_windows_cannot_hold_are_refused_with_the_reason(tmp_path: Path, name: str, said: str) -> None:
    fill(tmp_path, f"d/{name}")
    error = refused(tmp_path, ".")
    assert said in error.why and error.hint
    assert "\n" not in error.what and all(not "\udc80" <= char <= "\udcff" for char in str(error))


def test_the_name_of_a_file_named_itself_is_left_to_the_destination(tmp_path: Path) -> None:
    assert chosen(fill(tmp_path, "aux.c"), "aux.c") == ["aux.c > aux.c!"]


def test_an_excluded_name_does_no_harm(tmp_path: Path) -> None:
    fill(tmp_path, "d/aux.c", "d/Readme", "d/README", "d/l -> /abs")
    os.mkfifo(tmp_path / "d" / "pipe")
    assert chosen(tmp_path, "d", excludes=("aux.c", "README", "l", "pipe")) == ["d > /", "d/Readme > Readme"]


def test_a_special_file_is_refused_by_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    error = refused(tmp_path, ".")
    assert "pipe" in error.what and "a named pipe" in error.why and ".dockerignore" in error.hint


@pytest.mark.parametrize(("names", "said"), [
    (["l -> f"], "l > l -> f"), (["s/l -> ../f"], "s/l > s/l -> ..\\f"), (["l -> ./d//x"], "l > l -> d\\x"),
    (["l -> d"], "l > l -> d"), (["l -> d/"], "l > l -> d"), (["s/l -> .."], "s/l > s/l -> .."),
    (["l -> ."], "l > l -> ."),
    (["l -> m", "m -> f"], "l > l -> m"),
    (["far -> d/deep", "l -> far/../x"], "l > l -> d\\x"),
])
def test_kept_links_get_windows_targets(tmp_path: Path, names: list[str], said: str) -> None:
    assert said in chosen(fill(tmp_path, "f", "d/x", "d/deep/", *names), ".")


@pytest.mark.parametrize(("target", "kind"), [
    ("f", Kind.SYMLINK), ("d", Kind.DIRECTORY_SYMLINK), ("m", Kind.DIRECTORY_SYMLINK), ("n", Kind.SYMLINK),
    ("m/x", Kind.SYMLINK)])
def test_the_kind_of_a_link_is_that_of_what_it_leads_to(tmp_path: Path, target: str, kind: Kind) -> None:
    fill(tmp_path, "f", "d/x", "m -> d", "n -> f", f"l -> {target}")
    items = select(Context.from_folder(tmp_path), ["."]).items
    assert {item.source: item.kind for item in items}["l"] is kind


@pytest.mark.parametrize(("link", "said"), [
    ("l -> /etc/passwd", "absolute"), ("l -> C:\\x", "absolute"), ("l -> \\x", "absolute"),
    ("l -> ../../x", "out of the build"),
    ("l -> gone", "file or to a folder"), ("l -> l", "circle"), ("l -> aux.c", "device"), ("l -> pipe", "named pipe"),
])
def test_links_that_windows_or_the_image_could_not_follow_are_refused(tmp_path: Path, link: str, said: str) -> None:
    fill(tmp_path, "d/aux.c", f"d/{link}", "e/y")
    os.mkfifo(tmp_path / "d" / "pipe")
    error = refused(tmp_path, "d", excludes=("aux.c", "pipe"))
    assert said in error.why and "l" in error.what
    assert chosen(tmp_path, "e", "d", excludes=("aux.c", "pipe", "l"))[0] == "e > /"


def test_a_link_to_an_ignored_file_counts_as_dangling(tmp_path: Path) -> None:
    fill(tmp_path, "l -> f", "f")
    assert "not in the build context" in refused(tmp_path, ".", ignore=b"f").why


def test_dangling_links_are_kept_when_allowed(tmp_path: Path) -> None:
    fill(tmp_path, "f -> gone", "d -> gone/")
    items = select(Context.from_folder(tmp_path), ["."], dangling="keep").items
    assert [(item.kind, item.target) for item in items[1:]] == \
        [(Kind.DIRECTORY_SYMLINK, "gone"), (Kind.SYMLINK, "gone")]


def test_a_link_named_itself_means_what_it_leads_to(tmp_path: Path) -> None:
    fill(tmp_path, "d/x", "f", "l -> d", "m -> f", "w1 -> f")
    assert chosen(tmp_path, "l") == ["d > /", "d/x > x"]
    assert chosen(tmp_path, "m", "l/x", "w*") == ["f > m!", "f > w1!", "d/x > x!"]
    assert "symlink" in refused(tmp_path, "m", symlinks="refuse").why
    assert "symlink" in refused(tmp_path, "l/x", symlinks="refuse").why


def test_links_inside_are_refused_when_asked_for(tmp_path: Path) -> None:
    error = refused(fill(tmp_path, "f", "l -> f"), ".", symlinks="refuse")
    assert "l" in error.what and "--symlinks refuse" in error.why


def test_followed_links_become_what_they_lead_to(tmp_path: Path) -> None:
    fill(tmp_path, "s/d/x", "s/d/y", "s/l -> d", "s/m -> ../f", "f", "s/n -> l/x")
    assert chosen(tmp_path, "s", symlinks="follow", excludes=("l/y",)) == [
        "s > /", "s/d > d/", "s/d/x > d/x", "s/d/y > d/y", "s/d > l/", "s/d/x > l/x", "f > m", "s/d/x > n"]
    assert chosen(tmp_path, "s/./l", parents=True, symlinks="follow") == \
        ["s > /", "s/d > l/", "s/d/x > l/x", "s/d/y > l/y"]


@pytest.mark.parametrize("names", [["d/l -> ."], ["d/l -> ../d"], ["d/l -> ..", "d/x"], ["a/l -> ../b", "b/l -> ../a"],
                                   ["d/e/l -> ../../d"]])
def test_a_circle_of_followed_folders_is_refused_by_name(tmp_path: Path, names: list[str]) -> None:
    error = refused(fill(tmp_path, *names), ".", symlinks="follow")
    assert "circle" in error.why and "/l" in error.what


@pytest.mark.parametrize(("link", "said"), [
    ("l -> /etc/passwd", "absolute"), ("l -> ../../x", "out of the build context"),
    ("l -> gone", "not in the build context"), ("l -> l", "circle")])
def test_followed_links_stay_in_the_context(tmp_path: Path, link: str, said: str) -> None:
    assert said in refused(fill(tmp_path, f"d/{link}"), "d", symlinks="follow").why


def test_links_that_multiply_folders_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_select, "MAX_ITEMS", 1000)
    fill(tmp_path, "d0/x", *(f"d{level}/{name} -> ../d{level - 1}" for level in range(1, 20) for name in "ab"))
    assert "more than the 1000 items" in refused(tmp_path, "d19", symlinks="follow").why


def test_the_order_of_a_listing_changes_nothing(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = Context.from_folder(tree)
    expected = select(context, [".", "src/*"]).items
    scan = os.scandir
    for seed in range(5):
        @contextlib.contextmanager
        def shuffled(path: Any, seed: int = seed) -> Iterator[Any]:
            with scan(path) as found:
                entries = sorted(found, key=lambda entry: entry.name)
            random.Random(seed).shuffle(entries)
            yield iter(entries)

        monkeypatch.setattr("imagebuild.builder.context.walk.os.scandir", shuffled)
        assert select(Context.from_folder(tree), [".", "src/*"]).items == expected
