// SPDX-License-Identifier: Apache-2.0

// A web server in Go, for the tests of the engine.
package main

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
)

func main() {
	http.HandleFunc("/", func(answer http.ResponseWriter, request *http.Request) {
		fmt.Fprintf(answer, "hello from %s on %s", os.Getenv("WHO"), runtime.GOOS)
	})
	fmt.Println("serving")
	if err := http.ListenAndServe(":8080", nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
