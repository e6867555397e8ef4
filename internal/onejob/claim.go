package onejob

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// claim is the right to listen at a port, among processes of ours: a lock on a file. The kernel frees it when its holder has died, and
// never before. So who has the port without it is a stranger, whatever it answers, and who has it is named in the file, also when it
// stands still and answers nothing.
type claim struct{ file *os.File }

// claimed is the error of a claim that another process of ours has.
type claimed struct{ pid int } // 0: it has not said yet

func (c claimed) Error() string {
	if c.pid == 0 {
		return "another process has the claim"
	}
	return fmt.Sprintf("process %d has the claim", c.pid)
}

// take takes the claim that the file at path stands for, or returns claimed. The file is never removed. The lock is the claim: what is
// written there is for others to read.
func take(path string) (claim, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return claim{}, fmt.Errorf("claim the port: %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = claimed{signature(file)}
	}
	if err != nil {
		return claim{}, fmt.Errorf("claim the port: %w", errors.Join(err, file.Close()))
	}
	c := claim{file}
	c.clear()
	return c, nil
}

// clear has the file name nobody: not one that has died with the claim, and not one that is about to give it up. Where that cannot be
// done, sign says so.
func (c claim) clear() { _ = c.file.Truncate(0) }

// sign says who has the claim.
func (c claim) sign() error {
	_, err := c.file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// drop gives the claim up.
func (c claim) drop() error {
	c.clear()
	return c.file.Close()
}

// signature is the process that has signed a file, or 0.
func signature(file *os.File) int {
	text, err := io.ReadAll(io.LimitReader(file, 32))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(line) // what is no number was never signed
	return max(pid, 0)
}
