# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# One call of the engine's API through its pipe, as bytes: any method, any body, and the streams of exec and attach.

# .NET writes no empty message, which is how the end of one direction is said on a pipe of messages (go-winio pipe.go:
# CloseWrite). The lowest bit of the event keeps the completion from .NET's own port.
$script:Ending = @'
using System;
using System.Runtime.InteropServices;
using System.Threading;
using Microsoft.Win32.SafeHandles;

public static class WcowPipeEnd
{
    [DllImport("kernel32.dll", SetLastError = true)]
    private static extern bool WriteFile(SafePipeHandle pipe, byte[] data, int size, IntPtr written, IntPtr overlapped);

    [DllImport("kernel32.dll", SetLastError = true)]
    private static extern bool GetOverlappedResult(SafePipeHandle pipe, IntPtr overlapped, out int size, bool wait);

    public static bool Say(SafePipeHandle pipe)
    {
        using (ManualResetEvent done = new ManualResetEvent(false))
        {
            IntPtr overlapped = Marshal.AllocHGlobal(IntPtr.Size * 2 + 8 + IntPtr.Size);
            for (int i = 0; i < IntPtr.Size * 2 + 8 + IntPtr.Size; i++) Marshal.WriteByte(overlapped, i, 0);
            long handle = done.SafeWaitHandle.DangerousGetHandle().ToInt64() | 1;
            Marshal.WriteIntPtr(overlapped, IntPtr.Size * 2 + 8, new IntPtr(handle));
            bool said = WriteFile(pipe, new byte[1], 0, IntPtr.Zero, overlapped);
            int size;
            if (!said && Marshal.GetLastWin32Error() == 997) said = GetOverlappedResult(pipe, overlapped, out size, true);
            if (said) Marshal.FreeHGlobal(overlapped);
            return said;
        }
    }
}
'@

Function Invoke-EngineExchange {
    <#
    .SYNOPSIS
    Asks the engine through its pipe. Returns Status, Headers (names in lower case) and Content (bytes, without their
    transfer coding). With Upgrade the connection becomes a stream after the answer's head: InputData is sent there,
    then the end of it, and what comes back until the engine ends is the answer's Content. Throws when the pipe is not there,
    and when the engine is silent for longer than Seconds.
    #>
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)][string]$Method,
        [Parameter(Mandatory = $true)][string]$Path,
        [AllowNull()][System.Collections.IDictionary]$Header,
        [AllowNull()][AllowEmptyCollection()][byte[]]$Content,
        [AllowNull()][AllowEmptyCollection()][byte[]]$InputData,
        [switch]$Upgrade,
        [string]$Pipe = 'docker_engine',
        [int]$Seconds = 60
    )

    if ($Path -notmatch '^/[\x21-\x7e]*$') { throw 'a path begins with / and has printable ASCII characters alone; others are escaped as %XX' }
    $lines = New-Object System.Collections.Generic.List[string]
    $lines.Add("$Method $Path HTTP/1.1")
    $lines.Add('Host: docker')
    foreach ($name in $Header.Keys) {
        $value = [string]$Header[$name]
        if ("$name" -notmatch '^[A-Za-z0-9-]+$' -or $value -match '[^\x20-\x7e]') {
            throw "the header $name cannot be sent: it has other characters than a header takes"
        }
        if ("$name" -notin 'host', 'connection', 'upgrade', 'content-length', 'transfer-encoding') { $lines.Add("${name}: $value") }
    }
    if ($Upgrade) {
        $lines.Add('Connection: Upgrade')
        $lines.Add('Upgrade: tcp')
    }
    else {
        $lines.Add('Connection: close')
    }
    if ($null -eq $Content) { $Content = [byte[]]@() }
    $lines.Add("Content-Length: $($Content.Length)")
    $head = [System.Text.Encoding]::ASCII.GetBytes(($lines -join "`r`n") + "`r`n`r`n")

    $options = [System.IO.Pipes.PipeOptions]::Asynchronous
    $stream = New-Object System.IO.Pipes.NamedPipeClientStream '.', $Pipe, ([System.IO.Pipes.PipeDirection]::InOut), $options
    try {
        $stream.Connect(5000)
        $talk = @{ Stream = $stream; Held = (New-Object System.IO.MemoryStream); Seconds = $Seconds; Buffer = (New-Object byte[] 65536) }
        Write-Pipe -Talk $talk -Data $head
        if ($Content.Length) { Write-Pipe -Talk $talk -Data $Content }
        $answer = Read-Head -Talk $talk
        $rest = New-Object System.IO.MemoryStream
        if ($answer.Status -eq 101) {
            Send-Input -Talk $talk -Content $InputData
            $rest = $talk.Held
            while (Read-More -Talk $talk) { continue }
        }
        elseif ($Method -ne 'HEAD' -and $answer.Status -notin 204, 304) {
            $rest = Read-Content -Talk $talk -Headers $answer.Headers
        }
        $answer.Content = $rest.ToArray()
        return $answer
    }
    finally {
        $stream.Dispose()
    }
}

