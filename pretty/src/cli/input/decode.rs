//! Packed and otherwise encoded input → UTF-8, recognised by its first bytes: names may mislead.
//!
//! A pipe is decoded too. Its first bytes are waited for only as long as they may be the beginning
//! of a signature, so that a pipe of plain text never waits.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::os::unix::fs::FileExt as _;

use crate::cli::input::line_reader::Fill;

/// The form of a stream of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// The bytes are those of the log.
    Plain,
    Gzip,
    Zstd,
    /// UTF-8 behind a byte order mark.
    MarkedUtf8,
    Utf16(Endian),
    /// Packed in a way that needs another program: its name, and the command that unpacks it.
    Foreign(&'static str, &'static str),
}

/// The order of the bytes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endian {
    Little,
    Big,
}

/// The first bytes of each encoding; `?` stands for any byte.
const SIGNATURES: [(&[u8], Encoding); 10] = [
    (b"\x1f\x8b", Encoding::Gzip),
    (b"\x28\xb5\x2f\xfd", Encoding::Zstd),
    (b"\xef\xbb\xbf", Encoding::MarkedUtf8),
    (b"\xff\xfe", Encoding::Utf16(Endian::Little)),
    (b"\xfe\xff", Encoding::Utf16(Endian::Big)),
    (b"\xfd7zXZ\0", Encoding::Foreign("xz", "xz -dc")),
    (b"BZh?1AY&SY", Encoding::Foreign("bzip2", "bzip2 -dc")),
    (b"PK\x03\x04", Encoding::Foreign("zip", "unzip -p")),
    (b"7z\xbc\xaf\x27\x1c", Encoding::Foreign("7-Zip", "7z x -so")),
    (b"\x04\x22\x4d\x18", Encoding::Foreign("lz4", "lz4 -dc")),
];

impl Encoding {
    /// The encoding of a file that can be read at any place.
    ///
    /// # Errors
    /// Those of the file.
    pub(crate) fn of_file(file: &File) -> io::Result<Self> {
        let mut head = [0; SIGNATURE_BYTES_MAX];
        let mut filled = 0;
        while filled < head.len() {
            match file.read_at(&mut head[filled..], filled as u64)? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(Self::of(&head[..filled]))
    }

    fn of(head: &[u8]) -> Self {
        let whole = |signature: &[u8]| head.len() >= signature.len() && agrees(signature, head);
        let found = SIGNATURES.iter().find(|(signature, _)| whole(signature));
        found.map_or(Self::Plain, |(_, encoding)| *encoding)
    }
}

/// Tells whether a signature and the bytes so far are alike, as far as both go.
fn agrees(signature: &[u8], head: &[u8]) -> bool {
    signature.iter().zip(head).all(|(wanted, byte)| wanted == byte || *wanted == b'?')
}

/// The longest of [`SIGNATURES`].
const SIGNATURE_BYTES_MAX: usize = 10;

/// A stream of bytes as UTF-8, whatever it is encoded in.
pub(crate) struct Decoder(State);

enum State {
    /// Not a byte has been read.
    New(Box<dyn Read + Send>),
    Open(Box<dyn Read + Send>),
}

impl Decoder {
    pub(crate) fn new(reader: impl Read + Send + 'static) -> Self {
        Self(State::New(Box::new(reader)))
    }
}

impl Read for Decoder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let State::New(reader) = &mut self.0 {
            let reader = std::mem::replace(reader, Box::new(io::empty()));
            self.0 = State::Open(open(reader)?);
        }
        match &mut self.0 {
            State::New(reader) | State::Open(reader) => reader.read(buffer),
        }
    }
}

