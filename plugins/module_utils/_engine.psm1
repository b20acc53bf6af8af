# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What modules ask the engine on its own host: through its pipe, so that no docker.exe is needed.

#AnsibleRequires -PowerShell ..module_utils._json

Function Invoke-EngineRequest {
    <#
    .SYNOPSIS
    Asks the engine through its pipe. Returns Status and Body (text). Throws when the pipe is not there, or when the
    engine does not answer in time.
    #>
    [CmdletBinding()]
    param (
        [string]$Method = 'GET',
        [Parameter(Mandatory = $true)][string]$Path,
        [string]$Pipe = 'docker_engine',
        [int]$Seconds = 60
    )

    $options = [System.IO.Pipes.PipeOptions]::Asynchronous
    $stream = New-Object System.IO.Pipes.NamedPipeClientStream '.', $Pipe, ([System.IO.Pipes.PipeDirection]::InOut), $options
    $answer = New-Object System.IO.MemoryStream
    try {
        $stream.Connect(5000)
        # HTTP/1.0: the engine ends the connection, and with it the answer.
        $head = "$Method $Path HTTP/1.0`r`nHost: docker`r`nConnection: close`r`nContent-Length: 0`r`n`r`n"
        $bytes = [System.Text.Encoding]::ASCII.GetBytes($head)
        $stream.Write($bytes, 0, $bytes.Length)
        $stream.Flush()
        $end = [DateTime]::UtcNow.AddSeconds($Seconds)
        $buffer = New-Object byte[] 65536
        while ($true) {
            $reading = $stream.ReadAsync($buffer, 0, $buffer.Length)
            $left = [Math]::Max(1, [int]($end - [DateTime]::UtcNow).TotalMilliseconds)
            if (-not $reading.Wait($left)) { throw ('the engine did not answer {0} {1} within {2} seconds' -f $Method, $Path, $Seconds) }
            if ($reading.Result -eq 0) { break }
            $answer.Write($buffer, 0, $reading.Result)
            if (Test-WholeAnswer -Answer $answer) { break }
        }
    }
    finally {
        $stream.Dispose()
    }
    return (Read-Answer -Text ([System.Text.Encoding]::UTF8.GetString($answer.ToArray())))
}

# Whether an answer that says its length has it: an engine may keep the connection open.
Function Test-WholeAnswer {
    param ([System.IO.MemoryStream]$Answer)

    $text = [System.Text.Encoding]::ASCII.GetString($Answer.GetBuffer(), 0, [int][Math]::Min($Answer.Length, 65536))
    $end = $text.IndexOf("`r`n`r`n")
    if ($end -lt 0) { return $false }
    $head = $text.Substring(0, $end)
    if ($head -match '^HTTP/1\.\d (204|304)') { return $true }
    if ($head -match '(?im)^transfer-encoding:\s*chunked') { return $text.EndsWith("`r`n0`r`n`r`n") }
    return $head -match '(?im)^content-length:\s*(\d+)' -and $Answer.Length -ge ($end + 4 + [long]$Matches[1])
}

Function Read-Answer {
    param ([AllowEmptyString()][string]$Text)

    $end = $Text.IndexOf("`r`n`r`n")
    if ($end -lt 0 -or $Text -notmatch '^HTTP/1\.\d (\d{3})') { throw 'the engine did not answer as HTTP has it' }
    $status = [int]$Matches[1]
    $body = $Text.Substring($end + 4)
    if ($Text.Substring(0, $end) -match '(?im)^transfer-encoding:\s*chunked') {
        $whole = New-Object System.Text.StringBuilder
        $rest = [System.Text.Encoding]::UTF8.GetBytes($body)
        $at = 0
        while ($at -lt $rest.Length) {
            $line = [Array]::IndexOf($rest, [byte]10, $at)
            if ($line -lt 0) { break }
            $size = [Convert]::ToInt32(([System.Text.Encoding]::ASCII.GetString($rest, $at, $line - $at)).Trim(), 16)
            if ($size -eq 0) { break }
            $null = $whole.Append([System.Text.Encoding]::UTF8.GetString($rest, $line + 1, $size))
            $at = $line + 1 + $size + 2
        }
        $body = $whole.ToString()
    }
    return @{ Status = $status; Body = $body }
}

Function Get-EngineJson {
    <#
    .SYNOPSIS
    Returns what the engine answers to a GET, as dictionaries and lists. Throws with the engine's own words.
    #>
    param ([Parameter(Mandatory = $true)][string]$Path, [string]$Pipe = 'docker_engine', [int]$Seconds = 60)

    $answer = Invoke-EngineRequest -Path $Path -Pipe $Pipe -Seconds $Seconds
    if ($answer.Status -ne 200) { throw ('the engine answers {0} to GET {1}: {2}' -f $answer.Status, $Path, $answer.Body.Trim()) }
    return , (ConvertFrom-StrictJson -Text $answer.Body -Numbers)
}

Function Wait-Engine {
    <#
    .SYNOPSIS
    Waits until the engine answers. Returns its version; throws with what went wrong last when it does not.
    #>
    param ([string]$Pipe = 'docker_engine', [int]$Seconds = 120)

    $end = [DateTime]::UtcNow.AddSeconds($Seconds)
    while ($true) {
        try {
            return [string](Get-EngineJson -Path '/version' -Pipe $Pipe -Seconds 20)['Version']
        }
        catch {
            if ([DateTime]::UtcNow -gt $end) { throw ('the engine does not answer after {0} seconds: {1}' -f $Seconds, $_.Exception.Message) }
        }
        Start-Sleep -Milliseconds 300
    }
}

