#!powershell

# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -PowerShell ..module_utils._json
#AnsibleRequires -PowerShell ..module_utils._program
#AnsibleRequires -PowerShell ..module_utils._service

$spec = @{
    options = @{
        settings = @{ type = 'json'; required = $true; no_log = $true }
        replace = @{ type = 'bool'; default = $false }
        path = @{ type = 'path' }
        service = @{ type = 'str'; default = 'docker' }
        validate = @{ type = 'bool'; default = $true }
        dockerd = @{ type = 'path' }
        backup = @{ type = 'bool'; default = $false }
    }
    # The module's arguments hold secrets: they go into no event log.
    no_log = $true
    supports_check_mode = $true
}

$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
Hide-Parameter -Module $module -Name settings

# The text of a file, and how it is encoded; an empty text where there is no file.
Function Read-Config {
    param ([string]$Path)

    if (-not [System.IO.File]::Exists($Path)) { return @{ Exists = $false; Text = ''; Encoding = $null } }
    $bytes = [System.IO.File]::ReadAllBytes($Path)
    $size = $bytes.Length
    if ($size -ge 3 -and $bytes[0] -eq 0xef -and $bytes[1] -eq 0xbb -and $bytes[2] -eq 0xbf) {
        return @{ Exists = $true; Text = [System.Text.Encoding]::UTF8.GetString($bytes, 3, $size - 3); Encoding = 'utf-8-bom' }
    }
    if ($size -ge 2 -and $bytes[0] -eq 0xff -and $bytes[1] -eq 0xfe) {
        return @{ Exists = $true; Text = [System.Text.Encoding]::Unicode.GetString($bytes, 2, $size - 2); Encoding = 'utf-16' }
    }
    if ($size -ge 2 -and $bytes[0] -eq 0xfe -and $bytes[1] -eq 0xff) {
        return @{ Exists = $true; Text = [System.Text.Encoding]::BigEndianUnicode.GetString($bytes, 2, $size - 2); Encoding = 'utf-16' }
    }
    try {
        $text = (New-Object System.Text.UTF8Encoding $false, $true).GetString($bytes)
        return @{ Exists = $true; Text = $text; Encoding = 'utf-8' }
    }
    catch {
        return @{ Exists = $true; Text = ''; Encoding = 'other' }
    }
}

# Where the engine looks for its settings: what its service says, else the usual file.
Function Get-ConfigPath {
    param ([hashtable]$Service)

    if ($Service.Arguments -match '--config-file(?:=|\s+)(?:"([^"]+)"|(\S+))') { return ([string]$Matches[1] + [string]$Matches[2]) }
    return (Join-Path -Path $env:ProgramData -ChildPath 'docker\config\daemon.json')
}

# The program that checks settings; null where there is none.
Function Get-Dockerd {
    param ([string]$Wanted, [hashtable]$Service)

    if ($Wanted) {
        if (-not [System.IO.File]::Exists($Wanted)) { $module.FailJson("cannot check the settings: there is no file $Wanted (dockerd)") }
        return $Wanted
    }
    $is = $Service.Program -and (Split-Path -Path $Service.Program -Leaf) -eq 'dockerd.exe'
    if ($is -and [System.IO.File]::Exists($Service.Program)) {
        return $Service.Program
    }
    $found = Get-Command -Name dockerd.exe -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if ($null -ne $found) { return $found.Path }
    return $null
}

# Whether the file is newer than the running engine, which then has not read it: a run that was stopped before a restart
# is made good by the next.
Function Test-Newer {
    param ([string]$Path)

    $process = Get-Process -Name dockerd -ErrorAction SilentlyContinue | Sort-Object -Property StartTime | Select-Object -Last 1
    if ($null -eq $process -or -not [System.IO.File]::Exists($Path)) { return $false }
    return [System.IO.File]::GetLastWriteTimeUtc($Path) -gt $process.StartTime.ToUniversalTime()
}

# Lets dockerd read the new settings together with the arguments of its service. Returns passed or unsupported (before
# 23.0); the module fails when dockerd refuses them.
Function Test-Config {
    param ([string]$Dockerd, [string]$File, [hashtable]$Service)

    $rest = $Service.Arguments -replace '--(?:config-file|service-name)(?:=|\s+)(?:"[^"]*"|\S+)', '' -replace '--run-service\b(?:=\S+)?', ''
    if ((Split-Path -Path ([string]$Service.Program) -Leaf -ErrorAction SilentlyContinue) -ne 'dockerd.exe') { $rest = '' }
    $done = Invoke-Program -Path $Dockerd -Arguments ('--validate --config-file {0} {1}' -f (ConvertTo-Argument -Value $File), $rest.Trim())
    if ($done.Code -eq 0) { return 'passed' }
    $said = (Hide-Secret -Text ($done.Errors + $done.Output)).Trim().Replace($File, $path)
    if ($said -match 'unknown flag: --validate') { return 'unsupported' }
    $module.Result.validation = 'refused'
    $module.Result.changed = $false
    $module.FailJson("the engine refuses these settings, and $path is as it was: $said")
}