fn open(mut reader: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let head = read_head(&mut reader)?;
    let encoding = Encoding::of(&head);
    let whole = Cursor::new(head).chain(reader);
    Ok(match encoding {
        Encoding::Plain => Box::new(whole),
        Encoding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(whole)),
        Encoding::Zstd => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(io::BufReader::new(whole));
            Box::new(decoder.map_err(|error| invalid(&error.to_string()))?)
        }
        Encoding::MarkedUtf8 => {
            let mut whole = whole;
            io::copy(&mut whole.by_ref().take(3), &mut io::sink())?;
            Box::new(whole)
        }
        Encoding::Utf16(endian) => Box::new(Utf16::new(whole, endian)),
        Encoding::Foreign(name, unpack) => {
            return Err(invalid(&format!("packed with {name}; unpack it: {unpack} FILE | pretty")));
        }
    })
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// The first bytes, no more of them than can be a signature.
fn read_head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let unfinished = |head: &[u8]| {
        let longer = |signature: &[u8]| signature.len() > head.len() && agrees(signature, head);
        SIGNATURES.iter().any(|(signature, _)| longer(signature))
    };
    while unfinished(&head) {
        let mut more = [0; SIGNATURE_BYTES_MAX];
        match reader.read(&mut more[..SIGNATURE_BYTES_MAX - head.len()]) {
            Ok(0) => break,
            Ok(count) => head.extend_from_slice(&more[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(head)
}

/// UTF-16 → UTF-8; what is not a character becomes U+FFFD.
struct Utf16<R> {
    reader: R,
    endian: Endian,
    /// Bytes that are not a whole unit yet, and a unit that waits for its second half.
    rest: Vec<u8>,
    /// Decoded bytes, and how many of them have been taken.
    decoded: Vec<u8>,
    taken: usize,
}

impl<R: Read> Utf16<R> {
    fn new(reader: R, endian: Endian) -> Self {
        Self { reader, endian, rest: Vec::new(), decoded: Vec::new(), taken: 0 }
    }

    /// Decodes more; at the end of the input nothing is left behind.
    fn fill(&mut self) -> io::Result<Fill> {
        (self.taken, self.decoded) = (0, Vec::new());
        let mut bytes = std::mem::take(&mut self.rest);
        let before = bytes.len();
        bytes.resize(before + UTF16_BYTES, 0);
        let count = self.reader.read(&mut bytes[before..])?;
        bytes.truncate(before + count);
        let unit = |pair: &[u8; 2]| match self.endian {
            Endian::Little => u16::from_le_bytes(*pair),
            Endian::Big => u16::from_be_bytes(*pair),
        };
        let (pairs, odd) = bytes.as_chunks::<2>();
        let mut units: Vec<_> = pairs.iter().map(unit).collect();
        let mut rest = odd.to_vec();
        if count > 0
            && let Some(pair) = pairs.last()
            && (0xd800..0xdc00).contains(&unit(pair))
        {
            units.pop();
            rest = [&pair[..], odd].concat();
        }
        let characters = char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}'));
        let text: String = characters.filter(|character| *character != '\u{feff}').collect();
        self.decoded = text.into_bytes();
        if count > 0 {
            self.rest = rest;
        } else if !rest.is_empty() {
            self.decoded.extend_from_slice("\u{fffd}".as_bytes());
        }
        Ok(if count > 0 { Fill::Some } else { Fill::End })
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.decoded.len() {
            // A unit may come in pieces, and a byte order mark is nothing.
            while self.fill()? == Fill::Some && self.decoded.is_empty() {}
        }
        let count = (&self.decoded[self.taken..]).read(buffer)?;
        self.taken += count;
        Ok(count)
    }
}

const UTF16_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "1 | A | 0 | x\n日本 😀 é\n";

    fn utf16(unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        std::iter::once(0xfeff).chain(TEXT.encode_utf16()).flat_map(unit).collect()
    }

    /// Gives a few bytes for each call, as a slow pipe does.
    struct Slow(Cursor<Vec<u8>>, usize);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(self.1);
            self.0.read(&mut buffer[..count])
        }
    }

    fn decoded(bytes: &[u8], step: usize) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        Decoder::new(Slow(Cursor::new(bytes.to_vec()), step)).read_to_end(&mut all)?;
        Ok(all)
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        io::Write::write_all(&mut gzip, TEXT.as_bytes()).unwrap();
        let fastest = ruzstd::encoding::CompressionLevel::Fastest;
        for bytes in [
            TEXT.as_bytes().to_vec(),
            gzip.finish().unwrap(),
            ruzstd::encoding::compress_to_vec(TEXT.as_bytes(), fastest),
            ["\u{feff}", TEXT].concat().into_bytes(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
        ] {
            for step in [1, 2, 3, 7, 1000] {
                assert_eq!(decoded(&bytes, step).unwrap(), TEXT.as_bytes(), "{step} {bytes:?}");
            }
        }
    }

    #[test]
    fn text_that_begins_like_a_signature_is_text() {
        for text in ["", "(", "(x", "B", "BZ", "BZhang 1", "P", "PK of table", "7", "7zip says"] {
            assert_eq!(decoded(text.as_bytes(), 1).unwrap(), text.as_bytes());
        }
        // Half a character is no reason to fail.
        let odd = decoded(b"\xff\xfeA\0\x3d\xd8x", 1).unwrap();
        assert_eq!(String::from_utf8(odd).unwrap(), "A\u{fffd}\u{fffd}");
    }

    #[test]
    fn what_cannot_be_unpacked_says_how() {
        for (signature, encoding) in SIGNATURES {
            assert!(signature.len() <= SIGNATURE_BYTES_MAX);
            if let Encoding::Foreign(name, command) = encoding {
                let error = decoded(&[signature, b"rest"].concat(), 1000).unwrap_err().to_string();
                assert!(error.contains(name) && error.contains(command), "{error}");
            }
        }
    }
}
