//! The terminal of a full-screen program: taken, lent, and given back, also after a panic.
//!
//! Every program that embeds a [`LogView`](crate::view::LogView) needs the same of it, so it is
//! here once.

use std::io::{self, Write as _, stdout};
use std::panic;
use std::path::Path;
use std::sync::{Mutex, Once, PoisonError};
use std::thread;

use ratatui::crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, enable_raw_mode};
use ratatui::prelude::CrosstermBackend;
use ratatui::{DefaultTerminal, Frame, Terminal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::editor;

/// The whole screen, with its keys and mouse. Dropping it restores the terminal; so does a panic.
#[derive(Debug)]
pub struct Screen {
    terminal: DefaultTerminal,
    mouse: Mouse,
}

/// The receiver of the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mouse {
    View,
    Terminal,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// If it cannot be used.
    pub fn open() -> io::Result<Self> {
        let terminal = ratatui::try_init()?;
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                let _ = execute!(stdout(), DisableMouseCapture);
                before(info);
            }));
        });
        restore_on_signals()?;
        let mut screen = Self { terminal, mouse: Mouse::View };
        screen.use_mouse()?;
        Ok(screen)
    }

    /// Draws a frame.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let _drawing = DRAWING.lock().unwrap_or_else(PoisonError::into_inner);
        self.terminal.draw(render).map(|_| ())
    }

    /// Clears the screen, so that the next frame is drawn as a whole.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn redraw(&mut self) -> io::Result<()> {
        execute!(stdout(), Clear(ClearType::All))?;
        self.forget()
    }

    /// Stops the program as the terminal's own key would; returns when it is continued.
    ///
    /// # Errors
    /// If the terminal cannot be given back or taken again.
    pub fn suspend(&mut self) -> io::Result<()> {
        self.lend(|| emulate_default_handler(SIGTSTP))?
    }

    /// Opens an editor at a line, counted from 1. Errors of the editor are texts for the user.
    ///
    /// # Errors
    /// If the terminal cannot be given back or taken again.
    pub fn edit(&mut self, file: &Path, line: usize) -> io::Result<Result<(), String>> {
        let editor = editor::of_environment(|name| std::env::var(name).ok());
        let mut command = match editor::command(&editor, file, line) {
            Ok(command) => command,
            Err(error) => return Ok(Err(format!("{}: {error}", file.display()))),
        };
        let ended = self.lend(|| command.status())?;
        Ok(ended.map(|_| ()).map_err(|error| format!("{editor}: {error}")))
    }

    /// Asks the terminal to put a text into the clipboard.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let mut out = stdout();
        write!(out, "\x1b]52;c;{}\x1b\\", base64(text.as_bytes()))?;
        out.flush()
    }

    /// Gives the mouse to the terminal, for its own selection, or takes it back; returns a note
    /// about it.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn toggle_mouse(&mut self) -> io::Result<&'static str> {
        let (mouse, note) = match self.mouse {
            Mouse::View => (Mouse::Terminal, "the mouse selects text; M takes it back"),
            Mouse::Terminal => (Mouse::View, "the mouse moves the view"),
        };
        self.mouse = mouse;
        self.use_mouse()?;
        Ok(note)
    }

    fn use_mouse(&mut self) -> io::Result<()> {
        match self.mouse {
            Mouse::View => execute!(stdout(), EnableMouseCapture),
            Mouse::Terminal => execute!(stdout(), DisableMouseCapture),
        }
    }

    /// Gives the terminal back for as long as something runs.
    ///
    /// # Errors
    /// If the terminal cannot be given back or taken again.
    pub fn lend<T>(&mut self, run: impl FnOnce() -> T) -> io::Result<T> {
        restore();
        let result = run();
        enable_raw_mode()?;
        execute!(stdout(), EnterAlternateScreen)?;
        self.use_mouse()?;
        self.forget()?;
        Ok(result)
    }

    /// Forgets the last frame, so that the next one is drawn as a whole. Unlike the terminal's own
    /// way to clear, this needs no answer from it.
    fn forget(&mut self) -> io::Result<()> {
        self.terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Locked while a frame is drawn, so that nothing is drawn once the terminal is given back.
static DRAWING: Mutex<()> = Mutex::new(());

/// Signals that end the program give the terminal back first.
fn restore_on_signals() -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            let _drawing = DRAWING.lock().unwrap_or_else(PoisonError::into_inner);
            restore();
            // Does not return: all of these end a program.
            let _ = emulate_default_handler(signal);
        }
    })?;
    Ok(())
}

/// Restores the terminal as well as possible; there is no way left to report an error.
fn restore() {
    let _ = execute!(stdout(), DisableMouseCapture);
    ratatui::restore();
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = bits >> (18 - 6 * digit) & 63;
            let shown = digit <= group.len();
            text.push(if shown { char::from(DIGITS[value as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read as _;
    use std::os::fd::OwnedFd;
    use std::process::Command;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    /// Run by the test below in a process of its own.
    #[test]
    fn inside_a_process_that_panics() {
        if std::env::var_os(PANICS).is_some() {
            let _screen = Screen::open().expect("a terminal");
            panic!("on purpose");
        }
    }

    const PANICS: &str = "PRETTY_TEST_PANICS";

    #[test]
    fn a_panic_gives_the_terminal_back_and_is_seen() {
        let user: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&user).unwrap();
        unlockpt(&user).unwrap();
        let name = ptsname(&user, Vec::new()).unwrap().into_string().unwrap();
        let terminal = File::options().read(true).write(true).open(name).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "--nocapture"]);
        command.arg("screen::tests::inside_a_process_that_panics");
        command.env(PANICS, "yes").env("TERM", "xterm-256color");
        command.stdin(terminal.try_clone().unwrap());
        command.stdout(terminal.try_clone().unwrap()).stderr(terminal);
        let mut child = command.spawn().unwrap();
        drop(command);
        let (mut user, mut seen) = (File::from(user), Vec::new());
        // Reading from a terminal whose writers are gone is an error.
        let _ = user.read_to_end(&mut seen);
        assert!(!child.wait().unwrap().success());
        let seen = String::from_utf8_lossy(&seen);
        let place = |text: &str| seen.find(text).unwrap_or_else(|| panic!("no {text:?}: {seen:?}"));
        assert!(place("\x1b[?1049h") < place("\x1b[?1049l"), "{seen:?}");
        assert!(place("\x1b[?1000l") < place("on purpose"), "{seen:?}");
        assert!(place("\x1b[?1049l") < place("on purpose"), "{seen:?}");
    }

    #[test]
    fn base64_of_any_length() {
        let coded = ["", "f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes()));
        assert_eq!(coded, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
    }
}
