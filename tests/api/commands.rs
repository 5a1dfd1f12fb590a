//! Commands that run once, beside or instead of a server.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use riderhub::{opening, settings::Given};
use storage::{
    db::{Db, Durability, Tx},
    error::StoreError,
    store::Store,
    testing::servers::MariaDbServer,
};
use tokio::time::timeout;

/// How long a command may take; far above what it needs.
const COMMAND_MAX: Duration = Duration::from_secs(30);

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
