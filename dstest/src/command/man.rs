//! `dstest man`: the manual pages, from the same description as the help.

use std::fs;
use std::io;
use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, roman};

use crate::cli::{Cli, ManArgs};
use crate::error::Error;
use crate::exit::Exit;
use crate::text::console;

/// Prints one page, or writes all of them.
pub(super) fn run(args: &ManArgs) -> Result<Exit, Error> {
    let mut all = Cli::command();
    all.build();
    if let Some(directory) = &args.dir {
        install(&all, directory).map_err(Error::system("write the manual pages"))?;
        return Ok(Exit::Success);
    }
    let wanted = args.command.as_deref();
    let found = wanted.map_or(Some(&all), |name| all.find_subcommand(name));
    let Some(command) = found.filter(|command| !command.is_hide_set()) else {
        let names: Vec<&str> = subcommands(&all).map(clap::Command::get_name).collect();
        return Err(Error::NoCommand {
            name: wanted.unwrap_or_default().to_owned(),
            known: names.join(", "),
        });
    };
    let page = page(command).map_err(Error::system("write the manual page"))?;
    console::print_data(&page);
    Ok(Exit::Success)
}

fn subcommands(all: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    all.get_subcommands().filter(|command| !command.is_hide_set())
}

/// Writes a page for dstest and one for each of its commands, and prints their names.
fn install(all: &clap::Command, directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for command in std::iter::once(all).chain(subcommands(all)) {
        let path = directory.join(format!("{}.1", name(command)));
        fs::write(&path, page(command)?)?;
        console::print(&format!("{}\n", path.display()));
    }
    Ok(())
}

/// `dstest` or `dstest-replay`.
fn name(command: &clap::Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

fn page(command: &clap::Command) -> io::Result<String> {
    let end = command.get_after_long_help().or(command.get_after_help());
    let end = end.map(ToString::to_string).unwrap_or_default();
    let man = Man::new(command.clone()).manual("dstest");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if subcommands(command).next().is_some() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut roff = Roff::new();
    end.split("\n\n").for_each(|block| section(block, &mut roff));
    page.extend(roff.to_roff().into_bytes());
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// A block of the help's end: lines as they are under a title, or a paragraph of its own.
fn section(block: &str, roff: &mut Roff) {
    let text = |line: &str| vec![roman(line)] as Vec<Inline>;
    match block.split_once(":\n") {
        Some((title, lines)) if !title.contains('\n') => {
            roff.control("SH", [title.to_uppercase().as_str()]).control("nf", []);
            lines.lines().for_each(|line| {
                roff.text(text(line));
            });
            roff.control("fi", []);
        }
        Some(_) | None => {
            roff.control("PP", []);
            roff.text(text(block));
        }
    }
}
