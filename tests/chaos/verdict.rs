//! What must hold at the end, read from SQL past the server.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use domain::channel::Channel;
use riderhub::client::log::{Entry, Kept, differences};
use serde_json::Value;
use storage::{
    db::{Db, Durability},
    journal,
};
use tokio::time::Instant;

use crate::stage::Stage;

/// How long the last entries may take to everybody after all faults are over.
const WAIT: Duration = Duration::from_secs(40);
/// Differences that are shown.
const SHOWN: usize = 12;

/// Everything in SQL, by channel.
pub type Journal = HashMap<String, Vec<Kept>>;

/// Waits until every client has every channel as the journal has it; answers what differs.
///
/// Riders are still looked for, so entries may be written meanwhile: a copy must have at least what
/// the journal held before it was looked at, and nothing but what the journal holds after that.
pub async fn everybody_has_everything(stage: &Stage) -> (Journal, Vec<String>) {
    let until = Instant::now() + WAIT;
    let mut before = read(&stage.database, stage.owed().values().flatten()).await;
    loop {
        let owed = stage.owed();
        let lengths = lengths(stage, &owed);
        let after = read(&stage.database, owed.values().flatten()).await;
        let mut found = Vec::new();
        for ((person, channel), length) in lengths {
            let person = &stage.people[person];
            let shared = person.shared();
            let copy =
                shared.book.logs.get(channel).map(|it| &it.kept[..length.min(it.kept.len())]);
            let journal = &after[channel];
            let n_due = before.get(channel).map_or(0, Vec::len).max(length).min(journal.len());
            let differences = differences(channel, copy.unwrap_or_default(), &journal[..n_due]);
            found.extend(differences.into_iter().map(|it| format!("{}: {it}", person.profile)));
        }
        if found.is_empty() || Instant::now() > until {
            found.truncate(SHOWN);
            return (after, found);
        }
        before = after;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// How many entries each copy has now.
fn lengths<'o>(
    stage: &Stage,
    owed: &'o HashMap<usize, Vec<String>>,
) -> Vec<((usize, &'o String), usize)> {
    let mut lengths = Vec::new();
    for (person, channels) in owed {
        let shared = stage.people[*person].shared();
        lengths.extend(channels.iter().map(|channel| {
            let length = shared.book.logs.get(channel).map_or(0, |it| it.kept.len());
            ((*person, channel), length)
        }));
    }
    lengths
}

async fn read(database: &str, channels: impl Iterator<Item = &String>) -> Journal {
    let mut db = Db::connect(database, 1, Durability::Normal).await.unwrap();
    let mut all = Journal::new();
    for name in channels {
        if all.contains_key(name) {
            continue;
        }
        let channel: Channel = name.parse().unwrap();
        let mut entries: Vec<Kept> = Vec::new();
        loop {
            let after = entries.last().map_or(0, |it| it.off);
            let page = journal::read_after(&mut db, &channel, after, 500).await.unwrap();
            if page.is_empty() {
                break;
            }
            entries.extend(page.iter().map(|it| {
                let frame: Value = serde_json::from_slice(&journal::frame(it)).unwrap();
                Entry::from_push(frame.as_object().unwrap()).unwrap().keep()
            }));
        }
        all.insert(name.clone(), entries);
    }
    db.close().await;
    all
}

/// Acknowledged messages that do not stand exactly once, at the offset that was told.
pub fn not_exactly_once(stage: &Stage, journal: &Journal) -> Vec<String> {
    let mut places: BTreeMap<(&str, &str), Vec<u64>> = BTreeMap::new();
    for (channel, entries) in journal {
        for entry in entries {
            if let Some(cid) = &entry.cid {
                places.entry((channel, cid)).or_default().push(entry.off);
            }
        }
    }
    let mut found: Vec<String> = places
        .iter()
        .filter(|(_, offs)| offs.len() > 1)
        .map(|(place, offs)| format!("{place:?} stands at {offs:?}"))
        .collect();
    for person in &stage.people {
        for said in &person.shared().said {
            let stands = places.get(&(&*said.channel, &*said.cid));
            if stands != Some(&vec![said.off]) {
                found.push(format!("acknowledged at {}, stands at {stands:?}: {said:?}", said.off));
            }
        }
    }
    found.truncate(SHOWN);
    found
}

/// What clients saw that no server may do.
pub fn violations(stage: &Stage) -> Vec<String> {
    let mut found = Vec::new();
    for person in &stage.people {
        let shared = person.shared();
        found.extend(shared.book.violations.iter().map(|it| format!("{}: {it}", person.profile)));
    }
    found.truncate(SHOWN);
    found
}
