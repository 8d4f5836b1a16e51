package danger

import (
	"slices"
	"strings"

	"sallyport/policy/screen/danger/shell"
)

var (
	clouds = shell.Set(`aws gcloud gsutil az gh glab stripe heroku doctl flyctl fly vercel firebase netlify linode-cli eksctl kops ibmcloud oci aliyun hcloud scw railway supabase
wrangler cf civo neonctl planetscale pscale atlas databricks snowsql okta auth0 twilio shopify sentry-cli pagerduty cloudflare render mongocli ovhai tccli vultr-cli azd bq pulumi confluent`)
	// scopes are what holds much else.
	scopes = shell.Set(`project projects group resource-group organization org account accounts cluster clusters db-cluster rds database databases vpc vpcs bucket buckets sql instances repo repository
zone zones hosted-zone route53 dns domain domains keyvault vault kms storage vm vms volume snapshot backup backups table product products customer customers subscription subscriptions
app apps site sites user users iam namespace service services stack stacks secret secrets environment package release`)
	endings = []string{"delete", "destroy", "terminate", "purge", "remove", "rb", "drop", "wipe", "cancel", "schedule-key-deletion", "deregister"}
)

// remote finds the loss of what is kept elsewhere: clouds, clusters, databases
// behind a command line, repositories.
func (r rules) remote(c *shell.Command) {
	line := c.Line()
	low := strings.ToLower(line)
	switch {
	case c.Is("kubectl", "oc", "k") && c.Operand(0) == "delete":
		kind := strings.SplitN(c.Operand(1), "/", 2)[0]
		wide := c.Has("--all", "--all-namespaces", "-A") || slices.Contains([]string{"ns", "namespace", "namespaces", "node", "nodes", "pv", "crd", "clusterrole", "clusterrolebinding"}, kind)
		r.Hit("shell.remote_delete", wide && !strings.ContainsAny(line, shell.Unknown+"<>"))
	case c.Is("kubectl", "oc") && c.Operand(0) == "drain":
		r.Hit("shell.remote_delete", false)
	case c.Is("helm") && slices.Contains([]string{"uninstall", "delete", "del"}, c.Operand(0)):
		r.Hit("shell.remote_delete", has(low, "prod"))
	case c.Is("terraform", "tofu", "terragrunt", "pulumi", "cdk", "sls", "serverless", "vagrant") && slices.ContainsFunc(c.Args, func(a string) bool { return a == "destroy" || a == "-destroy" || a == "remove" }):
		r.Hit("shell.remote_delete", c.Has("-auto-approve", "--auto-approve", "--yes", "-y", "--force", "-force"))
	case c.Is("docker", "podman") && (has(line, "prune") && c.Has("-a", "--volumes") && c.Has("-f", "--force") || c.Operand(0) == "rm" && has(line, shell.Unknown)):
		r.Hit("shell.remote_delete", false)
	case c.Is("git"):
		r.repository(c)
	case c.Is("dropdb", "dropuser"), c.Is("mysqladmin") && slices.Contains(c.Args, "drop"), c.Is("redis-cli") && (has(low, "flushall") || has(low, "flushdb") || has(low, "shutdown")):
		r.Hit("shell.remote_delete", !strings.ContainsAny(line, shell.Unknown))
	case c.Is("mongosh", "mongo"):
		if has(line, "dropDatabase") || has(line, ".drop()") || has(line, "deleteMany({})") || has(line, ".remove({})") {
			r.Hit("shell.remote_delete", true)
		}
	case c.Is("gh", "glab") && c.Operand(0) == "api":
		if strings.EqualFold(strings.Join(c.After("-X", "--method"), ""), "delete") || has(line, "mutation") && has(line, "{delete") {
			r.Hit("shell.remote_delete", !has(line, shell.Unknown))
		}
	case clouds[c.Name]:
		r.cloud(c)
	case c.Is("vssadmin", "wbadmin") && has(low, "delete"), c.Is("wmic") && has(low, "shadowcopy") && has(low, "delete"):
		r.Hit("shell.destructive", true)
	}
}

func has(s, sub string) bool { return strings.Contains(s, sub) }

// cloud judges the command line of a provider: a verb that ends something is a
// finding, on something wide or without asking a strong one.
func (r rules) cloud(c *shell.Command) {
	verb, wide := false, false
	for i, a := range c.Operands() {
		a = strings.ToLower(a)
		if i > 5 {
			break
		}
		for _, e := range endings {
			if a == e || strings.HasPrefix(a, e+"-") || strings.HasSuffix(a, ":"+e) {
				verb = true
				rest := strings.TrimPrefix(strings.TrimPrefix(a, e), "-")
				wide = wide || scopes[rest] || scopes[strings.TrimSuffix(rest, "s")] || strings.HasPrefix(rest, "db-") || e == "schedule-key-deletion" || e == "rb"
			}
		}
		wide = wide || i < 3 && scopes[a] || i < 3 && strings.Contains(a, ":") && scopes[strings.SplitN(a, ":", 2)[0]]
	}
	if c.Is("aws", "gsutil") && c.Has("--recursive", "-r") && slices.Contains(c.Args, "rm") {
		verb, wide = true, true
	}
	if !verb || c.Has("--help", "--dry-run", "--dryrun") {
		return
	}
	asks := !c.Has("--yes", "-y", "--force", "-f", "--quiet", "-q", "--no-wait", "--no-input", "--no-prompt", "--confirm", "--skip-final-snapshot")
	low := strings.ToLower(c.Line())
	r.Hit("shell.remote_delete", (wide && !asks || has(low, "prod")) && !strings.Contains(low, shell.Unknown))
	if wide && !strings.Contains(low, shell.Unknown) {
		r.Hit("shell.remote_wide", false)
	}
}

// repository finds the loss of history that others share.
func (r rules) repository(c *shell.Command) {
	main := func(ref string) bool {
		ref = strings.TrimPrefix(ref, "refs/heads/")
		return slices.Contains([]string{"main", "master", "trunk", "production", "prod", "release"}, ref)
	}
	o := c.Operands()
	if len(o) == 0 {
		return
	}
	switch o[0] {
	case "push":
		for _, ref := range o[1:] {
			switch {
			case c.Has("--delete", "-d") && main(ref), strings.HasPrefix(ref, ":") && main(ref[1:]), c.Has("--mirror"):
				r.Hit("shell.remote_delete", true)
			case (c.Has("--force", "-f") || strings.HasPrefix(ref, "+")) && main(strings.TrimPrefix(ref, "+")):
				r.Hit("shell.remote_delete", true)
			}
		}
	case "filter-branch", "filter-repo":
		r.Hit("shell.remote_delete", false)
	case "config":
		for i, a := range o[1:] {
			if runs := a == "core.sshCommand" || a == "core.fsmonitor" || a == "core.hooksPath" || strings.HasPrefix(a, "alias."); runs && i+2 < len(o) && (strings.HasPrefix(o[i+2], "!") || has(o[i+2], "curl") || has(o[i+2], "/tmp/")) {
				r.Hit("shell.persistence", true)
			}
		}
	}
}
