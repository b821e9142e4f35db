//! The layout: a pure function from the widths of fields to columns of the screen.
//!
//! ```text
//! time topic│peer 0      │peer 1      │peer 2
//! ```

/// The fields a layout has to hold, in columns of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Width of the widest time; 0 without a time column.
    pub time: usize,
    /// Width of the widest topic; 0 without a topic column.
    pub topic: usize,
    /// Width of the widest peer name.
    pub peer: usize,
    /// The number of peers.
    pub peers: usize,
}

/// A layout. Invariant: no row of any shape is wider than `width`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Columns of the screen.
    pub width: usize,
    /// Width of the time column; 0 if it is hidden.
    pub time: usize,
    /// Width of the topic column; 0 if there is none.
    pub topic: usize,
    /// The arrangement of peers.
    pub shape: Shape,
}

/// The arrangement of peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Side by side, with these widths, each behind a line of one column.
    Columns(Vec<usize>),
    /// All in one column, behind a column of this width with the peer's name.
    Tagged(usize),
    /// Too narrow even for that: time, topic and peer come before the text and wrap with it.
    Stacked,
}

impl Layout {
    /// The narrowest column a peer gets.
    pub const CELL_MIN: usize = 10;
    /// The widest topic that gets the topic column; wider ones come before their text.
    pub const TOPIC_MAX: usize = 12;
    /// The widest peer name that gets the tag column; wider ones come before their text.
    pub const TAG_MAX: usize = 16;

    /// The best layout for a screen of `width` columns.
    ///
    /// ```
    /// use pretty::{Columns, Layout, Shape};
    /// let columns = Columns { time: 6, topic: 4, peer: 1, peers: 3 };
    /// assert_eq!(Layout::new(80, columns).shape, Shape::Columns(vec![22, 22, 22]));
    /// assert_eq!(Layout::new(40, columns).shape, Shape::Tagged(1));
    /// assert_eq!(Layout::new(20, columns).shape, Shape::Stacked);
    /// ```
    #[must_use]
    pub fn new(width: usize, columns: Columns) -> Self {
        let topic = columns.topic.min(Self::TOPIC_MAX);
        let mut layout = Self { width, time: columns.time, topic, shape: Shape::Stacked };
        layout.shape = layout.shape_for(columns);
        layout
    }

    /// The width at which `columns` get side by side.
    #[must_use]
    pub fn width_needed(columns: Columns) -> usize {
        let margin = margin(columns.time, columns.topic.min(Self::TOPIC_MAX));
        margin + columns.peers.max(1) * (1 + Self::CELL_MIN)
    }

    /// Width of the time and topic columns and the blank between them.
    #[must_use]
    pub fn margin(&self) -> usize {
        match self.shape {
            Shape::Columns(_) | Shape::Tagged(_) => margin(self.time, self.topic),
            Shape::Stacked => 0,
        }
    }

    /// Width of a text that belongs to no single peer, or of all texts if peers are tagged.
    #[must_use]
    pub fn text(&self) -> usize {
        match self.shape {
            Shape::Columns(_) => self.width - self.margin() - 1,
            Shape::Tagged(tag) => self.width - self.margin() - 1 - tag - 1,
            Shape::Stacked => self.width,
        }
    }

    fn shape_for(&self, columns: Columns) -> Shape {
        let margin = margin(self.time, self.topic);
        if self.width >= Self::width_needed(columns) {
            let room = self.width - margin - columns.peers;
            return Shape::Columns(shares(room, columns.peers));
        }
        let tag = columns.peer.min(Self::TAG_MAX);
        if margin + 1 + tag + 1 + Self::CELL_MIN <= self.width {
            return Shape::Tagged(tag);
        }
        Shape::Stacked
    }
}

fn margin(time: usize, topic: usize) -> usize {
    let gap = usize::from(time > 0);
    time + gap + topic
}

/// Equal shares of `room`; what is left over widens the first ones.
fn shares(room: usize, count: usize) -> Vec<usize> {
    (0..count).map(|at| room / count + usize::from(at < room % count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fill_the_width() {
        for width in 20..300 {
            for peers in 0..12 {
                let columns = Columns { time: 9, topic: 5, peer: 2, peers };
                let layout = Layout::new(width, columns);
                match &layout.shape {
                    Shape::Columns(cells) => {
                        let used =
                            layout.margin() + cells.iter().map(|cell| 1 + cell).sum::<usize>();
                        assert!(used == width || peers == 0);
                        assert!(cells.iter().all(|cell| *cell >= Layout::CELL_MIN));
                    }
                    Shape::Tagged(_) => assert!(layout.text() >= Layout::CELL_MIN),
                    Shape::Stacked => assert_eq!(layout.text(), width),
                }
            }
        }
    }
}
