# SPDX-License-Identifier: Apache-2.0
# Firewall rules of a stand-in host, over its state document. Nothing is filtered by them: WinRM and ssh are reached from
# outside the machine's own network.

. $PSScriptRoot\..\WcowHost\State.ps1

$script:Missing = "No MSFT_NetFirewallRule objects found with property '{0}' equal to '{1}'.  Verify the value of the property and retry."

function Get-NotFound([string] $Property, [string] $Value) {
    [Management.Automation.ErrorRecord]::new([Management.Automation.ItemNotFoundException]::new(($script:Missing -f $Property, $Value)),
        "CmdletizationQuery_NotFound_$Property", 'ObjectNotFound', $Value)
}

function ConvertTo-Rule([string] $Name, $Rule) {
    $made = [pscustomobject] @{
        Name = $Name; ID = $Name; InstanceID = $Name; DisplayName = $Rule.DisplayName; Description = $Rule.Description; Group = $Rule.Group; DisplayGroup = $Rule.Group
        Enabled = $(if ($Rule.Enabled) { "$($Rule.Enabled)" } else { 'True' }); Profile = $(if ($Rule.Profile) { "$($Rule.Profile)" } else { 'Any' }); Direction = $(if ($Rule.Direction) { $Rule.Direction } else { 'Inbound' })
        Action = $(if ($Rule.Action) { $Rule.Action } else { 'Allow' }); EdgeTraversalPolicy = 'Block'; PrimaryStatus = 'OK'; Status = 'The rule was parsed successfully from the store. (65536)'
        EnforcementStatus = 'NotApplicable'; PolicyStoreSource = 'PersistentStore'; PolicyStoreSourceType = 'Local'; Owner = $null; Platform = @()
    }
    $made.PSObject.TypeNames.Insert(0, 'Microsoft.Management.Infrastructure.CimInstance#root/standardcimv2/MSFT_NetFirewallRule')
    $made
}

# The names of the rules that are asked for; an error for a name, without a wildcard, that no rule has.
function Select-Rule($Cmdlet, $Table, [string[]] $Name, [string[]] $DisplayName, [string[]] $Group) {
    foreach ($asked in @(@{ Property = 'InstanceID'; Values = $Name }, @{ Property = 'DisplayName'; Values = $DisplayName }, @{ Property = 'DisplayGroup'; Values = $Group })) {
        foreach ($value in $asked.Values | Where-Object { $_ }) {
            $found = @(foreach ($key in $Table.Keys) {
                    $has = switch ($asked.Property) { 'InstanceID' { $key } 'DisplayName' { $Table[$key].DisplayName } default { $Table[$key].Group } }
                    if ($has -like $value) { $key }
                })
            if (-not $found -and -not [WildcardPattern]::ContainsWildcardCharacters($value)) { $Cmdlet.WriteError((Get-NotFound $asked.Property $value)) }
            $found
        }
    }
    if (-not $Name -and -not $DisplayName -and -not $Group) { $Table.Keys }
}

function Get-NetFirewallRule {
    [CmdletBinding()]
    param([Parameter(Position = 0)] [Alias('ID')] [string[]] $Name, [string[]] $DisplayName, [string[]] $DisplayGroup, [Alias('RuleGroup')] [string[]] $Group, [switch] $All,
        [string[]] $Enabled, [string[]] $Direction, [string[]] $Action, [string] $PolicyStore, $CimSession, [switch] $TracePolicyStore)
    $table = Get-StateTable (Read-HostState) rules
    foreach ($key in Select-Rule $PSCmdlet $table $Name $DisplayName @(@($DisplayGroup) + $Group | Where-Object { $_ })) {
        $rule = ConvertTo-Rule $key $table[$key]
        if (($Enabled -and $rule.Enabled -notin $Enabled) -or ($Direction -and $rule.Direction -notin $Direction) -or ($Action -and $rule.Action -notin $Action)) { continue }
        $rule
    }
}

function Get-NetFirewallPortFilter {
    [CmdletBinding()]
    param([Parameter(ValueFromPipeline)] [Alias('Rule')] $AssociatedNetFirewallRule, [switch] $All, [string] $PolicyStore)
    process {
        $rule = (Get-StateTable (Read-HostState) rules)[$AssociatedNetFirewallRule.Name]
        [pscustomobject] @{ InstanceID = $AssociatedNetFirewallRule.Name; Protocol = $(if ($rule.Protocol) { $rule.Protocol } else { 'Any' }); LocalPort = $(if ($rule.LocalPort) { $rule.LocalPort } else { 'Any' })
            RemotePort = $(if ($rule.RemotePort) { $rule.RemotePort } else { 'Any' }); IcmpType = 'Any'; DynamicTarget = 'Any' }
    }
}

