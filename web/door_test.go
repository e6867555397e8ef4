package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

func withToken(c *Config) { c.Token = secret }

var ourPage = []string{"Sec-Fetch-Site", "same-origin"}

func TestWithoutATokenNobodySteers(t *testing.T) {
	t.Parallel()
	d := scene(began)
	s := newTestServer(d, nil)
	for _, bearer := range []string{"Bearer ", "Bearer " + secret, "Bearer x"} {
		if w := post(t, s, "/jobs/clicks-by-country/cancel", "", "Authorization", bearer); w.Code != http.StatusForbidden {
			t.Errorf("%q: status %d", bearer, w.Code)
		}
	}
	if w := post(t, s, "/login", "token=", ourPage...); w.Code == http.StatusSeeOther || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("login: status %d", w.Code)
	}
	if text := get(t, s, "/jobs/clicks-by-country").Body.String(); strings.Contains(text, "<form") || strings.Contains(text, "/login") {
		t.Error("there are buttons")
	}
	if len(d.steered) > 0 {
		t.Errorf("steered: %v", d.steered)
	}
}

// logIn logs in as a browser does, and returns what it sends from then on.
func logIn(t *testing.T, s *Server) []string {
	t.Helper()
	w := post(t, s, "/login", "token="+secret+"&to=/jobs/clicks-by-country", ourPage...)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/jobs/clicks-by-country" || len(cookies) != 1 {
		t.Fatalf("login: status %d, to %q, %d cookies", w.Code, w.Header().Get("Location"), len(cookies))
	}
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || strings.Contains(c.Value, secret) {
		t.Errorf("cookie: %s", c)
	}
	return append([]string{"Cookie", c.Name + "=" + c.Value}, ourPage...)
}

func TestTokenOnceLetsABrowserSteer(t *testing.T) {
	t.Parallel()
	d := scene(began)
	s := newTestServer(d, withToken)
	browser := logIn(t, s)
	if text := get(t, s, "/jobs/clicks-by-country", browser...).Body.String(); !strings.Contains(text,
		`action="/jobs/clicks-by-country/cancel"`) {
		t.Error("there is no button")
	}
	for act, to := range map[string]string{"cancel": "/jobs/j1", "retry": "/jobs/j1", "remove": "/"} {
		if w := post(t, s, "/jobs/j1/"+act, "", browser...); w.Code != http.StatusSeeOther || w.Header().Get("Location") != to {
			t.Errorf("%s: status %d, to %q", act, w.Code, w.Header().Get("Location"))
		}
	}
	slices.Sort(d.steered)
	if !slices.Equal(d.steered, []string{"cancel j1", "remove j1", "retry j1"}) {
		t.Errorf("steered: %v", d.steered)
	}
	d.err = mapreduce.Permanentf("job j1 is done already")
	if w := post(t, s, "/jobs/j1/cancel", "", browser...); w.Code != http.StatusConflict ||
		!strings.Contains(w.Body.String(), "job j1 is done already") {
		t.Errorf("refused: status %d: %s", w.Code, w.Body)
	}
	if w := post(t, s, "/logout", "", browser...); !strings.Contains(w.Header().Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("logout: %q", w.Header().Get("Set-Cookie"))
	}
}

func TestProgramSteersWithTheToken(t *testing.T) {
	t.Parallel()
	d := scene(began)
	s := newTestServer(d, withToken)
	w := post(t, s, "/jobs/j1/cancel", "", "Authorization", "Bearer "+secret, "Accept", "application/json")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"state":"cancelled"`) {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestWhoHasNoTokenOrComesFromElsewhereIsRefused(t *testing.T) {
	t.Parallel()
	d := scene(began)
	s := newTestServer(d, withToken)
	cookie := logIn(t, s)[1]
	value := strings.TrimPrefix(cookie, cookieName+"=")
	until, mac, _ := strings.Cut(value, ".")
	later := newTestServer(d, func(c *Config) { c.Token, c.Now = secret, func() time.Time { return began.Add(14 * time.Hour) } })
	other := newTestServer(d, func(c *Config) { c.Token = secret + "other" })
	for name, c := range map[string]struct {
		s      *Server
		header []string
		want   int
	}{
		"nothing":        {s, nil, 401},
		"wrong token":    {s, []string{"Authorization", "Bearer " + secret[1:]}, 401},
		"basic":          {s, []string{"Authorization", "Basic " + secret}, 401},
		"forged cookie":  {s, []string{"Cookie", cookieName + "=99999999999." + mac}, 401},
		"empty mac":      {s, []string{"Cookie", cookieName + "=" + until + "."}, 401},
		"not ours":       {s, []string{"Cookie", cookieName + "=x"}, 401},
		"old cookie":     {later, []string{"Cookie", cookie}, 401},
		"another token":  {other, []string{"Cookie", cookie}, 401},
		"another site":   {s, []string{"Cookie", cookie, "Sec-Fetch-Site", "cross-site"}, 403},
		"another port":   {s, []string{"Cookie", cookie, "Sec-Fetch-Site", "same-site"}, 403},
		"another origin": {s, []string{"Cookie", cookie, "Origin", "http://evil.example"}, 403},
	} {
		if w := post(t, c.s, "/jobs/j1/cancel", "", c.header...); w.Code != c.want {
			t.Errorf("%s: status %d, want %d", name, w.Code, c.want)
		}
	}
	if w := get(t, s, "/jobs/j1/cancel", "Cookie", cookie); w.Code != http.StatusNotFound {
		t.Errorf("a link: status %d", w.Code)
	}
	if len(d.steered) > 0 {
		t.Errorf("steered: %v", d.steered)
	}
}

func TestLoginLeadsToPagesOfOursOnly(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"/jobs/a-1": "/jobs/a-1", "/workers": "/workers", "//evil.example": "/", "https://evil.example": "/", "/jobs/../x": "/", "": "/",
		"/jobs/":          "/",
		"/jobs/a\r\nX: y": "/",
	} {
		if got := local(to); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}

func TestCookieOfATLSPageTravelsByTLSOnly(t *testing.T) {
	t.Parallel()
	d := newDoor(secret, true, func() time.Time { return began })
	if !d.cookie("x", 1).Secure {
		t.Error("it travels by any way")
	}
	if CheckToken("short") == nil || CheckToken("") != nil || CheckToken(secret) != nil {
		t.Error("a token that can be guessed is taken, or a good one is not")
	}
}
