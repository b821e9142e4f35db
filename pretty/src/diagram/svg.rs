//! Scene → SVG: one file without links, readable on light and on dark ground.

use std::fmt::Write as _;

use crate::diagram::layout::{Band, Label, Line, LineEnd, Place, ROW, Row, Scene};
use crate::diagram::model::{Diagram, End, Outcome, PeerState, Presence, Role, Step, StepPlace};
use crate::style::color::Rgb;
use crate::style::theme::{Background, Theme};
use crate::style::topic::OTHER;
use crate::text::markup::Escaped;
use crate::text::safe_text;

impl Diagram {
    /// The diagram as the text of an SVG file.
    #[must_use]
    pub fn svg(&self, title: &str) -> String {
        let scene = Scene::of(self);
        let (width, height) = (scene.width, scene.height);
        let title = safe_text(title.as_bytes());
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{}</title>\n",
            Escaped(&title)
        );
        // Writing to a string cannot fail.
        let _ = Picture { diagram: self, scene: &scene, svg: &mut svg }.write(&title);
        svg
    }
}

/// A picture as it is written.
struct Picture<'a> {
    diagram: &'a Diagram,
    scene: &'a Scene,
    svg: &'a mut String,
}

impl Picture<'_> {
    fn write(mut self, title: &str) -> std::fmt::Result {
        self.style()?;
        let Scene { width, height, .. } = *self.scene;
        writeln!(self.svg, "<rect class=\"back\" width=\"{width}\" height=\"{height}\"/>")?;
        writeln!(self.svg, "<text class=\"title\" x=\"12\" y=\"16\">{}</text>", Escaped(title))?;
        self.lifelines()?;
        for line in &self.scene.arrows {
            self.message(line)?;
        }
        for (step, row) in self.diagram.steps.iter().zip(&self.scene.rows) {
            self.step(step, row)?;
        }
        self.legend()?;
        writeln!(self.svg, "</svg>")
    }

    /// Colours as variables, for both grounds.
    fn style(&mut self) -> std::fmt::Result {
        let palette = &self.diagram.palette;
        let theme = |background| Theme::with_palette(background, palette.clone());
        writeln!(self.svg, "<style>")?;
        for background in [Background::Light, Background::Dark] {
            let (theme, open, close) = match background {
                Background::Light => (theme(background), "", ""),
                Background::Dark => {
                    (theme(background), "@media (prefers-color-scheme: dark) { ", " }")
                }
            };
            let Theme { background: back, title: text, time: dim, line, good, bad, .. } = &theme;
            let all = [("back", back), ("text", text), ("dim", dim), ("line", line)];
            let all = all.into_iter().chain([("good", good), ("bad", bad)]);
            let mut names: String =
                all.map(|(name, color)| format!("--{name}:{};", css(*color))).collect();
            for (number, color) in self.topics().iter().map(|topic| theme.topic(topic)).enumerate()
            {
                write!(names, "--t{number}:{};", css(color))?;
            }
            for (number, topic) in OTHER.iter().enumerate() {
                let color = match background {
                    Background::Light => topic.light,
                    Background::Dark => topic.dark,
                };
                write!(names, "--e{number}:{};", css(color))?;
            }
            writeln!(self.svg, "{open}svg{{{names}}}{close}")?;
        }
        writeln!(self.svg, "{STYLE}</style>")
    }

    /// The topics that occur, each once.
    fn topics(&self) -> Vec<&[u8]> {
        let mut topics: Vec<&[u8]> = self.diagram.steps.iter().map(|step| &*step.topic).collect();
        topics.sort_unstable();
        topics.dedup();
        topics
    }

    fn topic_number(&self, topic: &[u8]) -> usize {
        self.topics().binary_search(&topic).unwrap_or(0)
    }

    fn lifelines(&mut self) -> std::fmt::Result {
        for (label, x) in self.scene.names.iter().zip(&self.scene.lifelines) {
            self.label(label, "name", "")?;
            let (top, bottom) = (self.scene.top, self.scene.bottom);
            writeln!(self.svg, "<path class=\"life\" d=\"M{x} {top}V{bottom}\"/>")?;
        }
        for band in &self.scene.bands {
            self.band(band)?;
        }
        for (band, label) in &self.scene.signs {
            let color = format!(" style=\"fill:{}\"", term_color(band.state));
            self.label(label, "sign", &color)?;
        }
        Ok(())
    }

    fn band(&mut self, band: &Band) -> std::fmt::Result {
        // Of a peer that is down or cut off the dotted line is left.
        if band.state.presence == Presence::Away {
            return Ok(());
        }
        let Some(width) = band_width(band.state.role) else { return Ok(()) };
        let (x, height) = (self.scene.lifelines[band.peer] - width / 2, band.to - band.from);
        let (y, color) = (band.from, term_color(band.state));
        let class = if band.state.role == Role::Candidate { " class=\"candidate\"" } else { "" };
        let name = describe(band.state);
        writeln!(
            self.svg,
            "<rect{class} x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
             style=\"fill:{color};stroke:{color}\"><title>{}</title></rect>",
            Escaped(&name)
        )
    }

    fn message(&mut self, line: &Line) -> std::fmt::Result {
        let arrow = &self.diagram.arrows[line.arrow];
        let ((x1, y1), (x2, y2)) = (line.from, line.to);
        let names = &self.diagram.peers;
        let (from, to) = (&names[arrow.from], &names[arrow.to]);
        let outcome = match (&arrow.sent, &arrow.received) {
            (_, End::Lost(why)) if why.is_empty() => ": lost".to_owned(),
            (_, End::Lost(why)) => format!(": lost, {why}"),
            (_, End::Unknown) => ": no line about its receipt".to_owned(),
            (_, End::Elsewhere) => ": received outside of the diagram".to_owned(),
            (End::Unknown, End::Step(_)) => ": no line about its sending".to_owned(),
            (End::Elsewhere, End::Step(_)) => ": sent outside of the diagram".to_owned(),
            (End::Step(_) | End::Lost(_), End::Step(_)) => String::new(),
        };
        let class = match line.end {
            LineEnd::Arrow if arrow.is_answer => "answer",
            LineEnd::Arrow => "message",
            LineEnd::Cross => "lost",
            LineEnd::Outside | LineEnd::Open => "open",
        };
        let title = format!("{} {from} → {to}{outcome}", arrow.kind);
        writeln!(
            self.svg,
            "<g class=\"{class}\"><title>{}</title><path d=\"M{x1} {y1}L{x2} {y2}\"/>{}</g>",
            Escaped(&title),
            line_end(line)
        )
    }

    fn step(&mut self, step: &Step, row: &Row) -> std::fmt::Result {
        if let Some(time) = &row.time {
            self.label(time, "time", "")?;
        }
        let class = match step.place {
            StepPlace::Peer(peer) => {
                let color = format!("var(--t{})", self.topic_number(&step.topic));
                writeln!(
                    self.svg,
                    "<circle cx=\"{}\" cy=\"{}\" r=\"3.5\" style=\"fill:{color}\"/>",
                    self.scene.lifelines[peer], row.y
                )?;
                "text"
            }
            StepPlace::Across => "across",
            StepPlace::Result(outcome) => {
                let class = match outcome {
                    Outcome::Neutral => "result",
                    Outcome::Good => "result good",
                    Outcome::Bad => "result bad",
                };
                let Place { x, y, width, height } = row.label.place;
                writeln!(
                    self.svg,
                    "<rect class=\"{class}\" x=\"{}\" y=\"{y}\" width=\"{width}\" \
                     height=\"{height}\"/>",
                    x - 4
                )?;
                class
            }
        };
        let color = match step.place {
            StepPlace::Peer(_) | StepPlace::Across => {
                format!(" style=\"fill:var(--t{})\"", self.topic_number(&step.topic))
            }
            StepPlace::Result(_) => String::new(),
        };
        writeln!(self.svg, "<g><title>{}</title>", Escaped(&step.whole))?;
        self.label(&row.label, class, &color)?;
        writeln!(self.svg, "</g>")
    }

    fn label(&mut self, label: &Label, class: &str, color: &str) -> std::fmt::Result {
        let Label { text, place } = label;
        let (x, y) = match class {
            "time" | "sign" => (place.x + place.width, place.y + place.height - 4),
            _ => (place.x, place.y + place.height - 4),
        };
        writeln!(
            self.svg,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\"{color}>{}</text>",
            Escaped(text)
        )
    }

    /// The meaning of the signs, below.
    fn legend(&mut self) -> std::fmt::Result {
        let y = self.scene.bottom + 2 * ROW;
        let mut x = 12;
        for (role, name) in [
            (Role::Leader, "leader"),
            (Role::Candidate, "candidate"),
            (Role::Follower, "follower"),
            (Role::Other, "role not known"),
        ] {
            let width = band_width(role).unwrap_or(1);
            let class = match role {
                Role::Candidate => " class=\"candidate\"",
                Role::Other => " class=\"unknown\"",
                Role::Leader | Role::Follower => "",
            };
            writeln!(
                self.svg,
                "<rect{class} x=\"{}\" y=\"{}\" width=\"{width}\" height=\"12\" \
                 style=\"fill:var(--dim);stroke:var(--dim)\"/><text class=\"dim\" x=\"{}\" y=\"{y}\">{name}</text>",
                x + 4 - width / 2,
                y - 10,
                x + 12
            )?;
            x += 28 + i32::try_from(name.len()).unwrap_or(0) * 7;
        }
        writeln!(
            self.svg,
            "<g class=\"lost\"><path d=\"M{} {}h18\"/><path d=\"M{} {}l8 8m-8 0l8 -8\"/></g>\
             <text class=\"dim\" x=\"{}\" y=\"{y}\">lost</text>\
             <text class=\"dim\" x=\"{}\" y=\"{y}\">L3: leader of term 3; each term has a colour</text>",
            x,
            y - 4,
            x + 14,
            y - 8,
            x + 28,
            x + 72
        )
    }
}

