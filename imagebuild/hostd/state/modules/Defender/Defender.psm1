# SPDX-License-Identifier: Apache-2.0
# Get-, Set-, Add- and Remove-MpPreference and Get-MpComputerStatus of a stand-in host, over its state document. Where
# that says tamper protection ("tamper": true), changes are taken and change nothing, as Microsoft's page says.

. $PSScriptRoot\..\WcowHost\State.ps1

$script:Lists = 'ExclusionPath', 'ExclusionProcess', 'ExclusionExtension', 'ExclusionIpAddress'
$script:Flags = 'DisableRealtimeMonitoring', 'DisableBehaviorMonitoring', 'DisableIOAVProtection', 'DisableScriptScanning'

function Get-MpPreference {
    [CmdletBinding()]
    param([string[]] $CimSession)
    $kept = Get-StateTable (Read-HostState) defender
    $made = [ordered] @{ ComputerID = [Environment]::MachineName }
    foreach ($name in $script:Lists) { $made[$name] = $(if (@($kept[$name] | Where-Object { $_ })) { , @($kept[$name]) } else { $null }) }
    foreach ($name in $script:Flags) { $made[$name] = [bool] $kept[$name] }
    [pscustomobject] $made
}

function Edit-Defender($Given, [string] $How) {
    Edit-HostState {
        param($state)
        if ($state.tamper) { return }
        $table = Get-StateTable $state defender
        foreach ($name in $script:Lists) {
            if (-not $Given.ContainsKey($name)) { continue }
            $has, $values = @($table[$name] | Where-Object { $_ }), @($Given[$name])
            $table[$name] = @(switch ($How) {
                    'add' { $has; $values | Where-Object { $has -notcontains $_ } }
                    'remove' { $has | Where-Object { $values -notcontains $_ } }
                    default { $values }
                })
        }
        foreach ($name in $script:Flags) { if ($Given.ContainsKey($name)) { $table[$name] = $How -ne 'remove' -and [bool] $Given[$name] } }
    }
}

function Add-MpPreference {
    [CmdletBinding()]
    param([string[]] $ExclusionPath, [string[]] $ExclusionProcess, [string[]] $ExclusionExtension, [string[]] $ExclusionIpAddress, [switch] $Force)
    Edit-Defender $PSBoundParameters add
}

function Remove-MpPreference {
    [CmdletBinding()]
    param([string[]] $ExclusionPath, [string[]] $ExclusionProcess, [string[]] $ExclusionExtension, [string[]] $ExclusionIpAddress, [switch] $DisableRealtimeMonitoring,
        [switch] $DisableBehaviorMonitoring, [switch] $DisableIOAVProtection, [switch] $DisableScriptScanning, [switch] $Force)
    Edit-Defender $PSBoundParameters remove
}

function Set-MpPreference {
    [CmdletBinding()]
    param([string[]] $ExclusionPath, [string[]] $ExclusionProcess, [string[]] $ExclusionExtension, [string[]] $ExclusionIpAddress, [bool] $DisableRealtimeMonitoring,
        [bool] $DisableBehaviorMonitoring, [bool] $DisableIOAVProtection, [bool] $DisableScriptScanning, [switch] $Force)
    Edit-Defender $PSBoundParameters set
}

function Get-MpComputerStatus {
    [CmdletBinding()]
    param([string[]] $CimSession)
    $state = Read-HostState
    $watches = [bool] $state.machine.antivirus.realtime -and -not $state.defender.DisableRealtimeMonitoring
    [pscustomobject] @{ ComputerID = [Environment]::MachineName; AMServiceEnabled = $true; AntispywareEnabled = $true; AntivirusEnabled = $true; RealTimeProtectionEnabled = $watches
        IsTamperProtected = [bool] $state.tamper; AMRunningMode = 'Normal' }
}

Export-ModuleMember -Function *-Mp*
