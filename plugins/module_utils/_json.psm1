# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# JSON as the engine's own reader takes it: strict, with the order and the case of names kept. ConvertFrom-Json of
# Windows PowerShell takes comments and single quotes, that of PowerShell 7 makes dates of strings.

$script:Token = New-Object System.Text.RegularExpressions.Regex (
    '\G[ \t\r\n]*(?:(?<mark>[{}\[\],:])|(?<text>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")' +
    '|(?<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![0-9a-zA-Z_.])|(?<word>true|false|null)(?![0-9a-zA-Z_]))')
$script:Deepest = 100

Function ConvertFrom-StrictJson {
    <#
    .SYNOPSIS
    Reads a JSON text. Returns ordered dictionaries, lists, strings, booleans, null; a number stays as it is written, or
    with Numbers becomes a long or a double. Throws with the line and the column of what is wrong.
    #>
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)][AllowEmptyString()][string]$Text,
        [switch]$Numbers
    )

    $state = @{ Text = $Text; At = 0; Depth = 0; Numbers = $Numbers }
    $value = Read-JsonValue -State $state
    if ($Text.Substring($state.At).Trim(" `t`r`n".ToCharArray())) {
        throw (Get-JsonProblem -State $state -Expected 'the end')
    }
    return , $value
}

Function Read-JsonToken {
    param ([hashtable]$State, [string]$Expected)

    $found = $script:Token.Match($State.Text, $State.At)
    if (-not $found.Success) { throw (Get-JsonProblem -State $State -Expected $Expected) }
    $State.Previous = $State.At
    $State.At = $found.Index + $found.Length
    return $found
}

Function Get-JsonProblem {
    param ([hashtable]$State, [string]$Expected)

    $at = $State.At
    while ($at -lt $State.Text.Length -and " `t`r`n".IndexOf($State.Text[$at]) -ge 0) { $at++ }
    $before = $State.Text.Substring(0, $at).Split([char]10)
    return ('line {0}, column {1}: {2} is expected' -f $before.Length, ($before[-1].Length + 1), $Expected)
}

Function Read-JsonValue {
    param ([hashtable]$State)

    $found = Read-JsonToken -State $State -Expected 'a value'
    if ($found.Groups['text'].Success) { return (Read-JsonText -Quoted $found.Groups['text'].Value) }
    if ($found.Groups['number'].Success) {
        $number = $found.Groups['number'].Value
        if (-not $State.Numbers) { return [PSCustomObject]@{ Number = $number } }
        $long = [long]0
        if ([long]::TryParse($number, [ref]$long)) { return $long }
        return [double]::Parse($number, [System.Globalization.CultureInfo]::InvariantCulture)
    }
    if ($found.Groups['word'].Success) {
        switch -CaseSensitive ($found.Groups['word'].Value) {
            'true' { return $true }
            'false' { return $false }
            default { return $null }
        }
    }
    $mark = $found.Groups['mark'].Value
    if ($mark -ne '{' -and $mark -ne '[') {
        $State.At = $State.Previous
        throw (Get-JsonProblem -State $State -Expected 'a value')
    }
    $State.Depth++
    if ($State.Depth -gt $script:Deepest) { throw ('it is nested deeper than {0} levels' -f $script:Deepest) }
    if ($mark -eq '{') { $value = Read-JsonObject -State $State } else { $value = Read-JsonList -State $State }
    $State.Depth--
    return , $value
}

Function Read-JsonObject {
    param ([hashtable]$State)

    $value = New-JsonObject
    $first = $true
    while ($true) {
        $found = Read-JsonToken -State $State -Expected 'a name in double quotes'
        if ($first -and $found.Groups['mark'].Value -eq '}') { return , $value }
        if (-not $found.Groups['text'].Success) {
            $State.At = $State.Previous
            throw (Get-JsonProblem -State $State -Expected 'a name in double quotes')
        }
        $first = $false
        $name = Read-JsonText -Quoted $found.Groups['text'].Value
        Skip-JsonMark -State $State -Marks ':'
        $value[$name] = Read-JsonValue -State $State
        if ((Skip-JsonMark -State $State -Marks ',}' -PassThru) -eq '}') { return , $value }
    }
}

