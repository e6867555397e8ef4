package roles

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"sync"

	"jetreduce/mapreduce"
)

// OwnClass is the class of the programs that only this binary has: of its bytes, so that two builds that may answer otherwise never share a
// job.
var OwnClass = sync.OnceValues(func() (mapreduce.Class, error) {
	binary, err := os.Open("/proc/self/exe") // what runs, whatever has been built in its place since
	if err != nil {
		var path string
		if path, err = os.Executable(); err == nil {
			binary, err = os.Open(path)
		}
	}
	if err != nil {
		return "", fmt.Errorf("read this binary: %w", err)
	}
	defer binary.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, binary); err != nil {
		return "", fmt.Errorf("read this binary: %w", err)
	}
	return mapreduce.BinaryClass(hex.EncodeToString(sum.Sum(nil)[:8])), nil
})
