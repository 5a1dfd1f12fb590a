//! Times on roads from somebody who knows them: asked in tables before planning, remembered for a
//! while, and done without when they do not come in time.
//!
//! Planning never waits for more than the patience of one [`Roads::measure`], and not at all while the
//! source rests after failures. What is not known then is the straight line times the vehicle's detour.

use std::{
    collections::HashSet,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    geo::Place,
    roads::{NEAR_M, RoadTable, believable},
    travel::Vehicle,
};
use futures_util::StreamExt as _;
use metrics::{counter, gauge};
use tokio::time::{Instant, timeout_at};

mod breaker;
mod known;
#[cfg(test)]
mod tests;

use breaker::Breaker;
use known::{Cell, Known};

/// Starts, and goals, of one question at most: routing servers take a hundred places together.
pub const SIDE_MAX: usize = 50;
/// Questions of one measuring at most; what is left over is asked next time.
pub const QUESTIONS_MAX: usize = 8;
/// Questions under way at once.
const PARALLEL_MAX: usize = 4;
/// Stops of one measuring at most.
pub const STOPS_MAX: usize = 200;
/// Places of one measuring at most, stops and riders.
pub const PLACES_MAX: usize = 400;

/// What is asked: the time from each of some places to each of others.
#[derive(Debug, Clone, PartialEq)]
pub struct TableQuestion {
    /// On which roads, as [`RoadSource::profile`] counts them.
    pub profile: u8,
    /// Starts, [`SIDE_MAX`] at most.
    pub from: Vec<Place>,
    /// Goals, [`SIDE_MAX`] at most.
    pub to: Vec<Place>,
}

/// Why there is no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoadTrouble {
    /// Nobody answered, or with an error.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The answer is no table.
    #[error("a strange answer: {0}")]
    Nonsense(String),
}

impl RoadTrouble {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::NoAnswer(_) => "no_answer",
            Self::Nonsense(_) => "nonsense",
        }
    }
}

/// Milliseconds from each start to each goal, one start after the other; `None` where no road leads.
pub type Answer = Result<Vec<Option<i64>>, RoadTrouble>;

/// A question under way.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// Somebody who knows how long ways on roads take.
pub trait RoadSource: Send + Sync {
    /// The number of a vehicle's profile; vehicles with the same number share what was measured.
    fn profile(&self, vehicle: Vehicle) -> u8;

    /// Asks for a table. It may take as long as it likes: whoever asks loses patience by himself.
    fn table<'a>(&'a self, question: &'a TableQuestion) -> Asking<'a>;
}

/// What is to be measured: from all places, to the first of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// Stops, then riders.
    pub places: Vec<Place>,
    /// How many of them are stops.
    pub n_stops: usize,
    /// With what riders move.
    pub vehicles: Vec<Vehicle>,
}

/// A table for each vehicle that one was wanted for.
pub type Tables = [Option<Arc<RoadTable>>; Vehicle::ALL.len()];

/// How it goes, for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoadsState {
    /// Whether times on roads are asked for at all.
    pub is_on: bool,
    /// Whether the source is left alone at present because it failed.
    pub is_resting: bool,
    /// Legs that are remembered.
    pub n_known: usize,
}

#[derive(Default)]
struct State {
    known: Known,
    breaker: Breaker,
}

/// Times on roads, shared by all who plan or estimate on a node.
pub struct Roads {
    source: Option<Arc<dyn RoadSource>>,
    patience: Duration,
    began: Instant,
    state: Mutex<State>,
}

/// One question and which rows and columns it is about.
struct Block {
    rows: Vec<Cell>,
    columns: Vec<Cell>,
    question: TableQuestion,
}

impl fmt::Debug for Roads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roads").field("state", &self.state()).finish_non_exhaustive()
    }
}

impl Default for Roads {
    fn default() -> Self {
        Self::new(None, Duration::ZERO)
    }
}

impl Roads {
    /// Asks `source`, and waits for no longer than `patience` for all that is wanted at a time.
    pub fn new(source: Option<Arc<dyn RoadSource>>, patience: Duration) -> Self {
        Self { source, patience, began: Instant::now(), state: Mutex::default() }
    }

