package secret

// Formats are the names of all that is looked for.
func Formats() []string {
	names := []string{"generic", "bearer", "url-password", "many"}
	for _, f := range formats {
		names = append(names, f.rule)
	}
	return names
}

// Known says whether a rule goes by a format of its own. The others guess, by the
// name in front of a value and by how random it is.
func Known(rule string) bool {
	return rule != "generic" && rule != "bearer" && rule != "url-password"
}
