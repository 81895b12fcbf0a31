// Package ahead lets work that depends on nothing be done a little ahead, in a
// goroutine of its own, while the one who needs its results is busy with the
// last ones. What is done and in what order it is taken does not depend on it;
// so it is also for code that must be deterministic.
package ahead

import "iter"

// Values gives the values of a sequence in their order, with up to n of them made
// ahead. The sequence runs in another goroutine, which has ended when the loop
// over Values has.
func Values[T any](n int, of iter.Seq[T]) iter.Seq[T] {
	return func(yield func(T) bool) {
		values, stop := make(chan T, n), make(chan struct{})
		go func() {
			defer close(values)
			for v := range of {
				select {
				case values <- v:
				case <-stop:
					return
				}
			}
		}()
		defer func() {
			close(stop)
			for range values { // until it has ended
			}
		}()
		for v := range values {
			if !yield(v) {
				return
			}
		}
	}
}
