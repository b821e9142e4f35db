//! `["text"] [key=value] [key="a value"]`: the fields of the unified format as a text.

use super::fields::TextSink;

/// Writes the text and its fields as `text key=value` to `text`; `None` if it is not of this form.
pub(super) fn write(line: &[u8], text: &mut impl TextSink) -> Option<()> {
    let mut rest = line;
    while let Some(field) = rest.strip_prefix(b"[") {
        let end = end_of(field)?;
        if text.length() > 0 {
            text.push(b" ");
        }
        let own = &field[..end];
        match (text.length(), own) {
            (0, [b'"', inner @ .., b'"']) if memchr::memchr(b'\\', inner).is_none() => {
                text.push(inner);
            }
            (0, [b'"', inner @ .., b'"']) => text.push(&unescaped(inner)),
            _ => text.push(own),
        }
        rest = field[end + 1..].trim_ascii_start();
    }
    (rest.is_empty() && text.length() > 0).then_some(())
}

/// The end of a field: the bracket that is not in quotes, nor closes another one.
fn end_of(field: &[u8]) -> Option<usize> {
    let (mut quoted, mut escaped, mut depth) = (false, false, 0);
    field.iter().position(|byte| {
        let ends = *byte == b']' && !quoted && depth == 0;
        match byte {
            b'"' if !escaped => quoted = !quoted,
            b'[' if !quoted => depth += 1,
            b']' if !quoted => depth -= 1,
            _ => {}
        }
        escaped = *byte == b'\\' && !escaped;
        ends
    })
}

fn unescaped(quoted: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(quoted.len());
    let mut escaped = false;
    for byte in quoted {
        if *byte == b'\\' && !escaped {
            escaped = true;
            continue;
        }
        text.push(match (escaped, byte) {
            (true, b'n') => b'\n',
            (true, b't') => b'\t',
            _ => *byte,
        });
        escaped = false;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_facts() {
        for (line, expected) in [
            (r#"["became leader"] [term=7] [raft_id=77]"#, Some("became leader term=7 raft_id=77")),
            (r#"["say \"x\""] [a="b c"] [l="[1, 2]"]"#, Some(r#"say "x" a="b c" l="[1, 2]""#)),
            ("[plain] [a=[1]]", Some("plain a=[1]")),
            ("[torn", None),
            ("no bracket", None),
            ("", None),
        ] {
            let mut text = Vec::new();
            let found = write(line.as_bytes(), &mut text).map(|()| &*text);
            assert_eq!(found, expected.map(str::as_bytes), "{line}");
        }
    }
}
