# SPDX-License-Identifier: Apache-2.0
"""PowerShell in a container, kept open: the second script costs no second start.

One ``powershell`` reads scripts from its standard input, a line of Base64 each, runs each in a scope of its own and
answers with a line of fields in Base64. Until a script itself needs one, no module's cmdlet runs: loading those takes
as long as the start of PowerShell. Each way to call a method or to read a property by its name is compiled when it is
first used, which takes milliseconds: so what the loop keeps is read by an index, and one way serves all of it. Output
comes back as text as a console would show it, with every letter; errors come back as records; and objects, when they
are asked for, as JSON. ``exit`` in a script ends that PowerShell, as it should: the next script gets a new one.
"""

from __future__ import annotations

import base64
import json
import math
import threading
from dataclasses import dataclass, field
from typing import Any

from ...dockerapi import Client, shapes, streams
from ...errors import DaemonError, UnsupportedError
from ..deadline import Deadline, DeadlineError
from .execute import exit_code_of, powershell_words
from .outcome import Outcome, Raw, unsigned

MARK = b"\x02wcow:"
_FIELDS = 6
KEPT = 16
"""Results whose objects can still be asked for."""

LOOP = r"""
$ErrorActionPreference = 'Continue'; $ProgressPreference = 'SilentlyContinue'
$wcow = @{ In = [System.Console]::In; Out = [System.Console]::Out; Kept = [System.Collections.ArrayList]::new()
  Here = "$PWD"
  Say = { param($fields)
    $text = foreach ($one in $fields) {
      [System.Convert]::ToBase64String([System.Text.Encoding]::UTF8.GetBytes("$one")) }
    $wcow['Out'].Write("<MARK>$($text -join ' ')`n") }
  Flush = { if ($wcow['Any']) {
    [void]$wcow['Text'].Append("$((($wcow['Plain'] | Out-String -Width 160) -replace '\r', '').TrimEnd([char]10))`n")
    $wcow['Plain'].Clear(); $wcow['Any'] = $false } }
  OfWriteError = { param($one) $one.FullyQualifiedErrorId -like '*WriteErrorException' }
  Run = { param($script)
    $wcow['Text'] = [System.Text.StringBuilder]::new(); $wcow['Plain'] = [System.Collections.ArrayList]::new()
    $wcow['Objects'] = [System.Collections.ArrayList]::new(); $wcow['Errors'] = [System.Collections.ArrayList]::new()
    $wcow['Ok'] = $true; $wcow['Done'] = $wcow['Any'] = $false
    try {
      [void][ScriptBlock]::Create($script)  # it has to be whole without the line that is added
      & ([ScriptBlock]::Create("$script`n`$wcow['Ok'] = `$?")) *>&1 | . { process {
        if ($_ -is [string] -or $_ -is [int] -or $_ -is [bool]) {  # what needs no view of its own, for speed
          if ($wcow['Any']) { & $wcow['Flush'] }
          [void]$wcow['Objects'].Add($_); [void]$wcow['Text'].Append("$_`n") }
        elseif ($_ -is [System.Management.Automation.ErrorRecord]) { [void]$wcow['Errors'].Add($_) }
        elseif ($_ -is [System.Management.Automation.InformationRecord]) {
          & $wcow['Flush']
          $said = $_.MessageData; [void]$wcow['Text'].Append("$said")
          if (-not ($said.NoNewLine)) { [void]$wcow['Text'].Append("`n") } }
        elseif ($_ -is [System.Management.Automation.WarningRecord]) { & $wcow['Flush']
          [void]$wcow['Text'].Append("WARNING: $($_.Message)`n") }
        elseif ($_ -is [System.Management.Automation.VerboseRecord] -or
                $_ -is [System.Management.Automation.DebugRecord]) {
          & $wcow['Flush']; [void]$wcow['Text'].Append("$($_.Message)`n") }
        else { [void]$wcow['Objects'].Add($_); [void]$wcow['Plain'].Add($_); $wcow['Any'] = $true } } }
      if ($wcow['Any']) { & $wcow['Flush'] }
      $wcow['Done'] = $true
    } catch { & $wcow['Flush']; $wcow['Ok'] = $false; $wcow['Done'] = $true
      $inner = $_.Exception.InnerException; $parsed = $inner -is [System.Management.Automation.ParseException]
      [void]$wcow['Errors'].Add($(if ($parsed) { $inner.ErrorRecord } else { $_ }))
    } finally { if (-not $wcow['Done']) { & $wcow['Flush']  # the script said exit: what it gave out goes before its end
      $data = [System.Text.Encoding]::UTF8.GetBytes($wcow['Text'].ToString())
      $out = [System.Console]::OpenStandardOutput(); $out.Write($data, 0, $data.Length); $out.Flush() } }
    [void]$wcow['Kept'].Add($wcow['Objects']); if ($wcow['Kept'].Count -gt 16) { $wcow['Kept'].RemoveAt(0) }
    & $wcow['Say'] @([int](-not $wcow['Ok']); $wcow['Text'].ToString()
      foreach ($one in $wcow['Errors']) {
        $written = & $wcow['OfWriteError'] $one
        $line, $text = if ($written) { 0, "Write-Error: $($one.Exception.Message)`n" }
          else { [int]$one.InvocationInfo.ScriptLineNumber, (($one | Out-String -Width 160) -replace '\r', '') }
        $one.Exception.Message, $one.Exception.GetType().FullName, $one.FullyQualifiedErrorId,
          $one.CategoryInfo.Category, $line, $text })
    if ("$PWD" -ne $wcow['Here']) { [void]$ExecutionContext.SessionState.Path.SetLocation($wcow['Here']) } }
  Plainly = { param($one)
    if ($null -eq $one) { return $null }
    $base = $one.PSObject.BaseObject
    if ($base -is [System.DateTime]) { return $base.ToUniversalTime().ToString('o') }
    if ($base -is [System.Enum]) { return "$base" }
    if ($base -is [string] -or $base -is [System.ValueType]) { return $base }
    return $one } }
while ($null -ne ($line = $wcow['In'].ReadLine())) {
  $verb, $rest = $line -split ' ', 2
  if ($verb -eq 'run') {
    & $wcow['Run'] ([System.Text.Encoding]::UTF8.GetString([System.Convert]::FromBase64String($rest))) }
  else {
    $kept = $wcow['Kept'][$wcow['Kept'].Count - 1 - [int]$rest]
    $values = @($kept | ForEach-Object { & $wcow['Plainly'] $_ })
    & $wcow['Say'] @(ConvertTo-Json -InputObject $values -Compress -Depth 4) } }
""".replace("<MARK>", MARK.decode())


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """An error of a script: its message, its exception's type, PowerShell's id and category, and the script's line."""

    message: str
    type: str
    id: str
    category: str
    line: int


