//! A desktop that can act but not look.
