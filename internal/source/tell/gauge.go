package tell

// OneIf is the value of a gauge that says yes or no.
func OneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
