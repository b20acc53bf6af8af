// SPDX-License-Identifier: Apache-2.0

// Asks moby/patternmatcher and Go's filepath.Match: one JSON question a line in, one JSON answer a line out.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

type question struct {
	Ignore  string   `json:"ignore"`
	Pattern string   `json:"pattern"`
	Paths   []string `json:"paths"`
}

func excluded(file string, paths []string) ([]bool, error) {
	patterns, err := ignorefile.ReadAll(strings.NewReader(file))
	if err != nil {
		return nil, err
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, err
	}
	answers := []bool{}
	for _, path := range paths {
		answer, info, parts := false, patternmatcher.MatchInfo{}, strings.Split(path, "/")
		for i := range parts {
			answer, info, err = matcher.MatchesUsingParentResults(filepath.FromSlash(strings.Join(parts[:i+1], "/")), info)
			if err != nil {
				return nil, err
			}
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

func matched(pattern string, paths []string) ([]bool, error) {
	answers := []bool{}
	for _, path := range paths {
		answer, err := filepath.Match(pattern, path)
		if err != nil {
			return nil, err
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

func main() {
	lines, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked question
		if err := json.Unmarshal(line, &asked); err != nil {
			panic(err)
		}
		var answers []bool
		if asked.Pattern != "" {
			answers, err = matched(asked.Pattern, asked.Paths)
		} else {
			answers, err = excluded(asked.Ignore, asked.Paths)
		}
		out.Encode(map[string]any{"answers": answers, "bad": err != nil})
	}
}
