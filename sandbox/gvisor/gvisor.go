// Package gvisor tells, from within, whether the kernel is gVisor's: runsc, which a
// policy's runtime_class may name, has one of its own in each box. What a box holds to
// is said and counted differently there.
package gvisor

// Name of the kernel, in reports.
const Name = "gVisor"
