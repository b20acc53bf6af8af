// Counts its input, starts a program with its own handles, and ends with 6.
using System;
using System.Diagnostics;

static class Program
{
    static int Main(string[] arguments)
    {
        if (arguments.Length > 0 && arguments[0] == "wait")
        {
            Console.WriteLine("up");
            System.Threading.Thread.Sleep(-1);
        }
        Console.WriteLine("read " + Console.In.ReadToEnd().Length);
        var child = Process.Start(new ProcessStartInfo("cmd", "/c echo from cmd& exit 9") { UseShellExecute = false });
        child.WaitForExit();
        Console.WriteLine(child.ExitCode);
        return 6;
    }
}
