package coordinator

// sample keeps an even part of what is offered to it: each, and when there is no room for that, each second, each fourth, …
type sample struct {
	kept    []trial
	offered int
	skip    int // so many of those that are offered are not kept, between two
}

func (s *sample) offer(t trial) {
	if s.offered%(s.skip+1) == 0 && len(s.kept) == maxSample {
		for i := range maxSample / 2 {
			s.kept[i] = s.kept[2*i]
		}
		s.kept, s.skip = s.kept[:maxSample/2], 2*s.skip+1
	}
	if s.offered%(s.skip+1) == 0 {
		s.kept = append(s.kept, t)
	}
	s.offered++
}

// heap keeps the largest of what is offered to it, the smallest of these first.
type heap[T any] struct {
	most int
	less func(a, b T) bool
	kept []T
}

// offer takes one in, and returns the one for which there is no room any more, if there is one.
func (h *heap[T]) offer(v T) (out T, pushed bool) {
	if len(h.kept) < h.most {
		h.kept = append(h.kept, v)
		h.up(len(h.kept) - 1)
		return out, false
	}
	if !h.less(h.kept[0], v) {
		return v, true
	}
	out, h.kept[0] = h.kept[0], v
	h.down(0)
	return out, true
}

func (h *heap[T]) up(i int) {
	for parent := (i - 1) / 2; i > 0 && h.less(h.kept[i], h.kept[parent]); i, parent = parent, (parent-1)/2 {
		h.kept[i], h.kept[parent] = h.kept[parent], h.kept[i]
	}
}

func (h *heap[T]) down(i int) {
	for {
		least := i
		for _, child := range []int{2*i + 1, 2*i + 2} {
			if child < len(h.kept) && h.less(h.kept[child], h.kept[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		h.kept[i], h.kept[least] = h.kept[least], h.kept[i]
		i = least
	}
}
