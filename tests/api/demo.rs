//! The demo city: one command, and orders are delivered.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use riderhub::client::rest::{Call, Rest};
use storage::db::{Db, Durability, Reader as _};
use tokio::time::{sleep, timeout};

/// How long the first orders may take; far above what they need.
const ORDERS_WITHIN: Duration = Duration::from_secs(90);
/// How long the city may take to go to sleep.
const STOPS_WITHIN: Duration = Duration::from_secs(15);

/// A running city; gone when the test is.
struct City(Child);

impl City {
    /// Starts a small, fast city and answers its address.
    fn start(data: &Path) -> (Self, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_riderhub"))
            .args(["demo", "--listen", "127.0.0.1:0", "--speed", "200", "--seed", "7"])
            .args(["--stores", "3", "--riders", "5", "--orders-per-hour", "60"])
            .arg("--data")
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some(base) = line.strip_prefix("riderhub: listening on ") {
                    drop(tell.send(base.to_owned()));
                }
            }
        });
        let city = Self(child);
        let base = told.recv_timeout(Duration::from_secs(30)).expect("the city says where it is");
        (city, base)
    }

    /// Presses Ctrl-C and waits for the end.
    async fn stop(mut self) -> ExitStatus {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let waiting = async {
            loop {
                if let Some(status) = self.0.try_wait().unwrap() {
                    return status;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(STOPS_WITHIN, waiting).await.expect("the city stops at Ctrl-C")
    }
}

impl Drop for City {
    fn drop(&mut self) {
        // It has ended already if all went well.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Orders that were completed, by the database itself.
async fn n_completed(data: &Path) -> i64 {
    let url = format!("sqlite:{}", data.join("riderhub.sqlite").display());
    let mut db = Db::connect(&url, 1, Durability::Normal).await.unwrap();
    let sql = "select count(*) from customer_order where state = 'completed'";
    let (n,): (i64,) = db.opt(sql, &[]).await.unwrap().unwrap();
    db.close().await;
    n
}

async fn until_completed(data: &Path, n: i64) {
    let waiting = async {
        while n_completed(data).await < n {
            sleep(Duration::from_millis(250)).await;
        }
    };
    timeout(ORDERS_WITHIN, waiting).await.expect("orders are completed");
}

#[tokio::test]
async fn the_demo_city_delivers_stops_at_ctrl_c_and_wakes_up_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("city");
    let (city, base) = City::start(&data);
    until_completed(&data, 2).await;
    let rest = Rest::new(&[base], 0).unwrap();
    let operator = rest.call(&Call::get("/v1/demo/session"), None).await.unwrap();
    assert_eq!(operator["role"], "operator", "a visitor may look: {operator}");
    assert!(city.stop().await.success());

    let before = n_completed(&data).await;
    let (city, _) = City::start(&data);
    until_completed(&data, before + 1).await;
    assert!(city.stop().await.success());
}
