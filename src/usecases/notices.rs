//! Telling people who are away: shares news out to addresses, and sends what nobody acknowledged.
//!
//! Nothing is decided from memory. An entry leaves a source in its own transaction; [`share_out`]
//! turns it into a row for each address; [`carry`] claims a row, looks at the cursors again just
//! before it sends, and writes down what came of it. A crash at any point repeats the last step:
//! a notice may be sent twice, with the same id and topic, and is never forgotten.

use std::time::Duration;

use domain::{
    channel::Channel,
    clock::Timestamp,
    notice::{NoticeClass, Step, Watch},
    role::Profile,
};
use storage::{
    cursors,
    db::{Reader, Tx},
    deliveries,
    error::StoreError,
    journal::{self, Watched},
    notices::{self as rows, DueNotice, News, NoticeKey, Source, Via},
    orders, push_addresses, stores,
};

use crate::{
    notice_content::{self, Item},
    notifier::{Notice, Notifier, Outcome, Target},
    platform::Platform,
    tokens::random_hex,
};

/// Longest time that one try may take, in real time.
pub const SEND_MAX: Duration = Duration::from_secs(10);
/// How long a node may be at a notice before another takes it, in real time.
pub const CLAIM: Duration = Duration::from_secs(20);
/// Unacknowledged entries that are looked through for one notice at most, the newest.
const LOOKED_AT_MAX: u64 = 200;

/// How people are told who are away.
#[derive(Debug, Clone, Default)]
pub struct NoticeSettings {
    /// Whether the operator's webhook is told of everybody's notices.
    pub webhook: bool,
    /// Whether notices repeat what people wrote, and their names.
    pub with_text: bool,
    /// Whether push addresses must be public ones.
    pub public_only: bool,
    /// Whom a push service may turn to: `mailto:…` or `https://…`.
    pub contact: String,
}

impl NoticeSettings {
    /// Whose absence is to be noticed.
    pub const fn watched(&self) -> Watched {
        if self.webhook { Watched::All } else { Watched::Marked }
    }
}

/// What came of one due row, for the log and the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// What it was about.
    pub class: NoticeClass,
    /// `web_push` or `webhook`.
    pub via: &'static str,
    /// `delivered`, `gone`, `later`, `refused`, `acknowledged` or `given_up`.
    pub result: &'static str,
}

/// What is to be shared out, at most [`rows::ROUND_MAX`].
///
/// # Errors
///
/// [`StoreError`] as the store gives it.
pub async fn sources(platform: &Platform) -> Result<Vec<Source>, StoreError> {
    rows::sources(&mut platform.reader()).await
}

/// Turns news of a channel into a row for each address that is concerned; `false` if another node
/// was faster.
///
/// # Errors
///
/// [`StoreError`] as the store gives it; the source stays.
pub async fn share_out(platform: &Platform, source: Source) -> Result<bool, StoreError> {
    let webhook = platform.notices.webhook;
    let work = async move |tx: &mut Tx| {
        // First the source, then the journal: whatever is written meanwhile waits for us and then
        // leaves a source of its own.
        if !rows::take_source(tx, &source).await? {
            return Ok(false);
        }
        let news = rows::news(tx, &source).await?;
        if news.len() >= rows::ENTRIES_MAX as usize
            && let Some(last) = news.last()
        {
            let rest = Source { off: last.off + 1, ..source.clone() };
            rows::leave_source(tx, &rest).await?;
        }
        let profiles = audience(tx, &source.channel).await?;
        let addresses = push_addresses::list(tx, &profiles).await?;
        let devices = addresses.iter().map(|it| (it.profile, Via::Push(it.id)));
        let operator = profiles.iter().filter(|_| webhook).map(|it| (*it, Via::Webhook));
        for (profile, via) in devices.chain(operator) {
            let (channel, class) = (source.channel.clone(), source.class);
            begin(tx, NoticeKey { profile, via, channel, class }, &news).await?;
        }
        Ok::<_, StoreError>(true)
    };
    platform.store.write(work).await
}

async fn begin(tx: &mut Tx, key: NoticeKey, news: &[News]) -> Result<(), StoreError> {
    let me = key.profile.to_string();
    let mut of_others = news.iter().filter(|it| it.sender != me);
    let Some(first) = of_others.next() else { return Ok(()) };
    let last = of_others.next_back().unwrap_or(first);
    let known = rows::find_locked(tx, &key).await?;
    let watch = Watch::extended(known, first.off, last.off, first.at, key.class);
    rows::save(tx, &key, watch).await
}

