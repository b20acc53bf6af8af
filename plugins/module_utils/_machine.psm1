# Copyright: (c) 2026, the wcow authors
# SPDX-License-Identifier: Apache-2.0
# Written by scripts/collector_module.py from imagebuild/host/collector.ps1; do not edit.

Function Get-MachineDocument {
    <#
    .SYNOPSIS
    Returns the facts of this Windows that decide whether containers run on it, as one JSON text (wcow.machine/1).
    #>
    [CmdletBinding()]
    param (
        [switch]$Online
    )

    $Path = ''

    Set-StrictMode -Off
    $ErrorActionPreference = 'Stop'
    $ProgressPreference = 'SilentlyContinue'
    # Windows PowerShell writes some arrays as objects with a Count otherwise.
    Remove-TypeData -TypeName System.Array -ErrorAction SilentlyContinue

    $notes = New-Object 'System.Collections.Generic.List[string]'
    $facts = [ordered]@{ schema = 'wcow.machine/1' }
    $ntKey = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
    $servicesKey = 'HKLM:\SYSTEM\CurrentControlSet\Services'

    # ---- helpers -------------------------------------------------------------------------------------------------------

    function Add-Note([string]$Subject, $Problem) {
        $code = ''
        if ($null -ne $Problem.Exception) { $code = ' 0x{0:x8}' -f $Problem.Exception.HResult }
        $notes.Add(('{0}: {1}{2}' -f $Subject, $Problem.FullyQualifiedErrorId, $code))
    }

    # The value of a block, or null and a note. A block that gives nothing gives null: Windows PowerShell would write {}.
    function Read-One([string]$Subject, [scriptblock]$Probe) {
        $result = $null
        try { $result = & $Probe } catch { Add-Note $Subject $_ }
        if ($null -eq $result) { return $null }
        return $result
    }

    # A hashtable whose list is what a block gives, empty when it gives nothing, null when it fails.
    function Read-Many([string]$Subject, [scriptblock]$Probe) {
        try {
            $items = [object[]]@(& $Probe | Where-Object { $null -ne $_ })
            return @{ list = $items }
        }
        catch {
            Add-Note $Subject $_
            return @{ list = $null }
        }
    }

    # A value of the registry, null when it or its key is not there.
    function Read-Registry([string]$Key, [string]$Value) {
        $found = Get-Item -LiteralPath $Key -ErrorAction SilentlyContinue
        if ($null -eq $found) { return $null }
        return $found.GetValue($Value, $null)
    }

    function ConvertTo-Text($Value) {
        if ($null -eq $Value -or [string]$Value -eq '') { return $null }
        return [string]$Value
    }

    # Addresses without credentials, and nothing that is called a secret.
    function Hide-Secret([string]$Text) {
        $Text = [regex]::Replace($Text, '(?i)([a-z][a-z0-9+.-]*://)[^/\s"'']*@', '$1')
        $Text = [regex]::Replace($Text, '(?i)("[^"]*(?:token|passw|secret|credential|auth|apikey|api-key)[^"]*"\s*:\s*)"(?:[^"\\]|\\.)*"', '$1"xxxxx"')
        return [regex]::Replace($Text, '(?i)((?:token|passw|secret|credential|auth|apikey|api-key)[a-z0-9_.-]*=)[^\s",]+', '$1xxxxx')
    }

    function Hide-Credential([string]$Address) {
        $Address = [regex]::Replace($Address, '(://)[^/\s]*@', '$1')
        return [regex]::Replace($Address, '(?i)((?:^|[;\s])(?:(?:https?|ftp|socks)=)?)[^/\s;]*@', '$1')
    }

    # Runs a program: exit code, output, errors. Ends it when it takes too long.
    function Invoke-Program([string]$File, [string]$Arguments) {
        $start = New-Object System.Diagnostics.ProcessStartInfo
        $start.FileName = $File
        $start.Arguments = $Arguments
        $start.UseShellExecute = $false
        $start.CreateNoWindow = $true
        $start.RedirectStandardOutput = $true
        $start.RedirectStandardError = $true
        $start.StandardOutputEncoding = [System.Text.Encoding]::UTF8
        $process = [System.Diagnostics.Process]::Start($start)
        $output = $process.StandardOutput.ReadToEndAsync()
        $errors = $process.StandardError.ReadToEndAsync()
        if (-not $process.WaitForExit(30000)) {
            $process.Kill()
            throw 'a program did not end within 30 seconds'
        }
        return @{ code = $process.ExitCode; output = [string]$output.Result; errors = [string]$errors.Result }
    }

    # The program in a service's command line.
    function Get-ServiceProgram([string]$Service) {
        $line = [string](Read-Registry "$servicesKey\$Service" 'ImagePath')
        if ($line -match '^\s*"([^"]+)"') { return $Matches[1] }
        if ($line -match '^\s*(\S+)') { return $Matches[1] }
        return $null
    }

    # ---- what several sections read ------------------------------------------------------------------------------------

    $identity = [System.Security.Principal.WindowsIdentity]::GetCurrent()
    $elevated = (New-Object System.Security.Principal.WindowsPrincipal $identity).IsInRole([System.Security.Principal.WindowsBuiltInRole]::Administrator)
    $windows = Read-One 'Win32_OperatingSystem' { Get-CimInstance -ClassName Win32_OperatingSystem }
    $computer = Read-One 'Win32_ComputerSystem' { Get-CimInstance -ClassName Win32_ComputerSystem }
    $processor = Read-One 'Win32_Processor' { Get-CimInstance -ClassName Win32_Processor | Select-Object -First 1 }
    $buildLab = ([string](Read-Registry $ntKey 'BuildLabEx')).Split('.')

    # ---- the engine ----------------------------------------------------------------------------------------------------

    $dockerError = $null
    $dockerVersion = $null
    $dockerInfo = $null
    $client = Read-One 'docker client' {
        $found = Get-Command docker.exe -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
        if ($null -ne $found) { return $found.Path }
        $daemonProgram = Get-ServiceProgram 'docker'
        if ($null -ne $daemonProgram) {
            $beside = Join-Path (Split-Path -Parent $daemonProgram) 'docker.exe'
            if (Test-Path -LiteralPath $beside) { return $beside }
        }
    }
    if ($client) {
        # The pipe by name: a context or DOCKER_HOST may lead to another machine.
        $pipeOption = '-H npipe:////./pipe/docker_engine'
        $done = Read-One 'docker version' { Invoke-Program $client ($pipeOption + ' version --format "{{json .}}"') }
        if ($done) {
            $dockerVersion = Read-One 'docker version' { ($done.output | ConvertFrom-Json).Server }
            if ($null -eq $dockerVersion) {
                $dockerError = (Hide-Secret $done.errors).Trim()
                if ($dockerError.Length -gt 500) { $dockerError = $dockerError.Substring(0, 500) }
            }
        }
        if ($dockerVersion) {
            $done = Read-One 'docker info' { Invoke-Program $client ($pipeOption + ' info --format "{{json .}}"') }
            if ($done) { $dockerInfo = Read-One 'docker info' { $done.output | ConvertFrom-Json } }
        }
    }

    $engine = $null
    if ($dockerVersion) {
        $store = ''
        if ($dockerInfo) {
            if ([string]$dockerInfo.Driver -eq 'windowsfilter') { $store = 'graphdriver' }
            foreach ($row in @($dockerInfo.DriverStatus)) {
                if (@($row)[0] -eq 'driver-type' -and ([string]@($row)[1]).StartsWith('io.containerd.snapshotter')) { $store = 'containerd' }
            }
        }
        $engine = [ordered]@{
            kind = 'docker'
            version = [string]$dockerVersion.Version
            os = [string]$dockerVersion.Os
            store = $store
            isolation = [string]$dockerInfo.Isolation
            api = [string]$dockerVersion.ApiVersion
            min_api = [string]$dockerVersion.MinAPIVersion
            name = [string]$dockerInfo.Name
        }
    }
    elseif (-not (Test-Path -LiteralPath "$servicesKey\docker") -and (Test-Path -LiteralPath "$servicesKey\containerd")) {
        $engine = Read-One 'containerd' {
            $done = Invoke-Program (Get-ServiceProgram 'containerd') '--version'
            if ($done.output -match '\bv?(\d+\.\d+\.\d+\S*)') {
                [ordered]@{ kind = 'containerd'; version = $Matches[1]; os = 'windows'; store = 'containerd'; isolation = 'process' }
            }
        }
    }

    # ---- sections ------------------------------------------------------------------------------------------------------

    $facts['host'] = Read-One 'host' {
        $build = Read-Registry $ntKey 'CurrentBuildNumber'
        $major = Read-Registry $ntKey 'CurrentMajorVersionNumber'
        $minor = Read-Registry $ntKey 'CurrentMinorVersionNumber'
        $revision = Read-Registry $ntKey 'UBR'
        $version = $null
        if ($null -ne $build -and $null -ne $major) {
            $version = '{0}.{1}.{2}' -f $major, $minor, $build
            if ($null -ne $revision) { $version = '{0}.{1}' -f $version, $revision }
        }
        elseif ($windows) {
            $version = [string]$windows.Version
        }
        $core = $null
        if ($buildLab[0] -match '^\d+$') { $core = [int]$buildLab[0] }
        $product = ''
        if ($windows) { if ($windows.ProductType -eq 1) { $product = 'client' } else { $product = 'server' } }
        $architecture = ''
        if ($processor) {
            if ($processor.Architecture -eq 9) { $architecture = 'amd64' }
            if ($processor.Architecture -eq 12) { $architecture = 'arm64' }
            if ($processor.Architecture -eq 0) { $architecture = '386' }
        }
        [ordered]@{
            version = $version
            core = $core
            product = $product
            os = 'windows'
            architecture = $architecture
            edition = [string](Read-Registry $ntKey 'EditionID')
            engine = $engine
            name = [string]$env:COMPUTERNAME
            source = 'collector.ps1'
        }
    }

    $facts['system'] = Read-One 'system' {
        $reasons = (Read-Many 'pending reboot' {
                $servicing = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing'
                $manager = 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager'
                $names = 'HKLM:\SYSTEM\CurrentControlSet\Control\ComputerName'
                if (Test-Path -LiteralPath "$servicing\RebootPending") { 'component-servicing' }
                if (Test-Path -LiteralPath "$servicing\RebootInProgress") { 'component-servicing-running' }
                if (Test-Path -LiteralPath 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired') { 'windows-update' }
                if (@(Read-Registry $manager 'PendingFileRenameOperations' | Where-Object { $_ }).Count -gt 0) { 'file-rename' }
                if ((Read-Registry "$names\ActiveComputerName" 'ComputerName') -ne (Read-Registry "$names\ComputerName" 'ComputerName')) { 'computer-name' }
            }).list
        $sku = $null
        if ($windows) { $sku = [int]$windows.OperatingSystemSKU }
        $branch = $null
        if ($buildLab.Count -gt 3) { $branch = $buildLab[3] }
        [ordered]@{
            installation = ConvertTo-Text (Read-Registry $ntKey 'InstallationType')
            display = ConvertTo-Text (Read-Registry $ntKey 'DisplayVersion')
            product_name = ConvertTo-Text (Read-Registry $ntKey 'ProductName')
            sku = $sku
            branch = $branch
            drive = ConvertTo-Text $env:SystemDrive
            pending_reboot = $reasons
        }
    }

    $facts['features'] = (Read-Many 'Win32_OptionalFeature' {
            $states = @{ 1 = 'enabled'; 2 = 'disabled'; 3 = 'absent' }
            $all = @(Get-CimInstance -ClassName Win32_OptionalFeature)
            $names = 'Containers', 'Microsoft-Hyper-V', 'Microsoft-Hyper-V-Hypervisor', 'Microsoft-Hyper-V-Services',
            'VirtualMachinePlatform', 'HypervisorPlatform'
            foreach ($feature in $names) {
                $one = $all | Where-Object { $_.Name -eq $feature } | Select-Object -First 1
                if ($null -eq $one) {
                    [ordered]@{ name = $feature; state = 'absent' }
                }
                else {
                    $state = $states[[int]$one.InstallState]
                    if ($null -eq $state) { $state = 'unknown' }
                    [ordered]@{ name = $feature; state = $state }
                }
            }
        }).list

    $facts['services'] = (Read-Many 'Win32_Service' {
            $states = @{
                'Running' = 'running'; 'Stopped' = 'stopped'; 'Start Pending' = 'starting'; 'Continue Pending' = 'starting'
                'Stop Pending' = 'stopping'; 'Pause Pending' = 'paused'; 'Paused' = 'paused'
            }
            $starts = @{ 'Boot' = 'boot'; 'System' = 'system'; 'Auto' = 'auto'; 'Manual' = 'manual'; 'Disabled' = 'disabled' }
            $all = @(Get-CimInstance -ClassName Win32_Service)
            foreach ($service in 'docker', 'containerd', 'com.docker.service', 'hns', 'vmcompute', 'vmms', 'HvHost', 'SharedAccess', 'MpsSvc', 'W32Time') {
                $one = $all | Where-Object { $_.Name -eq $service } | Select-Object -First 1
                if ($null -eq $one) {
                    [ordered]@{ name = $service; state = 'absent'; start = $null }
                }
                else {
                    $state = $states[[string]$one.State]
                    if ($null -eq $state) { $state = 'unknown' }
                    [ordered]@{ name = $service; state = $state; start = $starts[[string]$one.StartMode] }
                }
            }
        }).list

    $facts['hypervisor'] = Read-One 'hypervisor' {
        $present = $null
        $manufacturer = $null
        $model = $null
        $memory = $null
        $processors = $null
        if ($computer) {
            $present = [bool]$computer.HypervisorPresent
            $manufacturer = ConvertTo-Text $computer.Manufacturer
            $model = ConvertTo-Text $computer.Model
            $memory = [long]$computer.TotalPhysicalMemory
            $processors = [int]$computer.NumberOfLogicalProcessors
        }
        # A tag that every machine of Azure has. Other people's tags are their own business.
        $azure = '7783-7084-3265-9085-8269-3286-77'
        $asset = Read-One 'Win32_SystemEnclosure' {
            if (@(Get-CimInstance -ClassName Win32_SystemEnclosure | Where-Object { $_.SMBIOSAssetTag -eq $azure }).Count -gt 0) { $azure }
        }
        $cpu = $null
        $firmware = $null
        $slat = $null
        $monitor = $null
        if ($processor) {
            $cpu = ConvertTo-Text $processor.Manufacturer
            if ($cpu -eq 'GenuineIntel') { $cpu = 'intel' }
            if ($cpu -eq 'AuthenticAMD') { $cpu = 'amd' }
            if ($processor.Architecture -eq 12) { $cpu = 'arm' }
            $firmware = $processor.VirtualizationFirmwareEnabled
            $slat = $processor.SecondLevelAddressTranslationExtensions
            $monitor = $processor.VMMonitorModeExtensions
        }
        # Event 2: the hypervisor was started. The clock may be set right during a boot, hence the two minutes.
        $launched = $null
        if ($windows) {
            try {
                $filter = @{
                    LogName = 'System'; ProviderName = 'Microsoft-Windows-Hyper-V-Hypervisor'; Id = 2
                    StartTime = $windows.LastBootUpTime.AddMinutes(-2)
                }
                $launched = @(Get-WinEvent -FilterHashtable $filter -MaxEvents 1).Count -gt 0
            }
            catch {
                if ($_.FullyQualifiedErrorId -like 'NoMatchingEventsFound*') { $launched = $false } else { Add-Note 'hypervisor events' $_ }
            }
        }
        # hypervisorlaunchtype (BCD element 250000f0) of the default entry of the boot manager.
        $launchType = $null
        $objects = 'HKLM:\BCD00000000\Objects'
        $default = Read-One 'boot configuration' { Read-Registry ($objects + '\{9dea862c-5cdd-4e70-acc1-f32b344d4795}\Elements\23000003') 'Element' }
        if ($default) {
            $bytes = (Read-Many 'boot configuration' { Read-Registry ($objects + '\' + $default + '\Elements\250000f0') 'Element' }).list
            if ($bytes) {
                if ($bytes[0] -eq 0) { $launchType = 'off' }
                if ($bytes[0] -eq 1) { $launchType = 'auto' }
            }
        }
        $vbs = Read-One 'Win32_DeviceGuard' {
            $guard = Get-CimInstance -Namespace 'root\Microsoft\Windows\DeviceGuard' -ClassName Win32_DeviceGuard
            [int]$guard.VirtualizationBasedSecurityStatus
        }
        $guests = $null
        if (Test-Path -LiteralPath "$servicesKey\vmms") {
            $guests = (Read-Many 'virtual machines' {
                    $space = 'root\virtualization\v2'
                    $cores = @(Get-CimInstance -Namespace $space -ClassName Msvm_ProcessorSettingData)
                    $memories = @(Get-CimInstance -Namespace $space -ClassName Msvm_MemorySettingData)
                    $real = "VirtualSystemType = 'Microsoft:Hyper-V:System:Realized'"
                    foreach ($guest in @(Get-CimInstance -Namespace $space -ClassName Msvm_VirtualSystemSettingData -Filter $real)) {
                        $prefix = $guest.InstanceID + '\'
                        $core = $cores | Where-Object { $_.InstanceID.StartsWith($prefix) } | Select-Object -First 1
                        $share = $memories | Where-Object { $_.InstanceID.StartsWith($prefix) } | Select-Object -First 1
                        $nested = $null
                        $count = $null
                        $size = $null
                        $dynamic = $null
                        if ($core) { $nested = $core.ExposeVirtualizationExtensions; $count = [int]$core.VirtualQuantity }
                        if ($share) { $size = [long]$share.VirtualQuantity * 1048576; $dynamic = $share.DynamicMemoryEnabled }
                        [ordered]@{
                            name = [string]$guest.ElementName
                            version = ConvertTo-Text $guest.Version
                            nested = $nested
                            memory = $size
                            dynamic = $dynamic
                            processors = $count
                        }
                    }
                }).list
        }
        [ordered]@{
            present = $present
            manufacturer = $manufacturer
            model = $model
            asset = $asset
            cpu = $cpu
            firmware = $firmware
            slat = $slat
            monitor = $monitor
            launched = $launched
            launch_type = $launchType
            vbs = $vbs
            memory = $memory
            processors = $processors
            guests = $guests
        }
    }

    $facts['pipes'] = (Read-Many 'pipes' {
            # The list fails where another program's pipe has a name that .NET does not take.
            $open = (Read-Many 'list of pipes' { [System.IO.Directory]::GetFiles('\\.\pipe\') | ForEach-Object { ([string]$_).Substring(9) } }).list
            foreach ($pipe in 'docker_engine', 'docker_engine_windows', 'containerd-containerd') {
                if ($null -ne $open) { $exists = $open -contains $pipe } else { $exists = [System.IO.File]::Exists('\\.\pipe\' + $pipe) }
                $sddl = $null
                if ($exists) {
                    # Get-Acl does not take a pipe; .NET does, and the .NET of PowerShell 7 has the method elsewhere.
                    $sddl = Read-One ('pipe ' + $pipe) {
                        $folder = New-Object System.IO.DirectoryInfo ('\\.\pipe\' + $pipe)
                        if ($folder.PSObject.Methods['GetAccessControl']) { $acl = $folder.GetAccessControl() }
                        else { $acl = [System.IO.FileSystemAclExtensions]::GetAccessControl($folder) }
                        $acl.GetSecurityDescriptorSddlForm('Access')
                    }
                }
                [ordered]@{ name = $pipe; exists = $exists; sddl = $sddl }
            }
        }).list

    $facts['token'] = Read-One 'token' {
        [ordered]@{
            user = $identity.User.Value
            groups = (Read-Many 'groups' { $identity.Groups | ForEach-Object { $_.Value } }).list
            elevated = $elevated
        }
    }

    $facts['daemon'] = Read-One 'daemon' {
        $arguments = ConvertTo-Text (Hide-Secret ([string](Read-Registry "$servicesKey\docker" 'ImagePath')))
        $configPath = Join-Path $env:ProgramData 'docker\config\daemon.json'
        if ($arguments -match '--config-file[= ]"?([^"\s]+)') { $configPath = $Matches[1] }
        $configText = $null
        $configEncoding = $null
        $config = Read-One 'daemon.json' {
            if (-not (Test-Path -LiteralPath $configPath)) { return @{ text = ''; encoding = 'utf-8' } }
            $bytes = [System.IO.File]::ReadAllBytes($configPath)
            if ($bytes.Length -ge 3 -and $bytes[0] -eq 0xef -and $bytes[1] -eq 0xbb -and $bytes[2] -eq 0xbf) {
                return @{ text = [System.Text.Encoding]::UTF8.GetString($bytes, 3, $bytes.Length - 3); encoding = 'utf-8-bom' }
            }
            if ($bytes.Length -ge 2 -and $bytes[0] -eq 0xff -and $bytes[1] -eq 0xfe) {
                return @{ text = [System.Text.Encoding]::Unicode.GetString($bytes, 2, $bytes.Length - 2); encoding = 'utf-16' }
            }
            if ($bytes.Length -ge 2 -and $bytes[0] -eq 0xfe -and $bytes[1] -eq 0xff) {
                return @{ text = [System.Text.Encoding]::BigEndianUnicode.GetString($bytes, 2, $bytes.Length - 2); encoding = 'utf-16' }
            }
            try {
                return @{ text = (New-Object System.Text.UTF8Encoding $false, $true).GetString($bytes); encoding = 'utf-8' }
            }
            catch {
                return @{ text = [System.Text.Encoding]::UTF8.GetString($bytes); encoding = 'other' }
            }
        }
        if ($config) {
            $configText = Hide-Secret $config.text
            $configEncoding = $config.encoding
        }
        $dataRoot = $null
        $driver = $null
        if ($dockerInfo) {
            $dataRoot = ConvertTo-Text $dockerInfo.DockerRootDir
            $driver = ConvertTo-Text $dockerInfo.Driver
        }
        [ordered]@{
            data_root = $dataRoot
            driver = $driver
            desktop = [string](Read-Registry 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\Docker Desktop' 'DisplayVersion')
            error = $dockerError
            config_path = $configPath
            config_text = $configText
            config_encoding = $configEncoding
            arguments = $arguments
        }
    }

    $facts['network'] = Read-One 'network' {
        $adapters = (Read-Many 'MSFT_NetIPAddress' {
                foreach ($group in @(Get-CimInstance -Namespace 'root\StandardCimv2' -ClassName MSFT_NetIPAddress | Group-Object -Property InterfaceAlias)) {
                    [ordered]@{
                        name = [string]$group.Name
                        addresses = [object[]]@($group.Group | ForEach-Object { '{0}/{1}' -f ([string]$_.IPAddress).Split('%')[0], $_.PrefixLength })
                    }
                }
            }).list
        $networks = $null
        if (Get-Command Get-HnsNetwork -ErrorAction SilentlyContinue) {
            $networks = (Read-Many 'HNS networks' {
                    foreach ($network in @(Get-HnsNetwork)) {
                        [ordered]@{
                            name = [string]$network.Name
                            type = ConvertTo-Text $network.Type
                            subnets = [object[]]@($network.Subnets | ForEach-Object { $_.AddressPrefix } | Where-Object { $_ } | ForEach-Object { [string]$_ })
                        }
                    }
                }).list
        }
        [ordered]@{
            adapters = $adapters
            networks = $networks
            nats = (Read-Many 'MSFT_NetNat' {
                    Get-CimInstance -Namespace 'root\StandardCimv2' -ClassName MSFT_NetNat |
                        ForEach-Object { ConvertTo-Text $_.InternalIPInterfaceAddressPrefix }
                }).list
        }
    }

    $facts['volumes'] = (Read-Many 'Win32_LogicalDisk' {
            foreach ($disk in @(Get-CimInstance -ClassName Win32_LogicalDisk -Filter 'DriveType = 3')) {
                $size = $null
                $free = $null
                if ($null -ne $disk.Size) { $size = [long]$disk.Size }
                if ($null -ne $disk.FreeSpace) { $free = [long]$disk.FreeSpace }
                [ordered]@{ drive = [string]$disk.DeviceID; file_system = ConvertTo-Text $disk.FileSystem; size = $size; free = $free }
            }
        }).list

    $facts['policy'] = Read-One 'policy' {
        $rights = $null
        if ($elevated) {
            $rights = (Read-Many 'SeServiceLogonRight' {
                    $file = [System.IO.Path]::GetTempFileName()
                    try {
                        $secedit = Join-Path $env:SystemRoot 'System32\secedit.exe'
                        $null = Invoke-Program $secedit ('/export /mergedpolicy /areas USER_RIGHTS /quiet /cfg "' + $file + '"')
                        $lines = [System.IO.File]::ReadAllLines($file)
                        if ($lines.Count -eq 0) { throw 'secedit wrote nothing' }
                        foreach ($line in $lines) {
                            if ($line -match '^\s*SeServiceLogonRight\s*=\s*(.*)$') {
                                $Matches[1].Split(',') | ForEach-Object { $_.Trim().TrimStart('*') } | Where-Object { $_ -match '^S-1-' }
                            }
                        }
                    }
                    finally {
                        Remove-Item -LiteralPath $file -Force -ErrorAction SilentlyContinue
                    }
                }).list
        }
        [ordered]@{
            deny_unprotected = (Read-Registry 'HKLM:\SYSTEM\CurrentControlSet\Policies\Microsoft\FVE' 'FDVDenyWriteAccess') -eq 1
            service_logon = $rights
        }
    }

    $facts['filters'] = (Read-Many 'filter drivers' {
            $drivers = @{}
            foreach ($driver in @(Get-CimInstance -ClassName Win32_SystemDriver)) { $drivers[[string]$driver.Name] = $driver }
            $root = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey('SYSTEM\CurrentControlSet\Services')
            foreach ($service in $root.GetSubKeyNames()) {
                $driver = $drivers[$service]
                if ($null -eq $driver) { continue }
                $altitude = $null
                foreach ($place in 'Parameters\Instances', 'Instances') {
                    try {
                        $key = $root.OpenSubKey($service + '\' + $place)
                        if ($null -eq $key) { continue }
                        $instance = [string]$key.GetValue('DefaultInstance', '')
                        if ($instance -eq '') { $instance = [string]@($key.GetSubKeyNames())[0] }
                        if ($instance -eq '') { continue }
                        $entry = $key.OpenSubKey($instance)
                        if ($null -ne $entry) { $altitude = ConvertTo-Text $entry.GetValue('Altitude', $null) }
                        if ($null -ne $altitude) { break }
                    }
                    catch {
                        Add-Note ('filter driver ' + $service) $_
                    }
                }
                if ($null -eq $altitude) { continue }
                $company = $null
                try {
                    $file = ([string]$driver.PathName) -replace '^\\\?\?\\', '' -replace '^\\SystemRoot\\', ($env:SystemRoot + '\')
                    if (-not [System.IO.Path]::IsPathRooted($file)) { $file = Join-Path $env:SystemRoot $file }
                    $company = ConvertTo-Text ([System.Diagnostics.FileVersionInfo]::GetVersionInfo($file).CompanyName)
                }
                catch {
                    Add-Note ('filter driver ' + $service) $_
                }
                [ordered]@{ name = $service; altitude = $altitude; running = [bool]$driver.Started; company = $company }
            }
        }).list

    $facts['antivirus'] = Read-One 'antivirus' {
        $space = 'root\Microsoft\Windows\Defender'
        $defender = 'D68DDC3A-831F-4FAE-9E44-DA132C1ACF46'
        $excluded = $null
        # Without elevation Defender answers with a sentence in place of the paths.
        if ($elevated) {
            $excluded = (Read-Many 'MSFT_MpPreference' {
                    $preference = Get-CimInstance -Namespace $space -ClassName MSFT_MpPreference
                    $preference.ExclusionPath | ForEach-Object { ConvertTo-Text $_ }
                }).list
        }
        [ordered]@{
            realtime = Read-One 'MSFT_MpComputerStatus' { [bool](Get-CimInstance -Namespace $space -ClassName MSFT_MpComputerStatus).RealTimeProtectionEnabled }
            excluded = $excluded
            others = (Read-Many 'AntiVirusProduct' {
                    Get-CimInstance -Namespace 'root\SecurityCenter2' -ClassName AntiVirusProduct |
                        Where-Object { -not ([string]$_.instanceGuid).ToUpperInvariant().Contains($defender) } |
                        ForEach-Object { ConvertTo-Text $_.displayName }
                }).list
        }
    }

    $facts['proxies'] = (Read-Many 'proxies' {
            $settings = 'HKCU:\Software\Microsoft\Windows\CurrentVersion\Internet Settings'
            if ((Read-Registry $settings 'ProxyEnable') -eq 1) {
                $address = Hide-Credential ([string](Read-Registry $settings 'ProxyServer'))
                [ordered]@{ where = 'user'; http = $address; https = $address; no_proxy = ConvertTo-Text (Read-Registry $settings 'ProxyOverride') }
            }
            $variables = @{ machine = @{}; service = @{} }
            foreach ($variable in 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY') {
                $variables.machine[$variable] = ConvertTo-Text (Read-Registry 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Environment' $variable)
            }
            foreach ($line in @(Read-Registry "$servicesKey\docker" 'Environment')) {
                $name, $value = ([string]$line).Split('=', 2)
                if ($name) { $variables.service[$name.ToUpperInvariant()] = ConvertTo-Text $value }
            }
            foreach ($where in 'machine', 'service') {
                $http = $variables[$where]['HTTP_PROXY']
                $https = $variables[$where]['HTTPS_PROXY']
                if ($http -or $https) {
                    if ($http) { $http = Hide-Credential $http }
                    if ($https) { $https = Hide-Credential $https }
                    [ordered]@{ where = $where; http = $http; https = $https; no_proxy = $variables[$where]['NO_PROXY'] }
                }
            }
        }).list

    $facts['clock'] = Read-One 'clock' {
        $invariant = [System.Globalization.CultureInfo]::InvariantCulture
        $skew = $null
        if ($Online) {
            $skew = Read-One 'clock of a server' {
                $protocols = [System.Net.ServicePointManager]::SecurityProtocol
                [System.Net.ServicePointManager]::SecurityProtocol = $protocols -bor [System.Net.SecurityProtocolType]::Tls12
                $request = [System.Net.WebRequest]::Create('https://mcr.microsoft.com/v2/')
                $request.Method = 'HEAD'
                $request.Timeout = 10000
                $response = $request.GetResponse()
                $ours = [DateTime]::UtcNow
                $theirs = [DateTime]::Parse($response.Headers['Date'], $invariant, [System.Globalization.DateTimeStyles]::AdjustToUniversal)
                $response.Close()
                [Math]::Round(($ours - $theirs).TotalSeconds, 1)
            }
        }
        $type = ConvertTo-Text (Read-Registry "$servicesKey\W32Time\Parameters" 'Type')
        $synchronised = $null
        if ($null -ne $type) { $synchronised = $type -ne 'NoSync' }
        [ordered]@{
            now = [DateTime]::UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", $invariant)
            skew = $skew
            synchronised = $synchronised
        }
    }

    if (-not $elevated) { $notes.Add('not elevated: run as administrator to see all facts') }
    $facts['notes'] = [object[]]$notes.ToArray()

    # Nothing but ASCII, so that no code page and no redirection spoils it.
    $json = ConvertTo-Json -InputObject $facts -Depth 8
    $json = [regex]::Replace($json, '[^\x09\x0a\x0d\x20-\x7e]', { param($found) '\u{0:x4}' -f [int][char]$found.Value })
    if ($Path) {
        $target = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Path)
        [System.IO.File]::WriteAllText($target, $json + "`r`n", [System.Text.Encoding]::ASCII)
    }
    else {
        Write-Output $json
    }
}

Export-ModuleMember -Function Get-MachineDocument
