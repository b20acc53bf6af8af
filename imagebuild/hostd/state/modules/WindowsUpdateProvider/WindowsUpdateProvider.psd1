# SPDX-License-Identifier: Apache-2.0
@{
    RootModule = 'WindowsUpdateProvider.psm1'
    ModuleVersion = '1.0.0.2'
    GUID = '0f086b7c-9086-5658-9120-171f80586d4b'
    Author = 'wcow contributors'
    Description = 'Windows Update of a stand-in host, over its state document.'
    PowerShellVersion = '7.0'
    FunctionsToExport = 'Start-WUScan', 'Install-WUUpdates', 'Get-WUIsPendingReboot'
    CmdletsToExport = @()
    AliasesToExport = @()
}
