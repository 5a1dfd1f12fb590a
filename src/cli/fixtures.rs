//! `riderhub fixtures`: accounts, tokens and open orders for load tests, as JSON lines.
//!
//! The lines have a `kind`: one `run` first, then an `account` for everybody (with its token), a
//! `store` for each merchant, and an `order` for each open order.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::{Value, json};

use crate::{
    cli::{CliError, print},
    client::rest::{Call, Rest},
    replay::live::show::Show,
};

/// Orders asked for at once.
const ORDERS_AT_ONCE: u32 = 100;
/// Fields of an account that are a merchant's store.
const STORE: &str = "store";

/// Arguments of `riderhub fixtures`.
#[derive(Debug, Args)]
pub struct FixturesArgs {
    /// The server; it must run with --fixtures, which production refuses
    #[arg(long)]
    url: String,
    /// Customers to make
    #[arg(long, default_value_t = 0)]
    customers: u32,
    /// Merchants to make, each with a store that sells one product
    #[arg(long, default_value_t = 0)]
    merchants: u32,
    /// Riders to make
    #[arg(long, default_value_t = 0)]
    riders: u32,
    /// Open orders to make: paid and accepted, so that their chats are open
    #[arg(long, default_value_t = 0)]
    orders: u32,
    /// Where the JSON lines go; `-` for standard output
    #[arg(long)]
    out: PathBuf,
    /// Where the access tokens go as well, one a line: customers, then merchants, then riders
    #[arg(long)]
    tokens: Option<PathBuf>,
    /// How long the access tokens are good for, in hours
    #[arg(long, default_value_t = 12)]
    token_hours: u32,
}

/// Makes them and writes what was made.
///
/// # Errors
///
/// [`CliError::Usage`] if orders are asked for without people, [`CliError::Failed`] if the server
/// refuses or a file cannot be written.
pub async fn run(args: FixturesArgs) -> Result<(), CliError> {
    if args.orders > 0 && (args.customers == 0 || args.merchants == 0) {
        let text = "an order needs a customer and a store: give --customers and --merchants too";
        return Err(CliError::Usage(text.to_owned()));
    }
    let rest = Rest::new(std::slice::from_ref(&args.url), 0)
        .map_err(|err| CliError::Usage(format!("--url: {err}")))?;
    let run = uuid::Uuid::now_v7().simple().to_string();
    let password = uuid::Uuid::new_v4().simple().to_string();
    let body = json!({"run": run, "password": password, "customers": args.customers,
        "merchants": args.merchants, "riders": args.riders, "token_hours": args.token_hours});
    let answer = ask(&rest, &Call::post("/v1/fixtures", body)).await?;
    let people = answer["people"].as_array().map(Vec::as_slice).unwrap_or_default();

    let mut out = open(&args.out)?;
    let wrong = |err: std::io::Error| CliError::failed("cannot write the fixtures", &err);
    let head = json!({"kind": "run", "run": run, "url": args.url, "customers": args.customers,
        "merchants": args.merchants, "riders": args.riders, "orders": args.orders,
        "password": password});
    writeln!(out, "{head}").map_err(wrong)?;
    for person in people {
        writeln!(out, "{}", account_line(person, &password)).map_err(wrong)?;
    }
    for person in people.iter().filter(|it| it[STORE].is_object()) {
        writeln!(out, "{}", store_line(person)).map_err(wrong)?;
    }
    for order in open_orders(&rest, people, args.orders).await? {
        writeln!(out, "{order}").map_err(wrong)?;
    }
    out.flush().map_err(wrong)?;
    if let Some(path) = &args.tokens {
        let mut file = open(path)?;
        for person in people {
            writeln!(file, "{}", text(person, "access_token")).map_err(wrong)?;
        }
        file.flush().map_err(wrong)?;
    }
    let told = format!("{} accounts and {} open orders", people.len(), args.orders);
    if args.out != Path::new("-") {
        print(&format!("riderhub: made {told}; see {}", args.out.display()));
    }
    Ok(())
}

fn open(path: &Path) -> Result<Box<dyn std::io::Write>, CliError> {
    if path == Path::new("-") {
        return Ok(Box::new(BufWriter::new(std::io::stdout())));
    }
    let file = File::create(path)
        .map_err(|err| CliError::failed(&format!("cannot write {}", path.display()), &err))?;
    Ok(Box::new(BufWriter::new(file)))
}

async fn ask(rest: &Rest, call: &Call) -> Result<Value, CliError> {
    rest.call(call, None).await.map_err(|err| {
        let failed = CliError::failed("the server made no fixtures", &err);
        CliError::Failed(format!("{failed}; start it with `riderhub serve --fixtures`"))
    })
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn account_line(person: &Value, password: &str) -> Value {
    json!({"kind": "account", "role": person["role"], "login": person["login"],
        "password": password, "name": person["name"], "account": person["account"],
        "profile": person["profile"], "token": person["access_token"],
        "token_expires_at": person["access_expires_at"]})
}

fn store_line(person: &Value) -> Value {
    let store = &person[STORE];
    json!({"kind": "store", "store": store["store"], "name": store["name"],
        "merchant": person["profile"], "product": store["product"], "lat": store["lat"],
        "lng": store["lng"]})
}

/// Customers and stores take turns, so that orders are spread over all of them.
async fn open_orders(rest: &Rest, people: &[Value], n: u32) -> Result<Vec<Value>, CliError> {
    let of = |role: &'static str| people.iter().filter(move |it| text(it, "role") == role);
    let pairs: Vec<_> =
        of("customer").cycle().zip(of("merchant").cycle()).take(n as usize).collect();
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let show = Show::start("orders", u64::from(n));
    let mut lines = Vec::with_capacity(pairs.len());
    for some in pairs.chunks(ORDERS_AT_ONCE as usize) {
        let wanted: Vec<Value> = some
            .iter()
            .map(|(who, shop)| json!({"customer": who["profile"], "store": shop[STORE]["store"]}))
            .collect();
        let call = Call::post("/v1/fixtures/orders", json!({"orders": wanted}));
        let made = ask(rest, &call).await?;
        let ids = made["orders"].as_array().map(Vec::as_slice).unwrap_or_default();
        for ((customer, merchant), id) in some.iter().zip(ids) {
            lines.push(json!({"kind": "order", "order": id, "channel": format!("order:{}",
                id.as_str().unwrap_or_default()), "customer": customer["profile"],
                "merchant": merchant["profile"], "store": merchant[STORE]["store"]}));
            show.tick();
        }
        show.say("made");
    }
    show.end();
    Ok(lines)
}
