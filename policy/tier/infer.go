package tier

import (
	"strings"
	"unicode"
)

// Of gives the tier of a tool whose operator said risk = "infer", from what
// the server says of it and from its name:
//
//	annotations                              say
//	openWorldHint = true                     external
//	destructiveHint = true                   delete
//	readOnlyHint = false, destructive false  modify
//	readOnlyHint = false                     at least modify, never lower
//	readOnlyHint = true                      read
//
//	words of the name                        say
//	the first verb of the tables below       its tier
//	a verb after "and", "or", "then"         its tier
//	delete, exec, …  wherever it stands      delete
//	web, http, …     wherever it stands      external
//
// If both speak the higher wins; if neither does the tier is Delete. A hostile
// server can lie in both, so "infer" is a start and not a defence.
func Of(name string, facts *Facts) Tier {
	return max(inferName(name), facts.infer()).OrDelete()
}

func (f *Facts) infer() Tier {
	switch {
	case f == nil:
		return 0
	case says(f.OpenWorld, true):
		return External
	case says(f.ReadOnly, true):
		return Read
	case says(f.Destructive, true):
		return Delete
	case says(f.ReadOnly, false) && says(f.Destructive, false):
		return Modify
	default:
		return 0
	}
}

func inferName(name string) Tier {
	var tier Tier
	verbWanted := true
	for word := range nameWords(name) {
		if alarmWord(word) > tier {
			tier, verbWanted = alarmWord(word), false
			continue
		}
		switch word {
		case "and", "or", "then":
			verbWanted = true
			continue
		}
		if t := verbTier(word); verbWanted && t != 0 {
			tier, verbWanted = max(tier, t), false
		}
	}
	return tier
}

// alarmWord is for words that are hardly ever the object of a harmless verb.
func alarmWord(w string) Tier {
	switch w {
	case "delete", "destroy", "drop", "erase", "eval", "exec", "execute", "kill", "purge", "remove",
		"rm", "rmdir", "shell", "sudo", "terminate", "truncate", "uninstall", "unlink", "wipe":
		return Delete
	case "http", "https", "internet", "smtp", "web", "webhook":
		return External
	}
	return 0
}

// verbTier leaves out verbs that say too little: query may hold any SQL, call
// and invoke anything at all.
func verbTier(w string) Tier {
	switch w {
	case "browse", "curl", "crawl", "deploy", "download", "email", "fetch", "forward", "goto", "mail", "message",
		"navigate", "notify", "open", "pay", "post", "publish", "pull", "push", "reply", "request", "scrape",
		"send", "share", "sms", "submit", "sync", "transfer", "transmit", "tweet", "upload", "visit", "wget":
		return External
	case "abort", "apply", "bash", "cancel", "clean", "clear", "close", "command", "cmd", "disable", "evaluate",
		"expire", "flush", "force", "format", "grant", "launch", "merge", "overwrite", "powershell", "prune",
		"rebase", "reboot", "replace", "reset", "restart", "restore", "revert", "revoke", "rollback", "run",
		"script", "shutdown", "spawn", "start", "stop", "terminal", "trigger":
		return Delete
	case "add", "annotate", "append", "archive", "assign", "attach", "change", "checkout", "click", "comment",
		"commit", "configure", "copy", "create", "edit", "enable", "fill", "fork", "generate", "import", "increment",
		"init", "insert", "label", "link", "lock", "make", "mark", "mkdir", "modify", "move", "mv", "new", "patch",
		"pin", "put", "record", "register", "rename", "save", "schedule", "set", "stage", "store", "subscribe",
		"tag", "toggle", "touch", "type", "unlock", "unpin", "unsubscribe", "update", "upsert", "write":
		return Modify
	case "calculate", "check", "compare", "convert", "count", "describe", "diff", "directory", "echo", "estimate",
		"explain", "find", "get", "grep", "head", "help", "info", "inspect", "list", "lookup", "ls", "peek", "ping",
		"preview", "read", "search", "select", "show", "stat", "status", "summarize", "tail", "tree", "validate",
		"verify", "version", "view", "watch", "whoami":
		return Read
	}
	return 0
}

// nameWords splits at everything that is no letter or digit and between lower
// and upper case, and gives each word in lower case: readFile, read-file and
// HTTPRead_file hold the words one expects.
func nameWords(name string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		runes := []rune(name)
		start := 0
		flush := func(end int) bool {
			word := strings.ToLower(string(runes[start:end]))
			start = end
			return word == "" || yield(word)
		}
		for i, r := range runes {
			switch {
			case !unicode.IsLetter(r) && !unicode.IsDigit(r):
				if !flush(i) {
					return
				}
				start = i + 1
			case i > start && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
				if !flush(i) {
					return
				}
			}
		}
		flush(len(runes))
	}
}
