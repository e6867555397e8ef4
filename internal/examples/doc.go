// Package examples has no code. Its tests run what the user documents show: each command of README.md and docs/*.md, as it is
// typed there, in the order of the document, against real processes and a bus.
//
//	document ──▶ examples: command, output that is shown ──▶ sh -c, in a directory of the document's own
//	fixture (testdata/NAME.txtar), files that the document shows ──▶ that directory
//
// A command must end with 0, say something, and print what the document shows behind it. Between the document and the shell
// stands one table, in table_test.go: what is written otherwise (addresses, ports, paths) and what is not run, each with a
// reason. A command that is in neither is run; a row that the document has no use for fails the test.
package examples
