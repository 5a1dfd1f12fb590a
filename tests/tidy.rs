//! The rules of the code itself: sizes, layers, headers, words that must not be committed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The budget of `docs/style.md` is 400; the rest is room for a fix on a busy day.
const MAX_LINES: usize = 420;

/// What each layer must not depend on; a name also covers what begins with it and a dash or underscore.
const LAYERS: [(&str, &[&str]); 4] = [
    ("src/domain/Cargo.toml", &["actix", "redis", "serde", "sqlx", "tokio", "tracing"]),
    ("src/storage/Cargo.toml", &["actix"]),
    ("src/usecases/Cargo.toml", &["actix", "serde_json", "sqlx"]),
    ("actors/Cargo.toml", &["actix-web", "actix-http", "actix-files", "sqlx"]),
];

#[test]
fn no_rust_file_is_longer_than_one_head_can_hold() {
    let long = |text: &str| {
        let lines = text.lines().count();
        (lines > MAX_LINES)
            .then(|| format!("{lines} lines, at most {MAX_LINES}: split it by theme"))
    };
    expect_none(offences(&rust_files(), long));
}

#[test]
fn every_rust_file_says_on_its_first_line_what_it_is() {
    let mute = |text: &str| {
        (!text.starts_with("//! ")).then(|| "the first line must be a `//! ` doc line".to_owned())
    };
    expect_none(offences(&rust_files(), mute));
}

#[test]
fn no_forbidden_call_is_left_in_the_code() {
    let calls = ["do_send", "todo!", "unimplemented!", "dbg!"].map(|name| format!("{name}("));
    expect_none(offences(&rust_files(), |text| {
        calls.iter().find(|call| text.contains(*call)).map(|call| format!("contains `{call}`"))
    }));
}

#[test]
fn every_postponed_work_has_an_issue_number() {
    let mark = ["TO", "DO"].concat();
    expect_none(offences(&rust_files(), |text| {
        let line = text.lines().find(|line| line.contains(&mark) && !names_an_issue(line))?;
        Some(format!("`{}` needs an issue number like #12", line.trim()))
    }));
}

#[test]
fn every_lua_script_has_a_contract_header() {
    expect_none(offences(&files("lua"), |text| {
        let missing =
            ["-- KEYS[1]", "-- Returns"].into_iter().find(|part| !header(text).contains(part))?;
        Some(format!("its header has no line `{missing}`"))
    }));
}

#[test]
fn each_layer_depends_only_on_what_it_may_know() {
    for (manifest, banned) in LAYERS {
        let dependencies = dependencies(&read(&root().join(manifest)));
        assert!(
            !dependencies.is_empty(),
            "{manifest}: no dependencies found, is the test still right?"
        );
        for dependency in dependencies {
            let broken = banned.iter().find(|banned| covers(banned, &dependency));
            assert!(broken.is_none(), "{manifest} must not depend on {dependency}");
        }
    }
}

#[test]
fn every_migration_says_why_and_holds_one_statement() {
    let migrations: Vec<PathBuf> = files("sql")
        .into_iter()
        .filter(|path| path.starts_with(root().join("migrations")))
        .collect();
    expect_none(offences(&migrations, |text| match (text.starts_with("--"), statements(text)) {
        (false, _) => Some("the first line must be a comment that says why".to_owned()),
        (true, 1) => None,
        (true, count) => Some(format!("holds {count} statements instead of one")),
    }));
}

#[test]
fn no_committed_text_names_a_registry_host_or_a_path_of_one_machine() {
    let needles = [
        ["index.cra", "tes.io"],
        ["static.cra", "tes.io"],
        ["npm", "js.org"],
        ["py", "pi.org"],
        ["python", "hosted.org"],
        ["deb.deb", "ian.org"],
        ["/wo", "rk/"],
        ["/ro", "ot/"],
    ]
    .map(|parts| parts.concat());
    expect_none(offences(&committed(), |text| {
        needles
            .iter()
            .find(|needle| text.contains(*needle))
            .map(|needle| format!("contains `{needle}`"))
    }));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// What is committed or would be by `git add --all`.
fn committed() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git is installed");
    assert!(output.status.success(), "git: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("file names are UTF-8");
    // A deleted file stays listed until its deletion is committed.
    names
        .split_terminator('\0')
        .map(|name| root().join(name))
        .filter(|path| path.is_file())
        .collect()
}

fn files(extension: &str) -> Vec<PathBuf> {
    committed()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect()
}

fn rust_files() -> Vec<PathBuf> {
    let files = files("rs");
    assert!(!files.is_empty(), "no Rust files found, is the test still right?");
    files
}

/// One line for each file in which `find` finds something; files that are not text are passed over.
fn offences(files: &[PathBuf], find: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let offence = |path: &PathBuf| {
        let text = String::from_utf8(fs::read(path).expect("a listed file can be read")).ok()?;
        let name = path.strip_prefix(root()).unwrap_or(path).display();
        Some(format!("{name}: {}", find(&text)?))
    };
    files.iter().filter_map(offence).collect()
}

fn expect_none(offences: Vec<String>) {
    assert!(offences.is_empty(), "\n{}\n", offences.join("\n"));
}

fn names_an_issue(line: &str) -> bool {
    line.split('#').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The comment lines at the top.
fn header(script: &str) -> String {
    script.lines().take_while(|line| line.starts_with("--")).collect::<Vec<_>>().join("\n")
}

/// The names under every `[dependencies]`, `[dev-dependencies]` and so on.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section.ends_with("dependencies");
            names.extend(section.split_once("dependencies.").map(|(_, name)| name.to_owned()));
        } else if inside && line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            names.extend(line.split([' ', '.', '=']).next().map(str::to_owned));
        }
    }
    names
}

fn covers(banned: &str, dependency: &str) -> bool {
    dependency
        .strip_prefix(banned)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

fn statements(sql: &str) -> usize {
    let code: String =
        sql.lines().filter_map(|line| line.split("--").next()).collect::<Vec<_>>().join("\n");
    // Every second piece is inside quotes, where a semicolon ends nothing.
    let unquoted: String = code.split('\'').step_by(2).collect();
    unquoted.split(';').filter(|piece| !piece.trim().is_empty()).count()
}

#[test]
fn the_tools_of_this_test_find_what_they_look_for() {
    assert_eq!(statements("-- why; how\ncreate table a (b text default ';');\n"), 1);
    assert_eq!(statements("-- why\ncreate table a (b int); drop table a;"), 2);
    assert_eq!(statements("-- why\n"), 0);
    assert_eq!(
        dependencies(
            "[dependencies]\na.workspace = true\nb = \"1\"\n[lib]\nc = 1\n[dependencies.d]\n"
        ),
        ["a", "b", "d"]
    );
    assert!(
        covers("actix", "actix-web")
            && covers("serde", "serde")
            && !covers("actix-web", "actix-ws")
    );
    assert!(names_an_issue("see #12") && !names_an_issue("see # 12"));
}
