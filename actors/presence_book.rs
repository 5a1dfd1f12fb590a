//! Who came, who went and since when, and which nodes are silent: plain data, fed by sessions and
//! by the [`Presence`](crate::presence::Presence) actor, which hands in the time.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use domain::{ids::NodeId, role::Profile};
use storage::presence::{Beat, PROFILES_MAX, Told};

/// How long it is remembered what was shown; longer than any repetition takes.
const SHOWN_FOR: Duration = Duration::from_secs(120);

/// What one node knows of presence.
#[derive(Debug, Default)]
pub struct PresenceBook {
    /// Here, and not written yet.
    arrived: HashSet<Profile>,
    /// Written, here or gone for less than the grace.
    written: HashSet<Profile>,
    /// Gone since, and still written.
    gone: HashMap<Profile, Instant>,
    /// The last counter of each node, and since when it stands.
    beats: HashMap<NodeId, (u64, Instant)>,
    /// The newest change of each profile that was shown here, and when.
    shown: HashMap<Profile, (u64, Instant)>,
}

impl PresenceBook {
    /// The first device of a profile on this node is there.
    pub fn arrived(&mut self, profile: Profile) {
        // Whoever comes back within the grace was never away.
        if self.gone.remove(&profile).is_none() && !self.written.contains(&profile) {
            self.arrived.insert(profile);
        }
    }

    /// The last device of a profile on this node is gone.
    pub fn left(&mut self, profile: Profile, now: Instant) {
        if !self.arrived.remove(&profile) && self.written.contains(&profile) {
            self.gone.insert(profile, now);
        }
    }

    /// Some of those who are to be written; call [`Self::not_written`] if that fails.
    pub fn take_arrived(&mut self) -> Vec<Profile> {
        let some: Vec<_> = self.arrived.iter().copied().take(PROFILES_MAX).collect();
        for profile in &some {
            self.arrived.remove(profile);
            self.written.insert(*profile);
        }
        some
    }

    /// Those could not be written: they will be taken again.
    pub fn not_written(&mut self, profiles: &[Profile]) {
        for profile in profiles {
            self.written.remove(profile);
            if self.gone.remove(profile).is_none() {
                self.arrived.insert(*profile);
            }
        }
    }

    /// Some of those whose grace is over; call [`Self::not_removed`] if removing them fails.
    pub fn take_gone(&mut self, now: Instant, grace: Duration) -> Vec<Profile> {
        let is_over = |since: &Instant| now.duration_since(*since) >= grace;
        let over = self.gone.iter().filter(|(_, since)| is_over(since));
        let some: Vec<_> = over.map(|(profile, _)| *profile).take(PROFILES_MAX).collect();
        for profile in &some {
            self.gone.remove(profile);
            self.written.remove(profile);
        }
        some
    }

    /// Those could not be removed: they will be taken again, unless they came back meanwhile.
    pub fn not_removed(&mut self, profiles: &[Profile], since: Instant) {
        for profile in profiles {
            self.written.insert(*profile);
            if !self.arrived.remove(profile) {
                self.gone.insert(*profile, since);
            }
        }
    }

    /// This node was taken for dead and has a new name: everybody is written again.
    pub fn start_again(&mut self) {
        for profile in std::mem::take(&mut self.written) {
            if !self.gone.contains_key(&profile) {
                self.arrived.insert(profile);
            }
        }
        self.gone.clear();
    }

    /// Which nodes are dead: those declared so, and those that have not counted on for `silence`.
    pub fn dead(&mut self, beats: &[Beat], now: Instant, silence: Duration) -> Vec<Beat> {
        self.beats.retain(|node_id, _| beats.iter().any(|it| it.node_id == *node_id));
        let is_silent = |it: &&Beat| {
            let seen = self.beats.entry(it.node_id).or_insert((it.n_beats, now));
            if seen.0 != it.n_beats {
                *seen = (it.n_beats, now);
            }
            it.is_dead || now.duration_since(seen.1) >= silence
        };
        beats.iter().filter(is_silent).copied().collect()
    }

    /// Whether a change is newer than what was shown here of its profile; it counts as shown then.
    pub fn is_news(&mut self, told: &Told, now: Instant) -> bool {
        let known = self.shown.get(&told.profile).map_or(0, |it| it.0);
        if known >= told.version {
            return false;
        }
        self.shown.insert(told.profile, (told.version, now));
        true
    }

