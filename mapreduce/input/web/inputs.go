package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"jetreduce/mapreduce"
)

// Inputs reads what web servers have: input.Scheme for http:// and https:// URLs.
type Inputs struct {
	client  *http.Client
	silence time.Duration // that a body may keep before its request counts as broken
	pause   func(context.Context, time.Duration) error
}

const (
	dialTime    = 10 * time.Second
	headerTime  = 30 * time.Second
	bodySilence = 60 * time.Second
	idleTime    = 30 * time.Second
	idleMost    = 16 // connections to one host that wait to be used again
)

// New reads through the proxy that the environment names, if it names one.
func New() *Inputs {
	var protocols http.Protocols
	protocols.SetHTTP1(true) // a connection for each reader: none waits for another's window
	return &Inputs{
		client: &http.Client{CheckRedirect: checkRedirect, Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: dialTime, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout: dialTime, ResponseHeaderTimeout: headerTime, IdleConnTimeout: idleTime,
			MaxIdleConnsPerHost: idleMost, DisableCompression: true, Protocols: &protocols,
		}},
		silence: bodySilence, pause: pause,
	}
}

// Close ends the connections that wait to be used again.
func (in *Inputs) Close() { in.client.CloseIdleConnections() }

// unknownSize, of a source that is whole, says that it does not tell its size.
const unknownSize = 0

// List gives the one source that a URL names, as its server describes it now.
func (in *Inputs) List(ctx context.Context, input string) ([]mapreduce.Source, error) {
	r, err := in.resource(input)
	if err != nil {
		return nil, err
	}
	now, err := r.settle(ctx)
	if err != nil {
		return nil, err
	}
	empty := now.size == 0
	source := mapreduce.Source{Name: r.name, Size: now.size, Identity: now.identity.String(), Whole: !now.ranges && !empty}
	if source.Size < 0 {
		source.Size = unknownSize
	}
	if r.title != r.name {
		source.As = r.title
	}
	return []mapreduce.Source{source}, nil
}

// Open opens a source that was listed. Nothing is asked for before the first read.
func (in *Inputs) Open(ctx context.Context, source mapreduce.Source) (mapreduce.Content, error) {
	resource, err := in.resource(source.Name)
	if err != nil {
		return mapreduce.Content{}, err
	}
	id, err := parseIdentity(source.Identity)
	if err != nil {
		return mapreduce.Content{}, mapreduce.Permanentf("input %s: %w", resource.title, err)
	}
	resource.planned = true
	r := &reader{ctx: ctx, resource: resource, planned: id, patience: resource.patience(), next: -1}
	verify := func() error { return resource.verify(ctx, id) }
	if !source.Whole {
		return mapreduce.Content{Read: r.readAt, Verify: verify, Close: r.close}, nil
	}
	r.whole = true
	refused := func([]byte, int64) (int, error) {
		return 0, mapreduce.Permanent(fmt.Errorf("input %s: can only be read from its beginning", resource.title))
	}
	return mapreduce.Content{Read: refused, Pour: pour{r}, Verify: verify, Close: r.close}, nil
}
