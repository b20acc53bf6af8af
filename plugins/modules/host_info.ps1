#!powershell

# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -PowerShell ..module_utils._json
#AnsibleRequires -PowerShell ..module_utils._machine

$spec = @{
    options = @{
        online = @{ type = 'bool'; default = $false }
    }
    supports_check_mode = $true
}

$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)

try {
    $text = Get-MachineDocument -Online:$module.Params.online
    $machine = ConvertFrom-StrictJson -Text $text -Numbers
}
catch {
    $module.FailJson("cannot read the facts of this machine: $($_.Exception.Message)", $_)
}

$reasons = $machine.system.pending_reboot
$module.Result.machine = $machine
$module.Result.pending_reboot = $reasons
$module.Result.reboot_required = $null -ne $reasons -and $reasons.Count -gt 0
$module.Result.ansible_facts = @{ wcow_machine = $machine }
$module.ExitJson()
