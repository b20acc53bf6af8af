#!powershell

# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic

$spec = @{
    options = @{
        name = @{ type = 'list'; elements = 'str'; default = @('Containers') }
        state = @{ type = 'str'; choices = 'absent', 'present'; default = 'present' }
        method = @{ type = 'str'; choices = 'auto', 'roles', 'optional'; default = 'auto' }
        source = @{ type = 'str' }
        include_management_tools = @{ type = 'bool'; default = $false }
    }
    supports_check_mode = $true
}

$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$wanted = $module.Params
$module.Result.reboot_required = $false
$module.Result.exit_code = 0

# Names of roles and features, and what the same is called among Windows' optional features.
$optional = @{ 'Containers' = 'Containers'; 'Hyper-V' = 'Microsoft-Hyper-V'; 'Hyper-V-PowerShell' = 'Microsoft-Hyper-V-Management-PowerShell' }

Function Get-Method {
    if ($wanted.method -ne 'auto') { return $wanted.method }
    if (Get-Command -Name Get-WindowsFeature -ErrorAction SilentlyContinue) { return 'roles' }
    return 'optional'
}

# installed, available, removed (its files are not on the disk), pending (a restart finishes it), absent (no such feature).
Function Get-RoleState {
    param ([string]$Name)

    $found = Get-WindowsFeature -Name $Name -ErrorAction Stop
    if ($null -eq $found) { return 'absent' }
    switch ([string]$found.InstallState) {
        'Installed' { return 'installed' }
        'InstallPending' { return 'install_pending' }
        'UninstallPending' { return 'uninstall_pending' }
        'Removed' { return 'removed' }
        default { return 'available' }
    }
}

Function Get-OptionalState {
    param ([string]$Name)

    try { $found = Get-WindowsOptionalFeature -Online -FeatureName $Name -ErrorAction Stop } catch { $found = $null }
    if ($null -eq $found) { return 'absent' }
    switch ([string]$found.State) {
        'Enabled' { return 'installed' }
        'EnablePending' { return 'install_pending' }
        'DisablePending' { return 'uninstall_pending' }
        'DisabledWithPayloadRemoved' { return 'removed' }
        default { return 'available' }
    }
}

# Installs or removes; returns whether Windows wants a restart.
Function Set-Role {
    param ([string[]]$Name)

    $more = @{ Name = $Name; ErrorAction = 'Stop'; Confirm = $false }
    if ($wanted.state -eq 'absent') {
        $done = Uninstall-WindowsFeature @more
    }
    else {
        if ($wanted.source) { $more.Source = $wanted.source }
        if ($wanted.include_management_tools) { $more.IncludeManagementTools = $true }
        $done = Install-WindowsFeature @more
    }
    if (-not $done.Success) { throw ('Windows answers {0}' -f $done.ExitCode) }
    return ([string]$done.RestartNeeded) -eq 'Yes' -or ([string]$done.ExitCode) -match '3010|RestartRequired'
}

Function Set-Optional {
    param ([string[]]$Name)

    $more = @{ Online = $true; NoRestart = $true; FeatureName = $Name; ErrorAction = 'Stop' }
    if ($wanted.state -eq 'absent') {
        $done = Disable-WindowsOptionalFeature @more
    }
    else {
        if ($wanted.source) { $more.Source = $wanted.source; $more.LimitAccess = $true }
        $done = Enable-WindowsOptionalFeature -All @more
    }
    return [bool](@($done | Where-Object { $_.RestartNeeded }).Count)
}

$method = Get-Method
$module.Result.method = $method
$needed = 'Get-WindowsFeature'
if ($method -eq 'optional') { $needed = 'Get-WindowsOptionalFeature' }
if (-not (Get-Command -Name $needed -ErrorAction SilentlyContinue)) {
    $module.FailJson("cannot look at the features of this Windows: it has no $needed")
}
if ($wanted.source -and -not (Test-Path -LiteralPath ($wanted.source -replace '^wim:(.*):\d+$', '$1'))) {
    $module.FailJson("cannot install features from $($wanted.source): this host cannot read it")
}

Function Get-Feature {
    $states = [ordered]@{}
    foreach ($name in $wanted.name) {
        $real = $name
        if ($method -eq 'optional' -and $optional.Contains($name)) { $real = $optional[$name] }
        try {
            if ($method -eq 'roles') { $states[$real] = Get-RoleState -Name $real } else { $states[$real] = Get-OptionalState -Name $real }
        }
        catch {
            $module.FailJson("cannot look at the feature ${real}: $($_.Exception.Message)", $_)
        }
    }
    return $states
}

$before = Get-Feature
$missing = @($before.Keys | Where-Object { $before[$_] -eq 'absent' })
if ($missing.Count -and $wanted.state -eq 'present') {
    $module.FailJson("this Windows has no feature $($missing -join ', '): its edition or build does not offer it")
}
$done = 'installed', 'install_pending'
if ($wanted.state -eq 'absent') { $done = 'available', 'removed', 'uninstall_pending', 'absent' }
$todo = @($before.Keys | Where-Object { $before[$_] -notin $done })
$module.Result.changed = $todo.Count -gt 0
$module.Diff.before = [ordered]@{}
$module.Diff.after = [ordered]@{}
foreach ($name in $before.Keys) {
    $isThere = $before[$name] -in 'installed', 'install_pending'
    $module.Diff.before[$name] = @('absent', 'present')[[int]$isThere]
    if ($todo -contains $name) { $isThere = -not $isThere }
    $module.Diff.after[$name] = @('absent', 'present')[[int]$isThere]
}
$module.Result.reboot_required = @($before.Values | Where-Object { $_ -like '*_pending' }).Count -gt 0

if ($todo.Count -and -not $module.CheckMode) {
    try {
        if ($method -eq 'roles') { $restart = Set-Role -Name $todo } else { $restart = Set-Optional -Name $todo }
    }
    catch {
        $code = ''
        if ($_.Exception.HResult) { $code = ' (0x{0:x8})' -f $_.Exception.HResult }
        $module.FailJson("Windows did not make $($todo -join ', ') $($wanted.state)${code}: $($_.Exception.Message)", $_)
    }
    $after = Get-Feature
    if ($restart -or @($after.Values | Where-Object { $_ -like '*_pending' }).Count) { $module.Result.reboot_required = $true }
    $module.Result.features = $after
}
else {
    $module.Result.features = $before
}
if ($module.Result.reboot_required) { $module.Result.exit_code = 3010 }
$module.ExitJson()
