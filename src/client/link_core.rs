//! The mind of a link, without runtime: frames in, steps out.
//!
//! Commands that were not answered stay here and go out again on the next connection with the same
//! `cid`; entries of logged channels go into their copies, and holes are closed from history.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::client::{
    error::ClientError,
    log::{self, ChannelLog, Entry, Taken},
    socket::Frame,
};

/// Entries asked for in one page of history.
pub(super) const PAGE: u32 = 200;
/// Channels remembered as put away.
const PUT_AWAY_MAX: usize = 1_000;

/// The copies of all logged channels of a link.
#[derive(Debug, Default)]
pub(super) struct Copies {
    pub(super) logs: BTreeMap<String, ChannelLog>,
    /// Channels that are over and forgotten; what still comes of them is not heard.
    put_away: BTreeSet<String>,
    pub(super) counts: Counts,
    /// Entries kept of each channel; all of them if `None`.
    pub(super) keep_max: Option<usize>,
}

impl Copies {
    pub(super) fn keeping(keep_max: Option<usize>) -> Self {
        Self { keep_max, ..Self::default() }
    }

    /// Forgets a channel for good, if only the newest entries are kept.
    pub(super) fn put_away(&mut self, channel: &str) -> bool {
        if self.keep_max.is_none() {
            return false;
        }
        self.logs.remove(channel);
        self.put_away.insert(channel.to_owned());
        if self.put_away.len() > PUT_AWAY_MAX {
            // Ids are ordered by time.
            self.put_away.pop_first();
        }
        true
    }

    fn log(&mut self, channel: &str) -> &mut ChannelLog {
        let keep_max = self.keep_max;
        self.logs.entry(channel.to_owned()).or_insert_with(|| ChannelLog::keeping(keep_max))
    }
}

/// What a link has lived through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pushes received, of logged and of latest channels.
    pub pushes: u64,
    /// Connections that continued an earlier one.
    pub resumes: u64,
    /// Holes closed from history.
    pub repairs: u64,
    /// Numbers that were given to two entries, or numberings that were lost.
    pub contradictions: u64,
}

/// What happens on a link.
#[derive(Debug, Clone)]
pub enum Event {
    /// The socket is open and signed in; `true` if an earlier one went before.
    Up(bool),
    /// The socket is lost; another try is under way.
    Down,
    /// The next entry of a logged channel: in order, none twice, none missing.
    Entry(Arc<Entry>),
    /// A push that is not stored: the newest value of something, or a notice.
    Push(Arc<Frame>),
    /// The server closed for good.
    Closed {
        /// Close code.
        code: u16,
        /// Reason.
        reason: String,
    },
}

/// Who waits for the answer to a command.
#[derive(Debug)]
pub(super) enum Purpose {
    /// Somebody who uses the link.
    Asked(oneshot::Sender<Result<Value, ClientError>>),
    /// The copy of a channel.
    Repair(String),
    /// Nobody: what was said is said again on the next connection.
    Receipt,
    /// Whoever keeps the token fresh; this is the new one.
    Token(String),
}

/// A command that has no answer yet.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) method: String,
    pub(super) params: Value,
    pub(super) purpose: Purpose,
}

/// What the link must do now.
#[derive(Debug)]
pub(super) enum Step {
    Send(String),
    Tell(Event),
    /// The server took this token; it lasts until then, by the server's clock.
    TokenLasts(String, i64),
    /// The token is about to run out.
    RenewToken,
}

/// See the file's head.
#[derive(Debug)]
pub(super) struct Core {
    next_id: u32,
    waiting: BTreeMap<u32, Ask>,
    repairing: BTreeSet<String>,
    /// Channels that were behind at the last look, and where.
    behind: BTreeMap<String, u64>,
    copies: Arc<Mutex<Copies>>,
}

