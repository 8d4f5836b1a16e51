# The policy under which speed is measured: an allow-list, schemas enforced, one
# condition on an argument, limits, tier read, the log.

server "bench" {
  inherit = ["PATH"]
  sandbox "none" {}
  schemas = "enforce"

  tool "echo" { risk = "read" }
  tool "add"  { risk = "read" }
  tool "blob" { risk = "read" }
}

role "loader" {
  allow = ["bench/echo", "bench/add", "bench/blob"]

  limits {
    calls       = 1000000000
    tokens      = 1000000000000
    rate        = "1000000/s"
    burst       = 1000000
    concurrent  = 256
    timeout     = "60s"
    result_size = "16MiB"
  }

  rule "no secrets are echoed" {
    tools   = ["bench/echo"]
    when    = startswith(args.text, "BEGIN PRIVATE KEY")
    then    = "deny"
    message = "keys are not to be echoed"
  }
}