Function Read-JsonList {
    param ([hashtable]$State)

    $value = New-Object System.Collections.ArrayList
    $after = $script:Token.Match($State.Text, $State.At)
    if ($after.Success -and $after.Groups['mark'].Value -eq ']') {
        $State.At = $after.Index + $after.Length
        return , $value
    }
    while ($true) {
        $null = $value.Add((Read-JsonValue -State $State))
        if ((Skip-JsonMark -State $State -Marks ',]' -PassThru) -eq ']') { return , $value }
    }
}

Function Skip-JsonMark {
    param ([hashtable]$State, [string]$Marks, [switch]$PassThru)

    $expected = ($Marks.ToCharArray() | ForEach-Object { "'$_'" }) -join ' or '
    $found = Read-JsonToken -State $State -Expected $expected
    $mark = $found.Groups['mark'].Value
    if (-not $mark -or $Marks.IndexOf($mark) -lt 0) {
        $State.At = $State.Previous
        throw (Get-JsonProblem -State $State -Expected $expected)
    }
    if ($PassThru) { return $mark }
}

Function Read-JsonText {
    param ([string]$Quoted)

    $inner = $Quoted.Substring(1, $Quoted.Length - 2)
    if ($inner.IndexOf('\') -lt 0) { return $inner }
    return [regex]::Replace($inner, '\\(?:u([0-9a-fA-F]{4})|(.))', {
            param ($found)
            if ($found.Groups[1].Success) { return [string][char][Convert]::ToInt32($found.Groups[1].Value, 16) }
            switch -CaseSensitive ($found.Groups[2].Value) {
                'b' { return "`b" }
                'f' { return "`f" }
                'n' { return "`n" }
                'r' { return "`r" }
                't' { return "`t" }
                default { return $found.Groups[2].Value }
            }
        })
}

Function New-JsonObject {
    <#
    .SYNOPSIS
    Returns an empty object whose names keep their order and their case.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'makes a value, changes nothing')]
    param ()

    return , (New-Object System.Collections.Specialized.OrderedDictionary ([System.StringComparer]::Ordinal))
}

Function ConvertTo-StrictJson {
    <#
    .SYNOPSIS
    Writes a value that ConvertFrom-StrictJson has read, indented by four spaces, or in one line with Compress. With
    Sort the names are in ordinal order, so that equal values are equal texts.
    #>
    [CmdletBinding()]
    param (
        [AllowNull()]$Value,
        [switch]$Compress,
        [switch]$Sort,
        [int]$Level = 0
    )

    if ($null -eq $Value) { return 'null' }
    if ($Value -is [bool]) { return ([string]$Value).ToLowerInvariant() }
    if ($Value -is [string]) { return (ConvertTo-JsonText -Text $Value) }
    $line = ''
    $end = ''
    $colon = ': '
    if ($Compress) {
        $colon = ':'
    }
    else {
        $line = "`n" + (' ' * (4 * ($Level + 1)))
        $end = "`n" + (' ' * (4 * $Level))
    }
    if ($Value -is [System.Collections.IDictionary]) {
        if ($Value.Count -eq 0) { return '{}' }
        $names = [string[]]@($Value.Keys)
        if ($Sort) { [Array]::Sort($names, [System.StringComparer]::Ordinal) }
        $parts = foreach ($name in $names) {
            $inner = ConvertTo-StrictJson -Value $Value[$name] -Compress:$Compress -Sort:$Sort -Level ($Level + 1)
            $line + (ConvertTo-JsonText -Text $name) + $colon + $inner
        }
        return '{' + ($parts -join ',') + $end + '}'
    }
    if ($Value -is [System.Collections.IList]) {
        if ($Value.Count -eq 0) { return '[]' }
        $parts = foreach ($item in $Value) {
            $line + (ConvertTo-StrictJson -Value $item -Compress:$Compress -Sort:$Sort -Level ($Level + 1))
        }
        return '[' + ($parts -join ',') + $end + ']'
    }
    return [string]$Value.Number
}

Function ConvertTo-JsonText {
    param ([string]$Text)

    $escaped = [regex]::Replace($Text, '["\\\x00-\x1f\x7f\ud800-\udfff]', {
            param ($found)
            switch ($found.Value) {
                '"' { return '\"' }
                '\' { return '\\' }
                "`n" { return '\n' }
                "`r" { return '\r' }
                "`t" { return '\t' }
                default { return '\u{0:x4}' -f [int][char]$found.Value }
            }
        })
    return '"' + $escaped + '"'
}

