//! The settings a file may hold.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::keys::KeyTable;
use super::layers::OwnLayers;
use super::rules::{Messages, State};
use super::values::{
    self, Color, DialectName, DialectValue, FormatName, FormatValue, LevelName, Names, Pager,
    Renames, value_enum,
};
use crate::cli::values::{ColorChoice, ColumnChoice, ThemeChoice};
use crate::level::OwnLevels;
use crate::meaning::state::{Role, StateKey};
use crate::meaning::words::WordsFile;
use crate::parse::{CustomTransport, OwnKeys, PeerFrom};
use crate::style::theme::Palette;
use crate::time::Tick;
use crate::view::{KeyError, Keys, Rules};

/// Every setting, with its documentation.
pub(crate) const EXAMPLE: &str = include_str!("example.toml");

/// The settings of a file; each is optional.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    #[serde(deserialize_with = "value_enum")]
    pub(crate) theme: Option<ThemeChoice>,
    #[serde(deserialize_with = "value_enum")]
    pub(crate) color: Option<ColorChoice>,
    #[serde(deserialize_with = "values::columns")]
    pub(crate) columns: Option<ColumnChoice>,
    pub(crate) just: Option<Names>,
    pub(crate) ignore: Option<Names>,
    pub(crate) peers: Option<Names>,
    pub(crate) time: Option<bool>,
    pub(crate) fold: Option<bool>,
    pub(crate) format: Option<String>,
    transports: Option<String>,
    pub(crate) dialect: Option<String>,
    #[serde(deserialize_with = "values::tick")]
    pub(crate) tick: Option<Tick>,
    pub(crate) tz: Option<String>,
    #[serde(deserialize_with = "values::peer_from")]
    pub(crate) peer_from: Option<PeerFrom>,
    pub(crate) level: Option<LevelName>,
    pub(crate) fields: OwnKeys,
    rename: Renames,
    pub(super) pager: Option<toml::Spanned<Pager>>,
    topics: BTreeMap<String, Color>,
    formats: BTreeMap<FormatName, toml::Spanned<FormatValue>>,
    dialects: BTreeMap<DialectName, toml::Spanned<DialectValue>>,
    pub(crate) levels: OwnLevels,
    state_keys: BTreeMap<StateKey, Vec<String>>,
    roles: BTreeMap<Role, Vec<String>>,
    transport: Vec<CustomTransport>,
    state: Vec<State>,
    message: Vec<Messages>,
    keys: KeyTable,
    /// The layers of `formats` and `dialects`, and of files that options name.
    #[serde(skip)]
    pub(super) layers: OwnLayers,
}

impl Config {
    /// The settings of this file, and those of the other where this one has none.
    pub(super) fn over(self, other: Self) -> Self {
        Self {
            theme: self.theme.or(other.theme),
            color: self.color.or(other.color),
            columns: self.columns.or(other.columns),
            just: self.just.or(other.just),
            ignore: self.ignore.or(other.ignore),
            peers: self.peers.or(other.peers),
            time: self.time.or(other.time),
            fold: self.fold.or(other.fold),
            format: self.format.or(other.format),
            transports: self.transports.or(other.transports),
            dialect: self.dialect.or(other.dialect),
            tick: self.tick.or(other.tick),
            tz: self.tz.or(other.tz),
            peer_from: self.peer_from.or(other.peer_from),
            level: self.level.or(other.level),
            fields: self.fields.over(other.fields),
            rename: Renames([self.rename.0, other.rename.0].concat()),
            pager: self.pager.or(other.pager),
            topics: merge_maps(self.topics, other.topics),
            formats: BTreeMap::new(),
            dialects: BTreeMap::new(),
            levels: self.levels.over(other.levels),
            state_keys: merge_maps(self.state_keys, other.state_keys),
            roles: merge_maps(self.roles, other.roles),
            layers: self.layers.over(other.layers),
            transport: [self.transport, other.transport].concat(),
            state: [other.state, self.state].concat(),
            message: [self.message, other.message].concat(),
            keys: KeyTable([other.keys.0, self.keys.0].concat()),
        }
    }

    pub(crate) fn pager(&self) -> Option<&Pager> {
        self.pager.as_ref().map(toml::Spanned::get_ref)
    }

    pub(crate) fn palette(&self) -> Palette {
        let mut palette = Palette::default();
        for (topic, color) in &self.topics {
            palette.set(topic, color.dark, color.light);
        }
        palette
    }

    /// The formats that are written here, or in files named here, in order.
    pub(super) fn written_formats(&self) -> impl Iterator<Item = (&str, &FormatValue)> {
        in_order(&self.formats)
    }

