//! Names of sources, shortened to what tells them apart.

/// The names of files without the beginning and end that all share, cut where a word ends.
pub(crate) fn source_names(names: &[String]) -> Vec<String> {
    let (Some(first), 2..) = (names.first(), names.len()) else {
        return names.to_vec();
    };
    let shared = |of: &dyn Fn(&str, &str) -> usize| {
        names.iter().map(|name| of(first, name)).min().unwrap_or(0)
    };
    let start = shared(&|a, b| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count());
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80;
    let start =
        first.as_bytes()[..start].iter().rposition(|byte| !is_word(*byte)).map_or(0, |at| at + 1);
    let end =
        shared(&|a, b| a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count());
    let tail = &first.as_bytes()[first.len() - end.min(first.len())..];
    let cut = tail.iter().position(|byte| !is_word(*byte)).map_or(0, |at| tail.len() - at);
    let short = |name: &String| {
        let whole = name.get(start..name.len().saturating_sub(cut).max(start)).unwrap_or(name);
        if whole.is_empty() { name.clone() } else { whole.to_owned() }
    };
    names.iter().map(short).collect()
}

/// The name of a file without its directories and what follows the first point.
pub(super) fn stem(name: &[u8]) -> &[u8] {
    let start = memchr::memrchr(b'/', name).map_or(0, |at| at + 1);
    let file = &name[start..];
    let end = memchr::memchr(b'.', file).filter(|at| *at > 0);
    &file[..end.unwrap_or(file.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_tells_files_apart() {
        let short = |names: &[&str]| {
            source_names(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(short(&["logs/n1.log", "logs/n2.log"]), ["n1", "n2"]);
        assert_eq!(short(&["09_etcd_m1.json", "09_etcd_m2.json"]), ["m1", "m2"]);
        assert_eq!(short(&["node1/raft.log", "node2/raft.log"]), ["node1", "node2"]);
        assert_eq!(short(&["a/raft.log.gz", "b/raft.log"]), ["a/raft.log.gz", "b/raft.log"]);
        assert_eq!(short(&["server-1.log", "server-10.log"]), ["1", "10"]);
        assert_eq!(short(&["same", "same"]), ["same", "same"]);
        assert_eq!(short(&["only.log"]), ["only.log"]);
    }
}
