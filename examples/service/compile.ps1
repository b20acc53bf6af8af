# SPDX-License-Identifier: Apache-2.0
# Compiles Greeter.cs with the compiler that PowerShell has for Add-Type: this image has no SDK.
param([string] $Source, [string] $Runtimes, [string] $Out)
$ErrorActionPreference = 'Stop'
Add-Type -TypeDefinition 'public class LoadsTheCompiler { }'
$references = Get-ChildItem "$Runtimes\shared\*\*\*.dll" | ForEach-Object {
    try {
        [void][Reflection.AssemblyName]::GetAssemblyName($_.FullName)
        [Microsoft.CodeAnalysis.MetadataReference]::CreateFromFile($_.FullName)
    } catch [BadImageFormatException] { }  # a library of machine code
}
$tree = [Microsoft.CodeAnalysis.CSharp.CSharpSyntaxTree]::ParseText((Get-Content -Raw $Source))
$options = [Microsoft.CodeAnalysis.CSharp.CSharpCompilationOptions]::new('ConsoleApplication').WithDeterministic($true)
$work = [Microsoft.CodeAnalysis.CSharp.CSharpCompilation]::Create(
    [IO.Path]::GetFileNameWithoutExtension($Out), [Microsoft.CodeAnalysis.SyntaxTree[]] @($tree),
    [Microsoft.CodeAnalysis.MetadataReference[]] $references, $options)
$file = [IO.File]::Create($Out)
$done = $work.Emit($file)
$file.Close()
if (-not $done.Success) {
    throw ($done.Diagnostics -join "`n")
}
