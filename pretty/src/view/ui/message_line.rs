//! The selected message in a line of the state pane.

use crate::line::Event;
use crate::meaning::message::Message;
use crate::meaning::message::MessageFate::{Answered, Lost, Received, Sent};
use crate::text::safe_text;
use crate::time::Time;
use crate::view::log_view::LogView;
use crate::view::search::counterpart::Delivery;

impl LogView {
    /// The selected message in a line: sender, receiver, times, duration, loss.
    pub(crate) fn message_line(&self) -> Option<String> {
        let line = self.cursor()?;
        self.store.read_event(line, |event| self.describe(line, event))?
    }

    fn describe(&self, line: usize, event: &Event<'_>) -> Option<String> {
        let message = Message::of(event, &self.rules)?;
        let Message { kind, from, to, id, fate } = message;
        let id = id.map_or_else(String::new, |id| format!("  id={}", safe_text(id)));
        let name = format!("{} {} → {}{id}", safe_text(kind), safe_text(from), safe_text(to));
        let other = self.find_counterpart(line, &message);
        let outcome = match (fate, other) {
            (Lost(why), _) => format!("LOST: {}", safe_text(why)),
            (_, Some((_, Delivery::Lost(why)))) => format!("LOST: {why}"),
            (Sent, Some((other, _))) => self.describe_delivery(line, other, &message),
            (Received, Some((other, _))) => self.describe_delivery(other, line, &message),
            (Answered, Some((received, _))) => {
                let request = Message { fate: Received, ..message };
                let sent = self.find_counterpart(received, &request);
                sent.map(|(sent, _)| self.describe_delivery(sent, received, &message))
                    .unwrap_or_default()
            }
            (Sent, None) => "never received: LOST?".to_owned(),
            (Received, None) => "sending not logged".to_owned(),
            (Answered, None) => "answer to one of several requests".to_owned(),
        };
        Some(format!("{name}  {outcome}"))
    }

    fn describe_delivery(&self, sent: usize, received: usize, message: &Message<'_>) -> String {
        let stamps = self.timestamp(sent).zip(self.timestamp(received));
        let Some(((sent, sent_at), (received_text, received_at))) = stamps else {
            return format!("sent in line {}, received in line {}", sent + 1, received + 1);
        };
        let after = |at: Option<Time>| {
            let took = sent_at.zip(at).map(|(sent, at)| at.since(sent));
            took.map_or_else(String::new, |took| {
                format!(" after {}", format_duration(took.nanos()))
            })
        };
        let answer = self.find_answer(received, message).and_then(|line| self.timestamp(line));
        let answer = answer.map(|(text, at)| format!(", answer {text}{}", after(at)));
        let answer = answer.unwrap_or_default();
        format!("sent {sent}, received {received_text}{}{answer}", after(received_at))
    }

    /// The time of an event, as written and as a point in time.
    fn timestamp(&self, line: usize) -> Option<(String, Option<Time>)> {
        let stamp = |event: &Event<'_>| {
            event.stamp.as_ref().map(|stamp| (safe_text(&stamp.text), stamp.at))
        };
        self.store.read_event(line, stamp)?
    }
}

/// A length of time in the largest unit that keeps it above one.
fn format_duration(nanos: i64) -> String {
    let (divisor, unit) = match nanos.unsigned_abs() {
        0..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let (whole, rest) = (nanos / divisor, (nanos % divisor).unsigned_abs());
    let thousandths = rest * 1000 / divisor.unsigned_abs();
    let fraction = format!(".{thousandths:03}");
    format!("{whole}{} {unit}", fraction.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::format_duration;

    #[test]
    fn durations_read_well() {
        let read = [0, 1_500, 4_207_000, 1_000_000_000, -2_500_000].map(format_duration);
        assert_eq!(read, ["0 µs", "1.5 µs", "4.207 ms", "1 s", "-2.5 ms"]);
    }
}
