package processtest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"testing"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

const pageToken = "0123456789abcdef"

// securePage starts a coordinator whose page has TLS, and returns its URL and the file of who vouches for it.
func securePage(t *testing.T) (page *url.URL, ids bustest.Identities) {
	t.Helper()
	ids = bustest.NewIdentities(t)
	c := newCluster(t, false, 0)
	leader := c.Coordinator("--http", "127.0.0.1:0", "--http-token", pageToken,
		"--http-tlscert", ids.File("server.pem"), "--http-tlskey", ids.File("server.key"))
	processtest.AwaitTrue(t, "the leader answers", func() bool {
		_, err := processtest.Ask(c.Machine, func(ctx context.Context, desk *bus.Desk) (mapreduce.JobList, error) { return desk.List(ctx) })
		return err == nil
	})
	said, _ := leader.Await("serves the page").Fields["url"].(string)
	page, err := url.Parse(said)
	if err != nil || page.Scheme != "https" {
		t.Fatalf("the page is at %q: %v", said, err)
	}
	return page, ids
}

// browser is a client that trusts those whose certificate is in a file, and keeps cookies. It follows no redirect.
func browser(t *testing.T, trusted string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(trusted)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return &http.Client{
		Jar: jar, Timeout: processtest.Limit, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots}},
	}
}

// visit asks a page for something: with a form, as its own buttons do.
func visit(t *testing.T, c *http.Client, at, form string) (answer *http.Response, text string) {
	t.Helper()
	method := http.MethodGet
	if form != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(t.Context(), method, at, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if answer, err = c.Do(r); err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// Promise: a page with a certificate is served to who trusts it, and by TLS only.
func TestPageWithACertificateIsServedByTLSOnly(t *testing.T) {
	t.Parallel()
	page, ids := securePage(t)
	trusting := browser(t, ids.File("ca.pem"))
	for _, path := range []string{"/", "/workers", "/api/jobs", "/metrics", "/readyz"} {
		answer, text := visit(t, trusting, page.JoinPath(path).String(), "")
		if answer.StatusCode != http.StatusOK || text == "" || answer.TLS == nil || answer.TLS.Version < tls.VersionTLS12 {
			t.Errorf("%s: status %d: %s", path, answer.StatusCode, text)
		}
	}
	var unknown x509.UnknownAuthorityError
	if _, err := browser(t, ids.File("strangers.pem")).Get(page.String()); !errors.As(err, &unknown) {
		t.Errorf("who trusts others gets %v", err)
	}
	plain := *page
	plain.Scheme = "http"
	for _, form := range []string{"", "token=" + pageToken} {
		answer, text := visit(t, trusting, plain.JoinPath("/login").String(), form)
		if answer.StatusCode != http.StatusBadRequest || len(answer.Cookies()) > 0 || strings.Contains(text, "<html") {
			t.Errorf("without TLS: status %d: %s", answer.StatusCode, text)
		}
	}
}

// Promise: the cookie of such a page lets a browser steer, and tells it to send it by TLS only.
func TestCookieOfAPageWithACertificateIsSecure(t *testing.T) {
	t.Parallel()
	page, ids := securePage(t)
	c := browser(t, ids.File("ca.pem"))
	cancel := page.JoinPath("/jobs/nobody/cancel").String()
	if answer, _ := visit(t, c, cancel, "x="); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("before the login: status %d", answer.StatusCode)
	}
	answer, text := visit(t, c, page.JoinPath("/login").String(), "token="+pageToken)
	cookies := answer.Cookies()
	if answer.StatusCode != http.StatusSeeOther || len(cookies) != 1 {
		t.Fatalf("login: status %d, %d cookies: %s", answer.StatusCode, len(cookies), text)
	}
	if !cookies[0].Secure || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode {
		t.Errorf("cookie %s", cookies[0])
	}
	if answer, text := visit(t, c, cancel, "x="); answer.StatusCode != http.StatusNotFound {
		t.Errorf("after the login: status %d: %s", answer.StatusCode, text)
	}
}
