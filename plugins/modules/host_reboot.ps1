#!powershell

# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -PowerShell ..module_utils._engine
#AnsibleRequires -PowerShell ..module_utils._program
#AnsibleRequires -PowerShell ..module_utils._service

# What the action plugin has done on the host: it is looked at, before and after, told to restart, and its containers are
# started again.

$spec = @{
    options = @{
        step = @{ type = 'str'; choices = 'look', 'restart', 'resume'; default = 'restart' }
        policy = @{ type = 'str'; choices = 'always', 'if_required'; default = 'always' }
        reason = @{ type = 'str'; default = 'Ansible restarts this host' }
        pre_reboot_delay = @{ type = 'int'; default = 2 }
        post_reboot_delay = @{ type = 'int'; default = 0 }
        reboot_timeout = @{ type = 'int'; default = 600 }
        connect_timeout = @{ type = 'int'; default = 5 }
        services = @{ type = 'list'; elements = 'str'; default = @('hns', 'vmcompute', 'docker') }
        engine_timeout = @{ type = 'int'; default = 300 }
        pipe = @{ type = 'str'; default = 'docker_engine' }
        running_containers = @{ type = 'str'; choices = 'refuse', 'stop', 'drain'; default = 'refuse' }
        drain_timeout = @{ type = 'int'; default = 600 }
        stop_timeout = @{ type = 'int'; default = 30 }
        resume = @{ type = 'list'; elements = 'dict'; default = @() }
    }
    supports_check_mode = $true
}

$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$wanted = $module.Params
$module.Result.containers = @()

Function Get-PendingReason {
    $servicing = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing'
    $names = 'HKLM:\SYSTEM\CurrentControlSet\Control\ComputerName'
    $update = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired'
    if (Test-Path -LiteralPath "$servicing\RebootPending") { 'component-servicing' }
    if (Test-Path -LiteralPath "$servicing\RebootInProgress") { 'component-servicing-running' }
    if (Test-Path -LiteralPath $update) { 'windows-update' }
    $manager = 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager'
    $moves = Get-ItemProperty -LiteralPath $manager -Name PendingFileRenameOperations -ErrorAction SilentlyContinue
    if ($null -ne $moves -and @($moves.PendingFileRenameOperations | Where-Object { $_ }).Count) { 'file-rename' }
    $active = Get-ItemProperty -LiteralPath "$names\ActiveComputerName" -Name ComputerName -ErrorAction SilentlyContinue
    $next = Get-ItemProperty -LiteralPath "$names\ComputerName" -Name ComputerName -ErrorAction SilentlyContinue
    if ($null -ne $active -and $null -ne $next -and $active.ComputerName -ne $next.ComputerName) { 'computer-name' }
}

Function Get-BootTime {
    $boot = (Get-CimInstance -ClassName Win32_OperatingSystem -ErrorAction Stop).LastBootUpTime.ToUniversalTime()
    return $boot.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", [System.Globalization.CultureInfo]::InvariantCulture)
}

# The services that start by themselves and do not run, and the engine where it does not answer.
Function Get-Waiting {
    foreach ($name in $wanted.services) {
        $service = Get-ServiceFact -Name $name
        if (-not $service.Exists -or $service.Start -notin 'auto', 'delayed') { continue }
        if ($service.State -ne 'running') {
            "$name is $($service.State)"
        }
        elseif ($service.Program -and (Split-Path -Path $service.Program -Leaf) -eq 'dockerd.exe') {
            try { $null = Wait-Engine -Pipe $wanted.pipe -Seconds 1 } catch { "$name does not answer: $($_.Exception.Message)" }
        }
    }
}

# Accounts that log in over the network may lack the right to shut down (seen on Amazon's images); the machine's own has it.
Function Start-RestartTask {
    param ([string]$Program, [string]$Arguments)

    $action = New-ScheduledTaskAction -Execute $Program -Argument $Arguments
    $null = Register-ScheduledTask -TaskName 'wcow restart' -Action $action -User 'S-1-5-18' -RunLevel Highest -Force -ErrorAction Stop
    Start-ScheduledTask -TaskName 'wcow restart' -ErrorAction Stop
}

try {
    $module.Result.boot_time = Get-BootTime
}
catch {
    $module.FailJson("cannot tell when this host was started: $($_.Exception.Message)", $_)
}
$module.Result.pending_reboot = @(Get-PendingReason)
if ($wanted.step -eq 'look') {
    $module.Result.waiting = @(Get-Waiting)
    $module.ExitJson()
}
if ($wanted.step -eq 'resume') {
    $module.Result.containers_not_started = @(Start-EngineContainer -Container $wanted.resume -Pipe $wanted.pipe)
    $module.ExitJson()
}
if ($wanted.policy -eq 'if_required' -and $module.Result.pending_reboot.Count -eq 0) { $module.ExitJson() }

$engines = @($wanted.services | ForEach-Object { Get-ServiceFact -Name $_ } |
        Where-Object { $_.State -eq 'running' -and $_.Program -and (Split-Path -Path $_.Program -Leaf) -eq 'dockerd.exe' })
if ($engines.Count) {
    $how = @{ Mode = $wanted.running_containers; Pipe = $wanted.pipe; DrainSeconds = $wanted.drain_timeout; StopSeconds = $wanted.stop_timeout }
    try {
        $module.Result.containers = @(Stop-EngineContainer @how -Module $module -Simulate:$module.CheckMode)
    }
    catch {
        $module.FailJson("$($_.Exception.Message)", $_)
    }
}
$module.Result.changed = $true
if (-not $module.CheckMode) {
    $program = Join-Path -Path $env:SystemRoot -ChildPath 'System32\shutdown.exe'
    $arguments = '/r /t {0} /c {1}' -f $wanted.pre_reboot_delay, (ConvertTo-Argument -Value $wanted.reason)
    try {
        $done = Invoke-Program -Path $program -Arguments $arguments
        # 1190 and 1115: a restart has begun already.
        if ($done.Code -eq 5) { Start-RestartTask -Program $program -Arguments $arguments } elseif ($done.Code -notin 0, 1115, 1190) {
            throw ('shutdown.exe ended with {0}: {1}' -f $done.Code, ($done.Errors + $done.Output).Trim())
        }
    }
    catch {
        $module.Result.changed = $false
        $module.FailJson("this host does not restart: $($_.Exception.Message)", $_)
    }
}
$module.ExitJson()
