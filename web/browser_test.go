package web

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser starts a Chromium for a test, or skips it when there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	found := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			found = path
			break
		}
	}
	if found == "" {
		t.Skip("no chromium is installed: on Debian, `apt-get install chromium`")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(found), chromedp.UserDataDir(t.TempDir()))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, _ = chromedp.NewExecAllocator(ctx, options...)
	ctx, _ = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Error(err)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// complaints are what a browser says is wrong with pages: errors of scripts and of the console, what the policy forbids.
type complaints struct {
	mu    sync.Mutex
	words []string
}

func listen(ctx context.Context, t *testing.T) *complaints {
	t.Helper()
	c := &complaints{}
	err := chromedp.Listen(ctx, func(event any) {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch e := event.(type) {
		case *cdpruntime.EventExceptionThrown:
			c.words = append(c.words, e.ExceptionDetails.Text)
		case *cdpruntime.EventConsoleAPICalled:
			c.words = append(c.words, string(e.Type))
		case *log.EventEntryAdded:
			c.words = append(c.words, e.Entry.Text+" "+e.Entry.URL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *complaints) none(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.words) > 0 {
		t.Errorf("the browser complains: %s", strings.Join(c.words, "\n"))
	}
}

// serveScene serves a busy day on a port, and says where.
func serveScene(t *testing.T) (*fakeDesk, string) {
	t.Helper()
	now := time.Now()
	d := scene(now)
	s := newTestServer(d, func(c *Config) {
		c.Now, c.Every, c.Token, c.Loopback = time.Now, 50*time.Millisecond, secret, true
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- s.Run(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	return d, "http://" + listener.Addr().String()
}

// command sends a command of the protocol.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

func TestPagesInABrowserChangeByThemselves(t *testing.T) {
	t.Parallel()
	d, url := serveScene(t)
	ctx := browser(t)
	said := listen(ctx, t)
	do := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			t.Fatal(err)
		}
	}
	do(chromedp.Navigate(url+"/"), chromedp.WaitVisible("#pulse.on"))
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`window.same = true`)); err != nil {
		t.Fatal(err)
	}
	d.change(func(d *fakeDesk) { d.mapped(119) })
	do(chromedp.WaitVisible(`//tr[@id="job-clicks-by-country"]//span[text()="119/120"]`))
	if same, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`window.same === true`)); err != nil || !same {
		t.Errorf("the page was loaded again: %v", err)
	}
	do(chromedp.Navigate(url+"/jobs/clicks-by-country"), chromedp.WaitVisible("#pulse.on"), chromedp.WaitVisible("svg.lane"))
	do(chromedp.Navigate(url+"/workers"), chromedp.WaitVisible("#pulse.on"), chromedp.WaitVisible("#workers table"))
	said.none(t)
}

func TestPagesWorkWithoutScripts(t *testing.T) {
	t.Parallel()
	d, url := serveScene(t)
	ctx := browser(t)
	off := command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	if err := chromedp.Do(ctx, off, chromedp.Navigate(url+"/")); err != nil {
		t.Fatal(err)
	}
	d.change(func(d *fakeDesk) { d.mapped(118) })
	// It is loaded again, by itself; then links lead on.
	err := chromedp.Do(ctx, chromedp.WaitVisible(`//tr[@id="job-clicks-by-country"]//span[text()="118/120"]`),
		chromedp.Click(`//a[text()="clicks-by-country"]`), chromedp.WaitVisible("svg.lane"))
	if err != nil {
		t.Fatal(err)
	}
}

// Else the last column of the list is found by those who know of it.
func TestPhoneShowsAllOfTheList(t *testing.T) {
	t.Parallel()
	_, url := serveScene(t)
	ctx := browser(t)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(390, 900), chromedp.Navigate(url+"/"), chromedp.WaitVisible(".jobs tbody tr")); err != nil {
		t.Fatal(err)
	}
	const beyond = `document.querySelector(".scroll").scrollWidth - document.querySelector(".scroll").clientWidth`
	if pixels, err := chromedp.Run(ctx, chromedp.Evaluate[int](beyond)); err != nil || pixels > 0 {
		t.Errorf("%d pixels of the list are out of sight, %v", pixels, err)
	}
}

// With JETREDUCE_SHOTS=DIR it takes pictures of the pages, for people to look at.
func TestPicturesOfThePages(t *testing.T) {
	dir := os.Getenv("JETREDUCE_SHOTS")
	if dir == "" {
		t.Skip("for pictures of the pages, set JETREDUCE_SHOTS=DIR")
	}
	_, url := serveScene(t)
	ctx := browser(t)
	for name, path := range map[string]string{
		"jobs": "/", "job": "/jobs/clicks-by-country", "workers": "/workers", "login": "/login", "missing": "/jobs/nobody",
	} {
		for _, scheme := range []string{"light", "dark"} {
			for size, width := range map[string]int64{"desktop": 1360, "phone": 390} {
				colours := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
				err := chromedp.Do(ctx, command(emulation.SetEmulatedMedia, colours), chromedp.EmulateViewport(width, 900),
					chromedp.Navigate(url+path), chromedp.WaitReady("main"))
				if err != nil {
					t.Fatal(err)
				}
				png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
				if err == nil {
					err = os.WriteFile(filepath.Join(dir, name+"-"+size+"-"+scheme+".png"), png, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
