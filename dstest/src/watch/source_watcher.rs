//! The watcher: a thread that reports changes of sources, once they have settled.
//!
//! Each directory is watched by itself, so that build directories cost nothing. A directory that
//! appears later is added.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, MetadataKind, ModifyKind};
use notify::{Config, Event, EventKind, PollWatcher, RecursiveMode, Watcher, recommended_watcher};

use super::error::WatchError;
use super::sources::Sources;

/// The source of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// The system.
    System,
    /// A look at every file, again and again.
    Poll,
}

/// Reports changes of sources until it is dropped.
#[derive(Debug)]
pub(crate) struct SourceWatcher {
    messages: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

/// A message to the thread.
#[derive(Debug)]
enum Message {
    Event(notify::Result<Event>),
    Stop,
}

impl SourceWatcher {
    /// Starts to watch; `report` gets the changed files, relative to the directory.
    ///
    /// # Errors
    /// See [`WatchError`].
    pub(crate) fn start(
        sources: Sources,
        method: Method,
        report: impl FnMut(Vec<PathBuf>) + Send + 'static,
    ) -> Result<Self, WatchError> {
        let (messages, inbox) = mpsc::channel();
        let sender = messages.clone();
        let on_event = move |event| {
            let _ = sender.send(Message::Event(event));
        };
        let watcher: notify::Result<Box<dyn Watcher + Send>> = match method {
            Method::System => recommended_watcher(on_event).map(|watcher| Box::new(watcher) as _),
            Method::Poll => {
                // Their times alone have too few digits for two saves in one second.
                let config = Config::default().with_poll_interval(POLL).with_compare_contents(true);
                PollWatcher::new(on_event, config).map(|watcher| Box::new(watcher) as _)
            }
        };
        let refused = |error| WatchError::new(sources.dir().to_owned(), &error);
        let watcher = watcher.map_err(refused)?;
        let mut collector = Collector { watcher, sources, changed: BTreeMap::new(), report };
        collector.add(collector.sources.dir().to_owned())?;
        let thread = thread::Builder::new().name("watcher".to_owned());
        let dir = collector.sources.dir().to_owned();
        let thread = thread
            .spawn(move || collector.collect(&inbox))
            .map_err(|error| WatchError::Refused { path: dir, reason: error.to_string() })?;
        Ok(Self { messages, thread: Some(thread) })
    }
}

impl Drop for SourceWatcher {
    fn drop(&mut self) {
        let _ = self.messages.send(Message::Stop);
        // A thread that panicked reports nothing more.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The thread's state.
struct Collector<R> {
    watcher: Box<dyn Watcher + Send>,
    sources: Sources,
    /// The paths with events since the last report; `true` for those that began to exist then.
    changed: BTreeMap<PathBuf, bool>,
    report: R,
}

impl<R: FnMut(Vec<PathBuf>)> Collector<R> {
    fn collect(mut self, inbox: &Receiver<Message>) {
        while let Ok(Message::Event(event)) = inbox.recv() {
            self.handle(event);
            let first = Instant::now();
            while !self.changed.is_empty() && first.elapsed() < SETTLE_MAX {
                match inbox.recv_timeout(SETTLE) {
                    Ok(Message::Event(event)) => self.handle(event),
                    Ok(Message::Stop) => return,
                    Err(_) => break,
                }
            }
            self.flush();
        }
    }

    fn handle(&mut self, event: notify::Result<Event>) {
        let Ok(event) = event else { return };
        if event.need_rescan() {
            self.changed.insert(self.sources.dir().to_owned(), false);
        }
        if !is_change(event.kind) {
            return;
        }
        let is_new = matches!(event.kind, EventKind::Create(_));
        for path in event.paths {
            if !self.sources.includes(&path) {
                continue;
            }
            let may_be_directory =
                is_new || matches!(event.kind, EventKind::Modify(ModifyKind::Name(_)));
            if may_be_directory && path.is_dir() && !path.is_symlink() {
                // One that cannot be watched is as one that is ignored: the others still are.
                let _ = self.add(path.clone());
                if path.read_dir().is_ok_and(|mut entries| entries.next().is_none()) {
                    continue;
                }
            }
            self.changed.entry(path).or_insert(is_new);
        }
    }

    /// Watches a directory and those below it, each before it is listed, so that none is missed.
    fn add(&mut self, top: PathBuf) -> Result<(), WatchError> {
        let mut level = vec![top];
        while !level.is_empty() {
            for dir in &level {
                let watched = self.watcher.watch(dir, RecursiveMode::NonRecursive);
                watched.map_err(|error| WatchError::new(dir.clone(), &error))?;
            }
            level = self.sources.directories_in(&level);
        }
        Ok(())
    }

    /// Reports what has changed; a file that came and went has not.
    fn flush(&mut self) {
        let changed = std::mem::take(&mut self.changed).into_iter();
        let changed = changed.filter(|(path, is_new)| !is_new || path.symlink_metadata().is_ok());
        let chosen = self.sources.choose(changed.map(|(path, _)| path).collect());
        if !chosen.is_empty() {
            (self.report)(chosen);
        }
    }
}

/// `true` for everything but reading and changes of permissions.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        EventKind::Modify(ModifyKind::Metadata(kind)) => kind == MetadataKind::WriteTime,
        EventKind::Modify(_) | EventKind::Create(_) | EventKind::Remove(_) | EventKind::Any => true,
        EventKind::Other => false,
    }
}

/// A save is over after this time without an event.
const SETTLE: Duration = Duration::from_millis(120);

/// Files that change for longer are reported in the meantime.
const SETTLE_MAX: Duration = Duration::from_secs(2);

/// The pause between two looks.
const POLL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use notify::NullWatcher;
    use notify::event::{CreateKind, RemoveKind, RenameMode};