    /// Whether anybody is asked.
    pub fn is_on(&self) -> bool {
        self.source.is_some()
    }

    /// How it goes.
    pub fn state(&self) -> RoadsState {
        let state = self.lock();
        let is_resting = state.breaker.is_resting(self.now());
        RoadsState { is_on: self.is_on(), is_resting, n_known: state.known.len() }
    }

    /// Measures what is wanted as far as it is known, or becomes known in time.
    pub async fn measure(&self, wanted: &Wanted) -> Tables {
        let Some(source) = &self.source else { return Tables::default() };
        let mut profiles: Vec<u8> = wanted.vehicles.iter().map(|it| source.profile(*it)).collect();
        profiles.sort_unstable();
        profiles.dedup();
        let cells = cells(wanted);
        let (blocks, n_known) = self.unknown(wanted, &cells, &profiles);
        let n_asked = if blocks.is_empty() { 0 } else { self.ask(source.as_ref(), blocks).await };
        counter!("riderhub_road_legs_total", "from" => "cache").increment(n_known);
        counter!("riderhub_road_legs_total", "from" => "source").increment(n_asked);
        let mut tables = Tables::default();
        let state = self.lock();
        for profile in profiles {
            let time = |row: usize, column: usize| {
                state.known.get(&(profile, cells[row], cells[column])).flatten()
            };
            let table = Arc::new(RoadTable::new(&wanted.places, wanted.n_stops, time));
            for vehicle in wanted.vehicles.iter().filter(|it| source.profile(**it) == profile) {
                tables[*vehicle as usize] = Some(Arc::clone(&table));
            }
        }
        tables
    }

    /// What must be asked for, as far as the source may be asked, and how many legs are known.
    fn unknown(&self, wanted: &Wanted, cells: &[Cell], profiles: &[u8]) -> (Vec<Block>, u64) {
        let now = self.now();
        let mut state = self.lock();
        state.known.forget_old(now);
        let (mut blocks, mut n_known, mut n_missing) = (Vec::new(), 0, 0);
        for profile in profiles {
            let mut missing: Vec<(usize, Vec<usize>)> = Vec::new();
            let mut seen = HashSet::new();
            for (row, from) in cells.iter().enumerate().filter(|(_, it)| seen.insert(**it)) {
                let is_far =
                    |column: &usize| wanted.places[row].metres_to(wanted.places[*column]) >= NEAR_M;
                let is_known = |it: &usize| state.known.get(&(*profile, *from, cells[*it]));
                let far: Vec<usize> = (0..wanted.n_stops).filter(is_far).collect();
                let columns: Vec<usize> =
                    far.iter().copied().filter(|it| is_known(it).is_none()).collect();
                n_known += (far.len() - columns.len()) as u64;
                n_missing += columns.len() as u64;
                if !columns.is_empty() {
                    missing.push((row, columns));
                }
            }
            blocks.extend(in_blocks(wanted, cells, *profile, &missing));
        }
        blocks.truncate(QUESTIONS_MAX);
        blocks.truncate(state.breaker.allows(blocks.len(), now));
        gauge!("riderhub_roads_resting").set(f64::from(u8::from(state.breaker.is_resting(now))));
        let asked: usize = blocks.iter().map(|it| it.rows.len() * it.columns.len()).sum();
        let n_straight = n_missing.saturating_sub(asked as u64);
        counter!("riderhub_road_legs_total", "from" => "straight").increment(n_straight);
        (blocks, n_known)
    }

