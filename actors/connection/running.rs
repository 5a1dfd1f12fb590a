//! Commands that wait for something: the next frame of the connection waits for them.

use std::{panic::AssertUnwindSafe, time::Instant};

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture, fut::wrap_future};
use bytestring::ByteString;
use futures_util::FutureExt;

use super::{Connection, SignedIn};
use crate::{
    close::Close,
    commands::{
        self, Answer,
        connect::{self, NotIn},
    },
    protocol,
    refusal::Refusal,
    session::Session,
    standing,
};

impl Connection {
    /// Runs `connect`; the next frame waits for it.
    pub(super) fn connect(&mut self, id: Option<u32>, frame: ByteString, ctx: &mut Context<Self>) {
        self.signed_in = SignedIn::Busy;
        let (live, outbox, connection_id) = (self.live.clone(), self.outbox.clone(), self.id);
        let work = async move {
            let began = Instant::now();
            let params = protocol::decode(&frame).map_err(NotIn::from)?.p;
            let outcome = connect::connect(live, connection_id, outbox, params).await;
            commands::observe("connect", began, outcome.as_ref().err().map(|it| &it.refusal));
            outcome
        };
        let work = self.beating(AssertUnwindSafe(work).catch_unwind(), false);
        ctx.wait(wrap_future::<_, Self>(work).map(move |outcome, it, ctx| match outcome {
            Ok(Ok((session, answer))) => {
                tracing::debug!(connection.id = %it.id, profile.id = %session.profile, "signed in");
                let (live, profile) = (it.live.clone(), session.profile);
                it.finish(id, Box::new(session), Ok(answer), ctx);
                live.hub.registry.welcome(profile, it.id);
            }
            Ok(Err(NotIn { refusal, close })) => {
                it.say(protocol::err(id, &refusal));
                it.close(close, ctx);
            }
            Err(_) => it.panicked(ctx),
        }));
    }

    /// Runs a command that waits; the next frame waits for it.
    pub(super) fn run(&mut self, id: Option<u32>, frame: ByteString, ctx: &mut Context<Self>) {
        let signed_in = std::mem::replace(&mut self.signed_in, SignedIn::Busy);
        let SignedIn::Yes(mut session) = signed_in else { return };
        let work = async move {
            let outcome = match protocol::decode(&frame) {
                Ok(command) => {
                    // Answers may be large: whoever asks for many at once waits until he has read.
                    session.outbox.room_or_cut_off().await;
                    let began = Instant::now();
                    let outcome = commands::run(&mut session, &command.m, command.p).await;
                    commands::observe(&command.m, began, outcome.as_ref().err());
                    outcome
                }
                Err(refusal) => Err(refusal),
            };
            (session, outcome)
        };
        // A task of its own: what has begun is finished and told, also if the socket goes away.
        let work = self.beating(actix::spawn(AssertUnwindSafe(work).catch_unwind()), true);
        ctx.wait(wrap_future::<_, Self>(work).map(move |done, it, ctx| match done {
            Ok(Ok((session, outcome))) => it.finish(id, session, outcome, ctx),
            Ok(Err(_)) | Err(_) => it.panicked(ctx),
        }));
    }

    /// Answers, then does what is left to do for the channels concerned.
    pub(super) fn finish(
        &mut self,
        id: Option<u32>,
        session: Box<Session>,
        outcome: Result<Answer, Refusal>,
        ctx: &mut Context<Self>,
    ) {
        let mut plans = Vec::new();
        match outcome {
            Ok(answer) => {
                // Without an id nobody waits for an answer.
                if let Some(id) = id {
                    self.say(protocol::ok(id, &answer.json));
                }
                plans = answer.plans;
            }
            Err(refusal) => self.say(protocol::err(id, &refusal)),
        }
        if plans.is_empty() {
            return self.resume_with(session, ctx);
        }
        let work = async move {
            for plan in plans {
                if let Err(refusal) = session.carry_out(plan).await {
                    return (session, Err(refusal));
                }
            }
            (session, Ok(()))
        };
        let work = self.beating(AssertUnwindSafe(work).catch_unwind(), true);
        ctx.wait(wrap_future::<_, Self>(work).map(|done, it, ctx| match done {
            Ok((session, Ok(()))) => it.resume_with(session, ctx),
            Ok((_, Err(refusal))) => {
                // The client was promised entries that we cannot read: it must resume elsewhere.
                it.say(protocol::err(None, &refusal));
                it.close(Close::ServerError, ctx);
            }
            Err(_) => it.panicked(ctx),
        }));
    }

    pub(super) fn resume_with(&mut self, session: Box<Session>, ctx: &mut Context<Self>) {
        if !self.outbox.is_open() {
            return;
        }
        self.signed_in = SignedIn::Yes(session);
        // What came meanwhile was not read, so nobody can be said to be silent.
        self.heard_at = Instant::now();
        // A deep pile of ready commands must not become a deep stack.
        if !self.frames.is_empty() {
            ctx.spawn(async {}.into_actor(self).map(|(), it, ctx| it.pump(ctx)));
        }
    }

    /// Becomes a party of a channel without having asked, or is one no longer.
    pub(super) fn join(&mut self, channel: domain::channel::Channel, ctx: &mut Context<Self>) {
        let signed_in = std::mem::replace(&mut self.signed_in, SignedIn::Busy);
        let SignedIn::Yes(mut session) = signed_in else {
            self.signed_in = signed_in;
            return;
        };
        if !standing::may_change(&session, &channel) {
            self.signed_in = SignedIn::Yes(session);
            return;
        }
        let work = async move {
            let outcome = standing::look_again(&mut session, &channel).await;
            (session, outcome)
        };
        let work = AssertUnwindSafe(work).catch_unwind();
        ctx.wait(wrap_future::<_, Self>(work).map(|done, it, ctx| match done {
            Ok((session, Ok(()))) => it.resume_with(session, ctx),
            // Its resume asks again which channels are its own.
            Ok((_, Err(refusal))) => {
                tracing::warn!(connection.id = %it.id, why = refusal.msg, "cannot join; closing");
                it.close(Close::ServerError, ctx);
            }
            Err(_) => it.panicked(ctx),
        }));
    }
}
