"""How fast the studio answers: `python -m benchmarks.reads`, `.streams` and `.sign_ins`.

Each starts a studio of its own in a temporary folder, measures both sides in one run and exits 1
when a bound is missed.
"""
