//! Who takes part: accounts and open orders as `riderhub fixtures` wrote them, and their sockets.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use riderhub::client::socket::{Frame, Incoming, Socket};
use serde_json::{Value, json};

use crate::Failed;

/// Everybody of a fixtures file.
pub(crate) struct Cast {
    /// By profile.
    tokens: HashMap<String, String>,
    /// Access tokens in the order of the file.
    pub(crate) in_order: Vec<String>,
    /// Channel, and the two who talk in it.
    pub(crate) orders: Vec<(String, [String; 2])>,
}

impl Cast {
    /// Reads a fixtures file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failed> {
        let mut cast = Self { tokens: HashMap::new(), in_order: Vec::new(), orders: Vec::new() };
        let text = |line: &Value, field: &str| line[field].as_str().unwrap_or_default().to_owned();
        for line in BufReader::new(File::open(path)?).lines() {
            let line: Value = serde_json::from_str(&line?)?;
            match line["kind"].as_str() {
                Some("account") => {
                    cast.in_order.push(text(&line, "token"));
                    cast.tokens.insert(text(&line, "profile"), text(&line, "token"));
                }
                Some("order") => {
                    let parties = [text(&line, "customer"), text(&line, "merchant")];
                    cast.orders.push((text(&line, "channel"), parties));
                }
                _ => {}
            }
        }
        Ok(cast)
    }

    /// The access token of a profile.
    pub(crate) fn token(&self, profile: &str) -> Result<&str, Failed> {
        let found = self.tokens.get(profile);
        Ok(found.ok_or_else(|| format!("{profile} is not in the fixtures"))?)
    }
}

/// Opens a socket and signs in; answers the position of each channel that is heard now.
pub(crate) async fn sign_in(
    url: &str,
    token: &str,
    resume: &Value,
) -> Result<(Socket, Value), Failed> {
    let mut socket = Socket::open(url).await?;
    let connect = json!({"id": 1, "m": "connect", "p": {"token": token, "resume": resume}});
    socket.send(connect.to_string()).await?;
    let mut ok = reply(&mut socket, 1, |_| {}).await?;
    Ok((socket, ok["channels"].take()))
}

/// Waits for the answer to command `id`; what comes before goes to `other`.
pub(crate) async fn reply(
    socket: &mut Socket,
    id: u64,
    mut other: impl FnMut(&Frame),
) -> Result<Value, Failed> {
    loop {
        match socket.next().await {
            Incoming::Frame(mut frame) if frame.get("id").and_then(Value::as_u64) == Some(id) => {
                return match frame.remove("ok") {
                    Some(ok) => Ok(ok),
                    None => Err(format!("refused: {:?}", frame.get("err")).into()),
                };
            }
            Incoming::Frame(frame) => other(&frame),
            Incoming::Beat => {}
            Incoming::End { code, reason } => return Err(format!("closed: {code} {reason}").into()),
        }
    }
}
