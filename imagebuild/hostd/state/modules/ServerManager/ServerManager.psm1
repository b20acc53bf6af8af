# SPDX-License-Identifier: Apache-2.0
# Get-, Install- and Uninstall-WindowsFeature of a stand-in host, over its state document. Objects, exit codes and errors
# are those of Microsoft's pages of the module ServerManager.

. $PSScriptRoot\..\WcowHost\State.ps1

function ConvertTo-Feature([string] $Name, [string] $State) {
    $known = $script:Known | Where-Object { $_.name -eq $Name }
    $feature = [pscustomobject] @{
        Name = $Name; DisplayName = $(if ($known) { $known.display } else { $Name }); Description = ''; FeatureType = 'Feature'
        InstallState = $State; Installed = $State -in 'Installed', 'UninstallPending'; Path = $(if ($known) { $known.display } else { $Name })
        Depth = 1; Parent = $null; DependsOn = @(); SubFeatures = @(); SystemService = @(); Notification = @(); ServerComponentDescriptor = $null
    }
    $feature.PSObject.TypeNames.Insert(0, 'Microsoft.Windows.ServerManager.Commands.Feature')
    $feature
}

function Get-WindowsFeature {
    [CmdletBinding()]
    param([Parameter(Position = 0, ValueFromPipelineByPropertyName)] [string[]] $Name, [string] $Vhd, [string] $ComputerName,
        [pscredential] $Credential, [string] $LogPath)
    begin { $script:Known = Get-HostFeatures; $table = Get-StateTable (Read-HostState) features }
    process {
        foreach ($key in $table.Keys | Sort-Object) {
            if (-not $Name -or ($Name | Where-Object { $key -like $_ })) { ConvertTo-Feature $key $table[$key] }
        }
    }
}

# What a change comes to: an object as Install-WindowsFeature's, with the document changed unless $WhatIf.
function Set-Feature($Cmdlet, [string[]] $Name, [bool] $Install, [string] $Source, [bool] $Restart, [bool] $Remove) {
    $script:Known = Get-HostFeatures
    $table = Get-StateTable (Read-HostState) features
    foreach ($one in $Name) {
        if (-not (Find-StateKey $table $one)) {
            $Cmdlet.ThrowTerminatingError([Management.Automation.ErrorRecord]::new([ArgumentException]::new(
                        "ArgumentNotValid: The role, role service, or feature name is not valid: '$one'. The name was not found."),
                    'NameDoesNotExist', 'InvalidArgument', $one))
        }
    }
    $wanted = @(foreach ($one in $Name) {
            $key = Find-StateKey $table $one
            $is = $table[$key] -in 'Installed', 'InstallPending'
            if ($is -ne $Install -or ($Remove -and $table[$key] -ne 'Removed')) { $key }
        })
    $missing = @($wanted | Where-Object { $Install -and $table[$_] -eq 'Removed' -and -not $Source })
    if ($missing) {
        $error = [Management.Automation.ErrorRecord]::new([InvalidOperationException]::new("The request to add or remove features on the specified server failed.`r`n" +
                "Installation of one or more roles, role services, or features failed.`r`nThe source files could not be found. Use the `"Source`" option to specify the " +
                'location of the files that are required to restore the feature. For more information on specifying a source location, see ' +
                'https://go.microsoft.com/fwlink/?LinkId=243077. Error: 0x800f081f'), 'DISMAPI_Error__Cbs_Download_Failure', 'InvalidOperation', $missing[0])
        $Cmdlet.WriteError($error)
        return [pscustomobject] @{ Success = $false; RestartNeeded = 'No'; FeatureResult = @(); ExitCode = 'Failed' }
    }
    if (-not $wanted) { return [pscustomobject] @{ Success = $true; RestartNeeded = 'No'; FeatureResult = @(); ExitCode = 'NoChangeNeeded' } }
    $later = @($wanted | Where-Object {
            $key = $_
            $known = $script:Known | Where-Object { $_.name -eq $key }
            if ($Install) { -not $known -or $known.restart } else { -not $known -or $known.restart -or $known.uninstall_restart }
        })
    $result = [pscustomobject] @{
        Success = $true; RestartNeeded = $(if ($later) { 'Yes' } else { 'No' }); ExitCode = $(if ($later) { 'SuccessRestartRequired' } else { 'Success' })
        FeatureResult = @($wanted | ForEach-Object { [pscustomobject] @{ Name = $_; Success = $true; RestartNeeded = $(if ($later -contains $_) { 'Yes' } else { 'No' }); SkipReason = 'NotSkipped' } })
    }
    if (-not $Cmdlet.ShouldProcess($wanted -join ', ')) { return $result }
    Edit-HostState {
        param($state)
        foreach ($key in $wanted) {
            $to = if ($Install) { 'Installed' } elseif ($Remove) { 'Removed' } else { 'Available' }
            if ($later -contains $key) { $to = if ($Install) { 'InstallPending' } else { 'UninstallPending' } }
            $state.features[$key] = $to
            $optional = ($script:Known | Where-Object { $_.name -eq $key }).optional
            if ($optional -and $null -ne $state.optional -and $null -ne $state.optional[$optional]) {
                $state.optional[$optional] = @{ Installed = 'Enabled'; Available = 'Disabled'; Removed = 'DisabledWithPayloadRemoved'
                    InstallPending = 'EnablePending'; UninstallPending = 'DisablePending' }[$to]
            }
        }
        if ($later) { Add-PendingReboot $state 'component-servicing' }
    }
    if ($later -and -not $Restart) {
        $Cmdlet.WriteWarning($(if ($Install) { 'You must restart this server to finish the installation process.' } else { 'You must restart this server to finish the removal process.' }))
    }
    if ($later -and $Restart) { Restart-Host }
    $result
}

function Install-WindowsFeature {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)] [string[]] $Name, [switch] $Restart, [switch] $IncludeAllSubFeature,
        [switch] $IncludeManagementTools, [string[]] $Source, [string] $Vhd, [string] $ComputerName, [pscredential] $Credential, [string] $LogPath)
    begin { $all = @() }
    process { $all += $Name }
    end { Set-Feature $PSCmdlet $all $true ($Source -join ';') $Restart $false }
}

function Uninstall-WindowsFeature {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)] [string[]] $Name, [switch] $Restart, [switch] $IncludeManagementTools,
        [switch] $Remove, [string] $Vhd, [string] $ComputerName, [pscredential] $Credential, [string] $LogPath)
    begin { $all = @() }
    process { $all += $Name }
    end { Set-Feature $PSCmdlet $all $false '' $Restart $Remove }
}

Set-Alias Add-WindowsFeature Install-WindowsFeature
Set-Alias Remove-WindowsFeature Uninstall-WindowsFeature
Export-ModuleMember -Function Get-WindowsFeature, Install-WindowsFeature, Uninstall-WindowsFeature -Alias *
