//! Rates of one node alone: the twin of `lua/rate.lua`.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use domain::rate::{Quota, Taken};
use futures_util::{FutureExt as _, future::BoxFuture, future::ready};

use super::Rates;

/// Keys beyond this number make us look for those that have everything back.
const SWEPT_FROM: usize = 4_096;

#[derive(Debug)]
struct Kept {
    /// When each key has everything back, in microseconds since the start.
    until_us: HashMap<String, i64>,
    /// How many keys make us look the next time.
    swept_from: usize,
}

/// What each key has taken.
#[derive(Debug)]
pub struct InProcessRates {
    started: Instant,
    kept: Mutex<Kept>,
}

impl Default for InProcessRates {
    fn default() -> Self {
        let kept = Kept { until_us: HashMap::new(), swept_from: SWEPT_FROM };
        Self { started: Instant::now(), kept: Mutex::new(kept) }
    }
}

impl InProcessRates {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Each change is complete in itself, so a poisoned map is still a good one.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rates for InProcessRates {
    fn take(&self, key: String, quota: Quota) -> BoxFuture<'_, Taken> {
        ready(self.take_here(key, quota)).boxed()
    }

    fn take_here(&self, key: String, quota: Quota) -> Taken {
        let now_us = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        let mut kept = self.kept();
        if kept.until_us.len() >= kept.swept_from {
            kept.until_us.retain(|_, until| *until > now_us);
            kept.swept_from = SWEPT_FROM.max(kept.until_us.len() * 2);
        }
        let until = kept.until_us.entry(key).or_insert(now_us);
        let (taken, next) = quota.take(Some(*until), now_us);
        *until = next;
        taken
    }

    fn give(&self, key: String, quota: Quota) -> BoxFuture<'_, ()> {
        if let Some(until) = self.kept().until_us.get_mut(&key) {
            *until = quota.give_back(*until);
        }
        ready(()).boxed()
    }

    fn forget(&self, key: String) -> BoxFuture<'_, ()> {
        self.kept().until_us.remove(&key);
        ready(()).boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn keys_that_have_everything_back_are_forgotten() {
        let rates = InProcessRates::default();
        let short = Quota { n: 1, period: Duration::from_micros(1) };
        for n in 0..SWEPT_FROM * 3 {
            rates.take_here(format!("k{n}"), short);
        }
        assert!(rates.kept().until_us.len() <= SWEPT_FROM + 1);
    }
}