Function Get-RunningContainer {
    <#
    .SYNOPSIS
    Returns the running containers: id, name, image, restart_policy.
    #>
    param ([string]$Pipe = 'docker_engine')

    foreach ($one in (Get-EngineJson -Path '/containers/json' -Pipe $Pipe)) {
        $policy = ''
        $inspected = Invoke-EngineRequest -Path ('/containers/{0}/json' -f $one['Id']) -Pipe $Pipe
        if ($inspected.Status -eq 404) { continue }
        $details = ConvertFrom-StrictJson -Text $inspected.Body -Numbers
        if ($details['HostConfig'] -and $details['HostConfig']['RestartPolicy']) { $policy = [string]$details['HostConfig']['RestartPolicy']['Name'] }
        @{ id = [string]$one['Id']; name = ([string]@($one['Names'])[0]).TrimStart('/'); image = [string]$one['Image']; restart_policy = $policy }
    }
}

Function Stop-EngineContainer {
    <#
    .SYNOPSIS
    Does with the running containers what the user wants before an engine stops: 'refuse' throws and names them, 'stop'
    stops them, 'drain' waits until they have ended by themselves. Returns those that ran. With Simulate nothing is
    stopped.
    #>
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)][ValidateSet('refuse', 'stop', 'drain')][string]$Mode,
        [string]$Pipe = 'docker_engine',
        [int]$DrainSeconds = 600,
        [int]$StopSeconds = 30,
        [switch]$Simulate,
        [Parameter(Mandatory = $true)]$Module
    )

    try {
        $running = @(Get-RunningContainer -Pipe $Pipe)
    }
    catch {
        if ($Mode -eq 'stop') {
            $Module.Warn("the engine does not say which containers run, and is stopped with all of them: $($_.Exception.Message)")
            return
        }
        throw ('the engine runs and does not say which containers do ({0}): running_containers: stop goes on without that' -f $_.Exception.Message)
    }
    if ($running.Count -eq 0) { return }
    if ($Mode -eq 'refuse') {
        throw ('{0} containers run, and stopping the engine ends them: {1}. Stop them, or say running_containers: stop or drain' -f
            $running.Count, (Join-ContainerName -Container $running))
    }
    if ($Simulate) { return $running }
    if ($Mode -eq 'drain') {
        $end = [DateTime]::UtcNow.AddSeconds($DrainSeconds)
        while ($true) {
            $left = @(Get-RunningContainer -Pipe $Pipe)
            if ($left.Count -eq 0) { return $running }
            if ([DateTime]::UtcNow -gt $end) {
                throw ('{0} containers still run after {1} seconds: {2}' -f $left.Count, $DrainSeconds, (Join-ContainerName -Container $left))
            }
            Start-Sleep -Seconds 1
        }
    }
    foreach ($one in $running) {
        $answer = Invoke-EngineRequest -Method POST -Path ('/containers/{0}/stop?t={1}' -f $one.id, $StopSeconds) -Pipe $Pipe -Seconds ($StopSeconds + 60)
        if ($answer.Status -notin 204, 304, 404) { throw ("the container {0} does not stop: {1}" -f $one.name, $answer.Body.Trim()) }
    }
    return $running
}

Function Start-EngineContainer {
    <#
    .SYNOPSIS
    Starts again those of the containers that have a restart policy. Returns the names of those that do not run.
    #>
    [CmdletBinding()]
    param ([AllowNull()][AllowEmptyCollection()][object[]]$Container, [string]$Pipe = 'docker_engine')

    foreach ($one in @($Container | Where-Object { $_ -and $_.restart_policy -and $_.restart_policy -ne 'no' })) {
        $answer = Invoke-EngineRequest -Method POST -Path ('/containers/{0}/start' -f $one.id) -Pipe $Pipe -Seconds 180
        if ($answer.Status -in 204, 304) {
            $state = Get-EngineJson -Path ('/containers/{0}/json' -f $one.id) -Pipe $Pipe
            if ($state['State'] -and $state['State']['Running']) { continue }
        }
        $one.name
    }
}

Function Clear-EngineData {
    <#
    .SYNOPSIS
    Lets the engine remove its containers, images, volumes and networks. Throws with the first that it does not remove.
    #>
    param ([string]$Pipe = 'docker_engine')

    foreach ($one in (Get-EngineJson -Path '/containers/json?all=1' -Pipe $Pipe)) {
        if ($one['State'] -eq 'running') { continue }
        $answer = Invoke-EngineRequest -Method DELETE -Path ('/containers/{0}?v=1' -f $one['Id']) -Pipe $Pipe -Seconds 180
        if ($answer.Status -notin 204, 404) { throw $answer.Body.Trim() }
    }
    foreach ($path in '/images/prune?filters=%7B%22dangling%22%3A%5B%22false%22%5D%7D', '/volumes/prune?filters=%7B%22all%22%3A%5B%22true%22%5D%7D') {
        $answer = Invoke-EngineRequest -Method POST -Path $path -Pipe $Pipe -Seconds 1800
        if ($answer.Status -ne 200) { throw $answer.Body.Trim() }
    }
}

Function Join-ContainerName {
    param ([object[]]$Container)

    return (@($Container | ForEach-Object { '{0} ({1})' -f $_.name, $_.image }) -join ', ')
}

Export-ModuleMember -Function @(
    'Invoke-EngineRequest', 'Get-EngineJson', 'Wait-Engine', 'Get-RunningContainer', 'Stop-EngineContainer'
    'Start-EngineContainer', 'Clear-EngineData'
)
