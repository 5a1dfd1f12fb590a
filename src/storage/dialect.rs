//! Where MySQL and SQLite differ, both versions side by side.

use sqlx::{error::DatabaseError, mysql::MySqlDatabaseError, sqlite::SqliteError};

/// Whether the engine threw the whole transaction back, with nothing written,
/// because another one was in the way.
pub(crate) fn is_lock_conflict(err: &dyn DatabaseError) -> bool {
    match err.code().as_deref() {
        Some("40001") => true,           // MySQL: deadlock victim
        Some("5" | "6" | "517") => true, // SQLite: busy, locked, busy snapshot
        // MySQL 1205, lock wait timeout, has the general code HY000.
        Some("HY000") => err.message().contains("Lock wait timeout"),
        _ => false,
    }
}

/// Whether an SQLite file is damaged, or is none.
pub(crate) fn is_damaged(err: &dyn DatabaseError) -> bool {
    let code = err.code().and_then(|it| it.parse::<u32>().ok());
    let is_sqlite = err.try_downcast_ref::<SqliteError>().is_some();
    is_sqlite && code.is_some_and(|it| matches!(it & 0xff, 11 | 26))
}

/// Whether the disk under the database is full or fails: nothing is wrong with the statement.
pub(crate) fn is_disk_trouble(err: &dyn DatabaseError) -> bool {
    match err.code().as_deref() {
        // SQLite: full, and input or output errors, whose extended codes end in the same byte.
        Some(code) if err.try_downcast_ref::<SqliteError>().is_some() => {
            code.parse::<u32>().is_ok_and(|it| matches!(it & 0xff, 10 | 13))
        }
        // MySQL 1021 and 1114: disk full, table full.
        _ => err
            .try_downcast_ref::<MySqlDatabaseError>()
            .is_some_and(|it| matches!(it.number(), 1021 | 1114)),
    }
}

/// Ends a `select` whose row nobody else may change until the transaction ends.
pub(crate) const fn row_lock(is_mysql: bool) -> &'static str {
    // SQLite has one writer at a time: its transaction holds every lock already.
    if is_mysql { " for update" } else { "" }
}

/// Moves the head of a channel on, making it if it is new. Values: channel, steps, epoch.
pub(crate) const fn move_head(is_mysql: bool) -> &'static str {
    if is_mysql {
        "insert into channel_head (channel, top, epoch) values (?, ?, ?)
         on duplicate key update top = top + values(top)"
    } else {
        "insert into channel_head (channel, top, epoch) values (?, ?, ?)
         on conflict (channel) do update set top = top + excluded.top"
    }
}

/// The tail of an `insert into channel_head … values …` that moves heads on instead.
pub(crate) const fn or_move_on(is_mysql: bool) -> &'static str {
    if is_mysql {
        " on duplicate key update top = top + values(top)"
    } else {
        " on conflict (channel) do update set top = top + excluded.top"
    }
}

/// Marks a channel, also one without entries yet. Values: channel, epoch.
pub(crate) const fn watch_channel(is_mysql: bool) -> &'static str {
    if is_mysql {
        "insert into channel_head (channel, top, epoch, watched) values (?, 0, ?, true)
         on duplicate key update watched = true"
    } else {
        "insert into channel_head (channel, top, epoch, watched) values (?, 0, ?, true)
         on conflict (channel) do update set watched = true"
    }
}

/// Moves a cursor forward, never back. Values: channel, profile_id, delivered_off, read_off.
pub(crate) const fn advance_cursor(is_mysql: bool) -> &'static str {
    if is_mysql {
        "insert into channel_cursor (channel, profile_id, delivered_off, read_off)
         values (?, ?, ?, ?)
         on duplicate key update delivered_off = greatest(delivered_off, values(delivered_off)),
            read_off = greatest(read_off, values(read_off))"
    } else {
        "insert into channel_cursor (channel, profile_id, delivered_off, read_off)
         values (?, ?, ?, ?)
         on conflict (channel, profile_id) do update set
            delivered_off = max(delivered_off, excluded.delivered_off),
            read_off = max(read_off, excluded.read_off)"
    }
}

/// Notes that `n` profiles are present; who is already keeps its state. Values for each: profile_id,
/// at_ms, flip, changed_at_ms.
pub(crate) fn presence_on(is_mysql: bool, n: usize) -> String {
    let marks = vec!["(?, 1, ?, 1, ?, ?)"; n].join(", ");
    let (on_conflict, new): (&str, fn(&str) -> String) = if is_mysql {
        ("on duplicate key update", |column| format!("values({column})"))
    } else {
        ("on conflict (profile_id) do update set", |column| format!("excluded.{column}"))
    };
    let unless_on = |column: &str| {
        format!("{column} = case when is_on = 1 then {column} else {} end", new(column))
    };
    // MySQL assigns from left to right, so `is_on` comes last.
    format!(
        "insert into presence_state (profile_id, is_on, at_ms, version, flip, changed_at_ms)
         values {marks} {on_conflict} version = version + 1 - is_on, {}, {}, {}, is_on = 1",
        unless_on("at_ms"),
        unless_on("flip"),
        unless_on("changed_at_ms")
    )
}

/// Sets or moves a timer. Values: kind, subject, due_ms.
pub(crate) const fn set_timer(is_mysql: bool) -> &'static str {
    if is_mysql {
        "insert into timer (kind, subject, due_ms) values (?, ?, ?)
         on duplicate key update due_ms = values(due_ms)"
    } else {
        "insert into timer (kind, subject, due_ms) values (?, ?, ?)
         on conflict (kind, subject) do update set due_ms = excluded.due_ms"
    }
}

/// Counts an order of a store's day. Values: store_id, day_name.
pub(crate) const fn count_order(is_mysql: bool) -> &'static str {
    if is_mysql {
        "insert into store_day (store_id, day_name, n) values (?, ?, 1)
         on duplicate key update n = n + 1"
    } else {
        "insert into store_day (store_id, day_name, n) values (?, ?, 1)
         on conflict (store_id, day_name) do update set n = n + 1"
    }
}

/// Counts a change of a cart. Values: customer_id, store_id, updated_at_ms.
pub(crate) const fn count_cart_change(is_mysql: bool) -> &'static str {
    if is_mysql {
        "insert into cart (customer_id, store_id, version, updated_at_ms) values (?, ?, 1, ?)
         on duplicate key update version = version + 1, updated_at_ms = values(updated_at_ms)"
    } else {
        "insert into cart (customer_id, store_id, version, updated_at_ms) values (?, ?, 1, ?)
         on conflict (customer_id, store_id) do update set version = version + 1,
            updated_at_ms = excluded.updated_at_ms"
    }
}

/// Keeps the first row of its key. Put before `into table …`.
pub const fn insert_or_keep(is_mysql: bool) -> &'static str {
    if is_mysql { "insert ignore" } else { "insert or ignore" }
}

/// The tail of an `insert … values (…)` that overwrites `columns` of an existing row of `key`.
pub fn or_update(is_mysql: bool, key: &str, columns: &[&str]) -> String {
    let set = |render: fn(&str) -> String| {
        columns.iter().map(|column| render(column)).collect::<Vec<_>>().join(", ")
    };
    if is_mysql {
        format!(" on duplicate key update {}", set(|it| format!("{it} = values({it})")))
    } else {
        format!(" on conflict ({key}) do update set {}", set(|it| format!("{it} = excluded.{it}")))
    }
}
