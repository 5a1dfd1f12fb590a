//! Recorded days.
