//! Recorded tracks of real receivers: reading them, and the noise that is in them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A receiver that says nothing for longer than this has a gap, in milliseconds.
pub const GAP_MS: i64 = 15_000;
/// Farther than this a position is not noise but a turn that the line of its neighbours cuts, in
/// metres.
const NOISE_MAX_M: f64 = 60.0;

/// One position of a track.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Milliseconds since the track's start.
    pub t_ms: i64,
    /// Metres east and north of a centre of the track's own.
    pub at: [f64; 2],
}

/// What one receiver told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Track {
    /// In the order of time.
    pub points: Vec<Point>,
}

/// The tracks cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum GpsError {
    /// No such file, or no right to it.
    #[error("cannot read the tracks {}: {source}", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Not what is expected.
    #[error("line {line} of {} is not `traj,t_s,x_m,y_m,…` in the order of time", .path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// Nothing in it.
    #[error("{} holds no track", .path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
}

/// Reads tracks from a CSV file with the columns `traj`, `t_s`, `x_m`, `y_m`; more may follow.
///
/// # Errors
///
/// [`GpsError`] if it cannot be read or has no track.
pub fn read(path: &Path) -> Result<Vec<Track>, GpsError> {
    let text = fs::read_to_string(path)
        .map_err(|source| GpsError::Unreadable { path: path.to_owned(), source })?;
    let mut tracks: Vec<Track> = Vec::new();
    let mut current = "";
    for (index, line) in text.lines().enumerate().skip(1) {
        let malformed = || GpsError::Malformed { path: path.to_owned(), line: index + 1 };
        let (name, point) = parse(line).ok_or_else(malformed)?;
        if name != current || tracks.is_empty() {
            current = name;
            tracks.push(Track::default());
        }
        let Some(track) = tracks.last_mut() else { continue };
        if track.points.last().is_some_and(|it| it.t_ms > point.t_ms) {
            return Err(malformed());
        }
        track.points.push(point);
    }
    tracks.retain(|it| it.points.len() >= 3);
    if tracks.is_empty() { Err(GpsError::Empty { path: path.to_owned() }) } else { Ok(tracks) }
}

fn parse(line: &str) -> Option<(&str, Point)> {
    let mut columns = line.split(',');
    let name = columns.next()?;
    let mut number = || columns.next()?.trim().parse::<f64>().ok().filter(|it| it.is_finite());
    let (seconds, x, y) = (number()?, number()?, number()?);
    Some((name, Point { t_ms: (seconds * 1_000.0) as i64, at: [x, y] }))
}

/// The noise of a receiver over time: how far it is off, and when it says nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Noise {
    steps: Vec<Point>,
}

impl Track {
    /// How far each position lies from the straight line between its neighbours.
    pub fn noise(&self) -> Noise {
        let Some(first) = self.points.first() else { return Noise::default() };
        let steps = self.points.windows(3).map(|of| {
            let [before, it, after] = [of[0], of[1], of[2]];
            let span = (after.t_ms - before.t_ms).max(1) as f64;
            let part = (it.t_ms - before.t_ms) as f64 / span;
            let off = |axis: usize| {
                let line = before.at[axis] + (after.at[axis] - before.at[axis]) * part;
                (it.at[axis] - line).clamp(-NOISE_MAX_M, NOISE_MAX_M)
            };
            Point { t_ms: it.t_ms - first.t_ms, at: [off(0), off(1)] }
        });
        Noise { steps: steps.collect() }
    }
}

impl Noise {
    /// How far the receiver is off at an instant, east and north in metres; `None` in a gap. After
    /// its end the noise begins anew.
    pub fn at(&self, t_ms: i64) -> Option<[f64; 2]> {
        let length = self.steps.last()?.t_ms.max(1);
        let t = t_ms.rem_euclid(length);
        let next = self.steps.partition_point(|it| it.t_ms <= t);
        let last = self.steps.get(next.saturating_sub(1))?;
        let ends = self.steps.get(next).map_or(length, |it| it.t_ms);
        (ends - last.t_ms <= GAP_MS).then_some(last.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_are_read_and_their_noise_has_gaps() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tracks.csv");
        let text = "traj,t_s,x_m,y_m,label\n0,0.0,0,0,foot\n0,5.0,10,0,foot\n0,10.0,20,6,foot\n\
                    0,15.0,30,0,foot\n0,60.0,40,0,foot\n0,65.0,50,0,foot\n1,0,1,1,drive\n\
                    1,5,1,1,drive\n1,10,1,1,drive\n";
        fs::write(&path, text).unwrap();
        let tracks = read(&path).unwrap();
        assert_eq!((tracks.len(), tracks[0].points.len()), (2, 6));
        let noise = tracks[0].noise();
        assert_eq!(noise.at(10_000), Some([0.0, 6.0]));
        assert_eq!(noise.at(20_000), None, "nothing between 15 s and 60 s");
        assert!(tracks[1].noise().at(0).is_some_and(|it| it == [0.0, 0.0]));
    }

    #[test]
    fn what_is_no_track_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tracks.csv");
        assert!(matches!(read(&path), Err(GpsError::Unreadable { .. })));
        for (text, line) in [("h\n0,x,1,1\n", 2), ("h\n0,5,1,1\n0,4,1,1\n", 3)] {
            fs::write(&path, text).unwrap();
            let err = read(&path).unwrap_err();
            assert!(matches!(err, GpsError::Malformed { line: at, .. } if at == line), "{err}");
        }
        fs::write(&path, "h\n").unwrap();
        assert!(matches!(read(&path), Err(GpsError::Empty { .. })));
    }
}
