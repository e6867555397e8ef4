package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"jetreduce/bus"
)

// openStore opens the store that was asked for, else one under the cache directory. What killed runs left there is swept.
func openStore(ctx context.Context, dir string, words io.Writer, log *slog.Logger) (*bus.Store, error) {
	if dir != "" {
		store, err := bus.OpenStore(dir)
		if err != nil {
			return nil, err
		}
		return store, store.Clear()
	}
	cache := cacheDir()
	slow := time.AfterFunc(time.Second, func() {
		fmt.Fprintf(words, "jetreduce: waiting for another run that cleans up %s\n", cache)
	})
	defer slow.Stop()
	store, swept, err := bus.NewRunStore(ctx, cache)
	if swept > 0 {
		log.Info("swept the stores of killed runs", "count", swept)
	}
	if store != nil && err != nil {
		log.Warn("a killed run's store could not be swept", "cause", err)
		err = nil
	}
	return store, err
}

// cacheDir is where runs have their stores.
func cacheDir() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = filepath.Join(os.TempDir(), fmt.Sprintf("cache-%d", os.Getuid()))
	}
	return filepath.Join(cache, "jetreduce")
}
