package web

import (
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
)

// layout is what stands around the parts of a page.
type layout struct {
	Title string
	At    string // the path, for the menu
	Live  string // where events come from; "": the page does not change
	Next  string // where to go after logging in or out
	Parts template.HTML
	Door  bool // there is a token
	May   bool
	Style string
	Code  string
}

// page answers with a whole page, or with the same as JSON for whoever asks for that.
func (s *Server) page(v view) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept, Cookie")
		l, found := s.lookOf(r)
		if !found {
			s.nowhere(w, r)
			return
		}
		if wantsJSON(r) {
			s.apiOf(l)(w, r)
			return
		}
		f := v(r.Context(), l)
		s.write(w, f, layout{At: l.path, Live: l.events(), Next: l.path, May: l.may})
	}
}

// write writes a frame as a page.
func (s *Server) write(w http.ResponseWriter, f frame, around layout) {
	around.Title, around.Parts = f.Title, joined(f.Parts)
	around.Door, around.Style, around.Code = s.door.token(), staticLink("page.css"), staticLink("page.js")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if f.Status != 0 {
		w.WriteHeader(f.Status)
	}
	_, _ = w.Write([]byte(render("layout", around)))
}

// refuse answers with a page of a few words, or as JSON.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, words string) {
	if wantsJSON(r) || strings.HasPrefix(r.URL.Path, "/api/") {
		writeJSON(w, status, map[string]string{"error": words})
		return
	}
	f := frame{Title: http.StatusText(status), Status: status, Parts: []part{newPart("words", map[string]any{
		"Title": http.StatusText(status), "Words": clean(words, mostWords),
	})}}
	s.write(w, f, layout{})
}

// wantsJSON reports whether a client asks for JSON, and not for a page.
func wantsJSON(r *http.Request) bool {
	for _, accept := range r.Header.Values("Accept") {
		for one := range strings.SplitSeq(accept, ",") {
			kind, _, _ := strings.Cut(one, ";")
			switch strings.TrimSpace(kind) {
			case "text/html":
				return false
			case "application/json":
				return true
			}
		}
	}
	return false
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}
