#!powershell

# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -PowerShell ..module_utils._engine
#AnsibleRequires -PowerShell ..module_utils._json
#AnsibleRequires -PowerShell ..module_utils._package
#AnsibleRequires -PowerShell ..module_utils._program
#AnsibleRequires -PowerShell ..module_utils._service

$spec = @{
    options = @{
        state = @{ type = 'str'; choices = 'absent', 'present'; default = 'present' }
        version = @{ type = 'str' }
        source = @{ type = 'str' }
        checksum = @{ type = 'str' }
        url_username = @{ type = 'str' }
        url_password = @{ type = 'str'; no_log = $true }
        url_timeout = @{ type = 'int'; default = 600 }
        install_dir = @{ type = 'path'; default = '%ProgramFiles%\Docker' }
        service = @{ type = 'str'; default = 'docker' }
        started = @{ type = 'bool'; default = $true }
        start_timeout = @{ type = 'int'; default = 120 }
        add_to_path = @{ type = 'bool'; default = $true }
        pipe = @{ type = 'str'; default = 'docker_engine' }
        running_containers = @{ type = 'str'; choices = 'refuse', 'stop', 'drain'; default = 'refuse' }
        drain_timeout = @{ type = 'int'; default = 600 }
        stop_timeout = @{ type = 'int'; default = 30 }
        purge_data = @{ type = 'bool'; default = $false }
    }
    required_by = @{ source = 'checksum' }
    required_together = @(, @('url_username', 'url_password'))
    supports_check_mode = $true
}