@dataclass(frozen=True, repr=False)
class ScriptOutcome(Outcome):
    """What a script left. ``errors`` are the records of its error stream; ``exit_code`` is 1 when its last command
    failed, as that of ``powershell -Command`` is."""

    errors: tuple[ErrorRecord, ...] = ()
    session: Session | None = field(default=None, compare=False)
    number: int = field(default=0, compare=False)

    @property
    def objects(self) -> list[Any]:
        """What it gave out, as Python values: texts, numbers, lists, and a dict for each object with properties.

        They are asked for now, of the session that ran it. Raises UnsupportedError when that has ended, or has run too
        many scripts since.
        """
        if self.session is None:
            raise UnsupportedError("the objects of the script are gone", why="its PowerShell has ended")
        return self.session.objects(self.number)


class Session:
    """One PowerShell in a container. Scripts of several threads run one after another."""

    def __init__(self, client: Client, container: str, program: str = "powershell") -> None:
        self._client = client
        words = powershell_words(LOOP, program, input_format="None")
        asked = shapes.ExecCreate(attach_stdin=True, attach_stdout=True, attach_stderr=True, cmd=words)
        self._exec = client.json("POST", f"/containers/{container}/exec", shape=shapes.Id, body=asked).id
        self._stream = client.attach(f"/exec/{self._exec}/start", body=shapes.ExecStart(), silence=math.inf)
        self._pieces = self._stream.pieces()
        self._lock = threading.Lock()
        self._count = 0
        self.open = True

    def run(self, script: str, seconds: float) -> ScriptOutcome:
        """Run a script. Raises DeadlineError when it does not end in time; the session has ended then."""
        with self._lock:
            fields, said, errors = self._ask("run", script.encode(), seconds)
            argv = ("powershell", script)
            if fields is None:
                code = exit_code_of(self._client, self._exec, Deadline(10))
                return ScriptOutcome(argv, unsigned(code), Raw(said, errors))
            self._count += 1
            failed, out, *rest = fields
            records = [rest[start:start + _FIELDS] for start in range(0, len(rest), _FIELDS)]
            text = "".join(shown for *_fields, shown in records)
            return ScriptOutcome(
                argv, int(failed), Raw(said + out.encode(), errors + text.encode()), session=self, number=self._count,
                errors=tuple(ErrorRecord(message, kind, name, category, int(line))
                             for message, kind, name, category, line, _shown in records))

    def objects(self, number: int) -> list[Any]:
        """The objects of the script of this number, as Python values."""
        with self._lock:
            back = self._count - number
            if not self.open or back >= KEPT:
                raise UnsupportedError("the objects of the script are gone", hint="ask for them right after the script",
                                       why=f"its PowerShell has ended, or has run {KEPT} scripts since")
            fields, _output, errors = self._ask("objects", b"", 60, str(back))
            if fields is None:
                raise DaemonError("PowerShell does not give the objects", status=0,
                                  why=errors.decode("utf-8", "replace"))
            found = json.loads(fields[0]) if fields[0] else []
            return found if isinstance(found, list) else [found]

    def close(self) -> None:
        """End it. It notices the end of its input."""
        self.open = False
        self._stream.close()

    def _ask(self, verb: str, data: bytes, seconds: float, rest: str = ""
             ) -> tuple[list[str] | None, bytes, bytes]:
        """Say something to it: the fields of its answer, ``None`` when it ended instead, and what was printed past it.
        """
        line = f"{verb} {rest or base64.b64encode(data).decode('ascii')}\n".encode("ascii")
        out, errors = bytearray(), bytearray()
        unheard: DaemonError | None = None
        try:
            with Deadline(seconds).closing(self._stream, "the script did not end"):
                try:
                    self._stream.write(line)
                except DaemonError as error:
                    unheard = error  # it has ended; what it said before that is still to be read
                for number, piece in self._pieces:
                    (errors if number == streams.STDERR else out).extend(piece)
                    start = out.find(MARK)
                    end = out.find(b"\n", start) if start >= 0 else -1
                    if end >= 0:
                        answer = out[start + len(MARK):end].split(b" ")
                        fields = [base64.b64decode(one).decode() for one in answer]
                        return fields, bytes(out[:start] + out[end + 1:]), bytes(errors)
        except DeadlineError:
            self.open = False
            raise
        except DaemonError:
            self.open = False
            if not out and not errors:
                raise
        self.open = False
        if unheard is not None and not out and not errors:
            raise unheard
        return None, bytes(out), bytes(errors)


def expect_powershell(outcome: Outcome, image: str, *, embedded: bool = False) -> None:
    """Raise UnsupportedError when a session did not come about because there is no PowerShell."""
    if outcome.exit_code in (126, 127) and b"CreateProcess" in outcome.raw.stdout:
        hint = "nanoserver has none, as on Windows: use servercore, or an image with PowerShell 7"
        if embedded and "servercore" in image:
            hint = "'wcow powershell install' brings it into the embedded engine"
        raise UnsupportedError(f"there is no PowerShell in {image}", why="the system cannot find powershell.exe",
                               hint=hint)
