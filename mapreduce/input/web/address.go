package web

import (
	"net/url"
	"regexp"
	"strings"

	"jetreduce/mapreduce"
)

// resource is what one URL names.
type resource struct {
	*Inputs
	name    string // the URL as typed, without its fragment
	title   string // likewise, without its login: for people
	url     *url.URL
	login   *url.Userinfo // nil: none
	planned bool          // it was there when the job was planned
}

// resource reads a URL.
func (in *Inputs) resource(input string) (*resource, error) {
	name, _, _ := strings.Cut(input, "#")
	u, err := url.Parse(name)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "" {
		// Not with the cause: it may quote a part of a password.
		return nil, mapreduce.Permanentf("input %s: is no URL: use http://HOST/PATH or https://HOST/PATH, with %%XX for what has a meaning "+
			"in URLs", anyLogin.ReplaceAllString(input, "//"))
	}
	r := &resource{Inputs: in, name: name, title: name, url: u, login: u.User}
	if u.User != nil {
		u.User = nil
		r.title = u.String()
	}
	return r, nil
}

var (
	anyLogin   = regexp.MustCompile(`//.*@`) // of a URL that cannot be parsed, it may be too much
	plainLogin = regexp.MustCompile(`//[^/@\s"]*@`)
)

// scrubbed is an error whose words may hold URLs, without their logins.
type scrubbed struct{ error }

func (e scrubbed) Error() string { return plainLogin.ReplaceAllString(e.error.Error(), "//") }

func (e scrubbed) Unwrap() error { return e.error }
