//! Recorded city days, played through the real dispatcher.

pub mod gps;
pub mod instance;
pub mod judge;
pub mod live;
pub mod log;
pub mod simulator;
pub mod summary;
