# SPDX-License-Identifier: Apache-2.0
"""What a box says it is: the same Windows and the same account by every way to ask."""

from __future__ import annotations

import pytest
from support import programs, windows_programs
from support.sandboxes import Boxes, run, start

from imagebuild.errors import ToolError
from imagebuild.runtime import Mount
from imagebuild.runtime.registry import identity


@pytest.mark.parametrize(("build", "name", "display", "release"), [
    (20348, "Windows Server 2022 Datacenter", "21H2", "2009"),
    (17763, "Windows Server 2019 Datacenter", "1809", "1809"),
    (26100, "Windows Server 2025 Datacenter", "24H2", "2009"), (25398, "Windows Server Datacenter", "23H2", "2009")])
def test_each_build_has_the_name_that_its_base_images_have(build: int, name: str, display: str, release: str) -> None:
    text = identity.system("a", build, 5).decode()
    assert f'"ProductName"="{name}"' in text and f'"DisplayVersion"="{display}"' in text
    assert f'"ReleaseId"="{release}"' in text and '"ProductType"="ServerNT"' in text


@pytest.mark.parametrize(("build", "release", "version"), [
    (20348, 528449, "4.8.04161"), (17763, 461814, "4.7.03190"), (26100, 533509, "4.8.09221"),
    (25398, 528449, "4.8.04161"), (10000, 394802, "4.6.01586")])
def test_a_windows_with_powershell_says_which_one_and_which_framework(build: int, release: int, version: str) -> None:
    at, lines = identity.before_all("system.reg", b"WINE REGISTRY Version 2\n\n[Software]\n", build, 7)
    assert at == 25
    text = lines.decode()
    full = text.partition(r"[Software\\Microsoft\\NET Framework Setup\\NDP\\v4\\Full]")[2]
    assert f'"Release"=dword:{release:08x}' in full and f'"Version"="{version}"' in full
    assert f'"PowerShellVersion"="5.1.{build}.7"' in text and r"[Software\\Microsoft\\PowerShell\\3]" in text
    assert identity.before_all("system.reg", b"no key", build, 7) == (0, b"")


def test_a_users_own_path_is_one_whose_variables_are_filled_in() -> None:
    head = b"WINE REGISTRY Version 2\n\n[Environment]\n"
    at, lines = identity.before_all("user.reg", head, 20348, 7)
    assert head[at:].startswith(b"[Environment]")
    assert lines.decode().strip().splitlines() == [
        "[Environment]", r'"Path"=str(2):"%USERPROFILE%\\AppData\\Local\\Microsoft\\WindowsApps"']
    assert identity.before_all("userdef.reg", head, 20348, 7) == (at, b"")


@pytest.mark.slow
def test_keys_that_windows_has_are_where_scripts_look(boxes: Boxes) -> None:
    box = boxes.open(windows_build=20348, windows_revision=7, powershell=True)
    done = run(box, r'cmd /c reg query "HKLM\SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full" /v Release'
               r" & reg query HKLM\SYSTEM\CurrentControlSet\Control\Lsa\FipsAlgorithmPolicy /v Enabled"
               r" & reg query HKLM\SOFTWARE\Microsoft\PowerShell\3\PowerShellEngine /v PowerShellVersion")
    assert done.code == 0, done
    given = boxes.root / "registry"
    given.mkdir()
    (given / "system.reg").write_bytes(
        boxes.root.joinpath("box/prefix/system.reg").read_bytes().replace(b"dword:00081041", b"dword:00080eb1"))
    own = boxes.open("own", registry=given, windows_build=20348, powershell=True)
    kept = run(own, r'cmd /c reg query "HKLM\SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full" /v Release')
    assert kept.out.split()[-1] == "0x80eb1"  # what an image has installed counts
    assert [line.split()[-1] for line in done.out.splitlines() if "REG_" in line] == ["0x81041", "0x0", "5.1.20348.7"]


