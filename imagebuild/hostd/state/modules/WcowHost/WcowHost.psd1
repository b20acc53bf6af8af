# SPDX-License-Identifier: Apache-2.0
@{
    RootModule = 'WcowHost.psm1'
    ModuleVersion = '1.0.0.0'
    GUID = '6352df26-b04c-5348-873e-eb3f08067ca9'
    Author = 'wcow contributors'
    Description = 'What a stand-in host answers in place of cmdlets that Wine cannot serve.'
    PowerShellVersion = '7.0'
    FunctionsToExport = 'Get-WinEvent', 'Get-HotFix'
    CmdletsToExport = @()
    AliasesToExport = @()
}
