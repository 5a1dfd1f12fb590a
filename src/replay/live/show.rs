//! Shows how far the replay is: a bar on a terminal, plain lines in a pipe.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// Time between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// See the file's head. Clones show the same.
#[derive(Clone)]
pub(crate) struct Show {
    bar: Option<ProgressBar>,
    line: Arc<Mutex<Line>>,
}

struct Line {
    what: &'static str,
    n: u64,
    of: u64,
    told: Instant,
}

impl Show {
    /// Starts to show `what`, of which there are `of`.
    pub(crate) fn start(what: &'static str, of: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let form = "{prefix:<10} {bar:32} {pos}/{len} {elapsed} {msg}";
            let style =
                ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(of).with_style(style).with_prefix(what)
        });
        if bar.is_none() {
            tell(&format!("{what} 0/{of}"));
        }
        let line = Line { what, n: 0, of, told: Instant::now() };
        Self { bar, line: Arc::new(Mutex::new(line)) }
    }

    /// One more is done.
    pub(crate) fn tick(&self) {
        self.line.lock().unwrap_or_else(PoisonError::into_inner).n += 1;
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// What is going on besides.
    pub(crate) fn say(&self, words: &str) {
        if let Some(bar) = &self.bar {
            return bar.set_message(words.to_owned());
        }
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if line.told.elapsed() >= LINE_EVERY {
            line.told = Instant::now();
            tell(&format!("{} {}/{} {words}", line.what, line.n, line.of));
        }
    }

    /// All is done.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            return bar.finish();
        }
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        tell(&format!("{} {}/{}", line.what, line.n, line.of));
    }
}

fn tell(text: &str) {
    // Nobody reads it any more: no reason to stop.
    drop(writeln!(std::io::stderr(), "{text}"));
}
