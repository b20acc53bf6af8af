# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Services by the registry and the service controller: CIM and Set-Service know less of them, and differ from 5.1 to 7.

Function Get-ServiceFact {
    <#
    .SYNOPSIS
    Returns what a service is: Exists, State (running, stopped, starting, stopping, paused), Start (auto, delayed, manual,
    disabled), Program, Arguments, Line, Environment (NAME=VALUE strings), Dependencies, Key.
    #>
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)][string]$Name
    )

    $path = 'SYSTEM\CurrentControlSet\Services\' + $Name
    $fact = @{
        Exists = $false; State = 'absent'; Start = $null; Program = $null; Arguments = ''; Line = ''
        Environment = [string[]]@(); Dependencies = [string[]]@(); Key = 'HKLM:\' + $path
    }
    $key = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($path)
    if ($null -eq $key) { return $fact }
    try {
        $fact.Exists = $true
        # Variables in it are expanded, as the service controller does.
        $fact.Line = [string]$key.GetValue('ImagePath', '')
        switch ([int]$key.GetValue('Start', -1)) {
            2 { if ([int]$key.GetValue('DelayedAutostart', 0)) { $fact.Start = 'delayed' } else { $fact.Start = 'auto' } }
            3 { $fact.Start = 'manual' }
            4 { $fact.Start = 'disabled' }
        }
        $fact.Environment = [string[]]@($key.GetValue('Environment', @()))
        $fact.Dependencies = [string[]]@($key.GetValue('DependOnService', @()) | Where-Object { $_ })
    }
    finally {
        $key.Close()
    }
    if ($fact.Line -match '^\s*"([^"]+)"\s*(.*)$') {
        $fact.Program = $Matches[1]
        $fact.Arguments = $Matches[2]
    }
    elseif ($fact.Line -match '^\s*(\S+)\s*(.*)$') {
        $fact.Program = $Matches[1]
        $fact.Arguments = $Matches[2]
    }
    $fact.State = Get-ServiceState -Name $Name
    return $fact
}

Function Get-ServiceState {
    <#
    .SYNOPSIS
    Returns running, stopped, starting, stopping, paused, or absent.
    #>
    param ([Parameter(Mandatory = $true)][string]$Name)

    $service = Get-Service -Name $Name -ErrorAction SilentlyContinue
    if ($null -eq $service) { return 'absent' }
    switch ([string]$service.Status) {
        'Running' { return 'running' }
        'Stopped' { return 'stopped' }
        'StartPending' { return 'starting' }
        'ContinuePending' { return 'starting' }
        'StopPending' { return 'stopping' }
        default { return 'paused' }
    }
}

Function Wait-ServiceState {
    <#
    .SYNOPSIS
    Waits until a service is in a state; throws with what it is in when that takes too long.
    #>
    param (
        [Parameter(Mandatory = $true)][string]$Name,
        [Parameter(Mandatory = $true)][string]$State,
        [int]$Seconds = 60
    )

    $end = [DateTime]::UtcNow.AddSeconds($Seconds)
    while ($true) {
        $found = Get-ServiceState -Name $Name
        if ($found -eq $State) { return }
        if ([DateTime]::UtcNow -gt $end) { throw ("the service '{0}' is {1} after {2} seconds, and not {3}" -f $Name, $found, $Seconds, $State) }
        Start-Sleep -Milliseconds 200
    }
}

Export-ModuleMember -Function Get-ServiceFact, Get-ServiceState, Wait-ServiceState
