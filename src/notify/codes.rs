//! How codes leave: mail by SMTP, and a log where there is nothing else. An SMS gateway is one more
//! `Messenger`.

use std::{fmt, time::Duration};

use domain::contact::Contact;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::Mailbox};
use usecases::messenger::{CodeMessage, Messenger, Sending};

/// How long a mail server may take.
const SMTP_TIMEOUT: Duration = Duration::from_secs(15);

/// Mail by SMTP, the rest by the log.
pub struct Codes {
    mail: Option<(AsyncSmtpTransport<Tokio1Executor>, Mailbox)>,
    /// Whether codes may be read in the log. Never in production.
    in_log: bool,
}

impl fmt::Debug for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Codes(mail: {}, in log: {})", self.mail.is_some(), self.in_log)
    }
}

impl Codes {
    /// Sets up what the settings ask for: `smtp` is `smtps://user:password@host:port`,
    /// `smtp://…?tls=required` or, for tests, `smtp://…`.
    ///
    /// # Errors
    ///
    /// What is wrong with the address of the server or of the sender.
    pub fn open(smtp: Option<(&str, &str)>, in_log: bool) -> Result<Self, String> {
        let mail = match smtp {
            None => None,
            Some((url, from)) => {
                let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
                    .map_err(|err| format!("smtp: {err}"))?
                    .timeout(Some(SMTP_TIMEOUT))
                    .build();
                let from = from.parse().map_err(|err| format!("mail-from: {err}"))?;
                Some((server, from))
            }
        };
        Ok(Self { mail, in_log })
    }

    async fn deliver(&self, message: &CodeMessage) -> Result<(), String> {
        if let (Contact::Email(to), Some((server, from))) = (&message.to, &self.mail) {
            let to = to.as_str().parse().map_err(|_| "not a mail address".to_owned())?;
            let mail = Message::builder()
                .from(from.clone())
                .to(to)
                .subject("Your RiderHub code")
                .body(message.text())
                .map_err(|err| err.to_string())?;
            return server.send(mail).await.map(drop).map_err(|err| err.to_string());
        }
        if self.in_log {
            let CodeMessage { to, purpose, code, .. } = message;
            tracing::info!(purpose = %purpose, "code {code} for {}", to.as_str());
            return Ok(());
        }
        Err("there is no way to send it; set smtp and mail-from, or an SMS gateway".to_owned())
    }
}

impl Messenger for Codes {
    fn send<'a>(&'a self, message: &'a CodeMessage) -> Sending<'a> {
        Box::pin(self.deliver(message))
    }
}

#[cfg(test)]
mod tests {
    use domain::contact::CodePurpose;
    use tokio::{
        io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
        net::TcpListener,
    };

    use super::*;

    /// Takes one mail as a server would; what it said.
    async fn take_mail(listener: TcpListener) -> String {
        let (stream, _) = listener.accept().await.unwrap();
        let (reading, mut writing) = stream.into_split();
        let (mut lines, mut data, mut is_data) =
            (BufReader::new(reading).lines(), String::new(), false);
        writing.write_all(b"220 here\r\n").await.unwrap();
        while let Some(line) = lines.next_line().await.unwrap() {
            let answer: &[u8] = match line.as_str() {
                "." if is_data => {
                    is_data = false;
                    b"250 taken\r\n"
                }
                _ if is_data => {
                    data.push_str(&line);
                    data.push('\n');
                    continue;
                }
                "DATA" => {
                    is_data = true;
                    b"354 go on\r\n"
                }
                "QUIT" => {
                    writing.write_all(b"221 bye\r\n").await.unwrap();
                    break;
                }
                _ => b"250 fine\r\n",
            };
            writing.write_all(answer).await.unwrap();
            if !data.is_empty() && !is_data {
                break;
            }
        }
        data
    }

    fn message(to: &str) -> CodeMessage {
        let (to, purpose) = (Contact::parse(to).unwrap(), CodePurpose::Reset);
        CodeMessage { to, purpose, code: "123456".to_owned(), minutes: 10 }
    }

    #[tokio::test]
    async fn a_mail_goes_to_the_server_with_its_code() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(take_mail(listener));
        let codes = Codes::open(Some((&url, "RiderHub <hub@example.org>")), false).unwrap();
        codes.send(&message("ann@example.org")).await.unwrap();
        let mail = server.await.unwrap();
        assert!(mail.contains("To: ann@example.org") && mail.contains("123456"), "{mail}");
        assert!(mail.contains("From: RiderHub <hub@example.org>"), "{mail}");
    }

    #[tokio::test]
    async fn without_a_way_out_a_code_is_not_sent_and_not_shown() {
        let codes = Codes::open(None, false).unwrap();
        let why = codes.send(&message("+8613800138000")).await.unwrap_err();
        assert!(!why.contains("123456") && !why.contains("138"), "{why}");
        assert!(Codes::open(None, true).unwrap().send(&message("+8613800138000")).await.is_ok());
        assert!(Codes::open(Some(("gopher://x", "a@b.c")), false).is_err());
        assert!(Codes::open(Some(("smtp://x", "nobody")), false).is_err());
    }
}