    /// The same of dialects.
    pub(super) fn written_dialects(&self) -> impl Iterator<Item = (&str, &DialectValue)> {
        in_order(&self.dialects)
    }

    /// The formats and dialects of the user's own.
    pub(crate) const fn layers(&self) -> &OwnLayers {
        &self.layers
    }

    /// The transports of the user's own.
    pub(crate) const fn transports(&self) -> &Vec<CustomTransport> {
        &self.transport
    }

    /// The transports that count.
    pub(crate) fn transports_wanted(&self) -> Option<&str> {
        self.transports.as_deref()
    }

    /// Expressions for names of peers, and what takes their place.
    pub(crate) fn rename(&self) -> Vec<(regex::bytes::Regex, String)> {
        self.rename.0.clone()
    }

    /// The rules for the meaning of lines.
    pub(crate) fn rules(&self) -> Rules {
        let state = self.state.iter().map(|state| state.0.clone());
        let messages = self.message.iter().flat_map(|messages| messages.0.iter().cloned());
        let dialects = self.layers.dialects.iter();
        let dialects: Vec<_> = dialects.map(|own| (own.name.clone(), own.layer.clone())).collect();
        let words = WordsFile { keys: self.state_keys.clone(), roles: self.roles.clone() };
        Rules::new(state.collect(), messages.collect()).with_own_dialects(dialects, words)
    }

    /// # Errors
    /// [`KeyError::NoQuit`].
    pub(crate) fn keys(&self) -> Result<Keys, KeyError> {
        let mut keys = Keys::default();
        for (key, action) in &self.keys.0 {
            keys.bind(*key, *action);
        }
        keys.checked()
    }
}

/// The entries of a table as they are written.
fn in_order<K: AsRef<str>, V>(
    table: &BTreeMap<K, toml::Spanned<V>>,
) -> impl Iterator<Item = (&str, &V)> {
    let mut all: Vec<_> = table.iter().collect();
    all.sort_by_key(|(_, value)| value.span().start);
    all.into_iter().map(|(name, value)| (name.as_ref(), value.get_ref()))
}

