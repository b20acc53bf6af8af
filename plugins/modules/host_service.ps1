#!powershell

# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -PowerShell ..module_utils._engine
#AnsibleRequires -PowerShell ..module_utils._json
#AnsibleRequires -PowerShell ..module_utils._service

$spec = @{
    options = @{
        name = @{ type = 'str'; default = 'docker' }
        state = @{ type = 'str'; choices = 'started', 'stopped', 'restarted' }
        start_mode = @{ type = 'str'; choices = 'auto', 'delayed', 'manual', 'disabled' }
        environment = @{ type = 'dict' }
        timeout = @{ type = 'int'; default = 120 }
        pipe = @{ type = 'str'; default = 'docker_engine' }
        running_containers = @{ type = 'str'; choices = 'refuse', 'stop', 'drain'; default = 'refuse' }
        drain_timeout = @{ type = 'int'; default = 600 }
        stop_timeout = @{ type = 'int'; default = 30 }
    }
    # Proxies in the environment may hold credentials: the arguments go into no event log.
    no_log = $true
    supports_check_mode = $true
}

$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
Hide-Parameter -Module $module -Name environment
$wanted = $module.Params
$module.Result.containers = @()
$module.Result.containers_not_started = @()
$module.Result.restart_required = $false

# NAME=VALUE strings as a dictionary; Windows does not tell names by their case.
Function ConvertFrom-Environment {
    param ([string[]]$Line)

    $read = New-Object System.Collections.Specialized.OrderedDictionary ([System.StringComparer]::OrdinalIgnoreCase)
    foreach ($one in $Line) {
        $at = $one.IndexOf('=', [Math]::Min(1, $one.Length))
        if ($at -gt 0) { $read[$one.Substring(0, $at)] = $one.Substring($at + 1) }
    }
    return , $read
}

# The environment with the user's changes; null removes a name.
Function Get-WantedEnvironment {
    param ([System.Collections.Specialized.OrderedDictionary]$Current)

    $merged = ConvertFrom-Environment -Line @($Current.Keys | ForEach-Object { '{0}={1}' -f $_, $Current[$_] })
    $names = [string[]]@($wanted.environment.Keys)
    [Array]::Sort($names, [System.StringComparer]::Ordinal)
    foreach ($name in $names) {
        if (-not $name -or $name.IndexOf('=') -ge 0) { $module.FailJson("environment has a name that Windows does not take: '$name'") }
        $value = $wanted.environment[$name]
        if ($null -eq $value) { $merged.Remove($name) } else { $merged[$name] = [string]$value }
    }
    return , $merged
}

Function Get-Shown {
    param ([hashtable]$Service, [System.Collections.Specialized.OrderedDictionary]$Environment, $Before)

    $values = New-JsonObject
    foreach ($name in $Environment.Keys) { $values[$name] = $Environment[$name] }
    return [ordered]@{ state = $Service.State; start_mode = $Service.Start; environment = Hide-JsonSecret -Value $values -Before $Before }
}

# Lets containers end as the user wants before an engine stops. Returns those that ran.
Function Stop-Container {
    if ($service.State -ne 'running' -or -not $service.Program -or (Split-Path -Path $service.Program -Leaf) -ne 'dockerd.exe') { return }
    $how = @{ Mode = $wanted.running_containers; Pipe = $wanted.pipe; DrainSeconds = $wanted.drain_timeout; StopSeconds = $wanted.stop_timeout }
    try {
        $module.Result.containers = @(Stop-EngineContainer @how -Module $module -Simulate:$module.CheckMode)
    }
    catch {
        $module.FailJson("$($_.Exception.Message)", $_)
    }
}

# When a running service's environment was set last, by this module: a run that was stopped before the restart is made good
# by the next one.
$notes = 'HKLM:\SOFTWARE\wcow\Environment'

Function Set-EnvironmentNote {
    if (-not (Test-Path -LiteralPath $notes)) { $null = New-Item -Path $notes -Force }
    $null = New-ItemProperty -LiteralPath $notes -Name $wanted.name -PropertyType QWord -Value ([DateTime]::UtcNow.Ticks) -Force
}

