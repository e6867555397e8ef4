package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Peer is what another system reached, on this machine, with tasks that do nothing.
type Peer struct {
	Name  string  `json:"name"`
	Tasks float64 `json:"tasks_per_second"`
}

// ReadPeers reads a file of JSON, a line for each peer.
func ReadPeers(path string) ([]Peer, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var peers []Peer
	for lines := json.NewDecoder(file); ; {
		var p Peer
		err := lines.Decode(&p)
		if errors.Is(err, io.EOF) {
			return peers, nil
		}
		if err == nil && (p.Name == "" || p.Tasks <= 0) {
			err = errors.New(`want {"name": …, "tasks_per_second": …}`)
		}
		if err != nil {
			return nil, fmt.Errorf("peer %d of %s: %w", len(peers)+1, path, err)
		}
		peers = append(peers, p)
	}
}

// peerTargets is by what factor which peers should be exceeded, by how their names begin.
var peerTargets = []struct {
	prefix string
	target Target
}{{"asynq", Target{Ratio: 8}}, {"river", Target{Ratio: 3}}}

// againstPeers compares a rate with that of each peer; targets are for the fastest of a kind.
func againstPeers(measure string, ours float64, peers []Peer) []Row {
	fastest := map[string]Peer{}
	for _, p := range peers {
		if k := p.kind(); p.Tasks > fastest[k].Tasks {
			fastest[k] = p
		}
	}
	var rows []Row
	for _, p := range peers {
		row := faster(measure+" ÷ "+p.Name, ours, p.Tasks, p.Name, Target{})
		for _, each := range peerTargets {
			if each.prefix == p.kind() && fastest[each.prefix] == p {
				row.Target = each.target
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// kind is the prefix that the peer's name has, or the whole name.
func (p Peer) kind() string {
	name := strings.ToLower(p.Name)
	for _, each := range peerTargets {
		if strings.HasPrefix(name, each.prefix) {
			return each.prefix
		}
	}
	return name
}