    /// Asks, and remembers what comes in time; answers how many legs those are.
    async fn ask(&self, source: &dyn RoadSource, blocks: Vec<Block>) -> u64 {
        let until = Instant::now() + self.patience;
        let (n, mut n_answered, mut n_good, mut n_legs) = (blocks.len(), 0, 0, 0);
        let ask = async |block: Block| {
            let answer = source.table(&block.question).await;
            (block, answer)
        };
        let mut under_way = std::pin::pin!(
            futures_util::stream::iter(blocks).map(ask).buffer_unordered(PARALLEL_MAX)
        );
        while let Ok(Some((block, answer))) = timeout_at(until, under_way.next()).await {
            n_answered += 1;
            let result = match answer.and_then(|it| self.take_in(&block, &it)) {
                Ok(n) => {
                    (n_good, n_legs) = (n_good + 1, n_legs + n);
                    "ok"
                }
                Err(trouble) => {
                    tracing::debug!(cause = %trouble, "no times on roads");
                    trouble.as_str()
                }
            };
            counter!("riderhub_road_requests_total", "result" => result).increment(1);
        }
        let n_slow = (n - n_answered) as u64;
        counter!("riderhub_road_requests_total", "result" => "slow").increment(n_slow);
        let (now, mut state) = (self.now(), self.lock());
        if n_good > 0 {
            state.breaker.succeeded();
        } else if let Some(rest_ms) = state.breaker.failed(now) {
            gauge!("riderhub_roads_resting").set(1.0);
            tracing::warn!(
                rest_ms,
                "the routing server does not answer well; ways are reckoned by the straight line"
            );
        }
        n_legs
    }

    /// Remembers a table.
    fn take_in(&self, block: &Block, times: &[Option<i64>]) -> Result<u64, RoadTrouble> {
        let Block { rows, columns, question } = block;
        if times.len() != rows.len() * columns.len() {
            let text = format!("{} times for {} by {}", times.len(), rows.len(), columns.len());
            return Err(RoadTrouble::Nonsense(text));
        }
        let pair = |i: usize| (i / columns.len(), i % columns.len());
        let mut believed = Vec::with_capacity(times.len());
        let (mut n_said, mut n_wrong) = (0, 0);
        for (i, said) in times.iter().enumerate() {
            let (row, column) = pair(i);
            let metres = question.from[row].metres_to(question.to[column]);
            let ms = said.and_then(|ms| believable(ms, metres));
            // Near ones may well be the same place on the road.
            if said.is_some() && metres >= NEAR_M {
                n_said += 1;
                n_wrong += usize::from(ms.is_none());
            }
            believed.push(ms);
        }
        // A few wrong ones are left out; a table that is mostly wrong is none.
        if n_wrong * 2 > n_said {
            return Err(RoadTrouble::Nonsense(format!(
                "{n_wrong} of {n_said} times are impossible"
            )));
        }
        let (now, mut state) = (self.now(), self.lock());
        for (i, ms) in believed.into_iter().enumerate() {
            let (row, column) = pair(i);
            state.known.put((question.profile, rows[row], columns[column]), ms, now);
        }
        Ok(times.len() as u64)
    }

    fn now(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is complete in itself, so a poisoned lock still guards good data.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cells(wanted: &Wanted) -> Vec<Cell> {
    let cell = |(i, place): (usize, &Place)| {
        if i < wanted.n_stops { Cell::of_stop(*place) } else { Cell::of_rider(*place) }
    };
    wanted.places.iter().enumerate().map(cell).collect()
}

/// Questions that hold all that is missing: some rows, and the columns that one of them lacks.
fn in_blocks(
    wanted: &Wanted,
    cells: &[Cell],
    profile: u8,
    missing: &[(usize, Vec<usize>)],
) -> Vec<Block> {
    let mut blocks = Vec::new();
    for part in missing.chunks(SIDE_MAX) {
        let rows: Vec<usize> = part.iter().map(|it| it.0).collect();
        let mut columns: Vec<usize> = part.iter().flat_map(|it| it.1.iter().copied()).collect();
        columns.sort_unstable_by_key(|it| cells[*it]);
        columns.dedup_by_key(|it| cells[*it]);
        columns.sort_unstable();
        let middles = |all: &[usize]| -> Vec<Place> {
            all.iter().map(|it| cells[*it].middle(wanted.places[*it])).collect()
        };
        let named = |all: &[usize]| all.iter().map(|it| cells[*it]).collect();
        for columns in columns.chunks(SIDE_MAX) {
            let question = TableQuestion { profile, from: middles(&rows), to: middles(columns) };
            blocks.push(Block { rows: named(&rows), columns: named(columns), question });
        }
    }
    blocks
}
