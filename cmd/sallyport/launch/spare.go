package launch

import (
	"sallyport/policy"
	"sallyport/proxy/upstream"
)

// spare is a server that was started before it is needed.
type spare struct{ process upstream.Process }

// takeSpare hands out the spare of a server, if it still runs.
func (l *Launcher) takeSpare(server string) (upstream.Process, bool) {
	l.mu.Lock()
	s := l.spares[server]
	delete(l.spares, server)
	l.mu.Unlock()
	if s == nil {
		return upstream.Process{}, false
	}
	select {
	case <-s.process.Exited:
		s.process.Stop()
		return upstream.Process{}, false
	default:
		return s.process, true
	}
}

// prepareSpare starts one in the background, where the policy wants it.
func (l *Launcher) prepareSpare(conf policy.Server) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !conf.Sandbox.Spare || l.closed || l.spares[conf.Name] != nil {
		return
	}
	l.sparer.Go(func() {
		p, err := l.contained(conf)
		if err != nil {
			if l.ctx.Err() == nil {
				l.opt.Logger.Warn("starting a spare", "server", conf.Name, "error", err)
			}
			return
		}
		l.mu.Lock()
		wanted := !l.closed && l.spares[conf.Name] == nil
		if wanted {
			l.spares[conf.Name] = &spare{p}
		}
		l.mu.Unlock()
		if !wanted {
			p.Stop()
		}
	})
}
