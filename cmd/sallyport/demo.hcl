# The policy of `sallyport demo`.

server "notes" {
  sandbox "none" {} # the demo's own server, a child process of this program
  risk = "delete"   # what has no tool block is taken to be destructive

  tool "list_notes"  { risk = "read" }
  tool "add_note"    { risk = "modify" }
  tool "delete_note" { risk = "delete" }
  tool "mail_note"   { risk = "external" }
}

approval {
  via = ["elicitation"] # the demo's agent shows the question to its user
}

role "assistant" {
  allow = ["notes/list_notes", "notes/add_note", "notes/delete_note", "notes/mail_note"]

  limits {
    calls   = 50
    timeout = "10s"
  }

  rule "no notes about salaries" {
    tools   = ["notes/add_note"]
    when    = glob(lower(args.title), "*salar*")
    then    = "deny"
    message = "notes about salaries belong in the HR system"
  }
}
