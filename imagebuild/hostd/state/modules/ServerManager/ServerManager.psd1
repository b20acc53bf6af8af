# SPDX-License-Identifier: Apache-2.0
@{
    RootModule = 'ServerManager.psm1'
    ModuleVersion = '2.0.0.0'
    GUID = '5bdd2b5c-d507-521a-b6e3-91d985646fb7'
    Author = 'wcow contributors'
    Description = 'Roles and features of a stand-in host, over its state document.'
    PowerShellVersion = '7.0'
    FunctionsToExport = 'Get-WindowsFeature', 'Install-WindowsFeature', 'Uninstall-WindowsFeature'
    CmdletsToExport = @()
    AliasesToExport = 'Add-WindowsFeature', 'Remove-WindowsFeature'
}