function Get-NetFirewallAddressFilter {
    [CmdletBinding()]
    param([Parameter(ValueFromPipeline)] [Alias('Rule')] $AssociatedNetFirewallRule, [switch] $All, [string] $PolicyStore)
    process {
        $rule = (Get-StateTable (Read-HostState) rules)[$AssociatedNetFirewallRule.Name]
        [pscustomobject] @{ InstanceID = $AssociatedNetFirewallRule.Name; LocalAddress = $(if ($rule.LocalAddress) { $rule.LocalAddress } else { 'Any' }); RemoteAddress = $(if ($rule.RemoteAddress) { $rule.RemoteAddress } else { 'Any' }) }
    }
}

function Get-NetFirewallApplicationFilter {
    [CmdletBinding()]
    param([Parameter(ValueFromPipeline)] [Alias('Rule')] $AssociatedNetFirewallRule, [switch] $All, [string] $PolicyStore)
    process {
        $rule = (Get-StateTable (Read-HostState) rules)[$AssociatedNetFirewallRule.Name]
        [pscustomobject] @{ InstanceID = $AssociatedNetFirewallRule.Name; Program = $(if ($rule.Program) { $rule.Program } else { 'Any' }); Package = $null }
    }
}

# Parameters as properties of a rule, in the spelling in which the real cmdlets give them back.
function ConvertTo-RuleTable($Given) {
    $rule = @{}
    foreach ($key in $Given.Keys) {
        $value = $Given[$key]
        switch -Regex ($key) {
            '^(Display(Name)|Description|Group|Program)$' { $rule[$key] = "$value" }
            '^NewDisplayName$' { $rule.DisplayName = "$value" }
            '^(Enabled|Direction|Action)$' {
                foreach ($word in 'True', 'False', 'Inbound', 'Outbound', 'Allow', 'Block', 'NotConfigured') { if ("$value" -eq $word) { $rule[$key] = $word } }
            }
            '^Protocol$' { $rule.Protocol = if ($value -match '^\d+$') { @{ '6' = 'TCP'; '17' = 'UDP' }["$value"] ?? "$value" } elseif ($value -eq 'any') { 'Any' } else { $value.ToUpperInvariant() } }
            '^(Local|Remote)(Port|Address)$' {
                $values = @($value | ForEach-Object { if ($_ -eq 'any') { 'Any' } else { "$_" } })
                $rule[$key] = if ($values.Count -eq 1) { $values[0] } else { $values }
            }
            '^Profile$' {
                $names = @("$value" -split '\s*,\s*' | ForEach-Object { foreach ($one in 'Domain', 'Private', 'Public', 'Any') { if ($_ -eq $one) { $one } } })
                $rule.Profile = if ($names -contains 'Any' -or $names.Count -eq 3) { 'Any' } else { $names -join ', ' }
            }
        }
    }
    $rule
}

function New-NetFirewallRule {
    [CmdletBinding(SupportsShouldProcess)]
    param([string] $Name = "{$([guid]::NewGuid().ToString().ToUpperInvariant())}", [Parameter(Mandatory)] [string] $DisplayName, [string] $Description, [string] $Group,
        [string] $Enabled = 'True', [string] $Profile = 'Any', [string] $Direction = 'Inbound', [string] $Action = 'Allow', [string] $Protocol = 'Any', [string[]] $LocalPort = 'Any', [string[]] $RemotePort = 'Any',
        [string[]] $LocalAddress = 'Any', [string[]] $RemoteAddress = 'Any', [string] $Program = 'Any', [string] $InterfaceType, [string] $EdgeTraversalPolicy, [string] $PolicyStore, $CimSession)
    if (Find-StateKey (Get-StateTable (Read-HostState) rules) $Name) {
        $PSCmdlet.ThrowTerminatingError([Management.Automation.ErrorRecord]::new([InvalidOperationException]::new('Cannot create a file when that file already exists.'),
                'Windows System Error 183,New-NetFirewallRule', 'NotSpecified', $Name))
    }
    if (-not $PSCmdlet.ShouldProcess($DisplayName)) { return }
    $rule = ConvertTo-RuleTable @{ DisplayName = $DisplayName; Description = $Description; Group = $Group; Enabled = $Enabled; Profile = $Profile; Direction = $Direction; Action = $Action; Protocol = $Protocol
        LocalPort = $LocalPort; RemotePort = $RemotePort; LocalAddress = $LocalAddress; RemoteAddress = $RemoteAddress; Program = $Program }
    Edit-HostState { param($state) (Get-StateTable $state rules)[$Name] = $rule }
    ConvertTo-Rule $Name $rule
}

