// SPDX-License-Identifier: Apache-2.0

// Counts its input, starts itself with its own handles, writes much, waits, or serves.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

func main() {
	switch os.Args[1] {
	case "count":
		fmt.Println("counts")
		read, err := io.Copy(io.Discard, os.Stdin)
		fmt.Println("read", read, err)
		out, err := exec.Command("cmd", "/c", "echo from cmd").Output()
		fmt.Print(string(out), err, "\n")
		child := exec.Command(os.Args[0], "say")
		child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
		fmt.Println(child.Run())
		os.Exit(6)
	case "say":
		fmt.Println("inherits")
		os.Exit(9)
	case "flood":
		block := make([]byte, 65536)
		for megabytes, _ := strconv.Atoi(os.Args[2]); megabytes > 0; megabytes-- {
			for i := 0; i < 16; i++ {
				os.Stdout.Write(block)
			}
		}
	case "wait":
		fmt.Println("up")
		time.Sleep(time.Hour)
	case "serve":
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, os.Interrupt, syscall.SIGTERM)
		go func() {
			<-asked
			fmt.Println("asked")
			os.Exit(0)
		}()
		http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello from ", runtime.GOOS) })
		fmt.Println("up")
		fmt.Println(http.ListenAndServe(":8080", nil))
	}
}
