// Package programs owns the built-in programs and the set from which a job's program is found by name.
//
// Programs are plain values of the vocabulary: nothing here knows how, where or how often they run. They promise to be
// deterministic, and that cutting an input at other line borders never changes the sum of what its parts emit, so that
// splits of any size give one answer. They refuse arguments that they do not know, because a misspelt argument that is
// quietly dropped gives a wrong answer that looks right.
package programs
