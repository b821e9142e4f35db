//! `pretty formats`: all layers with a line of each, and the check of files of one's own.

use std::path::{Path, PathBuf};

use super::config::{Config, LayerFile, OwnLayer};
use super::error::warn;
use super::exit::Exit;
use crate::meaning::dialects;
use crate::meaning::words::WordsFile;
use crate::parse::{Format, Parser, Transports};
use crate::text::safe_text;
use crate::view::{DialectFile, Rules, dialect_differences};

/// All layers, those of the user first, with the files they come from.
pub(super) fn list(config: &Config) -> String {
    let layers = config.layers();
    let mut text = "Transports carry the lines of others (--transport NAME):\n\n".to_owned();
    for own in &layers.formats {
        for name in own.layer.transports() {
            text += &entry(name, &origin("", &own.origin), "");
        }
    }
    for own in config.transports() {
        text += &entry(own.name(), "[[transport]] of the settings", "");
    }
    for (name, line) in Transports::documented() {
        text += &entry(name, "", line);
    }
    text += "\nFormats are the ways programs write (--format NAME):\n\n";
    for OwnLayer { name, layer, origin: file } in &layers.formats {
        let about = origin(layer.about(), file);
        text += &entry(name, &about, layer.example().unwrap_or_default());
    }
    for (name, about) in Format::documented() {
        text += &entry(name, about, Format::examples(name).next().unwrap_or_default());
    }
    text += "\nDialects are the sentences of programs (--dialect NAME):\n\n";
    for OwnLayer { name, layer, origin: file } in &layers.dialects {
        text += &entry(name, &origin(&layer.about, file), first_line(layer));
    }
    for (name, file) in dialects::files() {
        text += &entry(&name, &file.about, first_line(&file));
    }
    text
}

/// Checks the samples in files, and says what is wrong. The logs of dialects are read in these formats,
/// those of the settings, and those built in.
pub(super) fn check(files: &[PathBuf], config: &Config) -> Exit {
    let read: Vec<_> = files.iter().map(|path| (path, LayerFile::read(path))).collect();
    let formats = read.iter().filter_map(|(_, file)| match file {
        Ok(LayerFile::Format(format)) => Some(format.clone()),
        Ok(LayerFile::Dialect(_)) | Err(_) => None,
    });
    let own = config.layers().formats.iter().map(|own| own.layer.clone());
    let parser = Parser::new(Format::AutoAnd(formats.chain(own).collect()), None);
    let mut exit = Exit::Done;
    for (path, file) in read {
        let file = file.map_err(|error| error.to_string());
        let checked = file.and_then(|file| differences(&file, &parser));
        match checked {
            Ok((kind, count, wrong)) if wrong.is_empty() => {
                let name = safe_text(path.as_os_str().as_encoded_bytes());
                let samples = if count == 1 { "sample" } else { "samples" };
                let text = format!("{name}: {kind}, {count} {samples} right\n");
                if super::print(text.as_bytes()) == Exit::Failed {
                    exit = Exit::Failed;
                }
                if count == 0 {
                    warn(&format!("{}: no [[sample]]: nothing is checked", path.display()));
                }
            }
            Ok((_, _, wrong)) => {
                exit = Exit::Failed;
                wrong.iter().for_each(|text| warn(&format!("{}: {text}", path.display())));
            }
            Err(error) => {
                exit = Exit::Failed;
                warn(&error);
            }
        }
    }
    exit
}

/// The kind of layer in a file, the number of its samples, and what is wrong with them.
fn differences(
    file: &LayerFile,
    parser: &Parser,
) -> Result<(&'static str, usize, Vec<String>), String> {
    Ok(match file {
        LayerFile::Format(format) => ("format", format.samples(), format.differences()),
        LayerFile::Dialect(dialect) => {
            let own = vec![("own".into(), (**dialect).clone())];
            let rules = Rules::default().with_own_dialects(own, WordsFile::default());
            rules.prepare().map_err(|error| error.to_string())?;
            let wrong = dialect_differences(dialect, &rules, parser);
            ("dialect", dialect.sample.len(), wrong)
        }
    })
}

fn first_line(dialect: &DialectFile) -> &str {
    dialect.sample.first().and_then(|sample| sample.log.lines().next()).unwrap_or_default()
}

/// A description with the file a layer comes from.
fn origin(about: &str, file: &Path) -> String {
    let file = file.display();
    if about.is_empty() { format!("({file})") } else { format!("{about} ({file})") }
}

fn entry(name: &str, about: &str, line: &str) -> String {
    let [name, about, line] = [name, about, line].map(|text| safe_text(text.as_bytes()));
    match (&*about, &*line) {
        ("", _) => format!("{name:<11} {line}\n"),
        (_, "") => format!("{name:<11} {about}\n"),
        _ => format!("{name:<11} {about}\n{:11}   {line}\n", ""),
    }
}