    use super::*;

    /// Watches a directory with some files, and returns the reports.
    fn watch(method: Method) -> (tempfile::TempDir, SourceWatcher, Receiver<Vec<PathBuf>>) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("src")).unwrap();
        fs::write(dir.path().join("src/a.rs"), "a").unwrap();
        let (sender, reports) = mpsc::channel();
        let sources = Sources::new(dir.path(), &[], Vec::new());
        let report = move |paths| sender.send(paths).unwrap_or_default();
        let watcher = SourceWatcher::start(sources, method, report).unwrap();
        (dir, watcher, reports)
    }

    /// The next reported paths, up to and including this one.
    #[track_caller]
    fn until(reports: &Receiver<Vec<PathBuf>>, last: &str) -> Vec<PathBuf> {
        let mut seen = Vec::new();
        while !seen.iter().any(|path| path == Path::new(last)) {
            // Nothing takes so long; a watcher that reports nothing is broken.
            seen.extend(reports.recv_timeout(Duration::from_secs(60)).unwrap());
        }
        seen
    }

    #[test]
    fn saves_are_reported_and_reading_is_not() {
        let (dir, _watcher, reports) = watch(Method::System);
        fs::read(dir.path().join("src/a.rs")).unwrap();
        fs::write(dir.path().join(".hidden"), "").unwrap();
        fs::create_dir(dir.path().join("empty")).unwrap();
        fs::write(dir.path().join("b.rs"), "").unwrap();
        assert_eq!(until(&reports, "b.rs"), [Path::new("b.rs")]);
    }

    #[test]
    fn an_atomic_save_is_one_of_its_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.rs"), "new").unwrap();
        let sources = Sources::new(dir.path(), &[], Vec::new());
        let path = |name| sources.dir().join(name);
        let renamed = |mode| EventKind::Modify(ModifyKind::Name(mode));
        let events = [
            Event::new(EventKind::Create(CreateKind::File)).add_path(path("4913")),
            Event::new(renamed(RenameMode::From)).add_path(path("4913")),
            Event::new(renamed(RenameMode::To)).add_path(path("a.rs")),
            Event::new(EventKind::Remove(RemoveKind::File)).add_path(path("gone.rs")),
            Event::new(EventKind::Access(AccessKind::Open(AccessMode::Any))).add_path(path("b")),
        ];
        let mut reported = Vec::new();
        let report = |paths| reported.push(paths);
        let (watcher, changed) = (Box::new(NullWatcher), BTreeMap::new());
        let mut collector = Collector { watcher, sources, changed, report };
        events.into_iter().for_each(|event| collector.handle(Ok(event)));
        collector.flush();
        collector.flush();
        assert_eq!(reported, [[Path::new("a.rs"), Path::new("gone.rs")]]);
    }

    #[test]
    fn directories_that_appear_are_watched_too() {
        let (dir, _watcher, reports) = watch(Method::System);
        fs::create_dir_all(dir.path().join("new/deep")).unwrap();
        fs::write(dir.path().join("new/deep/c.rs"), "").unwrap();
        // The file may be older than the watch, but then its directory is reported.
        let first = reports.recv_timeout(Duration::from_secs(60)).unwrap();
        assert!(first.iter().all(|path| path.starts_with("new")), "{first:?}");
        fs::write(dir.path().join("new/deep/d.rs"), "").unwrap();
        until(&reports, "new/deep/d.rs");
    }

    #[test]
    fn without_the_system_files_are_compared() {
        let (dir, _watcher, reports) = watch(Method::Poll);
        fs::write(dir.path().join("src/a.rs"), "b").unwrap();
        until(&reports, "src/a.rs");
    }
}
