# SPDX-License-Identifier: Apache-2.0
# What a stand-in host answers in place of cmdlets that PowerShell has and Wine cannot serve.

. $PSScriptRoot\State.ps1

function Get-WinEvent {
    [CmdletBinding()]
    param([Parameter(Position = 0)] [string[]] $LogName, [hashtable[]] $FilterHashtable, [long] $MaxEvents, [string[]] $ProviderName, [string[]] $ListLog, [string] $FilterXPath, [switch] $Oldest)
    if ($FilterHashtable -and $FilterHashtable[0].ProviderName -eq 'Microsoft-Windows-Hyper-V-Hypervisor') {
        $launched = (Read-HostState).machine.hypervisor.launched
        if ($launched) { return [pscustomobject] @{ Id = 2; ProviderName = 'Microsoft-Windows-Hyper-V-Hypervisor'; LogName = 'System'; LevelDisplayName = 'Information'; Message = 'Hypervisor successfully started.' } }
        if ($null -ne $launched) {
            $PSCmdlet.WriteError([Management.Automation.ErrorRecord]::new([Exception]::new('No events were found that match the specified selection criteria.'), 'NoMatchingEventsFound', 'ObjectNotFound', $null))
            return
        }
    }
    Microsoft.PowerShell.Diagnostics\Get-WinEvent @PSBoundParameters
}

function Get-HotFix {
    [CmdletBinding()]
    param([Parameter(Position = 0)] [Alias('HFID')] [string[]] $Id, [string[]] $Description, [string[]] $ComputerName)
    $found = @(Get-CimInstance Win32_QuickFixEngineering | Where-Object { -not $Id -or $_.HotFixID -in $Id })
    if ($Id -and -not $found) { $PSCmdlet.WriteError([Management.Automation.ErrorRecord]::new([ArgumentException]::new('Cannot find the requested hotfix on the ''localhost'' computer. Verify the input and run the command again.'), 'GetHotFixNoEntriesFound', 'ObjectNotFound', $null)) }
    $found
}

Export-ModuleMember -Function Get-WinEvent, Get-HotFix
