package main

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"

	"sallyport/policy"
	"sallyport/proxy/guard"
	"sallyport/proxy/guard/classify"
	"sallyport/proxy/throttle"
)

// guarded makes what looks at texts, with the classifier that the policy names.
func guarded(p *policy.Policy, log hclog.Logger) (*guard.Guard, error) {
	conf := p.Classifier()
	if conf == nil {
		return guard.New(nil), nil
	}
	o := classify.Options{URL: conf.URL, Format: conf.Format, Labels: conf.Labels, Timeout: conf.Timeout, Suspect: conf.Suspect}
	if conf.FromEnv != "" || conf.FromFile != "" {
		o.Secret = func() (string, error) { return readSecret(conf.FromEnv, conf.FromFile) }
	}
	asked, err := classify.New(o)
	if err != nil {
		return nil, err
	}
	return guard.New(&classifier{http: asked, log: log}), nil
}

// classifier tells the operator of failures, now and then.
type classifier struct {
	http   *classify.HTTP
	log    hclog.Logger
	failed throttle.ByKind
}

func (c *classifier) Score(ctx context.Context, text, direction string) (float64, bool) {
	s := c.http.Score(ctx, text, direction)
	if s.Failed && c.failed.Pass("classifier", time.Now()) {
		c.log.Warn("the classifier did not answer", "reason", s.Reason, "counted_as", s.Value)
	}
	return s.Value, s.Failed
}