/// An arrow's head, or a cross.
fn line_end(line: &Line) -> String {
    let (x, y) = line.to;
    match line.end {
        LineEnd::Cross => format!("<path d=\"M{} {}l8 8m-8 0l8 -8\"/>", x - 4, y - 4),
        LineEnd::Open => format!("<circle class=\"end\" cx=\"{x}\" cy=\"{y}\" r=\"2.5\"/>"),
        LineEnd::Arrow | LineEnd::Outside => {
            let (dx, dy) = (f64::from(x - line.from.0), f64::from(y - line.from.1));
            let length = dx.hypot(dy).max(1.0);
            let (ux, uy) = (dx / length, dy / length);
            let corner = |side: f64| {
                let (back, out) = (8.0, 3.5 * side);
                let (x, y) = (f64::from(x), f64::from(y));
                format!("{:.1} {:.1}", x - ux * back - uy * out, y - uy * back + ux * out)
            };
            format!("<path class=\"head\" d=\"M{x} {y}L{}L{}Z\"/>", corner(1.0), corner(-1.0))
        }
    }
}

/// The width of a band; none for a role that is not known.
fn band_width(role: Role) -> Option<i32> {
    match role {
        Role::Other => None,
        Role::Follower => Some(3),
        Role::Candidate => Some(6),
        Role::Leader => Some(8),
    }
}