# Whether the running service was started before its environment was set.
Function Test-Unread {
    $note = Get-ItemProperty -LiteralPath $notes -Name $wanted.name -ErrorAction SilentlyContinue
    if ($null -eq $note -or -not $service.Program) { return $false }
    $name = [System.IO.Path]::GetFileNameWithoutExtension($service.Program)
    $process = Get-Process -Name $name -ErrorAction SilentlyContinue | Sort-Object -Property StartTime | Select-Object -Last 1
    return $null -ne $process -and $process.StartTime.ToUniversalTime().Ticks -lt [long]$note.($wanted.name)
}

$service = Get-ServiceFact -Name $wanted.name
if (-not $service.Exists) { $module.FailJson("there is no service '$($wanted.name)' on this host") }
$current = ConvertFrom-Environment -Line $service.Environment
$next = $current
if ($null -ne $wanted.environment) { $next = Get-WantedEnvironment -Current $current }
$before = Get-Shown -Service $service -Environment $current
$after = Get-Shown -Service $service -Environment $next -Before $current
$newEnvironment = (ConvertTo-StrictJson -Value $current -Compress) -cne (ConvertTo-StrictJson -Value $next -Compress)
$newStart = $wanted.start_mode -and $wanted.start_mode -ne $service.Start
if ($newStart) { $after.start_mode = $wanted.start_mode }
$start = $wanted.state -eq 'restarted' -or ($wanted.state -eq 'started' -and $service.State -ne 'running')
$stop = $service.State -ne 'stopped' -and $wanted.state -in 'restarted', 'stopped'
if ($start) { $after.state = 'running' } elseif ($stop) { $after.state = 'stopped' }
if ($start -and $after.start_mode -eq 'disabled') {
    $module.FailJson("the service '$($wanted.name)' is disabled, and cannot be started: give start_mode, too")
}

$module.Diff.before = $before
$module.Diff.after = $after
$module.Result.changed = [bool]($newEnvironment -or $newStart -or $start -or $stop)
if ($stop) { Stop-Container }

if ($module.Result.changed -and -not $module.CheckMode) {
    $doing = 'changed'
    try {
        if ($newEnvironment) {
            if ($service.State -eq 'running') { Set-EnvironmentNote }
            $lines = [string[]]@($next.Keys | ForEach-Object { '{0}={1}' -f $_, $next[$_] })
            if ($lines.Count) {
                $null = New-ItemProperty -LiteralPath $service.Key -Name Environment -PropertyType MultiString -Value $lines -Force
            }
            else {
                Remove-ItemProperty -LiteralPath $service.Key -Name Environment
            }
        }
        if ($newStart) {
            $type = @{ auto = 'Automatic'; delayed = 'Automatic'; manual = 'Manual'; disabled = 'Disabled' }[$wanted.start_mode]
            Set-Service -Name $wanted.name -StartupType $type -ErrorAction Stop
            # The service controller reads it at the next boot, and only then does it matter.
            $delayed = [int]($wanted.start_mode -eq 'delayed')
            $null = New-ItemProperty -LiteralPath $service.Key -Name DelayedAutostart -PropertyType DWord -Value $delayed -Force
        }
        if ($stop) {
            $doing = 'stopped'
            Stop-Service -Name $wanted.name -Force -ErrorAction Stop
            Wait-ServiceState -Name $wanted.name -State stopped -Seconds $wanted.timeout
        }
        if ($start) {
            $doing = 'started'
            Start-Service -Name $wanted.name -ErrorAction Stop
            Wait-ServiceState -Name $wanted.name -State running -Seconds $wanted.timeout
            if ($service.Program -and (Split-Path -Path $service.Program -Leaf) -eq 'dockerd.exe') {
                $module.Result.engine_answers = Wait-Engine -Pipe $wanted.pipe -Seconds $wanted.timeout
                $module.Result.containers_not_started = @(Start-EngineContainer -Container $module.Result.containers -Pipe $wanted.pipe)
            }
        }
    }
    catch {
        $module.FailJson("the service '$($wanted.name)' could not be ${doing}: $(Hide-Secret -Text $_.Exception.Message)", $_)
    }
    if ($module.Result.containers_not_started.Count) {
        $module.FailJson("the engine runs again, and these containers with a restart policy do not: $($module.Result.containers_not_started -join ', ')")
    }
}
$module.Result.restart_required = $service.State -eq 'running' -and -not $stop -and ($newEnvironment -or (Test-Unread))
$module.Result.state = $after.state
$module.Result.start_mode = $after.start_mode
$module.ExitJson()
