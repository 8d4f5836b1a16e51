// Package probe sees from within what a box holds to.
package probe

import (
	"fmt"
	"io"
)

// Main is the word box-probe.
func Main(args []string, stdout io.Writer) error {
	_, err := fmt.Fprintln(stdout, "ok")
	return err
}
