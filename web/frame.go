package web

import (
	"context"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"jetreduce/mapreduce"
)

// part is a piece of a page that can be replaced by itself: the element with this id. Rows are parts within it.
type part struct {
	ID    string
	HTML  string
	Shell string // with rows: what stands around them
	Rows  []part
}

// frame is what a page shows at one moment.
type frame struct {
	Title  string
	Status int // of the answer to a page; 0: 200
	Parts  []part
}

// look is what somebody looks at. Two that are equal see the same.
type look struct {
	path   string // of the page
	job    mapreduce.JobID
	state  string          // of the jobs to list; "": all
	before mapreduce.JobID // list jobs that were submitted before this one
	may    bool            // steer
}

// view makes the frame of what somebody looks at.
type view func(ctx context.Context, l look) frame

// active is the filter for jobs that have not ended.
const active = "active"

// lookOf reads a request for a page or its events. What names no job or state is not found.
func (s *Server) lookOf(r *http.Request) (look, bool) {
	query := r.URL.Query()
	l := look{
		path: pageOf(r), state: query.Get("state"), before: mapreduce.JobID(query.Get("before")),
		may: s.door.open(r),
	}
	if r.PathValue("id") != "" {
		id, valid := jobOf(r)
		l.job = id
		return look{path: l.path, job: id, may: l.may}, valid
	}
	known := l.state == "" || l.state == active || slices.Contains(mapreduce.UserStates(), mapreduce.State(l.state))
	return l, known && (l.before == "" || l.before.Valid())
}

// pageOf is the path of the page that a request is for, or for whose events. A job may be called events.
func pageOf(r *http.Request) string {
	switch id := r.PathValue("id"); {
	case id != "":
		return "/jobs/" + id
	case strings.HasPrefix(r.URL.Path, "/workers"):
		return "/workers"
	}
	return "/"
}

// query is the part of a link behind the path.
func (l look) query() string {
	q := url.Values{}
	if l.state != "" {
		q.Set("state", l.state)
	}
	if l.before != "" {
		q.Set("before", string(l.before))
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// events is where what changes in what is looked at is said.
func (l look) events() string { return strings.TrimSuffix(l.path, "/") + "/events" + l.query() }

//go:embed templates/*.html
var templateFiles embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"rows": func() template.HTML { return rowsHere },
}).ParseFS(templateFiles, "templates/*.html"))

// render fills in a template. A template that does not fit its data is a mistake of ours, and a page says so.
func render(name string, data any) string {
	var text strings.Builder
	if err := templates.ExecuteTemplate(&text, name, data); err != nil {
		return "<p>This part cannot be shown: " + template.HTMLEscapeString(err.Error()) + "</p>"
	}
	return text.String()
}

// newPart makes a part from the template of its name.
func newPart(id string, data any) part { return part{ID: id, HTML: render("part-"+id, data)} }

// rowsHere is where the rows stand in a part that has some. No template and nothing that is escaped contains it.
const rowsHere = template.HTML("\x00rows\x00")

// newRows makes a part from the template of its name, which has {{rows}} where the rows belong.
func newRows(id string, data any, rows []part) part {
	shell := render("part-"+id, data)
	return part{ID: id, Shell: shell, Rows: rows, HTML: strings.Replace(shell, string(rowsHere), string(joined(rows)), 1)}
}

// joined is the text of rows in their order. They come from templates of ours.
func joined(rows []part) template.HTML {
	var text strings.Builder
	for _, row := range rows {
		text.WriteString(row.HTML)
	}
	return template.HTML(text.String())
}
