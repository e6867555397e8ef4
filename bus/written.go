package bus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/nats-io/nats-server/v2/server"
)

// A server of a cluster knows only the streams that the cluster has agreed on, and a single server only those in its store. What the one
// has written the other takes for something else: streams of the same name are in conflict, and what they hold is not found again. A
// nats-server starts on it all the same, so that is refused here. The store itself tells: a server of a cluster keeps the records of what
// was agreed on beside its streams, in the directory of its system account.
const (
	agreedRecords = streamsName + "/*/_js_/_meta_"
	storedStreams = streamsName + "/*/streams/*"
)

// author is who wrote the streams of a store.
type author int

const (
	unwritten author = iota
	singleServer
	clusterServer
)

// authorOf looks who wrote the streams in a directory.
func authorOf(dir string) (author, error) {
	root := os.DirFS(dir)
	agreed, err1 := fs.Glob(root, agreedRecords)
	streams, err2 := fs.Glob(root, storedStreams)
	switch err := errors.Join(err1, err2); {
	case err != nil:
		return unwritten, fmt.Errorf("look who wrote the streams in %s: %w", dir, err)
	case len(agreed) > 0:
		return clusterServer, nil
	case len(streams) > 0:
		return singleServer, nil
	}
	return unwritten, nil
}

// authorBy is what a server with these options is. One that extends what it is a leaf of is either, by whom it meets: that fits every store.
func authorBy(o *server.Options) author {
	switch {
	case o.Cluster.Port != 0 || o.Gateway.Port != 0:
		return clusterServer
	case o.JetStreamExtHint == "will_extend":
		return unwritten
	}
	return singleServer
}

// checkAuthor refuses to serve the streams of a single server as one of a cluster, and the other way round.
func (c ServeConfig) checkAuthor(store *BusStore) error {
	o, _, err := c.host(c.Store, "").fromFile()
	if err != nil {
		return err
	}
	was, err := authorOf(store.Dir())
	now := authorBy(o)
	switch {
	case err != nil || was == now || was == unwritten || now == unwritten:
		return err
	case was == singleServer:
		return fmt.Errorf("the streams in %s were written by a single server, and would be lost in the cluster of --config %s: %s",
			store.Dir(), c.Config, otherStore)
	}
	return fmt.Errorf("the streams in %s were written by a server of a cluster, and would be lost in a single one: "+
		"serve them with --config FILE that has the cluster block; or %s", store.Dir(), otherStore)
}

// otherStore is what to do instead.
const otherStore = "name an empty directory with --store; what is to be kept of the old one, fetch before: " +
	"serve it as it was, let its jobs end, get their results"