    /// Forgets what was shown long ago.
    pub fn forget_old(&mut self, now: Instant) {
        self.shown.retain(|_, (_, at)| now.duration_since(*at) < SHOWN_FOR);
    }
}

#[cfg(test)]
mod tests {
    use domain::{clock::Timestamp, role::Role};

    use super::*;

    const GRACE: Duration = Duration::from_secs(20);

    fn profile() -> Profile {
        Profile::generate(Role::Customer)
    }

    #[test]
    fn whoever_comes_back_within_the_grace_costs_nothing_and_was_never_away() {
        let (mut book, ann, start) = (PresenceBook::default(), profile(), Instant::now());
        book.arrived(ann);
        assert_eq!(book.take_arrived(), [ann]);
        book.left(ann, start);
        assert!(book.take_gone(start + GRACE / 2, GRACE).is_empty());
        book.arrived(ann);
        assert!(book.take_arrived().is_empty(), "it is written already");
        assert!(book.take_gone(start + GRACE * 2, GRACE).is_empty(), "it is here");
        book.left(ann, start + GRACE * 2);
        assert!(book.take_gone(start + GRACE * 3 - Duration::from_millis(1), GRACE).is_empty());
        assert_eq!(book.take_gone(start + GRACE * 3, GRACE), [ann]);
        assert!(book.take_gone(start + GRACE * 9, GRACE).is_empty(), "once");
    }

    #[test]
    fn whoever_was_not_written_need_not_be_removed() {
        let (mut book, ann, start) = (PresenceBook::default(), profile(), Instant::now());
        book.arrived(ann);
        book.left(ann, start);
        assert!(book.take_arrived().is_empty());
        assert!(book.take_gone(start + GRACE, GRACE).is_empty());
    }

    #[test]
    fn what_fails_is_done_again() {
        let (mut book, ann, start) = (PresenceBook::default(), profile(), Instant::now());
        book.arrived(ann);
        let taken = book.take_arrived();
        book.not_written(&taken);
        assert_eq!(book.take_arrived(), [ann]);
        book.left(ann, start);
        let late = start + GRACE;
        let taken = book.take_gone(late, GRACE);
        book.not_removed(&taken, start);
        assert_eq!(book.take_gone(late, GRACE), [ann]);
        // Came back while the removal failed: its row is still there.
        book.not_removed(&[ann], start);
        book.arrived(ann);
        assert!(book.take_arrived().is_empty() && book.take_gone(late, GRACE).is_empty());
    }

    #[test]
    fn a_node_that_was_taken_for_dead_writes_everybody_who_is_here() {
        let (mut book, start) = (PresenceBook::default(), Instant::now());
        let (ann, bob) = (profile(), profile());
        book.arrived(ann);
        book.arrived(bob);
        book.take_arrived();
        book.left(bob, start);
        book.start_again();
        assert_eq!(book.take_arrived(), [ann]);
        assert!(book.take_gone(start + GRACE, GRACE).is_empty(), "bob has no row to remove");
    }

    #[test]
    fn a_node_is_dead_when_its_counter_stands_still_by_our_own_clock() {
        let (mut book, start) = (PresenceBook::default(), Instant::now());
        let beat = |n_beats| Beat { node_id: NODE.with(|it| *it), n_beats, is_dead: false };
        assert!(book.dead(&[beat(7)], start, GRACE).is_empty(), "we have only just seen it");
        assert!(book.dead(&[beat(8)], start + GRACE, GRACE).is_empty(), "it counts");
        assert!(book.dead(&[beat(8)], start + GRACE + GRACE / 2, GRACE).is_empty());
        assert_eq!(book.dead(&[beat(8)], start + GRACE * 2, GRACE), [beat(8)]);
        let declared = Beat { is_dead: true, ..beat(9) };
        assert_eq!(book.dead(&[declared], start + GRACE * 2, GRACE), [declared]);
    }

    thread_local! {
        static NODE: NodeId = NodeId::generate();
    }

    #[test]
    fn a_change_that_is_heard_twice_is_shown_once() {
        let (mut book, now) = (PresenceBook::default(), Instant::now());
        let told = Told { profile: profile(), is_on: false, at: Timestamp::from_ms(1), version: 4 };
        assert!(book.is_news(&told, now));
        assert!(!book.is_news(&told, now), "by the bus and by the store");
        assert!(!book.is_news(&Told { version: 3, is_on: true, ..told }, now), "too late");
        assert!(book.is_news(&Told { version: 5, is_on: true, ..told }, now));
    }
}
