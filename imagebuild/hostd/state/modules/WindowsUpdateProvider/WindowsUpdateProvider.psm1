# SPDX-License-Identifier: Apache-2.0
# Windows Update of a stand-in host, over its state document (updates: kb, title, installed, restart). Parameters and
# return values are those of the module that Server 2019 and later have.

. $PSScriptRoot\..\WcowHost\State.ps1

function Start-WUScan {
    [CmdletBinding()]
    param([string] $SearchCriteria = 'IsInstalled=0', $CimSession)
    $installed = $SearchCriteria -match 'IsInstalled\s*=\s*1'
    foreach ($update in (Read-HostState).updates) {
        if ([bool] $update.installed -ne $installed) { continue }
        [pscustomobject] @{ Title = $update.title; KBArticleID = $update.kb; UpdateID = $update.kb; RevisionNumber = 1; MsrcSeverity = 'Critical' }
    }
}

function Install-WUUpdates {
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0)] $Updates, [bool] $DownloadOnly)
    $wanted = @($Updates | ForEach-Object { $_.UpdateID })
    if (-not $DownloadOnly) {
        Edit-HostState {
            param($state)
            foreach ($update in $state.updates | Where-Object { $_.kb -in $wanted }) {
                $update.installed = $true
                if ($update.restart) { Add-PendingReboot $state 'windows-update' }
            }
        }
    }
    [pscustomobject] @{ ReturnValue = [uint32] 0; RebootRequired = Get-WUIsPendingReboot }
}

function Get-WUIsPendingReboot {
    [CmdletBinding()]
    param($CimSession)
    @((Read-HostState).pending_reboot) -contains 'windows-update'
}

Export-ModuleMember -Function *-WU*
