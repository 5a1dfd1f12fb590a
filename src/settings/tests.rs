//! What is wrong is said at once, and secrets are not.

use super::{defaults::LISTEN, *};

#[test]
fn flags_win_over_the_file_and_the_file_over_defaults() {
    let file: Given =
        toml::from_str("connections = 7\nlisten = \"127.0.0.1:9000\"").expect("a good file");
    let flags = Given { connections: Some(9), ..Given::default() };
    let settings = flags.or(file).settle().expect("good settings");
    assert_eq!(settings.connections, 9);
    assert_eq!(settings.listen.port(), 9_000);
    assert_eq!(Given::default().settle().expect("defaults hold").listen, LISTEN);
}

#[test]
fn unknown_names_and_wrong_values_stop_the_start_all_at_once() {
    assert!(toml::from_str::<Given>("listne = \"x\"").is_err());
    let given = Given {
        environment: Some(Environment::Production),
        time_scale: Some(60.0),
        fixtures: Some(true),
        connections: Some(0),
        database: Some(Secret::new("postgres://x".to_owned())),
        ..Given::default()
    };
    let Err(SettingsError::Wrong(wrong)) = given.settle() else { panic!("must be refused") };
    assert_eq!(wrong.len(), 4, "{wrong:?}");
}

#[test]
fn production_chooses_its_own_redis_prefix() {
    let given = |prefix: Option<&str>| Given {
        environment: Some(Environment::Production),
        redis: Some(Secret::new("redis-cluster://one:7000,two:7000".to_owned())),
        redis_prefix: prefix.map(str::to_owned),
        ..Given::default()
    };
    let Err(SettingsError::Wrong(wrong)) = given(None).settle() else { panic!("refused") };
    assert!(wrong[0].contains("redis-prefix"), "{wrong:?}");
    assert_eq!(given(Some("acme:live")).settle().expect("good").redis_prefix, "acme:live");
    for bad in ["", "a b", "{slot}", "a*"] {
        assert!(given(Some(bad)).settle().is_err(), "`{bad}`");
    }
    let staging = Given { environment: Some(Environment::Staging), ..given(None) };
    assert_eq!(staging.settle().expect("good").redis_prefix, "riderhub:staging");
}

#[test]
fn a_wrong_redis_address_says_what_to_write() {
    let given =
        |redis: &str| Given { redis: Some(Secret::new(redis.to_owned())), ..Given::default() };
    let good = ["redis://r:6379/", "redis-sentinel://s:26379/main", "redis-cluster://c:7000"];
    assert!(good.iter().all(|it| given(it).settle().is_ok()));
    let Err(SettingsError::Wrong(wrong)) = given("redis-sentinel://s").settle() else {
        panic!("must be refused");
    };
    assert!(wrong[0].starts_with("redis redis-sentinel://host:port"), "{wrong:?}");
}

#[test]
fn a_secret_is_not_printed() {
    let given = Given {
        database: Some(Secret::new("mysql://root:hunter2@db/x".to_owned())),
        ..Given::default()
    };
    let settings = given.settle().expect("good settings");
    assert!(!format!("{settings:?}").contains("hunter2"));
    assert!(!toml::to_string(&settings).expect("printable").contains("hunter2"));
}

#[test]
fn origins_are_written_as_browsers_send_them() {
    let given = |origin: &str| Given { origins: Some(vec![origin.to_owned()]), ..Given::default() };
    for good in ["https://app.example", "http://localhost:5173", "https://app.example:8443"] {
        assert!(given(good).settle().is_ok(), "{good}");
    }
    for bad in [
        "*",
        "app.example",
        "https://app.example/",
        "https://app.example/path",
        "https://*.app.example",
        "https://App.example",
        "https://app.example:443",
        "ftp://app.example",
        "null",
        "",
    ] {
        let Err(SettingsError::Wrong(wrong)) = given(bad).settle() else { panic!("`{bad}`") };
        assert!(wrong[0].contains("https://host"), "{wrong:?}");
    }
}

#[test]
fn nobody_asks_for_no_threads() {
    let given = |workers| Given { workers: Some(workers), ..Given::default() };
    assert!(given(0).settle().is_err() && given(257).settle().is_err());
    assert_eq!(given(2).settle().expect("good").workers, 2);
}

#[test]
fn production_waits_for_the_disk_unless_told_otherwise() {
    let given = |environment, full_sync| Given {
        environment: Some(environment),
        full_sync,
        ..Given::default()
    };
    let waits = |given: Given| given.settle().expect("good settings").full_sync;
    assert!(waits(given(Environment::Production, None)));
    assert!(!waits(given(Environment::Production, Some(false))));
    assert!(!waits(given(Environment::Development, None)));
}
