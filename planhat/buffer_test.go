package planhat

import "testing"

// A page goes into the memory of one that is not needed any more, where it fits, and
// is the page that it would be without; a page that does not fit gets memory of its own.
func TestAPageReusesMemory(t *testing.T) {
	t.Parallel()
	bodies := []string{records(1, 40), records(100, 102), "<html>busy</html>", records(200, 229), records(300, 499)}
	client := clientFor(t, &api{rule: func(n int, _ request) (int, string, string) {
		return 200, "", bodies[min(n, len(bodies))-1]
	}})
	var buffer []byte
	for n, want := range []string{bodies[0], bodies[1], bodies[3], bodies[4]} {
		page, err := client.Page(t.Context(), Company, ListOptions{Buffer: buffer})
		if err != nil {
			t.Fatal(err)
		}
		if string(page.Buffer) != want || string(page.Rows[0].Raw) != want[1:1+len(page.Rows[0].Raw)] {
			t.Errorf("page %d is %s, want %s", n, page.Buffer, want)
		}
		if fits := cap(buffer) >= len(want)+512; fits && &page.Buffer[0] != &buffer[:1][0] {
			t.Errorf("page %d is not in the memory given", n)
		} else if n == 0 && fits || n == 3 && fits {
			t.Errorf("page %d fits: it does not show what happens where one does not", n)
		}
		buffer = page.Buffer
	}
}
