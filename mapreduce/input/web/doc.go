// Package web reads inputs that web servers have: http:// and https:// URLs.
//
//	URL ─ HEAD ─▶ size, validator, ranges? ─▶ source ─┬─ ranges ─▶ Content.Read   GET, Range, If-Match   cut into splits
//	                                                  └─ none ───▶ Content.Pour   GET, If-Match          one split
//
// What is not cut, since it is compressed, is poured, too.
//
// It promises that what is read is one state of the resource, whole, or an error. That is safe by validators: the plan keeps
// the strong ETag, or, without one, the time of the last modification with the length, and every answer must carry the same,
// and the very range and total that were asked for. A connection that breaks, a server that is busy: both are met with patience, a
// bounded number of times, and reading goes on at the byte where it broke, under the same validator.
//
// It refuses resources without a validator, whose change nobody would notice; answers whose end cannot be told from a broken
// connection; content that is encoded; redirects that lead from https to http. A login in a URL (user:password@) goes to its host
// only, and into no message.
package web