/// Who is part of a channel.
async fn audience(tx: &mut Tx, channel: &Channel) -> Result<Vec<Profile>, StoreError> {
    let staff = |ids: Vec<_>| ids.into_iter().map(Profile::Merchant).collect::<Vec<_>>();
    match channel {
        Channel::Inbox(profile) => Ok(vec![*profile]),
        Channel::Store(id) => Ok(staff(stores::list_staff(tx, *id).await?)),
        Channel::Order(id) => {
            let Some(stored) = orders::find(tx, *id).await? else { return Ok(Vec::new()) };
            let mut profiles = vec![Profile::Customer(stored.order.customer_id)];
            if stored.order.accepted_at.is_some() {
                profiles.extend(staff(stores::list_staff(tx, stored.order.store_id).await?));
            }
            let delivery = deliveries::find_for_order(tx, *id).await?;
            profiles.extend(delivery.and_then(|it| it.delivery.rider_id).map(Profile::Rider));
            Ok(profiles)
        }
        Channel::Loc(_)
        | Channel::Live(_)
        | Channel::Pool(_)
        | Channel::Ops(_)
        | Channel::BenchLog(_)
        | Channel::BenchLatest(_) => Ok(Vec::new()),
    }
}

/// What is due, at most [`rows::ROUND_MAX`].
///
/// # Errors
///
/// [`StoreError`] as the store gives it.
pub async fn due(platform: &Platform) -> Result<Vec<DueNotice>, StoreError> {
    rows::due(&mut platform.reader(), platform.now()).await
}

/// Sends what is due, unless a device has acknowledged it; `None` if there was nothing to tell or
/// another node is at it.
///
/// # Errors
///
/// [`StoreError`] as the store gives it; the row is due again when the claim ends.
pub async fn carry(
    platform: &Platform,
    notifier: &dyn Notifier,
    due: DueNotice,
) -> Result<Option<Carried>, StoreError> {
    let key = due.key.clone();
    let Some(target) = target(platform, &key).await? else {
        conclude(platform, due, After::Forget).await?;
        return Ok(None);
    };
    let carried = |result| Some(Carried { class: key.class, via: target.via(), result });
    // Most are acknowledged: then nobody needs a claim.
    let first = look(platform, &key, due.watch).await?;
    if let Some((after, result)) = first.without_telling() {
        let is_ours = conclude(platform, due, after).await?;
        return Ok(carried(result).filter(|_| is_ours && !matches!(after, After::Wait(_))));
    }
    let claim = random_hex();
    let until = platform.now() + CLAIM.mul_f64(platform.clock.scale());
    let (its_due, its_claim) = (due.clone(), claim.clone());
    let write = async move |tx: &mut Tx| rows::claim(tx, &its_due, &its_claim, until).await;
    if !platform.store.write::<_, bool, StoreError>(write).await? {
        return Ok(None);
    }
    let watch = due.watch;
    let (after, result) = match look(platform, &key, watch).await? {
        Look::Tell(notice) => {
            let outcome = attempt(notifier, &target, &notice).await;
            (After::of(outcome), outcome.as_str())
        }
        other => other.without_telling().unwrap_or((After::Forget, "acknowledged")),
    };
    settle(platform, key.clone(), claim, watch, after).await?;
    Ok(carried(result))
}

async fn attempt(notifier: &dyn Notifier, target: &Target, notice: &Notice) -> Outcome {
    let sending = tokio::time::timeout(SEND_MAX, notifier.send(target, notice));
    sending.await.unwrap_or(Outcome::Later(None))
}

async fn target(platform: &Platform, key: &NoticeKey) -> Result<Option<Target>, StoreError> {
    match key.via {
        Via::Webhook => Ok(platform.notices.webhook.then_some(Target::Webhook)),
        Via::Push(id) => {
            let found = push_addresses::find(&mut platform.reader(), id).await?;
            // The address may have gone to another profile since.
            Ok(found.filter(|it| it.profile == key.profile).map(|it| Target::Push(Box::new(it))))
        }
    }
}

enum Look {
    Nothing,
    Wait(Timestamp),
    GiveUp,
    Tell(Notice),
}

