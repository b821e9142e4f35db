//! A terminal, with what is on its screen.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::Sandbox;

/// The last title that a program has set, or the last text that it has copied.
#[derive(Default)]
struct Titles(String);

impl vt100::Callbacks for Titles {
    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.0 = String::from_utf8_lossy(title).into_owned();
    }

    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], text: &[u8]) {
        self.0 = String::from_utf8_lossy(text).into_owned();
    }
}

fn screen(rows: NonZeroU16, columns: NonZeroU16) -> vt100::Parser<Titles> {
    vt100::Parser::new_with_callbacks(rows, columns, 0, Titles::default())
}

/// The user's side of a terminal, with what is on its screen.
pub(crate) struct Terminal {
    user: File,
    screen: vt100::Parser<Titles>,
    pub(crate) child: Child,
}

impl Terminal {
    /// Starts dstest in a terminal of this size.
    pub(crate) fn start(sandbox: &Sandbox, args: &[&str], columns: u16, rows: u16) -> Self {
        let user: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&user).unwrap();
        unlockpt(&user).unwrap();
        let name = ptsname(&user, Vec::new()).unwrap().into_string().unwrap();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&user, size).unwrap();
        let program = File::options().read(true).write(true).open(name).unwrap();
        let mut command = sandbox.command(args);
        command.env("TERM", "xterm-256color").stdin(program.try_clone().unwrap());
        command.stdout(program.try_clone().unwrap()).stderr(program);
        let child = command.spawn().unwrap();
        let [rows, columns] = [rows, columns].map(|size| NonZeroU16::new(size).unwrap());
        Self { user: user.into(), screen: screen(rows, columns), child }
    }

    /// Reads until `text` is on the screen; returns the screen.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        self.read_until(text).unwrap_or_else(|screen| panic!("{text:?} is not on it:\n{screen}"))
    }

    /// Reads until `text` is on the screen, or until the program ends; returns whether it is there.
    pub(crate) fn reaches(&mut self, text: &str) -> bool {
        self.read_until(text).is_ok()
    }

    /// Reads until the program ends.
    pub(crate) fn wait_for_end(&mut self) {
        let end = self.read_until("\u{fffe}");
        assert!(end.is_err(), "{end:?}");
        self.child.wait().unwrap();
    }

    /// Returns the screen with `text`, or the last one of a program that has ended.
    fn read_until(&mut self, text: &str) -> Result<String, String> {
        let (mut bytes, mut last, mut changed) = ([0; 4096], String::new(), Instant::now());
        loop {
            let screen = self.screen.screen().contents();
            if screen.contains(text) {
                return Ok(screen);
            }
            if screen != last {
                (last, changed) = (screen, Instant::now());
            }
            assert!(changed.elapsed() < PATIENCE, "{text:?} is not on the screen:\n{last}");
            let mut files = [PollFd::new(&self.user, PollFlags::IN)];
            let patience = Timespec::try_from(PATIENCE).unwrap();
            let ready = poll(&mut files, Some(&patience)).unwrap();
            assert!(ready > 0, "{text:?} is not on the screen:\n{last}");
            // An error, or nothing, once the program has closed its side.
            match self.user.read(&mut bytes) {
                Ok(count @ 1..) => self.screen.process(&bytes[..count]),
                Ok(0) | Err(_) => return Err(last),
            }
        }
    }

    /// The title that a program has given to it.
    pub(crate) fn title(&self) -> &str {
        &self.screen.callbacks().0
    }

    /// Empties the screen.
    pub(crate) fn clear(&mut self) {
        self.screen.process(b"\x1b[2J\x1b[1;1H");
    }

    /// Presses keys, unless the program has ended.
    pub(crate) fn try_press(&mut self, keys: &str) {
        let _ = self.user.write_all(keys.as_bytes());
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.user.write_all(keys.as_bytes()).unwrap();
    }
}

/// A program that draws nothing new for so long has stopped for good.
const PATIENCE: Duration = Duration::from_secs(60);

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended, unless the test has failed.
        let _ = self.child.kill();
    }
}
