# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

Function Invoke-Program {
    <#
    .SYNOPSIS
    Runs a program to its end. Returns Code, Output and Errors; a program that takes too long is ended, and this throws.
    Arguments are those of a command line already; ConvertTo-Argument makes one of a value.
    #>
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)][string]$Path,
        [string]$Arguments = '',
        [int]$Seconds = 60
    )

    $start = New-Object System.Diagnostics.ProcessStartInfo
    $start.FileName = $Path
    $start.Arguments = $Arguments
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    $start.RedirectStandardInput = $true
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = $true
    $start.StandardOutputEncoding = [System.Text.Encoding]::UTF8
    $start.StandardErrorEncoding = [System.Text.Encoding]::UTF8
    $process = [System.Diagnostics.Process]::Start($start)
    $process.StandardInput.Close()
    $output = $process.StandardOutput.ReadToEndAsync()
    $errors = $process.StandardError.ReadToEndAsync()
    if (-not $process.WaitForExit($Seconds * 1000)) {
        $process.Kill()
        throw ('{0} did not end within {1} seconds' -f $Path, $Seconds)
    }
    return @{ Code = $process.ExitCode; Output = [string]$output.Result; Errors = [string]$errors.Result }
}

Function ConvertTo-Argument {
    <#
    .SYNOPSIS
    Returns a value as one argument of a command line, quoted as CommandLineToArgvW reads it.
    #>
    param ([AllowEmptyString()][string]$Value)

    if ($Value -and $Value -notmatch '[\s"]') { return $Value }
    return '"' + ($Value -replace '(\\*)"', '$1$1\"' -replace '(\\+)$', '$1$1') + '"'
}

Export-ModuleMember -Function Invoke-Program, ConvertTo-Argument
