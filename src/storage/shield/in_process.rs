//! The shield of one node alone: the twin of `lua/stock.lua`.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use domain::ids::{OrderId, ProductId};
use futures_util::{FutureExt as _, future::BoxFuture, future::ready};

use super::{Look, PENDING_HOLDS, REMEMBERED_FOR, Seen, Shielded, StockShield};

/// Products beyond this number make us look for those that were not heard of for long.
const SWEPT_FROM: usize = 16_384;

/// What is known of each product.
#[derive(Debug, Default)]
pub struct InProcessShield(Mutex<HashMap<ProductId, Known>>);

#[derive(Debug)]
struct Known {
    seen: Seen,
    until: Instant,
    pending: HashMap<OrderId, (i64, Instant)>,
}

impl Known {
    fn new(seen: Seen) -> Self {
        let until = Instant::now() + REMEMBERED_FOR;
        Self { seen, until, pending: HashMap::new() }
    }

    fn has_room(&self, pieces: i64) -> bool {
        let pending: i64 = self.pending.values().map(|it| it.0).sum();
        self.seen.left - pending >= pieces
    }

    fn reserve(&mut self, order: OrderId, pieces: i64) -> Shielded {
        if self.pending.contains_key(&order) {
            return Shielded::AlreadyYours;
        }
        if self.seen.left < pieces {
            return Shielded::SoldOut;
        }
        let now = Instant::now();
        if !self.has_room(pieces) {
            self.pending.retain(|_, (_, until)| *until >= now);
            if !self.has_room(pieces) {
                return Shielded::Held;
            }
        }
        self.pending.insert(order, (pieces, now + PENDING_HOLDS));
        Shielded::Reserved
    }
}

impl InProcessShield {
    fn known(&self) -> MutexGuard<'_, HashMap<ProductId, Known>> {
        // Each change is complete in itself, so a poisoned map is still a good one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StockShield for InProcessShield {
    fn reserve(&self, product: ProductId, order: OrderId, pieces: i64) -> BoxFuture<'_, Shielded> {
        let mut known = self.known();
        let found = known.get_mut(&product).filter(|it| it.until >= Instant::now());
        ready(found.map_or(Shielded::Unknown, |it| it.reserve(order, pieces))).boxed()
    }

    fn confirm(&self, product: ProductId, order: Option<OrderId>, seen: Seen) -> BoxFuture<'_, ()> {
        let mut all = self.known();
        if all.len() >= SWEPT_FROM {
            let now = Instant::now();
            all.retain(|_, it| it.until >= now);
        }
        let known = all.entry(product).or_insert_with(|| Known::new(seen));
        if known.until < Instant::now() {
            *known = Known::new(seen);
        }
        if let Some(order) = order {
            known.pending.remove(&order);
        }
        if seen.version > known.seen.version {
            (known.seen, known.until) = (seen, Instant::now() + REMEMBERED_FOR);
        }
        ready(()).boxed()
    }

    fn release(&self, product: ProductId, order: OrderId) -> BoxFuture<'_, ()> {
        if let Some(known) = self.known().get_mut(&product) {
            known.pending.remove(&order);
        }
        ready(()).boxed()
    }

    fn fill(&self, product: ProductId, seen: Seen) -> BoxFuture<'_, ()> {
        self.known().insert(product, Known::new(seen));
        ready(()).boxed()
    }

    fn look(&self, product: ProductId) -> BoxFuture<'_, Look> {
        let known = self.known();
        let found = known.get(&product).filter(|it| it.until >= Instant::now());
        ready(found.map_or(Look::Nothing, |it| Look::Knows(it.seen))).boxed()
    }
}
