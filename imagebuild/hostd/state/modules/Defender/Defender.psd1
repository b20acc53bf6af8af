# SPDX-License-Identifier: Apache-2.0
@{
    RootModule = 'Defender.psm1'
    ModuleVersion = '1.0'
    GUID = '6665a35a-a296-5561-8ec6-f2385c426f73'
    Author = 'wcow contributors'
    Description = 'Defender''s preferences of a stand-in host, over its state document.'
    PowerShellVersion = '7.0'
    FunctionsToExport = 'Get-MpPreference', 'Add-MpPreference', 'Remove-MpPreference', 'Set-MpPreference',
        'Get-MpComputerStatus'
    CmdletsToExport = @()
    AliasesToExport = @()
}
