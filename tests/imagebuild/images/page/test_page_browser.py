# SPDX-License-Identifier: Apache-2.0
"""The HTML page in a real browser, from disk: it draws, its console stays empty, names from images stay text.

Screenshots are left in ``PAGE_SCREENSHOTS`` when that names a folder.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from support import images, programs
from support.differences import Sides, finish
from support.hives import OTHER
from support.images import file, folder, hive_file, link
from support.layers import tar
from support.workbench import NANOSERVER, Workbench

from imagebuild.hive import Key, Value
from imagebuild.hive.tree import TOMBSTONE
from imagebuild.images.compare.compare import Side, side_of
from imagebuild.images.page.findings import lint_for_page
from imagebuild.images.page.page import PageFinding, make_page
from imagebuild.layer import Kind

pytestmark = pytest.mark.slow

EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'<&script>"


class Browser:
    """Headless Chromium with a profile of its own."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder

    def _run(self, page: Path, *options: str, view: str = "files", width: int = 1280, height: int = 800) -> str:
        done = subprocess.run(
            [self._program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
             f"--user-data-dir={self._folder / 'profile'}", "--enable-logging=stderr", "--virtual-time-budget=4000",
             f"--window-size={width},{height}", *options, f"{page.as_uri()}#{view}"],
            capture_output=True, text=True, timeout=180, check=True, env={**os.environ, "HOME": str(self._folder)})
        said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        assert not said, "\n".join(said)
        return done.stdout

    def dom(self, page: Path, view: str = "files") -> str:
        """The page as it stands after its script ran; fails when the console says anything."""
        return self._run(page, "--dump-dom", view=view)

    def shoot(self, page: Path, name: str, *, view: str = "files", width: int = 1280, height: int = 800,
              dark: bool = False) -> Path:
        """A picture, in a file."""
        kept = os.environ.get("PAGE_SCREENSHOTS")
        out = Path(kept or self._folder) / f"{name}.png"
        out.parent.mkdir(parents=True, exist_ok=True)
        theme = ["--blink-settings=preferredColorScheme=0"] if dark else []
        self._run(page, f"--screenshot={out}", *theme, view=view, width=width, height=height)
        return out


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        with programs.skipping():
            raise programs.Unavailable("chromium is not installed (Debian package chromium)")
    return Browser(str(program), tmp_path_factory.mktemp("browser"))


BASE_KEYS = Key("ROOT", subkeys=(Key("ControlSet001", subkeys=(Key("Services", subkeys=(
    Key("diagtrack", (Value.dword("Start", 2),)), Key("tcpip", (Value.dword("Start", 1),)))),)),))


def delta(version: int) -> Key:
    """What a version says of the registry: the second deletes a service, and has two of another name or value."""
    if version == 1:
        return Key("ROOT", subkeys=(Key("Mine", (Value.sz("v", "one"),)),))
    services = (Key("diagtrack", semantics=TOMBSTONE), Key("tcpip", (Value.dword("Start", 4),), inherit_class=True),
                *(Key(f"new{number}", (Value.sz("Name", EVIL),), (Key(EVIL.replace("\\", ""), security=OTHER),))
                  for number in range(300)))
    return Key("ROOT", subkeys=(
        Key("ControlSet001", subkeys=(Key("Services", subkeys=services, inherit_class=True),), inherit_class=True),
        Key("Mine", (Value.sz("v", EVIL),))))


def sample(sides: Sides, version: int) -> Side:
    """An image of 3,000 files in folders, with links, and things that change from one version to the next."""
    config = "Files/Windows/System32/config/"
    base = sides.layer(folder("Files/Windows"), hive_file(config + "SYSTEM", BASE_KEYS), *(
        file(f"Files/Windows/System32/sys{number:04}.dll", bytes(number * 7)) for number in range(900)), base=True)
    app = [file(f"Files/app/part{number % 12}/module-{number:04}.js", b"%d" % (number + version * (number % 70 == 0))
                * (number % 500)) for number in range(2100) if number % 200 != version]
    app += [file("Files/app/acl.txt", b"1", sddl=images.SDDL if version == 1 else "O:SYG:SYD:P(A;;FA;;;WD)"),
            link("Files/app/current", Kind.JUNCTION, "C:\\app\\part1")]
    app.append(hive_file("Hives/System_Delta", delta(version)))
    return sides.side(base, sides.layer(*app), name=f"app:{version}", cmd=("app.exe", str(version)))