fn term_color(state: PeerState) -> String {
    state.term.map_or_else(
        || "var(--dim)".to_owned(),
        |term| format!("var(--e{})", term % OTHER.len() as u64),
    )
}

/// `leader, term 3`.
fn describe(state: PeerState) -> String {
    let role = state.role.name();
    state.term.map_or_else(|| role.to_owned(), |term| format!("{role}, term {term}"))
}

fn css(color: Rgb) -> String {
    format!("#{:02x}{:02x}{:02x}", color.0, color.1, color.2)
}

const STYLE: &str = "\
text{font:11px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:var(--text);white-space:pre;\
paint-order:stroke;stroke:var(--back);stroke-width:3px;stroke-linejoin:round}
.back{fill:var(--back)}
.title{font-weight:bold}
.name{font-weight:bold;font-size:13px}
.time{fill:var(--dim);text-anchor:end}
.dim{fill:var(--dim)}
.sign{text-anchor:end;font-weight:bold}
.life{stroke:var(--line);stroke-dasharray:2 3}
rect{stroke-width:0}
.candidate{fill-opacity:.25;stroke-width:1.5}
.unknown{opacity:.5}
.message path,.answer path,.open path,.lost path{fill:none;stroke:var(--dim);stroke-width:1.2}
.answer path{stroke-dasharray:4 3}
.open path{stroke-dasharray:1 3}
.lost path{stroke:var(--bad);stroke-width:1.6}
.head{fill:var(--dim)!important;stroke:none!important}
.end{fill:var(--back);stroke:var(--dim)}
circle{stroke:var(--back);stroke-width:1}
rect.result{fill:var(--line);opacity:.25}
rect.bad{fill:var(--bad)}
rect.good{fill:var(--good)}
text.result{font-weight:bold}
text.bad{fill:var(--bad)}
text.good{fill:var(--good)}
";
