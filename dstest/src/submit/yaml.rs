//! Values of JSON as YAML that people can read: every string is one of JSON, which YAML reads too.

use serde_json::Value;

/// Documents, each with a line before it.
pub(super) fn documents(values: &[Value]) -> String {
    values.iter().map(|value| format!("---\n{}", block(value, 0))).collect()
}

fn block(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) if is_block(value) => fields
            .iter()
            .map(|(name, value)| format!("{indent}{name}:{}", after(value, depth + 1)))
            .collect(),
        Value::Array(items) if is_block(value) => items
            .iter()
            .map(|item| {
                let inner = block(item, depth + 1);
                format!("{indent}- {}", inner.trim_start())
            })
            .collect(),
        Value::Object(_)
        | Value::Array(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_) => format!("{indent}{value}\n"),
    }
}

/// A value behind its name: on the same line, or below.
fn after(value: &Value, depth: usize) -> String {
    if is_block(value) { format!("\n{}", block(value, depth)) } else { format!(" {value}\n") }
}

/// `true` for a value that takes lines of its own.
fn is_block(value: &Value) -> bool {
    let fields = value.as_object().is_some_and(|fields| !fields.is_empty());
    fields || value.as_array().is_some_and(|items| !items.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_blocks_and_strings_are_quoted() {
        let value = json!({
            "a": {"b": [1, "x: \"y\"\n", {"c": true, "d": []}], "e": {}},
            "f": null,
        });
        let want = "---\na:\n  b:\n    - 1\n    - \"x: \\\"y\\\"\\n\"\n    - c: true\n      d: []\n  \
                    e: {}\nf: null\n";
        assert_eq!(documents(&[value]), want);
    }
}
