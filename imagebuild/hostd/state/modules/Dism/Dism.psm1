# SPDX-License-Identifier: Apache-2.0
# Get-, Enable- and Disable-WindowsOptionalFeature of a stand-in host, over its state document.

. $PSScriptRoot\..\WcowHost\State.ps1

function Get-DismError([string] $Message, [string] $Target) {
    [Management.Automation.ErrorRecord]::new([Runtime.InteropServices.COMException]::new($Message, 0x800f080c), 'Microsoft.Dism.Commands', 'NotSpecified', $Target)
}

function ConvertTo-Optional([string] $Name, [string] $State) {
    $known = $script:Known | Where-Object { $_.optional -eq $Name }
    $feature = [pscustomobject] @{ FeatureName = $Name; DisplayName = $(if ($known) { $known.display } else { $Name }); Description = ''
        RestartRequired = $(if (-not $known -or $known.restart) { 'Possible' } else { 'No' }); State = $State; CustomProperties = $null; Path = ''; Online = $true
        WinPath = ''; SysDrivePath = ''; LogPath = 'C:\Windows\Logs\DISM\dism.log'; ScratchDirectory = ''; LogLevel = 'WarningsInfo' }
    $feature.PSObject.TypeNames.Insert(0, 'Microsoft.Dism.Commands.AdvancedFeatureObject')
    $feature
}

function Get-WindowsOptionalFeature {
    [CmdletBinding()]
    param([switch] $Online, [Parameter(Position = 1)] [string] $FeatureName, [string] $PackageName, [string] $LogPath, [string] $ScratchDirectory)
    $script:Known = Get-HostFeatures
    $table = Get-StateTable (Read-HostState) optional
    if ($FeatureName -and $FeatureName -notmatch '[*?]') {
        $key = Find-StateKey $table $FeatureName
        if (-not $key) { $PSCmdlet.ThrowTerminatingError((Get-DismError "Feature name $FeatureName is unknown." $FeatureName)) }
        return ConvertTo-Optional $key $table[$key]
    }
    foreach ($key in $table.Keys | Sort-Object) { if (-not $FeatureName -or $key -like $FeatureName) { ConvertTo-Optional $key $table[$key] } }
}

function Set-Optional($Cmdlet, [string[]] $Name, [bool] $Enable, [string] $Source, [bool] $Remove) {
    $script:Known = Get-HostFeatures
    $table = Get-StateTable (Read-HostState) optional
    $later, $wanted = $false, @()
    foreach ($one in $Name) {
        $key = Find-StateKey $table $one
        if (-not $key) { $Cmdlet.ThrowTerminatingError((Get-DismError "Feature name $one is unknown." $one)) }
        if ($Enable -and $table[$key] -eq 'DisabledWithPayloadRemoved' -and -not $Source) {
            $Cmdlet.ThrowTerminatingError((Get-DismError ("The source files could not be found.`r`nUse the `"Source`" option to specify the location of the files that are required to restore the feature.") $one))
        }
        $is = $table[$key] -in 'Enabled', 'EnablePending'
        if ($is -eq $Enable -and -not ($Remove -and $table[$key] -ne 'DisabledWithPayloadRemoved')) { continue }
        $wanted += $key
        $known = $script:Known | Where-Object { $_.optional -eq $key }
        if (-not $known -or $known.restart -or (-not $Enable -and $known.uninstall_restart)) { $later = $true }
    }
    if ($wanted -and $Cmdlet.MyInvocation.BoundParameters.WhatIf -ne $true) {
        Edit-HostState {
            param($state)
            foreach ($key in $wanted) {
                $known = $script:Known | Where-Object { $_.optional -eq $key }
                $waits = -not $known -or $known.restart -or (-not $Enable -and $known.uninstall_restart)
                $to = if ($Enable) { $(if ($waits) { 'EnablePending' } else { 'Enabled' }) } elseif ($waits) { 'DisablePending' } elseif ($Remove) { 'DisabledWithPayloadRemoved' } else { 'Disabled' }
                $state.optional[$key] = $to
                if ($known.name -and $null -ne $state.features -and $null -ne $state.features[$known.name]) {
                    $state.features[$known.name] = @{ Enabled = 'Installed'; Disabled = 'Available'; DisabledWithPayloadRemoved = 'Removed'
                        EnablePending = 'InstallPending'; DisablePending = 'UninstallPending' }[$to]
                }
            }
            if ($later) { Add-PendingReboot $state 'component-servicing' }
        }
    }
    $result = [pscustomobject] @{ Path = ''; Online = $true; WinPath = ''; SysDrivePath = ''; RestartNeeded = $later; LogPath = 'C:\Windows\Logs\DISM\dism.log'; ScratchDirectory = ''; LogLevel = 'WarningsInfo' }
    $result.PSObject.TypeNames.Insert(0, 'Microsoft.Dism.Commands.ImageObject')
    $result
}

function Enable-WindowsOptionalFeature {
    [CmdletBinding()]
    param([switch] $Online, [Parameter(Mandatory, Position = 1, ValueFromPipelineByPropertyName)] [string[]] $FeatureName, [string] $PackageName, [switch] $All,
        [switch] $LimitAccess, [string[]] $Source, [switch] $NoRestart, [string] $LogPath, [string] $ScratchDirectory)
    Set-Optional $PSCmdlet $FeatureName $true ($Source -join ';') $false
}

function Disable-WindowsOptionalFeature {
    [CmdletBinding()]
    param([switch] $Online, [Parameter(Mandatory, Position = 1, ValueFromPipelineByPropertyName)] [string[]] $FeatureName, [string] $PackageName, [switch] $Remove,
        [switch] $NoRestart, [string] $LogPath, [string] $ScratchDirectory)
    Set-Optional $PSCmdlet $FeatureName $false '' $Remove
}

Export-ModuleMember -Function Get-WindowsOptionalFeature, Enable-WindowsOptionalFeature, Disable-WindowsOptionalFeature
