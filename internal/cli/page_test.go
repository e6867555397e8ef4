package cli

import (
	"os"
	"path/filepath"
	"testing"
)

// What people say at the door is trimmed; so is what the door is told, whoever says it.
func TestTokenOfThePageHasNoSpaceAroundIt(t *testing.T) {
	const token = "0123456789abcdef"
	file := filepath.Join(t.TempDir(), "token")
	for text, want := range map[string]string{
		token: token, token + "\n": token, " " + token + "\r\n": token, "          short   ": "", " \n": "",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv(tokenVariable, text)
		for _, f := range []pageFlags{{token: text}, {tokenFile: file}, {}} {
			if got, err := f.secret(); got != want || (err == nil) != (want != "") || err != nil && exitCode(err) != exitUsage {
				t.Errorf("%+v, %q: %q, %v, want %q", f, text, got, err, want)
			}
		}
	}
	t.Setenv(tokenVariable, "")
	if got, err := (&pageFlags{}).secret(); got != "" || err != nil {
		t.Errorf("without one: %q, %v", got, err)
	}
}
