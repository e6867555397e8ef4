package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// door lets those steer who know the token: a program says it with each request, a browser once, and gets a cookie that proves it for some
// hours. The cookie is signed with the token, so that each coordinator that has the same one takes it, and none keeps sessions.
type door struct {
	key    [sha256.Size]byte // of the token; hashed, so that comparing tells nothing of its length
	locked bool              // there is a token
	secure bool              // cookies travel by TLS only
	now    func() time.Time
}

const (
	cookieName = "jetreduce"
	session    = 12 * time.Hour
)

func newDoor(token string, secure bool, now func() time.Time) door {
	return door{key: sha256.Sum256([]byte(token)), locked: token != "", secure: secure, now: now}
}

// token reports whether there is a token that opens the door. Without one it stays shut.
func (d door) token() bool { return d.locked }

// fits reports whether a token is the right one.
func (d door) fits(token string) bool {
	sum := sha256.Sum256([]byte(token))
	return d.locked && subtle.ConstantTimeCompare(sum[:], d.key[:]) == 1
}

// open reports whether whoever sends a request may steer.
func (d door) open(r *http.Request) bool {
	if !d.locked {
		return false
	}
	if scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " "); found && strings.EqualFold(scheme, "Bearer") {
		return d.fits(strings.TrimSpace(token))
	}
	cookie, err := r.Cookie(cookieName)
	return err == nil && d.proves(cookie.Value)
}

// proves reports whether a cookie was given by this door, or one with the same token, and is still good.
func (d door) proves(value string) bool {
	until, mac, found := strings.Cut(value, ".")
	seconds, err := strconv.ParseInt(until, 10, 64)
	if !found || err != nil || d.now().Unix() >= seconds {
		return false
	}
	return hmac.Equal([]byte(mac), []byte(d.sign(until)))
}

func (d door) sign(until string) string {
	mac := hmac.New(sha256.New, d.key[:])
	mac.Write([]byte("jetreduce page until " + until))
	return hex.EncodeToString(mac.Sum(nil))
}

// admit gives a browser the cookie.
func (d door) admit(w http.ResponseWriter) {
	until := strconv.FormatInt(d.now().Add(session).Unix(), 10)
	http.SetCookie(w, d.cookie(until+"."+d.sign(until), int(session/time.Second)))
}

// dismiss takes it away.
func (d door) dismiss(w http.ResponseWriter) { http.SetCookie(w, d.cookie("", -1)) }

func (d door) cookie(value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: d.secure, SameSite: http.SameSiteStrictMode,
	}
}
