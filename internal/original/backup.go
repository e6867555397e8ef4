package original

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
)

// Backup is an original backup.
type Backup struct {
	Addr     string // of the coordinator, host:port
	Announce string // the address that it announces, host:port
	// Updated, if there is one, is told each update.
	Updated func(index int, value []Histogram)

	mu    sync.Mutex
	index int
	value []Histogram
}

// Run registers and keeps the latest update, until the connection ends: then it returns nil, and the coordinator is gone.
func (b *Backup) Run(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", b.Addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	host, port, err := net.SplitHostPort(b.Announce)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	err = send(conn, "task", "reg_backup", "addr", []any{host, number})
	for err == nil {
		err = b.hear(conn)
	}
	var broken net.Error
	if errors.Is(err, io.EOF) || errors.As(err, &broken) {
		return nil
	}
	return err
}

func (b *Backup) hear(conn io.Reader) error {
	m, err := receive(conn)
	if err != nil || m.Task != "update" {
		return err
	}
	var value []Histogram
	if err := m.value(&value); err != nil {
		return err
	}
	b.mu.Lock()
	b.index, b.value = m.Index, value
	b.mu.Unlock()
	if b.Updated != nil {
		b.Updated(m.Index, value)
	}
	return nil
}

// Latest is what the last update said.
func (b *Backup) Latest() (index int, value []Histogram) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.index, b.value
}

// TakeOver goes on with a text where the latest update stands, as the coordinator at the listener.
func (b *Backup) TakeOver(ctx context.Context, listener net.Listener, text []byte, blob int) (map[string]int64, error) {
	index, value := b.Latest()
	return (&Coordinator{Text: text, Blob: blob, From: index, Held: value}).Run(ctx, listener)
}
