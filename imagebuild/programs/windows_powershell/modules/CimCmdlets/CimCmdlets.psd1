# SPDX-License-Identifier: Apache-2.0
@{
    RootModule = 'CimCmdlets.psm1'
    ModuleVersion = '7.0.0.0'
    GUID = 'c0e0a3fd-7e2f-4a83-9a55-61b4d3e6a1c9'
    Author = 'wcow contributors'
    Description = 'Get-CimInstance and Get-WmiObject for the classes that scripts ask for, without CIM.'
    PowerShellVersion = '7.0'
    FunctionsToExport = 'Get-CimInstance', 'Get-CimClass', 'Get-WmiObject', 'Get-ComputerInfo', 'Invoke-CimMethod',
        'New-CimSession', 'Get-CimSession', 'Remove-CimSession', 'Set-CimInstance', 'New-CimInstance', 'Remove-CimInstance',
        'Get-CimAssociatedInstance', 'Register-CimIndicationEvent', 'Invoke-WmiMethod', 'Set-WmiInstance',
        'Remove-WmiObject', 'Restart-Computer', 'Stop-Computer'
    CmdletsToExport = @()
    AliasesToExport = 'gcim', 'icim', 'ncms', 'gcms', 'rcms', 'gcls'
}
