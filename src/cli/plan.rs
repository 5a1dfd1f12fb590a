//! `riderhub plan`: single-rider route plans, one problem a line.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use domain::route::{PlanOptions, plan_route, problem::RouteStop};
use serde_json::{Value, json};

use super::{output::write_whole, plan_input::PlanLine};

/// Looks granted to one plan without a time limit: enough for the best plan of fifteen orders.
const EFFORT: u64 = 5_000_000;
/// Not more than this many faulty lines are listed.
const FAULTS_SHOWN: usize = 10;

/// Plans the stops of single riders: one problem a line in, one plan a line out.
#[derive(Args, Debug, Clone)]
pub struct PlanArgs {
    /// JSON lines with one problem each; `-` reads the standard input
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// Where the plans go, one JSON line each; `-` writes to the standard output
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// What to minimise
    #[arg(long, value_enum, default_value_t = Objective::Lateness)]
    pub objective: Objective,
    /// Longest search for one plan of more than six orders; without it plans are repeatable
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub time_limit_ms: Option<u64>,
}

/// What a plan minimises.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// Travel + lateness weight × lateness
    #[value(name = "J")]
    Lateness,
    /// Travel alone
    #[value(name = "travel")]
    Travel,
}

/// The plans were not written.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The input cannot be read.
    #[error("cannot read {}: {source}; check the path given to --input", .path.display())]
    Unreadable {
        /// As given.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The output cannot be written.
    #[error("cannot write {}: {source}; check the path given to --output", .path.display())]
    Unwritable {
        /// As given.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is nothing to plan.
    #[error("{} holds no problem; expected one JSON object a line", .path.display())]
    Empty {
        /// As given.
        path: PathBuf,
    },
    /// Some lines cannot be planned; each text names its line and what to fix.
    #[error("nothing was written, because of the input:\n{}", .0.join("\n"))]
    Faulty(Vec<String>),
}

/// What was done, for the last line on the terminal.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanSummary {
    /// Plans written.
    pub n_plans: usize,
    /// Plans that no other sequence can beat.
    pub n_proven: usize,
    /// Time spent planning, without reading and writing.
    pub planning: Duration,
}

impl std::fmt::Display for PlanSummary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { n_plans, n_proven, planning } = self;
        write!(f, "planned {n_plans} routes, {n_proven} of them proven best, in {planning:.2?}")
    }
}

/// Reads the problems, plans them, writes the plans.
///
/// # Errors
///
/// [`PlanError`]; nothing has been written then.
pub fn run(args: &PlanArgs) -> Result<PlanSummary, PlanError> {
    let unreadable = |source| PlanError::Unreadable { path: args.input.clone(), source };
    let text = read_text(&args.input).map_err(unreadable)?;
    let mut summary = PlanSummary { n_plans: 0, n_proven: 0, planning: Duration::ZERO };
    let (mut plans, mut faults) = (String::new(), Vec::new());
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match plan_line(line, args, &mut summary) {
            Ok(plan) => {
                plans.push_str(&plan.to_string());
                plans.push('\n');
            }
            Err(fault) => faults.push(format!("line {}: {fault}", i + 1)),
        }
        if faults.len() == FAULTS_SHOWN {
            break;
        }
    }
    if !faults.is_empty() {
        return Err(PlanError::Faulty(faults));
    }
    if plans.is_empty() {
        return Err(PlanError::Empty { path: args.input.clone() });
    }
    let unwritable = |source| PlanError::Unwritable { path: args.output.clone(), source };
    write_whole(&args.output, &plans).map_err(unwritable)?;
    Ok(summary)
}

fn read_text(path: &Path) -> io::Result<String> {
    if path.as_os_str() != "-" {
        return fs::read_to_string(path);
    }
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text)?;
    Ok(text)
}

/// Plans one line of the input.
fn plan_line(line: &str, args: &PlanArgs, summary: &mut PlanSummary) -> Result<Value, String> {
    let line = PlanLine::read(line)?;
    let lateness_weight = match args.objective {
        Objective::Lateness => line.lateness_weight,
        Objective::Travel => 0.0,
    };
    let started = Instant::now();
    let limit = args.time_limit_ms.map(Duration::from_millis);
    let is_over = || limit.is_some_and(|limit| started.elapsed() >= limit);
    let options = PlanOptions {
        lateness_weight,
        effort: if limit.is_some() { u64::MAX } else { EFFORT },
        stop: Some(&is_over),
        warm_start: None,
    };
    let plan = plan_route(&line.problem, options).map_err(|err| line.explain(err))?;
    let took = started.elapsed();

    summary.n_plans += 1;
    summary.n_proven += usize::from(plan.is_proven);
    summary.planning += took;
    let name = |stop: &RouteStop| match *stop {
        RouteStop::Pickup(i) => format!("+{}", line.order_ids[i]),
        RouteStop::DropOff(i) => format!("-{}", line.order_ids[i]),
    };
    let stops: Vec<String> = plan.stops.iter().map(name).collect();
    let ms = (took.as_secs_f64() * 1e6).round() / 1e3;
    Ok(json!({ "id": line.id, "plan": stops, "ms": ms }))
}
