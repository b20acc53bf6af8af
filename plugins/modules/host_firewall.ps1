#!powershell

# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic

$spec = @{
    options = @{
        name = @{ type = 'str'; required = $true }
        display_name = @{ type = 'str' }
        description = @{ type = 'str' }
        state = @{ type = 'str'; choices = 'absent', 'present'; default = 'present' }
        enabled = @{ type = 'bool'; default = $true }
        direction = @{ type = 'str'; choices = 'in', 'out'; default = 'in' }
        action = @{ type = 'str'; choices = 'allow', 'block'; default = 'allow' }
        protocol = @{ type = 'str'; choices = 'any', 'tcp', 'udp', 'icmpv4', 'icmpv6'; default = 'tcp' }
        local_port = @{ type = 'list'; elements = 'str'; default = @('any') }
        remote_address = @{ type = 'list'; elements = 'str'; default = @('any') }
        profiles = @{ type = 'list'; elements = 'str'; choices = 'domain', 'private', 'public'; default = @('domain', 'private', 'public') }
        program = @{ type = 'path' }
    }
    supports_check_mode = $true
}

$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$wanted = $module.Params

if (-not (Get-Command -Name Get-NetFirewallRule -ErrorAction SilentlyContinue)) {
    $module.FailJson('cannot look at the firewall: this Windows has no Get-NetFirewallRule')
}

# Values of a list in one form: small letters, sorted; an empty one is any.
Function Get-Set {
    param ([AllowNull()]$Value)

    $set = [string[]]@($Value | Where-Object { $_ } | ForEach-Object { ([string]$_).Trim().ToLowerInvariant() } | Sort-Object -Unique)
    if ($set.Count -eq 0) { return , [string[]]@('any') }
    return , $set
}

# A rule as our options have it; null where there is none.
Function Get-Rule {
    $rule = Get-NetFirewallRule -Name $wanted.name -ErrorAction SilentlyContinue | Select-Object -First 1
    if ($null -eq $rule) { return $null }
    $port = $rule | Get-NetFirewallPortFilter
    $address = $rule | Get-NetFirewallAddressFilter
    $application = $rule | Get-NetFirewallApplicationFilter
    $protocol = ([string]$port.Protocol).ToLowerInvariant()
    $numbers = @{ '1' = 'icmpv4'; '6' = 'tcp'; '17' = 'udp'; '58' = 'icmpv6' }
    if ($numbers.Contains($protocol)) { $protocol = $numbers[$protocol] }
    $profiles = ([string]$rule.Profile).ToLowerInvariant() -split ',\s*'
    if ($profiles -contains 'any') { $profiles = 'domain', 'private', 'public' }
    $program = [string]$application.Program
    if ($program -eq 'Any') { $program = '' }
    return [ordered]@{
        display_name = [string]$rule.DisplayName
        description = [string]$rule.Description
        enabled = ([string]$rule.Enabled) -eq 'True'
        direction = @{ Inbound = 'in'; Outbound = 'out' }[[string]$rule.Direction]
        action = ([string]$rule.Action).ToLowerInvariant()
        protocol = $protocol
        local_port = Get-Set -Value $port.LocalPort
        remote_address = Get-Set -Value $address.RemoteAddress
        profiles = Get-Set -Value $profiles
        program = $program
    }
}

# What the rule is to be: the options, and for names that were not given what the rule has.
Function Get-Wanted {
    param ([AllowNull()]$Rule)

    $display = $wanted.display_name
    if (-not $display) { if ($Rule) { $display = $Rule.display_name } else { $display = $wanted.name } }
    $description = $wanted.description
    if ($null -eq $description) { if ($Rule) { $description = $Rule.description } else { $description = '' } }
    return [ordered]@{
        display_name = [string]$display
        description = [string]$description
        enabled = $wanted.enabled
        direction = $wanted.direction
        action = $wanted.action
        protocol = $wanted.protocol
        local_port = Get-Set -Value $wanted.local_port
        remote_address = Get-Set -Value $wanted.remote_address
        profiles = Get-Set -Value $wanted.profiles
        program = [string]$wanted.program
    }
}

Function Test-Same {
    param ([AllowNull()]$First, [AllowNull()]$Second)

    foreach ($name in $Second.Keys) {
        if ((@($First[$name]) -join "`n") -ne (@($Second[$name]) -join "`n")) { return $false }
    }
    return $true
}

# The options as New-NetFirewallRule and Set-NetFirewallRule take them; they differ in one name.
Function Get-Argument {
    param ($Rule, [switch]$New)

    $given = @{
        Name = $wanted.name
        Enabled = @('False', 'True')[[int]$Rule.enabled]
        Direction = @{ in = 'Inbound'; out = 'Outbound' }[$Rule.direction]
        Action = @{ allow = 'Allow'; block = 'Block' }[$Rule.action]
        Protocol = $Rule.protocol
        RemoteAddress = $Rule.remote_address
        Profile = @($Rule.profiles) -join ', '
        Program = 'Any'
    }
    if ($Rule.description -or -not $New) { $given.Description = $Rule.description }
    if ($Rule.program) { $given.Program = $Rule.program }
    if ($Rule.protocol -in 'tcp', 'udp') { $given.LocalPort = $Rule.local_port }
    if ($New) { $given.DisplayName = $Rule.display_name } else { $given.NewDisplayName = $Rule.display_name }
    return $given
}

if ($wanted.protocol -notin 'tcp', 'udp' -and (Get-Set -Value $wanted.local_port)[0] -ne 'any') {
    $module.FailJson("local_port has a meaning for tcp and udp alone, and the protocol is $($wanted.protocol)")
}

try { $rule = Get-Rule } catch { $module.FailJson("cannot look at the rule '$($wanted.name)': $($_.Exception.Message)", $_) }
$next = $null
if ($wanted.state -eq 'present') { $next = Get-Wanted -Rule $rule }
if ($null -eq $next -or $null -eq $rule) {
    $module.Result.changed = ($null -eq $next) -ne ($null -eq $rule)
}
else {
    $module.Result.changed = -not (Test-Same -First $rule -Second $next)
}
$module.Diff.before = @{}
$module.Diff.after = @{}
if ($null -ne $rule) { $module.Diff.before = $rule }
if ($null -ne $next) { $module.Diff.after = $next }

if ($module.Result.changed -and -not $module.CheckMode) {
    try {
        if ($null -eq $next) {
            Remove-NetFirewallRule -Name $wanted.name -ErrorAction Stop
        }
        elseif ($null -eq $rule) {
            $given = Get-Argument -Rule $next -New
            $null = New-NetFirewallRule @given -ErrorAction Stop
        }
        else {
            $given = Get-Argument -Rule $next
            Set-NetFirewallRule @given -ErrorAction Stop
        }
    }
    catch {
        $module.FailJson("Windows did not take the rule '$($wanted.name)': $($_.Exception.Message)", $_)
    }
}
$module.Result.rule = $next
$module.ExitJson()
