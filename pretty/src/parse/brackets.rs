//! `["text"] [key=value] [key="a value"]`: the fields of the unified format as a text.

/// The text and its fields as `text key=value`; `None` if it is not of this form.
pub(super) fn text(line: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(field) = rest.strip_prefix(b"[") {
        let end = end_of(field)?;
        if !text.is_empty() {
            text.push(b' ');
        }
        let field_text = &field[..end];
        match (text.is_empty(), field_text) {
            (true, [b'"', inner @ .., b'"']) => push_unescaped(&mut text, inner),
            _ => text.extend_from_slice(field_text),
        }
        rest = field[end + 1..].trim_ascii_start();
    }
    (rest.is_empty() && !text.is_empty()).then_some(text)
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

fn push_unescaped(text: &mut Vec<u8>, quoted: &[u8]) {
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
            let found = text(line.as_bytes());
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{line}");
        }
    }
}
