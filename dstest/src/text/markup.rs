//! Markup of pages for browsers.
//!
//! Invariant: markup is in the sources of dstest, or drawn by pretty. Everything else, such as names of
//! tests and lines of logs, gets into a page as text alone: there is no other way.

use std::fmt::Display;

use pretty::Diagram;

use super::sink;

/// A page, or a part of one.
#[derive(Debug, Default)]
pub(crate) struct Markup {
    text: String,
}

impl Markup {
    /// Adds markup.
    pub(crate) fn add(&mut self, markup: &'static str) {
        self.text.push_str(markup);
    }

    /// Adds markup with a text in each gap (`{}`), which is between tags or in double quotes.
    ///
    /// # Panics
    /// If there are more gaps than texts, or fewer.
    pub(crate) fn put(&mut self, markup: &'static str, texts: &[&dyn Display]) {
        let gaps = markup.matches("{}").count();
        assert_eq!(gaps, texts.len(), "texts for the gaps of {markup}");
        let mut parts = markup.split("{}");
        self.text.push_str(parts.next().unwrap_or_default());
        for (part, text) in parts.zip(texts) {
            self.text.push_str(&sink::xml(&text.to_string()));
            self.text.push_str(part);
        }
    }

    /// Adds a diagram with its own style, which reaches nothing outside of it.
    pub(crate) fn diagram(&mut self, diagram: &Diagram, title: &str) {
        self.add("<div><template shadowrootmode=\"open\"><style>@media print{svg{max-width:100%;height:auto}}</style>");
        self.text.push_str(&diagram.svg(title));
        self.add("</template></div>");
    }

    /// The page.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// The bytes so far.
    pub(crate) const fn len(&self) -> usize {
        self.text.len()
    }
}
