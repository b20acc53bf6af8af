# SPDX-License-Identifier: Apache-2.0
@{
    RootModule = 'HostNetworkingService.psm1'
    ModuleVersion = '1.0.0.0'
    GUID = 'df4a862c-8ec3-59b9-a310-dcf36b3cb91a'
    Author = 'wcow contributors'
    Description = 'Container networks of a stand-in host, over its state document.'
    PowerShellVersion = '7.0'
    FunctionsToExport = 'Get-HnsNetwork', 'Remove-HnsNetwork', 'Get-HnsEndpoint', 'Get-HnsPolicyList'
    CmdletsToExport = @()
    AliasesToExport = @()
}