def write(path: Path, sides: Sides, before: Side | None, after: Side,
          findings: list[PageFinding] | None = None) -> Path:
    """The page on disk."""
    found = sides.compare(before, after)
    path.write_text("".join(finish(make_page(found, before, after, findings=findings))), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    top = tmp_path_factory.mktemp("pages")
    sides = Sides(top)
    one, two = sample(sides, 1), sample(sides, 2)
    bad = sides.side(sides.raw_layer(tar((EVIL, {"data": b"1" * 100}), ("dir/" + EVIL, {"data": b"1" * 100}))),
                     os="linux", name="evil:1", labels=((EVIL, EVIL),), author=EVIL)
    said = [PageFinding("acl-missing", "warning", "no ACL", "Files/app", 1, "base", "give it one", "hcsshim"),
            PageFinding(EVIL, "error", EVIL, EVIL)]
    bench = Workbench(top / "bench")
    bench.base("nanoserver", NANOSERVER)
    bench.build(Path(__file__).parents[4] / "examples" / "app", tag="app:1")
    demo = side_of(bench.find("app:1"), sides.cache)
    return {"demo": write(top / "demo.html", sides, None, demo, finish(lint_for_page(demo))),
            "diff": write(top / "diff.html", sides, one, two, said),
            "one": write(top / "one.html", sides, None, two),
            "evil": write(top / "evil.html", sides, None, bad, said)}


def test_the_tree_the_map_and_the_details_are_drawn(browser: Browser, pages: dict[str, Path]) -> None:
    dom = browser.dom(pages["diff"])
    assert dom.count('role="treeitem"') > 15 and dom.count('class="cell') > 100
    assert 'aria-level="2"' in dom and 'aria-expanded="true"' in dom
    assert "paths removed" in dom and "paths changed" in dom and '<div class="path">C:\\</div>' in dom


def test_the_page_of_the_demo_image_has_its_app_and_no_findings(browser: Browser, pages: dict[str, Path]) -> None:
    dom = browser.dom(pages["demo"])
    assert "no findings" in dom and 'title="C:\\app"' in dom and "SOFTWARE" in dom
    assert "COPY site\\ site\\" in browser.dom(pages["demo"], "layers")


def test_a_page_of_3000_files_is_small(pages: dict[str, Path]) -> None:
    assert pages["diff"].stat().st_size < 2_000_000 and pages["one"].stat().st_size < 1_000_000


@pytest.mark.parametrize(("view", "wanted"), [
    ("changes", "C:\\app\\acl.txt"), ("layers", "step 1"), ("config", "app.exe"),
    ("registry", "REG_SZ  one"), ("acls", "allow NT AUTHORITY\\SYSTEM: full control"), ("findings", "acl-missing")])
def test_every_view_has_its_rows(browser: Browser, pages: dict[str, Path], view: str, wanted: str) -> None:
    dom = browser.dom(pages["diff"], view)
    assert re.search(r"<tbody><tr", dom) and wanted in dom


@pytest.mark.parametrize("view", ["files", "layers", "config", "findings"])
def test_names_from_an_image_stay_text(browser: Browser, pages: dict[str, Path], view: str) -> None:
    dom = browser.dom(pages["evil"], view)
    assert "<title>evil:1</title>" in dom
    assert "<img" not in re.sub(r"<script.*?</script>", "", dom, flags=re.DOTALL)
    assert "&lt;img src=x" in dom or view == "layers"


def test_the_registry_is_a_tree_by_hive_and_key_whose_texts_stay_text(browser: Browser, pages: dict[str, Path]) -> None:
    dom = browser.dom(pages["diff"], "registry")
    shown = re.sub(r"<script.*?</script>", "", dom, flags=re.DOTALL)
    assert "HKEY_LOCAL_MACHINE\\SYSTEM" in shown and "<details" in shown and "<title>app:1 → app:2</title>" in dom
    assert ">REG_SZ  one</span>" in shown and "&lt;img src=x" in shown and "<img" not in shown
    assert 'id="tab-registry"' not in browser.dom(pages["one"])


def test_keys_of_the_registry_open_and_are_searched(browser: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "",
                  pages["diff"].read_text(encoding="utf-8"))
    driver = """<script>
    const seen = [], count = () => document.querySelectorAll(".key-row").length;
    seen.push(count());
    const first = document.querySelector("details.key-row:not([open])");
    first.open = true;
    setTimeout(() => {
      seen.push(count() > 100, document.querySelectorAll("button.more").length);
      document.querySelector("button.more").click();
      seen.push(document.querySelectorAll("button.more").length);
      document.querySelector("#search").value = "diagtrack";
      document.querySelector("#search").dispatchEvent(new Event("input"));
      setTimeout(() => {
        seen.push(...[...document.querySelectorAll(".key-row summary .mono")].map(node => node.textContent));
        document.body.replaceChildren(JSON.stringify(seen));
      }, 400);
    }, 200);
    </script>"""
    copy = tmp_path / "driven.html"
    copy.write_text(text.replace("</body>", driver + "</body>"), encoding="utf-8")
    body = re.search(r"<body>(.*)</body>", browser.dom(copy, "registry"), re.DOTALL)
    assert body
    assert json.loads(body[1]) == [2, True, 1, 0, "ControlSet001\\Services\\diagtrack"]


def test_the_keyboard_goes_through_the_tree_and_the_map(browser: Browser, pages: dict[str, Path],
                                                        tmp_path: Path) -> None:
    """A copy of the page that may run one more script, which presses keys and writes down where they led."""
    text = pages["one"].read_text(encoding="utf-8")
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    driver = """<script>
    const press = key => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
    const at = () => document.querySelector('[role="treeitem"][aria-selected="true"] .name').title;
    const seen = [];
    document.querySelector('[role="treeitem"][tabindex="0"]').focus();
    for (const key of ["ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "End",
                       "Home"]) {
      press(key);
      seen.push(at());
    }
    document.querySelector('.cell[tabindex="0"]').focus();
    press("Enter");
    seen.push(at());
    document.querySelector('#search').focus();
    document.querySelector('#search').value = "module-0007";
    document.querySelector('#search').dispatchEvent(new Event("input"));
    setTimeout(() => {
      seen.push(document.querySelector('[role="treeitem"] .name').textContent);
      document.body.replaceChildren(JSON.stringify(seen));
    }, 400);
    </script>"""
    copy = tmp_path / "driven.html"
    copy.write_text(text.replace("</body>", driver + "</body>"), encoding="utf-8")
    body = re.search(r"<body>(.*)</body>", browser.dom(copy), re.DOTALL)
    assert body
    assert json.loads(body[1]) == [
        "C:\\app", "C:\\app", "C:\\app\\acl.txt", "C:\\app\\acl.txt", "C:\\app", "C:\\app", "C:\\Windows", "C:\\",
        "C:\\Windows", "C:\\app\\part7\\module-0007.js"]


@pytest.mark.parametrize(("name", "page", "view", "width", "dark"), [
    ("light", "diff", "files", 1280, False), ("dark", "diff", "files", 1280, True),
    ("demo", "demo", "files", 1280, False), ("narrow", "diff", "files", 500, False),
    ("one-dark", "one", "files", 1280, True),
    ("changes", "diff", "changes", 1280, False), ("registry", "diff", "registry", 1280, False),
    ("registry-narrow", "diff", "registry", 500, True), ("findings-dark", "diff", "findings", 1000, True)])
def test_a_picture_of_the_page_has_something_on_it(browser: Browser, pages: dict[str, Path], name: str, page: str,
                                                   view: str, width: int, dark: bool) -> None:
    picture = browser.shoot(pages[page], name, view=view, width=width, height=900, dark=dark).read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", picture[16:24]) == (width, 900)
    assert len(picture) > 20_000  # an empty page of this size packs into far less