@pytest.mark.slow
def test_the_path_of_a_user_comes_behind_that_of_the_machine(boxes: Boxes) -> None:
    box = boxes.open()
    start(box, "probe sleep")
    run(box, r"cmd /c reg add HKCU\Environment /v Path /t REG_SZ /d C:\mine /f", main=False)
    shown = run(box, "cmd /c set path", main=False).out.splitlines()[0]
    assert shown.lower().startswith(r"path=c:\windows\system32;") and shown.endswith(r";C:\mine")


@pytest.mark.parametrize(("given", "account"), [
    ("", "ContainerAdministrator"), ("containeruser", "ContainerUser"),
    ("User Manager\\ContainerUser", "ContainerUser"),
    ("nt authority\\system", "SYSTEM"), ("Network Service", "NETWORK SERVICE"), ("app", "app")])
def test_an_account_is_named_without_its_domain(given: str, account: str) -> None:
    assert identity.account(given) == account
    domain = "User Manager" if account.startswith("Container") else "BOX" if account == "app" else "NT AUTHORITY"
    assert f'"USERDOMAIN"="{domain}"' in identity.user("box", given).decode()


@pytest.mark.parametrize("name", [
    "", "ContainerAdministrator", "CONTAINERUSER", "User Manager\\ContainerUser",
    "user manager\\containeradministrator", "NT AUTHORITY\\SYSTEM", "nt authority\\local service",
    "NT AUTHORITY\\Network Service", "system", "app", "APP", ".\\app", "box\\App"])
def test_accounts_of_every_container_and_of_the_image_are_there(name: str) -> None:
    identity.check(name, "box", ("Administrator", "app"), "x.exe")


@pytest.mark.parametrize("name", [
    "nosuch", "root", "1000", "0:0", "User Manager\\app", "User Manager\\SYSTEM", "NT AUTHORITY\\ContainerUser",
    "NT AUTHORITY\\app", "BOX\\ContainerUser", ".\\SYSTEM", "other\\app", "app\\", "\\"])
def test_any_other_account_is_refused_with_windows_code(name: str) -> None:
    with pytest.raises(ToolError) as refused:
        identity.check(name, "box", ("Administrator", "app"), "x.exe")
    assert refused.value.code == 1326


def test_only_the_second_account_has_other_folders() -> None:
    given = rb'"AppData"="C:\\users\\ContainerAdministrator\\AppData\\Roaming"'
    assert identity.profile(given, "ContainerAdministrator") == identity.profile(given, "somebody") == given
    assert identity.profile(given, "containeruser") == given.replace(b"ContainerAdministrator", b"ContainerUser")
    assert b"ProfileImagePath" not in identity.system("a", 0)
    assert b"ContainerUser" in identity.system("a", user="ContainerUser")


@pytest.mark.slow
@pytest.mark.parametrize(("build", "name"), [(20348, "Windows Server 2022"), (17763, "Windows Server 2019")])
def test_systeminfo_wmic_ver_and_the_registry_name_the_same_windows(boxes: Boxes, build: int, name: str) -> None:
    box = boxes.open(windows_build=build, windows_revision=2762)
    start(box, "probe sleep")

    def said(line: str) -> str:
        return run(box, line, main=False).out

    info = said("systeminfo")
    assert f"OS Name:                   Microsoft {name} Datacenter\n" in info
    assert f"OS Version:                10.0.{build} N/A Build {build}\n" in info and "Standalone Server" in info
    assert f'"Microsoft {name} Datacenter","10.0.{build} N/A Build {build}"' in said("systeminfo /fo csv /nh")
    assert said("wmic os get caption,version,producttype /value").replace("\0", "").split()[1:] == [
        "Caption=Microsoft", *name.split(), "Datacenter", f"Version=10.0.{build}", "ProductType=3"]
    assert f"10.0.{build}" in said("cmd /c ver")
    key = said(r'reg query "HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"')
    for value in (f"CurrentBuild    REG_SZ    {build}", f"ProductName    REG_SZ    {name} Datacenter",
                  "InstallationType    REG_SZ    Server Core", "REG_SZ    ServerDatacenter",
                  "UBR    REG_DWORD    0xaca"):
        assert value in key
    assert "Windows 10" not in info + key
    assert "Name" in run(box, "wmic cpu get name", main=False).out.replace("\0", "")  # Wine's own, which ours calls


