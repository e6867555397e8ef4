package bus

import (
	"encoding/json"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// openRequests are the requests that wait for their answers, one of each kind at most.
type openRequests struct {
	mu  sync.Mutex
	all map[string]chan *errorAnswer // by where they are to be answered; each is given one, nil: it was answered well
}

// add opens a request; nil: nobody wants an answer, or another request has the same place for it.
func (o *openRequests) add(reply string) <-chan *errorAnswer {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, taken := o.all[reply]; taken || reply == "" {
		return nil
	}
	if o.all == nil {
		o.all = map[string]chan *errorAnswer{}
	}
	settled := make(chan *errorAnswer, 1)
	o.all[reply] = settled
	return settled
}

// settle ends the wait for an answer, and reports whether anybody waited: a refusal is then theirs to send.
func (o *openRequests) settle(reply string, with *errorAnswer) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	settled, waits := o.all[reply]
	if waits {
		delete(o.all, reply)
		settled <- with // which has room for it
	}
	return waits
}

// drop forgets a request that is not waited for any more.
func (o *openRequests) drop(reply string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.all, reply)
}

// Headers of an answer that is an error, as NATS services send them, and its codes.
const (
	errorHeader = micro.ErrorHeader
	codeHeader  = micro.ErrorCodeHeader
	codeWrong   = "400"
	codeUnknown = "404"
	codeRefused = "409"
)

// errorAnswer is an answer that is an error.
type errorAnswer struct {
	code, reason string
	body         []byte // the reason once more, as JSON
}

func newErrorAnswer(code, reason string) *errorAnswer {
	body, _ := json.Marshal(map[string]string{"error": reason}) // texts can always be written
	return &errorAnswer{code, reason, body}
}

// send answers a request with the refusal; nil has been answered.
func (r *errorAnswer) send(to micro.Request) {
	if r != nil {
		_ = to.Error(r.code, oneLine(r.reason), r.body) // the bus is away, and who asked asks again
	}
}

// message is the refusal as a message.
func (r *errorAnswer) message(reply string) *nats.Msg {
	msg := nats.NewMsg(reply)
	msg.Header.Set(errorHeader, oneLine(r.reason))
	msg.Header.Set(codeHeader, r.code)
	msg.Data = r.body
	return msg
}
