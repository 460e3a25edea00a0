//! The preamble before the header of a file: a byte order mark, and a line that names the delimiter for Excel.

use std::io::{self, Read};

use crate::dialect::Delimiter;

/// The byte order mark of UTF-8.
const BOM: &[u8] = b"\xEF\xBB\xBF";
/// The start of the line that names the delimiter.
const SEP: &[u8] = b"sep=";

/// Writes the preamble.
pub(crate) fn write(bom: bool, sep_line: bool, delimiter: Delimiter, line_end: &[u8], lines: &mut Vec<u8>) {
    if bom {
        lines.extend_from_slice(BOM);
    }
    if sep_line {
        lines.extend_from_slice(SEP);
        lines.push(delimiter.byte());
        lines.extend_from_slice(line_end);
    }
}

/// Skips the preamble, if the file has one, and gives a reader of the rest.
pub(crate) fn skip<R: Read>(mut file: R) -> io::Result<impl Read> {
    // The longest preamble: the mark, `sep=`, a delimiter, CR and LF.
    let longest = BOM.len() + SEP.len() + 3;
    let mut begin = Vec::with_capacity(longest);
    file.by_ref().take(longest as u64).read_to_end(&mut begin)?;
    let rest = begin.strip_prefix(BOM).unwrap_or(&begin);
    let rest = rest.strip_prefix(SEP).and_then(after_line).unwrap_or(rest);
    let rest = rest.to_vec();
    Ok(io::Cursor::new(rest).chain(file))
}

/// The text after a delimiter and a line end.
fn after_line(text: &[u8]) -> Option<&[u8]> {
    let (_, rest) = text.split_first()?;
    rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preamble_is_skipped_and_nothing_else() {
        for rest in [
            "",
            "a",
            "a,b\r\n1,2\r\n",
            "sepal,b\r\n1,2\r\n",
            "sep=x,y\r\n1,2\r\n",
        ] {
            for bom in [false, true] {
                for sep_line in [None, Some(Delimiter::Comma), Some(Delimiter::Tab)] {
                    let mut text = Vec::new();
                    write(
                        bom,
                        sep_line.is_some(),
                        sep_line.unwrap_or_default(),
                        b"\r\n",
                        &mut text,
                    );
                    text.extend_from_slice(rest.as_bytes());
                    let mut read = String::new();
                    skip(text.as_slice()).unwrap().read_to_string(&mut read).unwrap();
                    assert_eq!(read, rest, "{text:?}");
                }
            }
        }
    }
}
