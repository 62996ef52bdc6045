// SPDX-License-Identifier: Apache-2.0
package main

import (
	"fmt"
	"os"

	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
)

// Version is what Debian's package says; the library does not tell.
var Version string

func clone(url, folder string, depth int) error {
	_, err := git.PlainClone(folder, false, &git.CloneOptions{URL: url, Depth: depth})
	return err
}

func push(folder, refspec string) error {
	repository, err := git.PlainOpen(folder)
	if err != nil {
		return err
	}
	return repository.Push(&git.PushOptions{RefSpecs: []config.RefSpec{config.RefSpec(refspec)}})
}

func main() {
	var err error
	switch arguments := os.Args[1:]; arguments[0] {
	case "version":
		fmt.Println(Version)
	case "clone":
		err = clone(arguments[1], arguments[2], 0)
	case "shallow":
		err = clone(arguments[1], arguments[2], 1)
	case "push":
		err = push(arguments[1], "refs/heads/main:refs/heads/"+arguments[2])
	case "delete":
		err = push(arguments[1], ":refs/heads/"+arguments[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
