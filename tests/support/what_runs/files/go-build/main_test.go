package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(greet))
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	if string(body) != "hello from Go" {
		t.Fatalf("%q", body)
	}
}

func TestFilesAndPrograms(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("cmd", "/c", "type", path).Output()
	if err != nil || string(out) != "x" {
		t.Fatalf("%q %v", out, err)
	}
}
