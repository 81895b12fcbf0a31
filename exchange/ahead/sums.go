package ahead

import "crypto/sha256"

// Sums compares texts with the SHA-256 they should have, beside whoever reads them.
type Sums struct {
	jobs  chan sumJob
	spare chan []byte
	done  chan struct{}
	ended bool
	wrong string // the goroutine's until done
	found bool
}

// sumJob is one comparison.
type sumJob struct {
	name string
	text []byte
	want [sha256.Size]byte
}

// sumsAhead is how many texts may wait.
const sumsAhead = 4

// NewSums begins. Its user must call End.
func NewSums() *Sums {
	s := &Sums{jobs: make(chan sumJob, sumsAhead), spare: make(chan []byte, sumsAhead), done: make(chan struct{})}
	for range sumsAhead {
		s.spare <- nil
	}
	go s.run()
	return s
}

func (s *Sums) run() {
	defer close(s.done)
	for j := range s.jobs {
		if !s.found && sha256.Sum256(j.text) != j.want {
			s.found, s.wrong = true, j.name
		}
		s.spare <- j.text[:0]
	}
}

// Compare takes a text, which is not the caller's any more, and gives memory for
// another one. A name says what it is. What came of it End says.
func (s *Sums) Compare(name string, text []byte, want [sha256.Size]byte) (memory []byte) {
	memory = <-s.spare
	s.jobs <- sumJob{name, text, want}
	return memory
}

// End waits until all are compared and gives the name of the first that has another
// sum, if one has. It may be called again.
func (s *Sums) End() (wrong string, found bool) {
	if !s.ended {
		s.ended = true
		close(s.jobs)
	}
	<-s.done
	return s.wrong, s.found
}