/// The entries of both; where both have one, the first one's.
fn merge_maps<K: Ord, V>(ours: BTreeMap<K, V>, mut theirs: BTreeMap<K, V>) -> BTreeMap<K, V> {
    theirs.extend(ours);
    theirs
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;
    use crate::level::Level;
    use crate::style::color::Rgb;
    use crate::style::theme::{Background, Theme};
    use crate::view::Action;

    fn parse(text: &str) -> Result<Config, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.to_string())
    }

    /// The example with its settings switched on: those lines have no blank behind their `#`.
    fn example() -> String {
        let line = |line: &str| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with([' ', '#']) => setting.to_owned(),
            Some(_) | None => line.to_owned(),
        };
        EXAMPLE.lines().map(|text| line(text) + "\n").collect()
    }

    #[test]
    fn the_documented_example_is_read() {
        assert!(parse(EXAMPLE).is_ok(), "{:?}", parse(EXAMPLE));
        let config = parse(&example()).unwrap();
        let Config { theme, color, columns, just, ignore, peers, time, fold, format, tick, .. } =
            &config;
        assert_eq!(*theme, Some(ThemeChoice::Auto));
        assert_eq!(*color, Some(ColorChoice::Auto));
        assert_eq!(*columns, Some(ColumnChoice::Auto));
        assert!(just.is_some() && ignore.is_some() && peers.is_some());
        assert_eq!((*time, *fold, format.as_deref()), (Some(true), Some(false), Some("auto")));
        assert_eq!(*tick, Some(Tick::TEN_MILLISECONDS));
        assert_eq!(config.pager(), Some(&Pager::Never));
        assert!(config.keys().is_ok());
        assert!(!config.state.is_empty() && !config.message.is_empty());
        assert!(!config.topics.is_empty() && !config.formats.is_empty());
    }

    #[test]
    fn the_example_of_the_readme_is_read() {
        let readme = include_str!("../../../../README.md");
        let (_, example) = readme.split_once("```toml\n").unwrap();
        let config = parse(example.split_once("```").unwrap().0).unwrap();
        let names: Vec<_> = config.written_formats().map(|(name, _)| name).collect();
        assert!(names == ["nodes"] && config.state.len() == 1);
    }

    #[test]
    fn the_example_names_every_setting() {
        let error = parse("nonsense = 1").unwrap_err();
        let (_, fields) = error.split_once("expected one of ").unwrap();
        for field in fields.split(',').map(|field| field.trim().trim_matches('`')) {
            let starts = [format!("#{field} = "), format!("#[{field}]"), format!("#[[{field}]]")];
            let named = EXAMPLE.lines().any(|line| starts.iter().any(|s| line.starts_with(s)));
            assert!(named, "{field}: document it in cli/config/example.toml");
        }
    }

    #[test]
    fn the_example_names_every_action() {
        let (_, rest) = EXAMPLE.split_once(" Actions:").unwrap();
        let list: Vec<_> = rest.split("#[keys]").next().unwrap().split_whitespace().collect();
        for (name, ..) in crate::view::ACTIONS {
            assert!(
                list.contains(&name),
                "{name}: add it to the actions in cli/config/example.toml"
            );
        }
    }

    #[test]
    fn mistakes_are_shown_with_their_line() {
        for (text, line, what) in [
            ("fold = true\nspeed = 9\n", "line 2", "unknown field `speed`"),
            ("\ntheme = \"purple\"", "line 2", "unknown value `purple`; values: auto, dark, light"),
            ("color = 7", "line 1", "expected a string"),
            ("columns = 0", "line 1", "use `auto` or 1 to 999"),
            ("columns = \"many\"", "line 1", "use `auto` or 1 to 999"),
            ("just = 7", "line 1", "names, as a text or a list"),
            ("tick = \"soon\"", "line 1", "soon"),
            ("pager = 7", "line 1", "true, false or a command"),
            ("[topics]\nA = \"red\"", "line 2", "invalid colour `red`; write it as #d0b343"),
            ("[topics]\nA = { dark = \"#000000\" }", "line 2", "missing field `light`"),
            ("[topics]\nA = 7", "line 2", "a colour, or one each for dark and light"),
            ("[formats]\na = '('", "line 2", "unclosed group"),
            ("[formats]\na = 'x'", "line 2", "no named group"),
            ("[formats]\njson = '(?<msg>x)'", "line 2", "reserved name `json`"),
            ("[[state]]\nset = { role = \"x\" }", "line 1", "missing field `match`"),
            ("[[state]]\nmatch = 'x'", "line 1", "empty rule"),
            ("[[state]]\nmatch = '(?<trem>x)'", "line 1", "did you mean term?"),
            ("[[state]]\nmatch = '('", "line 1", "unclosed group"),
            ("[[state]]\nmatch = 'x'\nwhen = 1", "line 3", "unknown field `when`"),
            ("[[message]]\nsent = 'x'", "line 1", "`sent`: missing group `to`"),
            ("[[message]]\n", "line 1", "one of sent, received, lost"),
            ("[keys]\nxx = \"down\"", "line 2", "unknown key `xx`"),
            ("[keys]\n5 = \"down\"", "line 2", "reserved key `5`"),
            ("[keys]\nx = \"dwon\"", "line 2", "did you mean down?"),
            ("[keys]\nctrl-n = \"up\"\n\"^n\" = \"down\"", "line 1", "duplicate key"),
            ("[keys]\nx = \"up\"\nx = \"down\"", "line 3", "duplicate key"),
            ("fold = ", "line 1", ""),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains(line) && message.contains(what), "{text}\n{message}");
        }
    }

    #[test]
    fn the_nearer_file_counts() {
        let near = "fold = true\n[topics]\nA = \"#ffffff\"\n[keys]\nj = \"up\"\n\
                    [levels]\nerror = ['boom']\n[fields]\npeer = ['shard']";
        let far = "fold = false\ntime = false\n[topics]\nA = \"#ffff00\"\nB = \"#00ff00\"\n[keys]\nj = \"quit\"\np = \"down\"\n\
                   [levels]\nwarn = ['boom', 'hm']\n[fields]\npeer = ['rack']\ntime = ['when']";
        let config = parse(near).unwrap().over(parse(far).unwrap());
        assert_eq!((config.fold, config.time), (Some(true), Some(false)));
        let level = |word: &str| config.levels.level(word.as_bytes());
        assert_eq!((level("boom"), level("hm")), (Some(Level::Error), Some(Level::Warn)));
        assert_eq!(config.fields.peer, ["shard", "rack"]);
        assert_eq!(config.fields.time, ["when"]);
        let theme = Theme::with_palette(Background::Dark, config.palette());
        assert_eq!(theme.topic(b"A"), Rgb(255, 255, 255));
        assert_eq!(theme.topic(b"B"), Rgb(0, 255, 0));
        let keys = config.keys().unwrap();
        let action = |c| keys.action(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
        assert_eq!((action('j'), action('p')), (Some(Action::Up), Some(Action::Down)));
    }
}
