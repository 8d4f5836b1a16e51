package danger

import "sallyport/policy/screen/danger/shell"

// rules judge commands while a text is being read.
type rules struct {
	*shell.Reader
}

// command asks all rules about a command.
func command(reader *shell.Reader, c *shell.Command, in shell.Flow) {
	r := rules{reader}
	if c.Plain {
		r.windows(c)
		return
	}
	if shell.Opens[c.Name] && !c.Is("cp", "mv", "dd", "tee", "sed", "tar", "vi", "vim", "awk", "gawk", "openssl") {
		r.credentials(c) // most of what commands do is to read
		return
	}
	r.destroys(c)
	r.weakens(c)
	r.remote(c)
	r.persists(c, in)
	r.exports(c, in)
	r.credentials(c)
	r.statements(c)
	r.oneliner(c)
	r.fetches(c)
}

func written(reader *shell.Reader, path string, c *shell.Command, out shell.Flow) {
	rules{reader}.writes(path, c, out)
}
