//! The clock that all nodes of a store share.

use std::sync::Arc;

use domain::clock::{Clock, SystemClock, Timestamp};
use storage::{db::Tx, error::StoreError, shared_values, store::Store};

/// Name of the shared value that holds the origin of a scaled clock.
const CLOCK_ORIGIN: &str = "clock_origin";

/// The one clock of all nodes of a store. A scaled clock counts from an origin that is kept in the
/// store, so that nodes agree and a restart does not turn time back.
///
/// # Errors
///
/// [`StoreError`] if the origin cannot be read or written.
pub async fn open_clock(store: &Store, scale: f64) -> Result<Arc<dyn Clock>, StoreError> {
    let kept = shared_values::find(&mut store.reader(), CLOCK_ORIGIN).await?;
    let is_real = (scale - 1.0).abs() < f64::EPSILON;
    let Some(origin) = kept.as_deref().and_then(Origin::read) else {
        if is_real {
            return Ok(Arc::new(SystemClock::real_time()));
        }
        let now = SystemClock::machine_time();
        let made = Origin { real: now, shown: now, scale }.text();
        let write =
            async move |tx: &mut Tx| shared_values::find_or_insert(tx, CLOCK_ORIGIN, &made).await;
        let text: String = store.write(write).await?;
        let origin = Origin::read(&text).unwrap_or(Origin { real: now, shown: now, scale });
        return Ok(origin.clock());
    };
    if (origin.scale - scale).abs() < f64::EPSILON {
        return Ok(origin.clock());
    }
    // Another speed from here on; time goes on where it stands.
    let here = Origin {
        real: SystemClock::machine_time(),
        shown: origin.clock().now().max(SystemClock::machine_time()),
        scale,
    };
    let text = here.text();
    let write = async move |tx: &mut Tx| shared_values::overwrite(tx, CLOCK_ORIGIN, &text).await;
    store.write::<_, (), StoreError>(write).await?;
    Ok(here.clock())
}

/// From when on a clock runs at which speed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Origin {
    real: Timestamp,
    shown: Timestamp,
    scale: f64,
}

impl Origin {
    fn text(self) -> String {
        format!("{} {} {}", self.real.ms(), self.shown.ms(), self.scale)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let real = Timestamp::from_ms(parts.next()?.parse().ok()?);
        let shown = Timestamp::from_ms(parts.next()?.parse().ok()?);
        let scale = parts.next()?.parse().ok()?;
        Some(Self { real, shown, scale })
    }

    fn clock(self) -> Arc<dyn Clock> {
        Arc::new(SystemClock::scaled(self.real, self.shown, self.scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_survives_being_written_and_read_back() {
        let now = SystemClock::machine_time();
        let origin = Origin { real: now, shown: now, scale: 60.0 };
        assert_eq!(Origin::read(&origin.text()), Some(origin));
        assert_eq!(Origin::read("nonsense"), None);
    }
}
