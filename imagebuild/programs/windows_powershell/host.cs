// SPDX-License-Identifier: Apache-2.0
// Starts PowerShell 7 with the manners of Windows PowerShell 5.1, for containers whose Windows has powershell.exe.
//
// What a script notices is taken from Microsoft's pages about_PowerShell_exe, about_Character_Encoding and
// "Differences between Windows PowerShell 5.1 and PowerShell 7.x": arguments, encodings, aliases, folders of modules.
// $PSVersionTable is left alone: it says which PowerShell this is.
using System;
using System.Collections.Generic;
using System.IO;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using Microsoft.PowerShell;

public static class Program
{
    // 5.1's parameters; true: a value follows. A prefix is enough, "-" and "/" both begin one.
    static readonly (string Name, bool Value)[] Parameters =
    {
        ("psconsolefile", true), ("version", true), ("nologo", false), ("noexit", false), ("sta", false),
        ("mta", false), ("noprofile", false), ("noninteractive", false), ("inputformat", true), ("outputformat", true),
        ("windowstyle", true), ("executionpolicy", true), ("configurationname", true), ("workingdirectory", true),
        ("wd", true), ("settingsfile", true), ("custompipename", true), ("login", false), ("ep", true), ("nop", false),
        ("noni", false), ("sshservermode", false), ("servermode", false), ("namedpipeservermode", false),
        ("socketservermode", false), ("v2socketservermode", false), ("interactive", false),
    };
    static readonly string[] Last = { "command", "file", "encodedcommand", "encodedarguments", "help", "ec", "?", "s" };

    public static int Main(string[] args)
    {
        var state = InitialSessionState.CreateDefault2();
        var defaults = new DefaultParameterDictionary();
        foreach (var (command, encoding) in new[] {
            ("Out-File", "unicode"), ("Set-Content", "ansi"), ("Add-Content", "ansi"), ("Get-Content", "ansi"),
            ("Export-Csv", "ascii"), ("Export-Clixml", "unicode") })
            defaults[command + ":Encoding"] = encoding;
        state.Variables.Add(new SessionStateVariableEntry("PSDefaultParameterValues", defaults, ""));
        foreach (var (alias, command) in new[] {
            ("curl", "Invoke-WebRequest"), ("wget", "Invoke-WebRequest"), ("sc", "Set-Content"),
            ("Get-ComputerInfo", "CimCmdlets\\Get-ComputerInfo"),
            ("Restart-Computer", "CimCmdlets\\Restart-Computer"), ("Stop-Computer", "CimCmdlets\\Stop-Computer"),
            ("gwmi", "Get-WmiObject"), ("iwmi", "Invoke-WmiMethod"), ("rwmi", "Remove-WmiObject"),
            ("swmi", "Set-WmiInstance"), ("asnp", "Add-PSSnapin"), ("gsnp", "Get-PSSnapin") })
            state.Commands.Add(new SessionStateAliasEntry(alias, command));
        // Output is text without colours, as 5.1's is.
        PSStyle.Instance.OutputRendering = OutputRendering.PlainText;
        Environment.SetEnvironmentVariable("PSModulePath", ModulePath());
        var banner = "Windows PowerShell\r\nCopyright (C) Microsoft Corporation. All rights reserved.\r\n";
        return ConsoleShell.Start(state, banner, "", Translate(args).ToArray());
    }

    // The folders of 5.1, wherever else the variable points; PowerShell 7 puts its own before them.
    static string ModulePath()
    {
        var folders = new List<string>();
        foreach (var folder in (Environment.GetEnvironmentVariable("PSModulePath") ?? "").Split(';'))
            if (folder.Trim() != "") folders.Add(folder.Trim());
        var windows = Environment.GetFolderPath(Environment.SpecialFolder.System);
        foreach (var folder in new[] {
            Path.Combine(Environment.GetEnvironmentVariable("ProgramFiles") ?? "C:\\Program Files", "WindowsPowerShell\\Modules"),
            Path.Combine(windows, "WindowsPowerShell\\v1.0\\Modules") })
            if (!folders.Exists(one => string.Equals(one.TrimEnd('\\'), folder, StringComparison.OrdinalIgnoreCase)))
                folders.Add(folder);
        return string.Join(";", folders);
    }

    // A first argument that is not a parameter is a command in 5.1 and a file in 7.
    static List<string> Translate(string[] args)
    {
        var result = new List<string>();
        for (int at = 0; at < args.Length; at++)
        {
            string word = args[at], name = word.Length > 1 && (word[0] == '-' || word[0] == '/')
                ? word.Substring(1).ToLowerInvariant() : "";
            if (name == "")
            {
                result.Add("-Command");
                result.AddRange(args[at..]);
                return result;
            }
            bool last = Array.Exists(Last, one => one.StartsWith(name, StringComparison.Ordinal));
            var known = Array.Find(Parameters, one => one.Name.StartsWith(name, StringComparison.Ordinal));
            if (last && (known.Name == null || name.Length == 1)) // -c -e -f -h: the end of the parameters
            {
                result.AddRange(args[at..]);
                return result;
            }
            if (known.Name == null)
            {
                result.Add("-Command"); // 5.1 takes it for a command, and says that there is none of that name
                result.AddRange(args[at..]);
                return result;
            }
            string value = known.Value && at + 1 < args.Length ? args[++at] : null;
            if (known.Name == "version" || known.Name == "psconsolefile") continue; // 7 has neither
            result.Add(word);
            if (value != null) result.Add(value);
        }
        return result;
    }
}
