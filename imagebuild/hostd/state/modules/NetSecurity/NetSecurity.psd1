# SPDX-License-Identifier: Apache-2.0
@{
    RootModule = 'NetSecurity.psm1'
    ModuleVersion = '2.0.0.0'
    GUID = '205578ad-4dbf-5b5a-ad67-dd6ec0bb0cbe'
    Author = 'wcow contributors'
    Description = 'Firewall rules of a stand-in host, over its state document.'
    PowerShellVersion = '7.0'
    FunctionsToExport = 'Get-NetFirewallRule', 'Get-NetFirewallPortFilter', 'Get-NetFirewallAddressFilter',
        'Get-NetFirewallApplicationFilter', 'New-NetFirewallRule', 'Set-NetFirewallRule', 'Remove-NetFirewallRule',
        'Enable-NetFirewallRule', 'Disable-NetFirewallRule', 'Get-NetFirewallProfile', 'Set-NetFirewallProfile'
    CmdletsToExport = @()
    AliasesToExport = @()
}
