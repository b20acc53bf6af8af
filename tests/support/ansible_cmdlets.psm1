# SPDX-License-Identifier: Apache-2.0
# Cmdlets that a stand-in host may lack, over C:\state.json, as far as our modules call them. What they answer has the
# names of the real ones' properties.

$script:Path = 'C:\state.json'

Function Read-State { ConvertFrom-Json -InputObject ([System.IO.File]::ReadAllText($script:Path)) -AsHashtable }

Function Write-State($State) { [System.IO.File]::WriteAllText($script:Path, (ConvertTo-Json -InputObject $State -Depth 9)) }

Function Get-WindowsFeature {
    [CmdletBinding()]
    param([string[]]$Name)
    $state = Read-State
    foreach ($one in $Name) { if ($state.features.Contains($one)) { [PSCustomObject]@{ Name = $one; InstallState = $state.features[$one] } } }
}

Function Install-WindowsFeature {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param([string[]]$Name, [string]$Source, [switch]$IncludeManagementTools)
    Set-Feature $Name 'InstallPending' 'Removed' $Source
}

Function Uninstall-WindowsFeature {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param([string[]]$Name)
    Set-Feature $Name 'UninstallPending'
}

Function Set-Feature($Name, $To, $Not, $Source) {
    $state = Read-State
    foreach ($one in $Name) {
        if ($Not -and -not $Source -and $state.features[$one] -eq $Not) { throw 'The source files could not be found.' }
        $state.features[$one] = $To
    }
    Write-State $state
    [PSCustomObject]@{ Success = $true; RestartNeeded = 'Yes'; ExitCode = 'SuccessRestartRequired' }
}

Function Get-WindowsOptionalFeature {
    [CmdletBinding()]
    param([switch]$Online, [string]$FeatureName)
    $state = Read-State
    if (-not $state.optional.Contains($FeatureName)) { throw 'Feature name is unknown.' }
    [PSCustomObject]@{ FeatureName = $FeatureName; State = $state.optional[$FeatureName] }
}

Function Enable-WindowsOptionalFeature {
    [CmdletBinding()]
    param([switch]$Online, [switch]$NoRestart, [string[]]$FeatureName, [switch]$All, [string]$Source, [switch]$LimitAccess)
    $state = Read-State
    foreach ($one in $FeatureName) { $state.optional[$one] = 'Enabled' }
    Write-State $state
    [PSCustomObject]@{ RestartNeeded = $false }
}

Function Disable-WindowsOptionalFeature {
    [CmdletBinding()]
    param([switch]$Online, [switch]$NoRestart, [string[]]$FeatureName)
    $state = Read-State
    foreach ($one in $FeatureName) { $state.optional[$one] = 'DisablePending' }
    Write-State $state
    [PSCustomObject]@{ RestartNeeded = $true }
}

Function Get-MpPreference {
    [CmdletBinding()]
    param()
    [PSCustomObject](Read-State).defender
}

Function Add-MpPreference {
    [CmdletBinding()]
    param([string[]]$ExclusionPath, [string[]]$ExclusionProcess, [string[]]$ExclusionExtension)
    $state = Read-State
    if ($state.tamper) { return }
    foreach ($kind in $PSBoundParameters.Keys -like 'Exclusion*') { $state.defender[$kind] = @($state.defender[$kind]) + $PSBoundParameters[$kind] | Where-Object { $_ } }
    Write-State $state
}

Function Remove-MpPreference {
    [CmdletBinding()]
    param([string[]]$ExclusionPath, [string[]]$ExclusionProcess, [string[]]$ExclusionExtension)
    $state = Read-State
    foreach ($kind in $PSBoundParameters.Keys -like 'Exclusion*') {
        $gone = $PSBoundParameters[$kind]
        $state.defender[$kind] = @($state.defender[$kind] | Where-Object { $gone -cnotcontains $_ })
    }
    Write-State $state
}

Function Get-NetFirewallRule {
    [CmdletBinding()]
    param([string]$Name)
    $rules = (Read-State).rules
    if (-not $rules.Contains($Name)) {
        Write-Error "No MSFT_NetFirewallRule objects found with property 'InstanceID' equal to '$Name'."
        return
    }
    [PSCustomObject]$rules[$Name]
}

Function Get-NetFirewallPortFilter { param([Parameter(ValueFromPipeline = $true)]$Rule) process { [PSCustomObject]@{ Protocol = $Rule.Protocol; LocalPort = $Rule.LocalPort } } }

Function Get-NetFirewallAddressFilter { param([Parameter(ValueFromPipeline = $true)]$Rule) process { [PSCustomObject]@{ RemoteAddress = $Rule.RemoteAddress } } }

Function Get-NetFirewallApplicationFilter { param([Parameter(ValueFromPipeline = $true)]$Rule) process { [PSCustomObject]@{ Program = $Rule.Program } } }

Function New-NetFirewallRule {
    [CmdletBinding()]
    param([string]$Name, [string]$DisplayName, [string]$Description, [string]$Enabled, [string]$Direction, [string]$Action, [string]$Protocol,
        [string[]]$LocalPort, [string[]]$RemoteAddress, [string]$Profile, [string]$Program)
    Save-Rule $PSBoundParameters
}

Function Set-NetFirewallRule {
    [CmdletBinding()]
    param([string]$Name, [string]$NewDisplayName, [string]$Description, [string]$Enabled, [string]$Direction, [string]$Action, [string]$Protocol,
        [string[]]$LocalPort, [string[]]$RemoteAddress, [string]$Profile, [string]$Program)
    Save-Rule $PSBoundParameters
}

Function Save-Rule($Given) {
    $state = Read-State
    $rule = @{ LocalPort = 'Any' }
    foreach ($key in $Given.Keys) { if ($key -ne 'ErrorAction') { $rule[($key -replace '^New', '')] = $Given[$key] } }
    $rule.Protocol = $rule.Protocol.ToUpperInvariant()
    $rule.RemoteAddress = @($rule.RemoteAddress | ForEach-Object { if ($_ -eq 'any') { 'Any' } else { $_ } })
    if ($rule.Profile -eq 'domain, private, public') { $rule.Profile = 'Any' }
    $state.rules[$Given.Name] = $rule
    Write-State $state
}

Function Remove-NetFirewallRule {
    [CmdletBinding()]
    param([string]$Name)
    $state = Read-State
    $state.rules.Remove($Name)
    Write-State $state
}

Export-ModuleMember -Function *-WindowsFeature, *-WindowsOptionalFeature, *-MpPreference, *-NetFirewall*
