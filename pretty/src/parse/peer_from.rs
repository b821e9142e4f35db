//! The user's choice of where peers are named.

use regex::bytes::Regex;

/// The user's choice of where peers are named: `--peer-from`.
#[derive(Clone, Debug, Default)]
pub enum PeerFrom {
    /// The record; else its fields; else the transport's prefix; else the file's name.
    #[default]
    Auto,
    /// The field with this key.
    Field(String),
    /// The prefix that a transport adds: container, pod, host.
    Prefix,
    /// The name of the file.
    File,
    /// The first group of an expression, or its group `peer`, in the whole line.
    Regex(Regex),
}

impl PeerFrom {
    /// Reads `auto`, `field:NAME`, `prefix`, `file` or an expression.
    ///
    /// # Errors
    /// If an expression does not compile or has no group.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "auto" => Self::Auto,
            "prefix" => Self::Prefix,
            "file" => Self::File,
            _ => match text.strip_prefix("field:") {
                Some("") => return Err("missing name; write it as in field:node_id".to_owned()),
                Some(name) => Self::Field(name.to_owned()),
                None => Self::Regex(peer_expression(text)?),
            },
        })
    }
}

fn peer_expression(text: &str) -> Result<Regex, String> {
    let regex = Regex::new(text).map_err(|error| error.to_string())?;
    match regex.captures_len() {
        1 => Err(format!(
            "`{text}` has no group for the peer; use auto, field:NAME, prefix, file or an expression as in 'node=(\\w+)'"
        )),
        _ => Ok(regex),
    }
}
