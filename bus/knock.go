package bus

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// What may be at an address instead of a nats-server.
var (
	errNobody   = errors.New("nothing listens there")
	errSilent   = errors.New("what listens there says nothing")
	errHungUp   = errors.New("what listens there hangs up")
	errStranger = errors.New("what listens there is no nats-server")
)

// greeting is what we want of the first line that a nats-server sends to whoever connects.
type greeting struct {
	Name      string `json:"server_name"`
	JetStream bool   `json:"jetstream"`
}

// knockWait is how long a server may take to greet. One that is paused takes for ever: the kernel accepts in its name.
const knockWait = 2 * time.Second

// knock connects to an address (host:port), reads the greeting, and leaves.
func knock(ctx context.Context, addr string) (greeting, error) {
	ctx, cancel := context.WithTimeout(ctx, knockWait)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return greeting{}, unanswered(err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	line, err := bufio.NewReaderSize(conn, 64<<10).ReadSlice('\n')
	return greeted(line, err)
}

// greeted reads a greeting. Whoever begins with other words is a stranger, though it may not have ended its line.
func greeted(line []byte, err error) (greeting, error) {
	const verb = "INFO "
	if begun := line[:min(len(line), len(verb))]; !bytes.EqualFold(begun, []byte(verb)[:len(begun)]) {
		return greeting{}, fmt.Errorf("%w: it says %.40q", errStranger, line)
	}
	if err != nil {
		return greeting{}, unanswered(err)
	}
	var g greeting
	if json.Unmarshal(line[len(verb):], &g) != nil {
		return greeting{}, fmt.Errorf("%w: it says %.40q", errStranger, line)
	}
	return g, nil
}

// unanswered names the reason why nothing came.
func unanswered(err error) error {
	var slow net.Error
	var dial *net.OpError
	switch {
	case errors.Is(err, unix.ECONNREFUSED):
		return errNobody
	case errors.As(err, &slow) && slow.Timeout():
		return fmt.Errorf("%w for %s", errSilent, knockWait)
	case errors.Is(err, bufio.ErrBufferFull):
		return errStranger
	case errors.As(err, &dial) && dial.Op == "dial":
		return err
	}
	return fmt.Errorf("%w: %w", errHungUp, err)
}
