package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/mapreduce"
)

func newUploads(terminal Terminal) *cobra.Command {
	l := &look{terminal: terminal}
	cmd := l.register(&cobra.Command{
		Use: "uploads", Short: "List the inputs that the bus carries, the largest first", Args: noArgs,
		Long: "List the inputs that the bus carries, the largest first. One that a job needs is kept until the job is done or removed;\n" +
			"any other expires a day after it was carried, or is removed with `jetreduce uploads rm ID`.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.server.desk(cmd.Context(), quiet(), func(ctx context.Context, b *bus.Bus) error {
				held, err := b.HeldUploads(ctx)
				if errors.Is(err, bus.ErrDenied) {
					err = fmt.Errorf("%w: use the login of a coordinator, which may", err)
				}
				if err != nil {
					return err
				}
				return l.show(held, func(w io.Writer) error { return showUploads(w, held) })
			})
		},
	})
	cmd.AddCommand(newUploadsRemove(terminal))
	return cmd
}

func newUploadsRemove(terminal Terminal) *cobra.Command {
	l := &look{terminal: terminal}
	return l.register(&cobra.Command{
		Use: "rm ID...", Short: "Remove uploads that no job needs", ValidArgsFunction: l.server.completeUpload,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("remove which uploads? `jetreduce uploads` lists them")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return l.server.desk(cmd.Context(), quiet(), func(ctx context.Context, b *bus.Bus) error { return l.removeUploads(ctx, b, args) })
		},
	})
}

// removeUploads removes as many as can be.
func (l *look) removeUploads(ctx context.Context, b *bus.Bus, ids []string) (err error) {
	removed := []string{}
	for _, id := range ids {
		if there, unknown := b.HoldsUpload(ctx, id); unknown == nil && !there { // perhaps it is gone: that is fine
			fmt.Fprintf(l.terminal.Err, "jetreduce: there is no upload %q: `jetreduce uploads` lists them\n", id)
			continue
		}
		if wrong := b.FreeUpload(ctx, id, false); wrong != nil {
			err = errors.Join(err, byHand(wrong, b.UploadStream(id)))
			continue
		}
		removed = append(removed, id)
	}
	return errors.Join(err, l.show(removed, func(w io.Writer) error {
		for _, id := range removed {
			if _, err := fmt.Fprintf(w, "upload %s is removed\n", id); err != nil {
				return err
			}
		}
		return nil
	}))
}

// byHand adds how a stream is removed that jetreduce does not remove, unless it can be got rid of with its job.
func byHand(err error, stream string) error {
	switch {
	case !errors.Is(err, bus.ErrKept):
		return fmt.Errorf("%w (by hand: `nats stream rm %s`)", err, stream)
	case errors.Is(err, mapreduce.ErrNoLeader):
		return fmt.Errorf("%w (by hand, and the job fails: `nats stream rm %s`)", err, stream)
	}
	return err
}

func showUploads(w io.Writer, held []bus.HeldUpload) error {
	t := columns("upload", "bytes", "made", "stays")
	for _, u := range held {
		stays := "for a job"
		if !u.Kept {
			stays = "until " + u.Expires.Local().Format(time.DateTime)
		}
		t.AppendRow(table.Row{u.ID, u.Bytes, u.Made.Local().Format(time.DateTime), stays})
	}
	_, err := fmt.Fprintln(w, t.Render())
	return err
}

// completeUpload completes the ids of uploads that are not kept for a job, but for those that were named.
func (f *serverFlag) completeUpload(cmd *cobra.Command, named []string, _ string) (ids []cobra.Completion, _ cobra.ShellCompDirective) {
	f.quicklyOver(cmd, func(ctx context.Context, b *bus.Bus) {
		held, _ := b.HeldUploads(ctx)
		for _, u := range held {
			if !u.Kept && !slices.Contains(named, u.ID) {
				ids = append(ids, fmt.Sprintf("%s\t%d bytes", u.ID, u.Bytes))
			}
		}
	})
	return ids, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
