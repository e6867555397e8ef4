package web

import (
	"errors"
	"net/http"

	"jetreduce/mapreduce"
)

// apiOf is the answer as JSON for what somebody looks at.
func (s *Server) apiOf(l look) http.HandlerFunc {
	switch {
	case l.job != "":
		return s.apiJob
	case l.path == "/workers":
		return s.apiWorkers
	}
	return s.apiJobs
}

func (s *Server) apiJobs(w http.ResponseWriter, r *http.Request) {
	l, found := s.lookOf(r)
	if !found {
		s.nowhere(w, r)
		return
	}
	list, err := s.asks.List(r.Context(), l.before)
	if err == nil && l.state != "" {
		list.Jobs = inState(list.Jobs, l.state)
	}
	answerJSON(w, list, err)
}

func (s *Server) apiJob(w http.ResponseWriter, r *http.Request) {
	id, valid := jobOf(r)
	if !valid {
		s.nowhere(w, r)
		return
	}
	timeline, err := s.asks.Timeline(r.Context(), id)
	answerJSON(w, timeline, err)
}

func (s *Server) apiWorkers(w http.ResponseWriter, r *http.Request) {
	members, err := s.asks.Workers(r.Context())
	if members == nil {
		members = []mapreduce.Member{}
	}
	answerJSON(w, members, err)
}

func (s *Server) apiVitals(w http.ResponseWriter, r *http.Request) {
	vitals, err := s.asks.Vitals(r.Context())
	answerJSON(w, vitals, err)
}

func answerJSON(w http.ResponseWriter, v any, err error) {
	if err != nil {
		writeJSON(w, statusOf(err), map[string]string{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, v)
}

// statusOf is what an answer's error means to a browser.
func statusOf(err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, mapreduce.ErrUnknownJob):
		return http.StatusNotFound
	case errors.Is(err, mapreduce.ErrDenied): // to this process, by the bus
		return http.StatusBadGateway
	case mapreduce.IsPermanent(err):
		return http.StatusConflict
	}
	return http.StatusServiceUnavailable
}
