package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sallyport/audit/chain"
)

func auditCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "audit", Short: "Work with audit logs",
		Example: "  sallyport audit verify sallyport.audit.jsonl",
	}, auditVerifyCommand())
}

func auditVerifyCommand() *cobra.Command {
	var anchors []string
	c := &cobra.Command{
		Use:   "verify FILE",
		Short: "Prove that an audit log is whole and as it was written",
		Long: `verify reads the whole log, offline, and names the first record that was altered,
removed, reordered or inserted. It needs nothing but the file.

That a log was cut off between two records can only be seen with a hash that was
kept elsewhere: --expect SEQ:HASH (of any record at or after the cut) finds that too.

Exit codes: 0 intact; 1 tampered with; 2 it cannot be read, or its last line is
unfinished (a crash in the middle of a write; the next start continues safely).`,
		Example: `  sallyport audit verify sallyport.audit.jsonl
  sallyport audit verify --expect 4711:9f86d081… sallyport.audit.jsonl`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("say which log: sallyport audit verify FILE")
			}
			return nil
		},
		RunE: ran(func(c *cobra.Command, args []string) error {
			expect, err := parseAnchors(anchors)
			if err != nil {
				return err
			}
			return verifyFile(c.OutOrStdout(), args[0], expect)
		}),
	}
	c.Flags().StringArrayVar(&anchors, "expect", nil, "a record that must be there: `SEQ:HASH`; may be repeated")
	return c
}

func parseAnchors(texts []string) ([]chain.Anchor, error) {
	var out []chain.Anchor
	for _, text := range texts {
		seq, hash, ok := strings.Cut(text, ":")
		n, err := strconv.ParseUint(seq, 10, 64)
		raw, hexErr := hex.DecodeString(hash)
		if !ok || err != nil || hexErr != nil || len(raw) != 32 {
			return nil, usage("--expect %q: write SEQ:HASH, the number of a record and its 64 hexadecimal digits", text)
		}
		out = append(out, chain.Anchor{Seq: n, Hash: hash})
	}
	return out, nil
}

// verifyFile reports on one log. Its error carries the exit code.
func verifyFile(out io.Writer, path string, expect []chain.Anchor) error {
	f, err := os.Open(path)
	if err != nil {
		return &exitError{Code: 2, Err: err}
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() == 0 && len(expect) == 0 {
		fmt.Fprintf(out, "%s: empty: the process ended before its first record; the next start writes one\n", path)
		return &exitError{Code: 2, Err: errQuiet}
	}
	r, err := chain.Verify(f, expect...)
	if err != nil {
		return &exitError{Code: 2, Err: err}
	}
	if r.Records > 0 {
		fmt.Fprintf(out, "%d records, %d to %d, %s to %s\nlast hash %s\n", r.Records, r.First.Seq, r.Last.Seq,
			r.Begun.Format(time.RFC3339), r.Ended.Format(time.RFC3339), r.Last.Hash)
	}
	for _, t := range r.Torn {
		fmt.Fprintf(out, "line %d: an unfinished write of %d bytes, continued at record %d\n", t.Line, t.Bytes, t.ContinuedAt)
	}
	if r.TornCount > len(r.Torn) {
		fmt.Fprintf(out, "and %d more unfinished writes\n", r.TornCount-len(r.Torn))
	}
	switch r.Status() {
	case chain.Intact:
		ended := "it was closed in good order"
		if !r.Clean {
			ended = "it does not end with a close record: still in use, or the process was killed"
		}
		fmt.Fprintf(out, "%s: intact; %s\n", path, ended)
		return nil
	case chain.Unfinished:
		fmt.Fprintf(out, "%s: intact up to its last line, which is unfinished: %s\n", path, r.Bad)
		return &exitError{Code: 2, Err: errQuiet}
	default:
		fmt.Fprintf(out, "%s: TAMPERED WITH: %s\n", path, r.Bad)
		return &exitError{Code: 1, Err: errQuiet}
	}
}
