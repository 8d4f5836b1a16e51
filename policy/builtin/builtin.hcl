# The policy that sallyport uses when it is given none.

# Where every decision, call and result is recorded.
audit {
  file = "sallyport.audit.jsonl"
}

# A person is asked in the client, if it can ask its user (elicitation), and
# otherwise by the command "sallyport approvals". Nobody there: refused.
approval {
  via      = ["elicitation", "command_line"]
  timeout  = "2m"  # how long a question waits
  remember = "10m" # longest time for which a yes may be widened
}

server {server} {
  {command}
{sandbox}

  # Of your environment only these are passed on; tokens and keys are not.
  inherit = {inherit}

  # Arguments must fit the tool's own input schema.
  schemas = "enforce"

  # Each tool's tier is taken from its name and annotations, the higher of both.
  # What reads runs; what changes is logged first; what destroys, or leaves this
  # machine, waits for a person. A tool that says nothing counts as destroying.
  risk = "infer"
}

role "local" {
  allow = [{tools}]

  resources {
    allow = [{resources}]
  }
  prompts {
    allow = [{prompts}]
  }

  # Wide enough for a person at work, too narrow for a runaway loop.
  limits {
    calls       = 5000
    tokens      = 5000000
    timeout     = "120s"
    rate        = "20/s"
    burst       = 40
    concurrent  = 16
    result_size = "4MiB"
  }
}
