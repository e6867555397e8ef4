package examples_test

import "maps"

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
	// identities: certificates stand in the directory.
	identities bool
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
		{
			name: "docs/security.md",
			omitted: map[string]string{
				"eval \"nsc add user worker $(jetreduce permissions worker --format nsc)\"": "it needs an operator's keys",
			},
		},
		{name: "docs/programs.md", instead: []substitution{{"/data/", "{DIR}/"}}},
		{
			name: "docs/inputs.md", cluster: true,
			instead: []substitution{{"https://example.org", "{WEB}"}, {"file:///data", "file://{DIR}"}, remote},
		},
		{
			name: "docs/connecting.md", cluster: true,
			instead: []substitution{
				{"nats://a:4222,nats://b:4222,nats://c:4222", "nats://127.0.0.1:1,nats://{ADDR}"},
				{"jobs --context ./prod.json", "jobs --context ./prod.json --server nats://{ADDR}"},
				{"NATS_CONTEXT=./prod.json", "NATS_URL=nats://{ADDR} NATS_CONTEXT=./prod.json"},
				remote,
			},
			omitted: map[string]string{
				"jetreduce worker --server tls://nats.example.org:4222 --creds ~/worker.creds --tlsca ca.pem &": "the bus of the examples has no TLS " +
					"and no accounts; internal/cli/testdata/script/logins.txtar has such",
				"jetreduce doctor --context prod": "there is no such context",
			},
		},
		{
			name: "docs/operations.md", cluster: true, instead: []substitution{remote},
			omitted: map[string]string{
				"tar -C ~/.local/state/jetreduce -czf jetreduce-backup.tar.gz .": "the bus of the examples runs, and has its store elsewhere",
			},
		},
		{name: "docs/streams.md", cluster: true, instead: []substitution{local}},
		{
			name: "docs/tables.md", cluster: true,
			instead: []substitution{local, {"nats kv", "nats --server nats://{ADDR} kv"}, {"nats stream", "nats --server nats://{ADDR} stream"}},
		},
		{
			name: "docs/setup.md", identities: true,
			instead: []substitution{{"127.0.0.1:4223", "127.0.0.1:{PORT}"}, {"127.0.0.1:4222", "{ADDR}"}},
			omitted: map[string]string{
				"jetreduce bus --config a.conf --store /var/lib/jetreduce &":                threeMachines,
				"jetreduce setup " + machines + " --tlsca ca.pem --replicas 3":              threeMachines,
				"jetreduce coordinator " + machines + " --tlsca ca.pem --data-replicas 3 &": threeMachines,
			},
		},
		{
			name: "docs/containers.md",
			instead: []substitution{
				{"jetreduce bus &", "jetreduce bus --addr {ADDR} &"},
				{"jetreduce health bus", "jetreduce health bus --server nats://{ADDR}"},
				local,
			},
			omitted: omitted(inContainers, "make image", "JETREDUCE_DATA=/srv/texts docker compose up --scale worker=8",
				"./jetreduce run --server nats://127.0.0.1:4222 wordcount book.txt",
				"./jetreduce run --server nats://127.0.0.1:4222 wordcount file:///data",
				"docker compose up --detach --no-recreate --scale worker=2",
				"docker compose --file compose.yaml --file compose.cluster.yaml up --scale worker=8",
				"JETREDUCE_BUS_CPUS=1 JETREDUCE_COORDINATOR_CPUS=1 JETREDUCE_WORKER_CPUS=1 docker compose up"),
		},
		{
			name: "docs/kubernetes.md",
			omitted: both(omitted("another test runs these lines together: TestCertificatesOfTheDocumentAreWhatTheOverlayNeeds", certificates...), omitted(onACluster,
				"docker build --tag registry.example.org/jetreduce . && docker push registry.example.org/jetreduce",
				"cd deploy/kubernetes/base && kustomize edit set image jetreduce=registry.example.org/jetreduce && cd -",
				"kubectl create namespace jetreduce",
				"kubectl --namespace jetreduce create secret generic jetreduce-logins --from-literal=coordinator=\"c$(openssl rand -hex 16)\" "+
					"--from-literal=worker=\"w$(openssl rand -hex 16)\" --from-literal=client=\"u$(openssl rand -hex 16)\"",
				"kubectl apply --kustomize deploy/kubernetes/base",
				"kubectl --namespace jetreduce port-forward jetreduce-bus-0 4222 &",
				"export NATS_USER=client NATS_PASSWORD=\"$(kubectl --namespace jetreduce get secret jetreduce-logins --output "+
					"'go-template={{.data.client | base64decode}}')\"",
				"jetreduce run --server nats://127.0.0.1:4222 wordcount book.txt",
				"kubectl apply --kustomize deploy/kubernetes/keda", "kubectl apply --kustomize deploy/kubernetes/hpa",
				`for c in bus page; do kubectl --namespace jetreduce create secret generic jetreduce-$c-tls --from-file=tls.crt=$c.crt --from-file=tls.key=$c.key --from-file=ca.crt; done`,
				`kubectl apply --kustomize deploy/kubernetes/tls`,
				`jetreduce run --server tls://127.0.0.1:4222 --tlsca ca.crt wordcount book.txt`,
			)),
		},
		{
			name: "docs/nats.md", needs: "nats",
			instead: []substitution{
				{"jetreduce bus &", "jetreduce bus --addr {ADDR} &"},
				{"jetreduce coordinator &", "jetreduce coordinator --server nats://{ADDR} &"},
				{"jetreduce worker &", "jetreduce worker --server nats://{ADDR} &"},
				{"nats ", "nats --server nats://{ADDR} "},
				{"/tmp/", "{DIR}/"},
			},
			omitted: map[string]string{"nats sub 'jetreduce.events.pets.>'": "it listens for ever"},
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

const (
	inContainers = "test/compose brings the containers up, and runs jobs there"
	onACluster   = "there is no cluster; internal/cli holds the manifests against the binary"
)

// omitted is what does not run for one reason.
func omitted(because string, commands ...string) map[string]string {
	all := map[string]string{}
	for _, command := range commands {
		all[command] = because
	}
	return all
}

const machines = "--server tls://10.0.0.1:4222,tls://10.0.0.2:4222,tls://10.0.0.3:4222"

const threeMachines = "it takes three machines; cluster.txtar does it on one"

// certificates are made by these lines, of which one goes on where another ends.
var certificates = []string{
	`names=DNS:localhost,IP:127.0.0.1`,
	`for n in '' '*.'; do names="$names,DNS:${n}jetreduce-bus,DNS:${n}jetreduce-bus.jetreduce.svc,DNS:${n}jetreduce-bus.jetreduce.svc.cluster.local"; done`,
	`openssl req -x509 -newkey rsa:3072 -noenc -days 3650 -subj /CN=jetreduce-ca -keyout ca.key -out ca.crt`,
	`openssl req -new -newkey rsa:3072 -noenc -subj /CN=jetreduce-bus -keyout bus.key -out bus.csr -addext "subjectAltName=$names" -addext extendedKeyUsage=serverAuth,clientAuth`,
	`openssl req -new -newkey rsa:3072 -noenc -subj /CN=jetreduce-page -keyout page.key -out page.csr -addext subjectAltName=DNS:jetreduce-page,DNS:localhost,IP:127.0.0.1 -addext extendedKeyUsage=serverAuth`,
	`for c in bus page; do openssl x509 -req -in $c.csr -CA ca.crt -CAkey ca.key -copy_extensions copy -days 365 -out $c.crt; done`,
}

func both(some, others map[string]string) map[string]string {
	maps.Copy(some, others)
	return some
}

// optional are commands that a machine may lack. An example that names one is left out there, which the log says.
func optional() []string { return []string{"go", "python3", "jq", "nats"} }