Function Write-Pipe {
    param ([hashtable]$Talk, [byte[]]$Data)

    for ($at = 0; $at -lt $Data.Length; $at += 65536) {
        $writing = $Talk.Stream.WriteAsync($Data, $at, [Math]::Min(65536, $Data.Length - $at))
        if (-not $writing.Wait($Talk.Seconds * 1000)) { throw ('the engine took no data for {0} seconds' -f $Talk.Seconds) }
    }
}

# Sends what a program is to read and the end of it; output that comes meanwhile is held.
Function Send-Input {
    param ([hashtable]$Talk, [AllowEmptyCollection()][byte[]]$Content)

    if ($null -eq $Content -or $Content.Length -eq 0) { return }
    Write-Pipe -Talk $Talk -Data $Content
    if (-not ('WcowPipeEnd' -as [type])) { Add-Type -TypeDefinition $script:Ending }
    if (-not [WcowPipeEnd]::Say($Talk.Stream.SafePipeHandle)) { throw 'the end of the input cannot be said to the engine' }
}

# Reads once and appends to what is held. False at the end of the answer.
Function Read-More {
    param ([hashtable]$Talk)

    $reading = $Talk.Stream.ReadAsync($Talk.Buffer, 0, $Talk.Buffer.Length)
    if (-not $reading.Wait($Talk.Seconds * 1000)) { throw ('the engine was silent for {0} seconds' -f $Talk.Seconds) }
    if ($reading.Result -eq 0) { return $false }
    $null = $Talk.Held.Seek(0, [System.IO.SeekOrigin]::End)
    $Talk.Held.Write($Talk.Buffer, 0, $reading.Result)
    return $true
}

# Takes the first bytes out of what is held, after it has been filled up to them.
Function Read-Exactly {
    param ([hashtable]$Talk, [long]$Size)

    while ($Talk.Held.Length -lt $Size) {
        if (-not (Read-More -Talk $Talk)) { throw 'the engine ended its answer early' }
    }
    $all = $Talk.Held.ToArray()
    $taken = New-Object byte[] $Size
    [Array]::Copy($all, 0, $taken, 0, $Size)
    $Talk.Held = New-Object System.IO.MemoryStream
    $Talk.Held.Write($all, [int]$Size, [int]($all.Length - $Size))
    return , $taken
}

# Takes a line, without its end.
Function Read-Line {
    param ([hashtable]$Talk)

    while ($true) {
        $held = $Talk.Held.ToArray()
        $end = [Array]::IndexOf($held, [byte]10)
        if ($end -ge 0) { break }
        if ($held.Length -gt 262144) { throw 'the engine sends a line without an end' }
        if (-not (Read-More -Talk $Talk)) { throw 'the engine ended its answer early' }
    }
    return ([System.Text.Encoding]::ASCII.GetString((Read-Exactly -Talk $Talk -Size ($end + 1)))).TrimEnd("`r`n".ToCharArray())
}

Function Read-Head {
    param ([hashtable]$Talk)

    while ($true) {
        $first = Read-Line -Talk $Talk
        if ($first -notmatch '^HTTP/1\.\d (\d{3})') { throw 'the engine did not answer as HTTP has it' }
        $status = [int]$Matches[1]
        $headers = @{}
        while ($line = Read-Line -Talk $Talk) {
            $name, $value = $line -split ':', 2
            $headers[$name.Trim().ToLowerInvariant()] = "$value".Trim()
        }
        if ($status -ge 200 -or $status -eq 101) { return @{ Status = $status; Headers = $headers; Content = [byte[]]@() } }
    }
}

Function Read-Content {
    param ([hashtable]$Talk, [hashtable]$Headers)

    $whole = New-Object System.IO.MemoryStream
    if ("$($Headers['transfer-encoding'])" -eq 'chunked') {
        while ($true) {
            $size = [Convert]::ToInt32(((Read-Line -Talk $Talk) -split ';')[0].Trim(), 16)
            if ($size -eq 0) { return $whole }
            $part = Read-Exactly -Talk $Talk -Size $size
            $whole.Write($part, 0, $part.Length)
            $null = Read-Line -Talk $Talk
        }
    }
    if ($Headers['content-length']) {
        $part = Read-Exactly -Talk $Talk -Size ([long]$Headers['content-length'])
        $whole.Write($part, 0, $part.Length)
        return $whole
    }
    while (Read-More -Talk $Talk) { continue }
    return $Talk.Held
}

Export-ModuleMember -Function 'Invoke-EngineExchange'
