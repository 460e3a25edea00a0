// Command interop is the reference SDK's word on what we write, read and say: it reads our c1z files, changes and converts
// them, writes files for our reader, and plays ConductorOne for our service mode. Tests run it and compare.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// The minimum number of arguments of a command; further ones are passed too.
type command struct {
	arguments []string
	rest      bool
	run       func(ctx context.Context, arguments []string) error
}

var commands = map[string]command{
	"print":   {[]string{"FILE"}, true, printFile},
	"rewrite": {[]string{"FROM", "TO"}, false, rewrite},
	"resync":  {[]string{"FROM", "TO", "ENGINE"}, false, resync},
	"clone":   {[]string{"FROM", "TO"}, false, clone},
	"convert": {[]string{"FROM", "TO"}, false, convert},
	"inplace": {[]string{"FILE"}, false, convertInPlace},
	"measure": {[]string{"FILE"}, false, measure},
	"keys":    {[]string{"FILE"}, false, keys},
	"recount": {[]string{"FILE"}, false, recount},
	"clean":   {[]string{"FILE"}, false, clean},
	"changes": {[]string{"NEWER", "OLDER"}, false, changes},
	"compact": {[]string{"FOLDER", "FILE", "FILE"}, true, compact},
	"write":   {[]string{"FILE"}, false, write},
	"bulk":    {[]string{"FILE", "GRANTS"}, true, bulk},
	"digest":  {[]string{"FILE"}, false, digest},
	"serve":   {[]string{"FOLDER"}, false, serve},
}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, words []string) error {
	if len(words) == 0 {
		return usage()
	}
	found, known := commands[words[0]]
	arguments := words[1:]
	if !known || len(arguments) < len(found.arguments) || (!found.rest && len(arguments) > len(found.arguments)) {
		return usage()
	}
	return found.run(ctx, arguments)
}

func usage() error {
	var lines []string
	for name, found := range commands {
		lines = append(lines, "interop "+name+" "+strings.Join(found.arguments, " "))
	}
	return fmt.Errorf("usage: %s", strings.Join(lines, " | "))
}
