//! Opening a store: several nodes at once, wrong databases, databases that come and go.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::time::Duration;

use futures_util::future::join_all;
use storage::{
    args,
    db::{Db, Durability, READ_TIMEOUT, Reader as _},
    error::StoreError,
    migrations::SchemaError,
    testing::servers::MariaDbServer,
};

async fn connect(url: &str) -> Db {
    Db::connect(url, 8, Durability::Normal).await.unwrap()
}

/// Runs a statement past our own code.
async fn run(url: &str, sql: &'static str) {
    let pool = sqlx::MySqlPool::connect(url).await.unwrap();
    sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    pool.close().await;
}

/// Cuts every other connection to the database of `url`.
async fn cut_all_others(url: &str) {
    let pool = sqlx::MySqlPool::connect(url).await.unwrap();
    let others = "select id from information_schema.processlist
        where db = database() and id <> connection_id()";
    let others: Vec<(i64,)> = sqlx::query_as(others).fetch_all(&pool).await.unwrap();
    assert!(!others.is_empty());
    for (id,) in others {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("kill {id}"))).execute(&pool).await.unwrap();
    }
    pool.close().await;
}

#[tokio::test]
async fn nodes_that_start_at_once_on_an_empty_database_all_start() {
    let url = MariaDbServer::shared().fresh_database();
    let nodes = join_all((0..4).map(|_| connect(&url))).await;
    for outcome in join_all(nodes.iter().map(Db::migrate)).await {
        outcome.unwrap();
    }
    let state = nodes[0].schema().await.unwrap();
    assert!(!state.is_empty && state.pending.is_empty() && state.unknown.is_empty(), "{state:?}");
    // The lock was given back: who comes later does not wait.
    nodes[1].migrate().await.unwrap();
}

#[tokio::test]
async fn a_look_at_the_schema_says_what_is_missing_and_changes_nothing() {
    let url = MariaDbServer::shared().fresh_database();
    let db = connect(&url).await;
    let before = db.schema().await.unwrap();
    assert!(before.is_empty && before.pending.len() > 30, "{before:?}");
    assert_eq!(db.schema().await.unwrap(), before, "looking changes nothing");
    db.migrate().await.unwrap();
    run(
        &url,
        "update _sqlx_migrations set version = 99990101000000 where version = 20260101000008",
    )
    .await;
    let after = db.schema().await.unwrap();
    assert_eq!(after.pending, ["create_channel_cursor"]);
    assert_eq!(after.unknown, [99_990_101_000_000]);
}

#[tokio::test]
async fn a_database_that_would_change_texts_is_refused_with_the_way_out() {
    for wrong in [
        "alter database character set latin1 collate latin1_swedish_ci",
        "alter database character set utf8mb4 collate utf8mb4_general_ci",
    ] {
        let url = MariaDbServer::shared().fresh_database();
        run(&url, wrong).await;
        let db = connect(&url).await;
        let err = db.migrate().await.expect_err("must be refused");
        assert!(matches!(err, SchemaError::Charset(_)), "{err}");
        assert!(err.to_string().contains("character set utf8mb4 collate utf8mb4_bin"), "{err}");
        let tables = "select 1 from information_schema.tables where table_schema = database()";
        assert!(db.clone().opt::<(i64,)>(tables, args![]).await.unwrap().is_none());
        run(&url, "alter database character set utf8mb4 collate utf8mb4_bin").await;
        db.migrate().await.unwrap();
    }
}

#[tokio::test]
async fn after_a_restart_of_the_database_connections_are_replaced_unseen() {
    let server = MariaDbServer::start();
    let url = server.fresh_database();
    let db = connect(&url).await;
    let busy = async || {
        let busy = (0..8).map(|_| {
            let mut reader = db.clone();
            async move { reader.opt::<(i64,)>("select sleep(0.2)", args![]).await.map(|_| ()) }
        });
        join_all(busy).await.into_iter().for_each(|it| it.unwrap());
    };
    busy().await;
    server.restart();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for _ in 0..20 {
        let mut reader = db.clone();
        assert_eq!(reader.opt::<(i64,)>("select 1", args![]).await.unwrap(), Some((1,)));
    }
    // Those that were used just now are not asked before they are used again.
    busy().await;
    cut_all_others(&url).await;
    for _ in 0..20 {
        let mut reader = db.clone();
        assert_eq!(reader.opt::<(i64,)>("select 1", args![]).await.unwrap(), Some((1,)));
    }
}

#[tokio::test]
async fn a_read_of_a_silent_database_ends_and_the_next_one_works_when_it_speaks_again() {
    let server = MariaDbServer::start();
    let db = connect(&server.fresh_database()).await;
    let one = async |mut db: Db| db.opt::<(i64,)>("select 1", args![]).await;
    assert_eq!(one(db.clone()).await.unwrap(), Some((1,)));
    server.freeze();
    let outcome = tokio::time::timeout(READ_TIMEOUT * 2, one(db.clone())).await;
    server.thaw();
    let refused = outcome.expect("it ends by itself").unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    assert_eq!(one(db).await.unwrap(), Some((1,)));
}