Function Test-JsonEqual {
    <#
    .SYNOPSIS
    Returns whether two values are the same; the order of names does not count, the order in lists does.
    #>
    param ([AllowNull()]$First, [AllowNull()]$Second)

    $one = ConvertTo-StrictJson -Value $First -Compress -Sort
    return $one -ceq (ConvertTo-StrictJson -Value $Second -Compress -Sort)
}

Function Merge-JsonObject {
    <#
    .SYNOPSIS
    Returns an object with the changes put into it: objects are merged, null removes a name, all else replaces. New
    names come last, in ordinal order.
    #>
    param ([System.Collections.IDictionary]$Object, [System.Collections.IDictionary]$Changes)

    $merged = New-JsonObject
    foreach ($name in $Object.Keys) { $merged[$name] = $Object[$name] }
    $names = [string[]]@($Changes.Keys)
    [Array]::Sort($names, [System.StringComparer]::Ordinal)
    foreach ($name in $names) {
        $new = $Changes[$name]
        if ($null -eq $new) {
            $merged.Remove($name)
        }
        elseif ($new -is [System.Collections.IDictionary]) {
            $old = $merged[$name]
            if ($old -isnot [System.Collections.IDictionary]) { $old = New-JsonObject }
            $merged[$name] = Merge-JsonObject -Object $old -Changes $new
        }
        else {
            $merged[$name] = $new
        }
    }
    return , $merged
}

Function Hide-JsonSecret {
    <#
    .SYNOPSIS
    Returns a copy that may be shown: values whose names say that they are secret, and credentials in addresses, are
    replaced. A secret that differs from the one in Before is marked as changed.
    #>
    param ([AllowNull()]$Value, [AllowNull()]$Before = $null, [string]$Name = '')

    if ($Value -is [System.Collections.IDictionary]) {
        $copy = New-JsonObject
        foreach ($key in $Value.Keys) {
            $old = $null
            if ($Before -is [System.Collections.IDictionary]) { $old = $Before[$key] }
            $copy[$key] = Hide-JsonSecret -Value $Value[$key] -Before $old -Name $key
        }
        return , $copy
    }
    if ($Value -is [System.Collections.IList]) {
        $copy = New-Object System.Collections.ArrayList
        foreach ($item in $Value) { $null = $copy.Add((Hide-JsonSecret -Value $item)) }
        return , $copy
    }
    if ($Value -isnot [string]) { return $Value }
    if ($Name -match 'token|passw|secret|credential|auth|apikey|api-key') { $hidden = 'xxxxx' } else { $hidden = Hide-Secret -Text $Value }
    if ($hidden -cne $Value -and $Before -is [string] -and $Before -cne $Value) { $hidden += ' (changed)' }
    return $hidden
}

Function Hide-Secret {
    <#
    .SYNOPSIS
    Returns a text without the credentials in its addresses, and without what stands behind a word for a secret.
    #>
    param ([AllowEmptyString()][string]$Text)

    $Text = [regex]::Replace($Text, '(?i)([a-z][a-z0-9+.-]*://)[^/\s"'']*@', '$1xxxxx@')
    $Text = [regex]::Replace($Text, '(?i)("[^"]*(?:token|passw|secret|credential|auth|apikey|api-key)[^"]*"\s*:\s*)"(?:[^"\\]|\\.)*"', '$1"xxxxx"')
    return [regex]::Replace($Text, '(?i)((?:token|passw|secret|credential|auth|apikey|api-key)[a-z0-9_.-]*=)[^\s",]+', '$1xxxxx')
}

Function Hide-Parameter {
    <#
    .SYNOPSIS
    Keeps parameters that hold secrets out of a module's result. Ansible.Basic's no_log does so for strings alone.
    #>
    param ([Parameter(Mandatory = $true)]$Module, [Parameter(Mandatory = $true)][string[]]$Name)

    $shown = @{}
    foreach ($key in $Module.Params.Keys) {
        $shown[$key] = $Module.Params[$key]
        if ($Name -contains $key -and $null -ne $Module.Params[$key]) { $shown[$key] = 'VALUE_SPECIFIED_IN_NO_LOG_PARAMETER' }
    }
    $Module.Result.invocation = @{ module_args = $shown }
}

Export-ModuleMember -Function @(
    'ConvertFrom-StrictJson', 'ConvertTo-StrictJson', 'New-JsonObject', 'Merge-JsonObject', 'Test-JsonEqual'
    'Hide-JsonSecret', 'Hide-Secret', 'Hide-Parameter'
)
