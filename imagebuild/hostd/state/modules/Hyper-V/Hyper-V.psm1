# SPDX-License-Identifier: Apache-2.0
# Get-VM, Get- and Set-VMProcessor, Get-VMMemory and Get-VMHost of a stand-in host, over its state document
# (machine.hypervisor.guests). No virtual machine runs.

. $PSScriptRoot\..\WcowHost\State.ps1

function Select-Guest($Cmdlet, [string[]] $Name) {
    $guests = @((Read-HostState).machine.hypervisor.guests)
    foreach ($one in $Name) {
        $found = @($guests | Where-Object { $_.name -like $one })
        if (-not $found -and -not [WildcardPattern]::ContainsWildcardCharacters($one)) {
            $Cmdlet.WriteError([Management.Automation.ErrorRecord]::new([ArgumentException]::new("Hyper-V was unable to find a virtual machine with name `"$one`"."), 'InvalidParameter', 'InvalidArgument', $one))
        }
        $found
    }
}

function Get-VM {
    [CmdletBinding()]
    param([Parameter(Position = 0)] [Alias('VMName')] [string[]] $Name = '*', [string[]] $ComputerName)
    foreach ($guest in Select-Guest $PSCmdlet $Name) {
        [pscustomobject] @{ Name = $guest.name; VMName = $guest.name; Version = $guest.version; State = 'Off'; Status = 'Operating normally'; ProcessorCount = $guest.processors; MemoryStartup = $guest.memory
            DynamicMemoryEnabled = [bool] $guest.dynamic; Generation = 2 }
    }
}

function Get-VMProcessor {
    [CmdletBinding()]
    param([Parameter(Position = 0, ValueFromPipelineByPropertyName)] [string[]] $VMName = '*', [string[]] $ComputerName)
    process {
        foreach ($guest in Select-Guest $PSCmdlet $VMName) {
            [pscustomobject] @{ VMName = $guest.name; Count = $guest.processors; ExposeVirtualizationExtensions = [bool] $guest.nested; CompatibilityForMigrationEnabled = $false; Maximum = 100; Reserve = 0; RelativeWeight = 100 }
        }
    }
}

function Set-VMProcessor {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)] [string[]] $VMName, [bool] $ExposeVirtualizationExtensions, [long] $Count, [string[]] $ComputerName)
    process {
        $names = @(Select-Guest $PSCmdlet $VMName | ForEach-Object { $_.name })
        if (-not $names -or -not $PSCmdlet.ShouldProcess($names -join ', ')) { return }
        $given = $PSBoundParameters
        Edit-HostState {
            param($state)
            foreach ($guest in $state.machine.hypervisor.guests | Where-Object { $_.name -in $names }) {
                if ($given.ContainsKey('ExposeVirtualizationExtensions')) { $guest.nested = $given.ExposeVirtualizationExtensions }
                if ($given.ContainsKey('Count')) { $guest.processors = $given.Count }
            }
        }
    }
}

function Get-VMMemory {
    [CmdletBinding()]
    param([Parameter(Position = 0, ValueFromPipelineByPropertyName)] [string[]] $VMName = '*', [string[]] $ComputerName)
    process {
        foreach ($guest in Select-Guest $PSCmdlet $VMName) { [pscustomobject] @{ VMName = $guest.name; Startup = $guest.memory; DynamicMemoryEnabled = [bool] $guest.dynamic; Minimum = $guest.memory; Maximum = $guest.memory } }
    }
}

function Get-VMHost {
    [CmdletBinding()]
    param([string[]] $ComputerName)
    $facts = (Read-HostState).machine.hypervisor
    [pscustomobject] @{ Name = [Environment]::MachineName; ComputerName = [Environment]::MachineName; LogicalProcessorCount = $facts.processors; MemoryCapacity = $facts.memory; EnableEnhancedSessionMode = $false }
}

Export-ModuleMember -Function *-VM*
