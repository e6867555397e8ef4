package web

import (
	"context"
	"net/http"
	"strings"

	"jetreduce/mapreduce"
)

// loginPage asks for the token.
func (s *Server) loginPage(w http.ResponseWriter, r *http.Request) {
	s.askToken(w, http.StatusOK, r.URL.Query().Get("to"), "")
}

func (s *Server) askToken(w http.ResponseWriter, status int, to, words string) {
	data := map[string]any{"Door": s.door.token(), "To": local(to), "Words": words}
	s.write(w, frame{Title: "Log in", Status: status, Parts: []part{newPart("login", data)}}, layout{At: "/login"})
}

// local is a page of ours to go to: a job's, or the workers', or else the first one.
func local(to string) string {
	if id, found := strings.CutPrefix(to, "/jobs/"); found && mapreduce.JobID(id).Valid() || to == "/workers" {
		return to
	}
	return "/"
}

// login takes the token, and gives a cookie for it.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	to := r.PostFormValue("to")
	if !s.door.fits(r.PostFormValue("token")) {
		s.config.Log.Warn("a token was refused", "from", r.RemoteAddr)
		s.askToken(w, http.StatusForbidden, to, "That is not the token.")
		return
	}
	s.door.admit(w)
	http.Redirect(w, r, local(to), http.StatusSeeOther)
}

// logout takes the cookie away.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	s.door.dismiss(w)
	http.Redirect(w, r, local(r.PostFormValue("to")), http.StatusSeeOther)
}

// steer does something to a job, for those who may.
func (s *Server) steer(act string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, valid := jobOf(r)
		switch {
		case !valid:
			s.nowhere(w, r)
			return
		case !s.door.token() || s.config.Steering == nil:
			s.refuse(w, r, http.StatusForbidden, "This page is read-only: start the coordinator with --http-token-file to change that.")
			return
		case !s.door.open(r):
			w.Header().Set("WWW-Authenticate", "Bearer")
			s.refuse(w, r, http.StatusUnauthorized, "Log in with the token first.")
			return
		}
		status, err := s.act(r.Context(), act, id)
		s.config.Log.Info("asked by the page", "act", act, "job", id, "from", r.RemoteAddr, "cause", err)
		s.acted(w, r, status, err)
	}
}

func (s *Server) act(ctx context.Context, act string, id mapreduce.JobID) (*mapreduce.Status, error) {
	switch act {
	case "cancel":
		return s.config.Steering.Cancel(ctx, id)
	case "retry":
		return s.config.Steering.Retry(ctx, id)
	}
	return s.config.Steering.Remove(ctx, id)
}

// acted answers somebody who steered: a browser goes to the job, or to the list when it is gone.
func (s *Server) acted(w http.ResponseWriter, r *http.Request, status *mapreduce.Status, err error) {
	switch {
	case wantsJSON(r):
		answerJSON(w, status, err)
	case err != nil:
		s.refuse(w, r, statusOf(err), err.Error())
	case r.URL.Path == "/jobs/"+r.PathValue("id")+"/remove":
		http.Redirect(w, r, "/", http.StatusSeeOther)
	default:
		http.Redirect(w, r, "/jobs/"+r.PathValue("id"), http.StatusSeeOther)
	}
}
