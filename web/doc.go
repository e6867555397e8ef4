// Package web shows a system to people and to their monitoring: a page that is live, metrics, and whether the process is healthy. It
// decides nothing and keeps nothing: what it shows it asks for, and however many look, each question is asked once at a time.
//
//	viewer ──┐
//	viewer ──┼── subject: one poller ──▶ desk ──▶ whoever leads
//	viewer ──┘      │
//	                └── what has changed, to all who look; who is too slow is let go
//
// All that it is told is taken for hostile: ids, errors, what programs print, the names of hosts. Without a token it is read-only.
package web
