//! The fields of calls for the models of this package.

use std::sync::Arc;

use serde_json::Value;

use crate::json::{Fields, Format};
use crate::models::{
    CasResult, JsonText, PutResult, Register, RegisterCall, Text, TextCall, Versioned,
    VersionedCall, VersionedValue,
};

impl Format for Text {
    fn read_call(&self, fields: &mut Fields) -> Result<TextCall, String> {
        let value = |name: &str, value: Value| {
            value.as_str().map(Arc::from).ok_or_else(|| {
                format!("`{name}` must be a string, not {value}; other values: --model register")
            })
        };
        let op = fields.need_text("op")?;
        if op == "append" {
            let text = value("value", fields.need("value")?)?;
            let before = before(fields, value)?;
            acknowledged(fields)?;
            return Ok(TextCall::Append { text, before });
        }
        register_call(&op, fields, value, "get, put, append, cas").map(TextCall::Register)
    }
}

impl Format for Register<JsonText> {
    fn read_call(&self, fields: &mut Fields) -> Result<RegisterCall<JsonText>, String> {
        let op = fields.need_text("op")?;
        let value = |_: &str, value: Value| Ok(JsonText::from(&value));
        register_call(&op, fields, value, "read, write, cas")
    }
}

/// The value before a call, if it returned that.
fn before<V>(
    fields: &mut Fields,
    value: impl Fn(&str, Value) -> Result<V, String>,
) -> Result<Option<V>, String> {
    let before = fields.has_returned().then(|| fields.take_any("before")).flatten();
    before.map(|before| value("before", before)).transpose()
}

/// Reads a call on a register; `value` reads a value in the field of this name.
fn register_call<V>(
    op: &str,
    fields: &mut Fields,
    value: impl Fn(&str, Value) -> Result<V, String>,
    ops: &str,
) -> Result<RegisterCall<V>, String> {
    Ok(match op {
        "get" | "read" => RegisterCall::Read(match fields.has_returned() {
            false => None,
            true => Some(value("result", fields.result()?)?),
        }),
        "put" | "write" => {
            let written = value("value", fields.need_any("value")?)?;
            let before = before(fields, &value)?;
            acknowledged(fields)?;
            RegisterCall::Write { value: written, before }
        }
        "cas" => {
            let expected = value("from", fields.need_any("from")?)?;
            let new = value("value", fields.need_any("value")?)?;
            let result = match (before(fields, &value)?, fields.has_returned()) {
                (Some(before), _) => Some(CasResult::Before(before)),
                (None, true) => Some(cas_result(&fields.need("result")?)?),
                (None, false) => None,
            };
            RegisterCall::Cas { expected, value: new, result }
        }
        _ => return Err(format!("unknown `op` {op:?}; this model has {ops}")),
    })
}

fn cas_result<V>(result: &Value) -> Result<CasResult<V>, String> {
    match (result.as_bool(), result.as_str()) {
        (Some(true), _) | (_, Some("ok")) => Ok(CasResult::Swapped),
        (Some(false), _) | (_, Some("failed")) => Ok(CasResult::Failed),
        _ => Err(format!("`result` of a cas must be true or false, not {result}")),
    }
}

/// A write has nothing to say but that it was done.
fn acknowledged(fields: &mut Fields) -> Result<(), String> {
    if !fields.has_returned() {
        return Ok(());
    }
    match fields.take("result") {
        None | Some(Value::Bool(true)) => Ok(()),
        Some(Value::String(text)) if text == "ok" || text == "OK" => Ok(()),
        Some(other) => Err(format!(
            "`result` {other}: a write returns \"ok\". If it was surely not done, leave the call out; if it \
             is unknown, leave `return` and `result` out"
        )),
    }
}

impl Format for Versioned {
    fn read_call(&self, fields: &mut Fields) -> Result<VersionedCall, String> {
        let op = fields.need_text("op")?;
        match op.as_str() {
            "get" if !fields.has_returned() => Ok(VersionedCall::Get(None)),
            "get" => match error(fields)?.as_deref() {
                Some("nokey") => Ok(VersionedCall::Get(Some(VersionedValue::default()))),
                None | Some("ok") => {
                    let value = fields.need_text("result")?.into();
                    let version = version(fields)?;
                    Ok(VersionedCall::Get(Some(VersionedValue { version, value })))
                }
                Some(other) => Err(format!("`err` {other:?} of a get; it is ok or nokey")),
            },
            "put" => {
                let value = fields.need_text("value")?.into();
                let version = version(fields)?;
                let result = match error(fields)?.as_deref() {
                    _ if !fields.has_returned() => None,
                    Some("ok") => Some(PutResult::Ok),
                    Some("version") => Some(PutResult::WrongVersion),
                    Some("nokey") => Some(PutResult::NoKey),
                    Some("maybe") => Some(PutResult::Maybe),
                    Some(other) => {
                        return Err(format!(
                            "`err` {other:?} of a put; it is ok, version, nokey or maybe"
                        ));
                    }
                    None => return Err("`err` is missing: ok, version, nokey or maybe".to_owned()),
                };
                Ok(VersionedCall::Put { value, version, result })
            }
            _ => Err(format!("unknown `op` {op:?}; this model has get, put")),
        }
    }
}

fn version(fields: &mut Fields) -> Result<u64, String> {
    let version = fields.need("version")?;
    version
        .as_u64()
        .filter(|version| *version < u64::MAX)
        .ok_or_else(|| format!("`version` must be a whole number from 0 on, not {version}"))
}

/// The field `err`, without the `Err` and the capitals of the labs' Go constants.
fn error(fields: &mut Fields) -> Result<Option<String>, String> {
    if !fields.has_returned() {
        return Ok(None);
    }
    let error = fields.take_text("err")?.map(|error| error.to_lowercase());
    Ok(error.map(|error| error.strip_prefix("err").unwrap_or(&error).to_owned()))
}
