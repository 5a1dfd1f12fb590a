//! What a connection does by time: pings. The end of its token is watched by the `Warden`.

use std::{
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use actix::{AsyncContext, Context};
use tokio::time::interval_at;

use super::{Connection, SignedIn};
use crate::{
    close::Close,
    frame::Lane,
    frames,
    outbox::{Beat, Outbox},
};

fn ping(outbox: &Outbox, is_signed_in: bool) {
    outbox.beat(Beat::Ping);
    if is_signed_in {
        // A browser does not show pings to its page.
        outbox.push(Lane::Control, frames::ping());
    }
}

async fn beating<F: Future>(
    work: F,
    every: Duration,
    outbox: Arc<Outbox>,
    is_signed_in: bool,
) -> F::Output {
    let mut work = std::pin::pin!(work);
    // Nearly all are done at once: no timer for those.
    if let Poll::Ready(done) = futures_util::poll!(work.as_mut()) {
        return done;
    }
    let mut beats = interval_at(tokio::time::Instant::now() + every, every);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = beats.tick() => ping(&outbox, is_signed_in),
        }
    }
}

impl Connection {
    /// The same work, with pings meanwhile: while a command waits for the store, the connection's own
    /// timers rest, and the client would take us for dead.
    pub(super) fn beating<F: Future>(
        &self,
        work: F,
        is_signed_in: bool,
    ) -> impl Future<Output = F::Output> + use<F> {
        beating(work, self.live.pace.ping_every, Arc::clone(&self.outbox), is_signed_in)
    }

    /// Pings, then looks whether anything came back.
    pub(super) fn beat(&mut self, ctx: &mut Context<Self>) {
        let asked_at = Instant::now();
        ping(&self.outbox, !matches!(self.signed_in, SignedIn::No));
        ctx.run_later(self.live.pace.pong_within, move |it, ctx| {
            it.outbox.check_stall();
            if it.heard_at < asked_at {
                it.close(Close::NoPong, ctx);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::OUTBOX_BYTES_MAX;

    #[tokio::test]
    async fn who_waits_for_a_slow_command_hears_that_we_live() {
        let outbox = Outbox::bounded(OUTBOX_BYTES_MAX);
        let every = Duration::from_millis(20);
        assert_eq!(beating(async { 7 }, every, Arc::clone(&outbox), true).await, 7);
        assert_eq!(outbox.n_bytes(), 0, "nothing for a quick one");
        let slow = tokio::time::sleep(every * 10);
        beating(slow, every, Arc::clone(&outbox), true).await;
        assert!(outbox.n_bytes() > 0, "pings wait to be sent");
    }
}
