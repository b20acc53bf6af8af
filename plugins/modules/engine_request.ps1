#!powershell

# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -PowerShell ..module_utils._exchange
#AnsibleRequires -PowerShell ..module_utils._json

$spec = @{
    options = @{
        method = @{ type = 'str'; choices = 'GET', 'HEAD', 'POST', 'PUT', 'DELETE'; default = 'GET' }
        path = @{ type = 'str'; required = $true }
        headers = @{ type = 'dict'; default = @{} }
        body = @{ type = 'str' }
        body_base64 = @{ type = 'str' }
        input_base64 = @{ type = 'str' }
        upgrade = @{ type = 'bool'; default = $false }
        read_only = @{ type = 'bool'; default = $false }
        encoded = @{ type = 'bool'; default = $false }
        status_codes = @{ type = 'list'; elements = 'int'; default = @(200, 201, 202, 204, 304) }
        pipe = @{ type = 'str'; default = 'docker_engine' }
        timeout = @{ type = 'int'; default = 60 }
    }
    mutually_exclusive = @(
        , @('body', 'body_base64')
    )
    # Bodies and headers may hold credentials: the arguments go into no event log.
    no_log = $true
    supports_check_mode = $true
}

$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
Hide-Parameter -Module $module -Name body, body_base64, input_base64, headers
$asked = $module.Params
$reads = $asked.read_only -or $asked.method -in 'GET', 'HEAD'
$module.Result.changed = -not $reads
if ($module.CheckMode -and -not $reads) {
    $module.Result.msg = 'not sent in check mode'
    $module.ExitJson()
}

try {
    $content = [Convert]::FromBase64String("$($asked.body_base64)")
    $stdin = [Convert]::FromBase64String("$($asked.input_base64)")
}
catch {
    $module.FailJson('body_base64 and input_base64 are base64')
}
if ($asked.body) { $content = [System.Text.Encoding]::UTF8.GetBytes($asked.body) }

try {
    $answer = Invoke-EngineExchange -Method $asked.method -Path $asked.path -Header $asked.headers -Content $content -InputData $stdin `
        -Upgrade:$asked.upgrade -Pipe $asked.pipe -Seconds $asked.timeout
}
catch {
    $module.FailJson("cannot ask the engine at the pipe $($asked.pipe): $($_.Exception.Message)", $_)
}
$module.Result.status = $answer.Status
$module.Result.headers = $answer.Headers
if ($asked.encoded) { $module.Result.content = [Convert]::ToBase64String($answer.Content) }
else { $module.Result.body = [System.Text.Encoding]::UTF8.GetString($answer.Content) }
if (-not $asked.encoded -and $answer.Status -notin $asked.status_codes) {
    $module.FailJson("the engine answers $($answer.Status) to $($asked.method) $($asked.path): $($module.Result.body.Trim())")
}
$module.ExitJson()
