//! What a connection does by time: pings, and the end of a token.

use std::time::{Duration, Instant};

use actix::{AsyncContext, Context};

use super::{Connection, SignedIn, TOKEN_GRACE, TOKEN_WARNING};
use crate::{close::Close, frames, outbox::Beat, session::Session};

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

    /// Warns before the token runs out, and closes some time after.
    pub(super) fn watch_token(&self, session: &Session, ctx: &mut Context<Self>) {
        let clock = &self.live.platform.clock;
        let left_ms = session.token_expires_at.ms_since(clock.now());
        let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or(0));
        let token = session.token_expires_at;
        ctx.run_later(clock.real(left.saturating_sub(TOKEN_WARNING)), move |it, _| {
            if it.has_token_until(token) {
                it.say(frames::token_expiring(TOKEN_WARNING));
            }
        });
        ctx.run_later(clock.real(left + TOKEN_GRACE), move |it, ctx| {
            if it.has_token_until(token) {
                return it.close(Close::TokenExpired, ctx);
            }
            if let SignedIn::Yes(session) = &it.signed_in {
                it.watch_token(session, ctx);
            }
        });
    }

    pub(super) fn has_token_until(&self, token: domain::clock::Timestamp) -> bool {
        matches!(&self.signed_in, SignedIn::Yes(session) if session.token_expires_at == token)
    }
}
