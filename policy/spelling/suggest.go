// Package spelling guesses what was meant by a misspelt word, and spells text so
// that HCL reads it as itself.
package spelling

import "fmt"

// DidYouMean is " (did you mean …?)" when one of the known words is close to
// what was written, and empty otherwise.
func DidYouMean(written string, known []string) string {
	best, distance := "", len(written)/3+2
	for _, k := range known {
		if d := editDistance(written, k); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// editDistance counts insertions, deletions and replacements.
func editDistance(a, b string) int {
	if max(len(a), len(b)) > 100 {
		return len(a) + len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
