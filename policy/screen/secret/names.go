package secret

// Formats are the names of all that is looked for.
func Formats() []string {
	names := []string{"generic", "bearer", "url-password", "many"}
	for _, f := range formats {
		names = append(names, f.rule)
	}
	return names
}
