package upstream

import (
	"context"
	"errors"
	"fmt"

	"sallyport/audit"
	"sallyport/policy/reason"
	"sallyport/proxy/wire"
)

// Outcome is how a request ended that the proxy made by itself, for the log.
func Outcome(ctx context.Context, a Answer, err error) audit.Outcome {
	out := audit.Outcome{IsError: a.Kind == wire.Error}
	switch {
	case err != nil && errors.As(err, new(*TimeoutError)):
		out.Code, out.Message = string(reason.TimedOut), err.Error()
	case err != nil && ctx.Err() != nil:
		out.Code, out.Message = string(reason.Cancelled), err.Error()
	case err != nil:
		out.Code, out.Message = string(reason.UpstreamUnavailable), err.Error()
	case a.Kind == wire.Error:
		out.Result = a.Error()
	default:
		out.Result = a.Result()
	}
	return out
}

// Failure says why a request has no answer: a code, and a sentence for the agent.
// What is not a server's fault is Internal.
func Failure(server string, err error) (reason.Code, string) {
	var timeout *TimeoutError
	switch {
	case errors.As(err, &timeout):
		return reason.TimedOut, err.Error() + "; ask for less at a time"
	case errors.Is(err, ErrTooLarge):
		return reason.ResultTooLarge, err.Error() + "; ask for less at a time"
	case errors.Is(err, ErrDown):
		return reason.UpstreamUnavailable, fmt.Sprintf("the server %q is not available (%s); try again later", server, err)
	case errors.As(err, new(*wire.Fault)):
		return reason.UpstreamBadAnswer, fmt.Sprintf("the answer of server %q was dropped: %s", server, err)
	}
	return reason.Internal, ""
}
