// Command jetreduce is the first binary of the system: the built-in programs, and nothing else.
package main

import "jetreduce"

func main() { jetreduce.Main() }
