//! What a connection does by time: pings. The end of its token is watched by the `Warden`.

use std::time::Instant;

use actix::{AsyncContext, Context};

use super::{Connection, SignedIn};
use crate::{close::Close, frames, outbox::Beat};

impl Connection {
    /// Pings, then looks whether anything came back.
    pub(super) fn beat(&mut self, ctx: &mut Context<Self>) {
        let asked_at = Instant::now();
        self.outbox.beat(Beat::Ping);
        if !matches!(self.signed_in, SignedIn::No) {
            // A browser does not show pings to its page.
            self.say(frames::ping());
        }
        ctx.run_later(self.live.pace.pong_within, move |it, ctx| {
            it.outbox.check_stall();
            if it.heard_at < asked_at {
                it.close(Close::NoPong, ctx);
            }
        });
    }
}
