#!powershell

# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic

$spec = @{
    options = @{
        paths = @{ type = 'list'; elements = 'str'; default = @() }
        processes = @{ type = 'list'; elements = 'str'; default = @() }
        extensions = @{ type = 'list'; elements = 'str'; default = @() }
        state = @{ type = 'str'; choices = 'absent', 'present'; default = 'present' }
        ignore_missing = @{ type = 'bool'; default = $true }
    }
    supports_check_mode = $true
}

$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$wanted = $module.Params
$kinds = [ordered]@{ paths = 'ExclusionPath'; processes = 'ExclusionProcess'; extensions = 'ExclusionExtension' }
$module.Result.available = $true

# What Defender leaves out, by our names of the kinds.
Function Get-Exclusion {
    $preference = Get-MpPreference -ErrorAction Stop
    $read = [ordered]@{}
    foreach ($kind in $kinds.Keys) {
        $values = [string[]]@($preference.($kinds[$kind]) | Where-Object { $_ } | Sort-Object)
        if (@($values | Where-Object { $_ -like 'N/A*' }).Count) { throw 'only an administrator sees what Defender leaves out' }
        $read[$kind] = $values
    }
    return $read
}

# How Defender keeps a value: folders without a backslash at the end, extensions without their dot.
Function Get-Kept {
    param ([string]$Kind, [string]$Value)

    if ($Kind -eq 'extensions') { return $Value.TrimStart('.') }
    if ($Kind -eq 'paths' -and $Value -notmatch '^[A-Za-z]:\\$') { return $Value.TrimEnd('\') }
    return $Value
}

if (-not (Get-Command -Name Get-MpPreference -ErrorAction SilentlyContinue)) {
    $module.Result.available = $false
    if (-not $wanted.ignore_missing) { $module.FailJson('this Windows has no Defender: there is no Get-MpPreference') }
    $module.Result.exclusions = @{ paths = @(); processes = @(); extensions = @() }
    $module.ExitJson()
}
try { $before = Get-Exclusion } catch { $module.FailJson("cannot look at Defender's exclusions: $($_.Exception.Message)", $_) }

$after = [ordered]@{}
$todo = @{}
foreach ($kind in $kinds.Keys) {
    $named = @($wanted[$kind] | Where-Object { $_ } | ForEach-Object { Get-Kept -Kind $kind -Value $_ } | Sort-Object -Unique)
    $have = @($before[$kind] | ForEach-Object { Get-Kept -Kind $kind -Value $_ })
    if ($wanted.state -eq 'present') {
        $change = @($named | Where-Object { $have -notcontains $_ })
        $after[$kind] = [string[]]@(@($before[$kind]) + $change | Sort-Object)
    }
    else {
        # Removed as Defender has them, for it compares letter by letter.
        $change = @($before[$kind] | Where-Object { $named -contains (Get-Kept -Kind $kind -Value $_) })
        $after[$kind] = [string[]]@($before[$kind] | Where-Object { $change -notcontains $_ })
    }
    if ($change.Count) { $todo[$kinds[$kind]] = [string[]]$change }
}
$module.Result.changed = $todo.Count -gt 0
$module.Diff.before = $before
$module.Diff.after = $after
$module.Result.exclusions = $after

if ($todo.Count -and -not $module.CheckMode) {
    try {
        if ($wanted.state -eq 'present') { Add-MpPreference @todo -ErrorAction Stop } else { Remove-MpPreference @todo -ErrorAction Stop }
        $module.Result.exclusions = Get-Exclusion
    }
    catch {
        $module.FailJson("Defender did not take the exclusions: $($_.Exception.Message)", $_)
    }
    foreach ($kind in $kinds.Keys) {
        $unlike = @(Compare-Object -ReferenceObject @($after[$kind] + '') -DifferenceObject @($module.Result.exclusions[$kind] + ''))
        if ($unlike.Count) {
            $module.FailJson("Defender took the change of $kind and did not keep it: a policy or tamper protection decides the exclusions of this host")
        }
    }
}
$module.ExitJson()
