package main

import (
	"fmt"
	"log"
	"net/http"
)

func greet(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello from Go") }

func main() {
	http.HandleFunc("/", greet)
	fmt.Println("up")
	log.Fatal(http.ListenAndServe(":8080", nil))
}
