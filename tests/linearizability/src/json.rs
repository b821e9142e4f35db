//! Histories as JSON lines, as programs in any language write them; `docs/histories.md` describes them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, BufRead};

use serde_json::{Map, Value};

use crate::history::{History, Mark, Record};
use crate::model::Model;
use crate::timed::Timed;

/// A model whose calls can be read from JSON.
pub trait Format: Model {
    /// Reads a call and its result, which is there if the call has returned.
    ///
    /// # Errors
    /// The fields are wrong; the text says how.
    fn read_call(&self, fields: &mut Fields) -> Result<Self::Call, String>;
}

/// The fields of a call.
#[derive(Debug)]
pub struct Fields {
    left: Map<String, Value>,
    has_returned: bool,
}

impl Fields {
    /// Takes a field; `None` if it is missing or null.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a field that has to be there.
    ///
    /// # Errors
    /// It is missing.
    pub fn need(&mut self, name: &str) -> Result<Value, String> {
        self.take(name).ok_or_else(|| format!("`{name}` is missing"))
    }

    /// Takes a field, where null is a value.
    pub fn take_any(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name)
    }

    /// Takes a field that has to be there, where null is a value.
    ///
    /// # Errors
    /// It is missing.
    pub fn need_any(&mut self, name: &str) -> Result<Value, String> {
        self.take_any(name).ok_or_else(|| format!("`{name}` is missing"))
    }

    /// Takes the result, where null is a value.
    ///
    /// # Errors
    /// It is missing.
    pub fn result(&mut self) -> Result<Value, String> {
        let op =
            "the call has returned, and `result` is missing; without a result, leave `return` out";
        self.left.remove("result").ok_or_else(|| op.to_owned())
    }

    /// Takes a field that has to be a string.
    ///
    /// # Errors
    /// It is missing, or something else.
    pub fn need_text(&mut self, name: &str) -> Result<String, String> {
        text(name, &self.need(name)?)
    }

    /// Takes a string.
    ///
    /// # Errors
    /// It is something else.
    pub fn take_text(&mut self, name: &str) -> Result<Option<String>, String> {
        self.take(name).map(|value| text(name, &value)).transpose()
    }

    /// `true` if the call has returned, and must have a result.
    #[must_use]
    pub const fn has_returned(&self) -> bool {
        self.has_returned
    }
}

fn text(name: &str, value: &Value) -> Result<String, String> {
    let text = value.as_str().map(ToOwned::to_owned);
    text.ok_or_else(|| format!("`{name}` must be a string, not {value}"))
}

/// An error in a file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A line is wrong.
    #[error("line {line}: {text}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// Description of the mistake.
        text: String,
    },
}

/// The lines of one call.
struct Lines {
    first: usize,
    fields: Map<String, Value>,
    /// The line of each field that is not in the first.
    line_of: BTreeMap<String, usize>,
}

/// A call as it is written.
struct Raw<C> {
    key: String,
    client: String,
    call: C,
    called: i128,
    returned: Option<i128>,
    note: Option<String>,
}

/// Reads a history. The order of its lines does not matter.
///
/// # Errors
/// The first line that is wrong.
pub fn read<M: Format>(model: &M, input: impl BufRead) -> Result<History<M::Call>, ReadError> {
    let (mut calls, mut marks) = (Vec::new(), Vec::new());
    for lines in join(input)? {
        let line = lines.first;
        let wrong = |text| ReadError::Line { line, text };
        if lines.fields.contains_key("mark") {
            marks.push(mark(lines.fields).map_err(wrong)?);
        } else {
            calls.push(call(model, lines.fields).map_err(wrong)?);
        }
    }
    Ok(history(calls, marks))
}

/// Reads all lines, and joins those with the same `id`.
fn join(mut input: impl BufRead) -> Result<Vec<Lines>, ReadError> {
    let (mut all, mut places) = (Vec::<Lines>::new(), BTreeMap::new());
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        if input.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let wrong = |text| ReadError::Line { line, text };
        let fields: Map<String, Value> = serde_json::from_slice(bytes.trim_ascii())
            .map_err(|error| wrong(format!("not a JSON object: {}", column(&error))))?;
        let id = fields.get("id").filter(|id| !id.is_null()).map(Value::to_string);
        let place = match id.map(|id| places.entry(id)) {
            Some(Entry::Occupied(entry)) => *entry.get(),
            Some(Entry::Vacant(entry)) => *entry.insert(all.len()),
            None => all.len(),
        };
        match all.get_mut(place) {
            Some(lines) => lines.add(line, fields).map_err(wrong)?,
            None => all.push(Lines { first: line, fields, line_of: BTreeMap::new() }),
        }
    }
    Ok(all)
}

/// The message of a JSON error, whose line is always the first.
fn column(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at column ")
}

