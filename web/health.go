package web

import "net/http"

// healthz says that the process lives. It asks nobody.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "lives"})
}

// readyz says whether the process does its part: it is connected to the bus, and leads or follows.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	words, ready := s.config.Standing().Ready()
	if !ready {
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready", "reason": words})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": words})
}