/// Looks at the cursors and the journal as they are now.
async fn look(platform: &Platform, key: &NoticeKey, watch: Watch) -> Result<Look, StoreError> {
    let mut reader = platform.reader();
    let before = acknowledged(&mut reader, key).await?;
    if before >= watch.upto {
        return Ok(Look::Nothing);
    }
    let top = journal::head(&mut reader, &key.channel).await?.top;
    let n_new = top.saturating_sub(before).clamp(1, LOOKED_AT_MAX) as u32;
    let newest = journal::read_before(&mut reader, &key.channel, top + 1, n_new).await?;
    // Again at the end: what is acknowledged while we read is not told.
    let acknowledged = acknowledged(&mut reader, key).await?;
    let (now, with_text) = (platform.now(), platform.notices.with_text);
    let all: Vec<Item> = notice_content::items(&newest, key.profile, key.class, with_text, now)
        .into_iter()
        .filter(|it| it.off > acknowledged && it.off <= watch.upto)
        .collect();
    let mut untold = all.iter().filter(|it| it.off > watch.told);
    let at = |it: &Item| Timestamp::from_ms(it.ts);
    let matters = untold.next().map(|it| (at(it), at(untold.next_back().unwrap_or(it))));
    Ok(match watch.step(acknowledged, matters, key.class, now) {
        Step::Forget => Look::Nothing,
        Step::Wait(until) => Look::Wait(until),
        Step::GiveUp => Look::GiveUp,
        Step::Tell => Look::Tell(notice_content::notice(key, &all, now)?),
    })
}

/// Up to where one of the profile's devices has everything, or its owner has read it.
async fn acknowledged(reader: &mut impl Reader, key: &NoticeKey) -> Result<u64, StoreError> {
    let cursor = cursors::find(reader, &key.channel, key.profile).await?;
    Ok(cursor.map_or(0, |it| it.delivered.max(it.read)))
}

impl Look {
    /// What to do if nobody is to be told.
    const fn without_telling(&self) -> Option<(After, &'static str)> {
        match self {
            Self::Tell(_) => None,
            Self::Nothing => Some((After::Forget, "acknowledged")),
            Self::Wait(until) => Some((After::Wait(*until), "waiting")),
            Self::GiveUp => Some((After::Told, "given_up")),
        }
    }
}

/// What is to become of a row.
#[derive(Debug, Clone, Copy)]
enum After {
    Forget,
    Wait(Timestamp),
    Told,
    Failed(Option<Duration>),
    Gone,
}

impl After {
    const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Delivered | Outcome::Refused => Self::Told,
            Outcome::Gone => Self::Gone,
            Outcome::Later(asked) => Self::Failed(asked),
        }
    }

    /// What the row is to be, as it stands now; `seen` is what was looked at.
    fn apply(
        self,
        now_is: Watch,
        seen: Watch,
        class: NoticeClass,
        now: Timestamp,
    ) -> Option<Watch> {
        match self {
            Self::Forget if now_is.upto <= seen.upto => None,
            // Something was written meanwhile.
            Self::Forget => Some(Watch { told: seen.upto, due: now, attempt: 0, ..now_is }),
            Self::Wait(due) => Some(Watch { due, ..now_is }),
            Self::Told => now_is.after_told(seen.upto, class, now),
            Self::Failed(asked) => Some(now_is.after_failure(asked, now)),
            Self::Gone => None,
        }
    }
}

/// Takes a row and gives it back in one go; `false` if another node is at it.
async fn conclude(platform: &Platform, due: DueNotice, after: After) -> Result<bool, StoreError> {
    let now = platform.now();
    let write = async move |tx: &mut Tx| {
        let Some(row) = rows::find_locked(tx, &due.key).await? else { return Ok(false) };
        if row.due != due.watch.due {
            return Ok(false);
        }
        let next = after.apply(row, due.watch, due.key.class, now);
        rows::release(tx, &due.key, next).await?;
        Ok::<_, StoreError>(true)
    };
    platform.store.write(write).await
}

async fn settle(
    platform: &Platform,
    key: NoticeKey,
    claim: String,
    seen: Watch,
    after: After,
) -> Result<(), StoreError> {
    let now = platform.now();
    let write = async move |tx: &mut Tx| {
        if let (After::Gone, Via::Push(id)) = (after, key.via) {
            push_addresses::remove_id(tx, id).await?;
            return rows::forget_address(tx, key.profile, id).await;
        }
        // Whoever was late has lost the row to another node.
        let Some(row) = rows::claimed(tx, &key, &claim).await? else { return Ok(()) };
        rows::release(tx, &key, after.apply(row, seen, key.class, now)).await
    };
    platform.store.write::<_, (), StoreError>(write).await
}