impl Lines {
    fn add(&mut self, line: usize, fields: Map<String, Value>) -> Result<(), String> {
        for (name, value) in fields {
            match self.fields.get(&name).filter(|other| !other.is_null()) {
                None => {
                    self.line_of.insert(name.clone(), line);
                    self.fields.insert(name, value);
                }
                Some(_) if value.is_null() => {}
                Some(other) if *other == value && !matches!(&*name, "call" | "return") => {}
                Some(other) => {
                    let earlier = self.line_of.get(&name).unwrap_or(&self.first);
                    let id = self.fields.get("id").unwrap_or(&Value::Null);
                    return Err(format!(
                        "`{name}` of id {id} is {value} here and {other} in line {earlier}; every \
                         call needs an id of its own"
                    ));
                }
            }
        }
        Ok(())
    }
}

fn call<M: Format>(model: &M, mut fields: Map<String, Value>) -> Result<Raw<M::Call>, String> {
    fields.remove("id");
    let called = time(&mut fields, "call")?
        .ok_or("`call` is missing: the time of the call, a whole number")?;
    let returned = time(&mut fields, "return")?;
    if let Some(returned) = returned.filter(|returned| *returned < called) {
        return Err(format!("returned at {returned}, before it was called at {called}"));
    }
    let key = name(&mut fields, "key")?.unwrap_or_default();
    let client = name(&mut fields, "client")?.unwrap_or_default();
    let note = fields.remove("note").filter(|note| !note.is_null());
    let note = note.map(|note| note.as_str().map_or_else(|| note.to_string(), ToOwned::to_owned));
    let mut fields = Fields { left: fields, has_returned: returned.is_some() };
    let call = model.read_call(&mut fields)?;
    if let Some((name, _)) = fields.left.iter().find(|(_, value)| !value.is_null()) {
        return Err(match name.as_str() {
            "result" | "err" if returned.is_none() => {
                format!("`{name}` without `return`: a call that has a result has returned")
            }
            _ => format!("`{name}` means nothing here; what is for people only goes into `note`"),
        });
    }
    Ok(Raw { key, client, call, called, returned, note })
}

fn mark(mut fields: Map<String, Value>) -> Result<(String, i128, i128), String> {
    let text = name(&mut fields, "mark")?.unwrap_or_default();
    let from = time(&mut fields, "at")?.ok_or("`at` is missing: the time of the mark")?;
    let until = time(&mut fields, "until")?.unwrap_or(from);
    if until < from {
        return Err(format!("ends at {until}, before it begins at {from}"));
    }
    match fields.keys().next() {
        Some(name) => Err(format!("`{name}` means nothing in a mark: it has `at` and `until`")),
        None => Ok((text, from, until)),
    }
}

fn name(fields: &mut Map<String, Value>, field: &str) -> Result<Option<String>, String> {
    match fields.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => Err(format!("`{field}` must be a string or a number, not {other}")),
    }
}

fn time(fields: &mut Map<String, Value>, field: &str) -> Result<Option<i128>, String> {
    match fields.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let whole = value.as_i64().map(i128::from).or(value.as_u64().map(i128::from));
            whole.map(Some).ok_or_else(|| {
                format!("`{field}` must be a whole number, not {value}; take nanoseconds")
            })
        }
    }
}

/// The history, with times as numbers from 0: only their order counts. Calls stand in an order that
/// does not depend on that of the lines.
fn history<C: std::fmt::Debug>(calls: Vec<Raw<C>>, marks: Vec<(String, i128, i128)>) -> History<C> {
    let of_call = |raw: &Raw<C>| [Some(raw.called), raw.returned];
    let mut times: Vec<i128> = calls.iter().flat_map(of_call).flatten().collect();
    times.extend(marks.iter().flat_map(|(_, from, until)| [*from, *until]));
    times.sort_unstable();
    times.dedup();
    let rank = |time: i128| times.partition_point(|other| *other < time) as u64;
    let mut history = History::default();
    for Raw { key, client, call, called, returned, note } in calls {
        let mut timed = Timed::pending(call, rank(called));
        if let Some(returned) = returned {
            timed.returns(rank(returned)).expect("it was compared when it was read");
        }
        let shown_times = Some((called.to_string(), returned.map(|at| at.to_string())));
        history.add(key, Record { client, timed, shown_times, note });
    }
    for records in history.keys.values_mut() {
        records.sort_by(|one, other| {
            let times = |record: &Record<C>| (record.timed.called(), record.timed.end());
            let call = |record: &Record<C>| format!("{:?}", record.timed.call);
            let clients = || one.client.cmp(&other.client);
            let by_time = times(one).cmp(&times(other)).then_with(clients);
            by_time.then_with(|| call(one).cmp(&call(other)))
        });
    }
    let mark = |(text, from, until)| Mark { text, from: rank(from), until: rank(until) };
    history.marks = marks.into_iter().map(mark).collect();
    history
}
