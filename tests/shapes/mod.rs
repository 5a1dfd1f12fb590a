//! Checks real frames against the schemas of the AsyncAPI document, with no field too many.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, LazyLock, Mutex},
};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// The shapes of all frames.
pub struct Shapes {
    schemas: Value,
    /// The shapes of each push, by its name.
    pushes: HashMap<String, Vec<String>>,
    made: Mutex<HashMap<String, Arc<Validator>>>,
}

/// The shapes of this build, made once.
pub fn shapes() -> &'static Shapes {
    static SHAPES: LazyLock<Shapes> = LazyLock::new(Shapes::new);
    &SHAPES
}

impl Shapes {
    fn new() -> Self {
        let document = riderhub::asyncapi::value();
        let mut schemas = document["components"]["schemas"].clone();
        close(&mut schemas);
        let mut pushes: HashMap<String, Vec<String>> = HashMap::new();
        for (name, schema) in schemas.as_object().unwrap() {
            if let Some(push) = schema["properties"]["push"]["const"].as_str() {
                pushes.entry(push.to_owned()).or_default().push(name.clone());
            }
        }
        Self { schemas, pushes, made: Mutex::default() }
    }

    /// Checks a value against one shape.
    pub fn check(&self, name: &str, value: &Value) -> Result<(), String> {
        if self.schemas.get(name).is_none() {
            return Err(format!("the document has no shape `{name}` for {value}"));
        }
        let validator = self.validator(name);
        let wrong: Vec<String> = validator
            .iter_errors(value)
            .map(|it| format!("{}: {it}", it.instance_path()))
            .collect();
        if wrong.is_empty() {
            return Ok(());
        }
        Err(format!("{name}: {}\nin {value}", wrong.join("\n")))
    }

    /// Checks a frame that the hub sent and says which shape it has. `answers` says what command an
    /// id belongs to.
    pub fn check_sent(
        &self,
        frame: &Value,
        answers: impl Fn(u64) -> Option<String>,
    ) -> Result<String, String> {
        if let Some(push) = frame["push"].as_str() {
            let rows = self.pushes.get(push);
            let rows = rows.ok_or_else(|| format!("push `{push}` is not documented"))?;
            let mut wrong = Vec::new();
            for name in rows {
                match self.check(name, frame) {
                    Ok(()) => return Ok(name.clone()),
                    Err(err) => wrong.push(err),
                }
            }
            return Err(wrong.join("\n"));
        }
        if frame.get("err").is_some() {
            return self.check("reply.error", frame).map(|()| "reply.error".to_owned());
        }
        let method = frame["id"].as_u64().and_then(answers);
        let method = method.ok_or_else(|| format!("this answers nothing: {frame}"))?;
        let name = format!("reply.{method}");
        self.check(&name, frame).map(|()| name)
    }

    /// Checks a command that a client sent.
    pub fn check_asked(&self, frame: &Value) -> Result<String, String> {
        let name = format!("command.{}", frame["m"].as_str().ok_or("no command")?);
        self.check(&name, frame).map(|()| name)
    }

    /// The names of all frames.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        let schemas = self.schemas.as_object().into_iter().flatten().map(|(name, _)| name);
        schemas.filter(|it| ["command.", "reply.", "push."].iter().any(|kind| it.starts_with(kind)))
    }

    fn validator(&self, name: &str) -> Arc<Validator> {
        let mut made = self.made.lock().unwrap();
        let validator = made.entry(name.to_owned()).or_insert_with(|| {
            let root = json!({
                "$ref": format!("#/components/schemas/{name}"),
                "components": { "schemas": self.schemas },
            });
            Arc::new(jsonschema::draft7::new(&root).unwrap())
        });
        Arc::clone(validator)
    }
}

/// Forbids fields that are not listed, so that what is not documented is seen.
fn close(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Object(fields) => {
            if fields.get("properties").is_some_and(Value::is_object) {
                fields.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            fields.values_mut().for_each(close);
        }
        _ => {}
    }
}

/// What was asked on one connection, which shapes went over the wire, and what fits none.
#[derive(Debug, Default)]
pub struct Watch {
    asked: HashMap<u64, String>,
    /// Shapes of frames that were right.
    pub right: BTreeSet<String>,
    /// What is wrong with the others.
    pub wrong: Vec<String>,
}

impl Watch {
    /// A new connection begins: its ids count from anew.
    pub fn opened(&mut self) {
        self.asked.clear();
    }

    /// A frame went up.
    pub fn asked(&mut self, frame: &Map<String, Value>) {
        let frame = Value::Object(frame.clone());
        if let (Some(id), Some(m)) = (frame["id"].as_u64(), frame["m"].as_str()) {
            self.asked.insert(id, m.to_owned());
        }
        self.note(shapes().check_asked(&frame));
    }

    /// A frame came down.
    pub fn came(&mut self, frame: &Map<String, Value>) {
        let frame = Value::Object(frame.clone());
        self.note(shapes().check_sent(&frame, |id| self.asked.get(&id).cloned()));
    }

    fn note(&mut self, checked: Result<String, String>) {
        match checked {
            Ok(name) => {
                self.right.insert(name);
            }
            Err(wrong) => self.wrong.push(wrong),
        }
    }
}
