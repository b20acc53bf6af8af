# SPDX-License-Identifier: Apache-2.0
@{
    RootModule = 'Dism.psm1'
    ModuleVersion = '3.0'
    GUID = 'b65a181d-e65d-5a8f-98f2-25221f62875e'
    Author = 'wcow contributors'
    Description = 'Optional features of a stand-in host, over its state document.'
    PowerShellVersion = '7.0'
    FunctionsToExport = 'Get-WindowsOptionalFeature', 'Enable-WindowsOptionalFeature',
        'Disable-WindowsOptionalFeature'
    CmdletsToExport = @()
    AliasesToExport = @()
}