$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$wanted = $module.Params
$folder = $wanted.install_dir.TrimEnd('\')
$wantedVersion = ([string]$wanted.version) -replace '^v', ''
if ($wanted.source -match '://[^/\s]*@') {
    Hide-Parameter -Module $module -Name source
    $module.FailJson('source holds credentials: give them as url_username and url_password, which are shown nowhere')
}
$module.Result.containers = @()
$module.Result.containers_not_started = @()
$module.Result.data_root = $null

# What is installed: the service, the folder with dockerd.exe, its version, and what we noted when we installed it.
Function Get-Installed {
    $service = Get-ServiceFact -Name $wanted.service
    $program = Join-Path -Path $folder -ChildPath 'dockerd.exe'
    if ($service.Program -and (Split-Path -Path $service.Program -Leaf) -eq 'dockerd.exe') { $program = $service.Program }
    $at = [System.IO.Path]::GetDirectoryName($program)
    $found = @{ Service = $service; Program = $null; Version = $null; Folder = $at; Note = Get-PackageNote -Folder $at }
    if ([System.IO.File]::Exists($program)) {
        $found.Program = $program
        $found.Version = Get-DaemonVersion -Path $program
    }
    $found.InPath = Test-SearchPath -Folder $folder
    return $found
}

# What the diff shows.
Function Get-Shown {
    param ([hashtable]$Found)

    $state = 'absent'
    if ($Found.Service.Exists) { $state = $Found.Service.State }
    return [ordered]@{ version = $Found.Version; program = $Found.Program; service = $state; in_path = [bool]$Found.InPath }
}

# Lets the containers end as the user wants, and stops the service. Returns the containers that ran.
Function Stop-Daemon {
    param ([hashtable]$Found)

    if ($Found.Service.State -notin 'running', 'starting') { return }
    $ran = @()
    try {
        $how = @{ Mode = $wanted.running_containers; Pipe = $wanted.pipe; DrainSeconds = $wanted.drain_timeout; StopSeconds = $wanted.stop_timeout }
        $ran = @(Stop-EngineContainer @how -Module $module -Simulate:$module.CheckMode)
    }
    catch {
        $module.FailJson("$($_.Exception.Message)", $_)
    }
    $module.Result.containers = @($ran)
    if ($module.CheckMode) { return }
    if ($wanted.purge_data -and $wanted.state -eq 'absent') {
        # Layers are Windows' own: it is the engine that can take them apart.
        try { Clear-EngineData -Pipe $wanted.pipe } catch { $module.Warn("the engine did not remove its images: $($_.Exception.Message)") }
    }
    try {
        Stop-Service -Name $wanted.service -Force -ErrorAction Stop
        Wait-ServiceState -Name $wanted.service -State stopped -Seconds 120
    }
    catch {
        $module.FailJson("cannot stop the engine's service '$($wanted.service)': $($_.Exception.Message)", $_)
    }
}

# Runs dockerd to make or remove its service.
Function Invoke-Register {
    param ([string]$Program, [string]$Arguments)

    $name = ConvertTo-Argument -Value $wanted.service
    $done = Invoke-Program -Path $Program -Arguments "$Arguments --service-name $name"
    if ($done.Code -ne 0) { throw ('{0} {1}: {2}' -f $Program, $Arguments, (Hide-Secret -Text ($done.Errors + $done.Output)).Trim()) }
}

Function Unregister-Daemon {
    param ([hashtable]$Found)

    if ($Found.Program) { Invoke-Register -Program $Found.Program -Arguments '--unregister-service' } else { Remove-ServiceEntry -Name $wanted.service }
}

# Makes the service for the program in the folder. A service that runs another dockerd is made anew, with its arguments,
# environment and start as they were.
Function Register-Daemon {
    param ([hashtable]$Found)

    $program = Join-Path -Path $folder -ChildPath 'dockerd.exe'
    $service = $Found.Service
    if ($service.Exists -and $service.Program -eq $program) { return }
    $arguments = '--register-service'
    if ($service.Exists) {
        $rest = $service.Arguments -replace '--run-service\b(?:=\S+)?', '' -replace '--service-name(?:=|\s+)(?:"[^"]*"|\S+)', ''
        $arguments = ('--register-service ' + $rest.Trim()).Trim()
        Unregister-Daemon -Found $Found
    }
    Invoke-Register -Program $program -Arguments $arguments
    if ($service.Environment.Count) {
        $kept = @{ Name = 'Environment'; PropertyType = 'MultiString'; Value = $service.Environment }
        $null = New-ItemProperty -LiteralPath $service.Key @kept -Force
    }
    if ($service.Start -in 'manual', 'disabled') { Set-Service -Name $wanted.service -StartupType $service.Start }
}

Function Start-Daemon {
    Start-Service -Name $wanted.service -ErrorAction Stop
    return (Wait-Engine -Pipe $wanted.pipe -Seconds $wanted.start_timeout)
}

# The place of images and containers: what daemon.json or the service says, else the usual folder.
Function Get-DataRoot {
    param ([hashtable]$Service)

    $text = $Service.Arguments
    if ($text -match '--data-root(?:=|\s+)(?:"([^"]+)"|(\S+))') { return ([string]$Matches[1] + [string]$Matches[2]) }
    $config = Join-Path -Path $env:ProgramData -ChildPath 'docker\config\daemon.json'
    if ($text -match '--config-file(?:=|\s+)(?:"([^"]+)"|(\S+))') { $config = [string]$Matches[1] + [string]$Matches[2] }
    if ([System.IO.File]::Exists($config)) {
        try {
            $root = (ConvertFrom-StrictJson -Text ([System.IO.File]::ReadAllText($config)))['data-root']
            if ($root -is [string] -and $root) { return $root }
        }
        catch {
            $module.FailJson("cannot tell where the engine's data is, for $config is malformed ($($_.Exception.Message)): mend it with engine_config first")
        }
    }
    return (Join-Path -Path $env:ProgramData -ChildPath 'docker')
}

Function Install-Daemon {
    param ([hashtable]$Found)

    $stamp = [DateTime]::UtcNow.ToString('yyyyMMddHHmmssfff', [System.Globalization.CultureInfo]::InvariantCulture)
    $staging = "$folder.new-$stamp"
    $aside = "$folder.old-$stamp"
    $ran = $Found.Service.State -in 'running', 'starting'
    $moved = $null
    try {
        try {
            $archive = $wanted.source
            if ($archive -match '^https?://') {
                $archive = Join-Path -Path $module.Tmpdir -ChildPath 'engine.zip'
                Save-EngineArchive -Url $wanted.source -Path $archive -User $wanted.url_username -Password $wanted.url_password -Seconds $wanted.url_timeout
            }
            $sum = Expand-Package -Archive $archive -Checksum $wanted.checksum -Folder $staging
            $version = Get-DaemonVersion -Path (Join-Path -Path $staging -ChildPath 'dockerd.exe')
            if ($wantedVersion -and $version -ne $wantedVersion) { throw ('the archive holds version {0}, and not {1}' -f $version, $wantedVersion) }
        }
        catch {
            $module.FailJson("cannot install the engine, and nothing was changed: $(Hide-Secret -Text $_.Exception.Message)", $_)
        }
        Stop-Daemon -Found $Found
        try {
            $moved = Move-Package -From $staging -Into $folder -Aside $aside
            Register-Daemon -Found $Found
            Set-PackageNote -Folder $folder -Version $version -Checksum $sum -File $moved.Files
            if ($wanted.started -or $ran) {
                $answers = Start-Daemon
                $module.Result.engine_answers = $answers
            }
        }
        catch {
            $why = $_.Exception.Message
            $back = ''
            if ($null -ne $moved -and $moved.Replaced.Count) {
                # The engine that was there comes back.
                try {
                    Stop-Service -Name $wanted.service -Force -ErrorAction SilentlyContinue
                    Restore-Package -Moved $moved -Folder $folder -Aside $aside
                    if ($ran) { $back = "; version $(Start-Daemon) is back" } else { $back = '; the files that were there are back' }
                }
                catch {
                    $back = "; and what was there could not be brought back: $($_.Exception.Message)"
                }
            }
            $module.FailJson("the engine $version was unpacked and does not work: $(Hide-Secret -Text $why)$back", $_)
        }
        # An older installer put it into System32; two engines in PATH are one too many.
        if ($Found.Program -and $Found.Folder -ne $folder) { Remove-Package -Folder $Found.Folder -Note $Found.Note }
        if ($ran -and $module.Result.containers.Count) {
            $module.Result.containers_not_started = @(Start-EngineContainer -Container $module.Result.containers -Pipe $wanted.pipe)
            if ($module.Result.containers_not_started.Count) {
                $names = $module.Result.containers_not_started -join ', '
                $module.FailJson("the engine is $version now, and these containers with a restart policy do not run: $names")
            }
        }
    }
    finally {
        foreach ($one in $staging, $aside) {
            if ([System.IO.Directory]::Exists($one)) { Remove-Item -LiteralPath $one -Recurse -Force -ErrorAction SilentlyContinue }
        }
    }
}

Function Uninstall-Daemon {
    param ([hashtable]$Found, [string]$DataRoot)

    Stop-Daemon -Found $Found
    try {
        if ($Found.Service.Exists) {
            Unregister-Daemon -Found $Found
        }
        Remove-Package -Folder $Found.Folder -Note $Found.Note
        if ($Found.Folder -ne $folder) { Remove-Package -Folder $folder -Note (Get-PackageNote -Folder $folder) }
        Set-SearchPath -Folder $folder -Absent
    }
    catch {
        $module.FailJson("cannot remove the engine: $($_.Exception.Message)", $_)
    }
    if ($wanted.purge_data -and [System.IO.Directory]::Exists($DataRoot)) {
        try {
            [System.IO.Directory]::Delete($DataRoot, $true)
        }
        catch {
            $module.FailJson("the engine is removed, and its data in $DataRoot only in part: $($_.Exception.Message)", $_)
        }
    }
}

$found = Get-Installed
$before = Get-Shown -Found $found
$after = [ordered]@{}
foreach ($name in $before.Keys) { $after[$name] = $before[$name] }
$module.Result.version_before = $found.Version

if ($wanted.state -eq 'absent') {
    $root = $null
    if ($wanted.purge_data) {
        $root = Get-DataRoot -Service $found.Service
        $module.Result.data_root = $root
        $before.data_root = $after.data_root = $root
        if (-not [System.IO.Directory]::Exists($root)) { $before.data_root = $null }
        $after.data_root = $null
    }
    $there = [System.IO.File]::Exists((Join-Path -Path $folder -ChildPath 'docker.exe'))
    $changed = $found.Service.Exists -or $null -ne $found.Program -or $there -or $found.InPath -or ($root -and [System.IO.Directory]::Exists($root))
    $module.Result.changed = [bool]$changed
    $after.version = $after.program = $null
    $after.service = 'absent'
    $after.in_path = $false
    if ($changed) { if ($module.CheckMode) { Stop-Daemon -Found $found } else { Uninstall-Daemon -Found $found -DataRoot $root } }
}
else {
    $sum = ([string]$wanted.checksum).ToLowerInvariant() -replace '^sha256:', ''
    $install = $null -eq $found.Program -or ($wantedVersion -and $found.Version -ne $wantedVersion) -or
        ($sum -and $found.Note -and $found.Note.checksum -ne $sum)
    # Somebody began and did not end: dockerd.exe alone, with neither its service nor the command line beside it.
    $begun = -not $found.Note -and -not $found.Service.Exists -and -not [System.IO.File]::Exists((Join-Path -Path $found.Folder -ChildPath 'docker.exe'))
    if ($wanted.source -and $begun) { $install = $true }
    if ($install) {
        if (-not $wanted.source) {
            $is = 'no engine is installed'
            if ($found.Version) { $is = "the engine is version $($found.Version)" }
            $module.FailJson("${is}: say by source and checksum where the archive of the wanted one is")
        }
        $after.version = $wantedVersion
        if (-not $wantedVersion) { $after.version = "sha256:$sum" }
        $after.program = Join-Path -Path $folder -ChildPath 'dockerd.exe'
        if ($wanted.started) { $after.service = 'running' } elseif (-not $found.Service.Exists) { $after.service = 'stopped' }
        if ($module.CheckMode) { Stop-Daemon -Found $found } else { Install-Daemon -Found $found }
    }
    else {
        $register = -not $found.Service.Exists
        $start = $wanted.started -and $found.Service.State -ne 'running'
        if ($register) { $after.service = 'stopped' }
        if ($start) { $after.service = 'running' }
        if (-not $module.CheckMode) {
            try {
                if ($register) { Register-Daemon -Found $found }
                if ($start) { $module.Result.engine_answers = Start-Daemon }
            }
            catch {
                $module.FailJson("the engine does not start: $($_.Exception.Message)", $_)
            }
        }
        $install = $register -or $start
    }
    $path = $wanted.add_to_path -and -not $found.InPath
    if ($path) {
        $after.in_path = $true
        if (-not $module.CheckMode) { Set-SearchPath -Folder $folder }
    }
    $module.Result.changed = [bool]($install -or $path)
}

$module.Diff.before = $before
$module.Diff.after = $after
$now = $found
if ($module.Result.changed -and -not $module.CheckMode) { $now = Get-Installed }
$module.Result.version = $now.Version
$module.Result.program = $now.Program
$module.ExitJson()
