// Command fgdev runs a function's folder or ZIP on a local FunctionGraph, see package platform.
// It owns the command line and the function's settings; it packs and deploys nothing.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
