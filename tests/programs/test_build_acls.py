# SPDX-License-Identifier: Apache-2.0
"""Access control lists that a RUN sets are in its layer, and hold for the next RUN and for ``wcow run``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import programs, windows_programs
from support.build_home import BASE, Home, opened

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with opened() as made:
        yield made


def sddl(home: Home, image: str, path: str) -> str:
    """What an image's layers say of a path."""
    return home.wcow("ls", "-l", "-d", "--quiet", "--acl", "sddl", image, path)[0]


DOCKERFILE = rf"""# escape=`
FROM {BASE}
COPY a.txt C:\app\conf\
RUN mkdir C:\app\data && icacls C:\app\data /grant "ContainerUser:(OI)(CI)M" >nul
RUN icacls C:\app\conf /inheritance:r /grant:r Administrators:(OI)(CI)F SYSTEM:(OI)(CI)F /setowner SYSTEM
RUN echo made later> C:\app\conf\b.txt && icacls C:\app\conf\a.txt
USER ContainerUser
RUN echo mine> C:\app\data\mine.txt && type C:\app\data\mine.txt
"""


def test_what_icacls_does_is_in_the_layer_and_holds(home: Home) -> None:
    context = home.context(DOCKERFILE, **{"a.txt": "a\n"})
    first, err = home.wcow("build", "--no-cache", "-t", "acl:1", context)
    again, _err = home.wcow("build", "--no-cache", "-t", "acl:2", context)
    assert again.replace("acl:2", "acl:1") == first
    assert r"processed file: C:\app\conf" in err
    assert r"C:\app\conf\a.txt BUILTIN\Administrators:(I)(F)" in err
    assert "(A;OICI;0x1301bf;;;S-1-5-93-2-2)" in sddl(home, "acl:1", r"C:\app\data")
    assert "(A;ID;0x1301bf;;;S-1-5-93-2-2)" in sddl(home, "acl:1", r"C:\app\data\mine.txt")
    assert "O:SYG:SYD:PAI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)" in sddl(home, "acl:1", r"C:\app\conf")
    for name in ("a.txt", "b.txt"):
        found = sddl(home, "acl:1", rf"C:\app\conf\{name}")
        assert "D:AI(A;ID;FA;;;BA)(A;ID;FA;;;SY)" in found
        assert ";;;BU)" not in found
    assert "nothing found" in home.wcow("lint", "acl:1")[0]


def test_a_user_is_denied_what_is_not_granted(home: Home) -> None:
    context = home.context(DOCKERFILE + r"RUN type C:\app\conf\a.txt" + "\n", **{"a.txt": "a\n"})
    _out, err = home.wcow("build", "-t", "denied:1", context, code=1)
    assert "Access is denied." in err
    assert "RUN: the command ended with 1" in err
    out, err = home.wcow("run", "acl:1", "cmd", "/c", r"echo x> C:\app\conf\c.txt", code=1)
    assert "Access is denied." in out + err
    assert home.wcow("run", "--user", "ContainerAdministrator", "acl:1", "cmd", "/c", r"type C:\app\conf\b.txt"
                     )[0].strip() == "made later"


def test_set_acl_of_powershell_is_in_the_layer(home: Home) -> None:
    with programs.skipping():
        home.wcow("powershell", "install", "--from", str(windows_programs.powershell()))
    context = home.context(rf"""# escape=`
FROM {BASE}
SHELL ["powershell", "-Command", "$ErrorActionPreference = 'Stop';"]
RUN mkdir C:\web\in | Out-Null; `
    $acl = Get-Acl C:\web; `
    $rule = New-Object Security.AccessControl.FileSystemAccessRule('Users', 'Modify', `
        'ContainerInherit,ObjectInherit', 'None', 'Allow'); `
    $acl.SetAccessRule($rule); Set-Acl C:\web $acl; (Get-Acl C:\web\in).Access | Out-String
RUN $acl = Get-Acl C:\web\in; $acl.SetAccessRuleProtection($true, $false); Set-Acl C:\web\in $acl
""")
    home.wcow("build", "-t", "setacl:1", context)
    web = sddl(home, "setacl:1", r"C:\web")
    assert "D:AI(A;OICI;0x1301bf;;;BU)(A;OICIID;FA;;;BA)" in web
    assert web.count("FA;;;BA)") == 1
    assert "D:PAI" in sddl(home, "setacl:1", r"C:\web\in")
    assert "nothing found" in home.wcow("lint", "setacl:1")[0]
