# SPDX-License-Identifier: Apache-2.0
@{
    RootModule = 'Hyper-V.psm1'
    ModuleVersion = '2.0.0.0'
    GUID = '483dfdeb-7fec-5b76-8621-b25814d970a7'
    Author = 'wcow contributors'
    Description = 'Virtual machines of a stand-in host, over its state document.'
    PowerShellVersion = '7.0'
    FunctionsToExport = 'Get-VM', 'Get-VMProcessor', 'Set-VMProcessor', 'Get-VMMemory', 'Get-VMHost'
    CmdletsToExport = @()
    AliasesToExport = @()
}
