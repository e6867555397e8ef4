package processtest_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"jetreduce/internal/processtest"
)

// Promise: with the permissions that are printed for a coordinator, its page shows and steers all that it does without logins.
func TestPageBehindLogins(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, "--http", "127.0.0.1:0", "--http-token", pageToken)
	said, _ := g.coordinator.Await("serves the page").Fields["url"].(string)
	page, err := url.Parse(said)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	check := func(path, form string, status int, words string) {
		t.Helper()
		answer, text := visit(t, c, page.JoinPath(path).String(), form)
		if answer.StatusCode != status || !strings.Contains(text, words) || strings.Contains(text, "not permitted") {
			t.Errorf("%s: status %d, want %d with %q: %.2000s", path, answer.StatusCode, status, words, text)
		}
	}
	processtest.AwaitTrue(t, "the worker to be heard of", func() bool {
		_, text := visit(t, c, page.JoinPath("/api/workers").String(), "")
		return strings.Contains(text, `"worker":`)
	})
	check("/", "", http.StatusOK, "No jobs yet")
	check("/workers", "", http.StatusOK, "builtin")
	check("/api/jobs", "", http.StatusOK, `"jobs":`)
	check("/api/workers", "", http.StatusOK, `"worker":`)
	check("/api/vitals", "", http.StatusOK, `"epoch":`)
	check("/api/jobs/nobody", "", http.StatusNotFound, "")
	check("/metrics", "", http.StatusOK, "jetreduce_workers")
	check("/login", "token="+pageToken, http.StatusSeeOther, "")
	for _, act := range []string{"cancel", "retry", "remove"} {
		check("/jobs/nobody/"+act, "x=", http.StatusNotFound, "")
	}
	c.CloseIdleConnections()
}
