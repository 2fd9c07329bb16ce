// Command bootstrap makes any program a FunctionGraph function: put it into the
// ZIP, beside the program. It is configured by environment variables only; see
// README.md.
package main

import "os"

func main() {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	os.Exit(run(os.Environ(), self, os.Stderr))
}
