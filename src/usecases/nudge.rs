//! What nodes tell each other beside the journal: losing one costs time, never more.

use domain::clock::Timestamp;
use serde::{Deserialize, Serialize};
use storage::revocations::Revocation;

/// Something that the live side should do soon. Never the only record of it: losing one costs time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Nudge {
    /// Deliveries of this region changed: look for riders now.
    Dispatch {
        /// The region.
        region: String,
    },
    /// Sign-ins have ended: refuse their tokens and close their sockets.
    Revoked {
        /// Which.
        sessions: Vec<RevokedSession>,
    },
    /// A device publishes a rider's position from now on.
    Publisher {
        /// Whose position.
        rider: String,
        /// Which device.
        device: String,
        /// Rises each time another device takes over.
        fence: u64,
    },
    /// A device has the only seat of a profile from now on: close the other ones.
    Seat {
        /// Whose.
        profile: String,
        /// Which device.
        device: String,
        /// Rises each time another device takes it.
        fence: u64,
    },
    /// A timer was set that may be due before the next look.
    Timers,
}

/// A sign-in that has ended, on its way to the other nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedSession {
    /// The sign-in.
    pub session: String,
    /// Whose.
    pub profile: String,
    /// From when on its tokens have run out anyway, in UTC milliseconds.
    pub keep_until: i64,
}

impl From<&Revocation> for RevokedSession {
    fn from(it: &Revocation) -> Self {
        let (session, profile) = (it.session_id.to_string(), it.profile.to_string());
        Self { session, profile, keep_until: it.keep_until.ms() }
    }
}

impl RevokedSession {
    /// Reads it; `None` if another version of the program wrote it.
    pub fn read(&self) -> Option<Revocation> {
        let (session_id, profile) = (self.session.parse().ok()?, self.profile.parse().ok()?);
        Some(Revocation { session_id, profile, keep_until: Timestamp::from_ms(self.keep_until) })
    }
}
