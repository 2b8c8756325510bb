"""The next composer: it reads and writes one position per note.

Musical features go in, and factors come out: when the next note comes, its pitch, its length. `benchmarks/notes` trains
and tests it; no engine of the studio uses it yet. docs/experiments.md holds what was measured.
"""
