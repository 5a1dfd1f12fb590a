//! Times on roads from an OSRM server: its `table` service over HTTP.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use domain::{geo::Place, roads::LEG_MAX_MS, travel::Vehicle};
use reqwest::{Client, Response, header::ACCEPT, redirect::Policy};
use serde::Deserialize;
use usecases::roads::{Answer, Asking, RoadSource, RoadTrouble, Roads, TableQuestion};

use crate::{
    http_client,
    settings::{PROFILE_MARK, Settings},
};

/// Bytes of an answer at most: fifty times fifty numbers with names around them are far less.
const ANSWER_BYTES_MAX: usize = 1_048_576;
/// Nobody waits for a question for so long; a slow server is not to collect them.
const QUESTION_MAX: Duration = Duration::from_secs(10);
/// What the profile is called in the path where the address already names it.
const ANY_PROFILE: &str = "driving";
/// What OSRM calls an answer that is one.
const OK: &str = "Ok";

/// The `table` service of an OSRM server, or of one for each profile.
pub struct Osrm {
    http: Client,
    base: String,
    profiles: [String; Vehicle::ALL.len()],
}

/// Times on roads as the settings want them.
///
/// # Errors
///
/// If an HTTP client cannot be made.
pub fn open(settings: &Settings) -> Result<Arc<Roads>, reqwest::Error> {
    let Some((base, profiles)) = settings.osrm.clone().zip(settings.road_profiles()) else {
        return Ok(Arc::default());
    };
    let source = Arc::new(Osrm::new(base, profiles)?);
    let patience = Duration::from_millis(settings.osrm_timeout_ms);
    Ok(Arc::new(Roads::new(Some(source), patience)))
}

/// What OSRM answers, as far as we look at it.
#[derive(Deserialize)]
struct Table {
    code: String,
    #[serde(default)]
    message: String,
    durations: Option<Vec<Vec<Option<f64>>>>,
}

impl Osrm {
    /// Asks the server at `base` for the profiles of the vehicles, in their order.
    ///
    /// # Errors
    ///
    /// If an HTTP client cannot be made.
    pub fn new(
        base: String,
        profiles: [String; Vehicle::ALL.len()],
    ) -> Result<Self, reqwest::Error> {
        let http = http_client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(QUESTION_MAX)
            .build()?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), profiles })
    }

    fn address(&self, question: &TableQuestion) -> String {
        let profile = self.profiles.get(usize::from(question.profile)).map_or("", String::as_str);
        let base = self.base.replace(PROFILE_MARK, profile);
        let in_path = if self.base.contains(PROFILE_MARK) { ANY_PROFILE } else { profile };
        let place = |it: &Place| format!("{:.5},{:.5}", it.lng(), it.lat());
        let places: Vec<String> = question.from.iter().chain(&question.to).map(place).collect();
        let numbers = |all: std::ops::Range<usize>| {
            all.map(|it| it.to_string()).collect::<Vec<_>>().join(";")
        };
        let n_from = question.from.len();
        let (from, to) = (numbers(0..n_from), numbers(n_from..places.len()));
        let mut address = format!("{base}/table/v1/{in_path}/{}", places.join(";"));
        let _cannot_fail =
            write!(address, "?annotations=duration&sources={from}&destinations={to}");
        address
    }

    async fn ask(&self, question: &TableQuestion) -> Answer {
        let no_answer = |err: reqwest::Error| RoadTrouble::NoAnswer(err.without_url().to_string());
        let request = self.http.get(self.address(question)).header(ACCEPT, "application/json");
        let answer = request.send().await.map_err(no_answer)?;
        let status = answer.status();
        if status.is_server_error() {
            return Err(RoadTrouble::NoAnswer(status.to_string()));
        }
        let body = read(answer).await?;
        // Refusals say why in the same form.
        let table: Table = serde_json::from_slice(&body)
            .map_err(|err| RoadTrouble::Nonsense(format!("{status}: {err}")))?;
        match (table.code.as_str(), table.durations) {
            (OK, Some(durations)) if status.is_success() => times(durations, question),
            (OK, _) => Err(RoadTrouble::Nonsense(format!("{status} without durations"))),
            (code, _) => Err(RoadTrouble::NoAnswer(format!("{code}: {}", table.message))),
        }
    }
}

impl RoadSource for Osrm {
    fn profile(&self, vehicle: Vehicle) -> u8 {
        let name = &self.profiles[vehicle as usize];
        // Names are those of vehicles, of which there are few.
        self.profiles.iter().position(|it| it == name).unwrap_or(0) as u8
    }

    fn table<'a>(&'a self, question: &'a TableQuestion) -> Asking<'a> {
        Box::pin(self.ask(question))
    }
}

/// Reads the body as far as it may be long.
async fn read(mut answer: Response) -> Result<Vec<u8>, RoadTrouble> {
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(part)) if body.len() + part.len() <= ANSWER_BYTES_MAX => {
                body.extend_from_slice(&part);
            }
            Ok(Some(_)) => return Err(RoadTrouble::Nonsense("it is too long".to_owned())),
            Ok(None) => return Ok(body),
            Err(err) => return Err(RoadTrouble::NoAnswer(err.without_url().to_string())),
        }
    }
}

/// Seconds in rows, as milliseconds one after the other.
fn times(rows: Vec<Vec<Option<f64>>>, question: &TableQuestion) -> Answer {
    let (n_rows, n_columns) = (question.from.len(), question.to.len());
    if rows.len() != n_rows || rows.iter().any(|it| it.len() != n_columns) {
        let text = format!("{} rows, not {n_rows} of {n_columns}", rows.len());
        return Err(RoadTrouble::Nonsense(text));
    }
    // What is out of range is passed on as what nobody believes.
    let ms = |seconds: f64| (seconds * 1_000.0).clamp(-1.0, (LEG_MAX_MS + 1) as f64).round() as i64;
    Ok(rows.into_iter().flatten().map(|it| it.map(ms)).collect())
}

#[cfg(test)]
mod tests;
