# Allows everything, checks nothing, logs all: what a client sees through this
# policy must be what it sees without sallyport. Use it to measure transparency;
# never to protect anything.

server "any" {
  inherit = "all"
  sandbox "none" {}
  schemas = "off"

  tool "*" {
    risk        = "read"
    annotations = "ignore"
  }
}

role "anyone" {
  allow   = ["any/*"]
  methods = ["any/*"]

  resources { allow = ["any/**"] }
  prompts { allow = ["any/*"] }
}
