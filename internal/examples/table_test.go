package examples_test

// page is a document whose examples run.
type page struct {
	name string
	// cluster: the examples use a bus with a coordinator and a worker, and do not start them.
	cluster bool
	// instead is what is written otherwise than in the document. {ADDR} is the address of the bus, {PORT} a free port, {DIR} the
	// directory of the examples, {PROJECT} that of the project, {WEB} a web server of that directory.
	instead []substitution
	// needs is a tool without which none of the examples can run.
	needs string
	// result is a file that daemons write before they end by themselves.
	result string
	// omitted is what does not run, and why.
	omitted map[string]string
}

type substitution struct{ typed, run string }

// pages is all that stands between the documents and the shell.
func pages() []page {
	local := substitution{"nats://127.0.0.1:4222", "nats://{ADDR}"}
	remote := substitution{"nats://bus:4222", "nats://{ADDR}"}
	return []page{
		{
			name: "README.md", result: "output.csv",
			instead: []substitution{
				{"go run ./cmd/jetreduce", "./jetreduce"},
				{"jetreduce coordinator &", "jetreduce coordinator --addr {ADDR} &"},
				{"jetreduce backup &", "jetreduce backup --addr {ADDR} &"},
				{"jetreduce worker &", "jetreduce worker --server nats://{ADDR} &"},
				{"jetreduce jobs", "jetreduce jobs --server nats://{ADDR}"},
				{"8765", "{PORT}"},
				{"https://example.org", "{WEB}"},
				{"file:///data", "file://{DIR}"},
				local,
			},
			omitted: map[string]string{
				"go test ./...":                         "these are some of them",
				"go build -o jetreduce ./cmd/jetreduce": "the binary of the tests stands there",
			},
		},
		{name: "docs/streaming.md"},
		{name: "docs/programs.md", instead: []substitution{{"/data/", "{DIR}/"}}},
		{
			name: "docs/inputs.md", cluster: true,
			instead: []substitution{{"https://example.org", "{WEB}"}, {"file:///data", "file://{DIR}"}, remote},
		},
		{name: "docs/streams.md", cluster: true, instead: []substitution{local}},
		{
			name: "docs/tables.md", cluster: true,
			instead: []substitution{local, {"nats kv", "nats --server nats://{ADDR} kv"}, {"nats stream", "nats --server nats://{ADDR} stream"}},
		},
		{
			name: "docs/go.md", needs: "go",
			instead: []substitution{
				// It would ask the network for the tests of what is imported.
				{"go mod tidy", "cp {PROJECT}/go.sum . && sed -n '/^require (/,/^)/p' {PROJECT}/go.mod >>go.mod"},
				{"/path/to/jetreduce", "{PROJECT}"},
				{"mine bus &", "mine bus --addr {ADDR} &"},
				{"mine coordinator &", "mine coordinator --server nats://{ADDR} &"},
				{"mine worker &", "mine worker --server nats://{ADDR} &"},
				remote,
			},
		},
	}
}

// optional are commands that a machine may lack. An example that names one is left out there, which the log says.
func optional() []string { return []string{"go", "python3", "jq", "nats"} }
