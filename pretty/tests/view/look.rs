//! Colours and keys of the view are its owner's choice.

use pretty::view::{
    Action, Chunk, Key, Keys, LogView, MessageAt, MessageRule, Outcome, Rules, StateRule,
};
use pretty::{Background, Depth, Palette, Parser, Rgb, Theme};
use ratatui::style::Color;

use crate::{draw, press, text};

/// A line of every topic with a colour of its own, and of some without.
fn all_topics() -> Vec<u8> {
    let others = "GOSSIP WARN a b c d e f g h".split(' ');
    let lines =
        Theme::known_topics().chain(others).map(|topic| format!("1 | {topic} | 0 | says so\n"));
    (lines.collect::<String>() + "--- FAIL: x\n  ... Passed --\npanic: y\n").into_bytes()
}

fn view(background: Background) -> LogView {
    let mut view = LogView::new(background, Depth::True);
    view.append(Chunk::index(all_topics(), Parser::default()));
    view
}

fn rgb(color: Color) -> Option<Rgb> {
    let Color::Rgb(red, green, blue) = color else {
        return None;
    };
    Some(Rgb(red, green, blue))
}

#[test]
fn every_text_can_be_read_selected_or_not() {
    for background in [Background::Dark, Background::Light] {
        let mut view = view(background);
        let theme = Theme::new(background);
        let mut selected = 0;
        // With the names of the keys of a state.
        press(&mut view, "s");
        for _ in 0..view.len() {
            let buffer = draw(&mut view, 40, 50);
            for cell in buffer.content.iter().filter(|cell| !"─│┊┬▏ ".contains(cell.symbol()))
            {
                let behind = rgb(cell.bg).unwrap_or(theme.background);
                selected += usize::from(behind == theme.selection);
                if let Some(color) = rgb(cell.fg) {
                    let contrast = color.contrast(behind);
                    assert!(contrast >= 4.5, "{background:?} {:?}: {contrast}", cell.symbol());
                }
            }
            press(&mut view, "j");
        }
        assert!(selected > 100, "{selected}");
    }
}

#[test]
fn a_key_changes_to_the_other_background() {
    let mut view = view(Background::Dark);
    let dark = draw(&mut view, 40, 10);
    press(&mut view, "c");
    let light = draw(&mut view, 40, 10);
    assert!(text(&light).contains("colours for a light background"));
    let topic = |buffer: &ratatui::buffer::Buffer| rgb(buffer[(2, 3)].fg);
    assert_eq!(topic(&dark), Some(Theme::new(Background::Dark).topic(b"LEAD")));
    assert_eq!(topic(&light), Some(Theme::new(Background::Light).topic(b"LEAD")));
    press(&mut view, "cj");
    assert_eq!(topic(&draw(&mut view, 40, 10)), topic(&dark));
}

#[test]
fn the_users_colours_and_keys() {
    let mut palette = Palette::default();
    palette.set("lead", Rgb(1, 250, 3), Rgb(0, 50, 0));
    let mut keys = Keys::default();
    keys.bind(Key::parse("p").unwrap(), Some(Action::Down));
    keys.bind(Key::parse("j").unwrap(), None);
    let mut view = view(Background::Dark).with_palette(palette).with_keys(keys);
    assert_eq!(rgb(draw(&mut view, 40, 10)[(2, 3)].fg), Some(Rgb(1, 250, 3)));
    press(&mut view, "pp");
    assert_eq!(view.cursor(), Some(2));
    let unused = ratatui::crossterm::event::KeyCode::Char('j').into();
    assert_eq!(view.press(unused), Outcome::Unused);
    press(&mut view, "c");
    assert_eq!(rgb(draw(&mut view, 40, 10)[(2, 3)].fg), Some(Rgb(0, 50, 0)));
}

#[test]
fn the_users_rules_fill_the_state_and_pair_messages() {
    let state = StateRule::new(r"^now (?<role>\w+) of epoch (?<term>\d+)", [("vote", "me")], false);
    let message = |at, expression| MessageRule::new(at, expression).unwrap();
    let rules = Rules::new(
        vec![state.unwrap()],
        vec![
            message(MessageAt::Sent, r"^-> (?<to>\w+) (?<kind>\w+) #(?<id>\d+)"),
            message(MessageAt::Received, r"^<- (?<from>\w+) (?<kind>\w+) #(?<id>\d+)"),
        ],
    );
    let log = "1 | NET | 0 | now chief of epoch 7\n2 | NET | 0 | -> S1 Ping #5\n\
               3 | NET | 0 | -> S1 Ping #6\n4 | NET | 1 | <- S0 Ping #6\n";
    let chunk = Chunk::index_with(log.as_bytes().to_vec(), Parser::default(), &rules);
    let mut view = LogView::new(Background::Dark, Depth::True).with_rules(rules);
    view.append(chunk);
    press(&mut view, "jjs");
    let screen = text(&draw(&mut view, 90, 24));
    assert!(screen.contains("0  chief      7     me"), "{screen}");
    assert!(screen.contains("Ping 0 → 1  id=6  sent 3, received 4 after 10 ms"), "{screen}");
    press(&mut view, "%");
    assert_eq!(view.cursor(), Some(3));
    press(&mut view, "kk");
    let screen = text(&draw(&mut view, 90, 24));
    assert!(screen.contains("Ping 0 → 1  id=5  never received: LOST?"), "{screen}");
}