pub(super) fn lock(copies: &Mutex<Copies>) -> MutexGuard<'_, Copies> {
    copies.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    pub(super) fn new(copies: Arc<Mutex<Copies>>) -> Self {
        Self {
            next_id: 1,
            waiting: BTreeMap::new(),
            repairing: BTreeSet::new(),
            behind: BTreeMap::new(),
            copies,
        }
    }

    /// The first frame of a connection.
    pub(super) fn connect(&mut self, token: &str, device: &str) -> (u32, String) {
        let resume: Frame = {
            let copies = lock(&self.copies);
            let open = copies.logs.iter().filter(|(_, log)| !log.epoch().is_empty());
            open.map(|(ch, log)| (ch.clone(), json!({ "ep": log.epoch(), "off": log.last() })))
                .collect()
        };
        let params = json!({ "token": token, "resume": resume,
            "device": { "id": device, "kind": "rust", "app": concat!("riderhub/", env!("CARGO_PKG_VERSION")) } });
        let id = self.take_id();
        (id, frame(id, "connect", &params))
    }

    fn take_id(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1).max(1);
        id
    }

    /// The connection stands: takes the positions and sends what has no answer yet.
    pub(super) fn connected(&mut self, channels: Option<&Frame>) -> Vec<Step> {
        let mut steps = Vec::new();
        for ask in std::mem::take(&mut self.waiting).into_values() {
            steps.push(self.ask(ask));
        }
        for (channel, at) in channels.into_iter().flatten() {
            let top = at.get("to").and_then(Value::as_u64).unwrap_or(0);
            let epoch = at.get("ep").and_then(Value::as_str).unwrap_or_default();
            let comes = at.get("recovered").and_then(Value::as_bool).unwrap_or(false);
            let lost_there = !comes && self.stands_at(channel, epoch, top);
            let behind = self.heard_of(channel, epoch, top);
            if (behind || lost_there) && !comes {
                steps.extend(self.repair(channel));
            }
        }
        steps
    }

    /// The connection is lost. Answers to internal questions will not come any more.
    pub(super) fn lost(&mut self) {
        self.waiting.retain(|_, ask| matches!(ask.purpose, Purpose::Asked(_)));
        self.repairing.clear();
        self.behind.clear();
    }

    /// Nobody will answer any more.
    pub(super) fn give_up(&mut self, err: &ClientError) {
        for ask in std::mem::take(&mut self.waiting).into_values() {
            if let Purpose::Asked(to) = ask.purpose {
                drop(to.send(Err(err.clone())));
            }
        }
    }

    /// Puts a command under way.
    pub(super) fn ask(&mut self, ask: Ask) -> Step {
        let id = self.take_id();
        let text = frame(id, &ask.method, &ask.params);
        self.waiting.insert(id, ask);
        Step::Send(text)
    }

    /// Keeps a command for the next connection.
    pub(super) fn keep(&mut self, ask: Ask) {
        if matches!(ask.purpose, Purpose::Asked(_)) {
            let id = self.take_id();
            self.waiting.insert(id, ask);
        }
    }

    /// A command that has no answer and is worth nothing later.
    pub(super) fn tell(method: &str, params: &Value) -> String {
        json!({ "m": method, "p": params }).to_string()
    }

    /// A frame came.
    pub(super) fn on_frame(&mut self, mut frame: Frame) -> Vec<Step> {
        if frame.contains_key("push") {
            return self.on_push(frame);
        }
        let id = frame.get("id").and_then(Value::as_u64).and_then(|it| u32::try_from(it).ok());
        let Some(ask) = id.and_then(|it| self.waiting.remove(&it)) else { return Vec::new() };
        let result = match frame.remove("ok") {
            Some(ok) => Ok(ok),
            None => Err(refusal(&ask.method, frame.remove("err").unwrap_or_default())),
        };
        match ask.purpose {
            Purpose::Asked(to) => {
                // Whoever asked may have stopped waiting.
                drop(to.send(result));
                Vec::new()
            }
            Purpose::Repair(channel) => self.on_page(&channel, &result),
            Purpose::Receipt => Vec::new(),
            Purpose::Token(token) => {
                let lasts = result.ok().and_then(|ok| ok.get("token_exp")?.as_i64());
                lasts.map(|at| Step::TokenLasts(token, at)).into_iter().collect()
            }
        }
    }

    fn on_push(&mut self, frame: Frame) -> Vec<Step> {
        let kind = frame.get("push").and_then(Value::as_str).unwrap_or_default();
        lock(&self.copies).counts.pushes += u64::from(kind != "ping");
        match kind {
            "ping" => return Vec::new(),
            "subscribed" => return self.on_subscribed(&frame),
            "unsubscribed" => {
                // The hub has no room for what is over; a copy that is kept whole is kept.
                if let Some(channel) = frame.get("ch").and_then(Value::as_str) {
                    lock(&self.copies).put_away(channel);
                }
            }
            "lag" => return self.on_lag(&frame),
            "auth" => return vec![Step::RenewToken],
            _ => {}
        }
        match Entry::from_push(&frame) {
            Some(entry) => self.on_entry(entry),
            None => vec![Step::Tell(Event::Push(Arc::new(frame)))],
        }
    }

    fn on_subscribed(&mut self, frame: &Frame) -> Vec<Step> {
        let Some(channel) = frame.get("ch").and_then(Value::as_str) else { return Vec::new() };
        let top = frame.get("off").and_then(Value::as_u64).unwrap_or(0);
        let epoch = frame.get("ep").and_then(Value::as_str).unwrap_or_default();
        let behind = self.heard_of(channel, epoch, top);
        let mut steps = vec![Step::Tell(Event::Push(Arc::new(frame.clone())))];
        if behind {
            steps.extend(self.repair(channel));
        }
        steps
    }

    /// We read too slowly: the server stopped sending this channel, history has it.
    fn on_lag(&mut self, frame: &Frame) -> Vec<Step> {
        let Some(channel) = frame.get("ch").and_then(Value::as_str) else { return Vec::new() };
        if !log::is_logged(channel) {
            return Vec::new();
        }
        self.repair(channel).into_iter().collect()
    }

    /// A connection begins, and a channel stands at `top`. Answers whether the copy was emptied,
    /// because the server has lost what was in it.
    fn stands_at(&mut self, channel: &str, epoch: &str, top: u64) -> bool {
        let mut copies = lock(&self.copies);
        let emptied = copies.logs.get_mut(channel).is_some_and(|it| it.stands_at(epoch, top));
        copies.counts.contradictions += u64::from(emptied);
        emptied
    }

    /// A channel stands at `top`. Answers whether the copy is behind that.
    pub(super) fn heard_of(&mut self, channel: &str, epoch: &str, top: u64) -> bool {
        let mut copies = lock(&self.copies);
        if !log::is_logged(channel) || copies.put_away.contains(channel) {
            return false;
        }
        let log = copies.log(channel);
        let renumbered = log.heard_of(epoch, top);
        let behind = log.is_behind();
        copies.counts.contradictions += u64::from(renumbered);
        behind
    }

    fn on_entry(&mut self, entry: Entry) -> Vec<Step> {
        if lock(&self.copies).put_away.contains(&entry.channel) {
            return Vec::new();
        }
        match self.take(&entry) {
            Taken::Applied => vec![Step::Tell(Event::Entry(Arc::new(entry)))],
            Taken::Known | Taken::Contradiction => Vec::new(),
            Taken::Hole | Taken::NewEpoch => self.repair(&entry.channel).into_iter().collect(),
        }
    }

    fn take(&self, entry: &Entry) -> Taken {
        let mut copies = lock(&self.copies);
        let taken = copies.log(&entry.channel).take(entry);
        if matches!(taken, Taken::Contradiction | Taken::NewEpoch) {
            copies.counts.contradictions += 1;
        }
        taken
    }

    /// Asks for what is missing, unless that is under way.
    pub(super) fn repair(&mut self, channel: &str) -> Option<Step> {
        if !self.repairing.insert(channel.to_owned()) {
            return None;
        }
        let after = {
            let mut copies = lock(&self.copies);
            copies.counts.repairs += 1;
            copies.log(channel).last()
        };
        let params = json!({ "ch": channel, "after": after, "limit": PAGE });
        let purpose = Purpose::Repair(channel.to_owned());
        Some(self.ask(Ask { method: "history".to_owned(), params, purpose }))
    }

    fn on_page(&mut self, channel: &str, page: &Result<Value, ClientError>) -> Vec<Step> {
        self.repairing.remove(channel);
        let Ok(page) = page else { return Vec::new() };
        if lock(&self.copies).put_away.contains(channel) {
            return Vec::new();
        }
        let mut steps = Vec::new();
        let mut applied = 0_usize;
        for entry in entries(page) {
            if self.take(&entry) == Taken::Applied {
                applied += 1;
                steps.push(Step::Tell(Event::Entry(Arc::new(entry))));
            }
        }
        let behind = lock(&self.copies).logs.get(channel).is_some_and(ChannelLog::is_behind);
        if applied > 0 && behind {
            steps.extend(self.repair(channel));
        }
        steps
    }

    /// Looks once in a while for copies that are behind and do not move.
    pub(super) fn look_around(&mut self) -> Vec<Step> {
        let now: BTreeMap<String, u64> = {
            let copies = lock(&self.copies);
            let behind = copies.logs.iter().filter(|(_, log)| log.is_behind());
            behind.map(|(ch, log)| (ch.clone(), log.last())).collect()
        };
        let before = std::mem::replace(&mut self.behind, now.clone());
        let stuck = now.into_iter().filter(|(ch, last)| before.get(ch) == Some(last));
        stuck.filter_map(|(ch, _)| self.repair(&ch)).collect()
    }
}

fn frame(id: u32, method: &str, params: &Value) -> String {
    json!({ "id": id, "m": method, "p": params }).to_string()
}

/// The entries of a page of history, oldest first.
pub(super) fn entries(page: &Value) -> Vec<Entry> {
    let list = page.get("entries").and_then(Value::as_array);
    let frames = list.into_iter().flatten().filter_map(Value::as_object);
    let mut entries: Vec<_> = frames.filter_map(Entry::from_push).collect();
    entries.sort_by_key(|it| it.off);
    entries
}

/// An error frame as an error.
pub(super) fn refusal(method: &str, err: Value) -> ClientError {
    let text = |name: &str| err.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |name: &str| err.get(name).and_then(Value::as_u64).unwrap_or(0);
    ClientError::Command {
        method: method.to_owned(),
        code: u16::try_from(number("code")).unwrap_or(0),
        name: text("name"),
        retry: err.get("retry").and_then(Value::as_bool).unwrap_or(false),
        after_ms: number("after_ms"),
        msg: text("msg"),
        rest: Box::new(err),
    }
}

#[cfg(test)]
#[path = "link_core_tests.rs"]
mod tests;
