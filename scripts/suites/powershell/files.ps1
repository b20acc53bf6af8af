# SPDX-License-Identifier: Apache-2.0
# Runs files of tests, one after another; ROOT has Modules, test and this folder. Each file's last line is "Ended".
param([string]$Root, [string]$Report, [string]$Files)
$env:PSModulePath = (Join-Path $Root 'Modules') + [System.IO.Path]::PathSeparator + $env:PSModulePath
Import-Module (Join-Path $Root 'Modules/Pester/Pester.psd1') -Global -ErrorAction Stop `
    -Function Should, Mock, InModuleScope, Assert-MockCalled, Should-Invoke
Import-Module (Join-Path $Root 'powershell/Runner.psm1') -Global -Force
Import-Module (Join-Path $Root 'Modules/HelpersCommon') -Global
if ($IsWindows) { # of Windows PowerShell, which the machines of the tests' authors have
    $null = [Microsoft.Win32.Registry]::LocalMachine.CreateSubKey('SOFTWARE\Microsoft\PowerShell\3')
}
foreach ($__file in $Files.Split(',')) {
    Start-TestFile $Report $__file
    $__path = Join-Path $Root "test/powershell/$__file"
    Set-Location -LiteralPath (Split-Path $__path)
    $global:PSDefaultParameterValues.Clear()
    $global:ErrorActionPreference = 'Continue'
    try { & $__path } catch { Write-Result '(file)' 'Failed' $_ }
    Write-Result '(end)' 'Ended' $null
}
