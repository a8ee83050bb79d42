//! What somebody wants. `decide` is pure; `execute` is the only place that appends.
