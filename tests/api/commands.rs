//! Commands that run once, beside or instead of a server.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use riderhub::{opening, settings::Given};
use storage::{
    db::{Db, Durability, Tx},
    error::StoreError,
    store::Store,
    testing::servers::MariaDbServer,
};
use tokio::time::timeout;

use crate::replay::write_day;

/// How long a command may take; far above what it needs.
const COMMAND_MAX: Duration = Duration::from_secs(30);

/// Within which a start must fail that cannot succeed; above the five seconds we wait for answers.
const SOON: Duration = Duration::from_secs(8);

/// Runs the program to its end; answers its exit code and everything it said.
async fn riderhub(args: &[&str]) -> (i32, String) {
    riderhub_fed(args, Stdio::null()).await
}

async fn riderhub_fed(args: &[&str], stdin: Stdio) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_riderhub"));
    command.args(args).env_remove("RUST_BACKTRACE").stdin(stdin);
    let mut command = tokio::process::Command::from(command);
    let ended = timeout(COMMAND_MAX, command.kill_on_drop(true).output()).await;
    let output = ended.expect("the command ends").unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_doctor_makes_nothing_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new");
    let args = ["doctor", "--data", data.to_str().unwrap()];
    let (code, said) = riderhub(&args).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("no store at") && !data.exists(), "{said}");

    std::fs::create_dir(&data).unwrap();
    let url = format!("sqlite:{}", data.join("riderhub.sqlite").display());
    Db::connect(&url, 1, Durability::Normal).await.unwrap().close().await;
    let before = names_in(&data);
    let (code, said) = riderhub(&args).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("pending") && said.contains("`riderhub migrate`"), "{said}");
    assert_eq!(names_in(&data), before);

    assert_eq!(riderhub(&["migrate", args[1], args[2]]).await.0, 0);
    let before = names_in(&data);
    let (code, said) = riderhub(&args).await;
    assert!(code == 0 && said.contains("schema is up to date"), "{said}");
    assert_eq!(names_in(&data), before);
}

#[tokio::test]
async fn a_damaged_store_is_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    std::fs::write(folder.path().join("riderhub.sqlite"), vec![b'x'; 20_000]).unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", data];
    for command in [&["doctor", "--data", data][..], &serve[..]] {
        let (code, said) = riderhub(command).await;
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("is damaged") && said.contains("backup"), "{said}");
        assert!(!said.contains("writable"), "{said}");
    }
}

#[tokio::test]
async fn a_doctor_tells_what_an_empty_or_wrong_database_needs() {
    let url = MariaDbServer::shared().fresh_database();
    let (code, said) = riderhub(&["doctor", "--database", &url]).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("migrations are pending"), "{said}");
    let store = Store::start(Db::look(&url).await.unwrap().unwrap()).unwrap();
    assert!(store.db().schema().await.unwrap().is_empty, "the doctor only looks");

    let alter = async |tx: &mut Tx| tx.exec("alter database character set latin1", &[]).await;
    let _: u64 = store.write::<_, _, StoreError>(alter).await.unwrap();
    let (code, said) = riderhub(&["doctor", "--database", &url]).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("FAIL") && said.contains("collate utf8mb4_bin"), "{said}");
}

#[tokio::test]
async fn an_embedded_store_has_one_server_and_commands_work_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let mut first = Command::new(env!("CARGO_BIN_EXE_riderhub"));
    first.args(["serve", "--listen", "127.0.0.1:0", "--data", data]);
    let mut first = first.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut told = String::new();
    BufReader::new(first.stdout.take().unwrap()).read_line(&mut told).unwrap();

    for command in ["serve", "demo"] {
        let (code, said) = riderhub(&[command, "--listen", "127.0.0.1:0", "--data", data]).await;
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("another server uses") && said.contains("--data"), "{said}");
    }
    for command in ["doctor", "migrate"] {
        let (code, said) = riderhub(&[command, "--data", data]).await;
        assert_eq!(code, 0, "{said}");
    }
    // As by kill -9.
    first.kill().unwrap();
    first.wait().unwrap();
    let settings = Given { data: Some(data.into()), ..Given::default() }.settle().unwrap();
    assert!(opening::take_store(&settings).unwrap().is_some(), "a dead server holds nothing");
}

#[tokio::test]
async fn a_demo_never_moves_into_a_store_of_real_people() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "correct horse battery\n").unwrap();
    let stdin = File::open(&password).unwrap().into();
    let (code, said) = riderhub_fed(&["operator", "create", "ada", "--data", data], stdin).await;
    assert_eq!(code, 0, "{said}");
    let (code, said) = riderhub(&["demo", "--listen", "127.0.0.1:0", "--data", data]).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("has accounts"), "{said}");
}

#[tokio::test]
async fn a_start_that_cannot_succeed_fails_soon_and_says_what_to_do() {
    let nobody = free_address();
    let url = format!("mysql://root@{nobody}/riderhub");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    for (args, words) in [
        (["serve", "--database", &url, "--listen", "127.0.0.1:0"], "onnection refused"),
        (["serve", "--data", data, "--listen", &taken], "is the port taken?"),
        (["serve", "--data", data, "--listen", "192.0.2.1:0"], "cannot listen on 192.0.2.1:0: "),
    ] {
        let began = Instant::now();
        let (code, said) = riderhub(&args).await;
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(words) && !said.contains("is up"), "{said}");
        assert!(began.elapsed() < SOON, "took {:?}: {said}", began.elapsed());
    }
}

#[tokio::test]
async fn a_live_replay_is_refused_at_once_if_it_is_asked_for_wrongly_or_nobody_is_there() {
    let folder = tempfile::tempdir().unwrap();
    write_day(folder.path());
    let replay = ["replay", "--instance", folder.path().to_str().unwrap()];
    let dead = format!("http://{}", free_address());
    let began = Instant::now();
    for (more, expected) in [
        (["--live", "foo", "--speed", "60"], 2),
        (["--live", &dead, "--speed", "0"], 2),
        (["--live", &dead, "--speed", "60"], 1),
    ] {
        let (code, said) = riderhub(&[&replay[..], &more[..]].concat()).await;
        assert_eq!(code, expected, "{said}");
    }
    assert!(began.elapsed() < SOON, "took {:?}", began.elapsed());

    let stores = "restaurant\tx\ty\nr0\t1000\t1000\nr1\t1e300\t1500\nr2\t1500\t2500\n";
    std::fs::write(folder.path().join("restaurants.txt"), stores).unwrap();
    let (code, said) = riderhub(&[&replay[..], &["--log", "-"]].concat()).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("restaurants.txt, line 3"), "{said}");
}

/// An address at which nobody listens.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}
