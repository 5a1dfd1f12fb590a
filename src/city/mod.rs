//! People who use RiderHub as apps do: stores, riders and customers with real sockets.
//!
//! The demo city and the live replay both play with them; they know the server by [`crate::client`]
//! alone. All times are the server's, which may run faster than life.

pub mod customer;
pub mod merchant;
pub mod rider;
pub mod road;
pub mod sights;
pub mod signup;
pub mod story;
pub mod tally;
