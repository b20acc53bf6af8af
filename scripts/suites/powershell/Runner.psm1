# SPDX-License-Identifier: Apache-2.0
# Runs tests that are written for Pester 4, as PowerShell's own are, with the Should and Mock of Pester 5: the blocks
# (Describe, Context, It, BeforeAll ...) are run at once and in the session state of the script they stand in, and each
# test becomes a line of JSON. A file in a block's place tells where a failure outside of a test came from.

$script:blocks = [System.Collections.Generic.List[object]]::new()
$script:report = ''
$script:file = ''
$script:state = [scriptblock].GetProperty('SessionStateInternal', [System.Reflection.BindingFlags]'Instance, NonPublic')

function Start-TestFile([string]$Report, [string]$File) { $script:report = $Report; $script:file = $File }

function Write-Result([string]$Name, [string]$Result, $Problem) {
    $text = "$Problem"
    if ($global:TestDrive) { $Name = $Name.Replace($global:TestDrive, 'TestDrive:') } # another one each time
    $line = [ordered]@{
        file = $script:file
        name = @(@($script:blocks | ForEach-Object Name) + $Name) -join ' / '
        result = $Result
        message = $text.Substring(0, [Math]::Min(400, $text.Length))
    }
    $json = Microsoft.PowerShell.Utility\ConvertTo-Json -InputObject $line -Compress
    [System.IO.File]::AppendAllText($script:report, "$json`n")
}

# A script block of ours that runs where another one was written: what it sets, that one's neighbours see.
function Move-Block([scriptblock]$Ours, [scriptblock]$Theirs) {
    $script:state.SetValue($Ours, $script:state.GetValue($Theirs))
    $Ours
}

function New-TestDrive {
    $path = [System.IO.Path]::Combine([System.IO.Path]::GetTempPath(), [guid]::NewGuid().ToString())
    $null = [System.IO.Directory]::CreateDirectory($path)
    $null = Microsoft.PowerShell.Management\New-PSDrive TestDrive FileSystem $path -Scope Global
    Microsoft.PowerShell.Utility\Set-Variable TestDrive $path -Scope Global -Force
    $path
}

function Remove-TestDrive([string]$Path) {
    if ((Get-Location).Path -like 'TestDrive:*') { Set-Location / }
    Microsoft.PowerShell.Management\Remove-PSDrive TestDrive -Scope Global -Force -ErrorAction Ignore
    try { [System.IO.Directory]::Delete($Path, $true) } catch { $null = $_ } # a file that a test left open
}

function Invoke-Block([string]$Name, [scriptblock]$Content) {
    $block = @{ Name = $Name; Before = @(); After = @(); Last = @() }
    $drive = if ($script:blocks.Count -eq 0) { New-TestDrive }
    $script:blocks.Add($block)
    $runner = Move-Block {
        param($__run)
        try { $null = . $__run.Content } catch { & $__run.Write '(block)' 'Failed' $_ }
        foreach ($__one in $__run.Block.Last) {
            try { $null = . $__one } catch { & $__run.Write '(AfterAll)' 'Failed' $_ }
        }
    } $Content
    try { $null = & $runner @{ Content = $Content; Block = $block; Write = ${function:Write-Result} } }
    catch { Write-Result '(block)' 'Failed' $_ }
    $script:blocks.RemoveAt($script:blocks.Count - 1)
    if ($drive) { Remove-TestDrive $drive }
}

function Describe {
    param([Parameter(Position = 0)][string]$Name, [Parameter(Position = 1)][scriptblock]$Fixture,
        [Alias('Tag')][string[]]$Tags, [switch]$Skip)
    if (-not $Skip) { Invoke-Block $Name $Fixture }
}
function Context {
    param([Parameter(Position = 0)][string]$Name, [Parameter(Position = 1)][scriptblock]$Fixture,
        [Alias('Tag')][string[]]$Tags, [switch]$Skip)
    if (-not $Skip) { Invoke-Block $Name $Fixture }
}
function BeforeAll([scriptblock]$Scriptblock) { $null = . $Scriptblock }
function AfterAll([scriptblock]$Scriptblock) { $script:blocks[-1].Last += $Scriptblock }
function BeforeEach([scriptblock]$Scriptblock) { $script:blocks[-1].Before += $Scriptblock }
function AfterEach([scriptblock]$Scriptblock) { $script:blocks[-1].After += $Scriptblock }
function Set-ItResult([switch]$Skipped, [switch]$Pending, [switch]$Inconclusive, [string]$Because) { throw "__skip:$Because" }
function Set-TestInconclusive($Message) { throw "__skip:$Message" }
function Get-TestDriveItem($Path) { Get-Item (Join-Path $global:TestDrive $Path) }
function Setup([switch]$Dir, [switch]$File, $Path, $Content = '', [switch]$PassThru) {
    $target = Join-Path $global:TestDrive $Path
    $made = New-Item -ItemType ($Dir ? 'Directory' : 'File') -Path $target -Force
    if (-not $Dir) { Set-Content -LiteralPath $target -Value $Content }
    if ($PassThru) { $made }
}
function In($Path, $Execute) {
    $before = $PWD
    try { Set-Location $Path; & $Execute } finally { Set-Location $before }
}

function It {
    param([Parameter(Position = 0)][string]$Name, [Parameter(Position = 1)][scriptblock]$Test = {},
        [System.Collections.IDictionary[]]$TestCases, [Alias('Tag')][string[]]$Tags, [switch]$Skip, [switch]$Pending)
    $cases = if ($TestCases) { $TestCases } else { , @{} }
    foreach ($case in $cases) {
        $title = $Name
        foreach ($key in $case.Keys) { $title = $title.Replace("<$key>", "$($case[$key])") }
        if ($Skip -or $Pending -or "$Test".Trim() -eq '') { Write-Result $title 'Skipped' ''; continue }
        $runner = Move-Block {
            param($__run)
            try {
                foreach ($__one in $__run.Before) { $null = . $__one }
                $__case = $__run.Case
                $null = . $__run.Test @__case
            } finally { foreach ($__one in $__run.After) { $null = . $__one } }
        } $Test
        $run = @{ Test = $Test; Case = $case; Before = @($script:blocks | ForEach-Object Before)
            After = @($script:blocks | ForEach-Object After) }
        $result, $problem = 'Passed', $null
        try { $null = & $runner $run } catch {
            $problem = $_
            $result = if ("$_" -like '__skip:*') { 'Skipped' } else { 'Failed' }
        }
        Write-Result $title $result $problem
    }
}
Export-ModuleMember -Function Start-TestFile, Write-Result, Describe, Context, It, BeforeAll, AfterAll, BeforeEach,
    AfterEach, Set-ItResult, Set-TestInconclusive, Get-TestDriveItem, Setup, In