function Set-NetFirewallRule {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Position = 0, ValueFromPipelineByPropertyName)] [Alias('ID')] [string[]] $Name, [string[]] $DisplayName, [string] $NewDisplayName, [string] $Description, [string] $Enabled, [string] $Profile,
        [string] $Direction, [string] $Action, [string] $Protocol, [string[]] $LocalPort, [string[]] $RemotePort, [string[]] $LocalAddress, [string[]] $RemoteAddress, [string] $Program,
        [string] $InterfaceType, [string] $EdgeTraversalPolicy, [string] $PolicyStore, $CimSession, [switch] $PassThru)
    process {
        $given = @{}
        foreach ($key in $PSBoundParameters.Keys) { if ($key -notin 'Name', 'DisplayName') { $given[$key] = $PSBoundParameters[$key] } }
        $changes = ConvertTo-RuleTable $given
        $table = Get-StateTable (Read-HostState) rules
        $keys = @(Select-Rule $PSCmdlet $table $Name $(if (-not $Name) { $DisplayName }))
        if (-not $keys -or -not $PSCmdlet.ShouldProcess($keys -join ', ')) { return }
        Edit-HostState { param($state) foreach ($key in $keys) { foreach ($one in $changes.Keys) { $state.rules[$key][$one] = $changes[$one] } } }
        if ($PassThru) { Get-NetFirewallRule -Name $keys }
    }
}

function Remove-NetFirewallRule {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Position = 0, ValueFromPipelineByPropertyName)] [Alias('ID')] [string[]] $Name, [string[]] $DisplayName, [string[]] $DisplayGroup, [Alias('RuleGroup')] [string[]] $Group, [switch] $All,
        [string] $PolicyStore, $CimSession)
    process {
        $groups = @(@($DisplayGroup) + $Group | Where-Object { $_ })
        if (-not $Name -and -not $DisplayName -and -not $groups -and -not $All) { throw 'Name the rules to remove, or use -All.' }
        $keys = @(Select-Rule $PSCmdlet (Get-StateTable (Read-HostState) rules) $Name $(if (-not $Name) { $DisplayName }) $(if (-not $Name) { $groups }))
        if ($keys -and $PSCmdlet.ShouldProcess($keys -join ', ')) { Edit-HostState { param($state) foreach ($key in $keys) { $state.rules.Remove($key) } } }
    }
}

function Enable-NetFirewallRule {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Position = 0, ValueFromPipelineByPropertyName)] [Alias('ID')] [string[]] $Name, [string[]] $DisplayName)
    process { $PSBoundParameters.Enabled = 'True'; Set-NetFirewallRule @PSBoundParameters }
}

function Disable-NetFirewallRule {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Position = 0, ValueFromPipelineByPropertyName)] [Alias('ID')] [string[]] $Name, [string[]] $DisplayName)
    process { $PSBoundParameters.Enabled = 'False'; Set-NetFirewallRule @PSBoundParameters }
}

function Get-NetFirewallProfile {
    [CmdletBinding()]
    param([Parameter(Position = 0)] [Alias('Profile')] [string[]] $Name, [switch] $All, [string] $PolicyStore)
    $kept = Get-StateTable (Read-HostState) profiles
    foreach ($one in 'Domain', 'Private', 'Public') {
        if ($Name -and $one -notin $Name) { continue }
        $settings = $kept[$one]
        [pscustomobject] @{ Name = $one; Profile = $one; Enabled = $settings.Enabled ?? 'True'; DefaultInboundAction = $settings.DefaultInboundAction ?? 'NotConfigured'; DefaultOutboundAction = $settings.DefaultOutboundAction ?? 'NotConfigured' }
    }
}

function Set-NetFirewallProfile {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Position = 0)] [Alias('Profile')] [string[]] $Name = ('Domain', 'Private', 'Public'), [switch] $All, [string] $Enabled, [string] $DefaultInboundAction, [string] $DefaultOutboundAction, [string] $PolicyStore)
    $changes = @{}
    foreach ($key in 'Enabled', 'DefaultInboundAction', 'DefaultOutboundAction') { if ($PSBoundParameters.ContainsKey($key)) { $changes[$key] = $PSBoundParameters[$key] } }
    if (-not $PSCmdlet.ShouldProcess($Name -join ', ')) { return }
    Edit-HostState {
        param($state)
        $table = Get-StateTable $state profiles
        foreach ($one in $Name) {
            if ($null -eq $table[$one]) { $table[$one] = @{} }
            foreach ($key in $changes.Keys) { $table[$one][$key] = $changes[$key] }
        }
    }
}

Export-ModuleMember -Function *-NetFirewall*