try {
    $changes = ConvertFrom-StrictJson -Text ([string]$module.Params.settings)
}
catch {
    $module.FailJson("settings is not JSON: $($_.Exception.Message)")
}
if ($changes -isnot [System.Collections.IDictionary]) {
    $module.FailJson('settings has to be a dictionary: the names and values of daemon.json')
}

$service = Get-ServiceFact -Name $module.Params.service
$path = $module.Params.path
if (-not $path) { $path = Get-ConfigPath -Service $service }
$module.Result.path = $path
$module.Result.validation = 'skipped'
$module.Result.kept_aside = $null
$module.Result.malformed = $null
$module.Result.backup_file = $null
$module.Result.changed_settings = @()
$module.Result.restart_required = $false
if ([System.IO.Directory]::Exists($path)) { $module.FailJson("cannot write the settings: $path is a folder") }

# What is there
$found = Read-Config -Path $path
$module.Result.encoding = $found.Encoding
$current = New-JsonObject
$malformed = $null
if ($found.Exists) {
    if ($found.Encoding -eq 'other') {
        $malformed = 'it is neither UTF-8 nor UTF-16'
    }
    elseif ($found.Text.Trim()) {
        try {
            $current = ConvertFrom-StrictJson -Text $found.Text
            if ($current -isnot [System.Collections.IDictionary]) { throw 'line 1, column 1: a dictionary is expected' }
        }
        catch {
            $malformed = $_.Exception.Message
            $current = New-JsonObject
        }
    }
}

# What is to be there
$base = $current
if ($module.Params.replace) { $base = New-JsonObject }
$wanted = Merge-JsonObject -Object $base -Changes $changes
$names = @(@($current.Keys) + @($wanted.Keys) | Sort-Object -Unique -CaseSensitive)
$module.Result.changed_settings = @($names | Where-Object { -not (Test-JsonEqual -First $current[$_] -Second $wanted[$_]) })
$same = $found.Exists -and $null -eq $malformed -and $found.Encoding -eq 'utf-8' -and (Test-JsonEqual -First $current -Second $wanted)
# No file and no settings is the same to the engine as a file with none.
if (-not $found.Exists -and $wanted.Count -eq 0) { $same = $true }
$module.Result.changed = -not $same
$module.Result.restart_required = $service.State -eq 'running' -and ($module.Result.changed -or (Test-Newer -Path $path))

$before = ''
if ($null -ne $malformed) {
    $before = "(malformed: $malformed)`n"
}
elseif ($found.Exists) {
    $before = (ConvertTo-StrictJson -Value (Hide-JsonSecret -Value $current)) + "`n"
}
$after = $before
if (-not $same) { $after = (ConvertTo-StrictJson -Value (Hide-JsonSecret -Value $wanted -Before $current)) + "`n" }
$module.Diff.before = $before
$module.Diff.after = $after
$module.Diff.before_header = $path
$module.Diff.after_header = $path

$stamp = [DateTime]::UtcNow.ToString('yyyyMMdd-HHmmss', [System.Globalization.CultureInfo]::InvariantCulture)
if ($null -ne $malformed) {
    $module.Result.malformed = $malformed
    $module.Result.kept_aside = "$path.malformed-$stamp"
    $module.Warn("$path was malformed ($malformed): the engine does not start with it. It is kept as $($module.Result.kept_aside)")
}

if (-not $same) {
    $text = (ConvertTo-StrictJson -Value $wanted) + "`n"
    $encoding = New-Object System.Text.UTF8Encoding $false
    $dockerd = $null
    if ($module.Params.validate) {
        $dockerd = Get-Dockerd -Wanted $module.Params.dockerd -Service $service
        if ($null -eq $dockerd) {
            $module.Result.validation = 'not_found'
        }
        else {
            # The module's folder goes with it.
            $draft = Join-Path -Path $module.Tmpdir -ChildPath 'daemon.json'
            [System.IO.File]::WriteAllText($draft, $text, $encoding)
            $module.Result.validation = Test-Config -Dockerd $dockerd -File $draft -Service $service
        }
    }
    if (-not $module.CheckMode) {
        $new = "$path.new-$stamp"
        try {
            $null = [System.IO.Directory]::CreateDirectory([System.IO.Path]::GetDirectoryName($path))
            if ($null -ne $malformed) {
                [System.IO.File]::Copy($path, $module.Result.kept_aside, $true)
            }
            elseif ($module.Params.backup -and $found.Exists) {
                $module.Result.backup_file = "$path.backup-$stamp"
                [System.IO.File]::Copy($path, $module.Result.backup_file, $true)
            }
            [System.IO.File]::WriteAllText($new, $text, $encoding)
            # Replace keeps the permissions of the file that was there.
            if ($found.Exists) { [System.IO.File]::Replace($new, $path, [NullString]::Value) } else { [System.IO.File]::Move($new, $path) }
        }
        catch {
            if ([System.IO.File]::Exists($new)) { [System.IO.File]::Delete($new) }
            $module.FailJson("cannot write ${path}: $($_.Exception.Message)", $_)
        }
        $module.Result.encoding = 'utf-8'
    }
}

$module.ExitJson()
