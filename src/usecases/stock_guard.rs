//! What stands between buyers and SQL: a shield that knows what is sold out, and how it is kept right.
//!
//! SQL decides. The guard turns buyers away early when the shield says that SQL said so, asks SQL
//! whether that is true, and from time to time compares all that this node told the shield with SQL.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::ids::{OrderId, ProductId};
use metrics::counter;
use storage::{
    db::Db,
    error::StoreError,
    shield::{Look, REMEMBERED_FOR, Seen, Shielded, StockShield},
    stock::{self as rows, Shelf},
};
use tokio::runtime::Handle;

use crate::error::AskError;

/// How often a buyer asks again while others are on their way to SQL with the last pieces.
const ASK_AGAIN: u32 = 40;
/// Pause between two asks.
const ASK_PAUSE: Duration = Duration::from_millis(25);
/// Products that are compared with SQL in one statement.
const COMPARED_AT_ONCE: usize = 200;
/// Products that are kept in mind at most.
const KNOWN_MAX: usize = 20_000;

/// A stock that changed, as it stands after the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The stock.
    pub shelf: Shelf,
    /// The order that changed it, if one did.
    pub order: Option<OrderId>,
}

impl Counted {
    fn seen(&self) -> Seen {
        seen(&self.shelf)
    }
}

fn seen(shelf: &Shelf) -> Seen {
    Seen { left: shelf.stock.available(), version: shelf.stock.version }
}

/// What came of comparing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compared {
    /// Products that were compared.
    pub n_looked: usize,
    /// Of them, those whose number was wrong and is overwritten now.
    pub n_repaired: usize,
}

/// A product that this node told the shield about.
struct Known {
    until: Instant,
    /// What the shield said at the last comparison, if it was not what SQL said.
    odd: Option<Seen>,
}

/// See the file's head.
pub struct StockGuard {
    shield: Arc<dyn StockShield>,
    known: Mutex<HashMap<ProductId, Known>>,
}

impl StockGuard {
    /// Knows nothing yet.
    pub fn new(shield: Arc<dyn StockShield>) -> Self {
        Self { shield, known: Mutex::default() }
    }

    /// Asks whether an order may go on to SQL. If so, it must be told what became of it: by a commit
    /// ([`Self::tell`]) or by [`Self::give_up`].
    ///
    /// # Errors
    ///
    /// [`AskError::OutOfStock`] if SQL says that there are not enough.
    pub(crate) async fn pass(
        &self,
        reader: &mut Db,
        order: OrderId,
        wanted: &[(ProductId, u32)],
    ) -> Result<(), AskError> {
        for (product, pieces) in wanted {
            let (product, pieces) = (*product, i64::from(*pieces));
            let answer = self.ask(reader, product, order, pieces).await;
            counter!("riderhub_stock_shield_total", "result" => answer.as_str()).increment(1);
            if answer == Shielded::SoldOut
                && let Err(err) = self.check_sold_out(reader, product, pieces).await
            {
                self.give_up(order, wanted).await;
                return Err(err);
            }
        }
        Ok(())
    }

    async fn ask(
        &self,
        reader: &mut Db,
        product: ProductId,
        order: OrderId,
        pieces: i64,
    ) -> Shielded {
        let mut answer = self.shield.reserve(product, order, pieces).await;
        if answer == Shielded::Unknown {
            // What SQL cannot say now, it will say in the transaction.
            let shelf = rows::list(reader, &[product]).await.ok().and_then(|mut it| it.pop());
            let Some(shelf) = shelf else { return answer };
            self.tell_one(&Counted { shelf, order: None }).await;
            answer = self.shield.reserve(product, order, pieces).await;
        }
        for _ in 0..ASK_AGAIN {
            if answer != Shielded::Held {
                break;
            }
            tokio::time::sleep(ASK_PAUSE).await;
            answer = self.shield.reserve(product, order, pieces).await;
        }
        answer
    }

    /// A wrong number must keep nobody away: SQL is asked, without a lock.
    async fn check_sold_out(
        &self,
        reader: &mut Db,
        product_id: ProductId,
        pieces: i64,
    ) -> Result<(), AskError> {
        let Some(shelf) = rows::list(reader, &[product_id]).await?.pop() else { return Ok(()) };
        let left = shelf.stock.available();
        if left < pieces {
            return Err(AskError::OutOfStock { product_id, name: shelf.name, left });
        }
        self.shield.confirm(product_id, None, seen(&shelf)).await;
        Ok(())
    }

    /// An order did not get into SQL.
    pub(crate) async fn give_up(&self, order: OrderId, wanted: &[(ProductId, u32)]) {
        for (product, _) in wanted {
            self.shield.release(*product, order).await;
        }
    }

    /// Tells what was committed. Nobody waits for it.
    pub(crate) fn tell(self: &Arc<Self>, counted: Vec<Counted>) {
        if let (false, Ok(runtime)) = (counted.is_empty(), Handle::try_current()) {
            let its = Arc::clone(self);
            runtime.spawn(async move {
                for it in counted {
                    its.tell_one(&it).await;
                }
            });
        }
    }

    async fn tell_one(&self, it: &Counted) {
        self.keep_in_mind(it.shelf.product_id);
        self.shield.confirm(it.shelf.product_id, it.order, it.seen()).await;
    }

    fn keep_in_mind(&self, product: ProductId) {
        let until = Instant::now() + REMEMBERED_FOR;
        let mut known = self.known();
        if let Some(it) = known.get_mut(&product) {
            it.until = until;
        } else if known.len() < KNOWN_MAX {
            known.insert(product, Known { until, odd: None });
        }
    }

    /// Compares what the shield knows with SQL, and overwrites what is wrong: what differs at the same
    /// version, or has not moved since the last comparison although SQL has.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if SQL cannot be read.
    pub async fn compare(&self, reader: &mut Db) -> Result<Compared, StoreError> {
        let mut compared = Compared::default();
        let due = self.due();
        for some in due.chunks(COMPARED_AT_ONCE) {
            let mut looks = Vec::with_capacity(some.len());
            for product in some {
                match self.shield.look(*product).await {
                    Look::Knows(seen) => looks.push((*product, seen)),
                    Look::Nothing => drop(self.known().remove(product)),
                    Look::Away => return Ok(compared),
                }
            }
            let ids: Vec<_> = looks.iter().map(|it| it.0).collect();
            for shelf in rows::list(reader, &ids).await? {
                let product_id = shelf.product_id;
                let Some((_, said)) = looks.iter().find(|it| it.0 == product_id) else { continue };
                compared.n_looked += 1;
                if self.is_wrong(product_id, *said, seen(&shelf)) {
                    let (said, truth) = (*said, seen(&shelf));
                    tracing::warn!(product.id = %product_id, ?said, ?truth, "a stock was wrong in the shield");
                    counter!("riderhub_stock_repaired_total").increment(1);
                    self.shield.fill(product_id, truth).await;
                    compared.n_repaired += 1;
                }
            }
        }
        Ok(compared)
    }

    fn is_wrong(&self, product: ProductId, said: Seen, truth: Seen) -> bool {
        let mut known = self.known();
        let Some(known) = known.get_mut(&product) else { return false };
        if said == truth {
            known.odd = None;
            return false;
        }
        let before = known.odd.replace(said);
        said.version == truth.version || before == Some(said)
    }

    fn due(&self) -> Vec<ProductId> {
        let now = Instant::now();
        let mut known = self.known();
        known.retain(|_, it| it.until >= now);
        known.keys().copied().collect()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<ProductId, Known>> {
        // Each change is complete in itself, so a poisoned map is still a good one.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