@pytest.mark.slow
@pytest.mark.parametrize("user", ["ContainerAdministrator", "ContainerUser", "user manager\\containeruser"])
def test_both_accounts_of_a_container_have_their_names_and_folders(boxes: Boxes, user: str) -> None:
    name = identity.account(user)
    done = boxes.run('cmd /c "whoami & echo %USERDOMAIN%/%USERNAME%& echo %USERPROFILE%& echo %APPDATA%'
                     '& echo x>%TEMP%\\t& type %TEMP%\\t& if exist %USERPROFILE%\\Documents echo there"', user=user)
    assert done.out.splitlines() == [
        f"user manager\\{name.lower()}", f"User Manager/{name}", f"C:\\users\\{name}",
        f"C:\\users\\{name}\\AppData\\Roaming", "x", "there"]


@pytest.mark.slow
def test_a_variable_that_was_given_does_not_change_who_asks(boxes: Boxes) -> None:
    done = boxes.run('cmd /c "whoami & echo %USERNAME%"', environment={"USERNAME": "else", "WINEUSERNAME": "else"})
    assert done.out.splitlines() == ["user manager\\containeradministrator", "else"]


@pytest.mark.slow
def test_a_program_that_joins_may_be_another_account(boxes: Boxes) -> None:
    box = boxes.open()
    start(box, "probe sleep")
    done = run(box, 'cmd /c "whoami & echo %USERNAME%"', main=False, user="containeruser")
    assert done.out.splitlines() == ["user manager\\containeruser", "ContainerUser"]
    assert run(box, "whoami", main=False).out == "user manager\\containeradministrator\n"
    assert run(box, "whoami", main=False, user="NT AUTHORITY\\SYSTEM").out == "nt authority\\system\n"
    with pytest.raises(ToolError):
        run(box, "whoami", main=False, user="nosuch")


@pytest.mark.slow
def test_dotnet_names_the_same_windows_and_sees_nothing_of_wine(boxes: Boxes) -> None:
    with programs.skipping():
        powershell = windows_programs.powershell()
    script = ("[Environment]::OSVersion.VersionString; [Environment]::UserName; "
              "([Environment]::GetEnvironmentVariables().Keys -like 'WINE*').Count; "
              "(Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion').ProductName")
    done = boxes.run(rf'C:\pwsh\pwsh.exe -NoProfile -Command "{script}"', windows_build=20348, user="containeruser",
                     mounts=(Mount(powershell, "C:\\pwsh", True),))
    assert done.out.splitlines() == ["Microsoft Windows NT 10.0.20348.0", "ContainerUser", "0",
                                     "Windows Server 2022 Datacenter"]


@pytest.mark.slow
@pytest.mark.parametrize("user", ["ContainerAdministrator", "ContainerUser"])
def test_a_windows_with_powershell_has_the_folder_of_apps_in_its_users_path(boxes: Boxes, user: str) -> None:
    apps = rf"C:\users\{user}\AppData\Local\Microsoft\WindowsApps"
    box = boxes.open(windows_build=20348, powershell=True, user=user)
    line = r"cmd /c echo %PATH%& reg query HKCU\Environment /v Path"
    done = run(box, line)
    path, *_unused, kept = done.out.strip().splitlines()
    assert path.lower().startswith(r"c:\windows\system32;") and path.endswith(";" + apps)
    assert kept.split(None, 2) == ["Path", "REG_EXPAND_SZ", r"%USERPROFILE%\AppData\Local\Microsoft\WindowsApps"]
    assert "WindowsApps" not in boxes.run(line, name="nano").out
