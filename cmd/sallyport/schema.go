package main

import (
	"encoding/json"

	"github.com/invopop/jsonschema"
	"github.com/spf13/cobra"

	"sallyport/audit"
)

func schemaCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "schema", Short: "Print JSON Schemas of what sallyport writes",
		Example: "  sallyport schema audit > audit-event.schema.json",
	}
	return group(c, &cobra.Command{
		Use: "audit", Short: "The JSON Schema of one line of the audit log", Args: noArgs,
		Example: "  sallyport schema audit > audit-event.schema.json",
		RunE: ran(func(c *cobra.Command, _ []string) error {
			_, err := c.OutOrStdout().Write(auditSchema())
			return err
		}),
	})
}

// auditSchema is the JSON Schema (2020-12) of an audit event.
func auditSchema() []byte {
	r := jsonschema.Reflector{DoNotReference: true}
	s := r.Reflect(&audit.Event{})
	s.Title = "sallyport audit event"
	s.ID = ""
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil { // a schema of our own types
		panic(err)
	}
	return append(b, '\n')
}
